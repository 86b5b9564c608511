"""Commitments that hide a number and add up (Pedersen 1991): C = value H + blinding G.

H is VALUE_BASE, G is BLINDING_BASE. Perfectly hiding; binding while nobody knows log_G H.
"""

from dataclasses import dataclass, field

from app.errors import InputError
from app.privacy.curve import (
    BLINDING_BASE,
    INFINITY,
    VALUE_BASE,
    Curve,
    N,
    Point,
    check_scalar,
    negate,
)
from app.privacy.fast_curve import FAST
from app.privacy.randomness import Entropy, random_scalar, system_entropy


@dataclass(frozen=True, slots=True)
class Opening:
    """What a commitment hides: a value, 0..N-1, and its blinding. Both are secrets."""

    value: int = field(repr=False)
    blinding: int = field(repr=False)

    def __post_init__(self) -> None:
        check_scalar("value", self.value, secret=True)
        check_scalar("blinding", self.blinding, secret=True)

    @classmethod
    def of(cls, value: int, entropy: Entropy = system_entropy) -> "Opening":
        """A fresh opening for a value."""
        return cls(value, random_scalar(entropy))

    def __add__(self, other: "Opening") -> "Opening":
        return Opening((self.value + other.value) % N, (self.blinding + other.blinding) % N)

    def __sub__(self, other: "Opening") -> "Opening":
        return Opening((self.value - other.value) % N, (self.blinding - other.blinding) % N)

    def scaled(self, factor: int) -> "Opening":
        return Opening(self.value * factor % N, self.blinding * factor % N)


def commit(opening: Opening, curve: Curve = FAST) -> Point:
    """The commitment; InputError where it is infinity (value and blinding both zero)."""
    point = curve.combine([VALUE_BASE, BLINDING_BASE], [opening.value, opening.blinding])
    if point == INFINITY:
        raise InputError("blinding", "must not be zero with a value of zero", "a secret")
    return point


def subtract(left: Point, right: Point, curve: Curve = FAST) -> Point:
    """A commitment to the difference of the values."""
    return curve.add(left, negate(right))
