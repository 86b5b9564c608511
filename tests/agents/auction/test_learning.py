"""Equation 3 of Huang et al. 2022: how a price or a quantity is adjusted."""

from itertools import pairwise

import numpy as np
import pytest

from app.agents.auction.learning import PartialResponse
from tests.agents.auction.conftest import drawing, never


def response(numbers: list[float] | None = None) -> PartialResponse:
    draw = never if numbers is None else drawing(numbers)
    return PartialResponse(step=1_000.0, tolerance=50.0, draw=draw)


def test_more_gain_is_a_step_up_and_rewards_going_up() -> None:
    rule = response()
    assert rule.change(200.0, 149.0) == 1_000.0
    assert (rule.reward_up, rule.reward_down) == (200.0, 0.0)


def test_less_gain_is_a_step_down_and_rewards_going_down() -> None:
    rule = response()
    assert rule.change(149.0, 200.0) == -1_000.0
    assert (rule.reward_up, rule.reward_down) == (0.0, 149.0)


@pytest.mark.parametrize(("gain", "before"), [(150.0, 100.0), (100.0, 150.0), (100.0, 100.0)])
def test_within_the_tolerance_a_part_of_a_step_is_drawn(gain: float, before: float) -> None:
    rule = response([0.25])
    assert rule.change(gain, before) == 250.0
    assert (rule.reward_up, rule.reward_down) == (0.0, 0.0)


def test_chance_of_going_up_is_its_share_of_the_rewards() -> None:
    rule = response([0.74, 0.75])
    rule.change(300.0, 0.0)
    rule.change(100.0, 300.0)
    assert rule.chance_up == 0.75
    assert rule.change(100.0, 100.0) == pytest.approx(740.0)
    assert rule.change(100.0, 100.0) == pytest.approx(-750.0)


def test_chance_is_a_half_while_nothing_is_known() -> None:
    assert response().chance_up == 0.5


def test_losses_keep_the_chance_within_its_range() -> None:
    rule = response()
    rule.change(-300.0, -1_000.0)
    rule.change(200.0, 400.0)
    assert rule.reward_up / (rule.reward_up + rule.reward_down) == 3.0
    assert rule.chance_up == 1.0


def test_changes_never_exceed_a_step() -> None:
    rng = np.random.default_rng(0)
    rule = PartialResponse(1_000.0, 50.0, rng.random)
    gains = rng.normal(0, 100, size=500)
    changes = [rule.change(now, before) for before, now in pairwise(gains)]
    assert max(map(abs, changes)) <= 1_000.0
