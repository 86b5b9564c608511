"""When a book is cleared, and what becomes of lists that are not those of the book."""

import pytest
from brownie import reverts

from app.market.windows import commit_start, grace_end, window_end, window_start
from tests.contracts.call_auction.conftest import BUY, CLEARED, CLOSED, SELL
from tests.contracts.conftest import WINDOW, agreement_on, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import events_of

UNKNOWN = 2**200


@pytest.fixture
def book(buy, sell, other_buyer, other_seller):
    """Three buys and three sells, sorted."""
    buys = [buy(1_000, 300_000), buy(1_000, 250_000), buy(1_000, 250_000, by=other_buyer)]
    sells = [sell(500, 100_000), sell(500, 120_000, by=other_seller), sell(500, 120_000)]
    return buys, sells


@pytest.fixture
def refuses(auction, keeper, account_of, book_of, left_of, book, buyer, seller):
    """Refuses lists with an error, and clears the right ones all the same."""

    def state():
        ids = [*book[0], *book[1]]
        return account_of(buyer), account_of(seller), book_of(), left_of(*ids)

    def refuses(buys, sells, refusal):
        travel_to(commit_start(WINDOW))
        before = state()
        with reverts(refusal):
            auction.clear(WINDOW, buys, sells, {"from": keeper})
        assert state() == before
        auction.clear(WINDOW, *book, {"from": keeper})
        assert book_of() == (0, 0, CLEARED)

    return refuses


# Time


def test_clears_from_the_commit_margin_to_the_window(auction, book, keeper):
    refusal = error("CommitPhaseOnly", WINDOW, commit_start(WINDOW), window_start(WINDOW))
    for moment in (commit_start(WINDOW), window_start(WINDOW) - 1):
        travel_to(moment)
        auction.clear.call(WINDOW, *book, {"from": keeper})

    for moment in (commit_start(WINDOW) - 1, window_start(WINDOW)):
        travel_to(moment)
        with reverts(refusal):
            auction.clear.call(WINDOW, *book, {"from": keeper})


def test_refuses_an_impossible_window(auction, keeper):
    with reverts(error("CommitPhaseOnly", 0, 0, 0)):
        auction.clear.call(0, [], [], {"from": keeper})
    last = 2**64 - 1
    with reverts(error("CommitPhaseOnly", last, commit_start(last), window_start(last))):
        auction.clear.call(last, [], [], {"from": keeper})


def test_clears_a_book_once(auction, book, clear, keeper):
    clear(*book)

    for lists in (book, ([], [])):
        with reverts(error("BookIsCleared", WINDOW)):
            auction.clear.call(WINDOW, *lists, {"from": keeper})


def test_refuses_an_empty_book(auction, buy, buyer, keeper):
    auction.cancelOrder(buy(), {"from": buyer})
    travel_to(commit_start(WINDOW))

    with reverts(error("BookEmpty", WINDOW)):
        auction.clear.call(WINDOW, [], [], {"from": keeper})


def test_refuses_to_begin_while_paused(auction, market, book, operator, admin, keeper, book_of):
    market.pause({"from": operator})
    travel_to(commit_start(WINDOW))
    with reverts(error("EnforcedPause")):
        auction.clear.call(WINDOW, *book, {"from": keeper})

    market.unpause({"from": admin})
    auction.clear(WINDOW, *book, {"from": keeper})
    assert book_of() == (0, 0, CLEARED)


def test_anybody_may_clear(auction, book, outsider, book_of):
    travel_to(commit_start(WINDOW))

    auction.clear(WINDOW, *book, {"from": outsider})

    assert book_of() == (0, 0, CLEARED)


def test_a_cleared_book_takes_no_orders(auction, book, clear, buyer):
    clear(*book)

    with reverts(error("WindowClosed", WINDOW, commit_start(WINDOW))):
        auction.placeOrder.call(BUY, 1, 200_000, WINDOW, window_start(WINDOW), {"from": buyer})


