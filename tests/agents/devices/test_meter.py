import pytest

from app.agents.devices.batches import BatchStore, data_root
from app.agents.devices.battery import BatteryStateRole
from app.agents.devices.meter import SmartMeterRole, StorageMeterRole
from app.agents.devices.panel import LoadRole, PanelRole
from app.ledger.model import ModelClock, ModelLedger
from app.market.typed_data import recover
from app.market.windows import window_end
from app.scenario.profiles import Profiles
from app.scenario.scenario import Battery
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


class TestDevicesThatActOnWhatWasAgreed:
    """The home wants 1,600 Wh and could generate 2,400; see the conftest for its steps."""

    async def test_as_measured_nothing_follows_an_agreement(
        self, meter: SmartMeterRole, ledger: ModelLedger, profiles: Profiles
    ) -> None:
        other = meter_of(ledger, profiles, BatchStore())
        other.expect(WINDOW, bought_wh=500, sold_wh=100)
        assert other.agreed_wh(WINDOW) == 400
        assert other.batch(WINDOW) == meter.batch(WINDOW)

    @pytest.mark.parametrize(
        ("sold_wh", "generated_wh"), [(0, [0, 800, 400, 0]), (400, [0, 900, 600, 0])]
    )
    async def test_dispatchable_generation_runs_for_the_home_and_what_was_sold(
        self, ledger: ModelLedger, profiles: Profiles, sold_wh: int, generated_wh: list[int]
    ) -> None:
        panel = PanelRole("H01", profiles, dispatchable=True)
        meter = meter_of(ledger, profiles, BatchStore(), panel=panel)
        meter.expect(WINDOW, sold_wh=sold_wh)
        assert [step.pv_wh for step in meter.batch(WINDOW).steps] == generated_wh

    async def test_deferrable_load_waits_for_energy_but_not_for_long(
        self, ledger: ModelLedger, dark: Profiles
    ) -> None:
        load = LoadRole("H01", dark, deferrable_hours=1)
        meter = meter_of(ledger, dark, BatchStore(), load=load)
        meter.expect(WINDOW, bought_wh=600)
        meter.expect(WINDOW + 2, bought_wh=3_000)
        used = [meter.batch(window).load_wh for window in range(WINDOW, WINDOW + 3)]
        assert used == [600, 1_000, 3_000]
        assert sum(used) + 200 == 3 * 1_600

    async def test_deferrable_load_goes_on_where_a_process_stopped(
        self, ledger: ModelLedger, dark: Profiles
    ) -> None:
        load = LoadRole("H01", dark, deferrable_hours=1)
        load.restore(WINDOW, 600)
        meter = meter_of(ledger, dark, BatchStore(), load=load)
        assert meter.batch(WINDOW + 1).load_wh == 1_000

    async def test_a_battery_that_trades_takes_in_what_was_bought(
        self, ledger: ModelLedger, dark: Profiles
    ) -> None:
        battery = BatteryStateRole(Battery(20_000, 20_000, 900, 0))
        meter = meter_of(ledger, dark, BatchStore(), battery, battery_trades=True)
        meter.expect(WINDOW, bought_wh=3_600)
        batch = meter.batch(WINDOW)
        assert batch.imported_wh == 3_600
        assert all(step.is_balanced for step in batch.steps)
        assert battery.stored_wh > 0

    async def test_a_battery_that_trades_gives_out_what_was_sold(
        self, ledger: ModelLedger, dark: Profiles
    ) -> None:
        battery = BatteryStateRole(Battery(20_000, 20_000, 900, 9_000))
        meter = meter_of(ledger, dark, BatchStore(), battery, battery_trades=True)
        meter.expect(WINDOW, sold_wh=2_000)
        batch = meter.batch(WINDOW)
        assert (batch.exported_wh, batch.imported_wh) == (2_000, 0)
        assert battery.stored_wh == 9_000 - 2_000 - 1_600
