"""The community battery (Mezquita et al. 2022, SOC): it buys when there is plenty, and sells later.

It sees what everybody sees: the offers on the ledger, and the meters' readings of hours that are
over. It sells no more than it has both in the battery and in energy tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mango import Role

from app.agents.auction.speculator import StorageOutlook, storage_outlook
from app.agents.devices.battery import BatteryStateRole
from app.ledger.types import Address, Event, Terms
from app.scenario.profiles import PERMILLE

SPREAD_PERMILLE = 50
MIN_TRADE_WH = 100


@dataclass(frozen=True, slots=True)
class StoragePlan:
    """What to do in a window: sell at no less, or buy at no more, than a price per kWh."""

    sell_wh: int = 0
    reserve_price: int = 0
    buy_wh: int = 0
    limit_price: int = 0


class StateOfChargeRole(Role):  # type: ignore[misc] # mango has no types
    """Decides what the community battery trades."""

    def __init__(self, account: Address) -> None:
        super().__init__()
        self._account = account
        self._stock_wh = 0
        self._stock_cost = 0
        self._resale_price: int | None = None
        self._agreed: dict[int, int] = {}

    def plan(
        self, window: int, terms: Terms, offered_wh: int, demand_wh: int | None, tokens_wh: int
    ) -> StoragePlan:
        """What to trade for a window.

        `offered_wh` is what others offer for it, `demand_wh` what homes last took from the
        microgrid in an hour (None: not known yet), `tokens_wh` the battery's energy tokens.
        """
        possible = self.outlook(window, terms, tokens_wh)
        scarce = offered_wh == 0 if demand_wh is None else offered_wh < demand_wh
        if scarce:
            sell = possible.sellable_wh
            if sell < MIN_TRADE_WH:
                return StoragePlan()
            return StoragePlan(sell_wh=sell, reserve_price=self._reserve(terms))
        buy = min(possible.room_wh, offered_wh)
        if buy < MIN_TRADE_WH:
            return StoragePlan()
        return StoragePlan(buy_wh=buy, limit_price=self._limit(terms))

    def outlook(self, window: int, terms: Terms, tokens_wh: int) -> StorageOutlook:
        """What the battery can do in a window, after what is agreed for the window before."""
        role = self.context.get_role(BatteryStateRole)
        ahead = self._agreed.get(window - 1, 0)
        return storage_outlook(
            terms,
            role.battery,
            stored_wh=role.stored_wh + min(ahead, 0) + self._kept(max(ahead, 0)),
            tokens_wh=tokens_wh + min(ahead, 0),
        )

    def note_agreed(self, window: int, energy_wh: int) -> None:
        """The battery has bought (or, negative, sold) energy for a window."""
        self._agreed[window] = self._agreed.get(window, 0) + energy_wh
        for past in [known for known in self._agreed if known < window - 2]:
            del self._agreed[past]

    def note_settled(self, events: Sequence[Event]) -> None:
        """Learns from settled agreements what the stored energy has cost and what it fetches."""
        for event in events:
            if event.name != "TransactionMade" or not event.arguments["deliveredWh"]:
                continue
            delivered = int(str(event.arguments["deliveredWh"]))
            paid = int(str(event.arguments["paid"]))
            if event.arguments["buyer"] == self._account:
                self._stock_wh += self._kept(delivered)
                self._stock_cost += paid
            elif event.arguments["seller"] == self._account:
                self._note_sold(delivered, paid)

    def _note_sold(self, delivered_wh: int, paid: int) -> None:
        taken = min(delivered_wh, self._stock_wh)
        if self._stock_wh:
            self._stock_cost -= self._stock_cost * taken // self._stock_wh
        self._stock_wh -= taken
        price = paid * 1_000 // delivered_wh
        known = self._resale_price
        self._resale_price = price if known is None else (3 * known + price) // 4

    def _kept(self, charged_wh: int) -> int:
        battery = self.context.get_role(BatteryStateRole).battery
        return int(charged_wh * battery.efficiency_permille // PERMILLE)

    def _reserve(self, terms: Terms) -> int:
        """What the stored energy has cost, and a bit more."""
        if not self._stock_wh:
            return terms.grid_floor
        cost = self._stock_cost * 1_000 // self._stock_wh
        return max(terms.grid_floor, cost * (PERMILLE + SPREAD_PERMILLE) // PERMILLE)

    def _limit(self, terms: Terms) -> int:
        """What the energy will fetch after losses, and a bit less."""
        middle = (terms.grid_floor + terms.grid_ceiling) // 2
        resale = middle if self._resale_price is None else self._resale_price
        return self._kept(resale) * (PERMILLE - SPREAD_PERMILLE) // PERMILLE
