from brownie import reverts

from app.market.windows import MAX_HORIZON, commit_start, window_at
from tests.contracts.conftest import CEILING, NOW, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain

MAX_ENERGY = 2**32 - 1


def test_offers_energy_for_a_window(market, seller):
    transaction = market.makeOffer(WINDOW, 5_000, 100_000, {"from": seller})

    offer_id = WINDOW << 32
    assert event_of(transaction, "OfferMade") == {
        "offerId": offer_id,
        "seller": seller.address,
        "window": WINDOW,
        "energyWh": 5_000,
        "floorPrice": 100_000,
    }
    assert plain(market.offerOf(offer_id)) == {
        "id": offer_id,
        "seller": seller.address,
        "window": WINDOW,
        "energyWh": 5_000,
        "floorPrice": 100_000,
        "agreedWh": 0,
        "cancelled": False,
    }


def test_returns_the_id(market, seller, make_offer):
    make_offer()

    assert market.makeOffer.call(WINDOW, 1, 0, {"from": seller}) == (WINDOW << 32) + 1


def test_numbers_the_offers_of_a_window(make_offer, other_seller):
    ids = [make_offer(), make_offer(by=other_seller), make_offer()]

    assert ids == [(WINDOW << 32) + index for index in range(3)]


def test_numbers_every_window_from_zero(make_offer):
    make_offer()

    assert make_offer(window=WINDOW + 1) == (WINDOW + 1) << 32


# Guards


def test_refuses_while_paused(market, seller, paused):
    with reverts(error("EnforcedPause")):
        market.makeOffer.call(WINDOW, 5_000, 100_000, {"from": seller})


def test_refuses_who_takes_no_part(market, newcomer):
    with reverts(error("NotParticipant", newcomer)):
        market.makeOffer.call(WINDOW, 5_000, 100_000, {"from": newcomer})


def test_refuses_who_has_debt(market, seller, indebt):
    debt = indebt(seller)

    with reverts(error("DebtOutstanding", seller, debt)):
        market.makeOffer.call(WINDOW, 5_000, 100_000, {"from": seller})


def test_refuses_no_energy(market, seller):
    with reverts(error("EnergyZero")):
        market.makeOffer.call(WINDOW, 0, 100_000, {"from": seller})


def test_looks_at_the_window_before_the_energy(market, seller):
    travel_to(commit_start(WINDOW))

    with reverts(error("WindowClosed", WINDOW, commit_start(WINDOW))):
        market.makeOffer.call(WINDOW, 0, CEILING + 1, {"from": seller})


# Edges


def test_closes_with_the_commit_margin(market, seller):
    travel_to(commit_start(WINDOW) - 1)
    market.makeOffer.call(WINDOW, 5_000, 100_000, {"from": seller})

    travel_to(commit_start(WINDOW))
    with reverts(error("WindowClosed", WINDOW, commit_start(WINDOW))):
        market.makeOffer.call(WINDOW, 5_000, 100_000, {"from": seller})


def test_refuses_a_window_of_the_past(market, seller):
    with reverts(error("WindowClosed", 0, 0)):
        market.makeOffer.call(0, 5_000, 100_000, {"from": seller})


def test_reaches_a_week_ahead(market, seller):
    last = window_at(NOW) + MAX_HORIZON
    market.makeOffer.call(last, 5_000, 100_000, {"from": seller})

    with reverts(error("WindowTooFar", last + 1, last)):
        market.makeOffer.call(last + 1, 5_000, 100_000, {"from": seller})


def test_takes_energy_of_32_bits(market, seller):
    market.makeOffer.call(WINDOW, MAX_ENERGY, 100_000, {"from": seller})

    with reverts(error("EnergyTooLarge", MAX_ENERGY + 1, MAX_ENERGY)):
        market.makeOffer.call(WINDOW, MAX_ENERGY + 1, 100_000, {"from": seller})


def test_takes_a_floor_price_up_to_the_ceiling(market, seller):
    market.makeOffer.call(WINDOW, 5_000, CEILING, {"from": seller})

    with reverts(error("PriceOutOfRange", CEILING + 1, 0, CEILING)):
        market.makeOffer.call(WINDOW, 5_000, CEILING + 1, {"from": seller})
