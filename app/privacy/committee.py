"""The auditor's key in several hands: any k of n auditors open a handle, fewer learn nothing.

Source: Shamir 1979 with the commitments of Feldman 1987. A dealer draws a polynomial f of degree
k - 1 with f(0) = d, the auditor's secret, gives auditor i the share f(i), publishes the
coefficients times A, and forgets the rest: the dealer must be trusted to, which is the price of
handles of one point. The first published point is d A = G, so that everybody sees that it is the
key's own polynomial that was shared.

To open D, auditor i gives f(i) D with a proof (Chaum and Pedersen 1992) that it is the share
behind f(i) A; k such points, weighted by Lagrange's coefficients, add up to d D.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from app.errors import ForbiddenError, InputError
from app.privacy.audit import AuditorKey
from app.privacy.curve import BLINDING_BASE, Curve, N, Point, check_point, check_scalar
from app.privacy.fast_curve import FAST
from app.privacy.randomness import Entropy, random_scalar, system_entropy
from app.privacy.sigma import Equation, SigmaProof, prove_equations, verify_equations
from app.privacy.transcript import Transcript

PARTIAL_TAG = "peerwatt/partial opening/1"


@dataclass(frozen=True, slots=True)
class Committee:
    """What is public: the auditors' key A, and the polynomial's coefficients times A."""

    public: Point
    coefficients: tuple[Point, ...]

    def __post_init__(self) -> None:
        check_point("committee.public", self.public)
        for number, point in enumerate(self.coefficients):
            check_point(f"committee.coefficients[{number}]", point)
        if self.coefficients[:1] != (BLINDING_BASE,):
            raise InputError(
                "committee.coefficients[0]", "must be the base point", self.coefficients[:1]
            )

    @property
    def threshold(self) -> int:
        """k, how many auditors it takes."""
        return len(self.coefficients)

    def share_public(self, index: int, curve: Curve = FAST) -> Point:
        """f(index) A."""
        return curve.combine(self.coefficients, [pow(index, j, N) for j in range(self.threshold)])


@dataclass(frozen=True, slots=True)
class Share:
    """What auditor `index`, from 1 on, holds."""

    index: int
    secret: int = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.index < N:
            raise InputError("share.index", "must be 1 or more", self.index)
        check_scalar("share.secret", self.secret, secret=True)


@dataclass(frozen=True, slots=True)
class PartialOpening:
    """One auditor's contribution to opening a handle."""

    index: int
    point: Point
    proof: SigmaProof

    def __post_init__(self) -> None:
        if not 0 < self.index < N:  # or one share would count as two auditors'
            raise InputError("partial.index", "must be 1 or more", self.index)
        check_point("partial.point", self.point)


def deal(
    key: AuditorKey,
    threshold: int,
    count: int,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> tuple[Committee, list[Share]]:
    """Splits the key among `count` auditors, of whom it takes `threshold`, 1 to count."""
    if not 1 <= threshold <= count:
        raise InputError("threshold", "must be 1 to the number of auditors", threshold)
    coefficients = [key.secret, *(random_scalar(entropy) for _ in range(threshold - 1))]
    committee = Committee(
        key.public, tuple(curve.multiply(key.public, value) for value in coefficients)
    )
    shares = [
        Share(i, sum(value * i**j for j, value in enumerate(coefficients)) % N)
        for i in range(1, count + 1)
    ]
    return committee, shares


def verify_share(committee: Committee, share: Share, *, curve: Curve = FAST) -> bool:
    """Whether a share is the one that the committee's public points promise."""
    promised = committee.share_public(share.index, curve)
    return curve.multiply(committee.public, share.secret) == promised


def open_partially(
    committee: Committee,
    share: Share,
    handle: Point,
    context: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> PartialOpening:
    """One auditor's contribution, for the purpose that the context names."""
    point = curve.multiply(check_point("handle", handle), share.secret)
    transcript, equations = _statement(committee, share.index, handle, point, context, curve)
    proof = prove_equations(transcript, equations, [share.secret], entropy, curve)
    return PartialOpening(share.index, point, proof)


def verify_partial(
    committee: Committee,
    handle: Point,
    partial: PartialOpening,
    context: bytes,
    *,
    curve: Curve = FAST,
) -> bool:
    """Whether a contribution is what the auditor's share makes of the handle."""
    check_point("handle", handle)
    transcript, equations = _statement(
        committee, partial.index, handle, partial.point, context, curve
    )
    return verify_equations(transcript, equations, partial.proof, curve)


def combine_partials(
    committee: Committee,
    handle: Point,
    partials: Sequence[PartialOpening],
    context: bytes,
    *,
    curve: Curve = FAST,
) -> Point:
    """The point d D, from which `audit.reveal` finds the value.

    Contributions that are not their auditor's share count for nothing, whoever sent them.

    Raises:
        ForbiddenError: too few different auditors contributed; it names whose share was none.
    """
    points: dict[int, Point] = {}
    false = set()
    for partial in partials:
        if partial.index in points or len(points) == committee.threshold:
            continue
        if verify_partial(committee, handle, partial, context, curve=curve):
            points[partial.index] = partial.point
        else:
            false.add(partial.index)
    if len(points) < committee.threshold:
        named = [f"; auditor {index} contributed what is not its share" for index in sorted(false)]
        raise ForbiddenError(
            f"it takes {committee.threshold} auditors to open a handle, here are {len(points)}"
            + "".join(named)
        )
    indices = list(points)
    return curve.combine(list(points.values()), [_lagrange(i, indices) for i in indices])


def _lagrange(index: int, indices: Sequence[int]) -> int:
    others = [other for other in indices if other != index]
    below = prod(other - index for other in others)
    return prod(others) * pow(below, -1, N) % N


def _statement(
    committee: Committee,
    index: int,
    handle: Point,
    point: Point,
    context: bytes,
    curve: Curve,
) -> tuple[Transcript, list[Equation]]:
    share_public = committee.share_public(index, curve)
    transcript = Transcript(
        PARTIAL_TAG, context, committee.public, index, share_public, handle, point
    )
    equations = [
        Equation(share_public, ((0, committee.public),)),
        Equation(point, ((0, handle),)),
    ]
    return transcript, equations
