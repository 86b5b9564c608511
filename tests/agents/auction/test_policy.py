"""Order strategies by their names, and what a scenario's mistakes say."""

from collections.abc import Callable

import pytest

from app.agents.auction.policy import buy_policy, sell_policy, storage_policy
from app.agents.auction.strategies import Consumer, Producer, TruthfulBuyer, TruthfulSeller
from app.errors import ScenarioError
from app.scenario.scenario import Plugin
from tests.agents.auction.conftest import never

PRODUCER = {"cost": 0.016, "price_step": 0.001, "quantity_step_kwh": 0.1, "tolerance": 0.0001}
CONSUMER = {"worth": 0.048, "price_step": 0.0005, "tolerance": 0.0001}


def sell(name: str, **parameters: float) -> object:
    return sell_policy("s", Plugin(name, parameters), never)


def buy(name: str, **parameters: float) -> object:
    return buy_policy("b", Plugin(name, parameters), never)


def storage(name: str, **parameters: float) -> object:
    return storage_policy("p", Plugin(name, parameters))


def test_defaults_order_nine_tenths_of_a_surplus_and_all_of_a_lack() -> None:
    selling = sell_policy("s", Plugin("truthful", {}), never)
    buying = buy_policy("b", Plugin("truthful", {}), never)
    assert (selling.strategy, selling.ordered_wh(1_000)) == (TruthfulSeller(0), 900)
    assert (buying.strategy, buying.ordered_wh(1_000)) == (TruthfulBuyer(None), 1_000)


def test_parameters_are_the_policys_or_the_strategys() -> None:
    selling = sell_policy("s", Plugin("producer", {**PRODUCER, "safety_margin": 0.0}), never)
    buying = buy_policy("b", Plugin("consumer", {**CONSUMER, "coverage": 0.5}), never)
    assert isinstance(selling.strategy, Producer)
    assert (selling.strategy.price, selling.ordered_wh(1_000)) == (16_000.0, 1_000)
    assert isinstance(buying.strategy, Consumer)
    assert (buying.strategy.price, buying.ordered_wh(1_000)) == (48_000.0, 500)


def test_storage_plans_or_speculates() -> None:
    assert storage_policy("p", Plugin("plan", {})).speculator is None
    assert storage_policy("p", Plugin("speculator", {"lookback": 5.0})).speculator is not None


@pytest.mark.parametrize(
    ("make", "name", "parameters", "field", "rule"),
    [
        (sell, "greedy", {}, "s", "must be a known order strategy"),
        (sell, "consumer", CONSUMER, "s", "must be a known order strategy"),
        (buy, "producer", PRODUCER, "b", "must be a known order strategy"),
        (sell, "producer", {}, "s.parameters.cost", "is required"),
        (sell, "producer", PRODUCER | {"cost": -1.0}, "s.parameters.cost", "must be from 0"),
        (sell, "producer", PRODUCER | {"patience": 0.0}, "s.parameters.patience", "whole number"),
        (sell, "producer", PRODUCER | {"patience": 1.5}, "s.parameters.patience", "whole number"),
        (sell, "producer", PRODUCER | {"following": 1.1}, "s.parameters.following", "0 to 1"),
        (sell, "producer", PRODUCER | {"worth": 1.0}, "s.parameters.worth", "not a known"),
        (sell, "truthful", {"safety_margin": 1.1}, "s.parameters.safety_margin", "0 to 1"),
        (sell, "truthful", {"limit_price": 0.1}, "s.parameters.limit_price", "not a known"),
        (buy, "truthful", {"coverage": 2.0}, "b.parameters.coverage", "0 to 1"),
        (buy, "consumer", {"worth": 0.1}, "b.parameters.price_step", "is required"),
        (storage, "truthful", {}, "p", "must be a known order strategy"),
        (storage, "plan", {"lookback": 3.0}, "p.parameters.lookback", "not a known"),
        (storage, "speculator", {"lookback": 0.0}, "p.parameters.lookback", "whole number"),
    ],
)
def test_a_mistake_is_named(
    make: Callable[..., object], name: str, parameters: dict[str, float], field: str, rule: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        make(name, **parameters)
    assert caught.value.field == field
    assert rule in caught.value.rule
