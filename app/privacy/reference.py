"""Both curves by py_ecc: what the fast backends are held against."""

import sys
from collections.abc import Sequence

from app.privacy.curve import INFINITY, N, Point
from app.privacy.secp256k1 import FIELD

# The import of py_ecc raises the limit a hundredfold, which is where deep recursion crashes.
_limit = sys.getrecursionlimit()
from py_ecc.fields import optimized_bn128_FQ as FQ  # noqa: E402
from py_ecc.optimized_bn128.optimized_curve import (  # noqa: E402
    Z1,
    add,
    is_inf,
    multiply,
    normalize,
)
from py_ecc.secp256k1 import secp256k1  # noqa: E402
from py_ecc.typing import Optimized_Point3D  # noqa: E402

sys.setrecursionlimit(_limit)

Projective = Optimized_Point3D[FQ]


class ReferenceCurve:
    """bn254 by py_ecc's formulas. Slow: 10 ms a multiplication."""

    name = "reference"

    def add(self, left: Point, right: Point) -> Point:
        return _leave(add(_enter(left), _enter(right)))

    def multiply(self, point: Point, scalar: int) -> Point:
        return _leave(multiply(_enter(point), scalar % N))

    def combine(self, points: Sequence[Point], scalars: Sequence[int]) -> Point:
        total = Z1
        for point, scalar in zip(points, scalars, strict=True):
            total = add(total, multiply(_enter(point), scalar % N))
        return _leave(total)

    def walk(self, start: Point, step: Point, count: int) -> list[Point]:
        found = []
        current, stride = _enter(start), _enter(step)
        for _ in range(count):
            found.append(_leave(current))
            current = add(current, stride)
        return found


class ReferenceSecp256k1:
    """Ethereum's curve by py_ecc's formulas. Slow: some milliseconds a multiplication."""

    name = "reference"

    def public_key(self, secret: int) -> bytes:
        return _compress(secp256k1.multiply(secp256k1.G, secret))

    def multiply(self, public: bytes, scalar: int) -> bytes:
        return _compress(secp256k1.multiply(self.decompress(public), scalar))

    def tweak(self, public: bytes, scalar: int) -> bytes:
        added = secp256k1.multiply(secp256k1.G, scalar)
        point = secp256k1.add(self.decompress(public), added)
        if point == (0, 0):
            raise ValueError("the sum is infinity")
        return _compress(point)

    def decompress(self, public: bytes) -> tuple[int, int]:
        x = int.from_bytes(public[1:], "big")
        y = pow(x**3 + 7, (FIELD + 1) // 4, FIELD)
        return x, y if y % 2 == public[0] % 2 else FIELD - y


def _enter(point: Point) -> Projective:
    if point == INFINITY:
        return Z1
    return FQ(point[0]), FQ(point[1]), FQ(1)


def _leave(point: Projective) -> Point:
    if is_inf(point):
        return INFINITY
    x, y = normalize(point)
    return int(x), int(y)


def _compress(point: tuple[int, int]) -> bytes:
    x, y = point
    return bytes([2 + y % 2]) + x.to_bytes(32, "big")


REFERENCE = ReferenceCurve()
REFERENCE_SECP256K1 = ReferenceSecp256k1()
