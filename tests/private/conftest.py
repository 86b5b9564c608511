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
    """A round that was played to its end; what each account had before it, in all."""

    window: int
    round: Round
    trades: list[Trade]
    before: dict[str, int]


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
    before = {member.account: await wealth_of(private, member) for member in members}
    window = await untraded_window(market)
    return Played(window, played, await played.play(window), before)


async def untraded_window(market: Market) -> int:
    """A window that no other test trades for; the time goes on to one before it."""
    await market.advance_to(commit_start(market.next_window()))
    return market.next_window() + 1


async def wealth_of(private: PrivateLedger, member: Member) -> int:
    """Money in notes, and in public hands."""
    outside = await private.ledger.payment_balance_of(member.account)
    return member.purse.balance + outside
