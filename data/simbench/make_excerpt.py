#!/usr/bin/env python3
"""Make the SimBench excerpt in this folder: four weeks of one low-voltage street.

Environment (380 MB, apart from the project's own)::

    uv venv --python 3.11 /tmp/simbench && uv pip install --python /tmp/simbench simbench==1.6.3
    /tmp/simbench/bin/python data/simbench/make_excerpt.py            # write the files again
    /tmp/simbench/bin/python data/simbench/make_excerpt.py --check    # compare, write nothing

What it writes into ``--out``: ``winter.csv``, ``spring.csv``, ``summer.csv``, ``autumn.csv``,
``households.csv`` and ``manifest.json``. README.md explains the choices made here.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import simbench

GRID = "1-LV-rural1--2-sw"
YEAR = 2016
LOCAL = ZoneInfo("Europe/Berlin")
STEP = "15min"
STEPS_PER_HOUR = 4
STEPS_PER_WEEK = 7 * 24 * STEPS_PER_HOUR
SEASONS = {
    "winter": (12, 1, 2),
    "spring": (3, 4, 5),
    "summer": (6, 7, 8),
    "autumn": (9, 10, 11),
}
# Days off (other than Sundays) in Mecklenburg-Vorpommern, where the grid lies (11.41 E, 53.64 N).
HOLIDAYS = frozenset(
    date(YEAR, month, day)
    for month, days in {1: (1,), 3: (25, 28), 5: (5, 16), 10: (3, 31), 12: (24, 26, 31)}.items()
    for day in days
)

PROFILE_COLUMNS = {
    "time": {"unit": "ISO 8601, UTC", "meaning": "start of the 15-minute step"},
    "household": {"unit": "-", "meaning": "id of the household, see households.csv"},
    "load_w": {"unit": "W", "meaning": "average power of all loads of the household"},
    "pv_w": {"unit": "W", "meaning": "average power of its panels, before any battery"},
}
HOUSEHOLD_COLUMNS = {
    "household": {"unit": "-", "meaning": "H and the number of the SimBench bus"},
    "bus": {"unit": "-", "meaning": "name of the grid connection in SimBench"},
    "loads": {"unit": "-", "meaning": "SimBench profiles of the loads at the bus"},
    "load_peak_w": {"unit": "W", "meaning": "highest 15-minute load of the year"},
    "load_year_wh": {"unit": "Wh", "meaning": "load of the profile year"},
    "pv": {"unit": "-", "meaning": "SimBench profiles of the panels at the bus"},
    "pv_peak_w": {"unit": "W", "meaning": "rated power of the panels"},
    "pv_year_wh": {"unit": "Wh", "meaning": "generation of the profile year"},
    "battery_wh": {"unit": "Wh", "meaning": "capacity of the battery, 0 = none"},
    "battery_w": {"unit": "W", "meaning": "rated power of the battery's inverter"},
    "battery_efficiency_permille": {
        "unit": "1/1000",
        "meaning": "SimBench's etaStore, taken as charge and discharge together",
    },
}


@dataclass(frozen=True, slots=True)
class Street:
    """The whole year: power in W, rows are 15-minute steps (UTC), columns households."""

    households: pd.DataFrame
    load_w: pd.DataFrame
    pv_w: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Week:
    """A chosen week and how far its energy is from the season's mean."""

    season: str
    start: pd.Timestamp
    load_deviation: float
    pv_deviation: float


def utc_steps(labels: pd.Series) -> pd.DatetimeIndex:
    """Turn SimBench's naive time labels into UTC.

    The labels are German wall-clock time: they skip 02:00-03:00 on 27 March and have it twice on
    30 October. Raises SystemExit if a release of SimBench ever labels them otherwise.
    """
    first = datetime(YEAR, 1, 1, tzinfo=LOCAL)
    steps = pd.date_range(first, periods=len(labels), freq=STEP).tz_convert("UTC")
    if list(steps.tz_convert(LOCAL).strftime("%d.%m.%Y %H:%M")) != labels.tolist():
        sys.exit("the time labels are not Europe/Berlin wall-clock time: check the time zone again")
    return steps


