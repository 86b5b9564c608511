"""The page's arithmetic, run by Node."""

import subprocess

import pytest

from app.config import ROOT


@pytest.mark.parametrize("part", ["units", "book", "community", "private"])
def test_numbers_become_words_and_curves(part: str) -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", f"tests/page/{part}.test.mjs"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    assert "fail 0" in done.stdout
