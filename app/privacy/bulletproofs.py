"""Committed numbers lie in their ranges: one short proof for several (Bulletproofs).

Source: Bünz et al. 2018, section 4.2 with the inner-product argument of section 3. Differences:

- Each value v_j has a width n_j of its own, 0 <= v_j < 2^n_j. The widths add up to the length
  L = 4 2^k of the vectors, so that nothing is paid for bits that no value needs.
- The halving stops at length 4: four numbers on each side are cheaper to check than two rounds.
- A round folds G' = G_lo + x G_hi, a' = a_lo + a_hi / x, H' = H_lo + H_hi / x, b' = b_lo + x b_hi,
  which saves the squares of the challenges.
- Everything that the verifier knows is in the transcript, commitments and widths first: what was
  left out of it in the paper's own description let provers cheat ("Frozen Heart", 2022).

Symbols: V commitments, v H + r G (H value base `g`, G blinding base `h` in the paper); A, S bit
vectors and their masks; T1, T2 coefficients of t(X); tau_x, mu blindings; t the inner product;
a, b what is left of the vectors; L, R cross terms; y, z, x, w, x_k challenges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat

from app.errors import InputError
from app.privacy.curve import (
    BLINDING_BASE,
    GENERATOR_TAG,
    INFINITY,
    VALUE_BASE,
    Curve,
    N,
    Point,
    check_point,
    check_scalar,
)
from app.privacy.fast_curve import FAST
from app.privacy.hash_to_curve import hash_to_curve
from app.privacy.pedersen import Opening, commit
from app.privacy.randomness import Entropy, Nonces, system_entropy
from app.privacy.transcript import Transcript, WordReader, check_bytes32, hash_words

RANGE_TAG = "peerwatt/range/1"
BATCH_TAG = "peerwatt/range batch/1"
REST = 4
"""Length at which the halving stops."""
MAX_LENGTH = 128
MAX_BITS = 64
"""Sums and products of two such numbers stay far below the group's order."""


