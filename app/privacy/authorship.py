"""A member shows that an anonymous act was its own, or that it was not.

The act left the x of its key image I = x B, where B is the tag base of its context; P = x G is the
member's public key. Two points have this x, I and -I, and nothing on a chain tells which of them
the signature had: either makes an act one's own, and who denies it denies both.

- To claim: one x for P = x G and I = x B, or for P and -I (Chaum and Pedersen 1992).
- To deny: for a random r, K = r (x B - I), which is infinity only if I is the member's image; and
  numbers a = r x, b = r with K = a B - b I and 0 = a G - b P (Camenisch and Shoup 2003, section 6).
  The same once more for -I.

Whom the proof is for belongs into the context, or it can be shown around.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import InputError
from app.privacy.curve import (
    BLINDING_BASE,
    INFINITY,
    Curve,
    N,
    Point,
    check_point,
    lift_x,
    negate,
)
from app.privacy.fast_curve import FAST
from app.privacy.keys import MemberKey
from app.privacy.lsag import key_image, tag_base
from app.privacy.randomness import Entropy, Nonces, system_entropy
from app.privacy.sigma import Equation, SigmaProof, prove_equations, verify_equations
from app.privacy.transcript import Transcript, WordReader, check_bytes32, hash_words

CLAIM_TAG = "peerwatt/claim/1"
DENIAL_TAG = "peerwatt/denial/1"
SECRETS_OF_CLAIM = 1
SECRETS_OF_DENIAL = 4


@dataclass(frozen=True, slots=True)
class Act:
    """An anonymous act: the context of its signature, and the x of the image it left there.

    InputError where no point of the curve has this x.
    """

    context: bytes
    image_x: int

    def __post_init__(self) -> None:
        check_bytes32("act.context", self.context)
        lift_x("act.image_x", self.image_x)

    @property
    def images(self) -> tuple[Point, Point]:
        """The two points of which one is the image, that with even y first."""
        image = lift_x("act.image_x", self.image_x)
        return image, negate(image)


@dataclass(frozen=True, slots=True)
class Denial:
    """On the wire: K for the image with even y, K for the other one, then the proof's words."""

    even: Point
    odd: Point
    proof: SigmaProof

    def __post_init__(self) -> None:
        check_point("denial.even", self.even)
        check_point("denial.odd", self.odd)

    def words(self) -> list[int]:
        return [*self.even, *self.odd, *self.proof.words()]

    @classmethod
    def from_words(cls, words: Sequence[int]) -> "Denial":
        """The denial; InputError names what is wrong with the words."""
        reader = WordReader("denial", words)
        even, odd = reader.point("even"), reader.point("odd")
        return cls(even, odd, SigmaProof.from_words(words[4:], SECRETS_OF_DENIAL))


def claim(
    key: MemberKey,
    act: Act,
    context: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> SigmaProof:
    """Proves that the act was the member's; InputError if it was not."""
    image = key_image(key, act.context, curve)
    if image not in act.images:
        raise InputError("act", "must be the member's own to be claimed", act.image_x)
    transcript, equations = _claim(key.public, act, image, context, curve)
    return prove_equations(transcript, equations, [key.secret], entropy, curve)


def verify_claim(
    public: Point, act: Act, context: bytes, proof: SigmaProof, *, curve: Curve = FAST
) -> bool:
    """Whether the act was that of the public key's owner."""
    check_point("key", public)
    return any(
        verify_equations(*_claim(public, act, image, context, curve), proof, curve)
        for image in act.images
    )


def deny(
    key: MemberKey,
    act: Act,
    context: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> Denial:
    """Proves that the act was not the member's; InputError if it was."""
    if key_image(key, act.context, curve) in act.images:
        raise InputError("act", "must not be the member's own to be denied", act.image_x)
    message = hash_words([act.context, act.image_x, context])
    factors = Nonces("denial", [key.secret], message, entropy).scalars(2)
    secrets = [secret for factor in factors for secret in (factor * key.secret % N, factor)]
    base = tag_base(act.context, curve)
    even, odd = (
        curve.combine([base, negate(image)], secrets[place : place + 2])
        for place, image in zip((0, 2), act.images, strict=True)
    )
    transcript, equations = _denial(key.public, act, (even, odd), context, curve)
    return Denial(even, odd, prove_equations(transcript, equations, secrets, entropy, curve))


def verify_denial(
    public: Point, act: Act, context: bytes, denial: Denial, *, curve: Curve = FAST
) -> bool:
    """Whether the act was not that of the public key's owner."""
    check_point("key", public)
    transcript, equations = _denial(public, act, (denial.even, denial.odd), context, curve)
    return verify_equations(transcript, equations, denial.proof, curve)


def _claim(
    public: Point, act: Act, image: Point, context: bytes, curve: Curve
) -> tuple[Transcript, list[Equation]]:
    base = tag_base(act.context, curve)
    equations = [Equation(public, ((0, BLINDING_BASE),)), Equation(image, ((0, base),))]
    return Transcript(CLAIM_TAG, context, public, base, image), equations


def _denial(
    public: Point, act: Act, differences: tuple[Point, Point], context: bytes, curve: Curve
) -> tuple[Transcript, list[Equation]]:
    base = tag_base(act.context, curve)
    equations = []
    for number, (image, difference) in enumerate(zip(act.images, differences, strict=True)):
        product, factor = 2 * number, 2 * number + 1
        equations += [
            Equation(difference, ((product, base), (factor, negate(image)))),
            Equation(INFINITY, ((product, BLINDING_BASE), (factor, negate(public)))),
        ]
    words = (public, base, act.images[0], *differences)
    return Transcript(DENIAL_TAG, context, *words), equations
