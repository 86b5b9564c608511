"""Nodes, accounts and small contracts for the tests of the chain."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeAlias

import pytest
import pytest_asyncio
from eth_typing import ABIError

from app.chain.keys import Keystore
from app.chain.node import CHAIN_ID, EmbeddedNode
from app.chain.reverts import ErrorTable
from app.chain.rpc import Rpc
from app.chain.sender import Call, Sender
from tests.nodes import COUNTER, ECHO, NOON, create_contract

ADDRESS = "0x" + "ab" * 20

ERRORS: list[ABIError] = [
    {
        "type": "error",
        "name": "OfferExceeded",
        "inputs": [
            {"name": "offerId", "type": "uint256"},
            {"name": "energyWh", "type": "uint256"},
            {"name": "availableWh", "type": "uint256"},
        ],
    },
    {
        "type": "error",
        "name": "NotSeller",
        "inputs": [{"name": "caller", "type": "address"}, {"name": "seller", "type": "address"}],
    },
    {"type": "error", "name": "EnforcedPause", "inputs": []},
]

MakeSender: TypeAlias = Callable[..., Sender]


@pytest.fixture(scope="session")
def keys() -> Keystore:
    return Keystore.development(CHAIN_ID)


@pytest.fixture(scope="session")
def errors() -> ErrorTable:
    return ErrorTable({"Market": ERRORS})


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["ganache", "anvil"])
async def node(request: pytest.FixtureRequest) -> AsyncIterator[EmbeddedNode]:
    """Shared by all tests; their accounts are their own."""
    async with EmbeddedNode(request.param, start_time=NOON) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def rpc(node: EmbeddedNode) -> AsyncIterator[Rpc]:
    async with Rpc(node.url) as connection:
        yield connection


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return itertools.count(10)


@pytest.fixture(scope="session")
def deployer(keys: Keystore) -> str:
    return next(iter(keys))


@pytest.fixture
def account(numbers: Iterator[int], keys: Keystore) -> str:
    """A development account that no other test has used."""
    return list(keys)[next(numbers)]


@pytest.fixture
def make_sender(rpc: Rpc, keys: Keystore, errors: ErrorTable) -> MakeSender:
    def make(account: str, connection: Rpc = rpc, **options: object) -> Sender:
        return Sender(connection, keys.key_of(account), chain_id=CHAIN_ID, errors=errors, **options)

    return make


@pytest.fixture
def sender(make_sender: MakeSender, account: str) -> Sender:
    return make_sender(account)


@pytest_asyncio.fixture(loop_scope="session")
async def counter(rpc: Rpc, deployer: str) -> str:
    """A contract that counts how often it was called."""
    return await create_contract(rpc, deployer, COUNTER)


@pytest_asyncio.fixture(loop_scope="session")
async def echo(rpc: Rpc, deployer: str) -> str:
    """A contract that reverts with what it was called with."""
    return await create_contract(rpc, deployer, ECHO)


@pytest.fixture
def count(counter: str) -> Call:
    return Call(counter, b"", 60_000)


async def counted(rpc: Rpc, counter: str) -> int:
    """How often a counter was called."""
    return int(await rpc.read("eth_getStorageAt", counter, "0x0", "latest"), 16)


async def nonce_of(rpc: Rpc, account: str) -> int:
    return int(await rpc.read("eth_getTransactionCount", account, "latest"), 16)
