"""Whoever sells or buys in the auction: producer and consumer (Huang et al. 2022), and truth.

The fourth role of the paper, the regulator, needs no agent: it is the grid, which by the terms of a
window sells without limit at the ceiling and buys at the floor.

Strategies are pure: what they know comes in `Outlook` and `Outcome`, chance from the given draw.
They calculate with fractions of money; the limit of an order is whole, rounded to the safe side.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from app.agents.auction.learning import Draw, PartialResponse
from app.agents.auction.orders import Draft, Outcome, Outlook, RoundPrices
from app.ledger.types import Side, Terms
from app.market.units import WH_PER_KWH


@dataclass(frozen=True, slots=True)
class TruthfulSeller:
    """Sells all it has from its reserve on: what the energy is worth to it, or the grid's floor."""

    reserve_price: int = 0

    def draft(self, outlook: Outlook) -> Draft | None:
        limit = max(self.reserve_price, outlook.terms.grid_floor)
        return _draft(Side.SELL, outlook, outlook.energy_wh, limit, "sells from its reserve")

    def learn(self, outcome: Outcome, prices: RoundPrices | None) -> None:
        """It says what is true, whatever comes of it."""


@dataclass(frozen=True, slots=True)
class TruthfulBuyer:
    """Buys all it needs up to its limit; up to what the grid asks, if it has none."""

    limit_price: int | None = None

    def draft(self, outlook: Outlook) -> Draft | None:
        limit = outlook.terms.grid_ceiling if self.limit_price is None else self.limit_price
        return _draft(Side.BUY, outlook, outlook.energy_wh, limit, "buys up to its limit")

    def learn(self, outcome: Outcome, prices: RoundPrices | None) -> None:
        """It says what is true, whatever comes of it."""


class Lever(StrEnum):
    """What a producer adjusts at present."""

    PRICE = "price"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True)
class ProducerSetting:
    """What a producer is: prices and steps in money per kWh, `quantity_step` in Wh.

    `cost` is c of the paper, `initial_price` its first p, `price_step` and `quantity_step` delta p
    and delta q, `tolerance` xi and `standing_loss` sigma, both in money. After `patience` rounds in
    a row that did not raise its profit by more than xi it turns to its other lever.
    """

    cost: int
    initial_price: int
    price_step: float
    quantity_step: float
    tolerance: float
    standing_loss: float
    patience: int
    following: float


class Producer:
    """Equations 1 to 3: raises its price while that pays, then adjusts how much it offers.

    Profit: e = q (p - c) for what it sold at what it was paid, e = -sigma where it sold nothing
    (equation 1), to be as large as it can be with 0 <= q <= q_max (equation 2). Where the paper
    leaves open when a producer changes from price to quantity and back, ours does so when its
    present lever has not paid for `patience` rounds. It never asks less than its cost.
    """

    def __init__(self, setting: ProducerSetting, draw: Draw) -> None:
        self._setting = setting
        self._price = float(setting.initial_price)
        self._withheld_wh = 0.0
        self._lever = Lever.PRICE
        self._idle_rounds = 0
        self._profit: float | None = None
        self._responses = {
            Lever.PRICE: PartialResponse(setting.price_step, setting.tolerance, draw),
            Lever.QUANTITY: PartialResponse(setting.quantity_step, setting.tolerance, draw),
        }

    @property
    def price(self) -> float:
        """What it asks next."""
        return self._price

    @property
    def withheld_wh(self) -> float:
        """How much less than it can it offers next: q_max - q."""
        return self._withheld_wh

    @property
    def lever(self) -> Lever:
        """What it adjusts at present."""
        return self._lever

    def draft(self, outlook: Outlook) -> Draft | None:
        self._withheld_wh = min(self._withheld_wh, float(outlook.energy_wh))
        self._price = min(self._price, float(outlook.terms.grid_ceiling))
        offered = outlook.energy_wh - math.ceil(self._withheld_wh)
        limit = max(math.ceil(self._price), self._setting.cost)
        return _draft(Side.SELL, outlook, offered, limit, f"adjusts its {self._lever.value}")

    def learn(self, outcome: Outcome, prices: RoundPrices | None) -> None:
        profit = self.profit_of(outcome)
        before, self._profit = self._profit, profit
        gained = before is None or profit - before > self._setting.tolerance
        self._turn(gained)
        change = self._responses[self._lever].change(profit, 0.0 if before is None else before)
        if self._lever is Lever.PRICE:
            self._price = max(self._price + change, float(self._setting.cost))
        else:
            self._withheld_wh = max(self._withheld_wh - change, 0.0)
        if profit < 0:
            self._price = float(self._setting.cost)
        elif prices is not None:
            self._price += self._setting.following * max(prices.lowest - self._price, 0.0)

    def profit_of(self, outcome: Outcome) -> float:
        """Equation 1, in money."""
        if outcome.energy_wh == 0:
            return -self._setting.standing_loss
        return outcome.gain_over(self._setting.cost)

    def _turn(self, gained: bool) -> None:
        """Takes the other lever where the present one has not paid for too long."""
        self._idle_rounds = 0 if gained else self._idle_rounds + 1
        if self._idle_rounds >= self._setting.patience:
            self._idle_rounds = 0
            other = {Lever.PRICE: Lever.QUANTITY, Lever.QUANTITY: Lever.PRICE}
            self._lever = other[self._lever]


