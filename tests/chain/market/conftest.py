"""The whole market on a node of its own. Its time only goes forward."""

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import pytest
import pytest_asyncio

from app.agents.enrolment import bring_money
from app.chain.keys import (
    AUDITORS,
    KEEPER,
    OPERATOR,
    RELAYER,
    TREASURERS,
    TREASURY,
    development_address,
    household_address,
    meter_address,
)
from app.ledger.chain import ChainLedger
from app.ledger.types import Address, Agreement, MeterKind, ParticipantInfo
from app.market.windows import COMMIT_MARGIN, window_at, window_start
from tests.nodes import NOON, market_on

FUNDS = 50_000_000
PRICE = 150_000
YEAR = 365 * 86_400
BANKERS = tuple(map(development_address, TREASURERS))

MakeAgreement: TypeAlias = Callable[..., Agreement]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ledger(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ChainLedger]:
    async with market_on(tmp_path_factory.mktemp("market")) as (_, _, opened):
        yield opened


async def enrol(ledger: ChainLedger, household: int, *, funds: int = FUNDS) -> Address:
    """Makes a household a participant with money in the market."""
    account, meter = household_address(household), meter_address(household)
    await ledger.certify(
        development_address(AUDITORS[0]), meter, account, MeterKind.HOUSEHOLD, NOON + YEAR
    )
    info = ParticipantInfo(f"tcp://home-{household}", household.to_bytes(32, "big"), meter)
    await ledger.publish_info(account, info)
    if funds:
        reference = b"bank" + household.to_bytes(28, "big")
        await bring_money(ledger, BANKERS, account, funds, reference)
        await ledger.deposit(account, funds)
    return account


async def household_with_purse(ledger: ChainLedger, household: int, amount: int) -> Address:
    """A household that has brought money, and has not come to the market."""
    account = household_address(household)
    reference = b"purse" + household.to_bytes(27, "big")
    await bring_money(ledger, BANKERS, account, amount, reference)
    return account


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seller(ledger: ChainLedger) -> Address:
    return await enrol(ledger, 0)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def buyer(ledger: ChainLedger) -> Address:
    return await enrol(ledger, 1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def treasury(ledger: ChainLedger) -> Address:
    """The account that buys and sells for the grid, with money."""
    account = development_address(TREASURY)
    await bring_money(ledger, BANKERS, account, FUNDS, b"t" * 32)
    await ledger.deposit(account, FUNDS)
    return account


@pytest.fixture
def outsider() -> Address:
    return household_address(99)


@pytest.fixture
def auditor() -> Address:
    return development_address(AUDITORS[0])


@pytest.fixture
def operator() -> Address:
    return development_address(OPERATOR)


@pytest.fixture
def treasurer() -> Address:
    return BANKERS[0]


@pytest.fixture
def keeper() -> Address:
    return development_address(KEEPER)


@pytest.fixture
def relayer_account() -> Address:
    return development_address(RELAYER)


@pytest_asyncio.fixture(loop_scope="session")
async def window(ledger: ChainLedger) -> int:
    """A window that no test has touched, at its first chance to be traded."""
    fresh = window_at(ledger.now()) + 2
    await ledger.clock.advance_to(window_start(fresh - 1))
    assert window_at(ledger.now() + COMMIT_MARGIN) < fresh
    return fresh


@pytest.fixture
def make_agreement(seller: Address, buyer: Address, window: int) -> MakeAgreement:
    def make(offer_id: int, **changed: object) -> Agreement:
        values: dict[str, object] = {
            "offer_id": offer_id,
            "seller": seller,
            "buyer": buyer,
            "window": window,
            "energy_wh": 1_000,
            "price": PRICE,
            "deadline": window_start(window),
            "salt": 1,
        }
        return Agreement(**(values | changed))

    return make
