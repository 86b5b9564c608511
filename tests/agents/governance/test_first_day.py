"""The first market hours of a governed street, on a real node: what the members, the treasurers
and the auditors do in them, and that nothing is refused.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.agents.reports import DeadlineMiss, RefusedWrite, WindowReport
from app.chain.keys import household_address
from app.ledger.consortium import Consortium, ProposalState
from app.ledger.types import Receipt, Reserve, Withdrawal, WithdrawalState
from app.market.units import MONEY_UNIT
from app.scenario.scenario import load_scenario
from app.system import ChainOptions, open_chain, open_street
from tests.agents.governance.conftest import ROOT

HOURS = 12
FIRST_MEMBERS = 4

SCENARIO = """
name: five
seed: 7
start: 2016-06-09T04:00:00Z
windows: 24
data: { profiles: summer.csv, households: households.csv, repeat: true }
grid: { ceiling: 0.32, floor: 0.08, penalty: 0.05, time_zone: Europe/Berlin }
participants:
  from: [H01, H06, H07, H11, H13]
  households:
    H01: { pv_scale: 0, vote: manual }
    H13: { vote: welcoming }
negotiation: { rounds: 2, timeout_s: 60 }
"""


@dataclass(frozen=True, slots=True)
class Day:
    """What is left of half a day."""

    reports: list[WindowReport]
    receipts: list[Receipt]
    faults: tuple[tuple[DeadlineMiss, ...], tuple[RefusedWrite, ...]]
    members: list[str]
    state: ProposalState
    proposals: int
    withdrawal: Withdrawal
    reserve: Reserve
    unsettled: int

    def events(self, name: str) -> list[dict[str, object]]:
        found = (event for receipt in self.receipts for event in receipt.events)
        return [dict(event.arguments) for event in found if event.name == name]

    @property
    def notes(self) -> list[str]:
        return [note for report in self.reports for note in report.council]


async def live(folder: Path) -> Day:
    for name in ("summer.csv", "households.csv"):
        (folder / name).write_bytes((ROOT / "data" / "simbench" / name).read_bytes())
    (folder / "five.yaml").write_text(SCENARIO)
    scenario = load_scenario(folder / "five.yaml")
    receipts: list[Receipt] = []
    async with (
        open_chain(ChainOptions(voting="demo"), scenario.opening) as chain,
        open_street(chain, scenario, governed=True) as street,
    ):
        await street.enrol()
        chain.ledger.on_receipt = receipts.append
        first = street.next_window()
        reports = [await street.run_window(window) for window in range(first, first + HOURS)]
        consortium = Consortium(chain.ledger)
        proposals = await consortium.proposals()
        held = [
            await chain.ledger.reading_of(member.account, window)
            for member in street.directory.members
            for window in range(first, first + HOURS - 3)
        ]
        return Day(
            reports=reports,
            receipts=receipts,
            faults=street.take_faults(),
            members=[member.account for member in await consortium.members()],
            state=await consortium.state_of(proposals[0].id),
            proposals=len(proposals),
            withdrawal=await chain.ledger.withdrawal_of(1),
            reserve=await chain.ledger.reserve(),
            unsettled=sum(reading.held for reading in held),
        )


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return asyncio.run(live(tmp_path_factory.mktemp("five")))


def test_nothing_is_refused_or_late(day: Day) -> None:
    assert [fault for report in day.reports for fault in report.refused] == []
    assert [miss for report in day.reports for miss in report.misses] == []
    assert day.faults == ((), ())


def test_the_fifth_household_is_admitted_by_vote(day: Day) -> None:
    newcomer = household_address(FIRST_MEMBERS)
    assert day.members == [household_address(number) for number in range(FIRST_MEMBERS + 1)]
    assert (day.proposals, day.state) == (1, ProposalState.EXECUTED)
    (admitted,) = day.events("MemberAdmitted")
    assert admitted == {"member": newcomer, "householdId": b"H13".ljust(32, b"\0")}
    votes = day.events("VoteCast")
    by_policy = {household_address(number) for number in (1, 2, 3)}
    assert {vote["voter"] for vote in votes} == by_policy  # the owner of H01 votes by hand
    assert {vote["support"] for vote in votes} == {1}


def test_a_deposit_takes_two_treasurers(day: Day) -> None:
    confirmed = day.events("DepositConfirmed")
    assert len(confirmed) == 2
    assert len({each["treasurer"] for each in confirmed}) == 2
    assert {each["amount"] for each in confirmed} == {50 * MONEY_UNIT}
    (deposit,) = [receipt for receipt in day.receipts if receipt.function == "deposit"]
    assert deposit.sender == confirmed[0]["holder"]


def test_a_withdrawal_is_paid_out(day: Day) -> None:
    assert day.withdrawal.state is WithdrawalState.PAID
    assert day.withdrawal.amount == 25 * MONEY_UNIT
    assert len(day.events("PayoutConfirmed")) == 2
    (paid,) = day.events("WithdrawalPaid")
    assert paid["withdrawalId"] == 1
    assert day.reserve.supply <= day.reserve.amount


def test_an_audit_opens_and_ends_and_what_it_held_is_settled(day: Day) -> None:
    (held,) = day.events("ReadingHeld")
    window, owner = held["window"], held["owner"]
    confirmed = day.events("ReadingConfirmed")
    assert {each["window"] for each in confirmed} == {window}
    assert len({each["auditor"] for each in confirmed}) == 2
    assert [each["owner"] for each in day.events("ReadingReleased")] == [owner]
    assert day.unsettled == 0
    closed = [each for each in day.events("PositionClosed") if each["window"] == window]
    assert len(closed) == 5
    waiting = [
        report
        for report in day.reports
        for settled in report.settled
        if settled.window == window and not settled.settlement.is_complete
    ]
    assert len(waiting) == 1


def test_it_says_what_it_does(day: Day) -> None:
    said = "\n".join(day.notes)
    for part in (
        "proposes: Admit H13",
        "execute: Admit H13",
        "brings 50 to the bank",
        "asks for 25 back",
        "treasurer-2 confirms a deposit, the last",
        "treasurer-2 confirms a payout, the last",
        "auditor-1 doubts the reading of",
        "auditor-2 confirms the reading of",
    ):
        assert part in said
