"""Secret random scalars, which stay secret even if the machine's randomness fails (hedged)."""

import hmac
import secrets
from collections.abc import Callable, Sequence

from app.privacy.curve import N

Entropy = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for. Tests pass one that repeats itself."""

ENTROPY_BYTES = 32
system_entropy: Entropy = secrets.token_bytes


class Nonces:
    """The random scalars of one proof.

    HMAC-SHA512 keyed with fresh entropy over the secrets and what is proved: with good entropy they
    are random; with none at all two different statements still never share a nonce.
    """

    def __init__(
        self, tag: str, secret_values: Sequence[int], message: bytes, entropy: Entropy
    ) -> None:
        known = tag.encode() + b"\0" + len(secret_values).to_bytes(2, "big")
        known += b"".join(value.to_bytes(32, "big") for value in secret_values)
        self._key = hmac.digest(entropy(ENTROPY_BYTES), known + message, "sha512")
        self._count = 0

    def scalar(self) -> int:
        """The next nonce, 1..N-1, uniform within 2^-256."""
        self._count += 1
        return scalar_from(hmac.digest(self._key, self._count.to_bytes(8, "big"), "sha512"))

    def scalars(self, count: int) -> list[int]:
        return [self.scalar() for _ in range(count)]


def random_scalar(entropy: Entropy = system_entropy) -> int:
    """A secret scalar, 1..N-1, for keys and blindings."""
    return scalar_from(entropy(64))


def scalar_from(wide: bytes, order: int = N) -> int:
    """64 random bytes as a scalar, 1..order-1: so many that none is likelier than others."""
    return int.from_bytes(wide, "big") % (order - 1) + 1