def read_street() -> Street:
    """Gather loads, panels and batteries per grid connection.

    SimBench's ``PV_Storage`` elements are panels and a battery behind one inverter, and their
    profile is the joint output under SimBench's own control. In a market the household's agent
    controls the battery, so we take the parts: the panels are the PV profile that the storage
    profile is named after, at the element's rated power; the battery has its capacity and power.
    """
    net = simbench.get_simbench_net(GRID)
    steps = utc_steps(net.profiles["load"]["time"])
    values = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    loads = values["load", "p_mw"].to_numpy() * 1e6
    panels = values["sgen", "p_mw"].to_numpy() * 1e6
    pv_profiles = net.profiles["renewables"]

    rows = []
    load_w, pv_w = {}, {}
    for bus in sorted(net.load["bus"].unique()):
        name = net.bus.at[bus, "name"]
        household = f"H{int(name.rsplit(' ', 1)[1]):02d}"
        own_loads = net.load.index[net.load["bus"] == bus]
        own_panels = net.sgen.index[(net.sgen["bus"] == bus) & (net.sgen["type"] == "PV")]
        own_storage = net.storage[net.storage["bus"] == bus]

        load = loads[:, net.load.index.get_indexer(own_loads)].sum(axis=1)
        pv = panels[:, net.sgen.index.get_indexer(own_panels)].sum(axis=1)
        pv_names = net.sgen.loc[own_panels, "profile"].tolist()
        pv_peak_w = net.sgen.loc[own_panels, "sn_mva"].sum() * 1e6
        for storage in own_storage.itertuples():
            pv_name = storage.profile.split("_")[1]
            pv = pv + pv_profiles[pv_name].to_numpy() * storage.sn_mva * 1e6
            pv_names.append(pv_name)
            pv_peak_w += storage.sn_mva * 1e6

        load_w[household] = np.rint(load).astype(np.int64)
        pv_w[household] = np.rint(pv).astype(np.int64)
        rows.append(
            {
                "household": household,
                "bus": name,
                "loads": "+".join(net.load.loc[own_loads, "profile"]),
                "load_peak_w": int(load_w[household].max()),
                "load_year_wh": int(load_w[household].sum()) // STEPS_PER_HOUR,
                "pv": "+".join(pv_names),
                "pv_peak_w": round(pv_peak_w),
                "pv_year_wh": int(pv_w[household].sum()) // STEPS_PER_HOUR,
                "battery_wh": round(own_storage["max_e_mwh"].sum() * 1e6),
                "battery_w": round(own_storage["sn_mva"].sum() * 1e6),
                "battery_efficiency_permille": (
                    round(own_storage["efficiency_percent"].mean() * 1000)
                    if len(own_storage)
                    else 0
                ),
            }
        )
    missed = set(net.sgen["bus"]) | set(net.storage["bus"])
    if not missed <= set(net.load["bus"]):
        sys.exit("a panel or a battery has no load at its bus: it would be lost")
    return Street(
        households=pd.DataFrame(rows, columns=list(HOUSEHOLD_COLUMNS)),
        load_w=pd.DataFrame(load_w, index=steps),
        pv_w=pd.DataFrame(pv_w, index=steps),
    )


def choose_weeks(street: Street) -> list[Week]:
    """One typical week of each meteorological season.

    Of the weeks from Monday to Sunday (local time) that lie wholly in the season, without a
    holiday and without a clock change, the one whose load and generation of the street
    are nearest the season's mean: smallest |load/mean - 1| + |generation/mean - 1|.
    """
    local = street.load_w.index.tz_convert(LOCAL)
    street_power = pd.DataFrame(
        {
            "load": street.load_w.sum(axis=1).to_numpy(),
            "pv": street.pv_w.sum(axis=1).to_numpy(),
        },
        index=local,
    )
    chosen = []
    for season, months in SEASONS.items():
        mean = street_power[local.month.isin(months)].mean()
        candidates = []
        monday = pd.Timestamp(YEAR, 1, 4, tz=LOCAL)
        while monday.year == YEAR:
            end = monday + pd.DateOffset(days=7)
            days = [(monday + pd.DateOffset(days=n)).date() for n in range(7)]
            week = street_power[(local >= monday) & (local < end)]
            if (
                len(week) == STEPS_PER_WEEK
                and all(day.month in months for day in days)
                and monday.utcoffset() == end.utcoffset()
                and not HOLIDAYS.intersection(days)
            ):
                load_deviation, pv_deviation = week.mean() / mean - 1
                candidates.append(Week(season, monday, load_deviation, pv_deviation))
            monday = end
        chosen.append(min(candidates, key=lambda w: abs(w.load_deviation) + abs(w.pv_deviation)))
    return chosen


