"""Spends of notes, as the contract NotePool takes them: made, read and verified.

A spend turns notes into others. What else it does is its purpose: nothing (a transfer), tokens for
somebody (a withdrawal), or money that a contract locks. Every key image signs all of it:

    message = state(context(purpose, relayer, fee, deadline), images and pseudo commitments, notes)
    sum of pseudo commitments = sum of what is locked and of the outputs + (amount + fee) H
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eth_hash.auto import keccak

from app.errors import InputError
from app.privacy.bulletproofs import RangeProof, RangeStatement, prove_ranges, verify_ranges
from app.privacy.clsag import (
    SpendableNote,
    SpendSignature,
    note_image,
    sign_spend,
    verify_spend,
)
from app.privacy.curve import INFINITY, VALUE_BASE, Curve, N, Point, negate
from app.privacy.fast_curve import FAST
from app.privacy.notes import Note, NoteMessage, SentNote
from app.privacy.pedersen import Opening, commit
from app.privacy.randomness import Entropy, system_entropy
from app.privacy.transcript import Word, address_word, context_of, hash_words

AMOUNT_BITS = 32
MAX_AMOUNT = (1 << AMOUNT_BITS) - 1
NOBODY = "0x" + "00" * 20
NO_DEADLINE = (1 << 63) - 1

TRANSFER = keccak(b"peerwatt/transfer/1")
SPEND_TAG = "peerwatt/spend/1"
SPLIT_TAG = "peerwatt/split/1"
_WITHDRAWAL_TAG = keccak(b"peerwatt/withdrawal/1")
_LOCK_TAG = keccak(b"peerwatt/lock/1")

Ranges = Sequence[tuple[RangeStatement, RangeProof]]


@dataclass(frozen=True, slots=True)
class Pool:
    """The pool that proofs are made for."""

    chain_id: int
    address: str

    @property
    def spend_context(self) -> bytes:
        """Of all key images here, so that a note is spent once."""
        return context_of(SPEND_TAG, self.chain_id, self.address)

    def split_context(self, holder: str, escrow_id: bytes) -> bytes:
        """Of the ranges of the two notes that an escrow becomes."""
        return context_of(
            SPLIT_TAG, self.chain_id, self.address, address_word("holder", holder), escrow_id
        )


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a spend does beside making notes: its digest, and what leaves for it."""

    digest: bytes
    amount: int = 0
    locked: tuple[Point, ...] = ()

    @classmethod
    def transfer(cls) -> "Purpose":
        return cls(TRANSFER)

    @classmethod
    def withdrawal(cls, recipient: str, amount: int) -> "Purpose":
        """Pays tokens to an account."""
        words: list[Word] = [_WITHDRAWAL_TAG, address_word("recipient", recipient), amount]
        return cls(hash_words(words), amount)

    @classmethod
    def lock(cls, holder: str, escrow_id: bytes, commitment: Point) -> "Purpose":
        """Locks what is committed to for a contract, the holder."""
        words: list[Word] = [_LOCK_TAG, address_word("holder", holder), escrow_id, commitment]
        return cls(hash_words(words), 0, (commitment,))


@dataclass(frozen=True, slots=True)
class NewNote:
    note: Note
    message: NoteMessage


@dataclass(frozen=True, slots=True)
class SpendInput:
    """One of the ring's notes is used up. The ring is in ascending order of the keys' x."""

    ring: tuple[Note, ...]
    signature: SpendSignature


@dataclass(frozen=True, slots=True)
class Spend:
    """A whole spend. The fee, in 1e-6, is for the relayer; the deadline is in seconds."""

    inputs: tuple[SpendInput, ...]
    outputs: tuple[NewNote, ...]
    ranges: RangeProof
    relayer: str
    fee: int
    deadline: int

    @property
    def images(self) -> tuple[Point, ...]:
        return tuple(each.signature.image for each in self.inputs)


@dataclass(frozen=True, slots=True)
class Terms:
    """Who gets how much for relaying a spend, and until when (seconds) it may be executed."""

    relayer: str = NOBODY
    fee: int = 0
    deadline: int = NO_DEADLINE


FREE = Terms()


