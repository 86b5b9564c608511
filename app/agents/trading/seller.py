"""The seller of a household: offers on the ledger, negotiations, agreements on the ledger."""

from collections.abc import Sequence

from mango import AgentAddress

from app.agents.negotiation.mail import SellingSide
from app.agents.negotiation.ontology import Message, NotUnderstood
from app.agents.negotiation.post import Post
from app.agents.negotiation.seat import Seat
from app.agents.negotiation.seller import MAX_CONVERSATIONS, Booking, SellerDesk
from app.agents.randomness import RngOf
from app.agents.trading.policy import SellerPolicy
from app.agents.writing import Written, write_or_drop
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Offer, Receipt, Terms


class SellerRole(SellingSide):
    """Sells what its household has too much of; also what the household has offered by hand."""

    def __init__(
        self, account: Address, ledger: Ledger, post: Post, policy: SellerPolicy, rng_of: RngOf
    ) -> None:
        super().__init__(post)
        self._account = account
        self._ledger = ledger
        self._policy = policy
        self._rng_of = rng_of
        self._desk: SellerDesk | None = None
        self._origins: dict[str, AgentAddress] = {}

    @property
    def policy(self) -> SellerPolicy:
        return self._policy

    @property
    def desk(self) -> SellerDesk | None:
        """The negotiations of the present window."""
        return self._desk

    @property
    def booked_wh(self) -> int:
        """Energy that buyers have signed for in the present window."""
        if self._desk is None:
            return 0
        return sum(booking.signed.agreement.energy_wh for booking in self._desk.bookings)

    def talks_with(self, origin: AgentAddress) -> bool:
        """Whether somebody takes part in one of the present window's conversations."""
        return origin in self._origins.values()

    def buyer_at(self, conversation_id: str) -> AgentAddress | None:
        """Where the buyer of a conversation is."""
        return self._origins.get(conversation_id)

    async def offer(self, window: int, energy_wh: int, terms: Terms, reserve: int = 0) -> Receipt:
        """Offers energy for a window at no less than the grid's floor and its own reserves."""
        floor = max(terms.grid_floor, self._policy.reserve_price, reserve)
        return await self._ledger.make_offer(
            self._account, window, energy_wh, min(floor, terms.grid_ceiling)
        )

    def open(self, seat: Seat) -> None:
        """Begins a window."""
        rng = self._rng_of(seat.timetable.window)
        self._origins = {}
        self._desk = SellerDesk(
            seat, lambda least: self._policy.strategy_for(least, seat.terms, rng)
        )

    def take(self, message: Message, origin: AgentAddress) -> None:
        conversation_id = message.header.conversation_id
        if self._desk is None:
            self.send(origin, NotUnderstood(conversation_id, "window: is not negotiated"))
            return
        if conversation_id not in self._origins and len(self._origins) >= MAX_CONVERSATIONS:
            self.send(origin, NotUnderstood(conversation_id, "conversation_id: is one too many"))
            return
        if self._origins.setdefault(conversation_id, origin) != origin:
            self.send(origin, NotUnderstood(conversation_id, "conversation_id: is another's"))
            return
        for answer in self._desk.receive(message, self.now):
            if isinstance(answer, NotUnderstood):
                self.send(origin, answer)
            else:
                self._post_to_buyer(answer)

    def list_offers(self, offers: Sequence[Offer]) -> None:
        """Takes note of the window's offers on the ledger."""
        if self._desk:
            self._post_all(self._desk.list_offers(offers, self.now))

    def haggle(self) -> None:
        if self._desk:
            self._desk.haggle(self.now)

    def award(self) -> None:
        if self._desk:
            self._post_all(self._desk.award(self.now))

    def finish(self) -> None:
        if self._desk:
            self._post_all(self._desk.finish(self.now))

    async def write(self) -> Written[Booking]:
        """Writes what was booked as one batch; what is refused is dropped, and its buyer told."""
        desk = self._desk
        if desk is None or not desk.bookings:
            return Written()

        async def submit(batch: Sequence[Booking]) -> list[Receipt]:
            signed = [booking.signed for booking in batch]
            return await self._ledger.allow_transactions(self._account, signed)

        result = await write_or_drop(desk.bookings, submit, harmless={"AgreementExists"})
        hashes = _transactions(result.receipts)
        for booking in result.written:
            transaction = hashes.get(booking.agreement_id, "")
            self._post_to_buyer(desk.written(booking, transaction, self.now))
        for booking, error in result.dropped:
            self._post_to_buyer(desk.failed(booking, error.error, self.now))
        return result

    def _post_all(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._post_to_buyer(message)

    def _post_to_buyer(self, message: Message) -> None:
        self.send(self._origins[message.header.conversation_id], message)


def _transactions(receipts: Sequence[Receipt]) -> dict[bytes, str]:
    """The transaction that wrote each agreement, by the agreement's id."""
    hashes: dict[bytes, str] = {}
    for receipt in receipts:
        for event in receipt.events:
            agreement_id = event.arguments.get("agreementId")
            if event.name == "TransactionAllowed" and isinstance(agreement_id, bytes):
                hashes[agreement_id] = receipt.transaction_hash
    return hashes
