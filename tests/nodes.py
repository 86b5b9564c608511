"""Nodes for tests: contracts small enough to write by hand, a network that loses what it carries,
and the whole market on a node of its own."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from app.chain.deployment import Deployment, deploy
from app.chain.keys import Keystore
from app.chain.node import EmbeddedNode, NodeKind
from app.chain.rpc import Rpc
from app.ledger.chain import ChainLedger

NOON = 1_763_726_400  # 2025-11-21 12:00 UTC

# Adds one to its first slot in every call: SLOAD(0) + 1 -> SSTORE(0)
COUNTER = "600054600101600055" + "00"
# Reverts with what it was called with: CALLDATACOPY, REVERT
ECHO = "3660006000373660" + "00fd"
# Uses up all gas: JUMPDEST, JUMP(0)
LOOP = "5b600056"
# INVALID
BROKEN = "fe"
# Emits an empty log with topic 1: LOG1
LOGGER = "600160006000a1" + "00"


def creation_code(runtime: str) -> str:
    """Code that deploys `runtime` (hex, up to 255 bytes)."""
    length = len(runtime) // 2
    return f"0x60{length:02x}600c60003960{length:02x}6000f3{runtime}"


async def create_contract(rpc: Rpc, creator: str, runtime: str) -> str:
    """Deploys `runtime` from an account of the node; returns its address."""
    receipt = await send_from_node(rpc, {"from": creator, "data": creation_code(runtime)})
    return receipt["contractAddress"]


async def send_from_node(rpc: Rpc, transaction: dict) -> dict:
    """Lets the node sign and send; returns the receipt."""
    whole = {"gas": hex(1_000_000), "gasPrice": "0x0"} | transaction
    transaction_hash = await rpc.call("eth_sendTransaction", whole)
    while True:
        receipt = await rpc.read("eth_getTransactionReceipt", transaction_hash)
        if receipt is not None:
            return receipt


@asynccontextmanager
async def market_on(
    folder: Path, kind: NodeKind = "ganache", start_time: int = NOON
) -> AsyncIterator[tuple[EmbeddedNode, Deployment, ChainLedger]]:
    """A new node with the contracts deployed, and a ledger with all development keys."""
    async with EmbeddedNode(kind, start_time=start_time) as node:
        deployment = await deploy(node.url, folder / "deployment.json")
        keys = Keystore.development(deployment.chain_id)
        async with await ChainLedger.connect(node.url, deployment, keys) as ledger:
            yield node, deployment, ledger


class Fault(Enum):
    """What a network can do to one request."""

    LOSE_RESPONSE = "the node answers, nobody hears it"
    LOSE_REQUEST = "the node never hears of it"
    DELAY_REQUEST = "the sender gives up before the node hears of it"


class FaultyNetwork:
    """A TCP proxy in front of a node, one request a connection; counts what gets through."""

    def __init__(self, node_url: str) -> None:
        host, port = node_url.removeprefix("http://").split(":")
        self._node = (host, int(port))
        self._faults: list[tuple[str, Fault]] = []
        self._delayed: list[bytes] = []
        self._server: asyncio.Server | None = None
        self.delivered: Counter[str] = Counter()

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def plan(self, fault: Fault, method: str = "", times: int = 1) -> None:
        """Does `fault` to the next `times` calls of a method, or to all that come."""
        self._faults += [(method, fault)] * times

    def heal(self) -> None:
        """Forgets the faults that did not happen yet."""
        self._faults.clear()

    async def deliver_delayed(self) -> None:
        """Brings the delayed requests to the node after all."""
        while self._delayed:
            await self._forward(self._delayed.pop(0))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            fault = self._fault_of(request)
            if fault is Fault.DELAY_REQUEST:
                self._delayed.append(request)
            elif fault is not Fault.LOSE_REQUEST:
                response = await self._forward(request)
                if fault is None:
                    writer.write(response)
                    await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # the client has gone
        finally:
            writer.close()

    def _fault_of(self, request: bytes) -> Fault | None:
        for place, (method, fault) in enumerate(self._faults):
            if _method_of(request).startswith(method):
                del self._faults[place]
                return fault
        return None

    async def _forward(self, request: bytes) -> bytes:
        self.delivered[_method_of(request)] += 1
        reader, writer = await asyncio.open_connection(*self._node)
        writer.write(_closing(request))
        response = await reader.read()
        writer.close()
        # Ganache closes, too, but doesn't say so.
        return _closing(response)


def _closing(message: bytes) -> bytes:
    """An HTTP message that announces the end of its connection."""
    return message.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    length = next(
        int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")
    )
    return head + await reader.readexactly(length)


def _method_of(request: bytes) -> str:
    method: str = json.loads(request.split(b"\r\n\r\n", 1)[1])["method"]
    return method
