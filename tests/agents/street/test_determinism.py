"""Same scenario and seed: the same trades, to the unit, whatever the machine does."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.agents.street import MarketClock, StreetOptions
from app.scenario.profiles import Profiles
from app.scenario.scenario import Communication, Plugin, Scenario
from tests.agents.street.conftest import ROOT, Run, live, run, starting, world_of

DIGEST = """
import asyncio, hashlib
from dataclasses import replace
from tests.agents.street.conftest import SCENARIO, run, starting
from app.scenario.scenario import Communication, load_profiles, load_scenario
scenario = load_scenario(SCENARIO)
scenario = starting(scenario, scenario.first_window + 6)
scenario = replace(scenario, communication=Communication(0.2, 3))
trades = asyncio.run(run(scenario, load_profiles(scenario), 4)).trades
print(len(trades), hashlib.sha256(repr(trades).encode()).hexdigest())
"""


@pytest.fixture
def lossy(dawn: Scenario) -> Scenario:
    return replace(dawn, communication=Communication(0.2, 3))


@pytest.fixture
def zip_street(dawn: Scenario) -> Scenario:
    plugin = Plugin("zip", {})
    members = tuple(replace(each, seller=plugin, buyer=plugin) for each in dawn.participants)
    return replace(dawn, participants=members)


async def test_two_runs_make_the_same_trades(lossy: Scenario, profiles: Profiles) -> None:
    first, second = [await run(lossy, profiles, 5) for _ in range(2)]

    assert first.trades == second.trades
    assert len(first.trades) > 10
    assert [w.messages for w in first.windows] == [w.messages for w in second.windows]


def test_the_order_of_hashes_makes_no_difference() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4711")
    ]
    assert len(set(digests)) == 1
    assert not digests[0].startswith("0 ")


class Nap:
    """A clock that hands the event loop to others before time passes."""

    def __init__(self, inner: MarketClock) -> None:
        self._inner = inner

    def now(self) -> int:
        return self._inner.now()

    async def advance_to(self, timestamp: int) -> None:
        for _ in range(timestamp % 7):
            await asyncio.sleep(0)
        await self._inner.advance_to(timestamp)


async def test_a_busy_machine_makes_no_difference(lossy: Scenario, profiles: Profiles) -> None:
    """Other tasks of the event loop, and a clock that takes its time, change nothing."""
    idle = await run(lossy, profiles, 4)
    world = world_of(lossy, profiles)
    loop = asyncio.get_running_loop()

    def disturb(number: int) -> None:
        handles[number] = loop.call_soon(disturb, number)

    handles = [loop.call_soon(disturb, number) for number in range(3)]
    async with world.street(clock=Nap(world.clock)) as street:
        busy = await live(world, street, 4)
    for handle in handles:
        handle.cancel()

    assert busy.trades == idle.trades


async def test_another_seed_makes_other_trades(zip_street: Scenario, profiles: Profiles) -> None:
    first = await run(zip_street, profiles, 4)
    other = await run(replace(zip_street, seed=zip_street.seed + 1), profiles, 4)

    assert first.trades != other.trades


async def test_nobody_looks_into_the_future(dawn: Scenario, profiles: Profiles) -> None:
    """What happens from a window on cannot change what is traded before it is metered."""
    changed_from = dawn.first_window + 2
    column = (changed_from - profiles.first_window) * profiles.steps_per_window
    load, pv = profiles.load_wh.copy(), profiles.pv_wh.copy()
    load[:, column:] = np.roll(load[:, column:], 31, axis=1) * 2
    pv[:, column:] = np.roll(pv[:, column:], 31, axis=1) // 3
    other = replace(profiles, load_wh=load, pv_wh=pv)

    first, second = await run(dawn, profiles, 6), await run(dawn, other, 6)

    def plans(lived: Run, windows: range) -> list[object]:
        return [report.plans for report in lived.windows if report.window in windows]

    before = range(dawn.first_window, changed_from + 2)
    after = range(changed_from + 2, changed_from + 4)
    assert plans(first, before) == plans(second, before)
    assert len(plans(first, before)) == 4
    assert plans(first, after) != plans(second, after)


async def test_a_street_that_was_stopped_goes_on_as_if_it_had_not(
    example: Scenario, profiles: Profiles, tmp_path: Path
) -> None:
    scenario = replace(
        starting(example, example.first_window + 6), community_battery=None, windows=6
    )
    whole = await run(scenario, profiles)

    world = world_of(scenario, profiles)
    options = StreetOptions(folder=tmp_path)
    trades = []
    settled = []
    for part in range(3):
        async with world.street(options=options) as street:
            enrolled = await street.enrol()
            assert part == 0 or {receipt.function for receipt in enrolled} == {"publishTerms"}
            for _ in range(2):
                report = await street.run_window(street.next_window())
                trades += [
                    (t.window, t.seller, t.buyer, t.energy_wh, t.price) for t in report.trades
                ]
                settled += report.settled
            if part == 2:
                settled += await street.finish(scenario.last_window)

    assert trades == whole.trades
    done = {report.window for report in settled if report.settlement.is_complete}
    assert done == set(range(scenario.first_window, scenario.last_window + 1))
    assert sum(report.settlement.settled for report in settled) == len(trades)


async def test_readings_that_were_kept_but_not_submitted_are_submitted_later(
    dawn: Scenario, profiles: Profiles, tmp_path: Path
) -> None:
    """As if the process had ended between the meters' files and the ledger."""
    ahead, behind = world_of(dawn, profiles), world_of(dawn, profiles)
    for world, windows in ((ahead, 5), (behind, 4)):
        folder = tmp_path / str(windows)
        async with world.street(options=StreetOptions(folder=folder)) as street:
            await street.enrol()
            for _ in range(windows):
                await street.run_window(street.next_window())

    async with behind.street(options=StreetOptions(folder=tmp_path / "5")) as street:
        await street.run_window(street.next_window())
        await street.finish(dawn.first_window + 4)

    for window in range(dawn.first_window, dawn.first_window + 5):
        for member in behind.directory.members:
            assert (await behind.ledger.reading_of(member.account, window)).recorded
            assert (await behind.ledger.position_of(member.account, window)).closed
