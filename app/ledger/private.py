"""Private trading on a chain: calls of the private market and its pool, and what they tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Self

from eth_utils.address import to_checksum_address

from app.errors import ConfigurationError, ConflictError, InputError, NotFoundError
from app.ledger.chain import MAX_PAGE, PAYMENT, UNLIMITED, ChainLedger
from app.ledger.private_calls import (
    POOL,
    PRIVATE_MARKET,
    PrivateCall,
    deposit,
    open_round,
    publish_key,
)
from app.ledger.types import Address, Event, Receipt
from app.privacy.clsag import SpendableNote, note_image
from app.privacy.curve import Point
from app.privacy.details import open_details
from app.privacy.keys import MemberKey
from app.privacy.notes import Note, NoteKeys, NoteMessage, SentNote, receive_note, send_note
from app.privacy.randomness import Entropy, system_entropy
from app.privacy.rows import from_row, to_row
from app.privacy.spending import Pool, ring_of
from app.privacy.trading import Band, OfferTerms, Rules, StandingOffer, possession

Choose = Callable[[Sequence[Note], int], Sequence[Note]]
"""Draws so many different notes; `random.SystemRandom().sample` where it matters."""

Resolve = Callable[[Note], SentNote | None]
"""What a note hides, by whoever knows its blinding; None where it hides something else."""


class PrivateAgreementState(IntEnum):
    """How far a private agreement has come."""

    NONE = 0
    OPEN = 1
    SETTLED = 2
    CANCELLED = 3


@dataclass(frozen=True, slots=True)
class SeenDelivery:
    """How a private agreement was settled: the commitment to what was delivered."""

    delivered: Point
    in_full: bool


@dataclass(frozen=True, slots=True)
class SeenOffer:
    """An offer as everybody sees it; `standing` has the energy that is left."""

    id: int
    terms: OfferTerms
    standing: StandingOffer

    def details(self, ring: Sequence[Point], key: MemberKey) -> bytes | None:
        """What it says to the members of its ring; None to all others."""
        return open_details(self.terms.metadata[1:], ring, key)


class PrivateLedger:
    """The private market behind a node. What is sent goes through the ledger's own senders."""

    def __init__(self, ledger: ChainLedger, rules: Rules) -> None:
        self.ledger = ledger
        self.rules = rules

    @classmethod
    async def connect(cls, ledger: ChainLedger) -> Self:
        """Reads the market's rules; ConfigurationError where it was not deployed."""
        if PRIVATE_MARKET not in ledger.contracts:
            raise ConfigurationError(
                "there is no private market in this deployment",
                hint="deploy one: brownie run deploy_privacy",
            )
        chain_id = ledger.deployment.chain_id
        rules = Rules(
            chain_id,
            ledger.contracts[PRIVATE_MARKET].address,
            Pool(chain_id, ledger.contracts[POOL].address),
            await ledger.read(PRIVATE_MARKET, "auditorKey"),
            Band(*await ledger.read(PRIVATE_MARKET, "band")),
        )
        return cls(ledger, rules)

    async def renew(self) -> bool:
        """Reads the auditors' key anew, which the members may have set; whether it is another."""
        known, key = self.rules.auditor, await self.ledger.read(PRIVATE_MARKET, "auditorKey")
        self.rules = replace(self.rules, auditor=key)
        return bool(key != known)

    # Calls

    async def send(self, sender: Address, call: PrivateCall) -> Receipt:
        """Sends a call at the sender's cost, whoever it is from."""
        return await self.ledger.send(
            sender, call.contract, call.function, self.encode(call), call.gas
        )

    def encode(self, call: PrivateCall) -> bytes:
        """The input of a call."""
        return self.ledger.contracts[call.contract].encode(call.function, *call.arguments)

    async def publish_key(
        self, member: Address, key: MemberKey, *, entropy: Entropy = system_entropy
    ) -> Receipt:
        """Registers a member's key in the member's own name."""
        proof = possession(self.rules, key, member, entropy=entropy)
        return await self.send(member, publish_key(key.public, proof))

    async def open_round(self, sender: Address, window: int) -> Receipt:
        return await self.send(sender, open_round(window))

    async def deposit(
        self, payer: Address, keys: NoteKeys, amount: int, *, entropy: Entropy = system_entropy
    ) -> Receipt:
        """Turns an account's payment tokens, an amount in 1e-6, into a note of the keys' owner."""
        pool = self.ledger.contracts[POOL].address
        if await self.ledger.read(PAYMENT, "allowance", payer, pool) < amount:
            await self.ledger.write(payer, PAYMENT, "approve", pool, UNLIMITED)
        return await self.send(payer, deposit(send_note(keys.address(), amount, entropy=entropy)))

    # What everybody sees

    async def ring_of(self, window: int) -> tuple[Point, ...]:
        """The keys of a window's round; NotFoundError before it is opened."""
        for event in await self._events(PRIVATE_MARKET, "RoundOpened", window=window):
            ring: tuple[Point, ...] = from_row(tuple[Point, ...], event.arguments["ring"])
            return ring
        raise NotFoundError(f"no round of window {window}", hint="anybody can open it")

    async def offers(self, window: int) -> list[SeenOffer]:
        """The offers of a window in the order in which they came."""
        standing: dict[int, StandingOffer] = {}
        while True:
            page, total = await self.ledger.read(
                PRIVATE_MARKET, "getOffers", window, len(standing), MAX_PAGE
            )
            standing |= {number: StandingOffer(*rest) for number, *rest in page}
            if not page or len(standing) >= total:
                break
        made = await self._events(PRIVATE_MARKET, "OfferMade", window=window)
        terms = {event.arguments["offerId"]: event.arguments["terms"] for event in made}
        return [
            SeenOffer(number, from_row(OfferTerms, terms[number]), offer)
            for number, offer in standing.items()
        ]

    async def is_round_open(self, window: int) -> bool:
        opened: bytes = await self.ledger.read(PRIVATE_MARKET, "ringHashOf", window)
        return any(opened)

    async def key_of(self, account: Address) -> Point:
        """The member key of an account; infinity where it has none."""
        key: Point = await self.ledger.read(PRIVATE_MARKET, "keyOf", account)
        return key

    async def offer_count(self, window: int) -> int:
        _, total = await self.ledger.read(PRIVATE_MARKET, "getOffers", window, 0, 0)
        return int(total)

    async def standing(self, offer_id: int) -> StandingOffer | None:
        """An offer as the market knows it now; None where there is none."""
        window, index = offer_id >> 32, offer_id & 0xFFFFFFFF
        if window >= 1 << 64:
            return None
        page, _ = await self.ledger.read(PRIVATE_MARKET, "getOffers", window, index, 1)
        return StandingOffer(*page[0][1:]) if page else None

    async def agreement_state(self, agreement_id: bytes) -> PrivateAgreementState:
        state = await self.ledger.read(PRIVATE_MARKET, "agreementState", agreement_id)
        return PrivateAgreementState(state)

    async def delivery_of(self, agreement_id: bytes) -> SeenDelivery:
        """How an agreement was settled; NotFoundError where it was not."""
        bound = self.ledger.contracts[PRIVATE_MARKET]
        topics = [f"0x{bound.topic_of('TransactionMade').hex()}", f"0x{agreement_id.hex()}"]
        first = self.ledger.deployment.block
        for event in await self._found(PRIVATE_MARKET, topics, first, None):
            found: Any = event.arguments
            return SeenDelivery(found["delivered"], found["inFull"])
        raise NotFoundError(f"agreement 0x{agreement_id.hex()} is not settled")

    async def past_offer(self, terms: OfferTerms) -> Receipt | None:
        """Of the transaction that has made this very offer, whoever sent it; None before."""
        bound = self.ledger.contracts[PRIVATE_MARKET]
        topics = [f"0x{bound.topic_of('OfferMade').hex()}", None, f"0x{terms.window:064x}"]
        for log in await self._logs(PRIVATE_MARKET, topics, self.ledger.deployment.block, None):
            (event,) = self.ledger.contracts.events([log])
            if event.arguments["terms"] == to_row(terms):
                return await self._past(log["transactionHash"], "makeOffer")
        return None

    async def past_agreement(self, agreement_id: bytes) -> Receipt | None:
        """Of the transaction that has allowed an agreement, whoever sent it; None before."""
        bound = self.ledger.contracts[PRIVATE_MARKET]
        topics = [f"0x{bound.topic_of('TransactionAllowed').hex()}", f"0x{agreement_id.hex()}"]
        for log in await self._logs(PRIVATE_MARKET, topics, self.ledger.deployment.block, None):
            return await self._past(log["transactionHash"], "allowTransaction")
        return None

    async def _past(self, transaction_hash: str, function: str) -> Receipt:
        mined = await self.ledger.rpc.read("eth_getTransactionReceipt", transaction_hash)
        return Receipt(
            function=function,
            sender=to_checksum_address(mined["from"]),
            transaction_hash=transaction_hash,
            block_number=int(mined["blockNumber"], 16),
            gas_used=int(mined["gasUsed"], 16),
            events=self.ledger.contracts.events(mined["logs"]),
        )

    async def is_offer_image_used(self, window: int, slot: int, image: Point) -> bool:
        context = self.rules.image_context(window, slot)
        used: bool = await self.ledger.read(PRIVATE_MARKET, "isImageUsed", context, image[0])
        return used

    async def is_spent(self, image: Point) -> bool:
        spent: bool = await self.ledger.read(POOL, "isSpent", image[0])
        return spent

    async def new_notes(self, log: "NoteLog") -> None:
        """Reads on in the pool's events from where the log ends."""
        head = int(await self.ledger.rpc.read("eth_blockNumber"), 16)
        if head < log.next_block:
            return
        pool = self.ledger.contracts[POOL]
        names = ("NoteCreated", "NoteSpent")
        topics = [[f"0x{pool.topic_of(name).hex()}" for name in names]]
        first = max(log.next_block, self.ledger.deployment.block)
        for event in await self._found(POOL, topics, first, head):
            log.add(event)
        log.next_block = head + 1

    async def _events(self, contract: str, name: str, *, window: int) -> list[Event]:
        bound = self.ledger.contracts[contract]
        topics: list[str | None] = [f"0x{bound.topic_of(name).hex()}", f"0x{window:064x}"]
        if name == "OfferMade":  # its first is the offer's number
            topics.insert(1, None)
        return await self._found(contract, topics, self.ledger.deployment.block, None)

    async def _found(
        self, contract: str, topics: Sequence[object], first: int, last: int | None
    ) -> list[Event]:
        logs = await self._logs(contract, topics, first, last)
        return list(self.ledger.contracts.events(logs))

    async def _logs(
        self, contract: str, topics: Sequence[object], first: int, last: int | None
    ) -> Any:
        bound = self.ledger.contracts[contract]
        return await self.ledger.rpc.read(
            "eth_getLogs",
            {
                "fromBlock": hex(first),
                "toBlock": "latest" if last is None else hex(last),
                "address": bound.address,
                "topics": topics,
            },
        )


