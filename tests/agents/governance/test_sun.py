"""The sun, held against what almanacs say: noon heights, and times of sunrise and sunset."""

from datetime import UTC, datetime

import pytest

from app.agents.governance.sun import GERMANY, Sun


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("place", "moment", "degrees"),
    [
        (Sun(0, 0), "2016-03-20T12:07:00", 89.9),  # equinox on the equator
        (Sun(51.5, 0), "2016-06-21T12:02:00", 61.9),  # 90 - latitude + tilt of the axis
        (Sun(51.5, 0), "2016-12-21T11:58:00", 15.1),
        (Sun(51.5, 0), "2016-06-21T00:02:00", -15.1),
        (Sun(51.5, 0), "2016-06-21T03:43:00", -0.8),  # sunrise in London, with refraction
        (Sun(51.5, 0), "2016-06-21T20:21:00", -0.8),
        (Sun(-33.9, 151.2), "2016-06-20T21:00:00", -0.8),  # sunrise in Sydney
    ],
)
def test_elevation(place: Sun, moment: str, degrees: float) -> None:
    assert place.elevation(at(moment)) == pytest.approx(degrees, abs=0.5)


def test_it_is_dark_only_while_no_light_is_left_at_either_end() -> None:
    assert GERMANY.is_dark(at("2016-06-08T23:00:00"), 3600)
    assert not GERMANY.is_dark(at("2016-06-09T03:00:00"), 3600)  # dawn within the hour
    assert not GERMANY.is_dark(at("2016-06-09T11:00:00"), 3600)
    assert GERMANY.is_dark(at("2016-12-21T17:30:00"), 900)


def test_a_whole_short_day_lies_between_two_nights() -> None:
    assert not Sun(64, 10).is_dark(at("2016-12-21T06:00:00"), 11 * 3600)
