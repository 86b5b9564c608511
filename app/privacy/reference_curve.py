"""bn254 by py_ecc: the backend that the fast one is held against."""

import sys
from collections.abc import Sequence

from app.privacy.curve import INFINITY, N, Point

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
from py_ecc.typing import Optimized_Point3D  # noqa: E402

sys.setrecursionlimit(_limit)

Projective = Optimized_Point3D[FQ]


class ReferenceCurve:
    """The group by py_ecc's formulas. Slow: 10 ms a multiplication."""

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


def _enter(point: Point) -> Projective:
    if point == INFINITY:
        return Z1
    return FQ(point[0]), FQ(point[1]), FQ(1)


def _leave(point: Projective) -> Point:
    if is_inf(point):
        return INFINITY
    x, y = normalize(point)
    return int(x), int(y)


REFERENCE = ReferenceCurve()
