"""An auditor doubts a reading; auditors confirm or correct it; then the window is settled by it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest
import pytest_asyncio

from app.chain.keys import AUDITORS, development_address, meter_address
from app.errors import ContractRevertedError
from app.ledger.chain import MARKET, ChainLedger
from app.ledger.types import (
    Address,
    Agreement,
    Correction,
    Lapses,
    MeterKind,
    Reading,
    RecordedReading,
)
from app.market.windows import commit_start, hold_end, window_end
from tests.chain.market.conftest import PRICE, YEAR, MakeAgreement

ROOT = b"\x01" * 32

pytestmark = pytest.mark.asyncio(loop_scope="session")

Trade: TypeAlias = Callable[..., Awaitable[Agreement]]


@pytest.fixture
def auditors() -> tuple[Address, ...]:
    return tuple(map(development_address, AUDITORS))


@pytest_asyncio.fixture(loop_scope="session")
async def trade(
    ledger: ChainLedger,
    seller: Address,
    buyer: Address,
    keeper: Address,
    window: int,
    treasury: Address,
    make_agreement: MakeAgreement,
) -> AsyncIterator[Trade]:
    """1 kWh is sold, and the meters have been read. In the end everything is settled."""
    traded: list[Agreement] = []

    async def make(exported_wh: int) -> Agreement:
        offer = await ledger.make_offer(seller, window, 5_000, PRICE)
        agreement = make_agreement(offer.result)
        await ledger.clock.advance_to(commit_start(window))
        await ledger.allow_transactions(seller, [ledger.sign_agreement(agreement)])
        await ledger.clock.advance_to(window_end(window))
        readings = [
            Reading(meter_address(0), window, exported_wh, 0, 0, ROOT),
            Reading(meter_address(1), window, 0, 1_000, 0, ROOT),
        ]
        await ledger.submit_readings(keeper, [ledger.sign_reading(each) for each in readings])
        traded.append(agreement)
        return agreement

    yield make
    await ledger.clock.advance_to(hold_end(window))
    await ledger.make_transactions(keeper, traded)
    await ledger.close_positions(keeper, [seller, buyer], window)


async def test_a_held_reading_is_confirmed_and_the_window_is_settled(
    ledger: ChainLedger,
    auditors: tuple[Address, ...],
    seller: Address,
    keeper: Address,
    window: int,
    trade: Trade,
) -> None:
    agreement = await trade(exported_wh=1_000)

    await ledger.doubt_reading(auditors[0], seller, window)

    assert (await ledger.reading_of(seller, window)).held
    for call in (
        ledger.make_transactions(keeper, [agreement]),
        ledger.close_positions(keeper, [seller], window),
    ):
        with pytest.raises(ContractRevertedError) as caught:
            await call
        assert (caught.value.error, caught.value.contract) == ("ReadingIsHeld", MARKET)
        assert caught.value.arguments == {
            "participant": seller,
            "window": window,
            "until": hold_end(window),
        }
    first = await ledger.confirm_reading(auditors[0], seller, window)
    last = await ledger.confirm_reading(auditors[1], seller, window)
    assert (first.result, last.result) == (False, True)
    await ledger.make_transactions(keeper, [agreement])
    await ledger.close_positions(keeper, [seller], window)
    assert (await ledger.position_of(seller, window)).sold_wh == 1_000
    assert await ledger.lapses_of(seller, window, 1) == Lapses()


async def test_a_correction_counts_in_the_settlement(
    ledger: ChainLedger,
    auditors: tuple[Address, ...],
    seller: Address,
    keeper: Address,
    window: int,
    trade: Trade,
) -> None:
    agreement = await trade(exported_wh=1_000)
    before = await ledger.energy_totals()
    correction = Correction(seller, window, 600, 30, 0, b"\x02" * 32)
    await ledger.doubt_reading(auditors[1], seller, window)

    first = await ledger.correct_reading(auditors[0], correction)
    last = await ledger.correct_reading(auditors[1], correction)

    assert (first.result, last.result) == (False, True)
    assert await ledger.reading_of(seller, window) == RecordedReading(
        recorded=True, exported_wh=600, imported_wh=30, retracted_wh=400
    )
    await ledger.make_transactions(keeper, [agreement])
    (closed,) = await ledger.close_positions(keeper, [seller], window)
    assert (await ledger.position_of(seller, window)).sold_wh == 600
    assert await ledger.lapses_of(seller, window - 5, 10) == Lapses(1, 400, 0)
    (retracted,) = [event for event in closed.events if event.name == "EnergyRetracted"]
    assert retracted.arguments == {"holder": seller, "energyWh": 400}
    # 30 Wh of its own import came from the grid.
    after = await ledger.energy_totals()
    assert after.injected_wh == before.injected_wh - 400 + 30


async def test_more_than_the_meter_has_said_is_injected_at_once(
    ledger: ChainLedger,
    auditors: tuple[Address, ...],
    seller: Address,
    window: int,
    trade: Trade,
) -> None:
    await trade(exported_wh=200)
    before = await ledger.energy_totals()
    await ledger.doubt_reading(auditors[0], seller, window)

    for auditor in auditors:
        await ledger.correct_reading(auditor, Correction(seller, window, 1_000, 0))

    after = await ledger.energy_totals()
    assert after.injected_wh == before.injected_wh + 800
    assert await ledger.reading_of(seller, window) == RecordedReading(
        recorded=True, exported_wh=1_000
    )


async def test_a_doubt_lapses(
    ledger: ChainLedger,
    auditors: tuple[Address, ...],
    seller: Address,
    keeper: Address,
    window: int,
    trade: Trade,
) -> None:
    agreement = await trade(exported_wh=1_000)
    await ledger.doubt_reading(auditors[0], seller, window)

    await ledger.clock.advance_to(hold_end(window))

    assert not (await ledger.reading_of(seller, window)).held
    with pytest.raises(ContractRevertedError, match="ReadingNotHeld"):
        await ledger.confirm_reading(auditors[0], seller, window)
    await ledger.make_transactions(keeper, [agreement])
    assert (await ledger.position_of(seller, window)).sold_wh == 1_000


async def test_what_was_settled_by_is_doubted_no_more(
    ledger: ChainLedger,
    auditors: tuple[Address, ...],
    seller: Address,
    keeper: Address,
    window: int,
    trade: Trade,
) -> None:
    agreement = await trade(exported_wh=1_000)
    await ledger.make_transactions(keeper, [agreement])

    with pytest.raises(ContractRevertedError) as caught:
        await ledger.doubt_reading(auditors[0], seller, window)

    assert caught.value.error == "ReadingUsed"
    assert caught.value.arguments == {"owner": seller, "window": window}


async def test_households_doubt_nothing(
    ledger: ChainLedger, buyer: Address, seller: Address, window: int
) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        await ledger.doubt_reading(buyer, seller, window - 1)

    assert caught.value.error == "AccessManagedUnauthorized"
    assert caught.value.arguments == {"caller": buyer}


async def test_as_many_auditors_confirm_as_the_registry_says(ledger: ChainLedger) -> None:
    assert await ledger.audit_threshold() == len(AUDITORS)


async def test_a_revoked_meter_reads_no_more(
    ledger: ChainLedger, auditor: Address, outsider: Address, keeper: Address, window: int
) -> None:
    meter = meter_address(99)
    await ledger.certify(auditor, meter, outsider, MeterKind.HOUSEHOLD, ledger.now() + YEAR)

    await ledger.revoke(auditor, meter)

    signed = ledger.sign_reading(Reading(meter, window - 2, 10, 0))
    with pytest.raises(ContractRevertedError) as caught:
        await ledger.submit_readings(keeper, [signed])
    assert caught.value.error == "MeterUnknown"
