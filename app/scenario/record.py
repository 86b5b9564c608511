"""What a run has done, gathered from the receipts of its writes.

Everything is counted from events, hence from what the ledger says, never from what agents intended.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from app.ledger.private_calls import POOL, PRIVATE_MARKET
from app.ledger.types import Address, Event, Receipt, Side, Terms
from app.market.units import cost_down, cost_up


@dataclass(slots=True)
class Trade:
    """An agreement and what became of it. Energy in Wh, money in 1e-6, price in money per kWh."""

    agreement_id: str
    window: int
    seller: Address
    buyer: Address
    energy_wh: int
    price: int
    settled: bool = False
    delivered_wh: int = 0
    paid: int = 0
    compensation: int = 0
    penalty: int = 0


@dataclass(slots=True)
class OrderTotals:
    """Orders or fills in sums: their energy, and the mean of their prices, weighted by it."""

    count: int = 0
    energy_wh: int = 0
    value: int = 0

    def add(self, energy_wh: int, price: int) -> None:
        self.count += 1
        self.energy_wh += energy_wh
        self.value += energy_wh * price

    @property
    def mean_price(self) -> int | None:
        """None where there are none."""
        return round(self.value / self.energy_wh) if self.energy_wh else None


@dataclass(slots=True)
class WindowTotals:
    """One delivery window in sums. `grid_*` are the positions that were closed against the grid.

    `grid_cost` was paid for imports, `grid_revenue` got for exports (1e-6). `bids` and `asks` are
    the orders that were newly placed in the auction, `fills` its trades.
    """

    window: int
    offers: int = 0
    offered_wh: int = 0
    agreements: int = 0
    agreed_wh: int = 0
    settled: int = 0
    traded_wh: int = 0
    traded_value: int = 0
    grid_import_wh: int = 0
    grid_export_wh: int = 0
    grid_cost: int = 0
    grid_revenue: int = 0
    penalties: int = 0
    bids: OrderTotals = field(default_factory=OrderTotals)
    asks: OrderTotals = field(default_factory=OrderTotals)
    fills: OrderTotals = field(default_factory=OrderTotals)

    @property
    def mean_price(self) -> int | None:
        """Mean price of what was delivered, weighted by energy; None where nothing was."""
        if self.traded_wh == 0:
            return None
        return round(self.traded_value / self.traded_wh)


@dataclass(slots=True)
class RunRecord:
    """All trades, windows, transactions and gas of a run.

    Of private trading there are `private_events`, counted by name, and `private_gas` by function:
    no more can be read from them.
    """

    trades: dict[str, Trade] = field(default_factory=dict)
    windows: dict[int, WindowTotals] = field(default_factory=dict)
    transactions: int = 0
    gas_by_function: Counter[str] = field(default_factory=Counter)
    calls_by_function: Counter[str] = field(default_factory=Counter)
    debts: int = 0
    readings: dict[tuple[Address, int], tuple[int, int]] = field(default_factory=dict)
    private_events: Counter[str] = field(default_factory=Counter)
    private_gas: Counter[str] = field(default_factory=Counter)

    def observe(self, receipt: Receipt) -> None:
        """Count one write and its events."""
        self.transactions += 1
        self.gas_by_function[receipt.function] += receipt.gas_used
        self.calls_by_function[receipt.function] += 1
        if any(event.contract in (PRIVATE_MARKET, POOL) for event in receipt.events):
            self.private_gas[receipt.function] += receipt.gas_used
        for event in receipt.events:
            if event.contract in (PRIVATE_MARKET, POOL):
                self._count_private(event)
                continue
            handler = self._HANDLERS.get(event.name)
            if handler is not None:
                handler(self, event.arguments)

    def window(self, window: int) -> WindowTotals:
        """The sums of a window."""
        return self.windows.setdefault(window, WindowTotals(window))

    def buyers_saving(self, terms: dict[int, Terms]) -> int:
        """What buyers paid less than at the grid's retail price, compensation included (1e-6)."""
        return sum(
            cost_up(trade.delivered_wh, terms[trade.window].grid_ceiling)
            - cost_up(trade.delivered_wh, trade.price)
            for trade in self.trades.values()
        )

    def sellers_gain(self, terms: dict[int, Terms]) -> int:
        """What sellers received more than at the grid's feed-in price, before penalties (1e-6)."""
        return sum(
            trade.paid - cost_down(trade.delivered_wh, terms[trade.window].grid_floor)
            for trade in self.trades.values()
        )

    def bill(self, terms: Mapping[int, Terms]) -> int:
        """What all together paid to grid and operator, less what the grid paid them (1e-6)."""
        windows = [self.window(window) for window in terms]
        return sum(w.grid_cost - w.grid_revenue + w.penalties for w in windows)

    def bill_alone(self, terms: Mapping[int, Terms], homes: Collection[Address]) -> int:
        """What it would have been, had each home dealt with the grid alone (1e-6)."""
        return sum(
            cost_up(imported_wh, terms[window].grid_ceiling)
            - cost_down(exported_wh, terms[window].grid_floor)
            for (owner, window), (exported_wh, imported_wh) in self.readings.items()
            if owner in homes and window in terms
        )

    def _count_private(self, event: Event) -> None:
        name = event.name
        if name == "TransactionMade":
            name += " in full" if event.arguments["inFull"] else " in part"
        self.private_events[name] += 1

    def _offer_made(self, arguments: Mapping[str, object]) -> None:
        totals = self.window(_int(arguments, "window"))
        totals.offers += 1
        totals.offered_wh += _int(arguments, "energyWh")

    def _order_placed(self, arguments: Mapping[str, object]) -> None:
        totals = self.window(_int(arguments, "window"))
        side = totals.bids if _int(arguments, "side") == Side.BUY else totals.asks
        side.add(_int(arguments, "energyWh"), _int(arguments, "limitPrice"))

    def _order_filled(self, arguments: Mapping[str, object]) -> None:
        totals = self.window(_int(arguments, "window"))
        totals.fills.add(_int(arguments, "energyWh"), _int(arguments, "price"))

    def _allowed(self, arguments: Mapping[str, object]) -> None:
        trade = Trade(
            agreement_id=_hex(arguments["agreementId"]),
            window=_int(arguments, "window"),
            seller=str(arguments["seller"]),
            buyer=str(arguments["buyer"]),
            energy_wh=_int(arguments, "energyWh"),
            price=_int(arguments, "price"),
        )
        self.trades[trade.agreement_id] = trade
        totals = self.window(trade.window)
        totals.agreements += 1
        totals.agreed_wh += trade.energy_wh

    def _made(self, arguments: Mapping[str, object]) -> None:
        trade = self.trades.get(_hex(arguments["agreementId"]))
        if trade is None:
            return  # agreed before this run began
        trade.settled = True
        trade.delivered_wh = _int(arguments, "deliveredWh")
        trade.paid = _int(arguments, "paid")
        trade.compensation = _int(arguments, "compensation")
        trade.penalty = _int(arguments, "penalty")
        totals = self.window(trade.window)
        totals.settled += 1
        totals.traded_wh += trade.delivered_wh
        totals.traded_value += trade.delivered_wh * trade.price
        totals.penalties += trade.penalty

    def _closed(self, arguments: Mapping[str, object]) -> None:
        totals = self.window(_int(arguments, "window"))
        net_wh = _int(arguments, "netWh")
        totals.grid_export_wh += max(net_wh, 0)
        totals.grid_import_wh += max(-net_wh, 0)
        if net_wh > 0:
            totals.grid_revenue += _int(arguments, "amount")
        else:
            totals.grid_cost += _int(arguments, "amount")

    def _covered(self, arguments: Mapping[str, object]) -> None:
        totals = self.window(_int(arguments, "window"))
        totals.grid_import_wh += _int(arguments, "energyWh")
        totals.grid_cost += _int(arguments, "amount")

    def _read(self, arguments: Mapping[str, object]) -> None:
        energy = _int(arguments, "exportedWh"), _int(arguments, "importedWh")
        self.readings[str(arguments["owner"]), _int(arguments, "window")] = energy

    def _indebted(self, arguments: Mapping[str, object]) -> None:
        self.debts += _int(arguments, "amount")

    _HANDLERS: ClassVar[Mapping[str, Callable[["RunRecord", Mapping[str, object]], None]]] = {
        "OfferMade": _offer_made,
        "OrderPlaced": _order_placed,
        "OrderFilled": _order_filled,
        "TransactionAllowed": _allowed,
        "TransactionMade": _made,
        "ReadingRecorded": _read,
        "PositionClosed": _closed,
        "EnergyCovered": _covered,
        "DebtIncurred": _indebted,
    }


def _int(arguments: Mapping[str, object], name: str) -> int:
    value = arguments[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}, not an integer")
    return value


def _hex(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
