"""The trader of a household in the auction: its orders on the ledger, and what it learns."""

from dataclasses import dataclass
from enum import StrEnum

from mango import Role

from app.agents.auction.orders import Draft, Outcome, Outlook
from app.agents.auction.policy import SidePolicy, StoragePolicy
from app.agents.auction.results import RoundResult
from app.agents.auction.speculator import StorageOutlook
from app.agents.negotiation.budget import Budget
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Receipt, Side, Terms
from app.market.units import WH_PER_KWH
from app.market.windows import window_start


class Source(StrEnum):
    """Who in a household wants an order."""

    SELLING = "selling"
    BUYING = "buying"
    STORAGE = "storage"
    VISITOR = "visitor"


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that a strategy has placed; `reason` is what the strategy was doing."""

    order_id: int
    window: int
    owner: str
    side: Side
    energy_wh: int
    limit_price: int
    strategy: str
    reason: str


def cover_rate(side: Side, limit_price: int, terms: Terms) -> int:
    """Money that each Wh of an order locks: its payment, or what failing to deliver would cost."""
    rate = limit_price
    if side is Side.SELL:
        rate = terms.grid_ceiling - limit_price + terms.penalty_rate
    return -(-rate // WH_PER_KWH)


def affordable_wh(draft: Draft, terms: Terms, budget: Budget) -> int:
    """Most energy of an order whose lock is available."""
    rate = cover_rate(draft.side, draft.limit_price, terms)
    return min(draft.energy_wh, budget.available // rate) if rate else draft.energy_wh


class AuctionRole(Role):  # type: ignore[misc] # mango has no types
    """Orders what its household has too much of, or lacks, and lets its strategies learn.

    Buy orders live on for as long as the household's demand can wait; all others are for one
    window.
    """

    def __init__(
        self,
        name: str,
        account: Address,
        ledger: Ledger,
        selling: SidePolicy,
        buying: SidePolicy,
        storage: StoragePolicy,
        *,
        deferrable_hours: int = 0,
    ) -> None:
        super().__init__()
        self._name = name
        self._account = account
        self._ledger = ledger
        self._selling = selling
        self._buying = buying
        self._storage = storage
        self._deferrable_hours = deferrable_hours
        self._own: dict[Source, dict[int, int]] = {source: {} for source in Source}
        self._had_surplus = False
        self._lacked = False
        self._names = {
            Source.SELLING: selling.name,
            Source.BUYING: buying.name,
            Source.STORAGE: storage.name,
            Source.VISITOR: Source.VISITOR.value,
        }

    @property
    def selling(self) -> SidePolicy:
        return self._selling

    @property
    def buying(self) -> SidePolicy:
        return self._buying

    @property
    def storage(self) -> StoragePolicy:
        return self._storage

    @property
    def order_ids(self) -> tuple[int, ...]:
        """The household's orders that may still be in a book."""
        return tuple(order_id for orders in self._own.values() for order_id in orders)

    def strategy_of(self, order_id: int) -> str:
        """The strategy that placed an order; empty for one that is not known here."""
        for source, orders in self._own.items():
            if order_id in orders:
                return self._names[source]
        return ""

    def drafts(
        self, window: int, terms: Terms, surplus_wh: int, lack_wh: int
    ) -> list[tuple[Source, Draft]]:
        """What the strategies want for energy that the household has left over, or lacks."""
        self._had_surplus, self._lacked = surplus_wh > 0, lack_wh > 0
        wanted = (
            (Source.SELLING, self._selling.strategy, surplus_wh),
            (Source.BUYING, self._buying.strategy, lack_wh),
        )
        drafts = (
            (source, strategy.draft(Outlook(window, terms, energy_wh)))
            for source, strategy, energy_wh in wanted
        )
        return [(source, draft) for source, draft in drafts if draft is not None]

    def storage_draft(self, outlook: StorageOutlook) -> Draft | None:
        """What the battery's speculator wants; None where it has none."""
        speculator = self._storage.speculator
        return None if speculator is None else speculator.draft(outlook)

    async def place(
        self, source: Source, draft: Draft, window: int, terms: Terms, budget: Budget
    ) -> tuple[PlacedOrder, Receipt] | None:
        """Places an order, as much of it as there is money for; None if there is none.

        Raises ContractRevertedError.
        """
        energy_wh = affordable_wh(draft, terms, budget)
        if energy_wh <= 0:
            return None
        last_window = window + (self._deferrable_hours if source is Source.BUYING else 0)
        receipt = await self._ledger.place_order(
            self._account,
            draft.side,
            energy_wh,
            draft.limit_price,
            window,
            window_start(last_window),
        )
        budget.lock(energy_wh * cover_rate(draft.side, draft.limit_price, terms))
        order_id = int(str(receipt.result))
        self._own[source][order_id] = last_window
        placed = PlacedOrder(
            order_id=order_id,
            window=window,
            owner=self._name,
            side=draft.side,
            energy_wh=energy_wh,
            limit_price=draft.limit_price,
            strategy=self._names[source],
            reason=draft.reason,
        )
        return placed, receipt

    def learn(self, result: RoundResult) -> None:
        """Lets the strategies learn from a round; those that had nothing to trade learn nothing."""
        if self._had_surplus:
            self._selling.strategy.learn(self._outcome(Source.SELLING, result), result.prices)
        if self._lacked or self._own[Source.BUYING]:
            self._buying.strategy.learn(self._outcome(Source.BUYING, result), result.prices)
        if self._storage.speculator is not None:
            self._storage.speculator.learn(result.prices)
        self._had_surplus = self._lacked = False
        for orders in self._own.values():
            for order_id in [each for each, last in orders.items() if last <= result.window]:
                del orders[order_id]

    def _outcome(self, source: Source, result: RoundResult) -> Outcome:
        orders = self._own[source]
        return Outcome(
            window=result.window,
            terms=result.terms,
            fills=tuple(fill for order_id in orders for fill in result.fills.get(order_id, ())),
            served_wh=sum(result.unfilled.get(order_id, 0) for order_id in orders),
        )
