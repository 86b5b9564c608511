import pytest

from app.agents.analytics.history import WindowEnergy
from app.agents.trading.planning import Plan, plan
from app.scenario.scenario import Battery

BATTERY = Battery(capacity_wh=10_000, power_w=4_000, efficiency_permille=500, initial_wh=0)


@pytest.mark.parametrize(
    ("load", "pv", "expected"),
    [(300, 1_001, Plan(9, 701, 0)), (1_001, 300, Plan(9, 0, 701)), (500, 500, Plan(9, 0, 0))],
)
def test_without_a_battery_the_plan_is_the_net_of_the_last_hour(
    load: int, pv: int, expected: Plan
) -> None:
    hours = [WindowEnergy(5_000, 0), WindowEnergy(load, pv)]

    assert plan(9, hours, None, 0, 900) == expected


def test_a_surplus_goes_into_the_battery_as_far_as_its_power_goes() -> None:
    assert plan(9, [WindowEnergy(0, 3_000)], BATTERY, 0, 900) == Plan(9, 0, 0)
    assert plan(9, [WindowEnergy(0, 5_000)], BATTERY, 0, 900) == Plan(9, 1_000, 0)


def test_a_full_battery_leaves_the_surplus_for_sale() -> None:
    assert plan(9, [WindowEnergy(0, 3_000)], BATTERY, 10_000, 900) == Plan(9, 3_000, 0)


def test_what_the_hour_before_stores_covers_a_lack() -> None:
    hours = [WindowEnergy(0, 2_000), WindowEnergy(1_600, 0)]

    assert plan(9, hours, BATTERY, 0, 900) == Plan(9, 0, 600)
    assert plan(9, hours[1:], BATTERY, 0, 900) == Plan(9, 0, 1_600)
    assert plan(9, hours[1:], BATTERY, 500, 900) == Plan(9, 0, 1_100)
