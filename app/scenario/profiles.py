"""Load profiles: what each household uses and generates, step by step.

Ours and a user's own files have one format, a CSV file with one row per step and household:

=============  =================  ==========================================================
`time`         ISO 8601           start of the step, with its time zone (`Z` for UTC)
`household`    text               id of the household
`load_w`       W, whole number    average power of its loads in the step
`pv_w`         W, whole number    average power of its panels in the step, before any battery
=============  =================  ==========================================================

Rows may come in any order. Every household has every step; the first starts at a full hour (UTC),
the last ends at one, and all are 1, 5, 10, 15, 30 or 60 minutes long.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from app.errors import NotFoundError
from app.market.windows import WINDOW_LENGTH, window_at
from app.scenario.csv_table import CsvTable, IntArray, read_csv_table

COLUMNS = ("time", "household", "load_w", "pv_w")
STEP_LENGTHS = (60, 300, 600, 900, 1_800, 3_600)
MAX_POWER_W = 1_000_000
PERMILLE = 1_000

_HOUSEHOLD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scaling:
    """How much of a profile's load and generation a scenario uses, in 1/1000."""

    load_permille: int = PERMILLE
    pv_permille: int = PERMILLE


AS_MEASURED = Scaling()


@dataclass(frozen=True, slots=True, eq=False)
class EnergySeries:
    """Energy of one household, one entry per step or per window: two arrays of one length."""

    load_wh: IntArray
    pv_wh: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Energy of every household in every step, in whole Wh.

    `load_wh` and `pv_wh` are read-only and have the shape (households, steps), the households in
    the order of `households`. `start` is the first second of the first step. If `repeats`, the
    data follows itself for ever: the window after the last is the first one again.
    """

    households: tuple[str, ...]
    start: int
    step_seconds: int
    load_wh: IntArray
    pv_wh: IntArray
    repeats: bool = False
    _row_of: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows = {household: row for row, household in enumerate(self.households)}
        object.__setattr__(self, "_row_of", rows)
        self.load_wh.setflags(write=False)
        self.pv_wh.setflags(write=False)

    @property
    def steps_per_window(self) -> int:
        """How many steps a window has: 4 for 15-minute steps."""
        return WINDOW_LENGTH // self.step_seconds

    @property
    def first_window(self) -> int:
        """The first window with data."""
        return window_at(self.start)

    @property
    def window_count(self) -> int:
        """For how many windows there is data, not counting repetitions."""
        return int(self.load_wh.shape[1]) // self.steps_per_window

    def covers(self, window: int) -> bool:
        """Whether there is data for a window."""
        elapsed = window - self.first_window
        return elapsed >= 0 and (self.repeats or elapsed < self.window_count)

    def steps_of(self, household: str, window: int) -> EnergySeries:
        """The steps of one window, in order; raises NotFoundError where there is no data."""
        row = self._row(household)
        if not self.covers(window):
            raise NotFoundError(
                f"no profile for window {window}",
                hint=f"the data starts at window {self.first_window} and has {self.window_count}",
            )
        first = (window - self.first_window) % self.window_count * self.steps_per_window
        steps = slice(first, first + self.steps_per_window)
        return EnergySeries(self.load_wh[row, steps], self.pv_wh[row, steps])

    def history_of(self, household: str, before_window: int, count: int) -> EnergySeries:
        """Energy per window of the last `count` windows before `before_window`, oldest first.

        Fewer where the data starts later: a repetition never looks ahead of `before_window`.
        Raises NotFoundError for an unknown household, or where the data ends earlier.
        """
        row = self._row(household)
        if not self.covers(before_window - 1) and before_window > self.first_window:
            raise NotFoundError(f"no profile for window {before_window - 1}")
        windows = np.arange(max(self.first_window, before_window - count), before_window)
        positions = (windows - self.first_window) % self.window_count
        per_window = (self.window_count, self.steps_per_window)
        return EnergySeries(
            self.load_wh[row].reshape(per_window).sum(axis=1)[positions],
            self.pv_wh[row].reshape(per_window).sum(axis=1)[positions],
        )

    def generates(self, household: str) -> bool:
        """Whether a household has any generation; raises NotFoundError for an unknown one."""
        return bool(self.pv_wh[self._row(household)].any())

    def _row(self, household: str) -> int:
        row = self._row_of.get(household)
        if row is None:
            raise NotFoundError(f"no profile of household {household!r}")
        return row


def energy_wh(power_w: IntArray, step_seconds: int, permille: int = PERMILLE) -> IntArray:
    """Energy per step in whole Wh from average power in W; steps run along the last axis.

    What a step has beyond whole Wh is carried into the next, so that the energy up to any step is
    the exact one rounded down: over a series less than 1 Wh is missing, and none is lost before.
    """
    scale = WINDOW_LENGTH * PERMILLE
    so_far = np.cumsum(power_w, axis=-1, dtype=np.int64) * (step_seconds * permille) // scale
    return np.diff(so_far, axis=-1, prepend=0)


def read_profiles(
    path: Path,
    *,
    known: Collection[str] | None = None,
    households: Sequence[str] | None = None,
    scaling: Mapping[str, Scaling] | None = None,
    repeats: bool = False,
) -> Profiles:
    """Read a profile file (see the module's description for its format).

    `known` lists the households that the file may have, `households` those to be returned (default:
    all of the file, sorted), `scaling` what is not to be taken as measured. Raises ProfileError
    naming file, row, column, rule and value; and NotFoundError for a household without rows.
    """
    table = read_csv_table(path, COLUMNS)
    ids = _household_ids(table, known)
    load_w = table.whole_numbers("load_w", MAX_POWER_W)
    pv_w = table.whole_numbers("pv_w", MAX_POWER_W)
    start, step_seconds, cells = _cells(table, ids)

    shape = (cells.size // len(ids), len(ids))
    by_household = {}
    for name, power_w in (("load", load_w), ("pv", pv_w)):
        grid = np.empty(cells.size, dtype=np.int64)
        grid[cells] = power_w
        by_household[name] = dict(zip(ids, grid.reshape(shape).T, strict=True))

    chosen = tuple(ids) if households is None else tuple(households)
    missing = [household for household in chosen if household not in by_household["load"]]
    if missing:
        raise NotFoundError(f"{path} has no household {missing[0]!r}")
    scaled = scaling or {}
    load_wh, pv_wh = [], []
    for household in chosen:
        scale = scaled.get(household, AS_MEASURED)
        load_wh.append(
            energy_wh(by_household["load"][household], step_seconds, scale.load_permille)
        )
        pv_wh.append(energy_wh(by_household["pv"][household], step_seconds, scale.pv_permille))
    return Profiles(chosen, start, step_seconds, np.array(load_wh), np.array(pv_wh), repeats)


def check_household_ids(table: CsvTable) -> None:
    """Raise ProfileError for the first id in the column `household` that cannot be one."""
    for entry, household in enumerate(table.columns["household"]):
        if not _HOUSEHOLD_ID.fullmatch(household):
            rule = "must be 1 to 31 letters, digits, dots, dashes or underscores"
            raise table.error(entry, "household", rule)


def _household_ids(table: CsvTable, known: Collection[str] | None) -> list[str]:
    check_household_ids(table)
    column = table.columns["household"]
    ids = sorted(set(column))
    if known is not None:
        strangers = set(ids).difference(known)
        if strangers:
            entry = next(entry for entry, name in enumerate(column) if name in strangers)
            raise table.error(entry, "household", "must be a known household")
    return ids


def _cells(table: CsvTable, ids: list[str]) -> tuple[int, int, IntArray]:
    """First second, step length and, for every entry, its place in a (steps, households) grid."""
    times = _timestamps(table)
    distinct, first_entries = np.unique(times, return_index=True)
    start = int(distinct[0])
    if start % WINDOW_LENGTH:
        rule = "must be a full hour (UTC) in the first step"
        raise table.error(int(first_entries[0]), "time", rule)
    if distinct.size == 1:
        step_seconds = WINDOW_LENGTH
    else:
        gaps, counts = np.unique(np.diff(distinct), return_counts=True)
        step_seconds = int(gaps[counts.argmax()])
        if step_seconds not in STEP_LENGTHS:
            minutes = ", ".join(str(length // 60) for length in STEP_LENGTHS)
            rule = f"must come in steps of {minutes} minutes, not of {step_seconds} seconds"
            raise table.error(int(first_entries[1]), "time", rule)
    off_grid = np.flatnonzero((times - start) % step_seconds)
    if off_grid.size:
        rule = f"must be on the grid of {step_seconds}-second steps"
        raise table.error(int(off_grid[0]), "time", rule)

    column_of = {household: column for column, household in enumerate(ids)}
    columns = np.array([column_of[name] for name in table.columns["household"]], dtype=np.int64)
    cells = (times - start) // step_seconds * len(ids) + columns
    _check_complete(table, ids, cells, start, step_seconds)
    last_entry = int(times.argmax())
    if (int(times[last_entry]) + step_seconds) % WINDOW_LENGTH:
        raise table.error(last_entry, "time", "must be the end of a full hour in the last step")
    return start, step_seconds, cells


def _check_complete(
    table: CsvTable, ids: list[str], cells: IntArray, start: int, step_seconds: int
) -> None:
    """Raise ProfileError where a step of a household is there twice, or not at all."""
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    repeated = np.flatnonzero(ordered[1:] == ordered[:-1])
    if repeated.size:
        at = repeated[order[repeated + 1].argmin()]
        entry, earlier = int(order[at + 1]), int(order[at])
        household = table.columns["household"][entry]
        rule = f"must be there once for {household}, but row {table.rows[earlier]} has it too"
        raise table.error(entry, "time", rule)

    steps = int(ordered[-1]) // len(ids) + 1
    if ordered.size == steps * len(ids):
        return
    absent = np.flatnonzero(ordered != np.arange(ordered.size))
    cell = int(absent[0]) if absent.size else ordered.size
    step, column = divmod(cell, len(ids))
    own = np.flatnonzero(cells % len(ids) == column)
    after = own[cells[own] > cell]
    entry = int(after[cells[after].argmin()] if after.size else own[cells[own].argmax()])
    time = datetime.fromtimestamp(start + step * step_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raise table.error(entry, "time", f"must follow without a gap, but {ids[column]} lacks {time}")


def _timestamps(table: CsvTable) -> IntArray:
    """The column `time` as seconds since the epoch."""
    texts = table.columns["time"]
    seconds_of: dict[str, int] = {}
    for entry, text in enumerate(texts):
        if text in seconds_of:
            continue
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            hint = "for example 2016-06-05T22:00:00Z"
            raise table.error(entry, "time", "must be an ISO 8601 time", hint=hint) from None
        if time.tzinfo is None:
            hint = "add Z for UTC, or an offset such as +02:00"
            raise table.error(entry, "time", "must have a time zone", hint=hint)
        elapsed = time - datetime.fromtimestamp(0, UTC)
        if elapsed.days < 0 or elapsed.microseconds:
            raise table.error(entry, "time", "must be whole seconds since 1970")
        seconds_of[text] = elapsed.days * 86_400 + elapsed.seconds
    return np.array([seconds_of[text] for text in texts], dtype=np.int64)
