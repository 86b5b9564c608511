"""What all households of a private street know together: for a run's report, and nobody's eyes."""

from dataclasses import dataclass

from app.agents.private.household import PrivateHousehold
from app.agents.private.office import PrivateOffice
from app.agents.private.view import PrivateTrade, PrivateView, TradeSide, TradeState
from app.market.units import cost_down


@dataclass(frozen=True, slots=True)
class Position:
    """What a household's meter saw in a window, and what of it was traded (Wh)."""

    window: int
    exported_wh: int
    imported_wh: int
    sold_wh: int
    bought_wh: int

    @property
    def net_wh(self) -> int:
        """What its own supplier buys of it; what it sells to it where negative."""
        return self.exported_wh - self.sold_wh + self.bought_wh - self.imported_wh


@dataclass(frozen=True, slots=True)
class HouseholdBooks:
    """A household's view, what its notes hold (1e-6), and its metered windows."""

    view: PrivateView
    balance: int
    positions: tuple[Position, ...]


def paid_for(trade: PrivateTrade) -> int:
    """What a trade has moved from buyer to seller (1e-6): all that was locked, or its part."""
    if trade.state is TradeState.SETTLED:
        return trade.cost.value
    return cost_down(trade.delivered_wh or 0, trade.price.value)


def books_of(household: PrivateHousehold, office: PrivateOffice) -> HouseholdBooks:
    """Of the windows that this process has metered."""
    view = household.view()
    meter = household.home.member.meter
    positions = tuple(
        Position(
            window,
            reading.exported_wh,
            reading.imported_wh,
            _delivered_wh(view, window, TradeSide.SOLD),
            _delivered_wh(view, window, TradeSide.BOUGHT),
        )
        for (address, window), reading in office.readings.items()
        if address == meter
    )
    return HouseholdBooks(view, household.purse.balance, positions)


def _delivered_wh(view: PrivateView, window: int, side: TradeSide) -> int:
    return sum(
        trade.delivered_wh or 0
        for trade in view.trades
        if trade.window == window and trade.side is side
    )
