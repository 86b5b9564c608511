"""One of the members says this, once: a linkable ring signature (LSAG, event-oriented).

Sources: Liu, Wei, Wong 2004; the tag base that depends on the event alone as in Tsang and Wei 2005,
so that a member who acts twice in one context is caught even with two different rings.

    ring P_0..P_{n-1}, secret x of P_i, context, message
    B = tag base, a hash to the curve of the context        I = x B, the key image
    start = state(context, message, hash(ring), B, I)
    c_{k+1} = keccak(start || s_k G + c_k P_k || s_k B + c_k I) mod N, and c_n = c_0 closes the ring
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import InputError
from app.privacy.curve import BLINDING_BASE, Curve, N, Point, check_point, check_scalar
from app.privacy.fast_curve import FAST
from app.privacy.hash_to_curve import hash_to_curve
from app.privacy.keys import MemberKey
from app.privacy.randomness import Entropy, Nonces, system_entropy
from app.privacy.transcript import Transcript, WordReader, hash_words

LSAG_TAG = "peerwatt/lsag/1"
TAG_BASE_TAG = b"peerwatt/tag base/1/BN254G1_XMD:KECCAK-256_SVDW_RO_"
MIN_RING = 2


@dataclass(frozen=True, slots=True)
class RingSignature:
    """On the wire: image x, image y, challenge c_0, responses s_0..s_{n-1}."""

    image: Point
    challenge: int
    responses: tuple[int, ...]

    def __post_init__(self) -> None:
        check_point("signature.image", self.image)
        check_scalar("signature.challenge", self.challenge)
        for number, response in enumerate(self.responses):
            check_scalar(f"signature.responses[{number}]", response)

    def words(self) -> list[int]:
        return [*self.image, self.challenge, *self.responses]

    @classmethod
    def from_words(cls, words: Sequence[int]) -> "RingSignature":
        """The signature; InputError names what is wrong with the words."""
        reader = WordReader("signature", words)
        image, challenge = reader.point("image"), reader.scalar("challenge")
        return cls(
            image, challenge, tuple(reader.scalar(f"responses[{i}]") for i in range(reader.left))
        )


def tag_base(context: bytes, curve: Curve = FAST) -> Point:
    """The base of all key images in a context, which is one thing that a member may do once."""
    return hash_to_curve(context, TAG_BASE_TAG, curve=curve)


def key_image(key: MemberKey, context: bytes, curve: Curve = FAST) -> Point:
    """The mark that the member leaves in a context: one there, unlinkable to those in others."""
    return curve.multiply(tag_base(context, curve), key.secret)


def sign_as_member(
    key: MemberKey,
    ring: Sequence[Point],
    context: bytes,
    message: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> RingSignature:
    """Signs as one of the ring.

    Args:
        key: of the signer, whose public key is in the ring.
        ring: the members' public keys, at least two, each once.
        context: 32 bytes, what can be done once (`context_of`).
        message: 32 bytes, the hash of all that is to be executed.
        entropy: of the nonces.
        curve: what computes.

    Raises:
        InputError: the ring is too small, has a key twice, or lacks the signer's.
    """
    check_ring(ring)
    if key.public not in ring:
        raise InputError("ring", "must have the signer's key", "a ring without it")
    own, size = ring.index(key.public), len(ring)
    base = tag_base(context, curve)
    image = curve.multiply(base, key.secret)
    start = _start(ring, context, message, base, image)
    nonces = Nonces("lsag", [key.secret], start, entropy)
    nonce = nonces.scalar()
    responses = nonces.scalars(size)
    left, right = curve.multiply(BLINDING_BASE, nonce), curve.multiply(base, nonce)
    challenges = [0] * size
    for k in range(own + 1, own + size):
        i = k % size
        c = challenges[i] = next_challenge(start, left, right)
        left = curve.combine([BLINDING_BASE, ring[i]], [responses[i], c])
        right = curve.combine([base, image], [responses[i], c])
    challenges[own] = next_challenge(start, left, right)
    responses[own] = (nonce - challenges[own] * key.secret) % N
    return RingSignature(image, challenges[0], tuple(responses))


def verify_member(
    signature: RingSignature,
    ring: Sequence[Point],
    context: bytes,
    message: bytes,
    *,
    curve: Curve = FAST,
) -> bool:
    """Whether one of the ring signed the message in the context.

    That the image is new in the context is for the caller to check, by its x coordinate alone.

    Raises:
        InputError: the ring is too small, has a key twice, or something that is no point.
    """
    check_ring(ring)
    if len(signature.responses) != len(ring):
        return False
    base = tag_base(context, curve)
    start = _start(ring, context, message, base, signature.image)
    c = signature.challenge
    for public, s in zip(ring, signature.responses, strict=True):
        left = curve.combine([BLINDING_BASE, public], [s, c])
        right = curve.combine([base, signature.image], [s, c])
        c = next_challenge(start, left, right)
    return c == signature.challenge


def check_ring(ring: Sequence[Point]) -> None:
    """InputError unless these are at least two different points of the curve."""
    if len(ring) < MIN_RING:
        raise InputError("ring", f"must have at least {MIN_RING} keys", len(ring))
    if len(set(ring)) != len(ring):
        raise InputError("ring", "must have each key once", "a ring with a key twice")
    for number, public in enumerate(ring):
        check_point(f"ring[{number}]", public)


def next_challenge(start: bytes, left: Point, right: Point) -> int:
    return int.from_bytes(hash_words([start, left, right]), "big") % N


def _start(
    ring: Sequence[Point], context: bytes, message: bytes, base: Point, image: Point
) -> bytes:
    return Transcript(LSAG_TAG, context, message, hash_words(ring), base, image).state
