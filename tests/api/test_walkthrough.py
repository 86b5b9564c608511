"""docs/api.md is executed as it is written, and answers what it says."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.market import Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "=== end of a step ==="

# What is different in every market.
VARYING = {
    "at",
    "block",
    "book",
    "buy_id",
    "closes_at",
    "deadline",
    "first_window",
    "expires_at",
    "gas_used",
    "last_window",
    "log_index",
    "members",
    "offer_id",
    "order_id",
    "other_id",
    "quorum",
    "sell_id",
    "window",
}


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall((ROOT / "docs" / "api.md").read_text())


def shape(value: Any, name: str = "") -> Any:
    """The value, without what is different in every market."""
    if isinstance(value, dict):
        return {key: shape(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each, name) for each in value]
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-f]{64}", value):
        return "32 bytes"
    return f"any {type(value).__name__}" if name in VARYING else value


async def run(market: Market, folder: Path, *command: str, text: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PEERWATT_API": f"{market.url}/api/v1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(240):
        output, errors = await process.communicate(text.encode())
    assert process.returncode == 0, (output + errors).decode()
    return output.decode()


async def test_the_shell_steps_answer_what_the_page_says(market: Market, tmp_path: Path) -> None:
    steps = [(kind, text) for kind, text in blocks() if kind in ("sh", "json")]
    script = ["set -euo pipefail"]
    for kind, text in steps:
        if kind == "sh":
            script += [text, f"echo; echo '{MARK}'"]
    async with market.time_passing(speed=300):
        output = await run(market, tmp_path, "bash", text="\n".join(script))
    answers = iter(output.split(MARK))
    answer = ""
    shown = 0
    for kind, text in steps:
        if kind == "sh":
            answer = next(answers)
        else:
            shown += 1
            assert shape(json.loads(answer)) == shape(json.loads(text))
    assert shown >= 7


async def test_the_python_program_relays_an_offer(market: Market, tmp_path: Path) -> None:
    (program,) = [text for kind, text in blocks() if kind == "python"]
    output = await run(market, tmp_path, sys.executable, "-", text=program)
    assert re.fullmatch(r"makeOffer 0x[0-9a-f]{64}\n", output)
