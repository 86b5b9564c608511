"""Each pitfall that `docs/privacy.md` lists names tests, and these exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parent / "docs" / "privacy.md"
PITFALLS = 14


def documented():
    """The tests of each pitfall, by its number."""
    (section,) = re.findall(
        r"^## Pitfalls$(.+?)^## ", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL
    )
    items = re.split(r"^(\d+)\. \*\*", section, flags=re.MULTILINE)[1:]
    return {
        int(number): re.findall(r"`([\w/]+\.py)::(\w+)`", text)
        for number, text in zip(items[::2], items[1::2], strict=True)
    }


def functions_of(path):
    """What a file defines, but for what is in classes."""
    nodes = ast.parse((TESTS / path).read_text(encoding="utf-8")).body
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_all_pitfalls_are_listed():
    assert list(documented()) == list(range(1, PITFALLS + 1))


@pytest.mark.parametrize("number", range(1, PITFALLS + 1))
def test_a_pitfall_has_tests(number):
    tests = documented()[number]

    assert tests
    for path, name in tests:
        assert name.startswith("test_")
        assert name in functions_of(path), path
