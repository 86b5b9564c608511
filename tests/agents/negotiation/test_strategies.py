from itertools import pairwise

import numpy as np
import pytest

from app.agents.negotiation.ontology import Party
from app.agents.negotiation.strategies import (
    PriceRange,
    Quotes,
    Setting,
    Strategy,
    make_strategy,
    register,
    strategy_names,
)
from app.errors import ConflictError, ScenarioError

PRICES = PriceRange(80_000, 320_000)
MOMENTS = [step / 40 for step in range(41)]
TIME_DEPENDENT = ["boulware", "linear", "conceder"]


def strategy(name: str, party: Party, prices: PriceRange = PRICES, **parameters: float) -> Strategy:
    return make_strategy(name, Setting(party, prices, parameters, np.random.default_rng(7)))


@pytest.mark.parametrize("name", TIME_DEPENDENT)
def test_a_seller_concedes_step_by_step_from_the_ceiling_to_its_floor(name: str) -> None:
    prices = [strategy(name, Party.SELLER).price(moment) for moment in MOMENTS]

    assert (prices[0], prices[-1]) == (PRICES.most, PRICES.least)
    assert all(later <= earlier for earlier, later in pairwise(prices))


@pytest.mark.parametrize("name", TIME_DEPENDENT)
def test_a_buyer_concedes_step_by_step_from_the_floor_to_its_limit(name: str) -> None:
    prices = [strategy(name, Party.BUYER).price(moment) for moment in MOMENTS]

    assert (prices[0], prices[-1]) == (PRICES.least, PRICES.most)
    assert all(later >= earlier for earlier, later in pairwise(prices))


@pytest.mark.parametrize("elapsed", [0.1, 0.5, 0.9])
def test_boulware_concedes_later_than_linear_and_conceder_earlier(elapsed: float) -> None:
    boulware, linear, conceder = (
        strategy(name, Party.SELLER).price(elapsed) for name in TIME_DEPENDENT
    )
    assert boulware > linear > conceder


def test_the_polynomial_is_the_one_of_the_paper() -> None:
    seller = strategy("boulware", Party.SELLER, beta=0.5, k=0.1)

    assert seller.price(0.5) == 320_000 - round((0.1 + 0.9 * 0.5**2) * 240_000)


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("boulware", {"beta": 1.0}, "parameters.beta"),
        ("conceder", {"beta": 1.0}, "parameters.beta"),
        ("linear", {"beta": 0.5}, "parameters.beta"),
        ("boulware", {"k": 1.1}, "parameters.k"),
        ("boulware", {"gamma": 1.0}, "parameters.gamma"),
        ("zip", {"beta": 0.2}, "parameters.beta"),
        ("greedy", {}, "strategy"),
    ],
)
def test_what_a_strategy_does_not_know_is_named(
    name: str, parameters: dict[str, float], field: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        strategy(name, Party.SELLER, **parameters)
    assert caught.value.field == field


@pytest.mark.parametrize("party", list(Party))
def test_zip_stays_within_its_range_whatever_it_sees(party: Party) -> None:
    trader = strategy("zip", party)
    rng = np.random.default_rng(1)
    for moment in MOMENTS * 5:
        best = int(rng.integers(0, 500_000))
        trader.observe(Quotes(best, int(rng.integers(0, 2_000)), 1_000))
        assert PRICES.least <= trader.price(moment) <= PRICES.most


def test_a_zip_seller_asks_more_while_all_that_it_has_is_wanted() -> None:
    trader = strategy("zip", Party.SELLER)
    before = trader.price(0.0)
    for _ in range(20):
        trader.observe(Quotes(best=200_000, wanted_wh=5_000, own_wh=1_000))
    assert trader.price(0.0) > before
    assert trader.price(0.0) > 180_000


def test_a_zip_seller_comes_down_to_bids_that_are_too_low() -> None:
    trader = strategy("zip", Party.SELLER, PriceRange(80_000, 320_000))
    for _ in range(20):
        trader.observe(Quotes(best=250_000, wanted_wh=5_000, own_wh=1_000))
    high = trader.price(0.0)
    for _ in range(20):
        trader.observe(Quotes(best=120_000, wanted_wh=0, own_wh=1_000))
    assert 80_000 <= trader.price(0.0) < 130_000 < high


def test_a_zip_buyer_bids_more_while_the_asks_are_higher_and_less_when_they_are_lower() -> None:
    trader = strategy("zip", Party.BUYER)
    for _ in range(20):
        trader.observe(Quotes(best=310_000, wanted_wh=0, own_wh=1_000))
    high = trader.price(0.0)
    for _ in range(20):
        trader.observe(Quotes(best=100_000, wanted_wh=5_000, own_wh=1_000))
    assert high > 300_000
    assert trader.price(0.0) < 120_000


def test_zip_keeps_its_price_while_it_sees_nothing() -> None:
    trader = strategy("zip", Party.SELLER)
    before = trader.price(0.0)
    trader.observe(Quotes(None, 0, 1_000))
    assert trader.price(0.5) == before


def test_two_zip_traders_with_the_same_seed_quote_the_same() -> None:
    first, second = (strategy("zip", Party.SELLER) for _ in range(2))
    for trader in (first, second):
        trader.observe(Quotes(200_000, 5_000, 1_000))
    assert first.price(0.3) == second.price(0.3)


def test_a_strategy_of_ones_own_is_known_by_its_name_once() -> None:
    class Stubborn:
        def price(self, elapsed: float) -> int:
            return 123_456

        def observe(self, quotes: Quotes) -> None: ...

    register("stubborn", lambda setting: Stubborn())

    assert "stubborn" in strategy_names()
    assert strategy("stubborn", Party.SELLER).price(0.9) == 123_456
    with pytest.raises(ConflictError):
        register("stubborn", lambda setting: Stubborn())
