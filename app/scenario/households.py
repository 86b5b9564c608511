"""The table of households: what stands behind each grid connection of a profile file.

A CSV file with one row per household. These columns are read, others are for the reader:

=============================  ==============  =================================================
`household`                    text            id, as in the profile file
`pv_peak_w`                    W               rated power of the panels, 0 for none
`battery_wh`                   Wh              capacity of the battery, 0 for none
`battery_w`                    W               what it charges and discharges with at most
`battery_efficiency_permille`  1/1000          energy out per energy in
=============================  ==============  =================================================
"""

from dataclasses import dataclass
from pathlib import Path

from app.scenario.csv_table import read_csv_table
from app.scenario.profiles import MAX_POWER_W, PERMILLE, check_household_ids

COLUMNS = (
    "household",
    "pv_peak_w",
    "battery_wh",
    "battery_w",
    "battery_efficiency_permille",
)
MAX_BATTERY_WH = 100_000_000


@dataclass(frozen=True, slots=True)
class Household:
    """A row of the table; a household without a battery has zeros in its battery columns."""

    household: str
    pv_peak_w: int
    battery_wh: int
    battery_w: int
    battery_efficiency_permille: int


def read_households(path: Path) -> dict[str, Household]:
    """Read a table of households, by id.

    Raises ProfileError naming file, row, column, rule and value; also for a battery that has a
    capacity and no power, or no efficiency.
    """
    table = read_csv_table(path, COLUMNS, others_allowed=True)
    check_household_ids(table)
    ids = table.columns["household"]
    seen: set[str] = set()
    for entry, household in enumerate(ids):
        if household in seen:
            raise table.error(entry, "household", "must be there once")
        seen.add(household)
    pv_peaks = table.whole_numbers("pv_peak_w", MAX_POWER_W).tolist()
    capacities = table.whole_numbers("battery_wh", MAX_BATTERY_WH).tolist()
    powers = table.whole_numbers("battery_w", MAX_POWER_W).tolist()
    efficiencies = table.whole_numbers("battery_efficiency_permille", PERMILLE).tolist()
    for entry, capacity in enumerate(capacities):
        for column, values in (
            ("battery_w", powers),
            ("battery_efficiency_permille", efficiencies),
        ):
            if capacity and not values[entry]:
                raise table.error(entry, column, "must not be 0 for a battery")
    return {
        values[0]: Household(*values)
        for values in zip(ids, pv_peaks, capacities, powers, efficiencies, strict=True)
    }
