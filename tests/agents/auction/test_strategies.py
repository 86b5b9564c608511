"""Producer, consumer and the plain strategies: equations 1 to 5 of Huang et al. 2022."""

from dataclasses import replace

import numpy as np
import pytest

from app.agents.auction.orders import Outlook
from app.agents.auction.strategies import (
    Consumer,
    ConsumerSetting,
    Lever,
    Producer,
    ProducerSetting,
    TruthfulBuyer,
    TruthfulSeller,
)
from app.ledger.types import Side
from tests.agents.auction.conftest import (
    TERMS,
    Draw,
    drawing,
    never,
    outcome,
    outlook,
    prices,
)

PRODUCER = ProducerSetting(
    cost=100_000,
    initial_price=110_000,
    price_step=10_000.0,
    quantity_step=100.0,
    tolerance=1_000.0,
    standing_loss=5_000.0,
    patience=2,
    following=0.0,
)
CONSUMER = ConsumerSetting(
    worth=300_000, initial_price=290_000, price_step=10_000.0, tolerance=1_000.0, following=0.0
)


def producer(draw: Draw = never, **changes: float) -> Producer:
    return Producer(replace(PRODUCER, **changes), draw)


def consumer(draw: Draw = never, **changes: float) -> Consumer:
    return Consumer(replace(CONSUMER, **changes), draw)


class TestProducer:
    def test_profit_is_what_it_was_paid_beyond_its_cost(self) -> None:
        assert producer().profit_of(outcome((1_000, 150_000), (500, 120_000))) == 60_000.0

    def test_selling_nothing_costs_its_standing_loss(self) -> None:
        assert producer().profit_of(outcome()) == -5_000.0

    def test_first_order_is_all_it_has_at_its_initial_price(self) -> None:
        draft = producer().draft(outlook(1_600))
        assert draft is not None
        assert (draft.side, draft.energy_wh, draft.limit_price) == (Side.SELL, 1_600, 110_000)

    def test_price_rises_by_a_step_while_profit_rises(self) -> None:
        role = producer()
        role.learn(outcome((1_000, 150_000)), None)
        assert role.price == 120_000.0
        role.learn(outcome((1_000, 152_000)), None)
        assert role.price == 130_000.0

    def test_price_falls_by_a_step_when_profit_falls(self) -> None:
        role = producer()
        role.learn(outcome((1_000, 150_000)), None)
        role.learn(outcome((900, 150_000)), None)
        assert role.price == 110_000.0

    def test_price_moves_at_random_when_profit_stays(self) -> None:
        role = producer(drawing([0.3]))
        role.learn(outcome((1_000, 150_000)), None)
        role.learn(outcome((1_000, 150_500)), None)
        assert role.price == pytest.approx(123_000.0)

    def test_price_is_the_cost_after_a_loss(self) -> None:
        role = producer()
        role.learn(outcome((1_000, 150_000)), None)
        role.learn(outcome(), None)
        assert role.price == 100_000.0

    def test_it_never_asks_less_than_its_cost(self) -> None:
        role = producer(initial_price=100_000)
        role.learn(outcome((1_000, 150_000)), None)
        role.learn(outcome((1_000, 140_000)), None)
        role.learn(outcome((1_000, 130_000)), None)
        draft = role.draft(outlook(1_000))
        assert draft is not None
        assert draft.limit_price >= 100_000

    def test_it_turns_to_its_quantity_when_its_price_has_not_paid_for_long(self) -> None:
        role = producer(drawing([0.0, 0.5]))
        role.learn(outcome((1_000, 150_000)), None)
        role.learn(outcome((1_000, 150_000)), None)
        assert role.lever is Lever.PRICE
        role.learn(outcome((1_000, 150_000)), None)
        assert role.lever is Lever.QUANTITY

    def test_quantity_falls_when_profit_falls_and_rises_when_it_rises(self) -> None:
        role = producer()
        for price in (150_000, 140_000, 130_000):
            role.learn(outcome((1_000, price)), None)
        assert role.lever is Lever.QUANTITY
        assert role.withheld_wh == 100.0
        price = role.price
        draft = role.draft(outlook(1_600))
        assert draft is not None
        assert (draft.energy_wh, draft.reason) == (1_500, "adjusts its quantity")
        role.learn(outcome((1_000, 145_000)), None)
        assert (role.withheld_wh, role.price) == (0.0, price)

    def test_quantity_stays_between_nothing_and_what_it_has(self) -> None:
        role = producer(np.random.default_rng(1).random, quantity_step=900.0)
        rng = np.random.default_rng(2)
        for _ in range(300):
            draft = role.draft(outlook(1_600))
            offered = draft.energy_wh if draft else 0
            assert 0 <= offered <= 1_600
            sold = int(rng.integers(0, offered + 1))
            fills = [(sold, int(rng.integers(100_000, 300_000)))] if sold else []
            role.learn(outcome(*fills), None)

    def test_turns_back_to_its_price(self) -> None:
        role = producer()
        for price in range(150_000, 100_000, -10_000):
            role.learn(outcome((1_000, price)), None)
        assert role.lever is Lever.PRICE

    def test_following_takes_it_to_the_lowest_price_of_the_round(self) -> None:
        role = producer(following=0.5)
        role.learn(outcome((1_000, 150_000)), prices(140_000, 200_000))
        assert role.price == 130_000.0
        whole = producer(following=1.0)
        whole.learn(outcome((1_000, 150_000)), prices(140_000, 200_000))
        assert whole.price == 140_000.0

    def test_following_never_lowers_a_price_and_spares_a_loss(self) -> None:
        role = producer(following=1.0)
        role.learn(outcome((1_000, 150_000)), prices(90_000))
        assert role.price == 120_000.0
        role.learn(outcome(), prices(140_000))
        assert role.price == 100_000.0

    def test_nothing_to_sell_is_no_order(self) -> None:
        assert producer().draft(outlook(0)) is None

    def test_a_cost_above_the_grids_price_is_no_order(self) -> None:
        assert producer(cost=330_000, initial_price=330_000).draft(outlook(1_000)) is None


