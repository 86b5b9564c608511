"""The buyer's side of the protocol, for one need in one window. Pure: no I/O, no clock.

What holds at every moment: the energy that was signed for and not refused is never more than the
need, and the budget covers every signature that was given, refused or not.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

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
from app.market.units import cost_up

MAX_SILENCES = 3


@dataclass(frozen=True, slots=True)
class Need:
    """Energy that is wanted at no more than a limit price.

    `label` tells the conversations for it from all others of the window.
    """

    energy_wh: int
    limit_price: int
    label: str


class PurchaseState(StrEnum):
    """How far something that the buyer has signed for has come, as far as it knows."""

    SIGNED = "signed"
    BOOKED = "booked"
    WRITTEN = "written"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(slots=True)
class Purchase:
    """An agreement that the buyer has signed."""

    agreement_id: bytes
    signed: SignedAgreement
    conversation_id: str
    state: PurchaseState = PurchaseState.SIGNED
    reply_by: int = 0
    error: str = ""


class _State(StrEnum):
    ASKED = "asked"
    OPEN = "open"
    PARKED = "parked"
    DROPPED = "dropped"


@dataclass(slots=True)
class _Quote:
    """What a seller has proposed last."""

    energy_wh: int
    price: int


@dataclass(slots=True)
class _Conversation:
    """Talk with one seller about one offer."""

    id: str
    offer: Offer
    least: int
    state: _State = _State.ASKED
    sequence: int = 0
    heard: int = -1
    ask: _Quote | None = None
    bid: _Quote | None = None
    firm: _Quote | None = None
    firm_until: int = 0
    waits_until: int = 0
    silences: int = 0
    unconfirmed: Purchase | None = None


class BuyerDesk:
    """Buys the energy that one need asks for, at no more than a limit price."""

    def __init__(self, seat: Seat, need: Need, strategy: Strategy) -> None:
        self._buyer = seat.account
        self._terms = seat.terms
        self._timetable = seat.timetable
        self._budget = seat.budget
        self._signatures = seat.signatures
        self._need_wh = need.energy_wh
        self._limit = min(need.limit_price, seat.terms.grid_ceiling)
        self._label = need.label
        self._strategy = strategy
        self._conversations: dict[str, _Conversation] = {}
        self._purchases: dict[bytes, Purchase] = {}
        self.distrusted: Collection[Address] = ()

    @property
    def need_wh(self) -> int:
        return self._need_wh

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """All that was signed, in order."""
        return tuple(self._purchases.values())

    @property
    def committed_wh(self) -> int:
        """Energy that was signed for and not refused."""
        lost = (PurchaseState.REFUSED, PurchaseState.FAILED)
        return sum(
            purchase.signed.agreement.energy_wh
            for purchase in self._purchases.values()
            if purchase.state not in lost
        )

    @property
    def left_wh(self) -> int:
        """What is still needed."""
        return self._need_wh - self.committed_wh

    @property
    def dropped(self) -> int:
        """How many conversations were given up for want of an answer."""
        return sum(talk.silences >= MAX_SILENCES for talk in self._conversations.values())

    def owns(self, conversation_id: str) -> bool:
        return conversation_id in self._conversations

    def contact(self, offers: Sequence[Offer], now: int) -> list[Message]:
        """Calls for proposals to the sellers of all offers that are new and may be affordable."""
        calls: list[Message] = []
        for offer in offers:
            conversation_id = f"{self._label}-{offer.id}"
            least = max(offer.floor_price, self._terms.grid_floor)
            if (
                conversation_id in self._conversations
                or offer.window != self._timetable.window
                or offer.seller == self._buyer
                or offer.cancelled
                or least > self._limit
                or self.left_wh <= 0
            ):
                continue
            talk = _Conversation(conversation_id, offer, least)
            self._conversations[conversation_id] = talk
            calls.append(self._call(talk, now))
        return calls

    def receive(self, message: Message, now: int) -> list[Answer]:
        """Answers a seller's message; what makes no sense is answered with `not-understood`."""
        header = message.header
        talk = self._conversations.get(header.conversation_id)
        fault = self._fault(message, talk)
        if talk is None or fault:
            return [NotUnderstood(header.conversation_id, fault)]
        if header.sequence <= talk.heard:
            return []
        talk.heard = header.sequence
        talk.silences = 0
        talk.waits_until = 0
        return list(self._react(talk, message, now))

    def bid(self, now: int) -> list[Message]:
        """A round: bids to all who have proposed, calls again to those who haven't answered."""
        self._observe(now)
        messages = list(self._insist(now))
        if self.left_wh < self._least_lot:
            return messages + self._park(now)
        price = self._price(now)
        for talk in self._conversations.values():
            if talk.state is _State.PARKED and talk.ask:
                talk.state = _State.OPEN
            if talk.state is _State.ASKED:
                messages += self._ask_again(talk, now)
            elif talk.state is _State.OPEN:
                messages += self._raise(talk, price, now)
        return messages

    def choose(self, now: int) -> list[Message]:
        """Signs the cheapest firm proposals until the need is covered, and rejects the others.

        Those of sellers that are not trusted come last, whatever they cost.
        """
        firm = [
            (talk.offer.seller in self.distrusted, talk.firm.price, talk.offer.id, talk, talk.firm)
            for talk in self._conversations.values()
            if talk.firm
        ]
        messages: list[Message] = []
        for *_, talk, proposal in sorted(firm, key=lambda entry: entry[:3]):
            talk.firm = None
            if talk.firm_until < now:
                continue
            energy = min(proposal.energy_wh, self.left_wh)
            energy = min(energy, self._budget.affordable_wh(proposal.price))
            if proposal.price > self._limit or energy < min(self._least_lot, proposal.energy_wh):
                reason = Reason.FUNDS if self.left_wh >= self._least_lot else Reason.COVERED
                messages.append(self._say(talk, Rejection(reason), now))
                talk.bid = None
                continue
            messages.append(self._sign(talk, energy, proposal.price, now))
        if self.left_wh < self._least_lot:
            messages += self._park(now)
        return messages

    # What is wrong with a message

    def _fault(self, message: Message, talk: _Conversation | None) -> str:
        """The rule that a message breaks; empty if none."""
        header, body = message.header, message.body
        if talk is None:
            return "conversation_id: is not known"
        offer = talk.offer
        said = (header.buyer, header.seller, header.window, header.offer_id)
        if said != (self._buyer, offer.seller, offer.window, offer.id):
            return "buyer, seller, window, offer_id: are not the conversation's"
        if isinstance(body, Proposal):
            if not talk.least <= body.price <= self._terms.grid_ceiling:
                return f"price: must be from {talk.least} to {self._terms.grid_ceiling}"
            if body.energy_wh > offer.energy_wh:
                return f"energy_wh: must be at most {offer.energy_wh}"
            return ""
        if isinstance(body, Information | Failure):
            purchase = self._purchases.get(body.agreement_id)
            known = purchase is not None and purchase.conversation_id == talk.id
            return "" if known else "agreement_id: is not known"
        if not isinstance(body, Refusal | Rejection):
            return f"performative: {message.performative} is not for a buyer"
        return ""

    # Answers

    def _react(self, talk: _Conversation, message: Message, now: int) -> Iterator[Message]:
        body = message.body
        match body:
            case Proposal(energy_wh, price, firm):
                if talk.state in (_State.ASKED, _State.DROPPED):
                    talk.state = _State.OPEN
                talk.ask = _Quote(energy_wh, price)
                if firm:
                    yield from self._consider(talk, talk.ask, message.header.reply_by, now)
            case Refusal(reason):
                if talk.unconfirmed:
                    talk.unconfirmed.state = PurchaseState.REFUSED
                    talk.unconfirmed.error = reason
                    talk.unconfirmed = None
                talk.state = _State.DROPPED
                talk.bid = None
                talk.firm = None
            case Rejection():
                talk.bid = None
            case Information(agreement_id, stage, _):
                self._confirm(talk, self._purchases[agreement_id], stage)
            case Failure(agreement_id, error):
                purchase = self._purchases[agreement_id]
                purchase.state = PurchaseState.FAILED
                purchase.error = error
                talk.state = _State.DROPPED

    def _consider(
        self, talk: _Conversation, proposal: _Quote, reply_by: int, now: int
    ) -> Iterator[Message]:
        """A firm proposal: one at a price that was not bid is only a quote."""
        if talk.bid is None or proposal.price > talk.bid.price:
            return
        talk.firm = proposal
        talk.firm_until = reply_by
        if not self._timetable.collects_proposals(now):
            yield from self.choose(now)

    def _confirm(self, talk: _Conversation, purchase: Purchase, stage: Stage) -> None:
        """A booking counts for whatever was not lost; what was refused stays refused."""
        if talk.unconfirmed is purchase:
            talk.unconfirmed = None
        if stage is Stage.WRITTEN:
            purchase.state = PurchaseState.WRITTEN
        elif purchase.state is PurchaseState.SIGNED:
            purchase.state = PurchaseState.BOOKED

    # Bids

    @property
    def _least_lot(self) -> int:
        return min(MIN_LOT_WH, self._need_wh)

    def _price(self, now: int) -> int:
        if now >= self._timetable.last_call:
            return self._limit
        return min(self._strategy.price(self._timetable.elapsed(now)), self._limit)

    def _observe(self, now: int) -> None:
        asks = [
            talk.ask
            for talk in self._conversations.values()
            if talk.ask and talk.state is _State.OPEN
        ]
        own = self._price(now)
        self._strategy.observe(
            Quotes(
                best=min((ask.price for ask in asks), default=None),
                wanted_wh=sum(ask.energy_wh for ask in asks if ask.price <= own),
                own_wh=self.left_wh,
            )
        )

    def _ask_again(self, talk: _Conversation, now: int) -> list[Message]:
        if not self._is_overdue(talk, now):
            return []
        return [] if self._gives_up(talk) else [self._call(talk, now)]

    def _raise(self, talk: _Conversation, price: int, now: int) -> list[Message]:
        """The bid for one offer: the buyer's price, but never more than the seller asks."""
        overdue = self._is_overdue(talk, now)
        if overdue and self._gives_up(talk):
            return []
        if talk.ask is None or talk.unconfirmed or price < talk.least:
            return []
        bid = _Quote(
            energy_wh=min(self.left_wh, talk.offer.energy_wh),
            price=max(talk.least, min(price, talk.ask.price)),
        )
        if bid == talk.bid and not overdue and now < self._timetable.closing:
            return []
        talk.bid = bid
        return [self._say(talk, Proposal(bid.energy_wh, bid.price), now)]

    def _is_overdue(self, talk: _Conversation, now: int) -> bool:
        return 0 < talk.waits_until < now

    def _gives_up(self, talk: _Conversation) -> bool:
        """Counts a silence; after the last allowed one the seller is dropped from the list."""
        talk.silences += 1
        if talk.silences < MAX_SILENCES:
            return False
        talk.state = _State.DROPPED
        talk.bid = None
        return True

    def _park(self, now: int) -> list[Message]:
        """Tells all sellers with a bid that nothing more is needed, unless they drop a purchase."""
        messages = []
        for talk in self._conversations.values():
            if talk.state is _State.OPEN:
                talk.state = _State.PARKED
                talk.firm = None
                talk.waits_until = 0
                if talk.bid:
                    talk.bid = None
                    messages.append(self._say(talk, Rejection(Reason.COVERED), now))
        return messages

    # Signatures

    def _sign(self, talk: _Conversation, energy_wh: int, price: int, now: int) -> Message:
        agreement = Agreement(
            offer_id=talk.offer.id,
            seller=talk.offer.seller,
            buyer=self._buyer,
            window=self._timetable.window,
            energy_wh=energy_wh,
            price=price,
            deadline=self._timetable.deadline,
            salt=_salt(talk),
        )
        self._budget.lock(cost_up(energy_wh, price))
        signed = self._signatures.sign(agreement)
        purchase = Purchase(self._signatures.identify(agreement), signed, talk.id)
        talk.unconfirmed = purchase
        talk.bid = None
        self._purchases[purchase.agreement_id] = purchase
        return self._accept(talk, purchase, now)

    def _accept(self, talk: _Conversation, purchase: Purchase, now: int) -> Message:
        agreement = purchase.signed.agreement
        purchase.reply_by = now + self._timetable.timeout
        return self._say(
            talk,
            Acceptance(
                energy_wh=agreement.energy_wh,
                price=agreement.price,
                deadline=agreement.deadline,
                salt=agreement.salt,
                signature=purchase.signed.signature,
            ),
            now,
        )

    def _insist(self, now: int) -> Iterator[Message]:
        """Sends an acceptance again that nobody has confirmed: the same one, so it binds once."""
        for talk in self._conversations.values():
            if talk.unconfirmed and talk.unconfirmed.reply_by < now:
                yield self._accept(talk, talk.unconfirmed, now)

    # Messages

    def _call(self, talk: _Conversation, now: int) -> Message:
        return self._say(talk, CallForProposal(min(self.left_wh, talk.offer.energy_wh)), now)

    def _say(self, talk: _Conversation, body: Body, now: int) -> Message:
        awaited = isinstance(body, CallForProposal) or (
            isinstance(body, Proposal) and now < self._timetable.closing
        )
        if awaited:
            talk.waits_until = now + self._timetable.timeout
        expects = awaited or isinstance(body, Proposal | Acceptance)
        header = Header(
            conversation_id=talk.id,
            sequence=talk.sequence,
            sent_by=Party.BUYER,
            buyer=self._buyer,
            seller=talk.offer.seller,
            window=self._timetable.window,
            offer_id=talk.offer.id,
            sent_at=now,
            reply_by=now + self._timetable.timeout if expects else 0,
        )
        talk.sequence += 1
        return Message(header, body)


def _salt(talk: _Conversation) -> int:
    """The same for the same conversation and moment of it, another for all others."""
    digest = sha256(f"{talk.id}:{talk.sequence}".encode()).digest()
    return int.from_bytes(digest, "big")
