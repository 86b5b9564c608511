"""What the auditor may open: a handle beside each commitment (twisted ElGamal).

Source: Chen, Ma, Tang, Au 2020 (PGC), section 5. The auditor's key is a secret d with the public
A = d^-1 G. Beside C = value H + blinding G stands the handle D = blinding A, so that

    C - d D = value H

and the value, which is small, is found by search. A proof shows that the handle belongs to the
commitment: nobody can publish one that doesn't open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.errors import InputError
from app.privacy.curve import (
    BLINDING_BASE,
    VALUE_BASE,
    Curve,
    N,
    Point,
    check_point,
    check_secret,
    negate,
)
from app.privacy.fast_curve import FAST
from app.privacy.pedersen import Opening, commit, subtract
from app.privacy.randomness import Entropy, random_scalar, system_entropy
from app.privacy.sigma import Equation, SigmaProof, prove_equations, verify_equations
from app.privacy.transcript import Transcript

HANDLE_TAG = "peerwatt/handle/1"
SECRETS_OF_HANDLE = 2
VALUE_BITS = 32
CHUNK = 512


@dataclass(frozen=True, slots=True)
class AuditorKey:
    """The key that opens handles. `committee` splits it among several auditors."""

    secret: int = field(repr=False)
    public: Point

    @classmethod
    def generate(cls, *, entropy: Entropy = system_entropy, curve: Curve = FAST) -> "AuditorKey":
        return cls.from_secret(random_scalar(entropy), curve)

    @classmethod
    def from_secret(cls, secret: int, curve: Curve = FAST) -> "AuditorKey":
        check_secret("secret", secret)
        return cls(secret, curve.multiply(BLINDING_BASE, pow(secret, -1, N)))


@dataclass(frozen=True, slots=True)
class Handle:
    """A commitment and the point that lets the auditor open it."""

    commitment: Point
    point: Point

    def __post_init__(self) -> None:
        check_point("handle.commitment", self.commitment)
        check_point("handle.point", self.point)


def make_handle(opening: Opening, auditor: Point, curve: Curve = FAST) -> Handle:
    """The handle for a commitment; InputError where its blinding is zero."""
    return Handle(commit(opening, curve), curve.multiply(auditor, opening.blinding))


def prove_handles(
    openings: Sequence[Opening],
    auditor: Point,
    context: bytes,
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> tuple[list[Handle], SigmaProof]:
    """Handles for commitments, and one proof that each opens its own."""
    check_point("auditor", auditor)
    handles = [make_handle(opening, auditor, curve) for opening in openings]
    transcript, equations = _statement(handles, auditor, context)
    secrets = [secret for opening in openings for secret in (opening.value, opening.blinding)]
    return handles, prove_equations(transcript, equations, secrets, entropy, curve)


def verify_handles(
    handles: Sequence[Handle],
    auditor: Point,
    context: bytes,
    proof: SigmaProof,
    *,
    curve: Curve = FAST,
) -> bool:
    """Whether each handle opens its commitment for the auditor."""
    check_point("auditor", auditor)
    transcript, equations = _statement(handles, auditor, context)
    return verify_equations(transcript, equations, proof, curve)


class ValueFinder:
    """Finds a value from value H, by baby and giant steps (Shanks 1971).

    The table takes a second to build for 32 bits, and a search as long at most.
    """

    def __init__(self, bits: int = VALUE_BITS, curve: Curve = FAST) -> None:
        self._bits = bits
        self._curve = curve
        self._reach = 1 << (bits + 1) // 2
        steps = curve.walk((0, 0), VALUE_BASE, self._reach + 1)
        self._known = {x: number for number, (x, _) in enumerate(steps)}
        self._stride = 2 * self._reach + 1

    def find(self, point: Point) -> int:
        """The value below 2^bits with value H = point; InputError if there is none."""
        step = negate(self._curve.multiply(VALUE_BASE, self._stride))
        current = point
        for first in range(0, (1 << self._bits) // self._stride + 2, CHUNK):
            places = self._curve.walk(current, step, CHUNK + 1)
            current = places.pop()
            for number, (x, _) in enumerate(places, first):
                found = self._near(number * self._stride, self._known.get(x), point)
                if found is not None:
                    return found
        raise InputError("handle", f"must hide a value below 2^{self._bits}", point)

    def _near(self, middle: int, distance: int | None, point: Point) -> int | None:
        if distance is None:
            return None
        for value in (middle + distance, middle - distance):
            if 0 <= value < 1 << self._bits and (self._curve.multiply(VALUE_BASE, value) == point):
                return value
        return None


def open_handle(
    key: AuditorKey, handle: Handle, finder: ValueFinder, *, curve: Curve = FAST
) -> int:
    """The value that the commitment hides; InputError if it is too large to be found."""
    return reveal(handle, curve.multiply(handle.point, key.secret), finder, curve=curve)


def reveal(
    handle: Handle, blinding_point: Point, finder: ValueFinder, *, curve: Curve = FAST
) -> int:
    """The value, given d D: what the auditor or enough of the auditors computed from the handle."""
    return finder.find(subtract(handle.commitment, blinding_point, curve))


def _statement(
    handles: Sequence[Handle], auditor: Point, context: bytes
) -> tuple[Transcript, list[Equation]]:
    points = [point for handle in handles for point in (handle.commitment, handle.point)]
    equations = []
    for number, handle in enumerate(handles):
        value, blinding = SECRETS_OF_HANDLE * number, SECRETS_OF_HANDLE * number + 1
        equations += [
            Equation(handle.commitment, ((value, VALUE_BASE), (blinding, BLINDING_BASE))),
            Equation(handle.point, ((blinding, auditor),)),
        ]
    return Transcript(HANDLE_TAG, context, auditor, *points), equations
