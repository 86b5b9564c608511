"""What an agent asks or bids as time passes: plug-ins, by name.

- `boulware`, `linear`, `conceder`: time-dependent concession (Faratin, Sierra, Jennings 1998,
  "Negotiation decision functions for autonomous agents", section 4.1, polynomial function)
- `zip`: zero-intelligence-plus (Cliff and Bruten 1997, "Zero is not enough"), fed with the quotes
  of the agent's own conversations, which are all that it sees

Prices are integers in money per kWh. A strategy of one's own is a function that `register` takes.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.agents.negotiation.ontology import Party
from app.errors import ConflictError, ScenarioError

Parameters = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PriceRange:
    """What an agent may ask or bid: both ends are allowed. One of them is its own limit."""

    least: int
    most: int

    def clamp(self, price: int) -> int:
        return max(self.least, min(price, self.most))


@dataclass(frozen=True, slots=True)
class Quotes:
    """What the other sides of an agent's conversations have quoted last.

    `best` is the highest bid that a seller has seen, or the lowest ask that a buyer has seen.
    `wanted_wh` is the energy quoted at the agent's own price or better, `own_wh` what it has to
    trade.
    """

    best: int | None
    wanted_wh: int
    own_wh: int


class Strategy(Protocol):
    """Prices of one agent in one negotiation."""

    def price(self, elapsed: float) -> int:
        """What to ask or bid when this part (0 to 1) of the negotiation has passed."""
        ...

    def observe(self, quotes: Quotes) -> None:
        """Sees what the others quote, once a round."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """What a strategy is made for."""

    party: Party
    prices: PriceRange
    parameters: Parameters
    rng: np.random.Generator


Factory = Callable[[Setting], Strategy]


class TimeDependent:
    """Concedes from one end of its range to the other: alpha(t) = k + (1 - k) t^(1/beta).

    `beta` < 1 holds out until late (boulware), `beta` > 1 gives way early (conceder); `k` is what
    it concedes at once.
    """

    def __init__(self, party: Party, prices: PriceRange, beta: float, k: float) -> None:
        self._party = party
        self._prices = prices
        self._beta = beta
        self._k = k

    def price(self, elapsed: float) -> int:
        conceded = self._k + (1 - self._k) * math.pow(elapsed, 1 / self._beta)
        span = round(conceded * (self._prices.most - self._prices.least))
        if self._party is Party.SELLER:
            return self._prices.most - span
        return self._prices.least + span

    def observe(self, quotes: Quotes) -> None:
        """Time alone moves it."""


class ZeroIntelligencePlus:
    """Keeps a margin on its limit price and adapts it to what others quote.

    The margin moves by Widrow and Hoff's rule with momentum towards a target beside the best quote:
    up where the others would take more than the agent has, down where the best quote is worse than
    its own price. The original's shouts are heard by all traders; here an agent hears those of its
    own conversations. The absolute part of the target's perturbation, 0.05 in the original's
    currency, is that share of the price range.
    """

    def __init__(self, party: Party, prices: PriceRange, rng: np.random.Generator) -> None:
        self._party = party
        self._prices = prices
        self._rng = rng
        self._limit = prices.least if party is Party.SELLER else prices.most
        margin = rng.uniform(0.05, 0.35)
        sign = 1 if party is Party.SELLER else -1
        self._price = float(prices.clamp(round(self._limit * (1 + sign * margin))))
        self._rate = rng.uniform(0.1, 0.5)
        self._momentum = rng.uniform(0.0, 0.1)
        self._change = 0.0

    def price(self, elapsed: float) -> int:
        return self._prices.clamp(round(self._price))

    def observe(self, quotes: Quotes) -> None:
        if quotes.best is None:
            return
        if quotes.wanted_wh >= quotes.own_wh:
            self._move_towards(quotes.best, gain=True)
        elif not self._beats(quotes.best):
            self._move_towards(quotes.best, gain=False)

    def _beats(self, quote: int) -> bool:
        """Whether a quote is at least as good for the agent as its own price."""
        if self._party is Party.SELLER:
            return quote >= self._price
        return quote <= self._price

    def _move_towards(self, quote: int, *, gain: bool) -> None:
        upwards = gain == (self._party is Party.SELLER)
        sign = 1 if upwards else -1
        relative = 1 + sign * self._rng.uniform(0.0, 0.05)
        absolute = sign * self._rng.uniform(0.0, 0.05) * (self._prices.most - self._prices.least)
        delta = self._rate * (relative * quote + absolute - self._price)
        self._change = self._momentum * self._change + (1 - self._momentum) * delta
        moved = self._price + self._change
        self._price = min(max(moved, self._prices.least), self._prices.most)


_FACTORIES: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Makes a strategy known by a name; raises ConflictError if the name is taken."""
    if name in _FACTORIES:
        raise ConflictError(f"there is a strategy {name!r} already")
    _FACTORIES[name] = factory


def strategy_names() -> tuple[str, ...]:
    """The names that are known."""
    return tuple(sorted(_FACTORIES))


def make_strategy(name: str, setting: Setting) -> Strategy:
    """A strategy for one negotiation; raises ScenarioError for a name or parameter unknown."""
    factory = _FACTORIES.get(name)
    if factory is None:
        known = f"known: {', '.join(strategy_names())}"
        raise ScenarioError("strategy", "must be a known strategy", name, hint=known)
    return factory(setting)


def _time_dependent(default_beta: float, least: float, most: float) -> Factory:
    """Polynomial concession with `beta` within a range."""

    def factory(setting: Setting) -> Strategy:
        beta = setting.parameters.get("beta", default_beta)
        k = setting.parameters.get("k", 0.0)
        check_parameters(setting.parameters, ("beta", "k"))
        if not least <= beta <= most:
            raise ScenarioError("parameters.beta", f"must be from {least} to {most}", beta)
        if not 0 <= k <= 1:
            raise ScenarioError("parameters.k", "must be from 0 to 1", k)
        return TimeDependent(setting.party, setting.prices, beta, k)

    return factory


def _zero_intelligence_plus(setting: Setting) -> Strategy:
    check_parameters(setting.parameters, ())
    return ZeroIntelligencePlus(setting.party, setting.prices, setting.rng)


def check_parameters(parameters: Parameters, known: tuple[str, ...]) -> None:
    """Raises ScenarioError for a parameter that is not known."""
    for name, value in parameters.items():
        if name not in known:
            hint = f"known: {', '.join(known) or 'none'}"
            raise ScenarioError(f"parameters.{name}", "is not a known parameter", value, hint=hint)


register("boulware", _time_dependent(0.2, 0.02, 0.99))
register("linear", _time_dependent(1.0, 1.0, 1.0))
register("conceder", _time_dependent(5.0, 1.01, 50.0))
register("zip", _zero_intelligence_plus)
