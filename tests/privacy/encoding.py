"""Proofs and statements as JSON, by the types of whoever verifies them."""

import dataclasses
import types
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, get_args, get_origin, get_type_hints

from app.privacy.curve import G, Point
from app.privacy.fast_curve import FAST

Json = Any


def encode(value: Any) -> Json:
    """Dataclasses as objects, points and other tuples as arrays, numbers and bytes in hex."""
    if dataclasses.is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int):
        return hex(value)
    return [encode(item) for item in value]


def decode(kind: Any, encoded: Json) -> Any:
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: decode(hints[name], item) for name, item in encoded.items()})
    if kind is bytes:
        return bytes.fromhex(encoded[2:])
    if kind is int:
        return int(encoded, 16)
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return kind(int(encoded, 16))
    arguments = get_args(kind)
    if get_origin(kind) is Sequence or arguments[-1] is Ellipsis:
        return tuple(decode(arguments[0], item) for item in encoded)
    return tuple(decode(part, item) for part, item in zip(arguments, encoded, strict=True))


def call(verify: types.FunctionType, arguments: dict[str, Json], **more: Any) -> bool:
    """What the verifier says of arguments that came as JSON; InputError comes through."""
    hints = get_type_hints(verify)
    return verify(**{name: decode(hints[name], item) for name, item in arguments.items()}, **more)


def tampered(encoded: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Copies with one thing changed: each number and byte string with another last bit, each point
    replaced by another one, each array of three or more without its first item."""
    if isinstance(encoded, str):
        yield path, _another_word(encoded)
        return
    if _is_point(encoded):
        yield f"{path} (another point)", encode(FAST.add(_point(encoded), G))
    elif isinstance(encoded, list) and len(encoded) > 2:
        yield f"{path} (one less)", encoded[1:]
    items = encoded.items() if isinstance(encoded, dict) else enumerate(encoded)
    for key, item in items:
        for place, changed in tampered(item, f"{path}.{key}"):
            copy = dict(encoded) if isinstance(encoded, dict) else list(encoded)
            copy[key] = changed
            yield place, copy


def _another_word(text: str) -> str:
    return text[:-1] + format(int(text[-1], 16) ^ 1, "x")


def _is_point(encoded: Json) -> bool:
    return (
        isinstance(encoded, list)
        and len(encoded) == 2
        and all(isinstance(item, str) and len(item) > 40 for item in encoded)
    )


def _point(encoded: Json) -> Point:
    return int(encoded[0], 16), int(encoded[1], 16)
