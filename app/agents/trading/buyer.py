"""The buyer of a household: finds offers on the ledger and negotiates with those who made them."""

from collections.abc import Mapping, Sequence

from mango import AgentAddress

from app.agents.negotiation.buyer import BuyerDesk, Need, Purchase
from app.agents.negotiation.mail import BuyingSide
from app.agents.negotiation.ontology import Message, NotUnderstood
from app.agents.negotiation.post import Post
from app.agents.negotiation.seat import Seat
from app.agents.randomness import RngOf
from app.agents.trading.policy import BuyerPolicy
from app.ledger.types import Address, Lapses, Offer


class BuyerRole(BuyingSide):
    """Buys what its household lacks, and what somebody wants it to buy besides."""

    def __init__(self, account: Address, post: Post, policy: BuyerPolicy, rng_of: RngOf) -> None:
        super().__init__(post)
        self._account = account
        self._policy = policy
        self._rng_of = rng_of
        self._seat: Seat | None = None
        self._desks: list[BuyerDesk] = []
        self._origins: dict[str, AgentAddress] = {}
        self._limits: list[int | None] = []
        self._distrusted: frozenset[Address] = frozenset()

    @property
    def policy(self) -> BuyerPolicy:
        return self._policy

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """All that was signed for the present window."""
        return tuple(purchase for desk in self._desks for purchase in desk.purchases)

    @property
    def left_wh(self) -> int:
        """Energy that is still looked for."""
        return sum(max(desk.left_wh, 0) for desk in self._desks)

    @property
    def unmet(self) -> tuple[tuple[int, int | None], ...]:
        """What is still looked for, part by part, each with its own limit price, if it has one."""
        return tuple(
            (max(desk.left_wh, 0), limit)
            for desk, limit in zip(self._desks, self._limits, strict=True)
        )

    @property
    def dropped(self) -> int:
        """Conversations that were given up for want of an answer."""
        return sum(desk.dropped for desk in self._desks)

    def talks_with(self, origin: AgentAddress) -> bool:
        """Whether somebody takes part in one of the present window's conversations."""
        return origin in self._origins.values()

    def seller_at(self, conversation_id: str) -> AgentAddress | None:
        """Where the seller of a conversation is."""
        return self._origins.get(conversation_id)

    def open(self, seat: Seat) -> None:
        """Begins a window."""
        self._seat = seat
        self._desks = []
        self._limits = []
        self._origins = {}

    @property
    def asks_for_records(self) -> bool:
        """Whether it wants to know how sellers have kept their word."""
        return self._policy.trust is not None

    def note_records(self, records: Mapping[Address, Lapses]) -> None:
        """Learns how sellers have kept their word."""
        distrusted = (each for each, record in records.items() if not self._policy.trusts(record))
        self._distrusted = frozenset(distrusted)
        for desk in self._desks:
            desk.distrusted = self._distrusted

    def look_for(self, energy_wh: int, limit_price: int | None = None) -> None:
        """Looks for energy in the present window, at no more than a price of its own, if given."""
        if self._seat is None:
            return
        window = self._seat.timetable.window
        terms = self._seat.terms
        limit = self._policy.limit_at(terms) if limit_price is None else limit_price
        limit = min(limit, terms.grid_ceiling)
        number = len(self._desks)
        rng = self._rng_of(window)
        if number:
            rng = rng.spawn(number)[-1]
        need = Need(energy_wh, limit, f"{window}-{self.context.aid}-{number}")
        strategy = self._policy.strategy_for(limit, terms, rng)
        desk = BuyerDesk(self._seat, need, strategy)
        desk.distrusted = self._distrusted
        self._desks.append(desk)
        self._limits.append(limit_price)

    def contact(self, offers: Sequence[Offer], sellers: Mapping[Address, AgentAddress]) -> None:
        """Calls the sellers of offers that are new; `sellers` says where they negotiate."""
        reachable = [offer for offer in offers if offer.seller in sellers]
        for desk in self._desks:
            for call in desk.contact(reachable, self.now):
                self._origins[call.header.conversation_id] = sellers[call.header.seller]
                self._post_to_seller(call)

    def take(self, message: Message, origin: AgentAddress) -> None:
        conversation_id = message.header.conversation_id
        if self._origins.get(conversation_id) != origin:
            self.send(origin, NotUnderstood(conversation_id, "conversation_id: is not yours"))
            return
        for desk in self._desks:
            if desk.owns(conversation_id):
                for answer in desk.receive(message, self.now):
                    if isinstance(answer, NotUnderstood):
                        self.send(origin, answer)
                    else:
                        self._post_to_seller(answer)
                return

    def bid(self) -> None:
        for desk in self._desks:
            self._post_all(desk.bid(self.now))

    def choose(self) -> None:
        for desk in self._desks:
            self._post_all(desk.choose(self.now))

    def _post_all(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._post_to_seller(message)

    def _post_to_seller(self, message: Message) -> None:
        self.send(self._origins[message.header.conversation_id], message)