def test_waits_for_the_position_of_eight_windows_before(
    market, auction, make_offer, allow, record, keeper, buy, sell, clear, seller, buyer, book_of
):
    """Anybody can close it, so that it can't hold the book up for long."""
    agreement = agreement_on(make_offer(), seller, buyer)
    travel_to(commit_start(WINDOW))
    allow(agreement)
    later = WINDOW + 8
    travel_to(grace_end(WINDOW))
    ids = [buy(window=later)], [sell(window=later)]
    travel_to(commit_start(later))
    with reverts(error("PositionOpen", seller, WINDOW)):
        auction.clear.call(later, *ids, {"from": keeper})

    market.makeTransaction(agreement, {"from": keeper})
    market.closePositions([seller, buyer], WINDOW, {"from": keeper})
    auction.clear(later, *ids, {"from": keeper})
    assert book_of(later) == (0, 0, CLEARED)


# Lists


def test_names_the_first_that_is_out_of_order(refuses, book):
    buys, sells = book
    refuses([buys[1], buys[0], buys[2]], sells, error("OrderMisplaced", BUY, 1, buys[0]))


def test_names_the_first_sell_that_is_out_of_order(refuses, book):
    buys, sells = book
    refuses(buys, [*sells[1:], sells[0]], error("OrderMisplaced", SELL, 2, sells[0]))


def test_equal_limits_are_ordered_by_id(refuses, book):
    buys, sells = book
    refuses([buys[0], buys[2], buys[1]], sells, error("OrderMisplaced", BUY, 2, buys[1]))


def test_equal_sells_are_ordered_by_id(refuses, book):
    buys, sells = book
    refuses(buys, [sells[0], sells[2], sells[1]], error("OrderMisplaced", SELL, 2, sells[1]))


def test_refuses_a_duplicate(refuses, book):
    buys, sells = book
    refuses([buys[0], buys[0], *buys[1:]], sells, error("OrderMisplaced", BUY, 1, buys[0]))


def test_refuses_a_duplicate_in_place_of_another(refuses, book):
    buys, sells = book
    refuses(buys, [*sells[:2], sells[1]], error("OrderMisplaced", SELL, 2, sells[1]))


@pytest.mark.parametrize("number", [0, UNKNOWN])
def test_refuses_an_order_that_nobody_placed(refuses, book, number):
    buys, sells = book
    refuses([*buys[:2], number], sells, error("OrderNotInBook", BUY, 2, number))


def test_refuses_an_order_of_the_other_side(refuses, book):
    buys, sells = book
    refuses([*buys, sells[0]], sells, error("OrderNotInBook", BUY, 3, sells[0]))


def test_refuses_a_buy_among_the_sells(refuses, book):
    buys, sells = book
    refuses(buys, [buys[2], *sells], error("OrderNotInBook", SELL, 0, buys[2]))


def test_refuses_an_order_of_another_book(refuses, book, buy):
    buys, sells = book
    other = buy(window=WINDOW + 1)
    refuses([*buys, other], sells, error("OrderNotInBook", BUY, 3, other))


def test_refuses_a_cancelled_order(auction, refuses, book, buy, buyer):
    buys, sells = book
    cancelled = buy(1, 200_000)
    auction.cancelOrder(cancelled, {"from": buyer})
    refuses([*buys, cancelled], sells, error("OrderNotInBook", BUY, 3, cancelled))


def test_misses_a_buy(refuses, book):
    buys, sells = book
    refuses(buys[:2], sells, error("BookIncomplete", BUY, 2, 3))


def test_misses_a_sell(refuses, book):
    buys, sells = book
    refuses(buys, sells[1:], error("BookIncomplete", SELL, 2, 3))


def test_misses_all(refuses):
    refuses([], [], error("BookIncomplete", BUY, 0, 3))


def test_names_the_first_fault_of_many(refuses, book):
    buys, _ = book
    refuses([buys[2], buys[1], UNKNOWN], [UNKNOWN], error("OrderMisplaced", BUY, 1, buys[1]))


def test_looks_at_the_buys_before_the_sells(refuses, book):
    buys, sells = book
    refuses(buys[1:], [UNKNOWN, *sells], error("BookIncomplete", BUY, 2, 3))


# What nobody cleared


def test_a_book_that_nobody_cleared_trades_nothing(
    auction, market, book, record, keeper, seller, book_of
):
    travel_to(window_end(WINDOW))
    assert book_of() == (0, 0, CLOSED)

    record(seller, 1_000)
    closing = market.closePosition(seller, WINDOW, {"from": keeper})

    assert events_of(closing, "PositionClosed")[0]["netWh"] == 1_000
