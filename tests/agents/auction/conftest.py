"""Rounds of an auction between a floor of 0.08 and a ceiling of 0.32."""

from collections.abc import Callable, Iterable

from app.agents.auction.orders import Fill, Outcome, Outlook, RoundPrices
from app.ledger.types import Terms

TERMS = Terms(grid_floor=80_000, grid_ceiling=320_000, penalty_rate=50_000)
WINDOW = 407_068

Draw = Callable[[], float]


def outlook(energy_wh: int, terms: Terms = TERMS) -> Outlook:
    return Outlook(WINDOW, terms, energy_wh)


def outcome(*fills: tuple[int, int], served_wh: int = 0, terms: Terms = TERMS) -> Outcome:
    """What a round came to: fills as (energy, price)."""
    return Outcome(WINDOW, terms, tuple(Fill(*fill) for fill in fills), served_wh)


def prices(lowest: int, highest: int | None = None, window: int = WINDOW) -> RoundPrices:
    most = lowest if highest is None else highest
    return RoundPrices(window, lowest, most, (lowest + most) // 2, 1_000)


def drawing(numbers: Iterable[float]) -> Draw:
    """Draws these numbers, one after the other."""
    left = iter(numbers)
    return lambda: next(left)


def never() -> float:
    raise AssertionError("nothing was to be drawn")
