"""The group that proofs live in: G1 of bn254 (alt_bn128), y^2 = x^3 + 3, the curve of EIP-196.

Its order is prime and its cofactor 1: a point on the curve is in the group. Points are affine
pairs, and infinity is (0, 0), as the precompiles have it.
"""

from collections.abc import Sequence
from typing import Protocol

from app.errors import InputError

Point = tuple[int, int]

P = 21888242871839275222246405745257275088696311157297823662689037894645226208583  # field
N = 21888242871839275222246405745257275088548364400416034343698204186575808495617  # order

INFINITY: Point = (0, 0)
BLINDING_BASE: Point = (1, 2)
G = BLINDING_BASE
VALUE_BASE: Point = (
    3562634001799322244156516673968306533623855311430735021393858594493440715335,
    9842265066329644444138663767364055602305013230544658722680526575858573038734,
)
REFUND_BASE: Point = (
    9035704445586753637575042385177397750330700426589068562047919398722091746016,
    3830422968436939572169948645764413368363430465096523899893176806112882344007,
)
GENERATOR_TAG = b"peerwatt/generators/1/BN254G1_XMD:KECCAK-256_SVDW_RO_"
"""VALUE_BASE is `hash_to_curve(b"value base", GENERATOR_TAG)`, REFUND_BASE that of b"refund base",
and so are all other generators."""


class Curve(Protocol):
    """Arithmetic in the group. Points that come in have been checked; scalars are any integers."""

    @property
    def name(self) -> str: ...

    def add(self, left: Point, right: Point) -> Point: ...

    def multiply(self, point: Point, scalar: int) -> Point: ...

    def combine(self, points: Sequence[Point], scalars: Sequence[int]) -> Point:
        """The sum of each point times its scalar; ValueError where their numbers differ."""
        ...

    def walk(self, start: Point, step: Point, count: int) -> list[Point]:
        """start, start + step, start + 2 step, ...: `count` points."""
        ...


def negate(point: Point) -> Point:
    x, y = point
    return x, -y % P


def is_on_curve(point: Point) -> bool:
    """Whether this is a point other than infinity, with coordinates in the field."""
    x, y = point
    return 0 <= x < P and 0 <= y < P and (y * y - x * x * x - 3) % P == 0


def check_point(field: str, point: Point) -> Point:
    """The point; InputError if it is infinity, out of the field or off the curve."""
    x, y = point
    if point == INFINITY:
        raise InputError(field, "must not be the point at infinity", point)
    if not (0 <= x < P and 0 <= y < P):
        raise InputError(field, "must have coordinates below the field's prime", point)
    if not is_on_curve(point):
        raise InputError(field, "must lie on the curve bn254", point)
    return point


def lift_x(field: str, x: int) -> Point:
    """The point with this x whose y is even; InputError if the curve has none."""
    if 0 <= x < P:
        y = pow(x**3 + 3, (P + 1) // 4, P)
        if (y * y - x**3 - 3) % P == 0:
            return x, y if y % 2 == 0 else P - y
    raise InputError(field, "must be the x of a point of the curve bn254", x)


def check_scalar(field: str, value: int, *, secret: bool = False) -> int:
    """The number; InputError unless it is in 0..N-1, so that each proof has one form only.

    The error doesn't show a secret.
    """
    if not 0 <= value < N:
        shown = "a secret" if secret else value
        raise InputError(field, "must be at least 0 and below the group's order", shown)
    return value


def check_secret(field: str, value: int) -> int:
    """The secret scalar; InputError, which doesn't show it, unless it is in 1..N-1."""
    if not 0 < value < N:
        raise InputError(field, "must be above 0 and below the group's order", "a secret")
    return value
