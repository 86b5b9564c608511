"""Measures a market day on a chain, and shows the committed gas figures beside what is aimed at.

Times are medians of several runs in processes of their own; a noisy machine moves them, so that no
test looks at them. Gas is exact: `brownie test tests/contracts/gas` holds it to `gas.json`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEERWATT = Path(sys.executable).with_name("peerwatt")

GAS_AIMS = {
    ("offers", "makeOffer, later in a window"): 60_000,
    ("one trade", "allowTransaction, fresh seller and buyer"): 110_000,
    ("batch of 50", "allowTransactions, 50 buyers"): 65_000,
    ("batch of 50", "makeTransactions, 50 buyers without energy"): 55_000,
    ("batch of 50", "submitReadings, import, first of four windows"): 45_000,
    ("batch of 50", "submitReadings, import, later"): 45_000,
    ("batch of 50", "submitReadings, export, first of four windows"): 45_000,
    ("batch of 50", "submitReadings, export, later"): 45_000,
    ("orders", "placeOrder, buy, later in a book"): 75_000,
    ("orders", "placeOrder, sell, later in a book"): 75_000,
    ("clearing", "clear, each of 50 fills of 50 buys and 50 sells"): 45_000,
    ("clearing a random book of 100 buys and 100 sells", "clear, each fill"): 45_000,
}
WALL_AIM_SECONDS = 90


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each node (default: 3)")
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--node", choices=["ganache", "anvil"], action="append")
    arguments = parser.parse_args()
    show_gas()
    for node in arguments.node or ["ganache", "anvil"]:
        show_day(node, arguments.windows, arguments.runs)


def show_gas() -> None:
    figures = json.loads((ROOT / "benchmarks" / "gas.json").read_text(encoding="utf-8"))
    print("gas, each                                                  measured      aim")
    for (topic, sentence), aim in GAS_AIMS.items():
        gas = figures[topic][sentence]
        print(f"  {topic + ': ' + sentence:56} {gas:8,} {aim:8,} {'' if gas <= aim else ' above'}")


def show_day(node: str, windows: int, runs: int) -> None:
    summaries = [run_day(node, windows) for _ in range(runs)]
    seconds = [summary["wall_seconds"] for summary in summaries]
    last = summaries[-1]
    readings = last["gas_by_function"]["submitReadings"]
    each = readings / (last["windows"] * last["participants"])
    print(f"{last['windows']} windows of {last['scenario']} on {node}, {runs} runs")
    print(f"  wall seconds {statistics.median(seconds):.1f} (median; {seconds})")
    print(f"  {last['transactions']} transactions, {last['gas_total']:,} gas, ", end="")
    print(f"{each:,.0f} a reading, {last['deadline_misses']} deadlines missed")
    print(f"  aim: {WALL_AIM_SECONDS} s on ganache")


def run_day(node: str, windows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder) / "summary.json"
        scenario = ROOT / "examples" / "street.yaml"
        words = ["run", scenario, "--node", node, "--windows", str(windows), "--json", summary]
        subprocess.run([PEERWATT, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
        return found


if __name__ == "__main__":
    main()
