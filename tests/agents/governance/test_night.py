"""A household whose meter sees the sun at night: doubted, asked, corrected, on a real node."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.agents.reports import WindowReport
from app.chain.keys import household_address
from app.ledger.types import EnergyTotals, Receipt
from app.scenario.scenario import load_scenario
from app.system import ChainOptions, open_chain, open_street

HOURS = 4
CHEAT = household_address(1)

SCENARIO = """
name: night
seed: 7
start: 2016-06-08T23:00:00Z
windows: 4
data: { profiles: night.csv }
grid: { ceiling: 0.32, floor: 0.08, penalty: 0.05 }
participants: { default: { deposit: 20 } }
negotiation: { rounds: 2, timeout_s: 60 }
"""


@dataclass(frozen=True, slots=True)
class Night:
    """What is left of a night."""

    reports: list[WindowReport]
    receipts: list[Receipt]
    totals: EnergyTotals
    supply_wh: int

    def events(self, name: str) -> list[Mapping[str, object]]:
        found = (event for receipt in self.receipts for event in receipt.events)
        return [event.arguments for event in found if event.name == name]


async def live(folder: Path) -> Night:
    hours = [f"2016-06-08T{hour:02d}:00:00Z" for hour in range(16, 24)]
    hours += [f"2016-06-09T{hour:02d}:00:00Z" for hour in range(8)]
    rows = [
        f"{time},{household},{load_w},{pv_w}"
        for time in hours
        for household, load_w, pv_w in (("east", 1_500, 0), ("west", 0, 2_000))
    ]
    (folder / "night.csv").write_text("\n".join(["time,household,load_w,pv_w", *rows]))
    (folder / "night.yaml").write_text(SCENARIO)
    scenario = load_scenario(folder / "night.yaml")
    receipts: list[Receipt] = []
    async with (
        open_chain(ChainOptions(voting="demo"), scenario.opening) as chain,
        open_street(chain, scenario, governed=True) as street,
    ):
        await street.enrol()
        chain.ledger.on_receipt = receipts.append
        first = street.next_window()
        reports = [await street.run_window(window) for window in range(first, first + HOURS)]
        await street.finish(first + HOURS - 1)
        balances = [
            await chain.ledger.energy_balance_of(member.account)
            for member in street.directory.members
        ]
        return Night(reports, receipts, await chain.ledger.energy_totals(), sum(balances))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return asyncio.run(live(tmp_path_factory.mktemp("night")))


def test_every_dark_hour_is_held_and_corrected_to_nothing(night: Night) -> None:
    held = night.events("ReadingHeld")
    corrected = night.events("ReadingCorrected")
    assert len(held) == 2  # two hours were metered before the street was left
    assert {each["owner"] for each in held} == {CHEAT}
    assert [each["window"] for each in corrected] == [each["window"] for each in held]
    assert {each["exportedWh"] for each in corrected} == {0}
    assert len(night.events("CorrectionConfirmed")) == 4
    assert night.events("ReadingConfirmed") == []


def test_what_was_sold_in_the_dark_is_not_delivered(night: Night) -> None:
    dark = {each["window"] for each in night.events("ReadingHeld")}
    sold = {trade.agreement_id: trade.window for each in night.reports for trade in each.trades}
    assert set(sold.values()) > dark
    delivered = {
        sold[bytes(each["agreementId"])]: each["deliveredWh"]
        for each in night.events("TransactionMade")
    }
    assert {delivered[window] for window in dark} == {0}
    assert all(amount for window, amount in delivered.items() if window not in dark)


def test_tokens_for_what_never_was_are_gone(night: Night) -> None:
    assert len(night.events("EnergyRetracted")) == 2
    totals = night.totals
    assert night.supply_wh == totals.injected_wh - totals.withdrawn_wh - totals.lost_wh == 0


def test_nothing_is_refused_and_the_log_names_the_rule(night: Night) -> None:
    assert [fault for report in night.reports for fault in report.refused] == []
    said = "\n".join(note for report in night.reports for note in report.council)
    assert "auditor-1 doubts the reading of west: energy-in-the-dark" in said
    assert "auditor-2 corrects the reading of west (energy-in-the-dark)" in said
