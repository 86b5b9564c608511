"""How a household trades: its strategies and limits, from the scenario's plug-ins."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from app.agents.negotiation.ontology import Party
from app.agents.negotiation.strategies import PriceRange, Setting, Strategy, make_strategy
from app.errors import ScenarioError
from app.ledger.types import Lapses, Terms
from app.market.units import money_from_decimal
from app.scenario.scenario import Plugin

# The record that counts: a week.
RECORD_WINDOWS = 168

_PROBE = PriceRange(80_000, 320_000)
_MOST_PRICE = 4_294.0


@dataclass(frozen=True, slots=True)
class SellerPolicy:
    """How a household sells.

    It offers its forecast surplus less `safety_margin` (a share of it), at no less than
    `reserve_price` (money per kWh).
    """

    strategy: str
    parameters: Mapping[str, float]
    safety_margin: float
    reserve_price: int

    def offered_wh(self, surplus_wh: int) -> int:
        return int(surplus_wh * (1 - self.safety_margin))

    def strategy_for(self, least: int, terms: Terms, rng: np.random.Generator) -> Strategy:
        """The strategy for an offer that may be sold from the price `least` on."""
        prices = PriceRange(least, max(least, terms.grid_ceiling))
        return make_strategy(self.strategy, Setting(Party.SELLER, prices, self.parameters, rng))


@dataclass(frozen=True, slots=True)
class BuyerPolicy:
    """How a household buys.

    It looks for `coverage` (a share) of its forecast lack, at no more than `limit_price` (money
    per kWh), or the grid's own price where there is no limit. Who failed its word in more than
    `trust` (a share) of the last week's windows sells to it only what others don't; None: it
    doesn't ask.
    """

    strategy: str
    parameters: Mapping[str, float]
    coverage: float
    limit_price: int | None
    trust: float | None = None

    def trusts(self, record: Lapses) -> bool:
        """Whether a seller with this record of `RECORD_WINDOWS` windows comes first."""
        return self.trust is None or record.windows <= self.trust * RECORD_WINDOWS

    def wanted_wh(self, lack_wh: int) -> int:
        return int(lack_wh * self.coverage)

    def limit_at(self, terms: Terms) -> int:
        if self.limit_price is None:
            return terms.grid_ceiling
        return min(self.limit_price, terms.grid_ceiling)

    def strategy_for(self, limit: int, terms: Terms, rng: np.random.Generator) -> Strategy:
        prices = PriceRange(min(limit, terms.grid_floor), limit)
        return make_strategy(self.strategy, Setting(Party.BUYER, prices, self.parameters, rng))


def seller_policy(field: str, plugin: Plugin) -> SellerPolicy:
    """The policy that a scenario's `seller` stands for; raises ScenarioError naming `field`.

    Parameters besides the strategy's own: `safety_margin` (0 to 1, default 0.1) and
    `reserve_price` (per kWh, default 0).
    """
    own = dict(plugin.parameters)
    policy = SellerPolicy(
        strategy=plugin.name,
        safety_margin=_share(field, own, "safety_margin", 0.1),
        reserve_price=_price(field, own, "reserve_price") or 0,
        parameters=own,
    )
    _probe(field, plugin.name, Party.SELLER, own)
    return policy


def buyer_policy(field: str, plugin: Plugin) -> BuyerPolicy:
    """The policy that a scenario's `buyer` stands for; raises ScenarioError naming `field`.

    Parameters besides the strategy's own: `coverage` (0 to 1, default 1), `limit_price` (per kWh,
    default the grid's) and `trust` (0 to 1, default none).
    """
    own = dict(plugin.parameters)
    policy = BuyerPolicy(
        strategy=plugin.name,
        coverage=_share(field, own, "coverage", 1.0),
        limit_price=_price(field, own, "limit_price"),
        trust=_share(field, own, "trust", 1.0) if "trust" in own else None,
        parameters=own,
    )
    _probe(field, plugin.name, Party.BUYER, own)
    return policy


def _probe(field: str, name: str, party: Party, parameters: Mapping[str, float]) -> None:
    """Makes the strategy once, so that a scenario's mistake shows before the run."""
    try:
        make_strategy(name, Setting(party, _PROBE, parameters, np.random.default_rng(0)))
    except ScenarioError as error:
        where = f"{field}.{error.field}"
        raise ScenarioError(where, error.rule, error.value, hint=error.hint) from error


def _share(field: str, parameters: dict[str, float], name: str, default: float) -> float:
    value = parameters.pop(name, default)
    if not 0 <= value <= 1:
        raise ScenarioError(f"{field}.parameters.{name}", "must be from 0 to 1", value)
    return value


def _price(field: str, parameters: dict[str, float], name: str) -> int | None:
    value = parameters.pop(name, None)
    if value is None:
        return None
    if not 0 <= value <= _MOST_PRICE:
        rule = f"must be from 0 to {_MOST_PRICE}"
        raise ScenarioError(f"{field}.parameters.{name}", rule, value)
    return money_from_decimal(round(Decimal(str(value)), 6))