@dataclass(frozen=True, slots=True)
class LoggedNote:
    note: Note
    message: NoteMessage | None


class NoteLog:
    """All notes of a pool and the images that spends have left, as far as they were read."""

    def __init__(self) -> None:
        self.next_block = 0
        self.notes: list[LoggedNote] = []
        self.spent: set[int] = set()
        self._rings: dict[tuple[Note, int], tuple[Note, ...]] = {}

    def add(self, event: Event) -> None:
        """Takes in an event of the pool."""
        found: Any = event.arguments
        if event.name == "NoteSpent":
            self.spent.add(found["imageX"])
        else:
            self.notes.append(LoggedNote(from_row(Note, found["note"]), _message(found["message"])))

    def ring_for(self, own: Note, size: int, choose: Choose) -> tuple[Note, ...]:
        """A note among others that are drawn from all there are, spent ones, too.

        It hides among the same when it is spent again because the first time came to nothing: two
        rings with one image have little in common but the note itself.
        """
        if (own, size) in self._rings:
            return self._rings[own, size]
        others = [each.note for each in self.notes if each.note != own]
        if len(others) < size - 1:
            raise ConflictError(
                f"a ring of {size} needs as many notes, and the pool has {len(others) + 1}",
                hint="wait until others have brought money",
            )
        ring = self._rings[own, size] = ring_of([own, *choose(others, size - 1)])
        return ring


