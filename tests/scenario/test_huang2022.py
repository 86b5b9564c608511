"""The case study of Huang et al. 2022, on the model ledger: one test for each finding of the paper.

What differs from the paper is in the scenario's notes, which the last tests hold to the run.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from app.agents.auction.trader import PlacedOrder
from app.agents.reports import WindowReport
from app.ledger.types import Side
from app.scenario.record import RunRecord
from app.scenario.run import Run
from app.scenario.scenario import LedgerChoice, Scenario, load_profiles, load_scenario
from app.system import open_model_street

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "huang2022"

SUPPLY_WH = {"G1": 1600, "G2": 400, "G3": 600, "G4": 400, "G5": 1000, "G6": 3000, "G7": 200}
COSTS = {
    "G1": 16_000,
    "G2": 17_000,
    "G3": 18_000,
    "G4": 24_000,
    "G5": 28_000,
    "G6": 21_000,
    "G7": 23_000,
}
WORTHS = {
    "C1": 48_000,
    "C2": 52_000,
    "C3": 56_000,
    "C4": 53_000,
    "C5": 46_000,
    "C6": 51_000,
    "C7": 52_000,
}


@dataclass(frozen=True, slots=True)
class Study:
    """Two days, hour by hour: energy in Wh, prices in money per kWh."""

    scenario: Scenario
    hours: list[WindowReport]
    summary: dict[str, object]

    @property
    def demand(self) -> np.ndarray:
        return np.array([sum(plan.lack_wh for plan in hour.plans.values()) for hour in self.hours])

    @property
    def traded(self) -> np.ndarray:
        return np.array([sum(trade.energy_wh for trade in hour.trades) for hour in self.hours])

    @property
    def price(self) -> np.ndarray:
        return np.array([hour.round_prices.mean for hour in self.hours if hour.round_prices])

    def mean_limit(self, side: Side) -> np.ndarray:
        """The mean limit price of new orders, weighted by energy."""
        orders = [orders_of(hour, side) for hour in self.hours]
        return np.array(
            [
                np.average(
                    [order.limit_price for order in hour], weights=[o.energy_wh for o in hour]
                )
                for hour in orders
            ]
        )

    def adjusting_quantity(self) -> np.ndarray:
        """How many producers adjust their quantity in each hour."""
        return np.array(
            [
                sum("quantity" in order.reason for order in orders_of(hour, Side.SELL))
                for hour in self.hours
            ]
        )


def orders_of(hour: WindowReport, side: Side) -> list[PlacedOrder]:
    return [order for order in hour.orders if order.side is side]


async def live(scenario: Scenario) -> Study:
    run, hours = Run(scenario, load_profiles(scenario), RunRecord()), []
    async with open_model_street(scenario, run.record) as street:
        await run.complete(street, hours.append)
        summary = run.summary(street, wall_seconds=0)
    return Study(scenario, hours, summary)


@cache
def study_with(seed: int | None = None) -> Study:
    scenario = load_scenario(ROOT / "examples" / "huang2022.yaml")
    scenario = replace(scenario, ledger=LedgerChoice.MODEL)
    return asyncio.run(live(scenario if seed is None else replace(scenario, seed=seed)))


@pytest.fixture(scope="module")
def study() -> Study:
    return study_with()


def test_in_the_first_four_hours_all_demand_is_traded(study: Study) -> None:
    assert study.traded[:4].tolist() == study.demand[:4].tolist()


def test_price_climbs_at_first_with_asks_that_start_near_0_024(study: Study) -> None:
    asks = study.mean_limit(Side.SELL)
    assert 21_000 <= asks[0] <= 24_000
    assert study.price[0] < study.price[1] > 40_000
    assert asks[1] > 1.3 * asks[0]


def test_gap_between_bids_and_asks_narrows(study: Study) -> None:
    gap = study.mean_limit(Side.BUY) - study.mean_limit(Side.SELL)
    assert gap[1] < 0.75 * gap[0]
    assert gap[12] < 0.4 * gap[0]


def test_producers_turn_to_quantity_adjustment(study: Study) -> None:
    adjusting = study.adjusting_quantity()
    assert adjusting[:3].tolist() == [0, 0, 0]
    assert adjusting[4:7].max() >= 1
    assert adjusting[24:].mean() > 2


def test_price_reaches_0_046_around_noon_of_the_first_day(study: Study) -> None:
    around_noon = study.price[10:14]
    assert 45_500 <= around_noon.max() <= 46_500
    assert around_noon.max() == study.price[:24].max()


def test_traded_energy_follows_demand_from_nine_on(study: Study) -> None:
    assert np.corrcoef(study.traded[9:], study.demand[9:])[0, 1] > 0.97
    assert study.traded[9:].sum() >= 0.99 * study.demand[9:].sum()


def test_price_falls_when_demand_falls(study: Study) -> None:
    """From the evening's peak to the night after it, and as a whole."""
    assert study.price[22] - study.price[27] > 10_000
    assert np.corrcoef(study.price[9:], study.demand[9:])[0, 1] > 0.6


