"""`peerwatt up`: a market that people can reach, that ends cleanly and goes on where it was."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cli.conftest import PEERWATT, STREET, environment, peerwatt

PATIENCE_SECONDS = 120


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Market:
    """A `peerwatt up` that is ready."""

    process: subprocess.Popen[bytes]
    port: int

    def get(self, path: str) -> Any:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=20).json()

    def wait_for(self, done: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the market has ended"
            with suppress(httpx.TransportError):
                if found := done():
                    return found
            time.sleep(0.1)
        raise AssertionError("waited in vain")

    def children(self) -> set[int]:
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in task.read_text().split()}


@contextmanager
def market(folder: Path, *words: object) -> Iterator[Market]:
    port = free_port()
    with (folder / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [PEERWATT, "up", STREET, "--port", str(port), *map(str, words)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    opened = Market(process, port)
    try:
        opened.wait_for(lambda: opened.get("/ready")["ready"])
        yield opened
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_a_street_trades_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    with market(tmp_path, "--speed", 1800) as street:
        for path in ("/", "/docs", "/openapi.json"):
            answer = httpx.get(f"http://127.0.0.1:{street.port}{path}", timeout=20)
            assert answer.status_code == 200
            assert "127.0.0.1" in str(answer.url)
        assert street.get("/api/v1/market")["scenario"] == "street"
        agreement = street.wait_for(lambda: street.get("/api/v1/agreements")["items"])[0]
        assert agreement["energy_wh"] > 0
        children = street.children()
        assert children
        street.process.send_signal(signal.SIGINT)
        assert street.process.wait(30) == 0
        assert not any(is_alive(pid) for pid in children)
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", street.port))
    assert "Traceback" not in (tmp_path / "up.log").read_text()


def test_a_killed_market_goes_on_where_it_stopped(tmp_path: Path) -> None:
    words = ("--speed", 1800, "--data-dir", tmp_path / "data")
    with market(tmp_path, *words) as street:
        street.wait_for(lambda: street.get("/api/v1/agreements")["items"])
        before = street.get("/api/v1/windows/current")["now"]
        agreements = {each["agreement_id"] for each in street.get("/api/v1/agreements")["items"]}
        children = street.children()
        street.process.send_signal(signal.SIGKILL)
        street.process.wait(30)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(is_alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    with market(tmp_path, *words) as street:
        assert street.get("/api/v1/windows/current")["now"] >= before - 3600
        assert agreements <= {
            each["agreement_id"] for each in street.get("/api/v1/agreements")["items"]
        }
        street.wait_for(
            lambda: (
                agreements
                <= {each["agreement_id"] for each in street.get("/api/v1/settlements")["items"]}
            )
        )
        street.process.send_signal(signal.SIGTERM)
        assert street.process.wait(30) == 0


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = peerwatt("up", "--port", port, folder=tmp_path)
    assert done.returncode == 1
    assert f"cannot listen at 127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
