import asyncio
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from app.chain.clock import ChainClock, latest_timestamp
from app.chain.keys import Keystore
from app.chain.node import CHAIN_ID, EmbeddedNode, NodeKind
from app.chain.reverts import ErrorTable
from app.chain.rpc import Rpc
from app.chain.sender import Call, Sender
from app.errors import ConfigurationError, NodeUnavailableError
from tests.chain.conftest import counted
from tests.nodes import COUNTER, NOON, create_contract

KINDS = pytest.mark.parametrize("kind", ["ganache", "anvil"])


def listens(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def runs(pid: int) -> bool:
    """Whether a process is there and is not a zombie that waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def ends(pid: int, within: float = 20.0) -> bool:
    deadline = time.monotonic() + within
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not runs(pid)


@KINDS
async def test_it_runs_within_its_context_only(kind: NodeKind) -> None:
    async with EmbeddedNode(kind) as node:
        pid = node.pid
        assert pid is not None
        assert runs(pid)
        async with Rpc(node.url) as rpc:
            assert int(await rpc.read("eth_chainId"), 16) == CHAIN_ID

    assert not runs(pid)
    assert not listens(node.url)


@KINDS
async def test_it_starts_at_the_given_time_and_stays_there(kind: NodeKind) -> None:
    async with EmbeddedNode(kind, start_time=NOON) as node, Rpc(node.url) as rpc:
        account = (await rpc.read("eth_accounts"))[0]
        await create_contract(rpc, account, COUNTER)
        await create_contract(rpc, account, COUNTER)

        assert await latest_timestamp(rpc) == NOON


@KINDS
async def test_it_has_the_development_accounts(kind: NodeKind) -> None:
    async with EmbeddedNode(kind) as node, Rpc(node.url) as rpc:
        unlocked = await rpc.read("eth_accounts")
        balance = int(await rpc.read("eth_getBalance", unlocked[-1], "latest"), 16)

    known = [account.lower() for account in Keystore.development(CHAIN_ID)]
    assert [account.lower() for account in unlocked] == known
    assert balance > 0


@KINDS
async def test_a_snapshot_brings_back_state_and_time(kind: NodeKind) -> None:
    async with EmbeddedNode(kind, start_time=NOON) as node, Rpc(node.url) as rpc:
        clock = await ChainClock.start(rpc)
        account = (await rpc.read("eth_accounts"))[0]
        snapshot = await node.snapshot()
        contract = await create_contract(rpc, account, COUNTER)
        await clock.advance_to(NOON + 3_600)

        await node.revert(snapshot)
        await clock.resync()

        assert await rpc.read("eth_getCode", contract, "latest") == "0x"
        assert clock.now() == await latest_timestamp(rpc) == NOON


async def test_an_unknown_snapshot_is_refused() -> None:
    async with EmbeddedNode("anvil") as node:
        with pytest.raises(ConfigurationError, match="snapshot"):
            await node.revert("0x77")


async def test_a_taken_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"port {port} is taken"):
            async with EmbeddedNode(port=port):
                pass


async def test_a_node_that_does_not_start_says_why(tmp_path: Path) -> None:
    async with EmbeddedNode(data_dir=tmp_path):
        with pytest.raises(NodeUnavailableError, match=r"(?is)did not start.*lock"):
            async with EmbeddedNode(data_dir=tmp_path):
                pass


async def test_acknowledged_transactions_survive_a_kill(tmp_path: Path) -> None:
    keys = Keystore.development(CHAIN_ID)
    first, second = list(keys)[:2]
    errors = ErrorTable({})
    async with EmbeddedNode(data_dir=tmp_path, start_time=NOON) as node:
        async with Rpc(node.url) as rpc:
            contract = await create_contract(rpc, first, COUNTER)
            sender = Sender(rpc, keys.key_of(second), chain_id=CHAIN_ID, errors=errors)
            await (await ChainClock.start(rpc)).advance_to(NOON + 600)
            for _ in range(10):
                await sender.send(Call(contract, b"", 60_000))
        assert node.pid is not None
        os.kill(node.pid, signal.SIGKILL)

    async with EmbeddedNode(data_dir=tmp_path) as node, Rpc(node.url) as rpc:
        assert await counted(rpc, contract) == 10
        assert await latest_timestamp(rpc) == NOON + 600
        sender = Sender(rpc, keys.key_of(second), chain_id=CHAIN_ID, errors=errors)
        await sender.send(Call(contract, b"", 60_000))
        assert await counted(rpc, contract) == 11


async def test_anvil_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = EmbeddedNode("anvil", data_dir=tmp_path, start_time=NOON)
    async with first, Rpc(first.url) as rpc:
        account = (await rpc.read("eth_accounts"))[0]
        contract = await create_contract(rpc, account, COUNTER)

    async with EmbeddedNode("anvil", data_dir=tmp_path) as node, Rpc(node.url) as rpc:
        assert await rpc.read("eth_getCode", contract, "latest") != "0x"
        assert await latest_timestamp(rpc) == NOON


async def test_a_sender_survives_a_restart_of_its_node(tmp_path: Path) -> None:
    keys = Keystore.development(CHAIN_ID)
    first, second = list(keys)[:2]
    async with EmbeddedNode(data_dir=tmp_path, start_time=NOON) as node:
        port = int(node.url.rpartition(":")[2])
        async with Rpc(node.url) as rpc:
            contract = await create_contract(rpc, first, COUNTER)
            restarted = EmbeddedNode(data_dir=tmp_path, port=port)

            async def restart(seconds: float) -> None:
                if restarted.pid is None:
                    await restarted.__aenter__()

            sender = Sender(
                rpc, keys.key_of(second), chain_id=CHAIN_ID, errors=ErrorTable({}), sleep=restart
            )
            await sender.send(Call(contract, b"", 60_000))
            await node.stop()
            try:
                await sender.send(Call(contract, b"", 60_000))
                assert await counted(rpc, contract) == 2
            finally:
                await restarted.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="no other system ends orphans")
async def test_it_ends_when_its_parent_is_killed() -> None:
    program = (
        "import asyncio, json\n"
        "from app.chain.node import EmbeddedNode\n"
        "async def main():\n"
        "    async with EmbeddedNode() as node:\n"
        "        print(json.dumps([node.url, node.pid]), flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    url, pid = json.loads(await parent.stdout.readline())
    assert runs(pid)

    parent.kill()
    await parent.wait()

    assert await asyncio.to_thread(ends, pid)
    assert not listens(url)
