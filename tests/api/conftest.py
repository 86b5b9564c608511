"""One market for all tests of the gateway. Its time only goes forward."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.chain.keys import AUDITORS, KEEPER, OPERATOR, TREASURERS, development_address
from app.chain.node import EmbeddedNode
from tests.api.market import NEIGHBOURS, NOON, Household, Market, open_market


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def market(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    folder = tmp_path_factory.mktemp("market")
    async with EmbeddedNode(start_time=NOON) as node, open_market(folder, node) as opened:
        for neighbour in NEIGHBOURS:
            assert await opened.household() == neighbour
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seller(market: Market) -> Household:
    """Household 0: it makes offers; who agrees on them takes a seller of its own."""
    return NEIGHBOURS[0]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def buyer(market: Market) -> Household:
    """Household 1."""
    return NEIGHBOURS[1]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def outsider(market: Market) -> Household:
    """Has a certified meter and has published nothing."""
    return await market.household(funds=0, enrolled=False)


@pytest.fixture
def auditor() -> str:
    return development_address(AUDITORS[0])


@pytest.fixture
def treasurer() -> str:
    return development_address(TREASURERS[0])


@pytest.fixture
def operator() -> str:
    return development_address(OPERATOR)


@pytest.fixture
def keeper() -> str:
    return development_address(KEEPER)
