import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents.devices.battery import BatteryStateRole, operate
from app.scenario.scenario import Battery

BATTERY = Battery(capacity_wh=10_000, power_w=4_000, efficiency_permille=950, initial_wh=5_000)


def test_a_surplus_is_stored_less_what_is_lost() -> None:
    flow = operate(BATTERY, 5_000, 800, 900)

    assert (flow.charged_wh, flow.lost_wh, flow.stored_wh) == (800, 40, 5_760)


def test_a_lack_is_covered_in_full() -> None:
    flow = operate(BATTERY, 5_000, -800, 900)

    assert (flow.discharged_wh, flow.lost_wh, flow.stored_wh) == (800, 0, 4_200)


@pytest.mark.parametrize("surplus", [1_000, 1_001, 50_000])
def test_the_power_limits_a_step(surplus: int) -> None:
    assert operate(BATTERY, 5_000, surplus, 900).charged_wh == 1_000
    assert operate(BATTERY, 5_000, -surplus, 900).discharged_wh == 1_000


def test_a_full_battery_takes_nothing_and_an_empty_one_gives_nothing() -> None:
    assert operate(BATTERY, 10_000, 500, 900).charged_wh == 0
    assert operate(BATTERY, 0, -500, 900).discharged_wh == 0


def test_a_nearly_full_battery_takes_what_fits() -> None:
    flow = operate(BATTERY, 9_905, 800, 900)

    assert (flow.charged_wh, flow.stored_wh) == (100, 10_000)


@given(
    st.lists(st.integers(-5_000, 5_000), max_size=50),
    st.integers(1, 1_000),
    st.integers(1, 20_000),
    st.integers(0, 30_000),
    st.sampled_from([60, 900, 3_600]),
)
def test_energy_is_conserved_within_the_limits(
    surpluses: list[int], efficiency: int, capacity: int, power: int, seconds: int
) -> None:
    battery = Battery(capacity, power, efficiency, capacity // 2)
    stored = battery.initial_wh
    for surplus in surpluses:
        flow = operate(battery, stored, surplus, seconds)

        assert flow.stored_wh == stored + flow.charged_wh - flow.lost_wh - flow.discharged_wh
        assert 0 <= flow.stored_wh <= capacity
        assert 0 <= flow.charged_wh <= max(surplus, 0)
        assert 0 <= flow.discharged_wh <= max(-surplus, 0)
        assert max(flow.charged_wh, flow.discharged_wh) <= power * seconds // 3_600
        stored = flow.stored_wh


def test_the_role_remembers_and_can_be_restored() -> None:
    role = BatteryStateRole(BATTERY)
    role.step(800, 900)
    assert role.stored_wh == 5_760

    role.restore(1_234)
    assert role.step(-10_000, 900).discharged_wh == 1_000
    assert role.stored_wh == 234
