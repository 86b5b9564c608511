"""What a participant trades is kept in eight lanes, by window modulo eight."""

import pytest
from brownie import reverts

from app.market.windows import commit_start, grace_end, window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, agreement_on, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import plain

LANES = 8
LATER = WINDOW + LANES


@pytest.fixture
def later_agreement(open_agreement, make_offer, seller, buyer):
    """An agreement eight windows after one that nobody has looked after."""
    agreement = agreement_on(make_offer(window=LATER), seller, buyer)
    travel_to(commit_start(LATER))
    return agreement


def test_a_lane_waits_for_the_sellers_former_position(
    market, open_agreement, later_agreement, sign, keeper, seller, buyer
):
    market.makeTransaction(open_agreement, {"from": keeper})
    market.closePosition(buyer, WINDOW, {"from": keeper})

    with reverts(error("PositionOpen", seller, WINDOW)):
        market.allowTransaction.call(later_agreement, sign(later_agreement), {"from": seller})


def test_a_lane_waits_for_the_buyers_former_position(
    market, open_agreement, later_agreement, sign, keeper, seller, buyer
):
    market.makeTransaction(open_agreement, {"from": keeper})
    market.closePosition(seller, WINDOW, {"from": keeper})

    with reverts(error("PositionOpen", buyer, WINDOW)):
        market.allowTransaction.call(later_agreement, sign(later_agreement), {"from": seller})


def test_anybody_can_free_a_lane(
    market, open_agreement, later_agreement, settle_and_close, allow, seller, buyer
):
    settle_and_close([open_agreement], [seller, buyer])

    allow(later_agreement)

    for party in (seller, buyer):
        assert market.positionOf(party, LATER)["openAgreements"] == 1


def test_a_lane_begins_anew(
    market,
    open_agreement,
    later_agreement,
    settle_and_close,
    allow,
    record,
    keeper,
    account_of,
    seller,
    buyer,
):
    """What was agreed on for the former window does not count against the later one."""
    settle_and_close([open_agreement], [seller, buyer])
    allow(later_agreement)
    travel_to(window_end(LATER))
    record(seller, 2_000, window=LATER)
    record(buyer, 0, 2_000, window=LATER)
    before = account_of(seller)["free"]

    market.makeTransaction(later_agreement, {"from": keeper})

    assert account_of(seller)["free"] == before + 400_000 + 340_000


def test_a_position_is_remembered_until_its_lane_is_used_again(
    market, open_agreement, settle_and_close, make_offer, allow, record, seller, buyer
):
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    settle_and_close([open_agreement], [seller, buyer])
    later = agreement_on(make_offer(window=LATER), seller, buyer)
    travel_to(commit_start(LATER))
    assert plain(market.positionOf(seller, WINDOW)) == {
        "soldWh": 2_000,
        "boughtWh": 0,
        "openAgreements": 0,
        "closed": True,
    }

    allow(later)

    assert plain(market.positionOf(seller, WINDOW)) == {
        "soldWh": 0,
        "boughtWh": 0,
        "openAgreements": 0,
        "closed": True,
    }


def test_a_closed_position_stays_closed_when_its_lane_is_used_again(
    market, open_agreement, later_agreement, settle_and_close, allow, keeper, seller, buyer
):
    settle_and_close([open_agreement], [seller, buyer])
    allow(later_agreement)

    with reverts(error("PositionIsClosed", seller, WINDOW)):
        market.closePosition.call(seller, WINDOW, {"from": keeper})


@pytest.mark.parametrize("ahead", range(1, LANES))
def test_other_lanes_are_free(market, open_agreement, make_offer, sign, seller, buyer, ahead):
    agreement = agreement_on(make_offer(window=WINDOW + ahead), seller, buyer)
    travel_to(commit_start(WINDOW + ahead))

    market.allowTransaction.call(agreement, sign(agreement), {"from": seller})


def test_who_did_not_trade_has_nothing_to_close(
    market, open_agreement, make_offer, sign, other_seller, other_buyer
):
    """Nobody has closed the window of these two: they had no trade in it."""
    agreement = agreement_on(make_offer(window=LATER, by=other_seller), other_seller, other_buyer)
    travel_to(commit_start(LATER))

    market.allowTransaction.call(agreement, sign(agreement), {"from": other_seller})


def test_an_agreement_is_settled_long_after_its_window(
    market, open_agreement, settle_and_close, account_of, seller, buyer
):
    travel_to(grace_end(WINDOW + 10 * LANES))

    settle_and_close([open_agreement], [seller, buyer])

    assert account_of(buyer) == {"free": DEPOSIT + 240_000, "locked": 0, "debt": 0}
