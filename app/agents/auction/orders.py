"""What a strategy sees before a round of the auction, what it wants, and what came of it.

A round is the auction of one delivery window. Energy in Wh, prices in money (1e-6) per kWh.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from app.ledger.types import Side, Terms
from app.market.units import WH_PER_KWH


@dataclass(frozen=True, slots=True)
class Fill:
    """Energy that was bought or sold in a round, at a price."""

    energy_wh: int
    price: int


@dataclass(frozen=True, slots=True)
class RoundPrices:
    """What everybody learns of a round: its lowest, highest and mean price, and the energy.

    Prices are those of all that was bought, from members or, at the ceiling, from the grid behind
    the book; `traded_wh` is what members sold.
    """

    window: int
    lowest: int
    highest: int
    mean: int
    traded_wh: int


def round_prices(
    window: int, fills: Iterable[Fill], served: Fill | None = None
) -> RoundPrices | None:
    """The prices of a round; `served` is what the grid sold. None if nothing was bought."""
    traded = [fill for fill in fills if fill.energy_wh]
    bought = traded if served is None or not served.energy_wh else [*traded, served]
    if not bought:
        return None
    value = sum(fill.energy_wh * fill.price for fill in bought)
    return RoundPrices(
        window=window,
        lowest=min(fill.price for fill in bought),
        highest=max(fill.price for fill in bought),
        mean=round(value / sum(fill.energy_wh for fill in bought)),
        traded_wh=sum(fill.energy_wh for fill in traded),
    )


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a strategy knows before a round; `energy_wh` is there to sell, or is newly needed."""

    window: int
    terms: Terms
    energy_wh: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a strategy's orders in a round.

    `served_wh` is needed energy that the grid has to deliver at the ceiling, as no member did.
    """

    window: int
    terms: Terms
    fills: tuple[Fill, ...]
    served_wh: int = 0

    @property
    def energy_wh(self) -> int:
        """Energy that was bought or sold."""
        return sum(fill.energy_wh for fill in self.fills)

    def gain_over(self, price: float) -> float:
        """What sales brought above a price per kWh; for purchases, its negative."""
        return sum(fill.energy_wh * (fill.price - price) for fill in self.fills) / WH_PER_KWH


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that a strategy wants; `reason` says in words what it is doing."""

    side: Side
    energy_wh: int
    limit_price: int
    reason: str = ""


class OrderStrategy(Protocol):
    """How one side of a household's trade orders; it may learn from round to round."""

    def draft(self, outlook: Outlook) -> Draft | None:
        """The order for a round, or None for no order."""
        ...

    def learn(self, outcome: Outcome, prices: RoundPrices | None) -> None:
        """Takes note of a round in which it had something to trade, and of what all traded at."""
        ...