@dataclass(frozen=True, slots=True)
class ConsumerSetting:
    """What a consumer is: `worth` is what a kWh is worth to it (c of the paper)."""

    worth: int
    initial_price: int
    price_step: float
    tolerance: float
    following: float


class Consumer:
    """Equations 4 and 5: bids so that its benefit is large; its demand is hard.

    Benefit: e = q (c - p) over all that it used: what it bought in the round, and what the grid had
    to deliver at the ceiling because no member did. The latter can cost more than it is worth; the
    benefit is then negative, and it bids all that energy is worth to it (p = c). It never bids more
    than that.
    """

    def __init__(self, setting: ConsumerSetting, draw: Draw) -> None:
        self._setting = setting
        self._price = float(setting.initial_price)
        self._benefit: float | None = None
        self._draw = draw

    @property
    def price(self) -> float:
        """What it bids next."""
        return self._price

    def draft(self, outlook: Outlook) -> Draft | None:
        limit = min(math.floor(self._price), self._setting.worth)
        return _draft(Side.BUY, outlook, outlook.energy_wh, limit, "adjusts its price")

    def learn(self, outcome: Outcome, prices: RoundPrices | None) -> None:
        benefit = self.benefit_of(outcome)
        before, self._benefit = self._benefit, benefit
        self._price += self._change(benefit - (0.0 if before is None else before))
        self._price = min(max(self._price, 0.0), float(self._setting.worth))
        if benefit < 0:
            self._price = float(self._setting.worth)
        elif prices is not None:
            self._price -= self._setting.following * max(self._price - prices.highest, 0.0)

    def benefit_of(self, outcome: Outcome) -> float:
        """Equation 4 with hard demand, in money."""
        worth = self._setting.worth
        forced = outcome.served_wh * (worth - outcome.terms.grid_ceiling) / WH_PER_KWH
        return forced - outcome.gain_over(worth)

    def _change(self, difference: float) -> float:
        """Equation 5: a step with the benefit; a random one, up or down, where it stays."""
        step, tolerance = self._setting.price_step, self._setting.tolerance
        if difference > tolerance:
            return step
        if difference < -tolerance:
            return -step
        sign = 1 if self._draw() < 0.5 else -1
        return sign * step * self._draw()


def _draft(side: Side, outlook: Outlook, energy_wh: int, limit: int, reason: str) -> Draft | None:
    """An order within the window's terms, or none for no energy or where the grid is better."""
    if energy_wh <= 0 or not _is_sensible(side, limit, outlook.terms):
        return None
    low, high = outlook.terms.grid_floor, outlook.terms.grid_ceiling
    return Draft(side, energy_wh, min(max(limit, low), high), reason)


def _is_sensible(side: Side, limit: int, terms: Terms) -> bool:
    """Whether a limit can be met between the grid's two prices."""
    return limit <= terms.grid_ceiling if side is Side.SELL else limit >= terms.grid_floor
