"""Whatever somebody sends, the gateway says what is wrong with it and goes on."""

import copy
import json
import re
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytest

from tests.api.market import Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    2**53,
    2**256,
    10**300,
    "",
    "0",
    "0x",
    "\0",
    "\ud800",
    "0x" + "f" * 40,
    "0x" + "ff" * 32,
    "x" * 10_000,
    [],
    {},
    [[[]]],
    {"from": {"from": None}},
)
STRANGE_TEXTS = (
    "",
    "-1",
    "1e9",
    "9" * 400,
    "%00",
    "%ff",
    "..%2f..",
    "0x" + "f" * 40,
    "' OR 1=1 --",
    "\N{ARABIC-INDIC DIGIT FIVE}",
    "null",
    "[]",
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all members of a JSON value, lists by their first item."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*path, 0))


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    if not path:
        return to
    whole = copy.deepcopy(value)
    at = whole
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return whole


async def schema_of(market: Market) -> dict[str, Any]:
    schema: dict[str, Any] = (await market.http.get("/openapi.json")).json()
    return schema


async def test_strange_bodies(market: Market) -> None:
    broken = []
    strange = cycle(STRANGE)
    for path, operations in (await schema_of(market))["paths"].items():
        operation = operations.get("post")
        if operation is None:
            continue
        example = operation["requestBody"]["content"]["application/json"]["example"]
        url = re.sub(r"\{\w+\}", "1", path)
        for place in leaves(example):
            for value in islice(strange, 5):
                body = json.dumps(changed(example, place, value))
                answer = await market.http.post(
                    url, content=body, headers={"Content-Type": "application/json"}
                )
                if answer.status_code in (500, 502, 504):
                    broken.append((url, place, value, answer.text))
    assert broken == []


async def test_strange_parameters(market: Market) -> None:
    broken = []
    strange = cycle(STRANGE_TEXTS)
    for path, operations in (await schema_of(market))["paths"].items():
        operation = operations.get("get")
        if operation is None or path.endswith("/events"):
            continue
        for parameter in operation.get("parameters", []):
            for value in islice(strange, 4):
                url, query = path, ""
                if parameter["in"] == "path":
                    url = path.replace(f"{{{parameter['name']}}}", value)
                else:
                    url = path.replace("{address}", "0x" + "11" * 20)
                    query = f"?{parameter['name']}={value}"
                answer = await market.http.get(url + query)
                if answer.status_code >= 500:
                    broken.append((url, query, answer.text))
    assert broken == []
