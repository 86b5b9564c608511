"""Fiat-Shamir: challenges from a hash of everything that was said before.

Everything is 32-byte words, hashed by keccak-256, as Solidity's `abi.encode` of static types lays
them out: a number is one word, a point two. The state is one word:

    begin    state = keccak(keccak(tag) || context || words)
    absorb   state = keccak(state || words)
    challenge      = state mod N

A context ties a proof to one chain, one contract and one purpose there (`context_of`).
"""

from collections.abc import Iterable, Sequence

from eth_hash.auto import keccak

from app.errors import InputError
from app.privacy.curve import N, Point, check_point, check_scalar

Word = int | bytes | Point
"""What one absorbs: a number below 2^256, 32 bytes, or a point."""


class Transcript:
    """The state of one proof's challenges."""

    def __init__(self, tag: str, context: bytes, *words: Word) -> None:
        self.state = keccak(
            keccak(tag.encode()) + pack([check_bytes32("context", context), *words])
        )

    def absorb(self, *words: Word) -> None:
        self.state = keccak(self.state + pack(words))

    def challenge(self) -> int:
        """A number 0..N-1 that nobody could know before all that was absorbed was fixed."""
        return int.from_bytes(self.state, "big") % N


def context_of(tag: str, chain_id: int, contract: str, *words: Word) -> bytes:
    """What ties proofs to a purpose (`tag` and `words`) of a contract on a chain.

    Args:
        tag: name of the purpose.
        chain_id: EIP-155 number of the chain.
        contract: the verifying contract, 0x and 40 hexadecimal digits.
        words: market, round, slot, and whatever else must not be mistaken for another.

    Raises:
        InputError: the contract is no address.
    """
    return keccak(
        keccak(tag.encode()) + pack([chain_id, address_word("contract", contract), *words])
    )


def hash_words(words: Iterable[Word]) -> bytes:
    return keccak(pack(words))


def pack(words: Iterable[Word]) -> bytes:
    """The words one after another, 32 bytes each."""
    packed = bytearray()
    for word in words:
        if isinstance(word, int):
            packed += word.to_bytes(32, "big")
        elif isinstance(word, bytes):
            packed += check_bytes32("word", word)
        else:
            packed += word[0].to_bytes(32, "big") + word[1].to_bytes(32, "big")
    return bytes(packed)


def address_word(field: str, text: str) -> int:
    """An address as a word; InputError names the field where it is none."""
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        value = b""
    if len(value) != 20:
        raise InputError(field, "must be an address of 20 bytes", text)
    return int.from_bytes(value, "big")


def check_bytes32(field: str, value: bytes) -> bytes:
    """The 32 bytes; InputError where it is another number of them."""
    if len(value) != 32:
        raise InputError(field, "must have 32 bytes", len(value))
    return value


class WordReader:
    """Reads a proof from the words that it came in, naming what it finds wrong."""

    def __init__(self, name: str, words: Sequence[int]) -> None:
        self._name = name
        self._words = words
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._words) - self._at

    def point(self, field: str) -> Point:
        return check_point(f"{self._name}.{field}", (self._word(field), self._word(field)))

    def scalar(self, field: str) -> int:
        return check_scalar(f"{self._name}.{field}", self._word(field))

    def end(self) -> None:
        """InputError where words are left over."""
        if self.left:
            raise InputError(self._name, "must have no further words", self.left)

    def _word(self, field: str) -> int:
        if not self.left:
            raise InputError(f"{self._name}.{field}", "must be given", "no word")
        self._at += 1
        return self._words[self._at - 1]
