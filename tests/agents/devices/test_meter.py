from app.agents.devices.batches import BatchStore, data_root
from app.agents.devices.battery import BatteryStateRole
from app.agents.devices.meter import SmartMeterRole, StorageMeterRole
from app.ledger.model import ModelClock, ModelLedger
from app.market.typed_data import recover
from app.market.windows import window_end
from app.scenario.profiles import Profiles
from tests.agents.conftest import WINDOW
from tests.agents.devices.conftest import meter_of


async def test_a_home_without_a_battery_exports_and_imports_step_by_step(
    meter: SmartMeterRole,
) -> None:
    batch = meter.batch(WINDOW)

    assert [step.exported_wh for step in batch.steps] == [0, 600, 1_500, 0]
    assert [step.imported_wh for step in batch.steps] == [300, 0, 0, 1_000]
    assert (batch.exported_wh, batch.imported_wh) == (2_100, 1_300)


async def test_a_battery_stores_the_surplus_and_covers_the_lack(
    meter_with_battery: SmartMeterRole, battery: BatteryStateRole
) -> None:
    batch = meter_with_battery.batch(WINDOW)

    assert [step.discharged_wh for step in batch.steps] == [100, 0, 0, 1_000]
    assert [step.charged_wh for step in batch.steps] == [0, 600, 1_000, 0]
    assert [step.imported_wh for step in batch.steps] == [200, 0, 0, 0]
    assert [step.exported_wh for step in batch.steps] == [0, 0, 500, 0]
    assert battery.stored_wh == 540 + 900 - 1_000
    assert all(step.is_balanced for step in batch.steps)


async def test_a_window_is_measured_once(
    meter_with_battery: SmartMeterRole, battery: BatteryStateRole
) -> None:
    first = meter_with_battery.batch(WINDOW)
    stored = battery.stored_wh

    assert meter_with_battery.batch(WINDOW) == first
    assert battery.stored_wh == stored


async def test_another_process_reads_the_stored_batch(
    meter: SmartMeterRole, ledger: ModelLedger, profiles: Profiles, store: BatchStore
) -> None:
    assert meter_of(ledger, profiles, store).batch(WINDOW) is not meter.batch(WINDOW)
    assert meter_of(ledger, profiles, store).batch(WINDOW) == meter.batch(WINDOW)


async def test_the_reading_sums_up_the_batch_and_carries_its_hash(
    meter: SmartMeterRole, ledger: ModelLedger, clock: ModelClock
) -> None:
    batch = meter.batch(WINDOW)
    clock.set(window_end(WINDOW))
    signed = meter.sign(batch)
    reading = signed.reading

    assert (reading.exported_wh, reading.imported_wh, reading.losses_wh) == (2_100, 1_300, 0)
    assert reading.data_root == data_root(batch.content())
    digest = ledger.meter_registry.hash_reading(reading)
    assert recover(digest, signed.signature) == ledger.keys.account("meter")


async def test_a_homes_battery_losses_are_not_reported(
    meter_with_battery: SmartMeterRole,
) -> None:
    batch = meter_with_battery.batch(WINDOW)

    assert batch.lost_wh == 160
    assert meter_with_battery.sign(batch).reading.losses_wh == 0


async def test_batches_of_two_windows_have_different_salts(meter: SmartMeterRole) -> None:
    first, second = meter.batch(WINDOW), meter.batch(WINDOW + 1)

    assert first.salt != second.salt
    assert len(first.salt) == 32


async def test_the_community_battery_takes_in_what_it_bought_evenly(
    storage_meter: StorageMeterRole, battery: BatteryStateRole
) -> None:
    storage_meter.expect(WINDOW, bought_wh=600)
    storage_meter.expect(WINDOW, bought_wh=402)
    batch = storage_meter.batch(WINDOW)
    reading = storage_meter.sign(batch).reading

    assert [step.imported_wh for step in batch.steps] == [250, 251, 250, 251]
    assert (reading.imported_wh, reading.exported_wh) == (1_002, 0)
    assert reading.losses_wh == batch.lost_wh == 1_002 - (battery.stored_wh - 100)
    assert all(step.is_balanced for step in batch.steps)


async def test_the_community_battery_gives_out_what_it_sold_as_far_as_it_has_it(
    storage_meter: StorageMeterRole, battery: BatteryStateRole
) -> None:
    storage_meter.expect(WINDOW, sold_wh=160)
    reading = storage_meter.sign(storage_meter.batch(WINDOW)).reading

    assert (reading.exported_wh, reading.losses_wh, battery.stored_wh) == (100, 0, 0)


async def test_the_community_battery_rests_while_it_has_agreed_nothing(
    storage_meter: StorageMeterRole,
) -> None:
    batch = storage_meter.batch(WINDOW)

    assert (batch.exported_wh, batch.imported_wh, batch.lost_wh) == (0, 0, 0)
