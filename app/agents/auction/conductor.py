"""The auction of a street, hour by hour: orders go out, the operator clears, everybody learns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.agents.auction.orders import Draft
from app.agents.auction.results import (
    RoundResult,
    buy_order_of,
    round_result,
    sell_order_of,
)
from app.agents.auction.speculator import storage_outlook
from app.agents.auction.trader import PlacedOrder, Source
from app.agents.diary import Diary
from app.agents.negotiation.budget import Budget
from app.agents.operator.state_of_charge import StoragePlan
from app.agents.reports import TradeRecord
from app.agents.residents import OPERATOR, Household, Population, Resident, Storage
from app.errors import ContractRevertedError
from app.ledger.protocol import Ledger
from app.ledger.types import Agreement, Side, Terms
from app.market.windows import commit_start


@dataclass(frozen=True, slots=True)
class Rest:
    """What a household has left to sell, or still lacks, when it turns to the auction (Wh)."""

    surplus_wh: int
    lack_wh: int


@dataclass(slots=True)
class Round:
    """One hour's auction: the terms of its window, and the money of those who order."""

    window: int
    terms: Terms
    budgets: Mapping[str, Budget]
    placed: list[PlacedOrder] = field(default_factory=list)


class AuctionConductor:
    """Conducts a street's part in the auction."""

    def __init__(self, ledger: Ledger, population: Population, diary: Diary) -> None:
        self._ledger = ledger
        self._population = population
        self._diary = diary
        self._stale: list[int] = []

    async def release_stale(self) -> None:
        """Ends orders whose book could not be cleared, so that their money is free again."""
        if self._stale:
            stale, self._stale = self._stale, []
            released = await self._population.operator.microgrid.release(stale)
            self._diary.note(released.receipts)

    async def order(self, current: Round, resident: Resident, rest: Rest) -> None:
        """Lets a household order what it has left over, or lacks."""
        role = resident.auction
        drafts = role.drafts(current.window, current.terms, rest.surplus_wh, rest.lack_wh)
        for source, draft in drafts:
            await self._place(current, resident, source, draft)

    async def speculate(self, current: Round, household: Household, ahead_wh: int) -> None:
        """Lets a home's battery speculate; `ahead_wh` is what it is due to take in before."""
        if household.battery is None or household.auction.storage.speculator is None:
            return
        battery = household.battery.battery
        kept = household.battery.kept_wh(max(ahead_wh, 0)) + min(ahead_wh, 0)
        stored = min(max(household.battery.stored_wh + kept, 0), battery.capacity_wh)
        outlook = storage_outlook(current.terms, battery, stored_wh=stored)
        draft = household.auction.storage_draft(outlook)
        if draft is not None:
            await self._place(current, household, Source.STORAGE, draft)

    async def order_storage(
        self, current: Round, storage: Storage, plan: StoragePlan | None
    ) -> None:
        """Lets the community battery speculate, or order by its plan."""
        draft: Draft | None = None
        if storage.auction.storage.speculator is not None:
            tokens = await self._ledger.energy_balance_of(storage.member.account)
            outlook = storage.state_of_charge.outlook(current.window, current.terms, tokens)
            draft = storage.auction.storage_draft(outlook)
        elif plan is not None and plan.sell_wh:
            limit = min(plan.reserve_price, current.terms.grid_ceiling)
            draft = Draft(Side.SELL, plan.sell_wh, limit, "sells by its plan")
        elif plan is not None and plan.buy_wh:
            draft = Draft(Side.BUY, plan.buy_wh, plan.limit_price, "buys by its plan")
        if draft is not None:
            await self._place(current, storage, Source.STORAGE, draft)

    async def order_for_visitor(
        self, current: Round, resident: Resident, energy_wh: int, limit_price: int
    ) -> None:
        """Orders what a visitor wants a household to buy."""
        draft = Draft(Side.BUY, energy_wh, limit_price, "buys for a visitor")
        await self._place(current, resident, Source.VISITOR, draft)

    async def offered_wh(self, window: int) -> int:
        """What the sell orders of a window's book have left, as everybody can see."""
        orders = await self._ledger.orders(window)
        return sum(order.energy_wh for order in orders if order.side is Side.SELL)

    async def clear(self, current: Round, deadline: int) -> RoundResult:
        """Lets the operator clear the book, by `deadline`."""
        receipts = []
        try:
            receipts = await self._population.operator.microgrid.clear(current.window)
        except ContractRevertedError as error:
            self._diary.refuse("clearing", current.window, OPERATOR, deadline, error)
            for resident in self._population.all:
                self._stale += resident.auction.order_ids
        self._diary.note(receipts)
        return round_result(current.window, current.terms, receipts)

    def trades(self, result: RoundResult) -> list[TradeRecord]:
        """The fills of a round, with the strategies behind them."""
        residents = {resident.member.account: resident for resident in self._population.all}
        return [self._trade(agreement, residents) for agreement in result.agreements]

    def learn(self, result: RoundResult) -> None:
        """Lets everybody learn from a round."""
        for resident in self._population.all:
            resident.auction.learn(result)

    async def _place(
        self, current: Round, resident: Resident, source: Source, draft: Draft
    ) -> None:
        budget = current.budgets[resident.name]
        try:
            placed = await resident.auction.place(
                source, draft, current.window, current.terms, budget
            )
        except ContractRevertedError as error:
            limit = commit_start(current.window) - 1
            self._diary.refuse("orders", current.window, resident.name, limit, error)
            return
        if placed is not None:
            order, receipt = placed
            current.placed.append(order)
            self._diary.note([receipt])

    def _trade(self, agreement: Agreement, residents: Mapping[str, Resident]) -> TradeRecord:
        seller, buyer = residents.get(agreement.seller), residents.get(agreement.buyer)
        sell_id, buy_id = sell_order_of(agreement), buy_order_of(agreement)
        return TradeRecord(
            agreement_id=self._ledger.agreement_id(agreement),
            window=agreement.window,
            offer_id=agreement.offer_id,
            seller=seller.name if seller else agreement.seller,
            buyer=buyer.name if buyer else agreement.buyer,
            energy_wh=agreement.energy_wh,
            price=agreement.price,
            seller_strategy=seller.auction.strategy_of(sell_id) if seller else "",
            buyer_strategy=buyer.auction.strategy_of(buy_id) if buyer else "",
        )


def unmet_wh(placed: Sequence[PlacedOrder], result: RoundResult) -> int:
    """What the buy orders of a round did not get."""
    bought = (order for order in placed if order.side is Side.BUY)
    return sum(
        order.energy_wh - sum(fill.energy_wh for fill in result.fills.get(order.order_id, ()))
        for order in bought
    )
