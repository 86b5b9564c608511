import pytest
from brownie import reverts

from tests.contracts.conftest import WINDOW
from tests.contracts.errors import error
from tests.contracts.plain import event_of

FILL = (1, 2, *["0x" + "1" * 40] * 2, WINDOW, 1_000, 150_000, 200_000, 100_000, WINDOW)
CALLS = {
    "coverOrder": (0, "0x" + "1" * 40, WINDOW, 1_000, 200_000),
    "releaseOrder": (0, "0x" + "1" * 40, WINDOW, 1_000, 200_000),
    "openClearing": (WINDOW,),
    "setClearing": (WINDOW, True),
    "recordFill": (FILL,),
}


def test_admits_a_venue(market, admin, outsider):
    transaction = market.setVenue(outsider, True, {"from": admin})

    assert event_of(transaction, "VenueSet") == {"venue": outsider.address, "admitted": True}
    assert market.isVenue(outsider)


def test_ends_the_admission(market, auction, admin, buyer):
    market.setVenue(auction, False, {"from": admin})

    assert not market.isVenue(auction)
    with reverts(error("NotVenue", auction)):
        auction.placeOrder.call(0, 1, 200_000, WINDOW, WINDOW * 3600, {"from": buyer})


def test_admits_several_venues(market, auction, venue):
    assert market.isVenue(auction)
    assert market.isVenue(venue)


def test_nobody_else_is_a_venue(market, seller, operator, admin, outsider):
    for somebody in (seller, operator, admin, outsider, market):
        assert not market.isVenue(somebody)


# Access


@pytest.mark.parametrize("somebody", ["operator", "auditor", "treasurer", "seller", "outsider"])
def test_is_the_members(market, request, somebody):
    caller = request.getfixturevalue(somebody)

    with reverts(error("AccessManagedUnauthorized", caller)):
        market.setVenue.call(caller, True, {"from": caller})


@pytest.mark.parametrize("function", CALLS)
@pytest.mark.parametrize("somebody", ["admin", "operator", "seller", "outsider"])
def test_only_a_venue_may_do_what_venues_do(market, request, function, somebody):
    caller = request.getfixturevalue(somebody)

    with reverts(error("NotVenue", caller)):
        getattr(market, function).call(*CALLS[function], {"from": caller})
