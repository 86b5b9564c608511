"""Windows, their commit margin and their phases, at the second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.windows import (
    COMMIT_MARGIN,
    WINDOW_LENGTH,
    Phase,
    commit_start,
    grace_end,
    phase_of,
    window_at,
    window_end,
    window_start,
)

WINDOW = 500_000
START = WINDOW * WINDOW_LENGTH


@given(st.integers(0, 2**40))
def test_every_second_lies_in_exactly_one_window(timestamp):
    window = window_at(timestamp)

    assert window_start(window) <= timestamp < window_end(window)
    assert window_end(window) == window_start(window + 1)


@pytest.mark.parametrize(
    ("timestamp", "phase"),
    [
        (0, Phase.TRADING),
        (START - COMMIT_MARGIN - 1, Phase.TRADING),
        (START - COMMIT_MARGIN, Phase.COMMIT),
        (START - 1, Phase.COMMIT),
        (START, Phase.DELIVERY),
        (START + WINDOW_LENGTH - 1, Phase.DELIVERY),
        (START + WINDOW_LENGTH, Phase.SETTLEMENT),
    ],
)
def test_phases_begin_and_end_at_the_second(timestamp, phase):
    assert phase_of(WINDOW, timestamp) is phase


def test_the_commit_margin_is_five_minutes_before_the_window():
    assert commit_start(WINDOW) == START - 300


def test_readings_are_waited_for_until_two_windows_after_the_end():
    assert grace_end(WINDOW) == window_end(WINDOW) + 2 * 3_600
