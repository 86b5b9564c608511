"""bn254 on integers: Jacobian coordinates, GLV, wNAF, Pippenger, tables for the fixed bases.

Ten to thirty times faster than py_ecc, and about twice that with gmpy2's integers, if it is there.

Sources: Hankerson, Menezes, Vanstone 2004, algorithms 3.21, 3.22, 3.36 and 3.74 (GLV);
Bernstein, Doumen, Lange, Oosterwijk 2012, section 4 (Pippenger).

Inside, an affine point is a pair or None for infinity, and a Jacobian point (X, Y, Z) stands for
(X/Z^2, Y/Z^3), with Z = 0 for infinity.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from math import isqrt

from app.privacy.curve import INFINITY, VALUE_BASE, G, N, P, Point

Affine = tuple[int, int] | None
Jacobian = tuple[int, int, int]

BETA = 2203960485148121921418603742825762020974279258880205651966
"""A cube root of 1 in the field: (x, y) -> (BETA x, y) multiplies by LAMBDA."""
LAMBDA = 4407920970296243842393367215006156084916469457145843978461
WNAF_WIDTH = 5
TABLE_WIDTH = 7
STRAUS_UP_TO = 14
"""Numbers of points up to which interleaved wNAF beats Pippenger's buckets."""


class FastCurve:
    """The group on plain integers, or on what `number` makes of them."""

    def __init__(
        self,
        number: Callable[[int], int] = int,
        *,
        name: str = "fast",
        fixed: Sequence[Point] = (G, VALUE_BASE),
    ) -> None:
        self.name = name
        self._number = number
        self._p = number(P)
        self._beta = number(BETA)
        self._zero_point: Jacobian = (number(1), number(1), number(0))
        self._fixed = fixed

    def __repr__(self) -> str:
        return f"<FastCurve {self.name}>"

    def add(self, left: Point, right: Point) -> Point:
        return self._leave(self._add_affine(self._jacobian(self._enter(left)), self._enter(right)))

    def multiply(self, point: Point, scalar: int) -> Point:
        return self.combine([point], [scalar])

    def combine(self, points: Sequence[Point], scalars: Sequence[int]) -> Point:
        total = self._zero_point
        loose: list[tuple[Affine, int]] = []
        for point, scalar in zip(points, scalars, strict=True):
            table = self._tables.get(point)
            if table is None:
                loose += self._halves(self._enter(point), scalar % N)
            else:
                total = self._add_from_table(total, table, scalar % N)
        if loose:
            method = self._straus if len(loose) <= 2 * STRAUS_UP_TO else self._pippenger
            total = self._add(total, method(loose))
        return self._leave(total)

    def walk(self, start: Point, step: Point, count: int) -> list[Point]:
        found = []
        current, stride = self._jacobian(self._enter(start)), self._enter(step)
        for _ in range(count):
            found.append(current)
            current = self._add_affine(current, stride)
        return [
            INFINITY if point is None else (int(point[0]), int(point[1]))
            for point in self._normalise(found)
        ]

    # Between the curve's points and the numbers that it computes with.

    def _enter(self, point: Point) -> Affine:
        if point == INFINITY:
            return None
        return self._number(point[0]), self._number(point[1])

    def _leave(self, point: Jacobian) -> Point:
        x, y, z = point
        if not z:
            return INFINITY
        p = self._p
        inverse = pow(z, -1, p)
        square = inverse * inverse % p
        return int(x * square % p), int(y * square * inverse % p)

    def _jacobian(self, point: Affine) -> Jacobian:
        return self._zero_point if point is None else (point[0], point[1], self._number(1))

    def _normalise(self, points: Sequence[Jacobian]) -> list[Affine]:
        """All points in affine form, for one inversion (Montgomery's trick)."""
        p = self._p
        product = self._number(1)
        before = []
        for _, _, z in points:
            before.append(product)
            if z:
                product = product * z % p
        inverse = pow(product, -1, p)
        found: list[Affine] = [None] * len(points)
        for i in range(len(points) - 1, -1, -1):
            x, y, z = points[i]
            if z:
                own = inverse * before[i] % p
                inverse = inverse * z % p
                square = own * own % p
                found[i] = (x * square % p, y * square * own % p)
        return found

    # Sums of two points.

    def _double(self, point: Jacobian) -> Jacobian:
        x, y, z = point
        p = self._p
        yy = y * y % p
        s = 4 * x * yy % p
        m = 3 * x * x % p
        x3 = (m * m - 2 * s) % p
        return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p

    def _add_affine(self, left: Jacobian, right: Affine) -> Jacobian:
        if right is None:
            return left
        x1, y1, z1 = left
        x2, y2 = right
        if not z1:
            return x2, y2, self._number(1)
        p = self._p
        zz = z1 * z1 % p
        h = (x2 * zz - x1) % p
        r = (zz * z1 % p * y2 - y1) % p
        if not h:
            return self._zero_point if r else self._double(left)
        hh = h * h % p
        hhh = h * hh % p
        v = x1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return x3, (r * (v - x3) - y1 * hhh) % p, z1 * h % p

    def _add(self, left: Jacobian, right: Jacobian) -> Jacobian:
        x1, y1, z1 = left
        x2, y2, z2 = right
        if not z1:
            return right
        if not z2:
            return left
        p = self._p
        zz1 = z1 * z1 % p
        zz2 = z2 * z2 % p
        u1 = x1 * zz2 % p
        s1 = zz2 * z2 % p * y1 % p
        h = (x2 * zz1 - u1) % p
        r = (zz1 * z1 % p * y2 - s1) % p
        if not h:
            return self._zero_point if r else self._double(left)
        hh = h * h % p
        hhh = h * hh % p
        v = u1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return x3, (r * (v - x3) - s1 * hhh) % p, z1 * z2 % p * h % p

    # Sums of many points times scalars.

    def _halves(self, point: Affine, scalar: int) -> list[tuple[Affine, int]]:
        """The product as a sum of at most two points times positive scalars of half the length."""
        if point is None or not scalar:
            return []
        p = self._p
        x, y = point
        first, second = split_scalar(scalar)
        halves: list[tuple[Affine, int]] = []
        if first:
            halves.append(((x, y if first > 0 else p - y), abs(first)))
        if second:
            halves.append(((x * self._beta % p, y if second > 0 else p - y), abs(second)))
        return halves

    def _straus(self, terms: Sequence[tuple[Affine, int]]) -> Jacobian:
        """Interleaved wNAF: the terms share their doublings."""
        size = 1 << (WNAF_WIDTH - 2)
        multiples: list[Jacobian] = []
        for point, scalar in terms:
            current = self._jacobian(point)
            multiples.append(current)
            if scalar > 1:
                double = self._double(current)
                for _ in range(size - 1):
                    current = self._add(current, double)
                    multiples.append(current)
        odd = iter(self._normalise(multiples))
        p = self._p
        schedule: list[list[Affine]] = []
        for _, scalar in terms:
            table = [next(odd) for _ in range(size if scalar > 1 else 1)]
            for position, digit in wnaf(scalar):
                while len(schedule) <= position:
                    schedule.append([])
                entry = table[abs(digit) >> 1]
                if digit < 0 and entry is not None:
                    entry = (entry[0], p - entry[1])
                schedule[position].append(entry)
        total = self._zero_point
        for additions in reversed(schedule):
            total = self._double(total)
            for entry in additions:
                total = self._add_affine(total, entry)
        return total

    def _pippenger(self, terms: Sequence[tuple[Affine, int]]) -> Jacobian:
        width = _bucket_width(len(terms))
        digits = [signed_digits(scalar, width) for _, scalar in terms]
        p = self._p
        total = self._zero_point
        for window in range(max(map(len, digits)) - 1, -1, -1):
            for _ in range(width):
                total = self._double(total)
            buckets = [self._zero_point] * ((1 << (width - 1)) + 1)
            for (point, _), row in zip(terms, digits, strict=True):
                digit = row[window] if window < len(row) else 0
                if digit > 0:
                    buckets[digit] = self._add_affine(buckets[digit], point)
                elif digit and point is not None:
                    negative = (point[0], p - point[1])
                    buckets[-digit] = self._add_affine(buckets[-digit], negative)
            total = self._add(total, self._weigh(buckets))
        return total

    def _weigh(self, buckets: Sequence[Jacobian]) -> Jacobian:
        """The sum of each bucket times its number."""
        running = total = self._zero_point
        for bucket in reversed(buckets[1:]):
            running = self._add(running, bucket)
            total = self._add(total, running)
        return total

    # Tables of the fixed bases: row i holds 1..2^(w-1) times 2^(w i) times the base.

    @cached_property
    def _tables(self) -> dict[Point, list[list[Affine]]]:
        return {point: self._table(self._enter(point)) for point in self._fixed}

    def _table(self, base: Affine) -> list[list[Affine]]:
        rows = []
        for _ in range(-(-N.bit_length() // TABLE_WIDTH) + 1):
            multiples = [self._jacobian(base)]
            for _ in range((1 << (TABLE_WIDTH - 1)) - 1):
                multiples.append(self._add_affine(multiples[-1], base))
            row = self._normalise([*multiples, self._double(multiples[-1])])
            base = row.pop()
            rows.append(row)
        return rows

    def _add_from_table(
        self, total: Jacobian, table: Sequence[Sequence[Affine]], scalar: int
    ) -> Jacobian:
        p = self._p
        for row, digit in zip(table, signed_digits(scalar, TABLE_WIDTH), strict=False):
            if digit:
                entry = row[abs(digit) - 1]
                if digit < 0 and entry is not None:
                    entry = (entry[0], p - entry[1])
                total = self._add_affine(total, entry)
        return total


def wnaf(scalar: int) -> Iterable[tuple[int, int]]:
    """The odd digits of a positive scalar with their positions, lowest first."""
    full = 1 << WNAF_WIDTH
    position = 0
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        position += zeros
        scalar >>= zeros
        digit = scalar & (full - 1)
        if digit >= full >> 1:
            digit -= full
        yield position, digit
        scalar -= digit


def signed_digits(scalar: int, width: int) -> list[int]:
    """Digits of a scalar >= 0 to the base 2^width, in -2^(width-1)..2^(width-1)-1, lowest first."""
    full = 1 << width
    digits = []
    while scalar:
        digit = scalar & (full - 1)
        scalar >>= width
        if digit >= full >> 1:
            digit -= full
            scalar += 1
        digits.append(digit)
    return digits


def split_scalar(scalar: int) -> tuple[int, int]:
    """(a, b), each about half as long, with scalar = a + b LAMBDA modulo N."""
    (a1, b1), (a2, b2) = _SHORT_VECTORS
    c1 = (2 * b2 * scalar + N) // (2 * N)
    c2 = (-2 * b1 * scalar + N) // (2 * N)
    return scalar - c1 * a1 - c2 * a2, -c1 * b1 - c2 * b2


def _short_vectors() -> tuple[tuple[int, int], tuple[int, int]]:
    """A short basis of the pairs (a, b) with a + b LAMBDA = 0 modulo N, of determinant N."""
    previous, current = (N, 0), (LAMBDA, -1)
    while current[0] > isqrt(N):
        q = previous[0] // current[0]
        previous, current = (
            current,
            (previous[0] - q * current[0], previous[1] - q * current[1]),
        )
    q = previous[0] // current[0]
    last = (previous[0] - q * current[0], previous[1] - q * current[1])
    other = min(previous, last, key=lambda v: v[0] ** 2 + v[1] ** 2)
    determinant = current[0] * other[1] - current[1] * other[0]
    return (current, other) if determinant == N else (other, current)


def _bucket_width(terms: int) -> int:
    for limit, width in ((40, 4), (120, 5), (300, 6), (900, 7), (2_500, 8)):
        if terms < limit:
            return width
    return 10


def _best_curve() -> FastCurve:
    try:
        from gmpy2 import mpz  # noqa: PLC0415 (optional)
    except ImportError:
        return FastCurve()
    return FastCurve(mpz, name="fast with gmpy2")


_SHORT_VECTORS = _short_vectors()

FAST = _best_curve()
"""The fastest backend here."""
