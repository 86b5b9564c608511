"""What an offer says to the members and to nobody else: sealed for each key of the ring.

The sender draws e and a content key K:

    R = e G                                wrapped_i = K xor keccak(tag || e P_i || R || i)
    padded = plain || 80 || 00 ... 00      a multiple of 128 bytes, as a length tells something
    text_j = padded_j xor keccak(K || j)   check = first 16 bytes of keccak(K || keccak(text))

On the wire: R (two words), check, the wrapped keys in the order of the ring, the text. A member
knows its place in the ring, and finds K by e P_i = x_i R. One sealing serves one offer: keys and
text are good for one time.
"""

import hmac
from collections.abc import Sequence

from eth_hash.auto import keccak

from app.errors import InputError
from app.privacy.curve import BLINDING_BASE, Curve, Point, check_point
from app.privacy.fast_curve import FAST
from app.privacy.keys import MemberKey
from app.privacy.randomness import Entropy, random_scalar, system_entropy
from app.privacy.transcript import hash_words, pack

DETAILS_TAG = keccak(b"peerwatt/details/1")
MAX_TEXT = 1_024
MAX_DETAILS = MAX_TEXT - 1

_WORD = 32
_CHECK = 16
_HEAD = 2 * _WORD + _CHECK
_BLOCK = 128
_END = b"\x80"


def seal_details(
    plain: bytes,
    ring: Sequence[Point],
    *,
    entropy: Entropy = system_entropy,
    curve: Curve = FAST,
) -> bytes:
    """Seals up to 1,023 bytes for the owners of the ring's keys."""
    if len(plain) > MAX_DETAILS:
        raise InputError("details", f"must have at most {MAX_DETAILS} bytes", len(plain))
    secret, content_key = random_scalar(entropy), entropy(_WORD)
    ephemeral = curve.multiply(BLINDING_BASE, secret)
    wrapped = [
        _xor(content_key, _mask(curve.multiply(public, secret), ephemeral, number))
        for number, public in enumerate(ring)
    ]
    padded = plain + _END + bytes(-(len(plain) + 1) % _BLOCK)
    text = _xor(padded, _stream(content_key, len(padded)))
    return b"".join([pack([ephemeral]), _check(content_key, text), *wrapped, text])


def open_details(
    sealed: bytes, ring: Sequence[Point], key: MemberKey, *, curve: Curve = FAST
) -> bytes | None:
    """What was sealed for the ring, to one of its members; None if that is not so."""
    size = len(ring)
    start = _HEAD + size * _WORD
    if key.public not in ring or not start <= len(sealed) <= start + MAX_TEXT:
        return None
    x, y = (int.from_bytes(sealed[at : at + _WORD], "big") for at in (0, _WORD))
    try:
        ephemeral = check_point("ephemeral", (x, y))
    except InputError:  # anybody of the ring can publish anything
        return None
    own = ring.index(key.public)
    wrapped = sealed[_HEAD + own * _WORD :][:_WORD]
    content_key = _xor(wrapped, _mask(curve.multiply(ephemeral, key.secret), ephemeral, own))
    text = sealed[start:]
    if not hmac.compare_digest(_check(content_key, text), sealed[2 * _WORD : _HEAD]):
        return None
    plain, end, _ = _xor(text, _stream(content_key, len(text))).rpartition(_END)
    return plain if end else None


def _mask(shared: Point, ephemeral: Point, number: int) -> bytes:
    return hash_words([DETAILS_TAG, shared, ephemeral, number])


def _stream(content_key: bytes, length: int) -> bytes:
    blocks = -(-length // _WORD)
    return b"".join(hash_words([content_key, number]) for number in range(blocks))[:length]


def _check(content_key: bytes, text: bytes) -> bytes:
    return hash_words([content_key, keccak(text)])[:_CHECK]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
