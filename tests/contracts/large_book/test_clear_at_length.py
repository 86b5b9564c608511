"""A thousand orders clear over several blocks, to the unit as in the plain clearing."""

from collections import Counter
from dataclasses import replace

from brownie import accounts

from app.ledger.fills import fill_agreements
from app.ledger.types import BookState, Receipt, Side, Terms
from app.market.auction import cover_rate
from app.market.settlement import locks_of
from app.market.windows import commit_start
from tests.contracts.conftest import CEILING, FLOOR, PENALTY, WINDOW, travel_to
from tests.contracts.mirror import ChainBooks

TERMS = Terms(FLOOR, CEILING, PENALTY)


def test_a_thousand_orders_clear_in_blocks_of_thirty_million_gas(
    system, auction, large_book, go_on
):
    books = ChainBooks(system)
    travel_to(commit_start(WINDOW))
    outcomes = [go_on()]
    while books.book(WINDOW).state is BookState.CLEARING:
        outcomes.append(go_on())

    expected = large_book.expected
    names = Counter(event.name for outcome in outcomes for event in outcome.events)
    work = names["OrderFilled"] + names["OrderServed"] + names["OrderExpired"]
    room = auction.MAX_FILLS() - len(large_book.orders) // 15
    assert len(outcomes) == -(-work // room) > 2
    assert told(outcomes, "OrderFilled") == [
        {
            "buyId": fill.buy_id,
            "sellId": fill.sell_id,
            "window": WINDOW,
            "energyWh": fill.quantity_wh,
            "price": fill.price,
        }
        for fill in expected.fills
    ]
    assert told(outcomes, "OrderServed") == [
        {"orderId": order_id, "window": WINDOW, "energyWh": energy_wh}
        for order_id, energy_wh in expected.served.items()
    ]
    assert told(outcomes[:-1], "BookCleared") == []
    assert told(outcomes[-1:], "BookCleared") == [
        {
            "window": WINDOW,
            "rule": 1,
            "tradedWh": sum(fill.quantity_wh for fill in expected.fills),
            "servedWh": sum(expected.served.values()),
            "marginalBuy": expected.marginal_buy,
            "marginalSell": expected.marginal_sell,
            "fills": len(expected.fills),
        }
    ]

    left = books.orders(list(large_book.orders))
    assert left == what_should_be_left(large_book)
    sells = sum(order.side for order in left)
    assert books.book(WINDOW) == replace(books.book(0), state=BookState.CLEARED)
    following = books.book(WINDOW + 1)
    assert (following.buys, following.sells) == (len(left) - sells, sells)
    assert_money_is_accounted_for(books, left, outcomes)


def told(outcomes, name):
    """The arguments of all events of a name."""
    return [
        dict(event.arguments)
        for outcome in outcomes
        for event in outcome.events
        if event.name == name
    ]


def what_should_be_left(large_book):
    """The orders that live on, by id, with what the fills leave of them."""
    taken = Counter(large_book.expected.served)
    for fill in large_book.expected.fills:
        taken[fill.buy_id] += fill.quantity_wh
        taken[fill.sell_id] += fill.quantity_wh
    return [
        replace(order, energy_wh=order.energy_wh - taken[order.id])
        for order in large_book.orders.values()
        if order.energy_wh > taken[order.id] and order.last_window > WINDOW
    ]


def assert_money_is_accounted_for(books, left, outcomes):
    """All money lies in accounts, and what is locked there is covers, escrows and bonds."""
    locked = Counter()
    for order in left:
        locked[order.owner] += order.energy_wh * cover_rate(
            Side(order.side), order.limit_price, TERMS
        )
    receipts = [Receipt("clear", "", events=outcome.events) for outcome in outcomes]
    for agreement in fill_agreements(receipts):
        locks = locks_of(agreement.energy_wh, agreement.price, TERMS)
        locked[agreement.buyer] += locks.escrow
        locked[agreement.seller] += locks.bond
    held = {one.address: books.account(one.address) for one in accounts}
    assert {owner: held[owner].locked for owner in locked} == locked
    money = sum(account.free + account.locked for account in held.values())
    assert books.payment(books.market) == money
