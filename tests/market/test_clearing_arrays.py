"""The clearing on arrays: held against the reference, extremes of int64, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InputError
from app.market.clearing import PricingRule, clear, clear_arrays
from tests.market.orders import books, buy, columns, fills_of, rows, rules, sell

LEAST, MOST = -(2**63), 2**63 - 1

extreme_prices = st.sampled_from((LEAST, LEAST + 1, -1, 0, 1, MOST - 1, MOST))
extreme_quantities = st.sampled_from((0, 1, 2**31, 2**32, 2**62, MOST))


@given(books(), rules)
def test_it_gives_the_fills_of_the_reference(book, rule):
    assert rows(columns(book).clear(rule)) == fills_of(clear(book, rule))


@given(books())
def test_volume_and_welfare_are_those_of_the_reference(book):
    table, reference = columns(book), clear(book)
    fills = table.clear()

    assert fills.cleared_wh == reference.cleared_wh
    assert fills.welfare(table.limit_price) == reference.welfare


@given(
    st.lists(
        st.tuples(st.booleans(), extreme_quantities, extreme_prices, extreme_prices), max_size=12
    ),
    rules,
)
def test_extremes_are_cleared_as_by_the_reference_or_refused(orders, rule):
    book = [
        (buy if is_buy else sell)(number, quantity_wh, price, issued_at)
        for number, (is_buy, quantity_wh, price, issued_at) in enumerate(orders, 1)
    ]
    totals = [sum(q for is_buy, q, *_ in orders if is_buy is side) for side in (True, False)]

    if min(totals) > MOST:
        with pytest.raises(InputError, match="2\\^63 - 1 on one side"):
            columns(book).clear(rule)
    else:
        assert rows(columns(book).clear(rule)) == fills_of(clear(book, rule))


def test_one_order_of_any_size_is_no_harm():
    book = [buy(1, 3, 10), buy(2, MOST, 10), sell(3, 5, 8), sell(4, 5, 9)]

    assert rows(columns(book).clear()) == [(1, 3, 3, 9), (2, 3, 2, 9), (2, 4, 5, 9)]


def test_the_worth_of_large_trades_is_exact():
    table = columns([buy(1, MOST, MOST), sell(2, MOST, LEAST)])

    assert table.clear().welfare(table.limit_price) == MOST * (MOST - LEAST) // 1_000


def test_a_large_book_agrees_with_the_reference():
    random = np.random.default_rng(0)
    book = [
        (buy if number <= 2_000 else sell)(
            number,
            int(random.integers(100, 5_000)),
            int(random.integers(100_000, 300_000)),
            int(random.integers(50)),
        )
        for number in range(1, 4_001)
    ]

    for rule in PricingRule:
        assert rows(columns(book).clear(rule)) == fills_of(clear(book, rule))


@pytest.mark.parametrize("sides", [[], [True], [False], [True, True]])
def test_an_empty_side_trades_nothing(sides):
    ones = [1] * len(sides)

    fills = clear_arrays(sides, ones, ones, ones, PricingRule.UNIFORM)

    assert len(fills) == 0
    assert fills.cleared_wh == 0
    assert fills.buy.dtype == fills.price.dtype == np.int64


def test_the_input_is_left_alone():
    table = columns([buy(1, 3, 10, 4), sell(2, 5, 8, 1), sell(3, 5, 7, 0)])
    before = [column.copy() for column in (table.quantity_wh, table.limit_price, table.issued_at)]
    table.clear()

    after = (table.quantity_wh, table.limit_price, table.issued_at)
    assert all((a == b).all() for a, b in zip(after, before, strict=True))


class TestInput:
    def refused(self, *columns, **more) -> InputError:
        with pytest.raises(InputError) as refusal:
            clear_arrays(*columns, **more)
        return refusal.value

    def test_arrays_of_different_length(self):
        error = self.refused([True, False], [1, 1], [1], [1, 1])

        assert (error.field, error.rule, error.value) == (
            "limit_price",
            "is as long as is_buy, 2",
            1,
        )

    def test_two_dimensions(self):
        error = self.refused([[True]], [1], [1], [1])

        assert (error.field, error.value) == ("is_buy", 2)

    @pytest.mark.parametrize("sides", [[0, 1], ["buy", "sell"]])
    def test_sides_that_are_no_booleans(self, sides):
        assert self.refused(sides, [1, 1], [1, 1], [1, 1]).field == "is_buy"

    @pytest.mark.parametrize("values", [[0.5, 1.0], [True, False], ["1", "2"]])
    def test_numbers_that_are_no_integers(self, values):
        assert self.refused([True, False], [1, 1], values, [1, 1]).field == "limit_price"

    def test_a_number_beyond_int64(self):
        beyond = np.array([1, 2**63], dtype=np.uint64)

        error = self.refused([True, False], beyond, [1, 1], [1, 1])
        assert (error.field, error.rule, error.value) == ("quantity_wh", "fits int64", 2**63)

    def test_a_negative_quantity_is_named_with_its_place(self):
        error = self.refused([True, False, True], [1, 5, -2], [1, 1, 1], [1, 1, 1])

        assert (error.field, error.rule, error.value) == ("quantity_wh[2]", "is at least 0", -2)

    def test_an_unknown_rule(self):
        assert self.refused([True], [1], [1], [1], rule=7).field == "rule"
