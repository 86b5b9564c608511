"""What others see and can do between the first call that clears a book and the last."""

from collections.abc import Iterator
from typing import Any

import pytest
from brownie import chain, reverts

from app.ledger.fills import fill_agreements
from app.ledger.types import AgreementState, BookState, Receipt
from app.market.windows import commit_start, window_end, window_start
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.mirror import ChainBooks, Outcome, ask
from tests.contracts.plain import plain

GAS_LIMIT = 27_000_000
COUNTS = 500, 500


@pytest.fixture(scope="module")
def half_cleared(large_book: Any, go_on: Any) -> Iterator[Outcome]:
    """The first of several calls has been made."""
    snapshot = ask("evm_snapshot")["result"]
    travel_to(commit_start(WINDOW))
    yield go_on()
    ask("evm_revert", snapshot)


@pytest.fixture(autouse=True)
def fn_isolation(half_cleared: Outcome) -> Iterator[None]:
    chain.snapshot()
    yield
    chain.revert()


@pytest.fixture
def book_of(auction):
    return lambda window: tuple(plain(auction.bookOf(window)).values())


@pytest.fixture
def finish(auction, go_on):
    """Calls `clear` until it is done."""

    def finish(**how):
        while auction.bookOf(WINDOW)["state"] == BookState.CLEARING:
            go_on(**how)

    return finish


@pytest.fixture
def place_later(auction, large_book):
    """Places an order for the next window, and tells its id and owner."""

    def place_later():
        owner = large_book.orders[1].owner
        order = (0, 1_000, 80_000, WINDOW + 1, window_start(WINDOW + 1))
        transaction = auction.placeOrder(*order, {"from": owner})
        return transaction.events["OrderPlaced"]["orderId"], owner

    return place_later


def test_shows_nothing_of_the_book(auction, large_book, half_cleared, book_of):
    filled = [event.arguments for event in half_cleared.events if event.name == "OrderFilled"]
    assert len(filled) == auction.MAX_FILLS() - len(large_book.orders) // 15
    ids = {
        "filled": filled[0]["buyId"],
        "filled in part, or next": filled[-1]["sellId"],
        "not looked at": large_book.lists[0][-1],
        "never placed": 10**6,
    }

    assert book_of(WINDOW) == (*COUNTS, BookState.CLEARING)
    for number in ids.values():
        with reverts(error("BookClearing", WINDOW)):
            auction.orderOf(number)
        with reverts(error("BookClearing", WINDOW)):
            auction.getOrders([number])


def test_keeps_its_orders_where_they_are(auction, large_book, keeper):
    number = large_book.lists[0][-1]
    owner = large_book.orders[number].owner

    with reverts(error("BookClearing", WINDOW)):
        auction.cancelOrder.call(number, {"from": owner})
    for moment in (commit_start(WINDOW) + 60, window_start(WINDOW), window_end(WINDOW + 5)):
        travel_to(moment)
        with reverts(error("OrderInBook", number, WINDOW)):
            auction.releaseOrders.call([number], {"from": keeper})


def test_leaves_other_books_as_they_are(auction, place_later, book_of):
    later, owner = place_later()

    assert auction.orderOf(later)["energyWh"] == 1_000
    assert book_of(WINDOW + 1) == (1, 0, BookState.OPEN)
    auction.cancelOrder(later, {"from": owner})
    assert book_of(WINDOW + 1) == (0, 0, BookState.OPEN)


def test_goes_on_with_the_same_lists_alone(auction, large_book, keeper):
    buys, sells = large_book.lists
    others = [
        ([], []),
        (buys, []),
        (buys[300:], sells[300:]),
        ([*buys, sells[0]], sells[1:]),
        (sells, buys),
        ([buys[1], buys[0], *buys[2:]], sells),
    ]
    for lists in others:
        with reverts(error("ListsChanged")):
            auction.clear.call(WINDOW, *lists, {"from": keeper})


def test_settlement_waits_until_somebody_has_gone_on(
    system, auction, market, large_book, half_cleared, finish, operator, outsider, keeper
):
    """Days later, in a pause, by anybody; then what is left is in no book any more."""
    receipt = Receipt("clear", "", events=half_cleared.events)
    agreement = fill_agreements([receipt])[0]
    settling = (
        agreement.offer_id,
        agreement.seller,
        agreement.buyer,
        WINDOW,
        agreement.energy_wh,
        agreement.price,
        0,
        agreement.salt,
    )
    travel_to(window_end(WINDOW + 3))
    for function, arguments in {
        "makeTransaction": (settling,),
        "makeTransactions": ([settling],),
        "closePosition": (agreement.seller, WINDOW),
        "closePositions": ([agreement.buyer], WINDOW),
    }.items():
        with reverts(error("WindowClearing", WINDOW)):
            getattr(market, function).call(*arguments, {"from": keeper})

    market.pause({"from": operator})
    finish(by=outsider)

    market.makeTransaction(settling, {"from": keeper})
    books = ChainBooks(system)
    assert books.state(agreement) is AgreementState.SETTLED
    left = [order.id for order in books.orders(list(large_book.orders))]
    auction.releaseOrders(left[:3], {"from": keeper})
    assert len(books.orders(left)) == len(left) - 3 > 0


def test_no_other_book_is_cleared_meanwhile(
    system, auction, large_book, finish, place_later, keeper, book_of
):
    """What is left goes to the next book, also when that is about to be cleared itself."""
    later, _ = place_later()
    travel_to(commit_start(WINDOW + 1))
    with reverts(error("BookClearing", WINDOW)):
        auction.clear.call(WINDOW + 1, [later], [], {"from": keeper})

    finish()
    left = {order.id for order in ChainBooks(system).orders(list(large_book.orders))}
    buys, sells = ([number for number in ids if number in left] for ids in large_book.lists)
    auction.clear(WINDOW + 1, [*buys, later], sells, {"from": keeper, "gas_limit": GAS_LIMIT})
    assert book_of(WINDOW + 1) == (0, 0, BookState.CLEARED)
