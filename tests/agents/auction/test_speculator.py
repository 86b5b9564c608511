"""The speculator of Huang et al. 2022: buys low, sells high, within its storage."""

import pytest

from app.agents.auction.orders import RoundPrices
from app.agents.auction.speculator import (
    Speculator,
    SpeculatorSetting,
    StorageOutlook,
    storage_outlook,
)
from app.ledger.types import Side
from app.scenario.scenario import Battery
from tests.agents.auction.conftest import TERMS, WINDOW, prices

BATTERY = Battery(capacity_wh=10_000, power_w=4_000, efficiency_permille=900, initial_wh=0)
ROOMY = StorageOutlook(TERMS, sellable_wh=3_000, room_wh=2_000)


def watching(*means: int, lookback: int = 3) -> Speculator:
    """A speculator with thresholds of 10 % that has seen the prices of successive rounds."""
    speculator = Speculator(SpeculatorSetting(lookback, 0.1, 0.1))
    for number, mean in enumerate(means):
        speculator.learn(prices(mean, window=WINDOW + number))
    return speculator


def test_it_buys_after_a_fall_no_dearer_than_the_threshold() -> None:
    draft = watching(200_000, 190_000, 170_000).draft(ROOMY)
    assert draft is not None
    assert (draft.side, draft.energy_wh, draft.limit_price) == (Side.BUY, 2_000, 180_000)
    assert draft.reason == "buys: the price fell by 15.0%"


def test_it_sells_after_a_rise_no_cheaper_than_the_threshold() -> None:
    draft = watching(200_000, 210_000, 230_000).draft(ROOMY)
    assert draft is not None
    assert (draft.side, draft.energy_wh, draft.limit_price) == (Side.SELL, 3_000, 220_000)


@pytest.mark.parametrize("last", [180_000, 200_000, 220_000])
def test_up_to_the_thresholds_it_waits(last: int) -> None:
    assert watching(200_000, last).draft(ROOMY) is None


def test_it_waits_until_it_has_seen_two_rounds() -> None:
    assert watching().draft(ROOMY) is None
    assert watching(100_000).draft(ROOMY) is None


def test_only_the_last_rounds_count() -> None:
    speculator = watching(100_000, 200_000, 200_000, 200_000, lookback=2)
    assert speculator.change == 0.0


def test_a_round_without_trades_makes_the_older_ones_no_younger() -> None:
    speculator = Speculator(SpeculatorSetting(2, 0.1, 0.1))
    for number, seen in enumerate([prices(100_000, window=WINDOW), None, None]):
        speculator.learn(seen and RoundPrices(WINDOW + number, 100_000, 100_000, 100_000, 1))
    speculator.learn(prices(200_000, window=WINDOW + 3))
    assert speculator.change is None


def test_nothing_stored_is_nothing_sold_and_no_room_is_nothing_bought() -> None:
    full = StorageOutlook(TERMS, sellable_wh=3_000, room_wh=0)
    empty = StorageOutlook(TERMS, sellable_wh=0, room_wh=2_000)
    assert watching(200_000, 100_000).draft(full) is None
    assert watching(200_000, 300_000).draft(empty) is None


def test_its_limits_stay_within_the_grids_prices() -> None:
    assert watching(310_000, 399_000).draft(ROOMY) is None
    assert watching(85_000, 60_000).draft(ROOMY) is None


@pytest.mark.parametrize(
    ("stored_wh", "tokens_wh", "sellable_wh", "room_wh"),
    [
        (0, None, 0, 4_000),
        (3_000, None, 3_000, 4_000),
        (9_000, None, 4_000, 1_111),
        (10_000, None, 4_000, 0),
        (9_000, 2_500, 2_500, 1_111),
        (9_000, -5, 0, 1_111),
    ],
)
def test_storage_bounds_what_can_be_done(
    stored_wh: int, tokens_wh: int | None, sellable_wh: int, room_wh: int
) -> None:
    found = storage_outlook(TERMS, BATTERY, stored_wh=stored_wh, tokens_wh=tokens_wh)
    assert (found.sellable_wh, found.room_wh) == (sellable_wh, room_wh)
