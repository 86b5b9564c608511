"""The reference clearing: examples by hand, the regulator, expiry, and the reasons it gives."""

import pytest

from app.errors import InputError
from app.ledger.types import Side
from app.market.clearing import Fill, LimitOrder, PricingRule, clear
from tests.market.orders import buy, fills_of, sell

# Buys 300 at 0.30, 200 at 0.20; sells 100 at 0.10, 250 at 0.16, 400 at 0.28: the third is too dear.
BOOK = [
    buy(1, 300, 300_000),
    buy(2, 200, 200_000),
    sell(3, 100, 100_000),
    sell(4, 250, 160_000),
    sell(5, 400, 280_000),
]


class TestMatching:
    def test_the_smaller_is_executed_and_the_larger_stays_at_the_head(self):
        assert [(f.buy_id, f.sell_id, f.quantity_wh) for f in clear(BOOK).fills] == [
            (1, 3, 100),
            (1, 4, 200),
            (2, 4, 50),
        ]

    def test_what_is_left_stays_in_the_book(self):
        left = [(order.id, order.residual_wh) for order in clear(BOOK).residual_book]

        assert left == [(2, 150), (5, 400)]

    def test_volume_marginal_orders_and_welfare(self):
        clearing = clear(BOOK)

        assert clearing.cleared_wh == 350
        assert (clearing.marginal_buy, clearing.marginal_sell) == (BOOK[1], BOOK[3])
        # 100 * 0.20 + 200 * 0.14 + 50 * 0.04 a kWh
        assert clearing.welfare == 20_000 + 28_000 + 2_000

    def test_equal_prices_go_by_time_and_then_by_id(self):
        book = [sell(1, 5, 10, issued_at=2), sell(3, 5, 10), sell(2, 5, 10), buy(4, 15, 10)]

        assert [fill.sell_id for fill in clear(book).fills] == [2, 3, 1]

    def test_equal_limits_match(self):
        assert fills_of(clear([buy(1, 7, 10), sell(2, 7, 10)])) == [(1, 2, 7, 10)]

    def test_a_gap_of_one_does_not(self):
        assert clear([buy(1, 7, 9), sell(2, 7, 10)]).fills == ()

    @pytest.mark.parametrize("book", [[], [buy(1, 5, 10)], [sell(1, 5, 10)]])
    def test_an_empty_side_leaves_all(self, book):
        clearing = clear(book)

        assert clearing.fills == ()
        assert clearing.residual_book == tuple(book)
        assert (clearing.marginal_buy, clearing.marginal_sell, clearing.welfare) == (None, None, 0)

    def test_only_the_residual_trades(self):
        used = LimitOrder(1, Side.SELL, 500, 20, 10, 0)

        assert fills_of(clear([used, buy(2, 100, 10)])) == [(2, 1, 20, 10)]


class TestPricing:
    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (PricingRule.MIDPOINT, [200_000, 230_000, 180_000]),
            (PricingRule.UNIFORM, [180_000] * 3),
            (PricingRule.PAY_AS_BID, [300_000, 300_000, 200_000]),
        ],
    )
    def test_each_rule(self, rule, expected):
        assert [fill.price for fill in clear(BOOK, rule).fills] == expected

    @pytest.mark.parametrize(("bid", "ask", "middle"), [(4, 1, 2), (-1, -4, -3), (1, -2, -1)])
    def test_the_middle_is_rounded_down(self, bid, ask, middle):
        assert clear([buy(1, 1, bid), sell(2, 1, ask)]).fills == (Fill(1, 2, 1, middle),)


