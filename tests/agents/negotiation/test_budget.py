import pytest

from app.agents.negotiation.budget import Budget
from app.market.units import cost_up


def test_what_is_locked_is_not_available() -> None:
    budget = Budget(100)
    budget.lock(60)
    assert budget.available == 40
    budget.release(10)
    assert budget.available == 50


def test_the_last_unit_can_be_locked_and_no_more() -> None:
    budget = Budget(100)
    budget.lock(100)
    with pytest.raises(ValueError, match="1 is more than 0"):
        budget.lock(1)


@pytest.mark.parametrize(("free", "price"), [(1, 1), (319_999, 320_000), (1_000_000, 77_777)])
def test_affordable_energy_is_the_most_whose_cost_is_covered(free: int, price: int) -> None:
    energy = Budget(free).affordable_wh(price)

    assert cost_up(energy, price) <= free < cost_up(energy + 1, price)


def test_energy_for_nothing_is_always_affordable() -> None:
    assert Budget(0).affordable_wh(0) == 2**32 - 1
