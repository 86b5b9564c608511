"""What holds for the book of one window: covers, expiry, who takes part, and its clearing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.types import Order, Side, Terms
from app.market.auction import (
    MAX_LIFE,
    clear_book,
    cover_rate,
    earliest_expiry,
    effective_limit,
    explain_book,
    last_window_of,
    latest_expiry,
    queue_of,
    takes_part,
)
from app.market.clearing import Fill, PricingRule
from app.market.settlement import locks_of
from app.market.windows import commit_start

WINDOW = 500_001
OWNER = "0x" + "11" * 20
TERMS = Terms(grid_floor=80_000, grid_ceiling=320_000, penalty_rate=50_000)

all_terms = st.builds(
    lambda floor, more, penalty: Terms(floor, floor + more, penalty),
    st.integers(0, 2_000_000),
    st.integers(0, 2_000_000),
    st.integers(0, 1_000_000),
)


def order(number: int, side: Side, energy_wh: int, limit_price: int) -> Order:
    return Order(number, OWNER, side, energy_wh, limit_price, WINDOW, WINDOW)


@st.composite
def order_lists(draw) -> list[Order]:
    sides, prices = st.sampled_from(Side), st.integers(70_000, 340_000)
    coarse = st.sampled_from((70_000, 80_000, 200_000, 320_000, 340_000))
    drawn = draw(
        st.lists(st.tuples(sides, st.integers(1, 5_000), st.one_of(prices, coarse)), max_size=16)
    )
    return [order(number, *fields) for number, fields in enumerate(drawn, 1)]


class TestCover:
    @pytest.mark.parametrize(
        ("side", "limit", "rate"),
        [
            (Side.BUY, 200_000, 200),
            (Side.BUY, 200_001, 201),
            (Side.BUY, 0, 0),
            (Side.SELL, 200_000, 170),
            (Side.SELL, 199_999, 171),
            (Side.SELL, 320_000, 50),
        ],
    )
    def test_it_is_whole_money_for_every_wh(self, side, limit, rate):
        assert cover_rate(side, limit, TERMS) == rate

    @given(all_terms, st.integers(1, 2**32 - 1), st.data())
    def test_it_suffices_for_every_agreement_that_the_order_can_come_to(self, terms, wh, data):
        within = st.integers(terms.grid_floor, terms.grid_ceiling)
        ask, bid = sorted((data.draw(within), data.draw(within)))
        price = data.draw(st.integers(ask, bid))

        locks = locks_of(wh, price, terms)

        assert locks.escrow <= wh * cover_rate(Side.BUY, bid, terms)
        assert locks.bond <= wh * cover_rate(Side.SELL, ask, terms)

    @given(all_terms, st.integers(1, 2**32 - 1), st.data())
    def test_it_suffices_in_a_later_window_in_which_it_takes_part(self, own, wh, data):
        most = own.grid_ceiling + own.penalty_rate
        ceiling = data.draw(st.integers(own.grid_floor, most))
        floor, penalty = (data.draw(st.integers(0, n)) for n in (ceiling, most - ceiling))
        later = Terms(floor, ceiling, penalty)
        ask = data.draw(st.integers(own.grid_floor, min(own.grid_ceiling, ceiling)))
        sell = order(1, Side.SELL, wh, ask)

        price = data.draw(st.integers(effective_limit(sell, later), ceiling))

        assert takes_part(sell, own, later)
        assert locks_of(wh, price, later).bond <= wh * cover_rate(Side.SELL, ask, own)


class TestExpiry:
    def test_the_last_window_closes_before_it(self):
        assert last_window_of(commit_start(WINDOW)) == WINDOW - 1
        assert last_window_of(commit_start(WINDOW) + 1) == WINDOW
        assert last_window_of(commit_start(WINDOW + 1)) == WINDOW

    def test_it_is_from_the_first_window_to_a_week_later(self):
        assert last_window_of(earliest_expiry(WINDOW)) == WINDOW
        assert last_window_of(earliest_expiry(WINDOW) - 1) == WINDOW - 1
        assert last_window_of(latest_expiry(WINDOW)) == WINDOW + MAX_LIFE
        assert last_window_of(latest_expiry(WINDOW) + 1) == WINDOW + MAX_LIFE + 1


class TestTakingPart:
    sell = order(1, Side.SELL, 5, 100_000)

    def test_a_sell_waits_while_its_cover_does_not_suffice(self):
        assert takes_part(self.sell, TERMS, Terms(0, 330_000, 40_000))
        assert not takes_part(self.sell, TERMS, Terms(0, 330_000, 40_001))

    def test_a_buy_always_does(self):
        assert takes_part(order(1, Side.BUY, 5, 100_000), TERMS, Terms(0, 900_000, 900_000))


class TestBook:
    def test_queues_go_by_stated_limit_then_by_id(self):
        book = [
            order(1, Side.BUY, 5, 320_000),
            order(2, Side.BUY, 5, 340_000),
            order(3, Side.SELL, 5, 90_000),
            order(4, Side.SELL, 5, 70_000),
            order(5, Side.SELL, 5, 90_000),
        ]

        assert [o.id for o in queue_of(book, Side.BUY)] == [2, 1]
        assert [o.id for o in queue_of(book, Side.SELL)] == [4, 3, 5]

    def test_limits_are_within_the_grids_prices(self):
        assert effective_limit(order(1, Side.BUY, 5, 400_000), TERMS) == 320_000
        assert effective_limit(order(1, Side.BUY, 5, 50_000), TERMS) == 50_000
        assert effective_limit(order(1, Side.SELL, 5, 50_000), TERMS) == 80_000
        assert effective_limit(order(1, Side.SELL, 5, 400_000), TERMS) == 400_000

    def test_among_equal_effective_limits_the_better_stated_one_goes_first(self):
        book = [
            order(1, Side.BUY, 5, 330_000),
            order(2, Side.BUY, 5, 340_000),
            order(3, Side.SELL, 7, 320_000),
        ]

        result = clear_book(book, TERMS, PricingRule.MIDPOINT)

        assert result.fills == (Fill(2, 3, 5, 320_000), Fill(1, 3, 2, 320_000))
        assert result.served == {1: 3}

    @pytest.mark.parametrize(
        ("rule", "price"),
        [
            (PricingRule.MIDPOINT, 210_000),
            (PricingRule.UNIFORM, 320_000),
            (PricingRule.PAY_AS_BID, 320_000),
        ],
    )
    def test_the_grid_is_the_marginal_seller_where_it_serves(self, rule, price):
        book = [order(1, Side.BUY, 5, 320_000), order(2, Side.SELL, 3, 100_000)]

        result = clear_book(book, TERMS, rule)

        assert result.fills == (Fill(1, 2, 3, price),)
        assert result.served == {1: 2}
        assert (result.marginal_buy, result.marginal_sell) == (320_000, 100_000)

    def test_nobody_trades_above_the_ceiling_or_below_the_floor(self):
        book = [order(1, Side.BUY, 5, 79_999), order(2, Side.SELL, 3, 10_000)]
        dear = [order(1, Side.BUY, 5, 400_000), order(2, Side.SELL, 3, 320_001)]

        assert clear_book(book, TERMS, PricingRule.MIDPOINT).fills == ()
        assert clear_book(dear, TERMS, PricingRule.MIDPOINT).fills == ()
        assert clear_book(dear, TERMS, PricingRule.MIDPOINT).served == {1: 5}

    def test_without_a_fill_there_are_no_marginal_limits(self):
        result = clear_book([], TERMS, PricingRule.UNIFORM)

        assert (result.fills, result.served) == ((), {})
        assert (result.marginal_buy, result.marginal_sell) == (0, 0)

    @given(order_lists(), st.sampled_from(PricingRule))
    def test_its_explanation_tells_the_same_story(self, book, rule):
        result, told = clear_book(book, TERMS, rule), explain_book(book, TERMS, rule)

        assert result.fills == tuple(fill for fill in told.fills if fill.sell_id != 0)
        served = {fill.buy_id: fill.quantity_wh for fill in told.fills if fill.sell_id == 0}
        assert result.served == served

    @given(order_lists(), st.sampled_from(PricingRule))
    def test_nobody_at_the_ceiling_goes_without(self, book, rule):
        result = clear_book(book, TERMS, rule)
        bought = result.served | {}
        for fill in result.fills:
            bought[fill.buy_id] = bought.get(fill.buy_id, 0) + fill.quantity_wh
            assert TERMS.grid_floor <= fill.price <= TERMS.grid_ceiling

        for each in queue_of(book, Side.BUY):
            if each.limit_price >= TERMS.grid_ceiling:
                assert bought[each.id] == each.energy_wh
