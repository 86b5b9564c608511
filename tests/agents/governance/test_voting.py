"""Voting policies: what each says to what the members may be asked."""

import pytest

from app.agents.governance.voting import (
    MOST_LAPSED_WINDOWS,
    ProposalFacts,
    policy_names,
    register,
    voting_policy,
)
from app.errors import ConflictError, ScenarioError
from app.ledger.consortium import ProposedCall, Support
from app.ledger.types import Lapses

VOTER, NEIGHBOUR, STRANGER = ("0x" + digit * 40 for digit in "123")
HOUSEHOLD_ID = bytes(31) + b"\5"

CLEAN = Lapses()
FOR, AGAINST, ABSTAIN = Support.FOR, Support.AGAINST, Support.ABSTAIN
ADMIT_NEIGHBOUR = ProposedCall("Membership", "admit", (NEIGHBOUR, HOUSEHOLD_ID))
ADMIT_STRANGER = ProposedCall("Membership", "admit", (STRANGER, HOUSEHOLD_ID))
EXPEL = ProposedCall("Membership", "expel", (NEIGHBOUR,))
EXPEL_VOTER = ProposedCall("Membership", "expel", (VOTER,))
UNPAUSE = ProposedCall("EnergyMarket", "unpause")
PAUSE = ProposedCall("EnergyMarket", "pause")
LIMITS = ProposedCall("EnergyMarket", "setTermLimits", ((1, 2, 3),))
GRANT = ProposedCall("Authority", "grantRole", (0, STRANGER, 0))
VENUE = ProposedCall("EnergyMarket", "setVenue", (STRANGER, True))
TOKEN = ProposedCall("PaymentToken", "transfer", (STRANGER, 1))
UNKNOWN = ProposedCall(STRANGER, "", (b"\1\2\3\4",))


def facts_of(*calls: ProposedCall, record: Lapses = CLEAN) -> ProposalFacts:
    return ProposalFacts(VOTER, calls, frozenset({NEIGHBOUR}), {NEIGHBOUR: record, VOTER: record})


def vote(name: str, *calls: ProposedCall, record: Lapses = CLEAN) -> Support | None:
    return voting_policy("vote", name)(facts_of(*calls, record=record))


@pytest.mark.parametrize(
    ("call", "welcoming", "cautious"),
    [
        (ADMIT_NEIGHBOUR, FOR, FOR),
        (ADMIT_STRANGER, FOR, AGAINST),
        (EXPEL, AGAINST, AGAINST),
        (UNPAUSE, FOR, FOR),
        (PAUSE, FOR, ABSTAIN),
        (LIMITS, FOR, ABSTAIN),
        (GRANT, ABSTAIN, AGAINST),
        (VENUE, ABSTAIN, AGAINST),
        (TOKEN, ABSTAIN, AGAINST),
        (UNKNOWN, ABSTAIN, AGAINST),
    ],
    ids=lambda value: f"{value.contract}.{value.function}" if hasattr(value, "contract") else None,
)
def test_what_a_policy_says(call: ProposedCall, welcoming: Support, cautious: Support) -> None:
    assert vote("welcoming", call) is welcoming
    assert vote("cautious", call) is cautious
    assert vote("abstaining", call) is ABSTAIN
    assert vote("manual", call) is None


@pytest.mark.parametrize("name", ["welcoming", "cautious"])
@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Lapses(windows=MOST_LAPSED_WINDOWS, shortfall_wh=10**6), AGAINST),
        (Lapses(windows=MOST_LAPSED_WINDOWS + 1, shortfall_wh=1), FOR),
        (Lapses(windows=1, debt=1), FOR),
    ],
)
def test_a_bad_record_is_ground_to_expel(name: str, record: Lapses, expected: Support) -> None:
    assert vote(name, EXPEL, record=record) is expected


@pytest.mark.parametrize("name", ["welcoming", "cautious"])
def test_nobody_votes_for_its_own_expulsion(name: str) -> None:
    assert vote(name, EXPEL_VOTER, record=Lapses(windows=168, debt=10)) is AGAINST


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ((ADMIT_NEIGHBOUR, LIMITS), ABSTAIN),
        ((LIMITS, ADMIT_NEIGHBOUR), ABSTAIN),
        ((ADMIT_NEIGHBOUR, LIMITS, GRANT), AGAINST),
        ((ADMIT_NEIGHBOUR, UNPAUSE), FOR),
        ((), ABSTAIN),
    ],
)
def test_the_worst_call_decides(calls: tuple[ProposedCall, ...], expected: Support) -> None:
    assert vote("cautious", *calls) is expected


def test_an_unknown_policy_is_named_with_its_field() -> None:
    with pytest.raises(ScenarioError) as caught:
        voting_policy("participants.households.H01.vote", "generous")
    assert caught.value.field == "participants.households.H01.vote"
    assert caught.value.hint == "known: abstaining, cautious, manual, welcoming"


def test_a_policy_of_ones_own_can_be_registered_once() -> None:
    with pytest.raises(ConflictError):
        register("cautious", lambda facts: FOR)
    assert policy_names() == ("abstaining", "cautious", "manual", "welcoming")
