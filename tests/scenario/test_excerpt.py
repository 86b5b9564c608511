"""The committed excerpt is what its manifest says, and looks like a street."""

import csv
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from app.scenario.households import read_households
from app.scenario.profiles import Profiles, read_profiles

BERLIN = ZoneInfo("Europe/Berlin")
SEASONS = ("winter", "spring", "summer", "autumn")
HOURS_PER_WEEK = 7 * 24


@pytest.fixture(scope="module")
def manifest(simbench: Path) -> dict[str, Any]:
    return json.loads((simbench / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=SEASONS)
def season(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def week(simbench: Path, season: str) -> Profiles:
    return read_profiles(simbench / f"{season}.csv")


def local_hours(week: Profiles) -> np.ndarray:
    """Local hour of the day of every step."""
    starts = week.start + np.arange(week.load_wh.shape[1]) * week.step_seconds
    return np.array([datetime.fromtimestamp(int(start), BERLIN).hour for start in starts])


def test_files_have_the_checksums_of_the_manifest(simbench, manifest):
    listed = {f"{season}.csv" for season in SEASONS} | {"households.csv"}
    assert set(manifest["sha256"]) == listed
    for name, checksum in manifest["sha256"].items():
        assert hashlib.sha256((simbench / name).read_bytes()).hexdigest() == checksum


def test_manifest_names_source_and_licence(manifest):
    assert manifest["source"]["doi"] == "10.3390/en13123290"
    assert manifest["licence"]["database"] == "ODbL-1.0"


def test_columns_are_those_of_the_manifest(simbench, manifest, season):
    for name, columns in (
        (f"{season}.csv", manifest["columns"]["profiles"]),
        ("households.csv", manifest["columns"]["households.csv"]),
    ):
        with (simbench / name).open(encoding="utf-8") as file:
            assert next(csv.reader(file)) == list(columns)


def test_excerpt_stays_small(simbench):
    assert sum(path.stat().st_size for path in simbench.iterdir()) < 3_000_000


def test_week_runs_from_monday_to_sunday(week, manifest, season):
    start = datetime.fromtimestamp(week.start, UTC)
    assert start == datetime.fromisoformat(manifest["weeks"][season]["start_utc"])
    assert start.astimezone(BERLIN).weekday() == 0
    assert start.astimezone(BERLIN).hour == 0
    assert week.step_seconds == 900
    assert week.window_count == HOURS_PER_WEEK


def test_week_lies_in_its_season(week, season):
    months = {"winter": 12, "spring": 5, "summer": 6, "autumn": 9}
    assert datetime.fromtimestamp(week.start, BERLIN).month == months[season]


def test_sun_shines_by_day_only(week):
    hours = local_hours(week)
    night = (hours < 6) | (hours >= 20)
    assert week.pv_wh[:, night].sum() == 0
    assert (week.pv_wh.sum(axis=1) > 0).all()


def test_most_sun_is_around_noon(week):
    street = week.pv_wh.sum(axis=0)
    mean_hour = (street * (local_hours(week) + 0.5)).sum() / street.sum()
    assert 11 < mean_hour < 14


def test_panels_stay_below_their_rating(simbench, week):
    table = read_households(simbench / "households.csv")
    for row, household in enumerate(week.households):
        assert week.pv_wh[row].max() * 4 <= table[household].pv_peak_w


def test_households_use_what_homes_and_farms_use(week):
    daily_kwh = week.load_wh.sum(axis=1) / 7_000
    assert daily_kwh.min() > 4
    assert daily_kwh.max() < 150


def test_evenings_need_more_than_nights(week):
    hours = local_hours(week)
    street = week.load_wh.sum(axis=0)
    assert street[(hours >= 18) & (hours < 22)].mean() > 1.5 * street[hours < 5].mean()


def test_summer_has_the_most_sun_and_winter_the_least(simbench):
    sun = {name: read_profiles(simbench / f"{name}.csv").pv_wh.sum() for name in SEASONS}
    assert sun["winter"] < sun["autumn"] < sun["spring"] < sun["summer"]


def test_table_and_profiles_have_the_same_households(simbench, week):
    table = read_households(simbench / "households.csv")
    assert tuple(table) == week.households
    assert len(table) == 13
    assert sum(1 for row in table.values() if row.battery_wh) == 5