class Purse:
    """Somebody's notes among all of a log."""

    def __init__(self, keys: NoteKeys) -> None:
        self.keys = keys
        self.address = keys.address()
        self._notes: dict[Point, SpendableNote] = {}
        self._images: dict[Point, int] = {}
        self._expected: dict[Note, SpendableNote] = {}
        self._watched: dict[Point, tuple[int, Resolve]] = {}
        self._read = 0

    def look(self, log: NoteLog) -> None:
        """Finds what is its owner's among the notes that came since the last time."""
        for logged in log.notes[self._read :]:
            found = (
                self._expected.pop(logged.note, None)
                or self._received(logged)
                or self._awaited(logged.note)
            )
            if found is not None:
                self._notes[found.note.key] = found
                self._images[found.note.key] = note_image(found)[0]
        self._read = len(log.notes)
        for key in [key for key in self._notes if self._images[key] in log.spent]:
            del self._notes[key], self._images[key]

    def expect(self, known: SentNote, actual: SentNote) -> None:
        """Says what a note of one's own will hide that the chain alone doesn't tell.

        So it is with what a seller gets for a part, and a buyer after a cancellation: `known` is
        the note as it was agreed on, `actual` what comes with its key.
        """
        received = self._owned(known)
        self._expected[actual.note] = SpendableNote(actual.note, received.secret, actual.opening)

    def watch(self, known: SentNote, actual: Resolve) -> None:
        """Says how to find what a note of one's own hides, whatever its message is.

        Whoever settles an agreement writes the messages of both notes: `actual` tells, once a note
        with the key of `known` is there, what comes with it (`trading.returned`, `trading.paid`).
        """
        if known.note.key not in self._watched:
            self._watched[known.note.key] = self._owned(known).secret, actual

    @property
    def notes(self) -> list[SpendableNote]:
        """What can be spent, the largest first."""
        return sorted(self._notes.values(), key=lambda each: -each.opening.value)

    @property
    def balance(self) -> int:
        """In 1e-6."""
        return sum(each.opening.value for each in self._notes.values())

    def at(self, key: Point) -> SpendableNote | None:
        """The note with this key, while it is there to be spent."""
        return self._notes.get(key)

    def note_of(self, amount: int) -> SpendableNote:
        """The smallest note of an amount or more; ConflictError where there is none."""
        for each in reversed(self.notes):
            if each.opening.value >= amount:
                return each
        raise ConflictError(f"no note of {amount} or more", hint="bring or join notes")

    def _owned(self, known: SentNote) -> SpendableNote:
        received = self._received(LoggedNote(known.note, known.message))
        if received is None:
            raise InputError("note", "must be the owner's", known.note.key)
        return received

    def _awaited(self, note: Note) -> SpendableNote | None:
        if note.key not in self._watched:
            return None
        secret, actual = self._watched[note.key]
        found = actual(note)
        return None if found is None else SpendableNote(note, secret, found.opening)

    def _received(self, logged: LoggedNote) -> SpendableNote | None:
        if logged.message is None:
            return None
        keys, public = self.keys, self.address.spend_public
        found = receive_note(logged.note, logged.message, public, keys.view_secret)
        if found is None:
            return None
        return SpendableNote(found.note, found.secret(keys.spend_secret), found.opening)


def _message(row: Any) -> NoteMessage | None:
    """None where there is nothing to find the note by, or nonsense."""
    try:
        return from_row(NoteMessage, row)
    except InputError:
        return None
