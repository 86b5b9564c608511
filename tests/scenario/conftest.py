"""The committed data, and copies of it with one thing changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def simbench() -> Path:
    return ROOT / "data" / "simbench"


@pytest.fixture(scope="session")
def summer(simbench: Path) -> Path:
    return simbench / "summer.csv"


@pytest.fixture(scope="session")
def examples() -> Path:
    return ROOT / "examples"


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Path, str, str], Path]:
    """Copies a text file, with the first occurrence of one text replaced by another."""

    def make(original: Path, old: str, new: str) -> Path:
        text = original.read_text(encoding="utf-8")
        assert old in text, "the test would change nothing"
        copy = tmp_path / original.name
        copy.write_text(text.replace(old, new, 1), encoding="utf-8")
        return copy

    return make


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Writes a CSV file of its own."""

    def make(content: str | bytes) -> Path:
        path = tmp_path / "own.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make
