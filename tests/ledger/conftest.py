"""A small street on the model: a seller, a buyer, a battery, each with 10.00 in the market."""

import pytest

from app.agents.enrolment import bring_money
from app.ledger.model import DevelopmentAccounts, ModelClock, ModelLedger
from app.ledger.types import Agreement, MeterKind, ParticipantInfo, Reading, Side, Terms
from app.market.auction import earliest_expiry
from app.market.windows import commit_start, window_end, window_start

WINDOW = 500_001
NOW = window_start(WINDOW - 1) + 600
TERMS = Terms(grid_floor=80_000, grid_ceiling=320_000, penalty_rate=50_000)
DEPOSIT = 10_000_000


@pytest.fixture
def clock() -> ModelClock:
    return ModelClock(NOW)


@pytest.fixture
def development(clock) -> tuple[ModelLedger, DevelopmentAccounts]:
    return ModelLedger.for_development(clock, default_terms=TERMS)


@pytest.fixture
def ledger(development) -> ModelLedger:
    return development[0]


@pytest.fixture
def staff(development) -> DevelopmentAccounts:
    return development[1]


@pytest.fixture
def operator(staff) -> str:
    return staff.operator


@pytest.fixture
def keeper(staff) -> str:
    return staff.keeper


@pytest.fixture
def treasury(staff) -> str:
    return staff.treasury


@pytest.fixture
def members(staff) -> str:
    return staff.members


@pytest.fixture
def outsider(ledger) -> str:
    return ledger.keys.account("outsider")


@pytest.fixture
def enrol(ledger, staff):
    """Makes a household a participant with money in the market; returns its account."""

    async def enrol(name: str, kind: MeterKind = MeterKind.HOUSEHOLD) -> str:
        owner, meter = ledger.keys.account(name), meter_of(ledger, name)
        await ledger.certify(staff.auditors[0], meter, owner, kind, NOW + 30 * 24 * 3_600)
        await ledger.publish_info(owner, ParticipantInfo(f"mango://{name}", bytes(32), meter))
        reference = name.encode().ljust(32, b"\x01")
        await bring_money(ledger, staff.treasurers, owner, DEPOSIT, reference)
        await ledger.deposit(owner, DEPOSIT)
        return owner

    return enrol


@pytest.fixture
async def seller(enrol) -> str:
    return await enrol("seller")


@pytest.fixture
async def buyer(enrol) -> str:
    return await enrol("buyer")


@pytest.fixture
async def battery(enrol) -> str:
    return await enrol("battery", MeterKind.STORAGE)


def meter_of(ledger: ModelLedger, name: str) -> str:
    return ledger.keys.account(f"{name}'s meter")


@pytest.fixture
def place(ledger):
    """Places an order, by default for 2 kWh at 0.20 in WINDOW alone; returns its id."""

    async def place(
        owner: str,
        side: Side,
        energy_wh: int = 2_000,
        limit_price: int = 200_000,
        *,
        window: int = WINDOW,
        expires_at: int | None = None,
    ) -> int:
        expiry = earliest_expiry(window) if expires_at is None else expires_at
        receipt = await ledger.place_order(owner, side, energy_wh, limit_price, window, expiry)
        return receipt.result

    return place


@pytest.fixture
async def offer(ledger, seller) -> int:
    """5 kWh for at least 0.10 a kWh."""
    return (await ledger.make_offer(seller, WINDOW, 5_000, 100_000)).result


@pytest.fixture
def agreement(offer, seller, buyer) -> Agreement:
    """2 kWh of it for 0.20 a kWh."""
    return Agreement(
        offer_id=offer,
        seller=seller,
        buyer=buyer,
        window=WINDOW,
        energy_wh=2_000,
        price=200_000,
        deadline=window_start(WINDOW),
        salt=1,
    )


@pytest.fixture
async def open_agreement(ledger, clock, agreement) -> Agreement:
    """Written in the commit margin."""
    clock.set(commit_start(WINDOW))
    await ledger.allow_transactions(agreement.seller, [ledger.sign_agreement(agreement)])
    return agreement


@pytest.fixture
def record(ledger, clock, keeper):
    """Submits what a household's meter saw in WINDOW, which is over then."""

    async def record(name: str, exported_wh: int = 0, imported_wh: int = 0, losses_wh: int = 0):
        clock.set(window_end(WINDOW))
        reading = Reading(meter_of(ledger, name), WINDOW, exported_wh, imported_wh, losses_wh)
        return await ledger.submit_readings(keeper, [ledger.sign_reading(reading)])

    return record