class TestConsumer:
    def test_benefit_is_what_energy_is_worth_beyond_its_price(self) -> None:
        assert consumer().benefit_of(outcome((1_000, 250_000), (500, 280_000))) == 60_000.0

    def test_hard_demand_counts_what_the_grid_had_to_serve(self) -> None:
        benefit = consumer().benefit_of(outcome((1_000, 250_000), served_wh=2_000))
        assert benefit == 50_000.0 - 2 * 20_000.0

    def test_first_order_is_all_it_needs_at_its_initial_price(self) -> None:
        draft = consumer().draft(outlook(700))
        assert draft is not None
        assert (draft.side, draft.energy_wh, draft.limit_price) == (Side.BUY, 700, 290_000)

    def test_price_rises_when_benefit_rises_and_falls_when_it_falls(self) -> None:
        role = consumer(initial_price=250_000)
        role.learn(outcome((1_000, 250_000)), None)
        assert role.price == 260_000.0
        role.learn(outcome((1_000, 260_000)), None)
        assert role.price == 250_000.0

    @pytest.mark.parametrize(
        ("numbers", "price"), [([0.4, 0.5], 265_000.0), ([0.6, 0.5], 255_000.0)]
    )
    def test_price_moves_at_random_when_benefit_stays(
        self, numbers: list[float], price: float
    ) -> None:
        role = consumer(drawing(numbers), initial_price=250_000)
        role.learn(outcome((1_000, 250_000)), None)
        role.learn(outcome((1_000, 250_500)), None)
        assert role.price == price

    def test_a_loss_makes_it_bid_all_that_energy_is_worth(self) -> None:
        role = consumer(initial_price=200_000)
        role.learn(outcome(served_wh=1_000), None)
        assert role.price == 300_000.0

    def test_it_never_bids_more_than_energy_is_worth(self) -> None:
        role = consumer(initial_price=299_000)
        for benefit in range(1, 5):
            role.learn(outcome((1_000 * benefit, 250_000)), None)
        draft = role.draft(outlook(1_000))
        assert draft is not None
        assert draft.limit_price == 300_000

    def test_following_takes_it_to_the_highest_price_of_the_round(self) -> None:
        role = consumer(following=0.5)
        role.learn(outcome((1_000, 250_000)), prices(200_000, 260_000))
        assert role.price == 280_000.0

    def test_what_the_grid_pays_for_is_no_order(self) -> None:
        assert consumer(worth=70_000, initial_price=70_000).draft(outlook(1_000)) is None

    def test_its_order_stays_within_the_grids_price(self) -> None:
        draft = consumer(worth=400_000, initial_price=400_000).draft(outlook(1_000))
        assert draft is not None
        assert draft.limit_price == TERMS.grid_ceiling


class TestTruth:
    def test_a_seller_asks_its_reserve_but_no_less_than_the_grid_pays(self) -> None:
        limits = [TruthfulSeller(reserve).draft(outlook(900)) for reserve in (0, 120_000)]
        assert [draft and draft.limit_price for draft in limits] == [80_000, 120_000]
        assert TruthfulSeller(330_000).draft(outlook(900)) is None

    def test_a_buyer_bids_its_limit_but_no_more_than_the_grid_asks(self) -> None:
        limits = [TruthfulBuyer(limit).draft(outlook(900)) for limit in (None, 120_000, 900_000)]
        assert [draft and draft.limit_price for draft in limits] == [320_000, 120_000, 320_000]
        assert TruthfulBuyer(70_000).draft(outlook(900)) is None

    @pytest.mark.parametrize("role", [TruthfulSeller(), TruthfulBuyer()])
    def test_it_learns_nothing(self, role: TruthfulSeller | TruthfulBuyer) -> None:
        before = role.draft(outlook(900))
        role.learn(outcome((900, 200_000)), prices(200_000))
        assert role.draft(outlook(900)) == before

    def test_no_energy_is_no_order(self) -> None:
        nothing: Outlook = outlook(0)
        assert TruthfulSeller().draft(nothing) is None
        assert TruthfulBuyer().draft(nothing) is None
