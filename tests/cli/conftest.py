"""The command line as users have it: the installed `peerwatt`, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.config import ROOT

PEERWATT = Path(sys.executable).with_name("peerwatt")
STREET = ROOT / "examples" / "street.yaml"
CASE_STUDY = ROOT / "examples" / "huang2022.yaml"
PRIVATE_STREET = ROOT / "tests" / "agents" / "private" / "street.yaml"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished `peerwatt run` with what it has left behind."""

    output: str
    summary: dict[str, Any]
    folder: Path

    def lines(self, name: str) -> list[str]:
        return (self.folder / name).read_text(encoding="utf-8").splitlines()


RunStreet = Callable[..., Run]


def environment() -> dict[str, str]:
    """The test's own, without what a developer may have set for the market."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PEERWATT_")}
    own.pop("DATABASE_URL", None)
    return own


def peerwatt(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PEERWATT, *map(str, words)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


@pytest.fixture
def run_street(tmp_path: Path) -> RunStreet:
    """Runs a scenario in a folder of its own."""

    def run(*words: object, name: str = "run") -> Run:
        folder = tmp_path / name
        folder.mkdir()
        done = peerwatt("run", *words, "--json", folder / "summary.json", folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        (left,) = (folder / "runs").iterdir()
        return Run(done.stdout, json.loads((folder / "summary.json").read_text()), left)

    return run
