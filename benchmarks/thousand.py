"""Measures a day of many participants in the call auction, on the model ledger.

    python -m benchmarks.thousand            1,000 participants, 24 windows
    python -m benchmarks.thousand --profile  and where the time goes

The participants are the grid connections of `data/simbench/summer.csv`, again and again, each time
scaled at random by 0.3 to 1.5; two thirds have panels, and what batteries the data has. Times are
wall seconds of one process; a noisy machine moves them, so that no test looks at them.
"""

import argparse
import asyncio
import cProfile
import csv
import pstats
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from app.agents.reports import WindowReport
from app.scenario.record import RunRecord
from app.scenario.run import Run
from app.scenario.scenario import load_profiles, load_scenario
from app.system import open_model_street

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "data" / "simbench"
FIRST_DAY, DAYS = "2016-06-05T22:00:00Z", 4
AIM_SECONDS = 60

SCENARIO = """\
name: thousand
seed: 2022
start: 2016-06-08T22:00:00Z
windows: {windows}
ledger: model
venue: auction
data: {{ profiles: profiles.csv, households: households.csv }}
grid: {{ ceiling: 0.32, floor: 0.08, penalty: 0.05, treasury: 1000000 }}
participants:
  default: {{ battery: data, deposit: 500 }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.thousand", description=__doc__)
    parser.add_argument("--participants", type=int, default=1_000)
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="peerwatt-benchmark-") as name:
        folder = Path(name)
        write_street(folder, arguments.participants, arguments.windows)
        if not arguments.profile:
            show_day(folder)
            return
        profiler = cProfile.Profile()
        profiler.runcall(show_day, folder)
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(60)


def write_street(folder: Path, participants: int, windows: int) -> None:
    """A scenario with as many participants, made of the excerpt's grid connections."""
    rng = np.random.default_rng(2022)
    rows = defaultdict(list)
    with (SOURCE / "summer.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["household"]].append(row)
    with (SOURCE / "households.csv").open(encoding="utf-8") as file:
        table = {row["household"]: row for row in csv.DictReader(file)}
    names = sorted(rows)
    profiles = ["time,household,load_w,pv_w"]
    columns = ("pv_peak_w", "battery_wh", "battery_w", "battery_efficiency_permille")
    households = ["household," + ",".join(columns)]
    for number in range(participants):
        source = names[number % len(names)]
        load, pv = rng.uniform(0.3, 1.5), rng.uniform(0.3, 1.5) * (rng.random() < 2 / 3)
        for row in rows[source][: DAYS * 96]:
            power = f"{round(load * int(row['load_w']))},{round(pv * int(row['pv_w']))}"
            profiles.append(f"{row['time']},P{number:04},{power}")
        cells = (table[source][column] for column in columns)
        households.append(f"P{number:04}," + ",".join(cells))
    (folder / "profiles.csv").write_text("\n".join(profiles) + "\n", encoding="utf-8")
    (folder / "households.csv").write_text("\n".join(households) + "\n", encoding="utf-8")
    (folder / "scenario.yaml").write_text(SCENARIO.format(windows=windows), encoding="utf-8")


def show_day(folder: Path) -> None:
    asyncio.run(_live(folder))


async def _live(folder: Path) -> None:
    begun = time.perf_counter()
    scenario = load_scenario(folder / "scenario.yaml")
    run = Run(scenario, load_profiles(scenario), RunRecord())
    read, reports = time.perf_counter(), list[WindowReport]()
    async with open_model_street(scenario, run.record) as street:
        await street.enrol()
        opened = time.perf_counter()
        await run.complete(street, reports.append)
        traded = time.perf_counter()
        summary = run.summary(street, wall_seconds=traded - begun)
    print(f"{summary['participants']} participants, {summary['windows']} windows, model ledger")
    print(
        f"  {summary['orders']:,} orders, {summary['agreements']:,} agreements, all settled: ",
        end="",
    )
    print("yes" if summary["settled"] == summary["agreements"] else "no")
    print(f"  reading the data  {read - begun:6.1f} s")
    print(f"  enrolment         {opened - read:6.1f} s")
    print(f"  trading           {traded - opened:6.1f} s   aim: {AIM_SECONDS} s for 24 windows")
    print(f"  in all            {traded - begun:6.1f} s")
    print(f"  processor         {time.process_time():6.1f} s")


if __name__ == "__main__":
    main()
