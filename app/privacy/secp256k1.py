"""Ethereum's curve, for stealth addresses.

Public keys are their 33 compressed bytes (SEC 1, section 2.3.3), which have no form for infinity.
"""

from typing import Protocol

from coincurve import PublicKey
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from app.errors import InputError

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY_BYTES = 33


class Secp256k1(Protocol):
    """Arithmetic on compressed public keys that have been checked, and scalars 1..ORDER-1."""

    @property
    def name(self) -> str: ...

    def public_key(self, secret: int) -> bytes: ...

    def multiply(self, public: bytes, scalar: int) -> bytes: ...

    def tweak(self, public: bytes, scalar: int) -> bytes:
        """The sum public + scalar G; ValueError if that is infinity."""
        ...

    def decompress(self, public: bytes) -> tuple[int, int]:
        """The point's coordinates."""
        ...


class CoincurveBackend:
    """libsecp256k1, the library of Bitcoin and of most Ethereum clients."""

    name = "coincurve"

    def public_key(self, secret: int) -> bytes:
        return PublicKey.from_valid_secret(secret.to_bytes(32, "big")).format()

    def multiply(self, public: bytes, scalar: int) -> bytes:
        return PublicKey(public).multiply(scalar.to_bytes(32, "big")).format()

    def tweak(self, public: bytes, scalar: int) -> bytes:
        return PublicKey(public).add(scalar.to_bytes(32, "big")).format()

    def decompress(self, public: bytes) -> tuple[int, int]:
        return PublicKey(public).point()


COINCURVE = CoincurveBackend()


def check_public_key(field: str, public: bytes) -> bytes:
    """The key; InputError unless it is the compressed form of a point on the curve."""
    if len(public) != KEY_BYTES or public[0] not in {2, 3}:
        raise InputError(field, "must be a compressed key: 02 or 03 and 32 bytes", public.hex())
    x = int.from_bytes(public[1:], "big")
    if x >= FIELD or pow(x**3 + 7, (FIELD - 1) // 2, FIELD) != 1:
        raise InputError(field, "must lie on the curve secp256k1", public.hex())
    return public


def check_secp256k1_secret(field: str, value: int) -> int:
    """The secret; InputError, which doesn't show it, unless it is in 1..ORDER-1."""
    if not 0 < value < ORDER:
        raise InputError(field, "must be above 0 and below the curve's order", "a secret")
    return value


def address_of_key(public: bytes, backend: Secp256k1 = COINCURVE) -> str:
    """The Ethereum address of a compressed key, with its checksum."""
    x, y = backend.decompress(public)
    digest = keccak(x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    return to_checksum_address(digest[12:])
