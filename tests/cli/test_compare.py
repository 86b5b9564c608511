"""`peerwatt compare`: the same day in every venue and with every pricing rule."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import STREET, peerwatt

VARIANTS = [
    "negotiation",
    "auction-midpoint",
    "auction-uniform",
    "auction-pay-as-bid",
    "both-midpoint",
]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """The folder that a comparison of five hours has left, its figures and its last words."""
    folder = tmp_path_factory.mktemp("compare")
    words = ("compare", STREET, "--windows", 5, "--ledger", "model", "--json", folder / "all.json")
    done = peerwatt(*words, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (left,) = (folder / "runs").iterdir()
    return left, json.loads((folder / "all.json").read_text()), done.stdout


def test_every_variant_lives_the_same_hours(compared: tuple[Path, dict[str, Any], str]) -> None:
    _, figures, _ = compared
    assert list(figures) == VARIANTS
    for name in ("windows", "seed", "load_wh", "participants", "bill_alone"):
        assert len({figures[variant][name] for variant in VARIANTS}) == 1, name
    for variant in VARIANTS:
        assert figures[variant]["settled"] == figures[variant]["agreements"] > 0
        assert (figures[variant]["refused_writes"], figures[variant]["deadline_misses"]) == (0, 0)


def test_pricing_rules_share_out_the_same_trades(
    compared: tuple[Path, dict[str, Any], str],
) -> None:
    _, figures, _ = compared
    auctions = [figures[name] for name in VARIANTS if name.startswith("auction")]
    assert len({each["auction_wh"] for each in auctions}) == 1
    prices = [each["mean_price"] for each in auctions]
    assert max(prices) == figures["auction-pay-as-bid"]["mean_price"] > min(prices)
    assert [each["pricing_rule"] for each in auctions] == ["midpoint", "uniform", "pay_as_bid"]


def test_welfare_is_what_the_street_saves(compared: tuple[Path, dict[str, Any], str]) -> None:
    _, figures, _ = compared
    for figure in figures.values():
        assert figure["welfare"] == figure["bill_alone"] - figure["bill"] > 0


def test_a_comparison_leaves_one_table_and_one_figure(
    compared: tuple[Path, dict[str, Any], str],
) -> None:
    folder, figures, said = compared
    rows = list(csv.DictReader((folder / "comparison.csv").read_text().splitlines()))
    assert [row["variant"] for row in rows] == VARIANTS
    assert [int(row["welfare"]) for row in rows] == [figures[v]["welfare"] for v in VARIANTS]
    assert json.loads((folder / "comparison.json").read_text()) == figures
    report = (folder / "report.html").read_text()
    assert (report.count("<table"), report.count("<svg")) == (1, 1)
    for variant in VARIANTS:
        assert f'href="{variant}/report.html"' in report
        assert (folder / variant / "report.html").is_file()
        assert variant in said


def test_an_error_is_one_line(tmp_path: Path) -> None:
    done = peerwatt("compare", "nowhere.yaml", "--ledger", "model", folder=tmp_path)
    assert done.returncode == 1
    assert "nowhere.yaml: must be a readable file" in done.stderr
    assert "Traceback" not in done.stderr
