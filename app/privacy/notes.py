"""Shielded notes: money whose amount is committed and whose owner is a one-time key, on bn254.

A receiver publishes S = s G (spend) and V = v G (view). The sender of an amount draws e:

    R = e G                       published with the note
    k = keccak(tag || e V || R)   known to sender and receiver, as e V = v R
    P = S + scalar(k, 1) G        the note's key, secret s + scalar(k, 1)
    C = amount H + scalar(k, 2) G
    encrypted amount = amount xor first 8 bytes of keccak(k || 3)
    view tag = first byte of keccak(k || 0)

where scalar(k, i) = keccak(k || i) mod N. The view key alone reads what comes in; it neither spends
nor sees what goes out. Two notes with the same key have the same key image, so that only one of
them can ever be spent: a receiver counts the second as nothing, and a pool should refuse it.
"""

from dataclasses import dataclass, field

from eth_hash.auto import keccak

from app.errors import InputError
from app.privacy.curve import (
    BLINDING_BASE,
    Curve,
    N,
    Point,
    check_point,
    check_secret,
)
from app.privacy.fast_curve import FAST
from app.privacy.pedersen import Opening, commit
from app.privacy.randomness import Entropy, random_scalar, system_entropy
from app.privacy.transcript import hash_words, pack

NOTE_TAG = keccak(b"peerwatt/note/1")
AMOUNT_BYTES = 8
_VIEW_TAG, _KEY, _BLINDING, _MASK = range(4)


@dataclass(frozen=True, slots=True)
class NoteAddress:
    """Where notes can be sent to."""

    spend_public: Point
    view_public: Point

    def __post_init__(self) -> None:
        check_point("spend key", self.spend_public)
        check_point("view key", self.view_public)


@dataclass(frozen=True, slots=True)
class NoteKeys:
    """A receiver's secrets: `view_secret` may be lent to a reader, `spend_secret` to nobody."""

    spend_secret: int = field(repr=False)
    view_secret: int = field(repr=False)

    def __post_init__(self) -> None:
        check_secret("spend secret", self.spend_secret)
        check_secret("view secret", self.view_secret)

    def address(self, curve: Curve = FAST) -> NoteAddress:
        return NoteAddress(
            curve.multiply(BLINDING_BASE, self.spend_secret),
            curve.multiply(BLINDING_BASE, self.view_secret),
        )


@dataclass(frozen=True, slots=True)
class Note:
    """A one-time key and the commitment to its amount."""

    key: Point
    commitment: Point

    def __post_init__(self) -> None:
        check_point("note.key", self.key)
        check_point("note.commitment", self.commitment)


@dataclass(frozen=True, slots=True)
class NoteMessage:
    """What is published with a note, for its owner to find and read it."""

    ephemeral: Point
    view_tag: int
    encrypted_amount: int

    def __post_init__(self) -> None:
        check_point("message.ephemeral", self.ephemeral)
        if not 0 <= self.view_tag <= 255:
            raise InputError("message.view_tag", "must be a byte", self.view_tag)
        if self.encrypted_amount not in range(1 << 8 * AMOUNT_BYTES):
            raise InputError("message.encrypted_amount", "must fit 8 bytes", self.encrypted_amount)


@dataclass(frozen=True, slots=True)
class SentNote:
    """A new note, what is published with it, and what its sender knows of it."""

    note: Note
    message: NoteMessage
    opening: Opening


@dataclass(frozen=True, slots=True)
class ReceivedNote:
    """A note as the view key sees it: its amount, and what to add to the spend secret."""

    note: Note
    opening: Opening
    key_offset: int = field(repr=False)

    def secret(self, spend_secret: int) -> int:
        """The secret of the note's key."""
        return (spend_secret + self.key_offset) % N


def send_note(
    address: NoteAddress,
    amount: int,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> SentNote:
    """A note of an amount, 0..2^64-1, for the holder of an address."""
    if not 0 <= amount < 1 << 8 * AMOUNT_BYTES:
        raise InputError("amount", "must be at least 0 and fit 8 bytes", amount)
    secret = random_scalar(entropy)
    ephemeral = curve.multiply(BLINDING_BASE, secret)
    shared = _shared(curve.multiply(address.view_public, secret), ephemeral)
    key = curve.add(address.spend_public, curve.multiply(BLINDING_BASE, _derived(shared, _KEY)))
    opening = Opening(amount, _derived(shared, _BLINDING))
    return SentNote(
        Note(key, commit(opening, curve)),
        NoteMessage(ephemeral, _view_tag(shared), amount ^ _mask(shared)),
        opening,
    )


def receive_note(
    note: Note,
    message: NoteMessage,
    spend_public: Point,
    view_secret: int,
    *,
    curve: Curve = FAST,
) -> ReceivedNote | None:
    """What the note holds if it is for the holder of the view key, and nothing otherwise."""
    check_secret("view secret", view_secret)
    shared = _shared(curve.multiply(message.ephemeral, view_secret), message.ephemeral)
    if _view_tag(shared) != message.view_tag:
        return None
    offset = _derived(shared, _KEY)
    if curve.add(spend_public, curve.multiply(BLINDING_BASE, offset)) != note.key:
        return None
    opening = Opening(message.encrypted_amount ^ _mask(shared), _derived(shared, _BLINDING))
    if commit(opening, curve) != note.commitment:
        return None
    return ReceivedNote(note, opening, offset)


def _shared(point: Point, ephemeral: Point) -> bytes:
    return hash_words([NOTE_TAG, point, ephemeral])


def _derived(shared: bytes, number: int) -> int:
    return int.from_bytes(hash_words([shared, number]), "big") % N


def _view_tag(shared: bytes) -> int:
    return keccak(pack([shared, _VIEW_TAG]))[0]


def _mask(shared: bytes) -> int:
    return int.from_bytes(keccak(pack([shared, _MASK]))[:AMOUNT_BYTES], "big")
