"""What the model makes of doubts and corrections, in small stories.

2 kWh are sold, and so many exported as a story says.
"""

import pytest

from app.ledger.types import Correction, Lapses, RecordedReading
from app.market.windows import hold_end
from tests.ledger.calls import refusal_of
from tests.ledger.conftest import WINDOW, meter_of


@pytest.fixture
def auditors(staff) -> tuple[str, ...]:
    return staff.auditors


@pytest.fixture
def correct(ledger, auditors, seller):
    """Lets all auditors correct what the seller has exported."""

    async def correct(exported_wh: int) -> None:
        for auditor in auditors:
            await ledger.correct_reading(auditor, Correction(seller, WINDOW, exported_wh, 0))

    return correct


async def test_a_held_reading_holds_up_settlement_and_position(
    ledger, auditors, open_agreement, record, seller, keeper
):
    await record("seller", exported_wh=2_000)
    await ledger.doubt_reading(auditors[0], seller, WINDOW)

    for call in (
        ledger.make_transactions(keeper, [open_agreement]),
        ledger.close_positions(keeper, [seller], WINDOW),
    ):
        refusal = await refusal_of(call)
        assert refusal.error == "ReadingIsHeld"
        assert refusal.arguments["until"] == hold_end(WINDOW)

    results = [(await ledger.confirm_reading(each, seller, WINDOW)).result for each in auditors]
    await ledger.make_transactions(keeper, [open_agreement])
    assert results == [False, True]
    assert (await ledger.position_of(seller, WINDOW)).sold_wh == 2_000


async def test_one_auditor_corrects_nothing(ledger, auditors, open_agreement, record, seller):
    await record("seller", exported_wh=2_000)
    await ledger.doubt_reading(auditors[0], seller, WINDOW)

    for exported_wh, auditor in zip((10, 20), auditors, strict=True):
        correction = Correction(seller, WINDOW, exported_wh, 0)
        assert (await ledger.correct_reading(auditor, correction)).result is False

    assert await ledger.reading_of(seller, WINDOW) == RecordedReading(
        recorded=True, held=True, exported_wh=2_000
    )


async def test_less_export_is_burned_at_the_close(
    ledger, auditors, open_agreement, record, correct, seller, buyer, keeper
):
    await record("seller", exported_wh=2_000)
    await ledger.doubt_reading(auditors[0], seller, WINDOW)
    await correct(500)
    before = await ledger.energy_totals()

    await ledger.make_transactions(keeper, [open_agreement])
    await ledger.close_positions(keeper, [seller], WINDOW)

    after = await ledger.energy_totals()
    assert (before.injected_wh, after.injected_wh) == (2_000, 500)
    assert await ledger.energy_balance_of(seller) == 0
    assert await ledger.energy_balance_of(buyer) == 500
    assert await ledger.lapses_of(seller, WINDOW - 100, 101) == Lapses(1, 1_500, 0)
    assert await ledger.lapses_of(seller, WINDOW + 1, 100) == Lapses()


async def test_more_export_is_injected_at_once_and_only_once(
    ledger, auditors, open_agreement, record, correct, seller
):
    await record("seller", exported_wh=700)
    await ledger.doubt_reading(auditors[0], seller, WINDOW)
    await correct(100)
    await ledger.doubt_reading(auditors[0], seller, WINDOW)
    await correct(900)

    assert (await ledger.energy_totals()).injected_wh == 900
    assert await ledger.reading_of(seller, WINDOW) == RecordedReading(
        recorded=True, exported_wh=900
    )


async def test_what_auditors_have_corrected_stands(
    ledger, auditors, open_agreement, record, correct, seller
):
    await record("seller", exported_wh=700)
    await ledger.doubt_reading(auditors[0], seller, WINDOW)
    await correct(100)

    (again,) = await record("seller", exported_wh=5_000)

    assert again.events == ()
    assert (await ledger.reading_of(seller, WINDOW)).exported_wh == 100


async def test_a_window_without_a_reading_can_be_held_but_not_corrected(
    ledger, clock, auditors, open_agreement, record, seller, keeper
):
    await record("buyer", imported_wh=2_000)
    await ledger.doubt_reading(auditors[0], seller, WINDOW)

    refusal = await refusal_of(
        ledger.correct_reading(auditors[0], Correction(seller, WINDOW, 10, 0))
    )

    assert refusal.error == "ReadingUnknown"
    clock.set(hold_end(WINDOW))
    await ledger.make_transactions(keeper, [open_agreement])
    assert await ledger.lapses_of(seller, WINDOW, 1) == Lapses(1, 2_000, 0)


async def test_a_storage_is_corrected_with_its_losses(ledger, auditors, battery, record):
    await record("battery", imported_wh=900, losses_wh=50)
    await ledger.doubt_reading(auditors[0], battery, WINDOW)
    for auditor in auditors:
        await ledger.correct_reading(auditor, Correction(battery, WINDOW, 0, 800, 40))

    assert await ledger.reading_of(battery, WINDOW) == RecordedReading(
        recorded=True, is_storage=True, imported_wh=800, losses_wh=40
    )
    assert (await ledger.energy_totals()).injected_wh == 0
    assert meter_of(ledger, "battery") == ledger.meter_registry.certificate_of(battery).meter


async def test_a_debt_is_kept_in_the_record_when_it_is_paid(
    ledger, open_agreement, record, seller, buyer, keeper
):
    await ledger.withdraw(buyer, (await ledger.account_of(buyer)).free)
    await record("seller", exported_wh=2_000)
    await record("buyer", imported_wh=3_000)
    await ledger.make_transactions(keeper, [open_agreement])
    await ledger.close_positions(keeper, [buyer], WINDOW)
    debt = (await ledger.account_of(buyer)).debt

    await ledger.deposit(buyer, 1_000_000)

    assert debt == 320_000
    assert (await ledger.account_of(buyer)).debt == 0
    assert await ledger.lapses_of(buyer, WINDOW, 1) == Lapses(1, 0, debt)
