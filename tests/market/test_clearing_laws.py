"""What holds of every clearing, whatever the book."""

from collections import Counter
from dataclasses import replace
from itertools import accumulate
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from app.ledger.types import Side
from app.market.clearing import LimitOrder, PricingRule, clear
from tests.market.orders import books, columns, rows, rules


def crossing_volume(book: list[LimitOrder]) -> int:
    """The greatest min(demand, supply) of all prices, by trying every limit as the price."""
    limits = [order.limit_price for order in book]
    return max((min(demand(book, p), supply(book, p)) for p in limits), default=0)


def demand(book: list[LimitOrder], price: int) -> int:
    return sum(o.residual_wh for o in book if o.side is Side.BUY and o.limit_price >= price)


def supply(book: list[LimitOrder], price: int) -> int:
    return sum(o.residual_wh for o in book if o.side is Side.SELL and o.limit_price <= price)


def best_worth(book: list[LimitOrder]) -> int:
    """The most that trades of single Wh can be worth together: for each number, the best buyers'
    and the cheapest sellers'."""
    values = sorted((p for p in _units(book, Side.BUY)), reverse=True)
    costs = sorted(_units(book, Side.SELL))
    gains = [value - cost for value, cost in zip(values, costs, strict=False)]
    return max(accumulate(gains, initial=0))


def _units(book: list[LimitOrder], side: Side) -> list[int]:
    return [o.limit_price for o in book if o.side is side for _ in range(o.residual_wh)]


@given(books(), rules)
def test_the_volume_is_the_largest_that_can_cross(book, rule):
    assert clear(book, rule).cleared_wh == crossing_volume(book)
    assert columns(book).clear(rule).cleared_wh == crossing_volume(book)


@given(books(max_size=8))
def test_no_other_trades_are_worth_more(book):
    small = [replace(o, quantity_wh=o.quantity_wh % 9, residual_wh=o.residual_wh % 9) for o in book]

    assert clear(small).welfare == best_worth(small) // 1_000


@given(books(), rules)
def test_nobody_trades_beyond_its_limit(book, rule):
    limits = {order.id: order.limit_price for order in book}

    for buy, sell, _, price in rows(columns(book).clear(rule)):
        assert limits[sell] <= price <= limits[buy]


@given(books(), rules)
def test_nobody_trades_more_than_it_has_and_the_sums_agree(book, rule):
    traded: Counter[int] = Counter()
    clearing = clear(book, rule)
    for fill in clearing.fills:
        assert fill.quantity_wh > 0
        traded[fill.buy_id] += fill.quantity_wh
        traded[fill.sell_id] += fill.quantity_wh
    left = {order.id: order.residual_wh for order in clearing.residual_book}

    assert all(traded[o.id] + left.get(o.id, 0) == o.residual_wh for o in book)
    assert set(left) == set(clearing.reasons)
    for side in Side:
        assert sum(traded[o.id] for o in book if o.side is side) == clearing.cleared_wh


@given(books())
def test_after_it_nobody_is_left_who_could_trade(book):
    left = clear(book).residual_book
    bid = max((o.limit_price for o in left if o.side is Side.BUY), default=-inf)
    ask = min((o.limit_price for o in left if o.side is Side.SELL), default=inf)

    assert bid < ask


@given(books())
def test_who_is_better_placed_goes_first(book):
    """An order that is not filled wholly has nobody behind it who is filled at all."""
    clearing = clear(book)
    filled = {number for fill in clearing.fills for number in (fill.buy_id, fill.sell_id)}
    for waiting in clearing.residual_book:
        sign = -1 if waiting.side is Side.BUY else 1
        for other in book:
            if other.side is waiting.side and other.id in filled and other.id != waiting.id:
                assert (sign * other.limit_price, other.issued_at, other.id) < (
                    sign * waiting.limit_price,
                    waiting.issued_at,
                    waiting.id,
                )


@given(books(), rules, st.data())
def test_the_order_of_the_input_does_not_matter(book, rule, data):
    distinct = [replace(order, issued_at=order.id) for order in book]
    shuffled = data.draw(st.permutations(distinct))

    assert clear(shuffled, rule).fills == clear(distinct, rule).fills
    by_id = [
        (shuffled[b - 1].id, shuffled[s - 1].id, quantity_wh, price)
        for b, s, quantity_wh, price in rows(columns(shuffled).clear(rule))
    ]
    assert by_id == rows(columns(distinct).clear(rule))


@given(books(), rules, st.integers(0, 400))
def test_with_a_regulator_nobody_who_pays_its_price_goes_without(book, rule, price):
    clearing = clear(book, rule, regulator_price=price)

    assert all(
        order.side is Side.SELL or order.limit_price < price for order in clearing.residual_book
    )
    assert all(fill.price <= price for fill in clearing.fills)
    dear = {o.id for o in book if o.side is Side.SELL and o.limit_price > price}
    assert dear.isdisjoint(fill.sell_id for fill in clearing.fills)


@given(books())
def test_midpoints_share_the_worth_evenly(book):
    """Buyer and seller gain the same of each match, but for the rounding, which is the buyer's."""
    limits = {order.id: order.limit_price for order in book}

    for fill in clear(book, PricingRule.MIDPOINT).fills:
        buyers = limits[fill.buy_id] - fill.price
        sellers = fill.price - limits[fill.sell_id]
        assert buyers - sellers in {0, 1}
