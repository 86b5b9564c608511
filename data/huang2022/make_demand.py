"""Makes the profiles of the case study of Huang et al. 2022 from the SimBench excerpt beside it.

    python data/huang2022/make_demand.py            writes demand.csv and manifest.json
    python data/huang2022/make_demand.py --check    compares them with what the excerpt gives

README.md says what the numbers are.
"""

import argparse
import csv
import hashlib
import json
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).parent
SOURCE = FOLDER.parent / "simbench"
WEEKS = ("winter", "spring", "summer", "autumn")
LOCAL = ZoneInfo("Europe/Berlin")

# Huang et al. 2022, table 2: supply of each generator in W; table 3: share of demand in 1/100.
SUPPLY_W = {"G1": 1600, "G2": 400, "G3": 600, "G4": 400, "G5": 1000, "G6": 3000, "G7": 200}
SHARES = {"C1": 10, "C2": 16, "C3": 30, "C4": 8, "C5": 6, "C6": 20, "C7": 12}
START = datetime(2022, 8, 21, tzinfo=UTC)
DAYS = 5


def mean_day() -> list[Fraction]:
    """Load of the street by hour of the local day, summed over all households and days (Wh)."""
    sums: dict[int, Fraction] = defaultdict(Fraction)
    for week in WEEKS:
        with (SOURCE / f"{week}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                hour = datetime.fromisoformat(row["time"]).astimezone(LOCAL).hour
                sums[hour] += Fraction(int(row["load_w"]), 4)
    return [sums[hour] for hour in range(24)]


def demand_w() -> list[int]:
    """Demand of each hour in whole W, its peak equal to the whole supply."""
    day = mean_day()
    return [round(load / max(day) * sum(SUPPLY_W.values())) for load in day]


def shared_out(total: int) -> dict[str, int]:
    """The purchasers' parts of a demand: the shares over their sum, whole, adding up to it."""
    parts, so_far, given = {}, 0, 0
    for name, share in SHARES.items():
        so_far += share
        until = total * so_far // sum(SHARES.values())
        parts[name] = until - given
        given = until
    return parts


def demand_csv() -> str:
    lines = ["time,household,load_w,pv_w"]
    for number, demand in enumerate(demand_w() * DAYS):
        time = (START + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines += [f"{time},{name},{load},0" for name, load in shared_out(demand).items()]
        lines += [f"{time},{name},0,{supply}" for name, supply in SUPPLY_W.items()]
    return "\n".join(lines) + "\n"


def manifest_json(profiles: str) -> str:
    source = json.loads((SOURCE / "manifest.json").read_text(encoding="utf-8"))
    manifest = {
        "title": "Huang et al. 2022, case study: seven generators and seven purchasers, five days",
        "source": source["source"],
        "licence": source["licence"],
        "made_by": Path(__file__).name,
        "made_from": {f"{week}.csv": source["sha256"][f"{week}.csv"] for week in WEEKS},
        "step_seconds": 3600,
        "columns": source["columns"]["profiles"],
        "sha256": {"demand.csv": hashlib.sha256(profiles.encode()).hexdigest()},
    }
    return json.dumps(manifest, indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the case study's profiles (see README.md).")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    profiles = demand_csv()
    files = {"demand.csv": profiles, "manifest.json": manifest_json(profiles)}
    if parser.parse_args().check:
        differing = [
            name
            for name, text in files.items()
            if not (FOLDER / name).exists() or (FOLDER / name).read_bytes() != text.encode()
        ]
        if differing:
            sys.exit(f"differs from what the excerpt gives: {', '.join(differing)}")
        print(f"{len(files)} files are exactly what the excerpt gives")
        return
    for name, text in files.items():
        (FOLDER / name).write_bytes(text.encode())
        print(f"{FOLDER / name}: {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main()
