"""The page's arithmetic, run by Node."""

import subprocess

from app.config import ROOT


def test_integers_become_words_and_text_becomes_integers() -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", "tests/page/units.test.mjs"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    assert "fail 0" in done.stdout