class TestRegulator:
    def test_it_serves_whoever_pays_its_price(self):
        clearing = clear([buy(1, 10, 320), buy(2, 10, 319), sell(3, 4, 100)], regulator_price=320)

        assert fills_of(clearing) == [(1, 3, 4, 210), (1, 0, 6, 320)]
        assert (clearing.cleared_wh, clearing.served_wh) == (10, 6)
        assert [order.id for order in clearing.residual_book] == [2]

    def test_it_stands_behind_others_who_ask_as_much(self):
        book = [buy(1, 10, 320), sell(2, 6, 320, issued_at=9)]

        assert [fill.sell_id for fill in clear(book, regulator_price=320).fills] == [2, 0]

    def test_it_stands_before_who_asks_more(self):
        clearing = clear([buy(1, 10, 400), sell(2, 6, 321)], regulator_price=320)

        assert [fill.sell_id for fill in clearing.fills] == [0]

    @pytest.mark.parametrize("rule", PricingRule)
    def test_nobody_pays_more(self, rule):
        clearing = clear([buy(1, 10, 400), sell(2, 6, 300)], rule, regulator_price=320)

        assert [fill.quantity_wh for fill in clearing.fills] == [6, 4]
        assert max(fill.price for fill in clearing.fills) == 320

    def test_it_sets_the_uniform_price_where_it_sells(self):
        clearing = clear(
            [buy(1, 10, 320), sell(2, 6, 100)], PricingRule.UNIFORM, regulator_price=320
        )

        assert [fill.price for fill in clearing.fills] == [320, 320]

    def test_it_is_marginal_where_it_sells_last(self):
        marginal = clear([buy(1, 10, 320)], regulator_price=320).marginal_sell

        assert marginal is not None
        assert (marginal.id, marginal.limit_price) == (0, 320)


class TestExpiry:
    def test_an_expired_order_takes_no_part_and_leaves(self):
        old = LimitOrder(1, Side.SELL, 5, 5, 10, 0, expires_at=100)
        clearing = clear([old, buy(2, 5, 10)], at=100)

        assert clearing.fills == ()
        assert [order.id for order in clearing.residual_book] == [2]
        assert clearing.reasons[1] == "The order had expired before the book was cleared."

    def test_until_then_it_does(self):
        old = LimitOrder(1, Side.SELL, 5, 5, 10, 0, expires_at=100)

        assert len(clear([old, buy(2, 5, 10)], at=99).fills) == 1


class TestReasons:
    def test_who_was_filled_needs_none(self):
        assert set(clear(BOOK).reasons) == {2, 5}

    def test_partly_filled(self):
        reasons = clear([buy(1, 1_500, 200_000), sell(2, 1_000, 100_000)]).reasons
        assert reasons == {
            1: "1 of 1.5 kWh were bought; no more was for sale at 0.20 a kWh or less."
        }

        reasons = clear([buy(1, 250, 200_000), sell(2, 1_000, 100_000)]).reasons
        assert reasons == {2: "0.25 of 1 kWh were sold; nobody wanted more at 0.10 a kWh or above."}

    def test_nobody_on_the_other_side(self):
        assert clear([buy(1, 5, 10)]).reasons == {1: "Nobody offered any energy."}
        assert clear([sell(1, 5, 10)]).reasons == {1: "Nobody wanted any energy."}

    def test_a_limit_that_reaches_nobody(self):
        assert clear([buy(1, 5, 123_456), sell(2, 5, 200_000)]).reasons == {
            1: "The limit of 0.123456 a kWh is below the lowest price asked, 0.20.",
            2: "The limit of 0.20 a kWh is above the highest price offered, 0.123456.",
        }

    def test_others_came_first(self):
        book = [buy(1, 5, 200_000), buy(2, 5, 200_000), sell(3, 5, 200_000), sell(4, 9, 300_000)]
        assert clear(book).reasons[2] == (
            "All energy for 0.20 a kWh or less went to buyers who offered more,"
            " or as much and earlier."
        )

        book = [buy(1, 5, 200_000), sell(3, 5, 150_000), sell(4, 5, 200_000)]
        assert clear(book).reasons == {
            4: "All who pay 0.20 a kWh or more bought from sellers who asked for less,"
            " or for as much and earlier."
        }


class TestInput:
    @pytest.mark.parametrize("book", [[buy(1, 5, 5), sell(1, 5, 5)], [buy(0, 5, 5)]])
    def test_an_id_belongs_to_one_order(self, book):
        with pytest.raises(InputError) as refusal:
            clear(book)

        assert refusal.value.field == "id"

    @pytest.mark.parametrize("residual_wh", [-1, 6])
    def test_a_residual_is_part_of_the_quantity(self, residual_wh):
        with pytest.raises(InputError, match="residual_wh"):
            LimitOrder(1, Side.BUY, 5, residual_wh, 5, 0)
