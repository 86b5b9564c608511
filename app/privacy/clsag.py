"""One of these notes is mine and I spend it, as much as the new commitment says (CLSAG).

Source: Goodell, Noether, Blue 2019, without the factors for a cofactor, which bn254 doesn't have.

    ring of notes (P_k, C_k), secret x of P_i, pseudo commitment C' to the amount of C_i,
    z = difference of the blindings: C_i - C' = z G
    I = x Hp(P_i), the key image of the note, the same in whatever ring      D = z Hp(P_i)
    start = state(context, message, hash(ring), I, D, C')
    mu_P = keccak(start || 1) mod N         mu_C = keccak(start || 2) mod N      W = mu_P I + mu_C D
    c_{k+1} = keccak(start || s_k G + c_k (mu_P P_k + mu_C (C_k - C')) || s_k Hp(P_k) + c_k W) mod N
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.errors import InputError
from app.privacy.curve import (
    BLINDING_BASE,
    Curve,
    N,
    Point,
    check_point,
    check_scalar,
)
from app.privacy.fast_curve import FAST
from app.privacy.hash_to_curve import key_base
from app.privacy.lsag import check_ring, next_challenge
from app.privacy.notes import Note
from app.privacy.pedersen import Opening, commit, subtract
from app.privacy.randomness import Entropy, Nonces, system_entropy
from app.privacy.transcript import Transcript, WordReader, hash_words

CLSAG_TAG = "peerwatt/clsag/1"


@dataclass(frozen=True, slots=True)
class SpendableNote:
    """A note with the secrets that spend it."""

    note: Note
    secret: int = field(repr=False)
    opening: Opening


@dataclass(frozen=True, slots=True)
class SpendSignature:
    """A spend of one note of a ring.

    On the wire: image, blinding image, pseudo commitment (two words each), challenge c_0, responses
    s_0..s_{n-1}.
    """

    image: Point
    blinding_image: Point
    pseudo: Point
    challenge: int
    responses: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("image", "blinding_image", "pseudo"):
            check_point(f"signature.{name}", getattr(self, name))
        check_scalar("signature.challenge", self.challenge)
        for number, response in enumerate(self.responses):
            check_scalar(f"signature.responses[{number}]", response)

    def words(self) -> list[int]:
        return [
            *self.image,
            *self.blinding_image,
            *self.pseudo,
            self.challenge,
            *self.responses,
        ]

    @classmethod
    def from_words(cls, words: Sequence[int]) -> "SpendSignature":
        """The signature; InputError names what is wrong with the words."""
        reader = WordReader("signature", words)
        points = [reader.point(name) for name in ("image", "blinding_image", "pseudo")]
        challenge = reader.scalar("challenge")
        responses = tuple(reader.scalar(f"responses[{i}]") for i in range(reader.left))
        return cls(points[0], points[1], points[2], challenge, responses)


def note_image(spendable: SpendableNote, curve: Curve = FAST) -> Point:
    """The mark that spending the note leaves, once and for all."""
    return curve.multiply(key_base(spendable.note.key), spendable.secret)


def sign_spend(
    spendable: SpendableNote,
    ring: Sequence[Note],
    pseudo: Opening,
    context: bytes,
    message: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> SpendSignature:
    """Spends one of the ring's notes into a pseudo commitment of the same amount.

    Args:
        spendable: the note, which is in the ring.
        ring: notes, at least two, each key once.
        pseudo: opening of the pseudo commitment, with a fresh blinding.
        context: 32 bytes (`context_of`).
        message: 32 bytes, the hash of all that is to be executed.
        entropy: of the nonces.
        curve: what computes.

    Raises:
        InputError: the ring is bad or lacks the note, or the amounts differ.
    """
    check_ring([note.key for note in ring])
    if spendable.note not in ring:
        raise InputError("ring", "must have the note that is spent", "a ring without it")
    if pseudo.value != spendable.opening.value:
        raise InputError("pseudo", "must have the note's amount", "a secret")
    own, size = ring.index(spendable.note), len(ring)
    z = (spendable.opening.blinding - pseudo.blinding) % N
    bases = [key_base(note.key) for note in ring]
    image = curve.multiply(bases[own], spendable.secret)
    blinding_image = curve.multiply(bases[own], z)
    spend = _Spend.of(ring, context, message, image, blinding_image, commit(pseudo, curve), curve)
    nonces = Nonces("clsag", [spendable.secret, z], spend.start, entropy)
    nonce = nonces.scalar()
    responses = nonces.scalars(size)
    left, right = curve.multiply(BLINDING_BASE, nonce), curve.multiply(bases[own], nonce)
    challenges = [0] * size
    for k in range(own + 1, own + size):
        i = k % size
        c = challenges[i] = next_challenge(spend.start, left, right)
        left, right = spend.pair(ring[i], bases[i], responses[i], c, curve)
    c = challenges[own] = next_challenge(spend.start, left, right)
    responses[own] = (nonce - c * (spend.mu_p * spendable.secret + spend.mu_c * z)) % N
    return SpendSignature(image, blinding_image, spend.pseudo, challenges[0], tuple(responses))


def verify_spend(
    signature: SpendSignature,
    ring: Sequence[Note],
    context: bytes,
    message: bytes,
    *,
    curve: Curve = FAST,
) -> bool:
    """Whether one of the ring's notes is spent into the pseudo commitment.

    That the image is new, by its x coordinate alone, and that the sums of what goes in and comes
    out agree, is for the caller to check.

    Raises:
        InputError: the ring is too small or has a key twice.
    """
    check_ring([note.key for note in ring])
    if len(signature.responses) != len(ring):
        return False
    spend = _Spend.of(
        ring,
        context,
        message,
        signature.image,
        signature.blinding_image,
        signature.pseudo,
        curve,
    )
    c = signature.challenge
    for note, s in zip(ring, signature.responses, strict=True):
        c = next_challenge(spend.start, *spend.pair(note, key_base(note.key), s, c, curve))
    return c == signature.challenge


@dataclass(frozen=True, slots=True)
class _Spend:
    """What all members of the ring share in the computation."""

    start: bytes
    mu_p: int
    mu_c: int
    aggregate: Point
    pseudo: Point

    @classmethod
    def of(
        cls,
        ring: Sequence[Note],
        context: bytes,
        message: bytes,
        image: Point,
        blinding_image: Point,
        pseudo: Point,
        curve: Curve,
    ) -> "_Spend":
        members = hash_words(point for note in ring for point in (note.key, note.commitment))
        start = Transcript(
            CLSAG_TAG, context, message, members, image, blinding_image, pseudo
        ).state
        mu_p, mu_c = (int.from_bytes(hash_words([start, i]), "big") % N for i in (1, 2))
        aggregate = curve.combine([image, blinding_image], [mu_p, mu_c])
        return cls(start, mu_p, mu_c, aggregate, pseudo)

    def pair(
        self, note: Note, base: Point, response: int, challenge: int, curve: Curve
    ) -> tuple[Point, Point]:
        difference = subtract(note.commitment, self.pseudo, curve)
        left = curve.combine(
            [BLINDING_BASE, note.key, difference],
            [response, challenge * self.mu_p, challenge * self.mu_c],
        )
        return left, curve.combine([base, self.aggregate], [response, challenge])
