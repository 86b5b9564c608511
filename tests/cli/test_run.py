"""`peerwatt run`: the files that it leaves, the same trades every time, errors in one line."""

import csv
import json
import re
from pathlib import Path

import pytest

from app.config import ROOT
from tests.cli.conftest import CASE_STUDY, PRIVATE_STREET, STREET, RunStreet, peerwatt

FIELDS = {
    "windows",
    "participants",
    "offers",
    "agreements",
    "settled",
    "energy_traded_wh",
    "grid_import_wh",
    "grid_export_wh",
    "self_sufficiency",
    "buyers_saving_vs_grid",
    "sellers_gain_vs_grid",
    "penalties",
    "mean_price",
    "transactions",
    "gas_total",
    "gas_by_function",
    "deadline_misses",
    "wall_seconds",
    "seed",
}


@pytest.mark.parametrize(
    ("scenario", "windows"), [(STREET, 6), (CASE_STUDY, 4)], ids=["negotiation", "auction"]
)
def test_model_and_chain_trade_the_same_to_the_unit(
    run_street: RunStreet, scenario: Path, windows: int
) -> None:
    chain = run_street(scenario, "--windows", windows, name="chain")
    model = run_street(scenario, "--windows", windows, "--ledger", "model", name="model")

    def trades(lines: list[str]) -> list[dict[str, str]]:
        rows = list(csv.DictReader(lines))
        return [{key: row[key] for key in row if key != "agreement_id"} for row in rows]

    found = trades(chain.lines("trades.csv"))
    assert len(found) > 10
    assert sorted(map(str, found)) == sorted(map(str, trades(model.lines("trades.csv"))))
    assert chain.lines("windows.csv") == model.lines("windows.csv")
    costs = {"gas_total", "gas_by_function", "calls_by_function", "transactions", "wall_seconds"}
    for name in chain.summary.keys() - costs - {"ledger"}:
        assert chain.summary[name] == model.summary[name], name
    assert chain.summary["gas_total"] == sum(chain.summary["gas_by_function"].values()) > 0
    assert chain.summary["settled"] == chain.summary["agreements"]
    assert chain.summary["deadline_misses"] == 0
    assert chain.summary["debts"] == 0


def test_a_run_leaves_four_files_that_agree(run_street: RunStreet) -> None:
    run = run_street(STREET, "--windows", 3, "--ledger", "model")
    assert run.summary.keys() >= FIELDS
    assert json.loads((run.folder / "summary.json").read_text()) == run.summary
    windows = list(csv.DictReader(run.lines("windows.csv")))
    trades = list(csv.DictReader(run.lines("trades.csv")))
    assert [row["start"] for row in windows] == [
        "2016-06-09T04:00:00Z",
        "2016-06-09T05:00:00Z",
        "2016-06-09T06:00:00Z",
    ]
    assert len(trades) == run.summary["agreements"] == sum(int(w["agreements"]) for w in windows)
    delivered = sum(int(row["delivered_wh"]) for row in trades)
    assert delivered == run.summary["energy_traded_wh"] == sum(int(w["traded_wh"]) for w in windows)
    for row in trades:
        assert int(row["delivered_wh"]) <= int(row["energy_wh"])
        assert row["seller"] != row["buyer"]
    report = (run.folder / "report.html").read_text()
    assert report.count("<svg") == 2
    assert not re.search(r"""(src|href)=["']?https?:|url\((?!#)""", report), "loads from elsewhere"


def test_an_auction_leaves_its_orders_and_the_papers_figures(run_street: RunStreet) -> None:
    run = run_street(CASE_STUDY, "--windows", 3, "--ledger", "model")
    orders = list(csv.DictReader(run.lines("orders.csv")))
    assert len(orders) == run.summary["orders"] == 3 * 14
    assert {(row["side"], row["strategy"]) for row in orders} == {
        ("sell", "producer"),
        ("buy", "consumer"),
    }
    windows = list(csv.DictReader(run.lines("windows.csv")))
    filled = sum(int(row["filled_wh"]) for row in windows)
    assert filled == run.summary["auction_wh"] == run.summary["energy_traded_wh"]
    assert [int(row["bids"]) + int(row["asks"]) for row in windows] == [14, 14, 14]
    report = (run.folder / "report.html").read_text()
    assert report.count("<svg") == 4
    assert "counterpart of figure 8" in report
    assert "Unlike the paper" in report


