"""How a household trades in the auction: its order strategies, from the scenario's plug-ins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.agents.auction.learning import Draw
from app.agents.auction.orders import OrderStrategy
from app.agents.auction.speculator import Speculator, SpeculatorSetting
from app.agents.auction.strategies import (
    Consumer,
    ConsumerSetting,
    Producer,
    ProducerSetting,
    TruthfulBuyer,
    TruthfulSeller,
)
from app.errors import ScenarioError
from app.market.units import MONEY_UNIT, WH_PER_KWH, money_from_decimal
from app.scenario.scenario import Plugin

MOST_PRICE = 4_294.0
MOST_MONEY = 1e9
MOST_ROUNDS = 1_000.0


@dataclass(frozen=True, slots=True)
class SidePolicy:
    """How one side of a household's trade orders.

    It orders the `share` of what it forecasts: of a surplus one less the safety margin, of a lack
    the coverage.
    """

    name: str
    strategy: OrderStrategy
    share: float

    def ordered_wh(self, forecast_wh: int) -> int:
        return int(forecast_wh * self.share)


@dataclass(frozen=True, slots=True)
class StoragePolicy:
    """How a battery trades; `speculator` is None for one that doesn't speculate."""

    name: str
    speculator: Speculator | None


class _Parameters:
    """A plug-in's parameters, taken one by one; errors name the field of the scenario."""

    def __init__(self, field: str, values: Mapping[str, float]) -> None:
        self._field = field
        self._left = dict(values)
        self._known: list[str] = []

    def number(self, name: str, most: float, default: float | None = None) -> float:
        """A number from 0 to `most`; raises ScenarioError, also where a required one is missing."""
        self._known.append(name)
        where = f"{self._field}.parameters.{name}"
        value = self._left.pop(name, default)
        if value is None:
            raise ScenarioError(where, "is required", None)
        if not 0 <= value <= most:
            raise ScenarioError(where, f"must be from 0 to {most:g}", value)
        return value

    def rounds(self, name: str, default: float) -> int:
        """A whole number of rounds, at least 1."""
        value = self.number(name, MOST_ROUNDS, default)
        if value < 1 or value != int(value):
            where = f"{self._field}.parameters.{name}"
            raise ScenarioError(where, f"must be a whole number from 1 to {MOST_ROUNDS:g}", value)
        return int(value)

    def money(self, name: str, default: float | None = None) -> float:
        """An amount in money units, which need not be whole."""
        return self.number(name, MOST_MONEY, default) * MONEY_UNIT

    def price(self, name: str, default: float | None = None) -> int:
        """A price in money per kWh."""
        value = self.number(name, MOST_PRICE, default)
        return money_from_decimal(round(Decimal(str(value)), 6))

    def price_or_none(self, name: str) -> int | None:
        self._known.append(name)
        return self.price(name) if name in self._left else None

    def finish(self) -> None:
        """Raises ScenarioError for a parameter that nobody has asked for."""
        for name, value in self._left.items():
            hint = f"known: {', '.join(dict.fromkeys(self._known)) or 'none'}"
            where = f"{self._field}.parameters.{name}"
            raise ScenarioError(where, "is not a known parameter", value, hint=hint)


def sell_policy(field: str, plugin: Plugin, draw: Draw) -> SidePolicy:
    """The policy that a scenario's `sell_orders` stands for; raises ScenarioError naming `field`.

    All know `safety_margin` (0 to 1, default 0.1), `truthful` also `reserve_price` (per kWh,
    default 0), `producer` what `ProducerSetting` has.
    """
    return _side_policy(field, plugin, draw, _SELLERS, _sold_share)


def buy_policy(field: str, plugin: Plugin, draw: Draw) -> SidePolicy:
    """The policy that a scenario's `buy_orders` stands for; raises ScenarioError naming `field`.

    All know `coverage` (0 to 1, default 1), `truthful` also `limit_price` (per kWh, default the
    grid's), `consumer` what `ConsumerSetting` has.
    """
    return _side_policy(field, plugin, draw, _BUYERS, _bought_share)


def storage_policy(field: str, plugin: Plugin) -> StoragePolicy:
    """The policy that a scenario's `storage_orders` stands for; raises ScenarioError.

    `plan` trades what the battery's own plan says, `speculator` knows `lookback` (rounds, default
    3), `buy_threshold` and `sell_threshold` (relative changes, default 0.05).
    """
    parameters = _Parameters(field, plugin.parameters)
    if plugin.name not in STORAGE_STRATEGIES:
        raise _unknown(field, plugin.name, STORAGE_STRATEGIES)
    speculator = None
    if plugin.name == "speculator":
        speculator = Speculator(
            SpeculatorSetting(
                lookback=parameters.rounds("lookback", 3),
                buy_threshold=parameters.number("buy_threshold", 1, 0.05),
                sell_threshold=parameters.number("sell_threshold", 1, 0.05),
            )
        )
    parameters.finish()
    return StoragePolicy(plugin.name, speculator)


def _truthful_seller(parameters: _Parameters, _draw: Draw) -> OrderStrategy:
    return TruthfulSeller(parameters.price("reserve_price", 0))


def _truthful_buyer(parameters: _Parameters, _draw: Draw) -> OrderStrategy:
    return TruthfulBuyer(parameters.price_or_none("limit_price"))


def _producer(parameters: _Parameters, draw: Draw) -> OrderStrategy:
    cost = parameters.price("cost")
    setting = ProducerSetting(
        cost=cost,
        initial_price=parameters.price("initial_price", cost / MONEY_UNIT),
        price_step=parameters.money("price_step"),
        quantity_step=parameters.money("quantity_step_kwh") / MONEY_UNIT * WH_PER_KWH,
        tolerance=parameters.money("tolerance"),
        standing_loss=parameters.money("standing_loss", 0),
        patience=parameters.rounds("patience", 2),
        following=parameters.number("following", 1, 0),
    )
    return Producer(setting, draw)


def _consumer(parameters: _Parameters, draw: Draw) -> OrderStrategy:
    worth = parameters.price("worth")
    setting = ConsumerSetting(
        worth=worth,
        initial_price=parameters.price("initial_price", worth / MONEY_UNIT),
        price_step=parameters.money("price_step"),
        tolerance=parameters.money("tolerance"),
        following=parameters.number("following", 1, 0),
    )
    return Consumer(setting, draw)


_Make = Callable[[_Parameters, Draw], OrderStrategy]

STORAGE_STRATEGIES = ("plan", "speculator")
_SELLERS: Mapping[str, _Make] = {"truthful": _truthful_seller, "producer": _producer}
_BUYERS: Mapping[str, _Make] = {"truthful": _truthful_buyer, "consumer": _consumer}


def _sold_share(parameters: _Parameters) -> float:
    return 1 - parameters.number("safety_margin", 1, 0.1)


def _bought_share(parameters: _Parameters) -> float:
    return parameters.number("coverage", 1, 1)


def _side_policy(
    field: str,
    plugin: Plugin,
    draw: Draw,
    known: Mapping[str, _Make],
    share: Callable[[_Parameters], float],
) -> SidePolicy:
    if plugin.name not in known:
        raise _unknown(field, plugin.name, known)
    parameters = _Parameters(field, plugin.parameters)
    policy = SidePolicy(plugin.name, known[plugin.name](parameters, draw), share(parameters))
    parameters.finish()
    return policy


def _unknown(field: str, name: str, known: Mapping[str, _Make] | tuple[str, ...]) -> ScenarioError:
    hint = f"known: {', '.join(known)}"
    return ScenarioError(field, "must be a known order strategy", name, hint=hint)
