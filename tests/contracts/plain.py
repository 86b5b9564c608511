"""What brownie returns, as plain Python values.

Its own types refuse comparisons (`Wei` in a tuple) or make them loose (hex strings).
"""

from typing import Any

from brownie.convert.datatypes import ReturnValue


def plain(value: Any) -> Any:
    """Integers, strings, bytes and lists; a struct becomes a dict of its fields."""
    if isinstance(value, ReturnValue):
        names = [name for name, _ in value.items()]
        if names and not any("[" in name for name in names):
            return {name: plain(item) for name, item in value.items()}
        return [plain(item) for item in value]
    if isinstance(value, bool):
        return value
    for kind in (int, bytes, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{value!r} came from a contract")


def events_of(transaction: Any, name: str) -> list[dict[str, Any]]:
    """All events of one name, in the order of their emission."""
    if name not in transaction.events:
        return []
    return [
        {field: plain(value) for field, value in event.items()}
        for event in transaction.events[name]
    ]


def event_of(transaction: Any, name: str) -> dict[str, Any]:
    """The one event of this name."""
    (event,) = events_of(transaction, name)
    return event
