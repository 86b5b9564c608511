"""Private trading on a node, with the gateway before it. Eleven members, each with a note."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from app.chain.deployment import deploy
from app.chain.node import EmbeddedNode
from app.ledger.private import PrivateLedger
from app.market.windows import commit_start
from benchmarks.private_round import Member, Report, Round, Trade, prepare
from tests.api.market import NOON, Market, open_market

MEMBERS = RING = 11


@dataclass(frozen=True, slots=True)
class Played:
    """A round that was played to its end, and whose money was where before it and after it.

    `blocks` are those of the round, the first one and the last.
    """

    window: int
    blocks: tuple[int, int]
    round: Round
    trades: list[Trade]
    before: "Wealth"
    after: "Wealth"

    def gain_of(self, member: Member) -> int:
        """In 1e-6; below zero for a loss."""
        return self.after.of_members[member.account] - self.before.of_members[member.account]


@dataclass(frozen=True, slots=True)
class Wealth:
    """Money in 1e-6: all that each account has, what is in notes of members, and in the pool."""

    of_members: dict[str, int]
    in_notes: int
    in_pool: int


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def market(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    folder = tmp_path_factory.mktemp("private-market")
    async with EmbeddedNode("anvil", start_time=NOON) as node:
        deployment = await deploy(node.url, folder / "deployment.json", private=True)
        async with open_market(folder, node, deployment) as opened:
            yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def members() -> list[Member]:
    return [Member.of(number, secrets.token_bytes(32)) for number in range(MEMBERS)]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def private(market: Market, members: list[Member]) -> PrivateLedger:
    return await prepare(market.ledger, members)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def played(market: Market, private: PrivateLedger, members: list[Member]) -> Played:
    played = Round(private, members, RING, Report())
    await played.look()
    before = await wealth_of(private, members)
    window = await untraded_window(market)
    first = await height_of(private) + 1
    trades = await played.play(window)
    blocks = first, await height_of(private)
    return Played(window, blocks, played, trades, before, await wealth_of(private, members))


async def height_of(private: PrivateLedger) -> int:
    """The number of the latest block."""
    return int(await private.ledger.rpc.read("eth_blockNumber"), 16)


async def untraded_window(market: Market) -> int:
    """A window that no other test trades for; the time goes on to one before it."""
    await market.advance_to(commit_start(market.next_window()))
    return market.next_window() + 1


async def wealth_of(private: PrivateLedger, members: list[Member]) -> Wealth:
    """As of now, by the notes that the members have found."""
    balance_of = private.ledger.payment_balance_of
    return Wealth(
        {each.account: each.purse.balance + await balance_of(each.account) for each in members},
        sum(each.purse.balance for each in members),
        await balance_of(private.rules.pool.address),
    )
