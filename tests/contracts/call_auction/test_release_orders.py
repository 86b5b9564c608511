from brownie import reverts

from app.market.windows import commit_start, window_start
from tests.contracts.conftest import DEPOSIT, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of

RICH = {"free": DEPOSIT, "locked": 0, "debt": 0}


def test_returns_the_covers_of_a_book_that_nobody_cleared(
    auction, buy, sell, outsider, buyer, seller, account_of
):
    ids = [buy(), sell(2_001, windows=2)]
    travel_to(window_start(WINDOW))

    transaction = auction.releaseOrders(ids, {"from": outsider})

    assert events_of(transaction, "OrderExpired") == [
        {"orderId": ids[0], "window": WINDOW, "energyWh": 2_000},
        {"orderId": ids[1], "window": WINDOW + 1, "energyWh": 2_001},
    ]
    assert account_of(buyer) == account_of(seller) == RICH


def test_returns_what_was_carried_to_a_book_that_nobody_cleared(
    auction, buy, sell, clear, outsider, buyer, account_of
):
    order_id = buy(3_000, windows=3)
    clear([order_id], [sell(1_000)])
    travel_to(window_start(WINDOW + 1))

    transaction = auction.releaseOrders([order_id], {"from": outsider})

    assert event_of(transaction, "OrderExpired") == {
        "orderId": order_id,
        "window": WINDOW + 2,
        "energyWh": 2_000,
    }
    assert account_of(buyer) == {"free": DEPOSIT - 150_000, "locked": 150_000, "debt": 0}


def test_passes_over_orders_that_are_gone(auction, buy, outsider, buyer, account_of):
    ids = [buy(), buy()]
    auction.cancelOrder(ids[0], {"from": buyer})
    travel_to(window_start(WINDOW))

    transaction = auction.releaseOrders([0, *ids, *ids, 99], {"from": outsider})

    assert [event["orderId"] for event in events_of(transaction, "OrderExpired")] == [ids[1]]
    assert account_of(buyer) == RICH


def test_goes_on_while_paused(auction, market, buy, operator, outsider, buyer, account_of):
    order_id = buy()
    market.pause({"from": operator})
    travel_to(window_start(WINDOW))

    auction.releaseOrders([order_id], {"from": outsider})

    assert account_of(buyer) == RICH


def test_releases_nothing(auction, outsider):
    assert not auction.releaseOrders([], {"from": outsider}).events


# Edges


def test_waits_until_the_window_begins(auction, buy, outsider):
    order_id = buy()

    for moment in (commit_start(WINDOW) - 1, commit_start(WINDOW), window_start(WINDOW) - 1):
        travel_to(moment)
        with reverts(error("OrderInBook", order_id, WINDOW)):
            auction.releaseOrders.call([order_id], {"from": outsider})

    travel_to(window_start(WINDOW))
    auction.releaseOrders.call([order_id], {"from": outsider})


def test_refuses_an_order_in_the_book_that_it_was_carried_to(auction, buy, clear, outsider):
    order_id = buy(windows=4)
    for window in (WINDOW, WINDOW + 1):
        clear([order_id], window=window)
        with reverts(error("OrderInBook", order_id, window + 1)):
            auction.releaseOrders.call([order_id], {"from": outsider})

    travel_to(window_start(WINDOW + 1))
    with reverts(error("OrderInBook", order_id, WINDOW + 2)):
        auction.releaseOrders.call([order_id], {"from": outsider})

    travel_to(window_start(WINDOW + 2))
    auction.releaseOrders.call([order_id], {"from": outsider})


def test_refuses_an_order_for_a_later_window(auction, buy, outsider):
    order_id = buy(window=WINDOW + 9)
    travel_to(window_start(WINDOW))

    with reverts(error("OrderInBook", order_id, WINDOW + 9)):
        auction.releaseOrders.call([order_id], {"from": outsider})


def test_releases_a_lost_order_also_when_later_books_are_cleared(
    auction, buy, clear, outsider, book_of
):
    lost = buy(windows=4)
    travel_to(window_start(WINDOW))
    other = buy(window=WINDOW + 1, windows=3)
    clear([other], window=WINDOW + 1)

    auction.releaseOrders([lost], {"from": outsider})

    assert book_of(WINDOW + 2)[:2] == (1, 0)