def ring_of(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Notes in the order that the pool wants, which tells nothing."""
    return tuple(sorted(notes, key=lambda note: note.key[0]))


def revalued(sent: SentNote, amount: int) -> SentNote:
    """The same note for another amount.

    Only one of them may ever be published, or their encrypted amounts tell the difference.
    """
    opening = Opening(amount, sent.opening.blinding)
    encrypted = sent.message.encrypted_amount ^ sent.opening.value ^ amount
    return SentNote(
        Note(sent.note.key, commit(opening)),
        replace(sent.message, encrypted_amount=encrypted),
        opening,
    )


def spend_notes(
    pool: Pool,
    inputs: Sequence[tuple[SpendableNote, Sequence[Note]]],
    outputs: Sequence[SentNote],
    purpose: Purpose,
    *,
    locked: Sequence[Opening] = (),
    terms: Terms = FREE,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> Spend:
    """A spend of notes, each hidden in its ring, with all proofs.

    Args:
        pool: where the notes are.
        inputs: own notes, and the rings of which they are part.
        outputs: new notes; with what is locked 1, 2 or 4 of them.
        purpose: what the spend does beside that.
        locked: openings of the purpose's commitments.
        terms: fee and deadline.
        entropy: of blindings and nonces.
        curve: what computes.

    Raises:
        InputError: the sums differ, or a ring is bad.
    """
    openings = [*locked, *(sent.opening for sent in outputs)]
    values = [spendable.opening.value for spendable, _ in inputs]
    if sum(values) != sum(each.value for each in openings) + purpose.amount + terms.fee:
        raise InputError("outputs", "must add up to what is spent", "secrets")
    if [commit(each, curve) for each in locked] != list(purpose.locked):
        raise InputError("locked", "must open what the purpose locks", "secrets")
    pseudos = [Opening.of(value, entropy) for value in values[:-1]]
    rest = sum(each.blinding for each in openings) - sum(each.blinding for each in pseudos)
    pseudos.append(Opening(values[-1], rest % N))
    marks = [
        (note_image(spendable, curve), commit(pseudo, curve))
        for (spendable, _), pseudo in zip(inputs, pseudos, strict=True)
    ]
    notes = tuple(NewNote(sent.note, sent.message) for sent in outputs)
    message = _message(pool, purpose, terms, marks, notes)
    signed = tuple(
        SpendInput(
            tuple(ring),
            sign_spend(
                spendable, ring, pseudo, pool.spend_context, message, entropy=entropy, curve=curve
            ),
        )
        for (spendable, ring), pseudo in zip(inputs, pseudos, strict=True)
    )
    statement = _range_statement(message, purpose, notes)
    ranges = prove_ranges(statement, openings, entropy=entropy, curve=curve)
    return Spend(signed, notes, ranges, terms.relayer, terms.fee, terms.deadline)


def verify_spend_of_notes(
    pool: Pool, spend: Spend, purpose: Purpose, *, more: Ranges = (), curve: Curve = FAST
) -> bool:
    """Whether the pool would find all proofs right, and `more` with them.

    That the notes exist and the images are new is for the caller to ask the pool.
    """
    if not spend.inputs or max(spend.fee, purpose.amount) > MAX_AMOUNT:
        return False
    if any(ring_of(each.ring) != each.ring for each in spend.inputs):
        return False
    terms = Terms(spend.relayer, spend.fee, spend.deadline)
    marks = [(each.signature.image, each.signature.pseudo) for each in spend.inputs]
    message = _message(pool, purpose, terms, marks, spend.outputs)
    coming = [pseudo for _, pseudo in marks]
    leaving = [*purpose.locked, *(each.note.commitment for each in spend.outputs)]
    balance = curve.combine(
        [*coming, *map(negate, leaving), VALUE_BASE],
        [1] * (len(coming) + len(leaving)) + [-(purpose.amount + spend.fee)],
    )
    if balance != INFINITY:
        return False
    context = pool.spend_context
    if not all(
        verify_spend(each.signature, each.ring, context, message, curve=curve)
        for each in spend.inputs
    ):
        return False
    statement = _range_statement(message, purpose, spend.outputs)
    return verify_ranges([(statement, spend.ranges), *more], curve=curve)


def _range_statement(
    message: bytes, purpose: Purpose, outputs: Sequence[NewNote]
) -> RangeStatement:
    commitments = (*purpose.locked, *(each.note.commitment for each in outputs))
    return RangeStatement(message, (AMOUNT_BITS,) * len(commitments), commitments)


def _message(
    pool: Pool,
    purpose: Purpose,
    terms: Terms,
    marks: Sequence[tuple[Point, Point]],
    outputs: Sequence[NewNote],
) -> bytes:
    relayer = address_word("relayer", terms.relayer)
    state = context_of(
        SPEND_TAG, pool.chain_id, pool.address, purpose.digest, relayer, terms.fee, terms.deadline
    )
    for image, pseudo in marks:
        state = hash_words([state, image, pseudo])
    for each in outputs:
        note, message = each.note, each.message
        known = [message.view_tag, message.encrypted_amount]
        state = hash_words([state, note.key, note.commitment, message.ephemeral, *known])
    return state
