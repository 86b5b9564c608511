"""Points whose logarithm nobody knows.

- `hash_to_curve`: RFC 9380 with the map of Shallue and van de Woestijne (section 6.6.1), suite
  BN254G1_XMD:KECCAK-256_SVDW_RO_: for generators and for the bases of a round's key images.
- `key_base`: try-and-increment, cheap on a chain: for the key images of notes. It takes longer for
  some inputs, which are public.
"""

from collections.abc import Callable

from eth_hash.auto import keccak

from app.privacy.curve import Curve, P, Point
from app.privacy.fast_curve import FAST
from app.privacy.transcript import hash_words

Hash = Callable[[bytes], bytes]

KEY_BASE_TAG = keccak(b"peerwatt/key base/1")
KEY_BASE_TRIES = 256
HASH_BLOCK = 136  # bytes that keccak-256 takes in at once
FIELD_BYTES = 48  # so that the reduction into the field is unbiased

# Constants of the map, RFC 9380 section 6.6.1, for y^2 = x^3 + 3 and Z = 1.
_Z = 1
_C1 = _Z**3 + 3
_C2 = -_Z * pow(2, -1, P) % P
_C3 = pow(-_C1 * 3 * _Z**2 % P, (P + 1) // 4, P)
_C3 = _C3 if _C3 % 2 == 0 else P - _C3
_C4 = -4 * _C1 * pow(3 * _Z**2, -1, P) % P


def hash_to_curve(
    message: bytes,
    tag: bytes,
    *,
    curve: Curve = FAST,
    hash_function: Hash = keccak,
    block: int = HASH_BLOCK,
) -> Point:
    """A point from a message, as if drawn at random.

    Args:
        message: any bytes.
        tag: domain separation tag of at most 255 bytes.
        curve: what adds the two points.
        hash_function: with 32 bytes of output.
        block: its input block in bytes.
    """
    uniform = expand_message(message, tag, 2 * FIELD_BYTES, hash_function, block)
    first = int.from_bytes(uniform[:FIELD_BYTES], "big") % P
    second = int.from_bytes(uniform[FIELD_BYTES:], "big") % P
    return curve.add(map_to_curve(first), map_to_curve(second))


def expand_message(
    message: bytes,
    tag: bytes,
    length: int,
    hash_function: Hash = keccak,
    block: int = HASH_BLOCK,
) -> bytes:
    """expand_message_xmd of RFC 9380, section 5.3.1: `length` bytes, at most 8160."""
    suffix = tag + bytes([len(tag)])
    first = hash_function(bytes(block) + message + length.to_bytes(2, "big") + b"\0" + suffix)
    last = bytes(32)
    found = b""
    for i in range(1, -(-length // 32) + 1):
        mixed = bytes(a ^ b for a, b in zip(first, last, strict=True))
        last = hash_function(mixed + bytes([i]) + suffix)
        found += last
    return found[:length]


def map_to_curve(u: int) -> Point:
    """The map of Shallue and van de Woestijne, RFC 9380 appendix F.1."""
    tv1 = u * u % P * _C1 % P
    tv2 = (1 + tv1) % P
    tv1 = (1 - tv1) % P
    tv3 = pow(tv1 * tv2, P - 2, P)
    tv4 = u * tv1 * tv3 * _C3 % P
    candidates = ((_C2 - tv4) % P, (_C2 + tv4) % P, (_Z + _C4 * (tv2 * tv2 * tv3) ** 2) % P)
    x = next(x for x in candidates if _is_square(x**3 + 3))
    y = pow(x**3 + 3, (P + 1) // 4, P)
    return x, y if y % 2 == u % 2 else P - y


def key_base(point: Point) -> Point:
    """Hp(P), the base of the key image of a note with the one-time key P.

    The first i = 0, 1, ... for which the lowest 254 bits of keccak(tag || Px || Py || i) are the x
    of a point; of its two points that with even y.

    Raises:
        ValueError: none of 256 fits, which no input is known to bring about.
    """
    for i in range(KEY_BASE_TRIES):
        x = int.from_bytes(hash_words([KEY_BASE_TAG, point, i]), "big") & (2**254 - 1)
        if x >= P:
            continue
        y = pow(x**3 + 3, (P + 1) // 4, P)
        if (y * y - x**3 - 3) % P == 0:
            return x, y if y % 2 == 0 else P - y
    raise ValueError(f"no base within {KEY_BASE_TRIES} tries")


def _is_square(value: int) -> bool:
    return pow(value, (P - 1) // 2, P) in {0, 1}