def test_asks_follow_demand_in_the_end(study: Study) -> None:
    asks = study.mean_limit(Side.SELL)
    assert np.corrcoef(asks[24:], study.demand[24:])[0, 1] > 0.5


def test_nobody_trades_beyond_cost(study: Study) -> None:
    for hour in study.hours:
        for trade in hour.trades:
            assert COSTS[trade.seller] <= trade.price <= WORTHS[trade.buyer]
            assert (trade.seller_strategy, trade.buyer_strategy) == ("producer", "consumer")


def test_nobody_offers_beyond_its_supply(study: Study) -> None:
    for hour in study.hours:
        for order in orders_of(hour, Side.SELL):
            assert order.energy_wh <= SUPPLY_WH[order.owner]


def test_nobody_stays_unserved(study: Study) -> None:
    """What members did not sell in time, the regulator did; all deliver what they sold."""
    summary = study.summary
    wanted_wh = int(study.demand.sum())
    assert summary["load_wh"] == wanted_wh
    assert summary["energy_traded_wh"] + summary["grid_import_wh"] == wanted_wh
    assert summary["grid_export_wh"] == 0
    assert (summary["refused_writes"], summary["deadline_misses"], summary["debts"]) == (0, 0, 0)
    assert summary["settled"] == summary["agreements"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_findings_do_not_hang_on_the_seed(seed: int) -> None:
    study = study_with(seed)
    assert study.traded[:4].tolist() == study.demand[:4].tolist()
    assert 44_000 <= study.price[10:15].max() <= 49_000
    assert np.corrcoef(study.traded[9:], study.demand[9:])[0, 1] > 0.9
    assert np.corrcoef(study.price[9:], study.demand[9:])[0, 1] > 0.5


class TestWhatDiffersFromThePaper:
    """As the scenario's notes say."""

    def test_first_price_is_0_035(self, study: Study) -> None:
        assert 34_000 <= study.price[0] <= 36_000

    def test_most_of_the_climb_is_between_six_and_noon(self, study: Study) -> None:
        assert study.price[4:6].max() < 36_000
        assert study.price[11] > 45_000

    def test_bids_hardly_move(self, study: Study) -> None:
        bids = study.mean_limit(Side.BUY)[24:]
        assert 48_000 <= bids.min() <= bids.max() <= 50_000


class TestData:
    def test_peak_of_demand_is_the_whole_supply(self, study: Study) -> None:
        assert study.demand.max() == sum(SUPPLY_WH.values()) == 7_200

    def test_shares_are_those_of_table_3_over_their_sum(self, study: Study) -> None:
        shares = {"C1": 0.10, "C2": 0.16, "C3": 0.30, "C4": 0.08, "C5": 0.06, "C6": 0.2, "C7": 0.12}
        assert sum(shares.values()) == pytest.approx(1.02)
        for hour, demand in zip(study.hours, study.demand, strict=True):
            for name, share in shares.items():
                assert abs(hour.plans[name].lack_wh - share / 1.02 * demand) <= 1

    def test_file_has_the_checksum_of_the_manifest(self) -> None:
        manifest = json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))
        excerpt = json.loads((DATA.parent / "simbench" / "manifest.json").read_text("utf-8"))
        checksum = sha256((DATA / "demand.csv").read_bytes()).hexdigest()
        assert manifest["sha256"]["demand.csv"] == checksum
        assert manifest["licence"]["database"] == "ODbL-1.0"
        for name, source in manifest["made_from"].items():
            assert source == excerpt["sha256"][name]
