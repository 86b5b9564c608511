import pytest
from brownie import reverts

from app.market.windows import MAX_HORIZON, commit_start, window_at
from tests.contracts.call_auction.conftest import BUY, OPEN, SELL, expiry
from tests.contracts.conftest import CEILING, DEPOSIT, FLOOR, NOW, PENALTY, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain

MAX_ENERGY = 2**32 - 1
MAX_LIFE = 168
EXPIRY = expiry(WINDOW)


def test_places_a_buy(auction, account_of, buyer):
    transaction = auction.placeOrder(BUY, 2_000, 200_000, WINDOW, EXPIRY, {"from": buyer})

    assert event_of(transaction, "OrderPlaced") == {
        "orderId": 1,
        "owner": buyer.address,
        "window": WINDOW,
        "side": BUY,
        "energyWh": 2_000,
        "limitPrice": 200_000,
        "expiresAt": EXPIRY,
    }
    assert plain(auction.orderOf(1)) == {
        "id": 1,
        "owner": buyer.address,
        "side": BUY,
        "energyWh": 2_000,
        "limitPrice": 200_000,
        "window": WINDOW,
        "lastWindow": WINDOW,
    }
    assert account_of(buyer) == {"free": DEPOSIT - 400_000, "locked": 400_000, "debt": 0}


def test_places_a_sell(auction, account_of, seller):
    transaction = auction.placeOrder(SELL, 2_000, 100_000, WINDOW, EXPIRY, {"from": seller})

    assert event_of(transaction, "OrderPlaced")["side"] == SELL
    assert plain(auction.orderOf(1))["side"] == SELL
    cover = 2_000 * (CEILING - 100_000 + PENALTY) // 1_000
    assert account_of(seller) == {"free": DEPOSIT - cover, "locked": cover, "debt": 0}


def test_returns_the_id(auction, buy, buyer):
    buy()

    assert auction.placeOrder.call(BUY, 1, FLOOR, WINDOW, EXPIRY, {"from": buyer}) == 2


def test_numbers_the_orders_of_all_books_together(buy, sell):
    assert [buy(), sell(window=WINDOW + 5), buy(window=WINDOW + 1), sell()] == [1, 2, 3, 4]


def test_counts_the_orders_of_a_book(book_of, buy, sell):
    for order in (buy, sell, buy):
        order()
    sell(window=WINDOW + 1)

    assert book_of() == (2, 1, OPEN)
    assert book_of(WINDOW + 1) == (0, 1, OPEN)


@pytest.mark.parametrize(
    ("limit_price", "locked"), [(200_000, 200), (200_001, 201), (200_999, 201), (FLOOR, 80)]
)
def test_covers_every_wh_of_a_buy_rounded_up(account_of, buy, buyer, limit_price, locked):
    buy(7, limit_price)

    assert account_of(buyer)["locked"] == 7 * locked


@pytest.mark.parametrize(
    ("limit_price", "locked"), [(200_000, 170), (199_999, 171), (199_001, 171), (CEILING, 50)]
)
def test_covers_every_wh_of_a_sell_rounded_up(account_of, sell, seller, limit_price, locked):
    sell(7, limit_price)

    assert account_of(seller)["locked"] == 7 * locked


def test_freezes_the_terms(market, buy, operator):
    buy()

    with reverts(error("TermsFrozen", WINDOW)):
        market.publishTerms.call(WINDOW, [(FLOOR, CEILING, PENALTY)], {"from": operator})


# Guards


def test_refuses_no_energy(auction, buyer):
    with reverts(error("EnergyZero")):
        auction.placeOrder.call(BUY, 0, 200_000, WINDOW, EXPIRY, {"from": buyer})


def test_refuses_while_paused(auction, buyer, paused):
    with reverts(error("EnforcedPause")):
        auction.placeOrder.call(BUY, 2_000, 200_000, WINDOW, EXPIRY, {"from": buyer})


def test_refuses_who_takes_no_part(auction, newcomer):
    with reverts(error("NotParticipant", newcomer)):
        auction.placeOrder.call(BUY, 2_000, 200_000, WINDOW, EXPIRY, {"from": newcomer})


def test_refuses_who_has_debt(auction, indebt, buyer):
    debt = indebt(buyer)

    with reverts(error("DebtOutstanding", buyer, debt)):
        auction.placeOrder.call(BUY, 2_000, 200_000, WINDOW, EXPIRY, {"from": buyer})


def test_refuses_a_third_side(auction, buyer):
    with reverts():
        auction.placeOrder.call(2, 2_000, 200_000, WINDOW, EXPIRY, {"from": buyer})


def test_looks_at_its_own_rules_before_the_market_does(auction, outsider, paused):
    with reverts(error("ExpiryTooEarly", 0, commit_start(WINDOW) + 1)):
        auction.placeOrder.call(BUY, 2_000, 1, WINDOW, 0, {"from": outsider})


