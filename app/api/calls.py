"""Calls that members decide on, between JSON and the ABI.

Arguments are objects by the names that the contract gives them: structs as objects, arrays as
lists, bytes as hex, addresses with their checksum, numbers as numbers, or as decimal text beyond 53
bits. Either form of a number is taken.
"""

import re
from collections.abc import Mapping, Sequence

from eth_typing import ABIComponent
from eth_utils.address import is_checksum_address, to_checksum_address

from app.chain.contracts import Contract, Contracts
from app.errors import InputError
from app.ledger.consortium import ProposedCall

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_DECIMAL = re.compile(r"-?[0-9]{1,78}")
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_ARRAY = re.compile(r"(.+)\[([0-9]*)\]")
_INTEGER = re.compile(r"(u?)int([0-9]+)")
_FIXED_BYTES = re.compile(r"bytes([0-9]+)")
_EXACT = 2**53

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def arguments_of(contracts: Contracts, call: ProposedCall) -> dict[str, Json]:
    """The arguments of a call by name; `input` where no ABI explains it."""
    if not call.function:
        return {"input": _shown({"type": "bytes", "name": ""}, call.arguments[0])}
    inputs = contracts[call.contract].inputs(call.function)
    return {
        name: _shown(component, value)
        for name, component, value in zip(_names(inputs), inputs, call.arguments, strict=True)
    }


def call_from(
    contracts: Contracts, contract: str, function: str, arguments: Mapping[str, object], field: str
) -> ProposedCall:
    """The call that JSON describes; InputError names what doesn't fit, below `field`."""
    if contract not in contracts:
        raise InputError(f"{field}.contract", f"is one of {', '.join(contracts)}", contract)
    inputs = _inputs(contracts[contract], function, field)
    names = _names(inputs)
    _require_names(names, arguments, f"{field}.arguments")
    values = tuple(
        _taken(component, arguments[name], f"{field}.arguments.{name}")
        for name, component in zip(names, inputs, strict=True)
    )
    return ProposedCall(contract, function, values)


def _inputs(contract: Contract, function: str, field: str) -> Sequence[ABIComponent]:
    if function not in contract.functions:
        rule = f"is a function of {contract.name}"
        raise InputError(f"{field}.function", rule, function)
    return contract.inputs(function)


def _names(components: Sequence[ABIComponent]) -> list[str]:
    """Parameters without a name are called by their place."""
    return [each["name"] or str(place) for place, each in enumerate(components)]


def _require_names(names: Sequence[str], found: Mapping[str, object], field: str) -> None:
    for name in names:
        if name not in found:
            raise InputError(f"{field}.{name}", "is missing", None)
    for name in found:
        if name not in names:
            raise InputError(f"{field}.{name}", "is not known here", found[name])


def _shown(component: ABIComponent, value: object) -> Json:
    if isinstance(value, list | tuple):
        array = _ARRAY.fullmatch(component["type"])
        if array:
            item: ABIComponent = {**component, "type": array[1]}
            return [_shown(item, each) for each in value]
        members = component["components"]
        return {
            name: _shown(member, each)
            for name, member, each in zip(_names(members), members, value, strict=True)
        }
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < _EXACT else str(value)
    return value if isinstance(value, bool | str) else str(value)


def _taken(component: ABIComponent, value: object, field: str) -> object:
    kind = component["type"]
    array, integer, fixed = (
        pattern.fullmatch(kind) for pattern in (_ARRAY, _INTEGER, _FIXED_BYTES)
    )
    if array:
        return _taken_list({**component, "type": array[1]}, array[2], value, field)
    if integer:
        return _taken_integer(bool(integer[1]), int(integer[2]), value, field)
    if fixed or kind == "bytes":
        return _taken_bytes(int(fixed[1]) if fixed else None, value, field)
    match kind, value:
        case "tuple", dict():
            return _taken_struct(component["components"], value, field)
        case "address", str() if _ADDRESS.fullmatch(value):
            return _taken_address(value, field)
        case ("bool", bool()) | ("string", str()):
            return value
    named = {"tuple": "is an object", "address": "is an address", "bool": "is true or false"}
    raise InputError(field, named.get(kind, "is text"), value)


def _taken_list(item: ABIComponent, length: str, value: object, field: str) -> list[object]:
    if not isinstance(value, list) or (length and len(value) != int(length)):
        raise InputError(field, f"is a list of {length}" if length else "is a list", value)
    return [_taken(item, each, f"{field}.{place}") for place, each in enumerate(value)]


def _taken_struct(
    members: Sequence[ABIComponent], value: Mapping[str, object], field: str
) -> tuple[object, ...]:
    names = _names(members)
    _require_names(names, value, field)
    return tuple(
        _taken(member, value[name], f"{field}.{name}")
        for name, member in zip(names, members, strict=True)
    )


def _taken_integer(is_unsigned: bool, bits: int, value: object, field: str) -> int:
    low, high = (0, 2**bits - 1) if is_unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    number = int(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value
    if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
        return number
    bounds = f"0 to 2^{bits} - 1" if is_unsigned else f"-2^{bits - 1} to 2^{bits - 1} - 1"
    raise InputError(field, f"is a whole number from {bounds}", value)


def _taken_bytes(length: int | None, value: object, field: str) -> bytes:
    if isinstance(value, str) and _HEX.fullmatch(value):
        data = bytes.fromhex(value[2:])
        if length in (None, len(data)):
            return data
    rule = "is bytes in hex" if length is None else f"is {length} bytes in hex"
    raise InputError(field, rule, value)


def _taken_address(value: str, field: str) -> str:
    digits = value[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(value):
        raise InputError(field, "has a correct EIP-55 checksum, or none", value)
    return to_checksum_address(value)
