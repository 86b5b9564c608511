import pytest
from brownie import reverts

from app.market.windows import commit_start, window_start
from tests.contracts.call_auction.conftest import CLOSED, OPEN
from tests.contracts.conftest import DEPOSIT, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of

RICH = {"free": DEPOSIT, "locked": 0, "debt": 0}


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_returns_the_cover(auction, account_of, book_of, request, side):
    order_id = request.getfixturevalue(side)(2_001)
    owner = request.getfixturevalue(f"{side}er")

    transaction = auction.cancelOrder(order_id, {"from": owner})

    assert event_of(transaction, "OrderCancelled") == {
        "orderId": order_id,
        "owner": owner.address,
        "energyWh": 2_001,
    }
    assert account_of(owner) == RICH
    assert book_of() == (0, 0, OPEN)


def test_takes_out_of_the_book_what_was_carried_over(
    auction, buy, sell, clear, buyer, account_of, book_of
):
    order_id, other = buy(3_000, windows=2), sell(1_000)
    clear([order_id], [other])
    assert book_of(WINDOW + 1) == (1, 0, OPEN)

    transaction = auction.cancelOrder(order_id, {"from": buyer})

    assert event_of(transaction, "OrderCancelled")["energyWh"] == 2_000
    assert book_of(WINDOW + 1) == (0, 0, OPEN)
    assert account_of(buyer)["locked"] == 150_000  # an agreement on 1 kWh at 0.15


def test_leaves_other_books_alone(auction, buy, buyer, book_of):
    buy()
    order_id = buy(window=WINDOW + 1)

    auction.cancelOrder(order_id, {"from": buyer})

    assert book_of() == (1, 0, OPEN)
    assert book_of(WINDOW + 1) == (0, 0, OPEN)


def test_pays_a_debt_first(auction, market, payment_token, record, keeper, buy, buyer, account_of):
    """Who has locked its money is in debt for what it consumes meanwhile."""
    order_id = buy(DEPOSIT // 200)
    record(buyer, 0, 1_000, window=WINDOW - 2)
    market.closePosition(buyer, WINDOW - 2, {"from": keeper})
    assert account_of(buyer) == {"free": 0, "locked": DEPOSIT, "debt": 320_000}

    transaction = auction.cancelOrder(order_id, {"from": buyer})

    assert event_of(transaction, "DebtPaid")["amount"] == 320_000
    assert account_of(buyer) == {"free": DEPOSIT - 320_000, "locked": 0, "debt": 0}


def test_goes_on_while_paused(auction, market, buy, operator, buyer, account_of):
    order_id = buy()
    market.pause({"from": operator})

    auction.cancelOrder(order_id, {"from": buyer})

    assert account_of(buyer) == RICH


def test_returns_the_cover_of_an_order_whose_book_nobody_cleared(
    auction, buy, buyer, account_of, book_of
):
    order_id = buy(windows=3)
    travel_to(window_start(WINDOW))
    assert book_of() == (0, 0, CLOSED)
    assert book_of(WINDOW + 1) == (0, 0, OPEN)

    auction.cancelOrder(order_id, {"from": buyer})

    assert account_of(buyer) == RICH
    assert book_of(WINDOW + 1) == (0, 0, OPEN)


def test_does_not_touch_the_books_that_a_lost_order_never_reached(auction, buy, buyer, book_of):
    lost, _ = buy(windows=3), buy(window=WINDOW + 1)
    travel_to(window_start(WINDOW))

    auction.cancelOrder(lost, {"from": buyer})

    assert book_of(WINDOW + 1) == (1, 0, OPEN)


# Guards


def test_refuses_an_order_that_nobody_placed(auction, buyer):
    for order_id in (0, 1, 2**255):
        with reverts(error("OrderUnknown", order_id)):
            auction.cancelOrder.call(order_id, {"from": buyer})


def test_refuses_a_cancelled_order(auction, buy, buyer):
    order_id = buy()
    auction.cancelOrder(order_id, {"from": buyer})

    with reverts(error("OrderUnknown", order_id)):
        auction.cancelOrder.call(order_id, {"from": buyer})


def test_refuses_an_order_that_is_filled(auction, buy, sell, clear, buyer):
    order_id = buy()
    clear([order_id], [sell()])

    with reverts(error("OrderUnknown", order_id)):
        auction.cancelOrder.call(order_id, {"from": buyer})


# Access


@pytest.mark.parametrize("somebody", ["seller", "operator", "admin", "outsider"])
def test_refuses_everybody_but_the_owner(auction, buy, buyer, request, somebody):
    caller = request.getfixturevalue(somebody)
    order_id = buy()

    with reverts(error("NotOwner", caller, buyer)):
        auction.cancelOrder.call(order_id, {"from": caller})


# Edges


def test_stops_with_the_commit_margin_until_the_window_begins(auction, buy, buyer):
    order_id = buy()
    travel_to(commit_start(WINDOW) - 1)
    auction.cancelOrder.call(order_id, {"from": buyer})

    for moment in (commit_start(WINDOW), window_start(WINDOW) - 1):
        travel_to(moment)
        with reverts(error("BookClosed", WINDOW)):
            auction.cancelOrder.call(order_id, {"from": buyer})

    travel_to(window_start(WINDOW))
    auction.cancelOrder.call(order_id, {"from": buyer})


def test_goes_on_as_soon_as_the_book_is_cleared(auction, buy, clear, buyer):
    order_id = buy(windows=2)

    clear([order_id])

    auction.cancelOrder.call(order_id, {"from": buyer})


def test_stops_for_a_carried_order_when_its_new_book_closes(auction, buy, clear, buyer):
    order_id = buy(windows=3)
    clear([order_id])

    travel_to(commit_start(WINDOW + 1))
    with reverts(error("BookClosed", WINDOW + 1)):
        auction.cancelOrder.call(order_id, {"from": buyer})

    travel_to(window_start(WINDOW + 1))
    auction.cancelOrder.call(order_id, {"from": buyer})