def week_csv(street: Street, week: Week) -> str:
    """The profile file of one week, long format, sorted by time, then household."""
    start = week.start.tz_convert("UTC")
    rows = slice(start, start + timedelta(days=7) - timedelta(minutes=15))
    load, pv = street.load_w.loc[rows], street.pv_w.loc[rows]
    lines = [",".join(PROFILE_COLUMNS)]
    for step, load_row, pv_row in zip(load.index, load.to_numpy(), pv.to_numpy(), strict=True):
        time = step.strftime("%Y-%m-%dT%H:%M:%SZ")
        lines.extend(
            f"{time},{household},{load_w},{pv_w}"
            for household, load_w, pv_w in zip(load.columns, load_row, pv_row, strict=True)
        )
    return "\n".join(lines) + "\n"


def households_csv(street: Street) -> str:
    """The table of households as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HOUSEHOLD_COLUMNS)
    writer.writerows(street.households.itertuples(index=False))
    return text.getvalue()


def manifest_json(weeks: list[Week], files: dict[str, str]) -> str:
    """Source, licence, columns, weeks and the checksum of each file."""
    manifest = {
        "title": "SimBench 1-LV-rural1--2-sw: four weeks of a street",
        "source": {
            "name": "SimBench",
            "grid": GRID,
            "package": "simbench",
            "version": version("simbench"),
            "url": "https://simbench.de",
            "citation": "S. Meinecke et al., SimBench - A Benchmark Dataset of Electric Power "
            "Systems to Compare Innovative Solutions Based on Power Flow Analysis, "
            "Energies 2020, 13, 3290",
            "doi": "10.3390/en13123290",
        },
        "licence": {
            "database": "ODbL-1.0",
            "database_url": "https://opendatacommons.org/licenses/odbl/1-0/",
            "contents": "DbCL-1.0",
            "contents_url": "https://opendatacommons.org/licenses/dbcl/1-0/",
        },
        "made_by": Path(__file__).name,
        "profile_year": YEAR,
        "step_seconds": 900,
        "columns": {"profiles": PROFILE_COLUMNS, "households.csv": HOUSEHOLD_COLUMNS},
        "weeks": {
            week.season: {
                "file": f"{week.season}.csv",
                "start_utc": week.start.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
                "start_local": week.start.isoformat(),
                "steps": STEPS_PER_WEEK,
                "load_vs_season_permille": round(week.load_deviation * 1000),
                "pv_vs_season_permille": round(week.pv_deviation * 1000),
            }
            for week in weeks
        },
        "sha256": {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(files.items())
        },
    }
    return json.dumps(manifest, indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the SimBench excerpt (see README.md).")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="target folder")
    parser.add_argument(
        "--check", action="store_true", help="compare with the files in the folder, write nothing"
    )
    args = parser.parse_args()

    street = read_street()
    weeks = choose_weeks(street)
    files = {f"{week.season}.csv": week_csv(street, week) for week in weeks}
    files["households.csv"] = households_csv(street)
    files["manifest.json"] = manifest_json(weeks, files)
    if args.check:
        differing = [
            name
            for name, text in files.items()
            if not (args.out / name).exists() or (args.out / name).read_bytes() != text.encode()
        ]
        if differing:
            sys.exit(f"differs from what SimBench gives: {', '.join(sorted(differing))}")
        print(f"{len(files)} files are exactly what SimBench gives")
        return
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (args.out / name).write_bytes(text.encode())
        print(f"{args.out / name}: {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main()
