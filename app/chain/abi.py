"""The ABI in both directions: calls, results, events and errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_abi.abi import default_codec
from eth_abi.codec import ABICodec
from eth_abi.decoding import AddressDecoder, StringDecoder
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.registry import registry
from eth_typing import ABIError, ABIEvent, ABIFunction
from eth_utils.abi import get_abi_input_names, get_abi_input_types
from eth_utils.address import to_checksum_address

from app.errors import ChainError, InputError

NamedElement = ABIFunction | ABIEvent | ABIError

_checksummed = lru_cache(maxsize=4096)(to_checksum_address)


class _ChecksumDecoder(AddressDecoder):
    decoder_fn = staticmethod(_checksummed)


class _LenientDecoder(StringDecoder):
    """Contracts take any bytes for a string: what is no UTF-8 must not stop who reads it."""

    def __init__(self) -> None:
        super().__init__("replace")  # type: ignore[no-untyped-call]


def _codec() -> ABICodec:
    ours = registry.copy()  # type: ignore[no-untyped-call]
    ours.unregister_decoder("address")
    ours.register_decoder("address", _ChecksumDecoder)
    ours.unregister_decoder("string")
    ours.register_decoder("string", _LenientDecoder)
    return ABICodec(ours)


_CODEC = _codec()


@dataclass(frozen=True, slots=True)
class Signature:
    """A function, event or error: its name and its parameters' names and canonical types."""

    name: str
    names: tuple[str, ...]
    types: tuple[str, ...]

    @classmethod
    def of(cls, entry: NamedElement) -> "Signature":
        """Reads an entry of an ABI. Parameters without a name are called by their place."""
        names = enumerate(get_abi_input_names(entry))
        return cls(
            entry["name"],
            tuple(name or str(place) for place, name in names),
            tuple(get_abi_input_types(entry)),
        )

    def encode(self, values: Sequence[object]) -> bytes:
        """Encodes the arguments; raises InputError with the name of what doesn't fit its type."""
        if len(values) != len(self.types):
            raise InputError(self.name, f"takes {len(self.types)} arguments", len(values))
        try:
            return default_codec.encode(self.types, values)
        except EncodingError as error:
            raise self._misfit(values) from error

    def decode(self, data: bytes) -> dict[str, object]:
        """Arguments by name, from what comes after the selector."""
        return dict(zip(self.names, decode(self.types, data), strict=True))

    def _misfit(self, values: Sequence[object]) -> InputError:
        for name, kind, value in zip(self.names, self.types, values, strict=True):
            if not default_codec.is_encodable(kind, value):
                return InputError(name, f"is a value of Solidity's {kind}", value)
        return InputError(self.name, "takes other arguments", tuple(values))


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """Decodes values; addresses are checksummed, structs tuples, bytes bytes.

    Raises ChainError where the data is of other types.
    """
    try:
        return _CODEC.decode(types, data)
    except (DecodingError, OverflowError) as error:  # the latter of a length beyond all memory
        raise ChainError(
            f"cannot read ({','.join(types)}) from {len(data)} bytes",
            hint="are the contract's address and ABI of the same deployment?",
        ) from error
