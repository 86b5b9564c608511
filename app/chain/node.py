"""A node of our own, as a child process: Ganache or anvil, with the development accounts.

All that is particular to either of them is in this module. Time stands still on such a node: a
block has the time of the one before it until a clock moves it (`app.chain.clock`), so that nothing
that happens on the chain depends on the speed of the machine.
"""

import asyncio
import ctypes
import os
import platform
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from app.chain.keys import DEVELOPMENT_ACCOUNTS, DEVELOPMENT_MNEMONIC
from app.chain.rpc import Rpc
from app.errors import ConfigurationError, NodeUnavailableError

NodeKind = Literal["ganache", "anvil"]

HOST = "127.0.0.1"
CHAIN_ID = 1337
HARDFORK = "berlin"
BLOCK_GAS_LIMIT = 30_000_000

START_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0

NODE_MODULES = Path(__file__).resolve().parents[2] / "node_modules"

_POLL_INTERVAL = 0.02
_OUTPUT_SHOWN = 2_000
_PR_SET_PDEATHSIG = 1


class EmbeddedNode:
    """A node that lives as long as its context, or less: it ends with this process, however that
    ends (on Linux).

    `port` 0 picks a free one. With `data_dir` the chain is kept there and goes on where it stopped:
    Ganache keeps every transaction that it acknowledged, anvil all but the last seconds. Its output
    goes to `node.log` in that folder, or in a temporary one. `start_time` (seconds since the epoch)
    is the time of a new chain's first block; the present moment if it is None. `hardfork` names the
    rules of the chain, as far as the node knows them.

    Raises ConfigurationError if the port is taken or the node is not installed, and
    NodeUnavailableError with the last words of the node if it doesn't start.
    """

    def __init__(
        self,
        kind: NodeKind = "ganache",
        *,
        port: int = 0,
        data_dir: Path | None = None,
        start_time: int | None = None,
        accounts: int = DEVELOPMENT_ACCOUNTS,
        hardfork: str = HARDFORK,
    ) -> None:
        self.kind = kind
        self._port = port
        self._data_dir = data_dir
        self._start_time = start_time
        self._accounts = accounts
        self._hardfork = hardfork
        self._process: asyncio.subprocess.Process | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._rpc: Rpc | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def output(self) -> Path:
        """File with what the node prints."""
        if self._data_dir is not None:
            return self._data_dir / "node.log"
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="peerwatt-node-")
        return Path(self._temporary.name) / "node.log"

    async def __aenter__(self) -> Self:
        self._port = _free_port(self._port)
        if self._data_dir is not None:
            self._data_dir.mkdir(parents=True, exist_ok=True)
        command = self._ganache() if self.kind == "ganache" else self._anvil()
        with self.output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        self._rpc = Rpc(self.url)
        try:
            await self._wait_until_it_answers()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Ends the node and what it has started; does nothing if it has ended."""
        if self._rpc is not None:
            await self._rpc.close()
            self._rpc = None
        process, self._process = self._process, None
        if process is not None:
            await _end(process)
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    async def snapshot(self) -> str:
        """Remembers the state of the chain; returns what `revert` needs."""
        snapshot: str = await self._running().call("evm_snapshot")
        return snapshot

    async def revert(self, snapshot: str) -> None:
        """Sets the chain back, its time too. Snapshots taken since, and this one, are used up.

        Whoever keeps nonces or the time has to read them anew: `ChainLedger.resync`.
        """
        if not await self._running().call("evm_revert", snapshot):
            raise ConfigurationError(f"the node knows no snapshot {snapshot}")

    def _ganache(self) -> list[str]:
        script = NODE_MODULES / "ganache" / "dist" / "node" / "cli.js"
        node = shutil.which("node")
        if node is None or not script.exists():
            raise ConfigurationError("Ganache is not installed", hint="make setup")
        command = [
            *(node, str(script)),
            *("--server.host", HOST),
            *("--server.port", str(self._port)),
            *("--chain.chainId", str(CHAIN_ID)),
            *("--chain.networkId", str(CHAIN_ID)),
            *("--chain.hardfork", self._hardfork),
            *("--miner.blockGasLimit", str(BLOCK_GAS_LIMIT)),
            *("--miner.timestampIncrement", "0"),
            *("--wallet.mnemonic", DEVELOPMENT_MNEMONIC),
            *("--wallet.totalAccounts", str(self._accounts)),
            *("--logging.quiet", "true"),
        ]
        if self._start_time is not None:
            start = datetime.fromtimestamp(self._start_time, UTC)
            command += ("--chain.time", start.isoformat())
        if self._data_dir is not None:
            command += ("--database.dbPath", str(self._data_dir / "ganache"))
        return command

    def _anvil(self) -> list[str]:
        command = [
            str(_anvil_binary()),
            *("--host", HOST),
            *("--port", str(self._port)),
            *("--chain-id", str(CHAIN_ID)),
            *("--hardfork", self._hardfork),
            *("--gas-limit", str(BLOCK_GAS_LIMIT)),
            *("--gas-price", "0"),
            *("--mnemonic", DEVELOPMENT_MNEMONIC),
            *("--accounts", str(self._accounts)),
            "--quiet",
        ]
        if self._start_time is not None:
            command += ("--timestamp", str(self._start_time))
        if self._data_dir is not None:
            command += ("--state", str(self._data_dir / "anvil.json"), "--state-interval", "2")
        return command

    async def _wait_until_it_answers(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while not await self._answers():
            if asyncio.get_running_loop().time() > deadline:
                raise NodeUnavailableError(
                    f"{self.kind} did not answer within {START_TIMEOUT:.0f} s",
                    hint=self._last_words(),
                )
            await asyncio.sleep(_POLL_INTERVAL)
        if self.kind == "anvil":
            await self._running().call("anvil_setBlockTimestampInterval", 0)

    async def _answers(self) -> bool:
        with suppress(NodeUnavailableError):
            await self._running().call("eth_chainId")
            return True
        if self._process is not None and self._process.returncode is not None:
            raise NodeUnavailableError(f"{self.kind} did not start", hint=self._last_words())
        return False

    def _running(self) -> Rpc:
        if self._rpc is None:
            raise NodeUnavailableError(f"{self.kind} is not running")
        return self._rpc

    def _last_words(self) -> str:
        return self.output.read_text(errors="replace")[-_OUTPUT_SHOWN:].strip()


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} is taken: {error.strerror}",
                hint="end what listens there, or choose another port",
            ) from error
        chosen: int = probe.getsockname()[1]
        return chosen


def _anvil_binary() -> Path:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    # Not the package's launcher, which would not pass on every signal.
    binary = NODE_MODULES / f"@foundry-rs/anvil-{sys.platform}-{machine}" / "bin" / "anvil"
    if binary.exists():
        return binary
    found = shutil.which("anvil")
    if found is None:
        raise ConfigurationError("anvil is not installed", hint="make setup")
    return Path(found)


def _die_with(parent: int) -> Callable[[], None] | None:
    """What a child does before it becomes the node, so that it does not outlive a killed parent."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask_for_a_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_for_a_signal


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a process and its group: politely, then not."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