def test_another_seed_trades_otherwise(run_street: RunStreet) -> None:
    first = run_street(STREET, "--windows", 3, "--ledger", "model", name="first")
    other = run_street(STREET, "--windows", 3, "--ledger", "model", "--seed", 7, name="other")
    assert other.summary["seed"] == 7
    assert first.lines("trades.csv") != other.lines("trades.csv")


def test_the_scenario_may_name_the_ledger(run_street: RunStreet, tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    text = STREET.read_text().replace("../data", str(ROOT / "data"))
    path.write_text(f"ledger: model\n{text}")

    run = run_street(path, "--windows", 2)

    assert run.summary["ledger"] == "model"
    served = peerwatt("up", path, folder=tmp_path)
    assert served.returncode == 1
    assert "ledger: must be chain" in served.stderr


def test_lines_without_a_terminal_end_in_a_summary(run_street: RunStreet) -> None:
    run = run_street(STREET, "--windows", 2, "--ledger", "model")
    assert "Thu 04:00 UTC" in run.output
    assert "Thu 05:00 UTC" in run.output
    assert "traded between neighbours" in run.output
    assert "report.html" in run.output
    assert "\x1b" not in run.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.yaml"], "nowhere.yaml: must be a readable file"),
        ([STREET, "--windows", 9_000], "windows"),
        ([STREET, "--rpc", "http://127.0.0.1:9"], "Node unavailable"),
    ],
)
def test_an_error_is_one_line_that_names_its_cause(
    tmp_path: Path, words: list[object], said: str
) -> None:
    done = peerwatt("run", *words, folder=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PEERWATT_SPEED=fast\n")
    done = peerwatt("run", STREET, folder=tmp_path)
    assert done.returncode == 1
    assert "speed" in done.stderr
    assert "'fast'" in done.stderr


def test_a_stored_batch_is_proved_against_the_chain(run_street: RunStreet, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run_street(STREET, "--windows", 1, "--data-dir", data)
    (batch,) = (data / "street" / "batches" / "H06").glob("407068.json")
    words = ("verify-batch", "H06", 407068, "--data-dir", data, "--scenario", STREET)

    proved = peerwatt(*words, folder=tmp_path)
    assert proved.returncode == 0, proved.stderr
    assert "is on the chain" in proved.stdout

    text = batch.read_text()
    batch.write_text(text.replace('"load_wh":', '"load_wh":1', 1))
    forged = peerwatt(*words, folder=tmp_path)
    assert forged.returncode == 1
    assert "the hash is 0x" in forged.stdout

    unknown = peerwatt("verify-batch", "H99", 407068, "--data-dir", data, folder=tmp_path)
    assert unknown.returncode == 1
    assert "H99" in unknown.stderr


def test_a_private_run_shows_both_what_anybody_and_what_each_household_sees(
    run_street: RunStreet,
) -> None:
    run = run_street(PRIVATE_STREET, "--windows", 1, "--node", "anvil")

    seen, homes = run.summary["privacy"]["outsider"], run.summary["privacy"]["households"]
    assert "What anybody can see" in run.output
    assert "What each household sees" in run.output
    assert seen["agreements"] == run.summary["agreements"] == len(run.lines("trades.csv")) - 1 > 0
    assert sum(home["sold_wh"] for home in homes.values()) == run.summary["energy_traded_wh"]
    assert sum(home["bought_wh"] for home in homes.values()) == run.summary["energy_traded_wh"]
    assert run.summary["deadline_misses"] == 0


def test_what_is_private_cannot_be_compared(tmp_path: Path) -> None:
    done = peerwatt("compare", PRIVATE_STREET, folder=tmp_path)
    assert done.returncode == 1
    assert "privacy: must be off to compare venues" in done.stderr
