"""The real market in a process of its own, and a real browser that looks at it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from app.config import ROOT
from tests.page.private_street import PrivateStreet, private_street
from tests.page.still import StillMarket, still_market
from tests.page.street import Market, write_scenario

SPEED = 240
"""Market seconds in a second: an hour takes 15 s."""

PATIENCE_SECONDS = 60
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    if not (ROOT / "app" / "web" / "dist" / "index.html").exists():
        pytest.fail("the page is not built: make web")
    folder = tmp_path_factory.mktemp("market")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "log"
    command = [
        str(Path(sys.executable).with_name("peerwatt")),
        "up",
        str(write_scenario(folder)),
        f"--speed={SPEED}",
        f"--port={port}",
        f"--data-dir={folder / 'data'}",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        opened = Market(f"http://127.0.0.1:{port}")
        _wait_for_trade(opened, process, log)
        yield opened
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_SECONDS) in (0, 130), log.read_text()


def _wait_for_trade(market: Market, process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when the first agreements stand."""
    deadline = time.monotonic() + 4 * PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if market.items("/agreements"):
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    pytest.fail(f"nobody traded: {log.read_text()}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = Path(os.environ.get("PEERWATT_BROWSER", "/usr/bin/chromium"))
    if not path.exists():
        message = f"there is no browser at {path}: name one by PEERWATT_BROWSER"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    expect.set_options(timeout=PATIENCE_SECONDS * 1_000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(path), args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StillMarket]:
    """A market of its own, in which nobody but the tests does anything."""
    with still_market(write_scenario(tmp_path_factory.mktemp("still"))) as opened:
        yield opened


@pytest.fixture(scope="package")
def street() -> Iterator[PrivateStreet]:
    """A street that has traded in private for an hour."""
    with private_street() as opened:
        yield opened


@pytest.fixture
def open_private(browser: Browser, street: PrivateStreet) -> Iterator[OpenPage]:
    """Opens the page of the street that trades in private."""
    with windows(browser, street.url) as opened:
        yield opened


@pytest.fixture
def open_page(browser: Browser, market: Market) -> Iterator[OpenPage]:
    """Opens the page of the market that trades."""
    with windows(browser, market.url) as opened:
        yield opened


@pytest.fixture
def open_still(browser: Browser, still: StillMarket) -> Iterator[OpenPage]:
    """Opens the page of the market whose time the tests have in hand."""
    with windows(browser, still.url) as opened:
        yield opened


@contextmanager
def windows(browser: Browser, url: str) -> Iterator[OpenPage]:
    """Opens pages at a path, each in a browser window of its own with given options.

    A test fails in which the page logs an error, breaks its security policy, or asks anybody but
    its gateway for anything; `expected` is part of an error that the test brings about.
    """
    contexts = []
    complaints: list[str] = []
    forgiven: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def request(sent: Request) -> None:
        if not sent.url.startswith((url, "data:")):
            complaints.append(f"asked for {sent.url}")

    def open_(path: str = "/", *, ready: bool = True, expected: str = "", **options: Any) -> Page:
        if expected:
            forgiven.append(expected)
        settings = {"viewport": {"width": 1360, "height": 900}, **options}
        context = browser.new_context(base_url=url, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1_000)
        page.on("console", console)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", request)
        page.goto(path)
        if ready:
            expect(page.get_by_role("heading", level=1)).to_be_visible()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [each for each in complaints if not any(part in each for part in forgiven)] == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()
