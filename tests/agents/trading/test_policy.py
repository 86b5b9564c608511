import numpy as np
import pytest

from app.agents.trading.policy import buyer_policy, seller_policy
from app.errors import ScenarioError
from app.ledger.types import Lapses
from app.scenario.scenario import Plugin
from tests.agents.conftest import TERMS

RNG = np.random.default_rng(0)


def test_a_plain_strategy_has_the_defaults() -> None:
    seller = seller_policy("s", Plugin("boulware", {}))
    buyer = buyer_policy("b", Plugin("conceder", {}))

    assert (seller.safety_margin, seller.reserve_price, seller.parameters) == (0.1, 0, {})
    assert (buyer.coverage, buyer.limit_price) == (1.0, None)
    assert seller.offered_wh(1_000) == 900
    assert buyer.wanted_wh(1_000) == 1_000
    assert buyer.limit_at(TERMS) == TERMS.grid_ceiling


def test_parameters_are_the_traders_or_the_strategys() -> None:
    seller = seller_policy(
        "s", Plugin("boulware", {"beta": 0.1, "safety_margin": 0.25, "reserve_price": 0.1234565})
    )
    buyer = buyer_policy("b", Plugin("linear", {"k": 0.5, "coverage": 0.5, "limit_price": 0.2}))

    assert (seller.parameters, seller.offered_wh(1_000)) == ({"beta": 0.1}, 750)
    assert seller.reserve_price == 123_456
    assert (buyer.parameters, buyer.wanted_wh(1_000)) == ({"k": 0.5}, 500)
    assert buyer.limit_at(TERMS) == 200_000


def test_a_limit_above_the_grids_price_is_the_grids_price() -> None:
    buyer = buyer_policy("b", Plugin("linear", {"limit_price": 5.0}))

    assert buyer.limit_at(TERMS) == TERMS.grid_ceiling


def test_trust_is_a_share_of_last_weeks_windows_and_off_by_default() -> None:
    careless = buyer_policy("b", Plugin("linear", {}))
    careful = buyer_policy("b", Plugin("linear", {"trust": 0.25}))
    strict = buyer_policy("b", Plugin("linear", {"trust": 0.0}))

    assert careless.trusts(Lapses(windows=168, shortfall_wh=10**6))
    assert careful.trusts(Lapses(windows=42))
    assert not careful.trusts(Lapses(windows=43))
    assert strict.trusts(Lapses())
    assert not strict.trusts(Lapses(windows=1))
    assert (careful.parameters, careless.trust) == ({}, None)


def test_strategies_get_the_range_from_the_limit_to_the_grids_other_price() -> None:
    seller = seller_policy("s", Plugin("linear", {})).strategy_for(120_000, TERMS, RNG)
    buyer = buyer_policy("b", Plugin("linear", {})).strategy_for(250_000, TERMS, RNG)

    assert (seller.price(0.0), seller.price(1.0)) == (320_000, 120_000)
    assert (buyer.price(0.0), buyer.price(1.0)) == (80_000, 250_000)


@pytest.mark.parametrize(
    ("plugin", "field"),
    [
        (Plugin("greedy", {}), "s.strategy"),
        (Plugin("boulware", {"beta": 3.0}), "s.parameters.beta"),
        (Plugin("boulware", {"coverage": 1.0}), "s.parameters.coverage"),
        (Plugin("boulware", {"safety_margin": 1.1}), "s.parameters.safety_margin"),
        (Plugin("boulware", {"safety_margin": -0.1}), "s.parameters.safety_margin"),
        (Plugin("boulware", {"reserve_price": -1.0}), "s.parameters.reserve_price"),
        (Plugin("boulware", {"reserve_price": 5_000.0}), "s.parameters.reserve_price"),
    ],
)
def test_a_sellers_mistake_is_named(plugin: Plugin, field: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        seller_policy("s", plugin)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("plugin", "field"),
    [
        (Plugin("zip", {"k": 0.1}), "b.parameters.k"),
        (Plugin("linear", {"coverage": 2.0}), "b.parameters.coverage"),
        (Plugin("linear", {"limit_price": -0.1}), "b.parameters.limit_price"),
        (Plugin("linear", {"trust": 1.1}), "b.parameters.trust"),
    ],
)
def test_a_buyers_mistake_is_named(plugin: Plugin, field: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        buyer_policy("b", plugin)
    assert caught.value.field == field
