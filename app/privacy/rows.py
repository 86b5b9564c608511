"""Statements and proofs as contracts take them: tuples of what the dataclasses hold, in order."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_type_hints

from app.errors import InputError

T = TypeVar("T")
Row = tuple[Any, ...]


def to_row(value: Any) -> Any:
    """A dataclass as a tuple, and so what is in it; numbers, bytes and text as they are."""
    if dataclasses.is_dataclass(value):
        return tuple(to_row(getattr(value, each.name)) for each in dataclasses.fields(value))
    if isinstance(value, tuple | list):
        return tuple(map(to_row, value))
    return value


def from_row(kind: type[T], row: Any) -> T:
    """What a contract was given, as `kind`; the reverse of `to_row`.

    Raises:
        InputError: something in it is no point, no scalar, or of another number of parts.
    """
    found: T = _read(kind, row)
    return found


def _read(kind: Any, row: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        fields, hints = dataclasses.fields(kind), get_type_hints(kind)
        _require_length(len(fields), row)
        values = {
            each.name: _read(hints[each.name], item) for each, item in zip(fields, row, strict=True)
        }
        return kind(**values)  # type: ignore[operator]
    parts = get_args(kind)
    if not parts:
        return row
    if parts[-1] is Ellipsis:
        return tuple(_read(parts[0], item) for item in row)
    _require_length(len(parts), row)
    return tuple(_read(part, item) for part, item in zip(parts, row, strict=True))


def _require_length(parts: int, row: Sequence[Any]) -> None:
    if len(row) != parts:
        raise InputError("row", f"must have {parts} parts", len(row))
