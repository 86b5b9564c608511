"""A member shows that an anonymous act was its own, or that it was not.

The act left the key image I = x B, where B is the tag base of its context; P = x G is the member's
public key.

- To claim: one x for P = x G and I = x B (Chaum and Pedersen 1992).
- To deny: for a random r, K = r (x B - I), which is infinity only if I is the member's image; and
  numbers a = r x, b = r with K = a B - b I and 0 = a G - b P (Camenisch and Shoup 2003, section 6).

Whom the proof is for belongs into the context, or it can be shown around.
"""

from dataclasses import dataclass

from app.errors import InputError
from app.privacy.curve import BLINDING_BASE, INFINITY, Curve, N, Point, check_point, negate
from app.privacy.fast_curve import FAST
from app.privacy.keys import MemberKey
from app.privacy.lsag import key_image, tag_base
from app.privacy.randomness import Entropy, Nonces, system_entropy
from app.privacy.sigma import Equation, SigmaProof, prove_equations, verify_equations
from app.privacy.transcript import Transcript, hash_words

CLAIM_TAG = "peerwatt/claim/1"
DENIAL_TAG = "peerwatt/denial/1"


@dataclass(frozen=True, slots=True)
class Act:
    """An anonymous act: the context of its signature, and the image that it left there."""

    context: bytes
    image: Point

    def __post_init__(self) -> None:
        check_point("act.image", self.image)


@dataclass(frozen=True, slots=True)
class Denial:
    """On the wire: K, then the proof's words."""

    difference: Point
    proof: SigmaProof

    def __post_init__(self) -> None:
        check_point("denial.difference", self.difference)


def claim(
    key: MemberKey,
    act: Act,
    context: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> SigmaProof:
    """Proves that the act was the member's; InputError if it was not."""
    if key_image(key, act.context, curve) != act.image:
        raise InputError("act", "must be the member's own to be claimed", act.image)
    transcript, equations = _claim(key.public, act, context, curve)
    return prove_equations(transcript, equations, [key.secret], entropy, curve)


def verify_claim(
    public: Point, act: Act, context: bytes, proof: SigmaProof, *, curve: Curve = FAST
) -> bool:
    """Whether the act was that of the public key's owner."""
    transcript, equations = _claim(check_point("key", public), act, context, curve)
    return verify_equations(transcript, equations, proof, curve)


def deny(
    key: MemberKey,
    act: Act,
    context: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> Denial:
    """Proves that the act was not the member's; InputError if it was."""
    if key_image(key, act.context, curve) == act.image:
        raise InputError("act", "must not be the member's own to be denied", act.image)
    message = hash_words([act.context, act.image, context])
    factor = Nonces("denial", [key.secret], message, entropy).scalar()
    secrets = [factor * key.secret % N, factor]
    base = tag_base(act.context, curve)
    difference = curve.combine([base, negate(act.image)], secrets)
    transcript, equations = _denial(key.public, act, difference, context, curve)
    return Denial(difference, prove_equations(transcript, equations, secrets, entropy, curve))


def verify_denial(
    public: Point, act: Act, context: bytes, denial: Denial, *, curve: Curve = FAST
) -> bool:
    """Whether the act was not that of the public key's owner."""
    check_point("key", public)
    transcript, equations = _denial(public, act, denial.difference, context, curve)
    return verify_equations(transcript, equations, denial.proof, curve)


def _claim(
    public: Point, act: Act, context: bytes, curve: Curve
) -> tuple[Transcript, list[Equation]]:
    base = tag_base(act.context, curve)
    equations = [Equation(public, ((0, BLINDING_BASE),)), Equation(act.image, ((0, base),))]
    return Transcript(CLAIM_TAG, context, public, base, act.image), equations


def _denial(
    public: Point, act: Act, difference: Point, context: bytes, curve: Curve
) -> tuple[Transcript, list[Equation]]:
    base = tag_base(act.context, curve)
    equations = [
        Equation(difference, ((0, base), (1, negate(act.image)))),
        Equation(INFINITY, ((0, BLINDING_BASE), (1, negate(public)))),
    ]
    return Transcript(DENIAL_TAG, context, public, base, act.image, difference), equations
