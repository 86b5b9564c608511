"""Money for energy over commitments: energy times price, rounded as the market does.

Energy E in Wh, price p in money per kWh, cost K and remainder in 1e-6 of the currency:

    rounded down, as what is paid out is:    E p = 1000 K + remainder
    rounded up, as what is locked is:        E p = 1000 K - remainder          0 <= remainder < 1000

so that rounding never favours the one who asks for money. Both sides of the equation are
commitments: X = 1000 C_K +- C_remainder is computed by everybody, and the prover shows that X hides
the product of what C_E and C_p hide (`prove_product`). The remainder's range takes two range proofs
of 10 bits, one for the remainder and one for 999 - remainder (`remainder_commitments`): together
they leave exactly 0..999. With E, p and K range-proved to at most 64 bits nothing can wrap around
the group's order, so the equation holds of the whole numbers, and K is the one number that fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from app.errors import InputError
from app.market.units import WH_PER_KWH, cost_down, cost_up
from app.privacy.curve import BLINDING_BASE, VALUE_BASE, Curve, N, Point, check_point, negate
from app.privacy.fast_curve import FAST
from app.privacy.pedersen import Opening, commit
from app.privacy.randomness import Entropy, random_scalar, system_entropy
from app.privacy.sigma import Equation, SigmaProof, prove_equations, verify_equations
from app.privacy.transcript import Transcript

PRODUCT_TAG = "peerwatt/product/1"
PRODUCT_SECRETS = 3
REMAINDER_BITS = 10


class Rounding(IntEnum):
    """How a cost is rounded to whole units."""

    DOWN = 0
    UP = 1


@dataclass(frozen=True, slots=True)
class CostStatement:
    """cost is what energy costs at the price, rounded so; all four are commitments."""

    energy: Point
    price: Point
    cost: Point
    remainder: Point
    rounding: Rounding

    def __post_init__(self) -> None:
        for name in ("energy", "price", "cost", "remainder"):
            check_point(name, getattr(self, name))

    def product(self, curve: Curve = FAST) -> Point:
        """X, the commitment to energy times price."""
        remainder = self.remainder if self.rounding is Rounding.DOWN else negate(self.remainder)
        return curve.add(curve.multiply(self.cost, WH_PER_KWH), remainder)

    def remainder_commitments(self, curve: Curve = FAST) -> tuple[Point, Point]:
        """Commitments to remainder and 999 - remainder, to be range-proved to 10 bits each."""
        largest = curve.multiply(VALUE_BASE, WH_PER_KWH - 1)
        return self.remainder, curve.add(largest, negate(self.remainder))


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost with all its openings, on the side of whoever proves it."""

    energy: Opening
    price: Opening
    cost: Opening
    remainder: Opening
    rounding: Rounding

    @classmethod
    def of(
        cls,
        energy: Opening,
        price: Opening,
        rounding: Rounding,
        cost_blinding: int,
        *,
        entropy: Entropy = system_entropy,
    ) -> "Cost":
        """Computes cost and remainder; the cost's blinding is that of the note that pays it."""
        rounded = cost_down if rounding is Rounding.DOWN else cost_up
        cost = rounded(energy.value, price.value)
        remainder = abs(energy.value * price.value - WH_PER_KWH * cost)
        return cls(
            energy,
            price,
            Opening(cost, cost_blinding),
            Opening(remainder, random_scalar(entropy)),
            rounding,
        )

    def statement(self, curve: Curve = FAST) -> CostStatement:
        return CostStatement(
            commit(self.energy, curve),
            commit(self.price, curve),
            commit(self.cost, curve),
            commit(self.remainder, curve),
            self.rounding,
        )

    def product(self) -> Opening:
        """The opening of X."""
        scaled = self.cost.scaled(WH_PER_KWH)
        if self.rounding is Rounding.DOWN:
            return scaled + self.remainder
        return scaled - self.remainder

    def remainder_openings(self) -> tuple[Opening, Opening]:
        """Of `CostStatement.remainder_commitments`."""
        return self.remainder, Opening(WH_PER_KWH - 1, 0) - self.remainder


def prove_cost(
    cost: Cost, context: bytes, *, entropy: Entropy = system_entropy, curve: Curve = FAST
) -> SigmaProof:
    """Proves the equation; the ranges are for `prove_ranges`."""
    statement = cost.statement(curve)
    points = (statement.energy, statement.price, statement.product(curve))
    return prove_product(
        points, cost.energy, cost.price, cost.product(), context, entropy=entropy, curve=curve
    )


def verify_cost(
    statement: CostStatement, context: bytes, proof: SigmaProof, *, curve: Curve = FAST
) -> bool:
    """Whether the equation holds; the ranges are for `verify_ranges`."""
    product = statement.product(curve)
    points = (statement.energy, statement.price, product)
    return verify_product(points, context, proof, curve=curve)


def prove_product(
    points: tuple[Point, Point, Point],
    left: Opening,
    right: Opening,
    product: Opening,
    context: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> SigmaProof:
    """That the third of three commitments hides the product of what the first two hide.

    Knows v, r with C_1 = v H + r G, and s with C_3 = v C_2 + s G.
    """
    if (left.value * right.value - product.value) % N:
        raise InputError("product", "must be the product of the two", "a secret")
    transcript, equations = _equations(points, context)
    slack = (product.blinding - left.value * right.blinding) % N
    secrets: Sequence[int] = [left.value, left.blinding, slack]
    return prove_equations(transcript, equations, secrets, entropy, curve)


def verify_product(
    points: tuple[Point, Point, Point],
    context: bytes,
    proof: SigmaProof,
    *,
    curve: Curve = FAST,
) -> bool:
    """Whether the third commitment hides the product of the first two's values."""
    for number, point in enumerate(points):
        check_point(f"points[{number}]", point)
    transcript, equations = _equations(points, context)
    return verify_equations(transcript, equations, proof, curve)


def _equations(
    points: tuple[Point, Point, Point], context: bytes
) -> tuple[Transcript, list[Equation]]:
    first, second, third = points
    return Transcript(PRODUCT_TAG, context, *points), [
        Equation(first, ((0, VALUE_BASE), (1, BLINDING_BASE))),
        Equation(third, ((0, second), (2, BLINDING_BASE))),
    ]
