"""The seller's side of the protocol, for all its offers in one window. Pure: no I/O, no clock.

Whatever comes in and goes out is a message; the time is handed in. What holds at every moment: the
energy of an offer covers what is booked and what is firm, and the budget covers the bonds of both.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from app.agents.negotiation.ontology import (
    Acceptance,
    Body,
    CallForProposal,
    Failure,
    Header,
    Information,
    Message,
    NotUnderstood,
    Party,
    Proposal,
    Reason,
    Refusal,
    Rejection,
    Stage,
)
from app.agents.negotiation.seat import MIN_LOT_WH, Answer, Seat
from app.agents.negotiation.strategies import Quotes, Strategy
from app.ledger.types import Address, Agreement, Offer, SignedAgreement
from app.market.settlement import locks_of

MAX_CONVERSATIONS = 1_000

StrategyFor = Callable[[int], Strategy]


@dataclass(frozen=True, slots=True)
class Booking:
    """An agreement that a buyer has signed and the seller will write."""

    agreement_id: bytes
    signed: SignedAgreement
    conversation_id: str


@dataclass(slots=True)
class _Bid:
    """What a buyer has bid last, and since when at this price or more."""

    energy_wh: int
    price: int
    order: int


@dataclass(slots=True)
class _Firm:
    """Energy that is set aside for one buyer, and the bond that it would need."""

    energy_wh: int
    price: int
    reply_by: int
    bond: int


@dataclass(slots=True)
class _Conversation:
    id: str
    buyer: Address
    sequence: int = 0
    heard: int = -1
    wanted_wh: int = 0
    bid: _Bid | None = None
    firm: _Firm | None = None
    lapses: int = 0
    last_firm_price: int | None = None
    ended: bool = False


@dataclass(slots=True)
class _Lot:
    """One offer and those who ask for it."""

    offer: Offer
    strategy: Strategy
    booked_wh: int = 0
    conversations: dict[str, _Conversation] = field(default_factory=dict)

    @property
    def open_wh(self) -> int:
        """Energy that is not booked."""
        return 0 if self.offer.cancelled else self.offer.energy_wh - self.booked_wh

    @property
    def available_wh(self) -> int:
        """Energy that is neither booked nor firm."""
        firm = (talk.firm.energy_wh for talk in self.conversations.values() if talk.firm)
        return self.open_wh - sum(firm)

    @property
    def sold_out(self) -> bool:
        """Whether nothing worth a trade is left, and nothing is set aside for anybody."""
        left = self.open_wh
        is_little = left <= 0 or left < min(MIN_LOT_WH, self.offer.energy_wh)
        return is_little and self.available_wh == left


class SellerDesk:
    """Sells one household's offers of one window."""

    def __init__(self, seat: Seat, strategy_for: StrategyFor) -> None:
        """`strategy_for` makes the strategy for an offer with this lowest allowed price."""
        self._seller = seat.account
        self._terms = seat.terms
        self._timetable = seat.timetable
        self._budget = seat.budget
        self._signatures = seat.signatures
        self._strategy_for = strategy_for
        self._lots: dict[int, _Lot] = {}
        self._bookings: dict[bytes, Booking] = {}
        self._arrivals = 0
        self._conversations = 0

    @property
    def bookings(self) -> tuple[Booking, ...]:
        """What is to be written, in the order of booking."""
        return tuple(self._bookings.values())

    def booked_wh(self, offer_id: int) -> int:
        """Energy of an offer that is promised for good."""
        lot = self._lots.get(offer_id)
        return lot.booked_wh if lot else 0

    def firm_wh(self, offer_id: int) -> int:
        """Energy of an offer that is set aside for buyers who haven't answered yet."""
        lot = self._lots.get(offer_id)
        return lot.open_wh - lot.available_wh if lot else 0

    def list_offers(self, offers: Sequence[Offer], now: int) -> list[Message]:
        """Takes note of this seller's offers on the ledger, also of what was done by hand."""
        answers: list[Message] = []
        for offer in offers:
            if offer.seller != self._seller or offer.window != self._timetable.window:
                continue
            lot = self._lots.get(offer.id)
            if lot is None:
                self._lots[offer.id] = _Lot(offer, self._strategy_for(self._least(offer)))
            elif offer.cancelled and not lot.offer.cancelled:
                lot.offer = offer
                answers += self._close_lot(lot, Reason.OFFER_CLOSED, now)
        return answers

    def receive(self, message: Message, now: int) -> list[Answer]:
        """Answers a buyer's message; what makes no sense is answered with `not-understood`."""
        header = message.header
        fault = self._fault(message)
        if fault:
            return [NotUnderstood(header.conversation_id, fault)]
        lot = self._lots.get(header.offer_id)
        if lot is None:
            return [self._answer(header, Refusal(Reason.UNKNOWN_OFFER), now)]
        conversation = self._conversation(lot, header)
        if conversation is None:
            return [self._answer(header, Refusal(Reason.BUSY), now)]
        if conversation.buyer != header.buyer:
            return [NotUnderstood(header.conversation_id, "buyer: is not the conversation's")]
        if isinstance(message.body, Acceptance):
            return list(self._accept(lot, conversation, header, message.body, now))
        if header.sequence <= conversation.heard:
            return []
        conversation.heard = header.sequence
        return list(self._react(lot, conversation, message.body, now))

    def haggle(self, now: int) -> None:
        """A round of haggling is over: strategies see what was bid in it."""
        for lot in self._lots.values():
            bids = [talk.bid for talk in lot.conversations.values() if talk.bid]
            own = lot.strategy.price(self._timetable.elapsed(now))
            lot.strategy.observe(
                Quotes(
                    best=max((bid.price for bid in bids), default=None),
                    wanted_wh=sum(bid.energy_wh for bid in bids if bid.price >= own),
                    own_wh=lot.open_wh,
                )
            )

    def award(self, now: int) -> list[Message]:
        """Makes the best bids firm; tells those whose bid is too low what is asked now."""
        answers: list[Message] = []
        for lot in self._lots.values():
            self._expire(lot, now)
            answers += self._allocate(lot, now)
            ask = self._ask(lot, now)
            for talk in lot.conversations.values():
                if talk.bid and not talk.firm and talk.bid.price < ask and lot.available_wh > 0:
                    energy = min(talk.wanted_wh, lot.available_wh)
                    answers.append(self._say(lot, talk, Proposal(energy, ask), now))
        return answers

    def finish(self, now: int) -> list[Message]:
        """Ends all conversations that have come to nothing."""
        return [
            message
            for lot in self._lots.values()
            for message in self._close_lot(lot, Reason.OVER, now)
        ]

    def written(self, booking: Booking, transaction_hash: str, now: int) -> Message:
        """The news for a buyer that its agreement is on the ledger."""
        body = Information(booking.agreement_id, Stage.WRITTEN, transaction_hash)
        return self._news(booking, body, now)

    def failed(self, booking: Booking, error: str, now: int) -> Message:
        """The news for a buyer that its agreement could not be written; the booking is dropped."""
        del self._bookings[booking.agreement_id]
        self._lots[
            booking.signed.agreement.offer_id
        ].booked_wh -= booking.signed.agreement.energy_wh
        return self._news(booking, Failure(booking.agreement_id, error), now)

    # What is wrong with a message

    def _fault(self, message: Message) -> str:
        """The rule that a message breaks; empty if none."""
        header = message.header
        if header.seller != self._seller:
            return "seller: is somebody else"
        if header.buyer == self._seller:
            return "buyer: is the seller"
        if header.window != self._timetable.window:
            return f"window: must be {self._timetable.window}"
        body = message.body
        if not isinstance(body, CallForProposal | Proposal | Acceptance | Rejection):
            return f"performative: {message.performative} is not for a seller"
        if isinstance(body, Proposal) and body.firm:
            return "firm: must be false in a bid"
        if isinstance(body, Proposal | Acceptance) and header.offer_id in self._lots:
            least = self._least(self._lots[header.offer_id].offer)
            most = self._terms.grid_ceiling
            if not least <= body.price <= most:
                return f"price: must be from {least} to {most}"
        return ""

    def _least(self, offer: Offer) -> int:
        return max(offer.floor_price, self._terms.grid_floor)

    def _conversation(self, lot: _Lot, header: Header) -> _Conversation | None:
        """The conversation of a message, opened if it is new; None if there are too many."""
        conversation = lot.conversations.get(header.conversation_id)
        if conversation is None and self._conversations < MAX_CONVERSATIONS:
            conversation = _Conversation(header.conversation_id, header.buyer)
            lot.conversations[conversation.id] = conversation
            self._conversations += 1
        return conversation

    # Haggling

    def _react(self, lot: _Lot, talk: _Conversation, body: Body, now: int) -> Iterator[Message]:
        if isinstance(body, Rejection):
            self._release(talk)
            talk.bid = None
            yield from self._allocate(lot, now)
            return
        if lot.sold_out or not self._timetable.is_open(now):
            yield self._say(lot, talk, Refusal(self._why_closed(lot, now)), now)
            return
        talk.ended = False
        if isinstance(body, CallForProposal):
            talk.wanted_wh = body.energy_wh
            yield self._quote(lot, talk, now)
        elif isinstance(body, Proposal):
            talk.wanted_wh = body.energy_wh
            if talk.bid is None or talk.bid.price < body.price:
                self._arrivals += 1
                talk.bid = _Bid(body.energy_wh, body.price, self._arrivals)
            else:
                talk.bid = _Bid(body.energy_wh, body.price, talk.bid.order)
            if now < self._timetable.closing:
                yield self._quote(lot, talk, now)
            else:
                yield from self._allocate(lot, now)

    def _quote(self, lot: _Lot, talk: _Conversation, now: int) -> Message:
        """What the seller asks of this buyer now: never less than the buyer bids."""
        price = self._ask(lot, now)
        if talk.bid:
            price = max(price, talk.bid.price)
        energy = max(1, min(talk.wanted_wh, lot.open_wh))
        return self._say(lot, talk, Proposal(energy, price), now)

    def _ask(self, lot: _Lot, now: int) -> int:
        least = self._least(lot.offer)
        if now >= self._timetable.last_call:
            return least
        price = lot.strategy.price(self._timetable.elapsed(now))
        return max(least, min(price, self._terms.grid_ceiling))

    def _why_closed(self, lot: _Lot, now: int) -> Reason:
        if lot.offer.cancelled:
            return Reason.OFFER_CLOSED
        if lot.sold_out:
            return Reason.SOLD_OUT
        return Reason.TOO_EARLY if now < self._timetable.opening else Reason.OVER

    # Closing

    def _allocate(self, lot: _Lot, now: int) -> list[Message]:
        """Sets energy aside for the best bids, unless more bids are still to be waited for.

        The highest price first, then who has bid it longer; whoever let a firm proposal lapse
        comes after all others.
        """
        if self._timetable.collects_bids(now) or not self._timetable.is_open(now):
            return []
        self._expire(lot, now)
        ask = self._ask(lot, now)
        bidders = [
            (talk.lapses, -talk.bid.price, talk.bid.order, talk, talk.bid)
            for talk in lot.conversations.values()
            if talk.bid and not talk.firm and talk.bid.price >= ask
        ]
        answers = []
        for _, _, _, talk, bid in sorted(bidders, key=lambda bidder: bidder[:3]):
            energy = self._affordable(min(bid.energy_wh, lot.available_wh), bid.price)
            if energy < min(MIN_LOT_WH, bid.energy_wh):
                continue
            bond = locks_of(energy, bid.price, self._terms).bond
            self._budget.lock(bond)
            talk.firm = _Firm(energy, bid.price, self._reply_by(now), bond)
            talk.last_firm_price = bid.price
            answers.append(self._say(lot, talk, Proposal(energy, bid.price, firm=True), now))
        return answers

    def _affordable(self, energy_wh: int, price: int) -> int:
        """Energy whose bond the seller can put up."""
        rate = self._terms.grid_ceiling - price + self._terms.penalty_rate
        return min(energy_wh, self._budget.affordable_wh(rate))

    def _reply_by(self, now: int) -> int:
        """The last second before the next closing step, and never after the end."""
        return min(self._timetable.next_step(now), self._timetable.end) - 1

    def _expire(self, lot: _Lot, now: int) -> None:
        for talk in lot.conversations.values():
            if talk.firm and talk.firm.reply_by < now:
                self._release(talk)
                talk.lapses += 1

    def _release(self, talk: _Conversation) -> None:
        if talk.firm:
            self._budget.release(talk.firm.bond)
            talk.firm = None

    def _accept(
        self, lot: _Lot, talk: _Conversation, header: Header, body: Acceptance, now: int
    ) -> Iterator[Answer]:
        agreement = Agreement(
            offer_id=lot.offer.id,
            seller=self._seller,
            buyer=talk.buyer,
            window=self._timetable.window,
            energy_wh=body.energy_wh,
            price=body.price,
            deadline=body.deadline,
            salt=body.salt,
        )
        agreement_id = self._signatures.identify(agreement)
        if agreement_id in self._bookings:
            yield self._say(lot, talk, Information(agreement_id, Stage.BOOKED), now)
            return
        talk.heard = max(talk.heard, header.sequence)
        refusal = self._refusal(lot, talk, agreement, now)
        signed = SignedAgreement(agreement, body.signature)
        if refusal is None and not self._signatures.verify(signed):
            self._release(talk)
            talk.bid = None
            refusal = Reason.SIGNATURE
        if refusal is not None:
            yield self._say(lot, talk, Refusal(refusal), now)
            yield from self._allocate(lot, now)
            return
        self._release(talk)
        bond = locks_of(agreement.energy_wh, agreement.price, self._terms).bond
        self._budget.lock(bond)
        lot.booked_wh += agreement.energy_wh
        self._bookings[agreement_id] = Booking(agreement_id, signed, talk.id)
        talk.bid = None
        talk.last_firm_price = None
        yield self._say(lot, talk, Information(agreement_id, Stage.BOOKED), now)
        if lot.sold_out:
            yield from self._close_lot(lot, Reason.SOLD_OUT, now)
        else:
            yield from self._allocate(lot, now)

    def _refusal(
        self, lot: _Lot, talk: _Conversation, agreement: Agreement, now: int
    ) -> Reason | None:
        """Why an acceptance is not booked. One that is late is, if the energy is still there."""
        if now >= self._timetable.writing or lot.offer.cancelled:
            return Reason.OVER if now >= self._timetable.writing else Reason.OFFER_CLOSED
        if talk.last_firm_price != agreement.price or agreement.deadline < self._timetable.deadline:
            return Reason.TERMS
        spare_wh, spare_bond = lot.available_wh, 0
        if talk.firm:
            if agreement.energy_wh > talk.firm.energy_wh:
                return Reason.TERMS
            spare_wh, spare_bond = spare_wh + talk.firm.energy_wh, talk.firm.bond
        if agreement.energy_wh > spare_wh:
            return Reason.SOLD_OUT
        bond = locks_of(agreement.energy_wh, agreement.price, self._terms).bond
        return Reason.FUNDS if bond > self._budget.available + spare_bond else None

    def _close_lot(self, lot: _Lot, reason: Reason, now: int) -> list[Message]:
        """Tells everybody who still talks about an offer why there is nothing more."""
        answers: list[Message] = []
        booked = {booking.conversation_id for booking in self._bookings.values()}
        for talk in lot.conversations.values():
            self._release(talk)
            talk.bid = None
            if not talk.ended and talk.id not in booked:
                answers.append(self._say(lot, talk, Refusal(reason), now))
            talk.ended = True
        return answers

    # Messages

    def _say(self, lot: _Lot, talk: _Conversation, body: Body, now: int) -> Message:
        reply_by = 0
        if isinstance(body, Proposal):
            firm_until = talk.firm.reply_by if body.firm and talk.firm else 0
            reply_by = firm_until or now + self._timetable.timeout
        elif isinstance(body, Refusal):
            talk.last_firm_price = None
        header = Header(
            conversation_id=talk.id,
            sequence=talk.sequence,
            sent_by=Party.SELLER,
            buyer=talk.buyer,
            seller=self._seller,
            window=self._timetable.window,
            offer_id=lot.offer.id,
            sent_at=now,
            reply_by=reply_by,
        )
        talk.sequence += 1
        return Message(header, body)

    def _answer(self, header: Header, body: Body, now: int) -> Message:
        """An answer outside any conversation that is kept."""
        return Message(
            Header(
                conversation_id=header.conversation_id,
                sequence=0,
                sent_by=Party.SELLER,
                buyer=header.buyer,
                seller=self._seller,
                window=header.window,
                offer_id=header.offer_id,
                sent_at=now,
            ),
            body,
        )

    def _news(self, booking: Booking, body: Body, now: int) -> Message:
        lot = self._lots[booking.signed.agreement.offer_id]
        return self._say(lot, lot.conversations[booking.conversation_id], body, now)
