"""A home and a community battery, with meters."""

from dataclasses import replace

import numpy as np
import pytest

from app.agents.agent import StreetAgent
from app.agents.devices.batches import BatchStore
from app.agents.devices.battery import BatteryStateRole
from app.agents.devices.meter import SmartMeterRole, StorageMeterRole
from app.agents.devices.panel import LoadRole, PanelRole
from app.agents.randomness import rng_of
from app.ledger.model import ModelLedger
from app.market.windows import window_start
from app.scenario.profiles import Profiles
from app.scenario.scenario import Battery
from tests.agents.conftest import WINDOW

LOAD_WH = [[300, 300, 0, 1_000]]
PV_WH = [[0, 900, 1_500, 0]]


@pytest.fixture
def profiles() -> Profiles:
    """One window of one home: it lacks, has too much, has far too much, lacks."""
    return Profiles(
        ("H01",), window_start(WINDOW), 900, np.array(LOAD_WH), np.array(PV_WH), repeats=True
    )


@pytest.fixture
def dark(profiles: Profiles) -> Profiles:
    """The same home at night."""
    return replace(profiles, pv_wh=np.zeros_like(profiles.pv_wh))


@pytest.fixture
def battery() -> BatteryStateRole:
    return BatteryStateRole(Battery(2_000, 4_000, 900, 100))


@pytest.fixture
def store() -> BatchStore:
    return BatchStore()


@pytest.fixture
async def meter(ledger: ModelLedger, profiles: Profiles, store: BatchStore) -> SmartMeterRole:
    """The meter of a home without a battery."""
    return meter_of(ledger, profiles, store)


@pytest.fixture
async def meter_with_battery(
    ledger: ModelLedger, profiles: Profiles, store: BatchStore, battery: BatteryStateRole
) -> SmartMeterRole:
    return meter_of(ledger, profiles, store, battery)


@pytest.fixture
async def storage_meter(
    ledger: ModelLedger, store: BatchStore, battery: BatteryStateRole
) -> StorageMeterRole:
    meter = StorageMeterRole(
        "battery", ledger.keys.account("meter"), 900, ledger, store, rng_of(1, "battery")
    )
    agent = StreetAgent()
    agent.add_role(battery)
    agent.add_role(meter)
    return meter


def meter_of(
    ledger: ModelLedger,
    profiles: Profiles,
    store: BatchStore,
    battery: BatteryStateRole | None = None,
    *,
    panel: PanelRole | None = None,
    load: LoadRole | None = None,
    battery_trades: bool = False,
) -> SmartMeterRole:
    """The meter of a home; panels and load are as measured unless given."""
    meter = SmartMeterRole(
        "H01",
        ledger.keys.account("meter"),
        900,
        ledger,
        store,
        rng_of(1, "H01"),
        battery_trades=battery_trades,
    )
    agent = StreetAgent()
    panel, load = panel or PanelRole("H01", profiles), load or LoadRole("H01", profiles)
    for role in (panel, load, battery, meter):
        if role is not None:
            agent.add_role(role)
    return meter
