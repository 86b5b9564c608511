"""Measures the clearing of a call auction on the common order set, beside other tools.

The set: numpy's `default_rng(0)`, N orders of which the first half buys, prices U[0.1, 0.3] a kWh,
energies U[0.1, 5] kWh. Arrays in, fills out. Times are medians of several runs; a noisy machine
moves them, so that no test looks at them. The others run on the same orders, each in an environment
of its own under `.cache/peers`, with the versions that `benchmarks/peers` pins; those that take
long get fewer orders.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from app.market.clearing import Int64s, clear_arrays
from app.market.units import MONEY_UNIT, WH_PER_KWH

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
ENVIRONMENTS = ROOT / ".cache" / "peers"
UV = Path(sys.executable).with_name("uv")

AIMS = {100_000: 0.030, 1_000_000: 0.400}
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another tool: the name of its pins and of the script that times it, and what it is."""

    name: str
    title: str


ASSUME = Peer("assume", "assume-framework, pay_as_clear")
PYMARKET = Peer("pymarket", "pymarket, huang")


@dataclass(frozen=True, slots=True)
class Orders:
    """The common order set, in Wh and 1e-6 money per kWh."""

    is_buy: np.ndarray
    quantity_wh: Int64s
    limit_price: Int64s
    issued_at: Int64s

    @classmethod
    def common(cls, count: int) -> "Orders":
        random = np.random.default_rng(0)
        price = random.uniform(0.1, 0.3, count)
        energy_kwh = random.uniform(0.1, 5, count)
        return cls(
            is_buy=np.arange(count) < count // 2,
            quantity_wh=np.rint(energy_kwh * WH_PER_KWH).astype(np.int64),
            limit_price=np.rint(price * MONEY_UNIT).astype(np.int64),
            issued_at=np.arange(count),
        )

    def save(self, path: Path) -> None:
        np.savez(
            path,
            is_buy=self.is_buy,
            quantity_wh=self.quantity_wh,
            limit_price=self.limit_price,
        )


@dataclass(frozen=True, slots=True)
class Timing:
    """Median seconds of a clearing, and the Wh that it cleared."""

    seconds: float
    cleared_wh: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.clearing", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="runs of ours (default: 7)")
    parser.add_argument(
        "--patience",
        type=float,
        default=5,
        help="a peer gets no more orders once it has taken so many seconds (default: 5)",
    )
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")
    parser.add_argument("--plot", type=Path, default=ROOT / "reports" / "clearing.svg")
    arguments = parser.parse_args()

    ours = {count: time_ours(Orders.common(count), arguments.runs) for count in SIZES}
    show_ours(ours)
    peers: dict[str, dict[int, Timing]] = {}
    if not arguments.no_peers:
        for peer in (ASSUME, PYMARKET):
            peers[peer.title] = time_peer(peer, arguments.patience)
            show_peer(peer, peers[peer.title], ours)
    arguments.plot.parent.mkdir(parents=True, exist_ok=True)
    draw(ours, peers).savefig(arguments.plot, metadata={"Date": None})
    print(f"plot: {arguments.plot}")


def time_ours(orders: Orders, runs: int) -> Timing:
    """So many runs, or more of short ones, for at least a second in all."""
    seconds: list[float] = []
    cleared_wh = 0
    while len(seconds) <= runs or sum(seconds) < 1:
        began = time.perf_counter()
        fills = clear_arrays(
            orders.is_buy, orders.quantity_wh, orders.limit_price, orders.issued_at
        )
        seconds.append(time.perf_counter() - began)
        cleared_wh = fills.cleared_wh
    return Timing(statistics.median(seconds[1:]), cleared_wh)  # the first one warms up


def time_peer(peer: Peer, patience: float) -> dict[int, Timing]:
    python = environment_of(peer)
    timings: dict[int, Timing] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.npz"
        for count in SIZES:
            Orders.common(count).save(path)
            last = timings[max(timings)].seconds if timings else 0
            if last > patience:
                break
            runs = 3 if last < 1 else 1
            command = [python, PEERS / f"run_{peer.name}.py", path, str(runs)]
            done = subprocess.run(
                command,
                cwd=folder,  # where a tool may leave its log
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            said = json.loads(done.stdout)
            timings[count] = Timing(statistics.median(said["seconds"]), said["cleared_wh"])
    return timings


def environment_of(peer: Peer) -> Path:
    """The interpreter of an environment with exactly a peer's pins."""
    environment = ENVIRONMENTS / peer.name
    python = environment / "bin" / "python"
    variables = {**os.environ, "UV_CACHE_DIR": str(ROOT / ".cache" / "uv")}
    if not python.exists():
        command = [UV, "venv", "--quiet", "--python", sys.executable, environment]
        subprocess.run(command, check=True, env=variables)
    command = [UV, "pip", "sync", "--quiet", "--python", python, PEERS / f"{peer.name}.txt"]
    subprocess.run(command, check=True, env=variables)
    return python


def show_ours(ours: Mapping[int, Timing]) -> None:
    print("ours              ms       aim   ns / (n log2 n)   cleared kWh")
    for count, timing in ours.items():
        aim = f"{AIMS[count] * 1e3:6.0f}" if count in AIMS else " " * 6
        above = " above" if timing.seconds > AIMS.get(count, math.inf) else ""
        rate = timing.seconds / growth(count) * 1e9
        kwh = timing.cleared_wh / WH_PER_KWH
        print(
            f"{count:9,} {timing.seconds * 1e3:10.2f}    {aim} {rate:14.2f}   {kwh:13,.3f}{above}"
        )


def show_peer(peer: Peer, timings: Mapping[int, Timing], ours: Mapping[int, Timing]) -> None:
    pins = (PEERS / f"{peer.name}.txt").read_text(encoding="utf-8").split()
    version = next(pin for pin in pins if pin.startswith(peer.name))
    print(f"{peer.title} ({version})\n                  ms     times ours              cleared kWh")
    for count, timing in timings.items():
        ratio = timing.seconds / ours[count].seconds
        kwh = timing.cleared_wh / WH_PER_KWH
        print(f"{count:9,} {timing.seconds * 1e3:10.2f} {ratio:14,.0f}   {kwh:22,.3f}")


def growth(count: int) -> float:
    return count * math.log2(count)


def draw(ours: Mapping[int, Timing], peers: Mapping[str, Mapping[int, Timing]]) -> Figure:
    """Time against N, both logarithmic, with n log n through the largest of ours."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "peerwatt"}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.add_subplot()
        largest = max(ours)
        scale = ours[largest].seconds / growth(largest)
        counts: Sequence[int] = list(ours)
        expected = [scale * growth(count) for count in counts]
        axes.loglog(counts, expected, "--", color="#8a8f98", label="n log n")
        for title, timings in {"ours": ours, **peers}.items():
            axes.loglog(list(timings), [t.seconds for t in timings.values()], "o-", label=title)
        for count, aim in AIMS.items():
            axes.plot(count, aim, "v", color="#b9573a", label="aim" if count == largest else None)
        axes.set_xlabel("orders")
        axes.set_ylabel("seconds")
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    return figure


if __name__ == "__main__":
    main()
