"""The negotiation for one window: who speaks when, from the opening to the last word."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from mango import AgentAddress

from app.agents.negotiation.endpoint import address_of
from app.agents.negotiation.post import Post
from app.agents.negotiation.timetable import CLOSING_STEPS, Timetable
from app.agents.trading.buyer import BuyerRole
from app.agents.trading.policy import RECORD_WINDOWS
from app.agents.trading.seller import SellerRole
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Lapses, Offer

PassTime = Callable[[int], Awaitable[None]]


class Negotiator(Protocol):
    """Somebody with two sides, of which each may have nothing to do."""

    @property
    def seller(self) -> SellerRole: ...
    @property
    def buyer(self) -> BuyerRole: ...


AnyNegotiator = TypeVar("AnyNegotiator", bound=Negotiator)
Reader_contra = TypeVar("Reader_contra", bound=Negotiator, contravariant=True)


class Board(Protocol[Reader_contra]):
    """Where the offers of a window are read."""

    async def look(self) -> Sequence[Offer]:
        """Reads what is on offer now; all that anybody here can read."""
        ...

    def offers_for(self, reader: Reader_contra) -> Sequence[Offer]:
        """What one of those who negotiate can read of it."""
        ...

    @property
    def endpoints(self) -> Mapping[Address, AgentAddress]:
        """Where those who offer negotiate."""
        ...

    async def record_of(self, seller: Address, first: int, count: int) -> Lapses:
        """How a seller has kept its word in some windows."""
        ...


class PublicBoard:
    """The offers that are on the ledger for everybody to read."""

    def __init__(self, ledger: Ledger, window: int) -> None:
        self._ledger = ledger
        self._window = window
        self._offers: list[Offer] = []
        self._endpoints: dict[Address, AgentAddress] = {}

    @property
    def endpoints(self) -> Mapping[Address, AgentAddress]:
        return self._endpoints

    async def look(self) -> Sequence[Offer]:
        self._offers = await self._ledger.offers(self._window)
        for offer in self._offers:
            if offer.seller not in self._endpoints:
                info = await self._ledger.participant_info(offer.seller)
                address = address_of(info.endpoint)
                if address is not None:
                    self._endpoints[offer.seller] = address
        return self._offers

    def offers_for(self, reader: Negotiator) -> Sequence[Offer]:
        return self._offers

    async def record_of(self, seller: Address, first: int, count: int) -> Lapses:
        return await self._ledger.lapses_of(seller, first, count)


class Session(Generic[AnyNegotiator]):
    """Lets all who negotiate do so by the timetable.

    They take turns in the order given, which the street changes from window to window so that ties
    don't always favour the same home.
    """

    def __init__(
        self,
        board: Board[AnyNegotiator],
        post: Post,
        timetable: Timetable,
        residents: Sequence[AnyNegotiator],
        pass_time: PassTime,
    ) -> None:
        """`pass_time` advances all clocks to a moment, delivering messages as they fall due."""
        self._board = board
        self._post = post
        self._timetable = timetable
        self._residents = residents
        self._pass_time = pass_time
        self._records: dict[Address, Lapses] = {}
        self._offers: Sequence[Offer] = ()

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The window's offers, as they were seen last."""
        return tuple(self._offers)

    async def run(self) -> None:
        """From the opening to the end, when nobody is bound any more but by signatures."""
        table = self._timetable
        await self._pass_time(table.opening)
        await self._look_at_offers()
        await self._call_for_proposals()
        for moment in table.round_times:
            await self._pass_time(moment)
            await self._look_at_offers()
            await self._bid()
            for resident in self._residents:
                resident.seller.haggle()
        for step in range(CLOSING_STEPS):
            await self._pass_time(table.bidding(step))
            await self._bid()
            await self._pass_time(table.awarding(step))
            for resident in self._residents:
                resident.seller.award()
            await self._post.deliver()
            await self._pass_time(table.choosing(step))
            for resident in self._residents:
                resident.buyer.choose()
            await self._post.deliver()
        await self._pass_time(table.end)
        for resident in self._residents:
            resident.seller.finish()
        await self._post.deliver()

    async def _bid(self) -> None:
        await self._call_for_proposals()
        for resident in self._residents:
            resident.buyer.bid()
        await self._post.deliver()

    async def _look_at_offers(self) -> None:
        """Reads what is on offer, and where those who offer negotiate."""
        self._offers = await self._board.look()
        await self._look_at_records()
        for resident in self._residents:
            resident.seller.list_offers(self._offers)
        await self._post.deliver()

    async def _look_at_records(self) -> None:
        """Reads how those who offer have kept their word, for buyers that want to know."""
        asking = [each.buyer for each in self._residents if each.buyer.asks_for_records]
        if not asking:
            return
        first = max(self._timetable.window - RECORD_WINDOWS, 0)
        for offer in self._offers:
            if offer.seller not in self._records:
                record = await self._board.record_of(offer.seller, first, RECORD_WINDOWS)
                self._records[offer.seller] = record
        for buyer in asking:
            buyer.note_records(self._records)

    async def _call_for_proposals(self) -> None:
        """Buyers call the sellers of offers that are new to them."""
        for resident in self._residents:
            resident.buyer.contact(self._board.offers_for(resident), self._board.endpoints)
        await self._post.deliver()
