from brownie import reverts

from app.market.windows import commit_start, window_start
from tests.contracts.call_auction.conftest import BUY, CLEARED, CLOSED, OPEN, SELL
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import plain

NOBODY = "0x" + "0" * 40


def test_knows_its_market(auction, market):
    assert auction.market() == market


def test_says_its_limits(auction):
    assert auction.MAX_FILLS() == 300
    assert auction.MAX_LIFE() == 168


def test_shows_an_order(auction, sell, seller):
    order_id = sell(1_234, 123_456, window=WINDOW + 7, windows=9)

    assert plain(auction.orderOf(order_id)) == {
        "id": order_id,
        "owner": seller.address,
        "side": SELL,
        "energyWh": 1_234,
        "limitPrice": 123_456,
        "window": WINDOW + 7,
        "lastWindow": WINDOW + 15,
    }


def test_knows_no_order_that_nobody_placed(auction):
    for order_id in (0, 1):
        with reverts(error("OrderUnknown", order_id)):
            auction.orderOf(order_id)


def test_shows_what_is_left(auction, buy, sell, clear):
    bought, sold = buy(3_000, windows=2), sell(1_000)
    clear([bought], [sold])

    assert auction.orderOf(bought)["energyWh"] == 2_000
    with reverts(error("OrderUnknown", sold)):
        auction.orderOf(sold)


def test_shows_many_orders_in_the_order_that_they_are_asked_for(auction, buy, sell):
    first, second = buy(), sell()

    shown = [plain(order) for order in auction.getOrders([second, 99, first, first])]

    assert [order["id"] for order in shown] == [second, 99, first, first]
    assert [order["energyWh"] for order in shown] == [2_000, 0, 2_000, 2_000]
    assert shown[1]["owner"] == NOBODY
    assert [shown[0]["side"], shown[2]["side"]] == [SELL, BUY]
    assert not auction.getOrders([])


def test_shows_a_book_from_its_first_order_to_its_end(buy, sell, book_of):
    assert book_of() == (0, 0, OPEN)
    buy(), sell()

    travel_to(commit_start(WINDOW) - 1)
    assert book_of() == (1, 1, OPEN)
    travel_to(commit_start(WINDOW))
    assert book_of() == (1, 1, CLOSED)
    travel_to(window_start(WINDOW) - 1)
    assert book_of() == (1, 1, CLOSED)
    travel_to(window_start(WINDOW))
    assert book_of() == (0, 0, CLOSED)


def test_shows_a_cleared_book_without_orders(buy, sell, clear, book_of):
    bought, sold = buy(3_000, windows=2), sell(1_000)

    clear([bought], [sold])

    assert book_of() == (0, 0, CLEARED)
    assert book_of(WINDOW + 1) == (1, 0, OPEN)


def test_shows_the_books_of_the_past_and_of_the_future(book_of):
    assert book_of(0) == (0, 0, CLOSED)
    assert book_of(WINDOW + 10_000) == (0, 0, OPEN)