@dataclass(frozen=True, slots=True)
class RangeStatement:
    """Each commitment hides a number below 2 to the power of its bits.

    InputError where the bits of all don't add up to 4, 8, 16, 32, 64 or 128, or a commitment is no
    point.
    """

    context: bytes
    bits: tuple[int, ...]
    commitments: tuple[Point, ...]

    def __post_init__(self) -> None:
        check_bytes32("context", self.context)
        if len(self.bits) != len(self.commitments):
            raise InputError("bits", "must be as many as commitments", len(self.bits))
        for number, bits in enumerate(self.bits):
            if not 1 <= bits <= MAX_BITS:
                raise InputError(f"bits[{number}]", f"must be 1 to {MAX_BITS}", bits)
        length = sum(self.bits)
        if not REST <= length <= MAX_LENGTH or length & (length - 1):
            raise InputError("bits", "must add up to 4, 8, 16, 32, 64 or 128", length)
        for number, point in enumerate(self.commitments):
            check_point(f"commitments[{number}]", point)

    @property
    def length(self) -> int:
        """L, the length of the vectors."""
        return sum(self.bits)

    @property
    def rounds(self) -> int:
        return (self.length // REST).bit_length() - 1


@dataclass(frozen=True, slots=True)
class RangeProof:
    """A range proof.

    On the wire: A, S, T1, T2 (two words each), tau_x, mu, t, a_0..a_3, b_0..b_3, and L, R of each
    round: 19 words and 4 a round.
    """

    bits: Point
    masks: Point
    t1: Point
    t2: Point
    tau_x: int
    mu: int
    t: int
    a: tuple[int, ...]
    b: tuple[int, ...]
    rounds: tuple[tuple[Point, Point], ...]

    def __post_init__(self) -> None:
        for name in ("bits", "masks", "t1", "t2"):
            check_point(f"proof.{name}", getattr(self, name))
        for name in ("tau_x", "mu", "t"):
            check_scalar(f"proof.{name}", getattr(self, name))
        for name, values in (("a", self.a), ("b", self.b)):
            if len(values) != REST:
                raise InputError(f"proof.{name}", f"must have {REST} numbers", len(values))
            for number, value in enumerate(values):
                check_scalar(f"proof.{name}[{number}]", value)
        for number, (left, right) in enumerate(self.rounds):
            check_point(f"proof.rounds[{number}].left", left)
            check_point(f"proof.rounds[{number}].right", right)

    def words(self) -> list[int]:
        points = [self.bits, self.masks, self.t1, self.t2]
        numbers = [self.tau_x, self.mu, self.t, *self.a, *self.b]
        return [
            *(coordinate for point in points for coordinate in point),
            *numbers,
            *(coordinate for pair in self.rounds for point in pair for coordinate in point),
        ]

    @classmethod
    def from_words(cls, words: Sequence[int]) -> "RangeProof":
        """The proof; InputError names what is wrong with the words."""
        reader = WordReader("proof", words)
        return cls(
            bits=reader.point("bits"),
            masks=reader.point("masks"),
            t1=reader.point("t1"),
            t2=reader.point("t2"),
            tau_x=reader.scalar("tau_x"),
            mu=reader.scalar("mu"),
            t=reader.scalar("t"),
            a=tuple(reader.scalar(f"a[{i}]") for i in range(REST)),
            b=tuple(reader.scalar(f"b[{i}]") for i in range(REST)),
            rounds=tuple(_read_rounds(reader)),
        )


@dataclass(frozen=True, slots=True)
class Generators:
    """G_i and H_i, one of each for a bit, and U for the inner product."""

    g: tuple[Point, ...]
    h: tuple[Point, ...]
    u: Point


@lru_cache(maxsize=1)
def generators() -> Generators:
    """All generators, of which a proof of length L uses the first L."""
    return Generators(
        tuple(_generator(b"G", i) for i in range(MAX_LENGTH)),
        tuple(_generator(b"H", i) for i in range(MAX_LENGTH)),
        _generator(b"U", 0),
    )


def prove_ranges(
    statement: RangeStatement,
    openings: Sequence[Opening],
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> RangeProof:
    """Proves the statement about commitments that open so.

    Raises:
        InputError: a value is out of its range, or an opening is not that of its commitment.
    """
    _check_openings(statement, openings, curve)
    base = generators()
    length = statement.length
    a_left = [
        opening.value >> i & 1
        for opening, bits in zip(openings, statement.bits, strict=True)
        for i in range(bits)
    ]
    a_right = [bit - 1 for bit in a_left]
    transcript = _begin(statement)
    secret = [word for opening in openings for word in (opening.value, opening.blinding)]
    nonces = Nonces("range", secret, transcript.state, entropy)
    alpha, rho, tau1, tau2 = nonces.scalars(4)
    s_left, s_right = nonces.scalars(length), nonces.scalars(length)
    points = [BLINDING_BASE, *base.g[:length], *base.h[:length]]
    commitment_a = curve.combine(points, [alpha, *a_left, *a_right])
    commitment_s = curve.combine(points, [rho, *s_left, *s_right])
    y, z = _challenges_y_z(transcript, commitment_a, commitment_s)

    y_powers = powers(y, length)
    l0 = [a - z for a in a_left]
    r0 = [
        (yi * (a + z) + weight) % N
        for yi, a, weight in zip(y_powers, a_right, _weights(statement, z), strict=True)
    ]
    r1 = [yi * s % N for yi, s in zip(y_powers, s_right, strict=True)]
    t1 = _inner(l0, r1) + _inner(s_left, r0)
    t2 = _inner(s_left, r1)
    point_t1 = curve.combine([VALUE_BASE, BLINDING_BASE], [t1, tau1])
    point_t2 = curve.combine([VALUE_BASE, BLINDING_BASE], [t2, tau2])
    transcript.absorb(point_t1, point_t2)
    x = transcript.challenge()

    left = [(a + s * x) % N for a, s in zip(l0, s_left, strict=True)]
    right = [(a + s * x) % N for a, s in zip(r0, r1, strict=True)]
    z_powers = powers(z, len(openings), start=z * z % N)
    blinding = sum(zj * opening.blinding for zj, opening in zip(z_powers, openings, strict=True))
    tau_x = (tau2 * x * x + tau1 * x + blinding) % N
    mu = (alpha + rho * x) % N
    t = _inner(left, right)
    transcript.absorb(tau_x, mu, t)
    argument = _InnerProduct(base, length, pow(y, -1, N), transcript, curve)
    a, b, rounds = argument.prove(left, right)
    return RangeProof(
        commitment_a, commitment_s, point_t1, point_t2, tau_x, mu, t, a, b, tuple(rounds)
    )


def verify_ranges(
    batch: Sequence[tuple[RangeStatement, RangeProof]], *, curve: Curve = FAST
) -> bool:
    """Whether all proofs hold, by one sum of points for the whole batch.

    Each proof gives two equations that must come out at infinity; equation i of the batch counts
    rho^i times, where rho is a challenge over all of it. An empty batch holds.
    """
    if any(len(proof.rounds) != statement.rounds for statement, proof in batch):
        return False
    replayed = [_Challenges.of(statement, proof) for statement, proof in batch]
    rho = Transcript(BATCH_TAG, bytes(32), *(found.last for found in replayed)).challenge()
    sums = _Sums(max((statement.length for statement, _ in batch), default=0))
    weight = 1
    for (statement, proof), challenges in zip(batch, replayed, strict=True):
        sums.add_proof(statement, proof, challenges, weight, weight * rho % N)
        weight = weight * rho * rho % N
    return sums.total(curve) == INFINITY


class _InnerProduct:
    """The argument that a and b have the inner product that was said, in log steps."""

    def __init__(
        self,
        base: Generators,
        length: int,
        y_inverse: int,
        transcript: Transcript,
        curve: Curve,
    ) -> None:
        self._g = _FoldedBases(base.g[:length], 1, curve)
        self._h = _FoldedBases(base.h[:length], y_inverse, curve)
        self._u = base.u
        self._w = transcript.challenge()
        self._transcript = transcript
        self._curve = curve

    def prove(
        self, a: list[int], b: list[int]
    ) -> tuple[tuple[int, ...], tuple[int, ...], list[tuple[Point, Point]]]:
        rounds = []
        while len(a) > REST:
            half = len(a) // 2
            a_low, a_high, b_low, b_high = a[:half], a[half:], b[:half], b[half:]
            left = self._cross(a_low, half, b_high, 0)
            right = self._cross(a_high, 0, b_low, half)
            rounds.append((left, right))
            self._transcript.absorb(left, right)
            x = self._transcript.challenge()
            x_inverse = pow(x, -1, N)
            a = [(low + x_inverse * high) % N for low, high in zip(a_low, a_high, strict=True)]
            b = [(low + x * high) % N for low, high in zip(b_low, b_high, strict=True)]
            if half > REST:
                self._g.fold(x)
                self._h.fold(x_inverse)
        return tuple(a), tuple(b), rounds

    def _cross(self, a: list[int], g_from: int, b: list[int], h_from: int) -> Point:
        g_points, g_scalars = self._g.terms(a, g_from)
        h_points, h_scalars = self._h.terms(b, h_from)
        return self._curve.combine(
            [*g_points, *h_points, self._u], [*g_scalars, *h_scalars, self._w * _inner(a, b)]
        )


class _FoldedBases:
    """Generators after some rounds.

    Number i is ratio^i times the sum of weights[j] points[i + j L] over j, where L is their present
    number. Points are added up in every second round only, which shares the doublings of four.
    """

    def __init__(self, points: Sequence[Point], ratio: int, curve: Curve) -> None:
        self._points = list(points)
        self._ratio = ratio
        self._weights = [1]
        self._curve = curve

    def _length(self) -> int:
        return len(self._points) // len(self._weights)

    def terms(self, scalars: Sequence[int], start: int) -> tuple[list[Point], list[int]]:
        """What the bases from `start` on, times the scalars, are in terms of points."""
        length = self._length()
        points, factors = [], []
        ratios = powers(self._ratio, len(scalars), pow(self._ratio, start, N))
        scaled = [scalar * ratio for scalar, ratio in zip(scalars, ratios, strict=True)]
        for j, weight in enumerate(self._weights):
            first = start + j * length
            points += self._points[first : first + len(scalars)]
            factors += [weight * scalar % N for scalar in scaled]
        return points, factors

    def fold(self, factor: int) -> None:
        """Base i becomes base i + factor times base i + L/2."""
        half = self._length() // 2
        upper = factor * pow(self._ratio, half, N) % N
        self._weights = [w for weight in self._weights for w in (weight, weight * upper % N)]
        if len(self._weights) == 4:
            self._points = [
                self._curve.combine(self._points[i::half], self._weights) for i in range(half)
            ]
            self._weights = [1]


@dataclass(frozen=True, slots=True)
class _Challenges:
    """What the verifier draws for one proof, and the transcript's last state."""

    y: int
    z: int
    x: int
    w: int
    rounds: tuple[int, ...]
    last: bytes

    @classmethod
    def of(cls, statement: RangeStatement, proof: RangeProof) -> "_Challenges":
        transcript = _begin(statement)
        y, z = _challenges_y_z(transcript, proof.bits, proof.masks)
        transcript.absorb(proof.t1, proof.t2)
        x = transcript.challenge()
        transcript.absorb(proof.tau_x, proof.mu, proof.t)
        w = transcript.challenge()
        rounds = []
        for left, right in proof.rounds:
            transcript.absorb(left, right)
            rounds.append(transcript.challenge())
        transcript.absorb(*proof.a, *proof.b)
        return cls(y, z, x, w, tuple(rounds), transcript.state)


class _Sums:
    """Scalars of the batch's one sum: those of the generators are shared by all proofs."""

    def __init__(self, length: int) -> None:
        self._g = [0] * length
        self._h = [0] * length
        self._value = self._blinding = self._u = 0
        self._points: list[Point] = []
        self._scalars: list[int] = []

    def add_proof(
        self,
        statement: RangeStatement,
        proof: RangeProof,
        challenges: _Challenges,
        weight: int,
        t_weight: int,
    ) -> None:
        """Adds `weight` times the equation of the vectors and `t_weight` times that of t."""
        self._add_vectors(statement, proof, challenges, weight)
        self._add_t(statement, proof, challenges, t_weight)

    def total(self, curve: Curve) -> Point:
        base = generators()
        length = len(self._g)
        return curve.combine(
            [VALUE_BASE, BLINDING_BASE, base.u, *base.g[:length], *base.h[:length], *self._points],
            [self._value, self._blinding, self._u, *self._g, *self._h, *self._scalars],
        )

    def _add_vectors(
        self, statement: RangeStatement, proof: RangeProof, c: _Challenges, weight: int
    ) -> None:
        inverses = [pow(x, -1, N) for x in c.rounds]
        folds = _fold_products(c.rounds)
        inverse_folds = _fold_products(inverses)
        y_inverses = powers(pow(c.y, -1, N), statement.length)
        for i, shift in enumerate(_weights(statement, c.z)):
            fold, inverse_fold = folds[i // REST], inverse_folds[i // REST]
            a, b = proof.a[i % REST], proof.b[i % REST]
            self._g[i] -= weight * (c.z + a * fold)
            self._h[i] += weight * (c.z + y_inverses[i] * (shift - b * inverse_fold))
        self._blinding -= weight * proof.mu
        self._u += weight * c.w * (proof.t - _inner(proof.a, proof.b))
        self._add_point(proof.bits, weight)
        self._add_point(proof.masks, weight * c.x)
        for (left, right), x, inverse in zip(proof.rounds, c.rounds, inverses, strict=True):
            self._add_point(left, weight * x)
            self._add_point(right, weight * inverse)

    def _add_t(
        self, statement: RangeStatement, proof: RangeProof, c: _Challenges, weight: int
    ) -> None:
        z_powers = powers(c.z, len(statement.bits), start=c.z * c.z % N)
        delta = (c.z - c.z * c.z) * sum(powers(c.y, statement.length))
        for bits, commitment, zj in zip(
            statement.bits, statement.commitments, z_powers, strict=True
        ):
            delta -= zj * c.z * ((1 << bits) - 1)
            self._add_point(commitment, weight * zj)
        self._value += weight * (delta - proof.t)
        self._blinding -= weight * proof.tau_x
        self._add_point(proof.t1, weight * c.x)
        self._add_point(proof.t2, weight * c.x * c.x)

    def _add_point(self, point: Point, scalar: int) -> None:
        self._points.append(point)
        self._scalars.append(scalar % N)


def powers(base: int, count: int, start: int = 1) -> list[int]:
    """start, start base, start base^2, ...: `count` numbers modulo N."""
    if not count:
        return []
    return list(accumulate(repeat(base, count - 1), lambda a, b: a * b % N, initial=start))


def _begin(statement: RangeStatement) -> Transcript:
    return Transcript(
        RANGE_TAG, statement.context, hash_words(statement.bits), hash_words(statement.commitments)
    )


def _challenges_y_z(transcript: Transcript, bits: Point, masks: Point) -> tuple[int, int]:
    transcript.absorb(bits, masks)
    y = transcript.challenge()
    transcript.absorb()
    return y, transcript.challenge()


def _weights(statement: RangeStatement, z: int) -> list[int]:
    """z^(2+j) 2^i for bit i of value j = 0, 1, ..., one after another."""
    found = []
    for zj, bits in zip(
        powers(z, len(statement.bits), start=z * z % N), statement.bits, strict=True
    ):
        found += powers(2, bits, start=zj)
    return found


def _fold_products(challenges: Sequence[int]) -> list[int]:
    """For each q < 2^k, the product of the challenges of the rounds whose bit is set in q.

    The first round decides over the highest bit.
    """
    found = [1]
    for x in challenges:
        found = [product for earlier in found for product in (earlier, earlier * x % N)]
    return found


def _inner(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(a * b for a, b in zip(left, right, strict=True)) % N


def _check_openings(statement: RangeStatement, openings: Sequence[Opening], curve: Curve) -> None:
    if len(openings) != len(statement.bits):
        raise InputError("openings", "must be as many as commitments", len(openings))
    for number, (opening, bits) in enumerate(zip(openings, statement.bits, strict=True)):
        if opening.value >> bits:
            raise InputError(f"openings[{number}]", f"must be below 2^{bits}", "a secret")
        if commit(opening, curve) != statement.commitments[number]:
            raise InputError(f"openings[{number}]", "must open its commitment", "a secret")


def _read_rounds(reader: WordReader) -> Iterator[tuple[Point, Point]]:
    number = 0
    while reader.left:
        yield reader.point(f"rounds[{number}].left"), reader.point(f"rounds[{number}].right")
        number += 1


def _generator(name: bytes, index: int) -> Point:
    return hash_to_curve(name + index.to_bytes(4, "big"), GENERATOR_TAG)
