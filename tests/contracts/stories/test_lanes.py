"""A seller's sums are kept in four lanes, by window modulo four."""

import pytest
from brownie import reverts

from app.market.windows import commit_start, window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, agreement_on, travel_to
from tests.contracts.errors import error

LATER = WINDOW + 4


@pytest.fixture
def later_agreement(open_agreement, make_offer, seller, buyer):
    """An agreement four windows after one that nobody has settled."""
    agreement = agreement_on(make_offer(window=LATER), seller, buyer)
    travel_to(commit_start(LATER))
    return agreement


def test_a_lane_waits_for_its_former_window(market, later_agreement, sign, seller):
    with reverts(error("SettlementOutstanding", seller, WINDOW)):
        market.allowTransaction.call(later_agreement, sign(later_agreement), {"from": seller})


def test_anybody_can_free_a_lane(market, open_agreement, later_agreement, allow, keeper, seller):
    market.makeTransaction(open_agreement, {"from": keeper})

    allow(later_agreement)

    assert market.positionOf(seller, LATER)["openAgreements"] == 1
    assert market.positionOf(seller, WINDOW)["openAgreements"] == 0


def test_a_lane_begins_anew(
    market, open_agreement, later_agreement, allow, record, keeper, account_of, seller, buyer
):
    """What was sold in the former window does not count against the later one."""
    market.makeTransaction(open_agreement, {"from": keeper})
    allow(later_agreement)
    travel_to(window_end(LATER))
    record(seller, 2_000, window=LATER)
    record(buyer, 0, 2_000, window=LATER)
    before = account_of(seller)["free"]

    market.makeTransaction(later_agreement, {"from": keeper})

    assert account_of(seller)["free"] == before + 400_000 + 340_000


def test_a_freed_lane_keeps_the_former_position(
    market, open_agreement, later_agreement, allow, record, keeper, account_of, seller, buyer
):
    """The former window was settled, but its positions were not closed yet."""
    market.makeTransaction(open_agreement, {"from": keeper})
    allow(later_agreement)

    market.closePositions([seller, buyer], WINDOW, {"from": keeper})

    assert account_of(buyer)["free"] == DEPOSIT + 240_000 - 400_000
    assert account_of(seller)["free"] == DEPOSIT - 340_000 - 340_000


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_other_lanes_are_free(market, open_agreement, make_offer, sign, seller, buyer, ahead):
    agreement = agreement_on(make_offer(window=WINDOW + ahead), seller, buyer)
    travel_to(commit_start(WINDOW + ahead))

    market.allowTransaction.call(agreement, sign(agreement), {"from": seller})


def test_a_buyer_is_not_held_back(market, open_agreement, make_offer, sign, other_seller, buyer):
    """Only what a seller owes is kept in lanes: its buyer may go on with others."""
    agreement = agreement_on(make_offer(window=LATER, by=other_seller), other_seller, buyer)
    travel_to(commit_start(LATER))

    market.allowTransaction.call(agreement, sign(agreement), {"from": other_seller})
