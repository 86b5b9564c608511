"""Money for energy is rounded against whoever asked."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.units import cost_down, cost_up, money_from_decimal

energies = st.integers(0, 2**32 - 1)
prices = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("energy_wh", "price", "down", "up"),
    [
        (0, 320_000, 0, 0),
        (1_000, 320_000, 320_000, 320_000),
        (1, 999, 0, 1),
        (1, 1_000, 1, 1),
        (1, 1_001, 1, 2),
        (2**32 - 1, 2**32 - 1, 18_446_744_065_119_617, 18_446_744_065_119_618),
    ],
)
def test_costs(energy_wh, price, down, up):
    assert cost_down(energy_wh, price) == down
    assert cost_up(energy_wh, price) == up


@given(energies, prices)
def test_both_roundings_enclose_the_exact_cost(energy_wh, price):
    exact = energy_wh * price

    assert cost_down(energy_wh, price) * 1_000 <= exact <= cost_up(energy_wh, price) * 1_000
    assert cost_up(energy_wh, price) - cost_down(energy_wh, price) == (exact % 1_000 > 0)


@given(energies, energies, prices)
def test_splitting_energy_never_helps_whoever_asked(one_wh, other_wh, price):
    whole_wh = one_wh + other_wh

    assert cost_up(one_wh, price) + cost_up(other_wh, price) >= cost_up(whole_wh, price)
    assert cost_down(one_wh, price) + cost_down(other_wh, price) <= cost_down(whole_wh, price)


def test_money_from_decimal():
    assert money_from_decimal(Decimal("0.320001")) == 320_001


def test_money_with_seven_decimals_is_refused():
    with pytest.raises(ValueError, match="more than six decimals"):
        money_from_decimal(Decimal("0.3200001"))