# Edges


def test_closes_with_the_commit_margin(auction, buyer):
    travel_to(commit_start(WINDOW) - 1)
    auction.placeOrder.call(BUY, 2_000, 200_000, WINDOW, EXPIRY, {"from": buyer})

    travel_to(commit_start(WINDOW))
    with reverts(error("WindowClosed", WINDOW, commit_start(WINDOW))):
        auction.placeOrder.call(BUY, 2_000, 200_000, WINDOW, EXPIRY, {"from": buyer})


def test_refuses_a_window_of_the_past(auction, buyer):
    with reverts(error("WindowClosed", 0, 0)):
        auction.placeOrder.call(BUY, 2_000, 200_000, 0, EXPIRY, {"from": buyer})


def test_reaches_a_week_ahead(auction, buyer):
    last = window_at(NOW) + MAX_HORIZON
    auction.placeOrder.call(BUY, 2_000, 200_000, last, expiry(last), {"from": buyer})

    with reverts(error("WindowTooFar", last + 1, last)):
        auction.placeOrder.call(BUY, 2_000, 200_000, last + 1, EXPIRY, {"from": buyer})


def test_refuses_the_last_window_there_is(auction, buyer):
    last = window_at(NOW) + MAX_HORIZON
    with reverts(error("WindowTooFar", 2**64 - 1, last)):
        auction.placeOrder.call(BUY, 1, 200_000, 2**64 - 1, 2**64 - 1, {"from": buyer})


def test_takes_energy_of_32_bits(auction, market, account_of, seller, publish):
    publish(WINDOW, FLOOR, 100_000, 0)
    auction.placeOrder(SELL, MAX_ENERGY, 100_000, WINDOW, EXPIRY, {"from": seller})

    assert plain(auction.orderOf(1))["energyWh"] == MAX_ENERGY
    assert account_of(seller)["locked"] == 0
    with reverts(error("EnergyTooLarge", MAX_ENERGY + 1, MAX_ENERGY)):
        auction.placeOrder.call(SELL, MAX_ENERGY + 1, 100_000, WINDOW, EXPIRY, {"from": seller})


def test_takes_limits_between_the_grids_prices(auction, buyer):
    for limit_price in (FLOOR, CEILING):
        auction.placeOrder.call(BUY, 2_000, limit_price, WINDOW, EXPIRY, {"from": buyer})

    for limit_price in (FLOOR - 1, CEILING + 1, 2**64 - 1):
        with reverts(error("PriceOutOfRange", limit_price, FLOOR, CEILING)):
            auction.placeOrder.call(BUY, 2_000, limit_price, WINDOW, EXPIRY, {"from": buyer})


def test_lasts_at_least_for_its_own_book(auction, buyer):
    earliest = commit_start(WINDOW) + 1
    auction.placeOrder.call(BUY, 2_000, 200_000, WINDOW, earliest, {"from": buyer})

    with reverts(error("ExpiryTooEarly", earliest - 1, earliest)):
        auction.placeOrder.call(BUY, 2_000, 200_000, WINDOW, earliest - 1, {"from": buyer})


def test_lasts_a_week_longer_at_most(auction, buyer):
    latest = commit_start(WINDOW + MAX_LIFE + 1)
    auction.placeOrder(BUY, 2_000, 200_000, WINDOW, latest, {"from": buyer})

    assert plain(auction.orderOf(1))["lastWindow"] == WINDOW + MAX_LIFE
    for expires_at in (latest + 1, 2**64 - 1):
        with reverts(error("ExpiryTooLate", expires_at, latest)):
            auction.placeOrder.call(BUY, 2_000, 200_000, WINDOW, expires_at, {"from": buyer})


@pytest.mark.parametrize(
    ("expires_at", "last_window"),
    [
        (commit_start(WINDOW + 1), WINDOW),
        (commit_start(WINDOW + 1) + 1, WINDOW + 1),
        (commit_start(WINDOW + 3), WINDOW + 2),
    ],
)
def test_takes_part_in_the_books_that_close_before_it_expires(
    auction, buyer, expires_at, last_window
):
    auction.placeOrder(BUY, 2_000, 200_000, WINDOW, expires_at, {"from": buyer})

    assert plain(auction.orderOf(1))["lastWindow"] == last_window


def test_locks_all_that_is_free_and_no_more(auction, buyer):
    energy_wh = DEPOSIT // 200
    auction.placeOrder.call(BUY, energy_wh, 200_000, WINDOW, EXPIRY, {"from": buyer})

    with reverts(error("FundsInsufficient", buyer, DEPOSIT + 200, DEPOSIT)):
        auction.placeOrder.call(BUY, energy_wh + 1, 200_000, WINDOW, EXPIRY, {"from": buyer})
