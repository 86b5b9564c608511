"""Stealth addresses (ERC-5564, scheme 1): one-time accounts that only their owner can recognise.

The receiver publishes S = s G and V = v G. The sender draws r and publishes R = r G:

    h = keccak(compressed(r V)) = keccak(compressed(v R))
    P = S + h G      one-time key, which only s + h signs for
    view tag         first byte of h: 255 of 256 foreign announcements are put aside by it

With V = S this is Mezquita et al. 2022, section 4.2: P = Hash(r S) G + S, and whoever looks for
payments needs the key that spends them. The standard leaves open how the shared point is written
when it is hashed: compressed, as ScopeLift's SDK does, which wallets follow.
"""

from dataclasses import dataclass, field

from eth_hash.auto import keccak

from app.errors import InputError
from app.privacy.randomness import Entropy, scalar_from, system_entropy
from app.privacy.secp256k1 import (
    COINCURVE,
    KEY_BYTES,
    ORDER,
    Secp256k1,
    address_of_key,
    check_public_key,
    check_secp256k1_secret,
)

SCHEME_ID = 1
URI_PREFIX = "st:eth:0x"


@dataclass(frozen=True, slots=True)
class MetaAddress:
    """What a receiver publishes (ERC-6538): two compressed keys, equal in the paper's form."""

    spend_public: bytes
    view_public: bytes

    def __post_init__(self) -> None:
        check_public_key("spend key", self.spend_public)
        check_public_key("view key", self.view_public)

    @classmethod
    def from_bytes(cls, raw: bytes) -> "MetaAddress":
        """From 66 bytes, or from the 33 of a single key."""
        if len(raw) not in {KEY_BYTES, 2 * KEY_BYTES}:
            raise InputError("meta-address", "must have 33 or 66 bytes", len(raw))
        return cls(raw[:KEY_BYTES], raw[KEY_BYTES:] or raw)

    @classmethod
    def parse(cls, text: str) -> "MetaAddress":
        """From `st:eth:0x` and hexadecimal digits."""
        try:
            raw = bytes.fromhex(text.removeprefix(URI_PREFIX))
        except ValueError:
            raw = b""
        if not text.startswith(URI_PREFIX) or not raw:
            raise InputError("meta-address", f"must be {URI_PREFIX} and hexadecimal digits", text)
        return cls.from_bytes(raw)

    def to_bytes(self) -> bytes:
        if self.view_public == self.spend_public:
            return self.spend_public
        return self.spend_public + self.view_public

    def __str__(self) -> str:
        return URI_PREFIX + self.to_bytes().hex()


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the sender publishes: the view tag, 0..255, is the first byte of the metadata."""

    address: str
    ephemeral_public: bytes
    view_tag: int

    def __post_init__(self) -> None:
        check_public_key("ephemeral key", self.ephemeral_public)
        if not 0 <= self.view_tag <= 255:
            raise InputError("view tag", "must be a byte", self.view_tag)


@dataclass(frozen=True, slots=True)
class StealthKeys:
    """The receiver's secrets. The view secret finds payments, the spend secret uses them."""

    spend_secret: int = field(repr=False)
    view_secret: int = field(repr=False)

    def __post_init__(self) -> None:
        check_secp256k1_secret("spend secret", self.spend_secret)
        check_secp256k1_secret("view secret", self.view_secret)

    def meta_address(self, backend: Secp256k1 = COINCURVE) -> MetaAddress:
        return MetaAddress(
            backend.public_key(self.spend_secret), backend.public_key(self.view_secret)
        )


def random_ephemeral(entropy: Entropy = system_entropy) -> int:
    """A secret for one announcement. Twice the same would link two payments."""
    return scalar_from(entropy(64), ORDER)


def announce(
    meta_address: MetaAddress, ephemeral_secret: int, backend: Secp256k1 = COINCURVE
) -> Announcement:
    """A fresh one-time account of the receiver."""
    check_secp256k1_secret("ephemeral secret", ephemeral_secret)
    digest = keccak(backend.multiply(meta_address.view_public, ephemeral_secret))
    return Announcement(
        _one_time_address(meta_address.spend_public, digest, backend),
        backend.public_key(ephemeral_secret),
        digest[0],
    )


def is_mine(
    announcement: Announcement,
    spend_public: bytes,
    view_secret: int,
    backend: Secp256k1 = COINCURVE,
) -> bool:
    """Whether an announcement is for the holder of these keys."""
    digest = keccak(backend.multiply(announcement.ephemeral_public, view_secret))
    if digest[0] != announcement.view_tag:
        return False
    address = _one_time_address(spend_public, digest, backend)
    return address.lower() == announcement.address.lower()


def one_time_secret(
    keys: StealthKeys, ephemeral_public: bytes, backend: Secp256k1 = COINCURVE
) -> int:
    """The secret key of the one-time account: s + h."""
    check_public_key("ephemeral key", ephemeral_public)
    digest = keccak(backend.multiply(ephemeral_public, keys.view_secret))
    return (keys.spend_secret + int.from_bytes(digest, "big")) % ORDER


def _one_time_address(spend_public: bytes, digest: bytes, backend: Secp256k1) -> str:
    tweak = int.from_bytes(digest, "big") % ORDER
    return address_of_key(backend.tweak(spend_public, tweak), backend)
