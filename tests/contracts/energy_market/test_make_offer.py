import pytest
from brownie import reverts

from app.market.windows import MAX_HORIZON, commit_start, window_at
from tests.contracts.conftest import CEILING, NOW, WINDOW, travel_to
from tests.contracts.errors import error


def test_offers_energy_for_a_window(market, seller):
    transaction = market.makeOffer(WINDOW, 5_000, 100_000, {"from": seller})

    offer_id = WINDOW << 32
    assert transaction.events["OfferMade"] == {
        "offerId": offer_id,
        "seller": seller,
        "window": WINDOW,
        "energyWh": 5_000,
        "floorPrice": 100_000,
    }
    assert market.offerOf(offer_id) == (offer_id, seller, WINDOW, 5_000, 100_000, 0, False)


def test_refuses_who_takes_no_part(market, outsider):
    with reverts(error("NotParticipant", outsider)):
        market.makeOffer.call(WINDOW, 5_000, 100_000, {"from": outsider})
