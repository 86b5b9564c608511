"""All keys of a household from one seed, one key for each purpose.

HKDF-SHA256 (RFC 5869) with a label for each purpose: knowing one key says nothing of another, and
no scalar serves in two roles.
"""

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from app.errors import InputError
from app.privacy.curve import BLINDING_BASE, Curve, N, Point, check_point, check_secret
from app.privacy.fast_curve import FAST
from app.privacy.randomness import Entropy, scalar_from, system_entropy
from app.privacy.secp256k1 import ORDER as SECP256K1_ORDER
from app.privacy.sigma import Equation, SigmaProof, prove_equations, verify_equations
from app.privacy.transcript import Transcript

SEED_BYTES = 32
HKDF_SALT = b"peerwatt/keys/1"
SCALAR_BYTES = 64
POSSESSION_TAG = "peerwatt/possession/1"


class Purpose(StrEnum):
    """What a key is for; the text is its HKDF label."""

    IDENTITY = "secp256k1/identity"
    STEALTH_SPEND = "secp256k1/stealth spend"
    STEALTH_VIEW = "secp256k1/stealth view"
    MEMBER = "bn254/member"
    NOTE_SPEND = "bn254/note spend"
    NOTE_VIEW = "bn254/note view"

    @property
    def order(self) -> int:
        """The order of the group that the key belongs to."""
        return SECP256K1_ORDER if self.startswith("secp256k1/") else N


class Wallet:
    """The keys that one seed of at least 32 random bytes gives. They never leave it unasked."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) < SEED_BYTES:
            raise InputError("seed", f"must have at least {SEED_BYTES} bytes", len(seed))
        self._key = hkdf_extract(HKDF_SALT, seed)

    def __repr__(self) -> str:
        return "<Wallet>"

    def secret(self, purpose: Purpose, index: int = 0) -> int:
        """The secret scalar for a purpose; a higher index is the next after a lost one."""
        label = f"{purpose}/{index}".encode()
        return scalar_from(hkdf_expand(self._key, label, SCALAR_BYTES), purpose.order)

    @cached_property
    def member(self) -> "MemberKey":
        return MemberKey.from_secret(self.secret(Purpose.MEMBER))


@dataclass(frozen=True, slots=True)
class MemberKey:
    """The key by which a household is one of the members: public = secret G, on bn254."""

    secret: int = field(repr=False)
    public: Point

    @classmethod
    def from_secret(cls, secret: int, curve: Curve = FAST) -> "MemberKey":
        return cls(secret, curve.multiply(BLINDING_BASE, check_secret("secret", secret)))


def prove_possession(
    key: MemberKey, context: bytes, *, entropy: Entropy = system_entropy, curve: Curve = FAST
) -> SigmaProof:
    """That whoever registers the key knows its secret (Schnorr 1991).

    So nobody enters a key made of others'. The context names the account that registers it, so that
    no other can.
    """
    transcript, equations = _possession(key.public, context)
    return prove_equations(transcript, equations, [key.secret], entropy, curve)


def verify_possession(
    public: Point, context: bytes, proof: SigmaProof, *, curve: Curve = FAST
) -> bool:
    """Whether the proof shows that. InputError where the key is no point of the curve."""
    transcript, equations = _possession(check_point("key", public), context)
    return verify_equations(transcript, equations, proof, curve)


def _possession(public: Point, context: bytes) -> tuple[Transcript, list[Equation]]:
    equations = [Equation(public, ((0, BLINDING_BASE),))]
    return Transcript(POSSESSION_TAG, context, public), equations


def hkdf_extract(salt: bytes, material: bytes) -> bytes:
    """RFC 5869, section 2.2, with SHA-256."""
    return hmac.digest(salt, material, "sha256")


def hkdf_expand(key: bytes, label: bytes, length: int) -> bytes:
    """RFC 5869, section 2.3, with SHA-256: `length` bytes, at most 8160."""
    block = b""
    found = b""
    for i in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + label + bytes([i]), "sha256")
        found += block
    return found[:length]
