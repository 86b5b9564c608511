from brownie import reverts

from app.market.windows import commit_start
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of


def test_takes_an_offer_back(market, offer, seller):
    transaction = market.cancelOffer(offer, {"from": seller})

    assert event_of(transaction, "OfferCancelled") == {
        "offerId": offer,
        "seller": seller.address,
        "window": WINDOW,
    }
    record = market.offerOf(offer)
    assert record["cancelled"] is True
    assert record["energyWh"] == 0


def test_leaves_other_offers(market, offer, make_offer, seller):
    other = make_offer()

    market.cancelOffer(offer, {"from": seller})

    assert market.offerOf(other)["cancelled"] is False


def test_goes_on_while_paused(market, offer, seller, paused):
    market.cancelOffer.call(offer, {"from": seller})


# Guards


def test_refuses_an_unknown_offer(market, offer, seller):
    with reverts(error("OfferUnknown", offer + 1)):
        market.cancelOffer.call(offer + 1, {"from": seller})


def test_refuses_a_second_time(market, offer, seller):
    market.cancelOffer(offer, {"from": seller})

    with reverts(error("OfferIsCancelled", offer)):
        market.cancelOffer.call(offer, {"from": seller})


# Access


def test_refuses_all_but_the_seller(market, offer, seller, other_seller):
    with reverts(error("NotSeller", other_seller, seller)):
        market.cancelOffer.call(offer, {"from": other_seller})


# Edges


def test_closes_with_the_commit_margin(market, offer, seller):
    travel_to(commit_start(WINDOW) - 1)
    market.cancelOffer.call(offer, {"from": seller})

    travel_to(commit_start(WINDOW))
    with reverts(error("WindowClosed", WINDOW, commit_start(WINDOW))):
        market.cancelOffer.call(offer, {"from": seller})
