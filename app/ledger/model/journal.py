"""What makes a call of the model all or nothing, as a transaction of a chain is."""

from collections.abc import Mapping
from typing import TypeVar

from app.ledger.types import Event

K = TypeVar("K")
V = TypeVar("V")

_ABSENT = object()


class Journal:
    """Notes what a call overwrites and which events it emits, to commit or undo them together.

    All state of the model lies in dicts of immutable values that are written through `put` and
    `remove`, so that undoing costs as much as the call wrote and nothing is ever copied.
    """

    def __init__(self) -> None:
        self._overwritten: list[tuple[dict[object, object], object, object]] = []
        self._events: list[Event] = []

    def put(self, rows: dict[K, V], key: K, value: V) -> None:
        """Writes `rows[key] = value`."""
        self._overwritten.append((rows, key, rows.get(key, _ABSENT)))  # type: ignore[arg-type]
        rows[key] = value

    def remove(self, rows: dict[K, V], key: K) -> None:
        """Deletes `rows[key]`, which is there."""
        self._overwritten.append((rows, key, rows.pop(key)))  # type: ignore[arg-type]

    def emit(self, contract: str, name: str, arguments: Mapping[str, object]) -> None:
        """Appends an event."""
        self._events.append(Event(contract, name, arguments, len(self._events)))

    def commit(self) -> tuple[Event, ...]:
        """Keeps what the call wrote; returns its events."""
        events = tuple(self._events)
        self._overwritten.clear()
        self._events.clear()
        return events

    def roll_back(self) -> None:
        """Undoes what the call wrote and emitted."""
        for rows, key, value in reversed(self._overwritten):
            if value is _ABSENT:
                del rows[key]
            else:
                rows[key] = value
        self._overwritten.clear()
        self._events.clear()
