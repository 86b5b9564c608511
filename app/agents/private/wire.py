"""Dataclasses as JSON and back, for journals and for what agents say to each other.

Numbers and bytes are hexadecimal texts, as many numbers are beyond what JSON readers take; a
dataclass is a mapping of its fields. `from_wire` takes anything and raises InputError alone.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from app.errors import InputError

T = TypeVar("T")

MAX_ITEMS = 1_024

_NUMBER = re.compile(r"0x[0-9a-f]{1,64}", re.ASCII)
_BYTES = re.compile(r"0x(?:[0-9a-f]{2}){0,65536}", re.ASCII)


def to_wire(value: Any) -> Any:
    """A dataclass, or what may be in one, in the form that JSON has."""
    if dataclasses.is_dataclass(value):
        return {each.name: to_wire(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return [to_wire(each) for each in value]


def from_wire(kind: type[T], raw: object, where: str = "message") -> T:
    """What `to_wire` has written, as `kind`; `where` is named in errors.

    Raises:
        InputError: it is nothing of that kind, with the path of what is wrong.
    """
    found: T = _read(kind, raw, where)
    return found


def _read(kind: Any, raw: object, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _read_fields(kind, raw, where)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is UnionType:
        other = next(part for part in parts if part is not NoneType)
        return None if raw is None else _read(other, raw, where)
    if origin is tuple:
        return _read_items(parts, raw, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        known = {each.value: each for each in kind}
        if not isinstance(raw, str) or raw not in known:
            raise InputError(where, f"must be one of {', '.join(map(str, known))}", _shown(raw))
        return known[raw]
    return _read_leaf(kind, raw, where)


def _read_fields(kind: Any, raw: object, where: str) -> Any:
    hints = _hints(kind)
    if not isinstance(raw, Mapping) or set(raw) != set(hints):
        raise InputError(where, f"must have {', '.join(hints)}", _shown(raw))
    return kind(**{name: _read(each, raw[name], f"{where}.{name}") for name, each in hints.items()})


def _read_items(parts: tuple[Any, ...], raw: object, where: str) -> tuple[Any, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or len(raw) > MAX_ITEMS:
        raise InputError(where, f"must be a list of at most {MAX_ITEMS}", _shown(raw))
    kinds = (parts[0],) * len(raw) if parts[-1] is Ellipsis else parts
    if len(raw) != len(kinds):
        raise InputError(where, f"must have {len(kinds)} items", len(raw))
    return tuple(
        _read(kind, item, f"{where}[{number}]")
        for number, (kind, item) in enumerate(zip(kinds, raw, strict=True))
    )


def _read_leaf(kind: Any, raw: object, where: str) -> Any:
    if kind is bool and isinstance(raw, bool):
        return raw
    if kind is str and isinstance(raw, str):
        return raw
    if kind is int and isinstance(raw, str) and _NUMBER.fullmatch(raw):
        return int(raw, 16)
    if kind is bytes and isinstance(raw, str) and _BYTES.fullmatch(raw):
        return bytes.fromhex(raw[2:])
    raise InputError(where, f"must be {kind.__name__}", _shown(raw))


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in dataclasses.fields(kind)}


def _shown(raw: object) -> str:
    """What was there instead, which may be a secret: of what kind it is, no more."""
    return f"a {type(raw).__name__}"
