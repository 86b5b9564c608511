"""Readings that break physics: each rule at its limit, and an honest street that breaks none."""

from dataclasses import replace

import pytest

from app.agents.devices.batches import MeterBatch, MeterStep
from app.agents.governance.detection import (
    TOLERANCE_WH,
    Feeder,
    Installation,
    Rule,
    Sight,
    Suspicion,
    credible_wh,
    installations_of,
    ranked,
    suspect_batch,
    suspect_batches,
    suspect_sight,
    suspect_street,
    suspect_sums,
)
from app.agents.governance.sun import GERMANY
from app.ledger.types import Reading
from app.scenario.scenario import load_scenario
from tests.agents.governance.conftest import ROOT

NIGHT = 407_063  # 2016-06-08 23:00 UTC
NOON = 407_075
PANELS = Installation("H01", panel_w=4_000)
MOST_STEP_WH = 1_001
QUIET = MeterStep(load_wh=100, pv_wh=0, exported_wh=0, imported_wh=100)


def batch_of(*steps: MeterStep, window: int = NOON) -> MeterBatch:
    return MeterBatch("H01", "0xmeter", window, 900, "00", steps)


def sunny(exported_wh: int) -> MeterStep:
    return MeterStep(100, exported_wh + 100, exported_wh, 0)


def found(batch: MeterBatch, installation: Installation = PANELS) -> list[tuple[Rule, int, int]]:
    suspicions = suspect_batch(batch, installation, GERMANY)
    assert {(each.owner, each.window) for each in suspicions} <= {("H01", batch.window)}
    return [(each.rule, each.seen, each.bound) for each in suspicions]


# Readings


@pytest.mark.parametrize(
    ("window", "exported_wh", "installation", "rules"),
    [
        (NIGHT, 0, PANELS, []),
        (NIGHT, 1, PANELS, [Rule.DARK]),
        (NIGHT, 1, replace(PANELS, battery_w=1_000), []),
        (NIGHT, 1, replace(PANELS, needs_sun=False), []),
        (NIGHT, 1, Installation("H01", None), [Rule.DARK]),
        (NOON, 4_001, PANELS, []),
        (NOON, 4_002, PANELS, [Rule.RATING]),
        (NOON, 5_001, replace(PANELS, battery_w=1_000), []),
        (NOON, 5_002, replace(PANELS, battery_w=1_000), [Rule.RATING]),
        (NOON, 10**6, Installation("H01", None), []),
        (NOON, 1, Installation("H01", 0), [Rule.RATING]),
        (NIGHT, 4_002, PANELS, [Rule.DARK, Rule.RATING]),
        (NIGHT, 50_000, Installation("H01", 0, 50_000, is_storage=True), []),
    ],
)
def test_a_reading_by_itself(
    window: int, exported_wh: int, installation: Installation, rules: list[Rule]
) -> None:
    sight = Sight("H01", window, exported_wh, 0)
    assert [each.rule for each in suspect_sight(sight, installation, GERMANY)] == rules


# Raw data


def test_an_honest_batch_breaks_no_rule() -> None:
    assert found(batch_of(sunny(0), sunny(900), QUIET, sunny(1_000))) == []
    assert found(batch_of(*[QUIET] * 4, window=NIGHT)) == []


def test_generation_in_the_dark() -> None:
    batch = batch_of(QUIET, sunny(50), sunny(70), QUIET, window=NIGHT)
    assert found(batch) == [(Rule.DARK, 170, 0)]


def test_generation_in_the_dark_behind_a_battery_is_seen_in_the_raw_data_alone() -> None:
    home = replace(PANELS, battery_w=1_000)
    from_battery = MeterStep(0, 0, 100, 0, discharged_wh=100, stored_wh=400)
    assert found(batch_of(from_battery, window=NIGHT), home) == []
    assert found(batch_of(sunny(0), window=NIGHT), home) == [(Rule.DARK, 100, 0)]
    assert suspect_sight(Sight("H01", NIGHT, 100, 0), home, GERMANY) == []


def test_one_step_above_the_rating_is_enough() -> None:
    assert found(batch_of(sunny(MOST_STEP_WH), QUIET, QUIET, QUIET)) == []
    batch = batch_of(sunny(MOST_STEP_WH + 1), QUIET, sunny(MOST_STEP_WH + 3), QUIET)
    assert found(batch) == [(Rule.RATING, MOST_STEP_WH + 3, MOST_STEP_WH)]
    sight = Sight("H01", NOON, batch.exported_wh, batch.imported_wh)
    assert suspect_sight(sight, PANELS, GERMANY) == []


def test_a_step_that_does_not_balance() -> None:
    assert found(batch_of(MeterStep(100, 500, 450, 0))) == [(Rule.STEP_BALANCE, 500, 550)]


def test_a_battery_that_holds_what_it_did_not_take_in() -> None:
    charging = MeterStep(0, 100, 0, 0, charged_wh=100, lost_wh=5, stored_wh=95)
    home = replace(PANELS, battery_w=1_000)
    after = replace(charging, stored_wh=190)
    assert found(batch_of(charging, after), home) == []
    assert found(batch_of(charging, replace(after, stored_wh=191)), home) == [
        (Rule.STORE, 191, 190)
    ]


def test_the_sum_of_a_batch_is_its_reading() -> None:
    batch = batch_of(sunny(300), QUIET)
    honest = Reading("0xmeter", NOON, exported_wh=300, imported_wh=100)
    assert suspect_sums(batch, honest) == []
    (suspicion,) = suspect_sums(batch, replace(honest, exported_wh=301))
    assert (suspicion.rule, suspicion.seen, suspicion.bound) == (Rule.SUM, 301, 300)
    (suspicion,) = suspect_sums(batch, replace(honest, imported_wh=99))
    assert (suspicion.seen, suspicion.bound) == (99, 100)
    (suspicion,) = suspect_sums(batch, replace(honest, losses_wh=7))
    assert (suspicion.seen, suspicion.bound) == (7, 0)


def test_what_physics_lets_pass_of_an_export() -> None:
    batch = batch_of(sunny(MOST_STEP_WH + 500), sunny(200))
    assert credible_wh(batch, PANELS, GERMANY) == MOST_STEP_WH + 200
    assert credible_wh(batch, Installation("H01", None), GERMANY) == batch.exported_wh
    night = batch_of(sunny(500), window=NIGHT)
    assert credible_wh(night, PANELS, GERMANY) == 0
    assert credible_wh(night, replace(PANELS, battery_w=4_000), GERMANY) == 500


# The street


def sights(*net_wh: int) -> list[Sight]:
    return [
        Sight(f"H{number:02}", NOON, max(net, 0), max(-net, 0)) for number, net in enumerate(net_wh)
    ]


@pytest.mark.parametrize(
    ("came_wh", "is_suspicious"),
    [
        (50_000 - TOLERANCE_WH - 1, True),
        (50_000 - TOLERANCE_WH, False),
        (50_000, False),
        (51_000, False),
        (52_000, True),
    ],
)
def test_what_comes_into_a_street_goes_out_of_it_but_for_some_loss(
    came_wh: int, is_suspicious: bool
) -> None:
    meters = sights(30_000, -40_000)
    feeder = Feeder(imported_wh=came_wh - 30_000, exported_wh=10_000)
    suspicions = suspect_street(meters, feeder)
    assert bool(suspicions) is is_suspicious
    if is_suspicious:
        assert suspicions == [Suspicion("street", NOON, Rule.STREET_BALANCE, came_wh, 50_000)]


def test_a_street_without_meters_is_in_balance() -> None:
    assert suspect_street([], Feeder(0, 10**6)) == []


# Lists


def test_the_largest_excess_comes_first_and_names_break_ties() -> None:
    small = Suspicion("H02", NOON, Rule.DARK, 10, 0)
    large = Suspicion("H03", NOON, Rule.RATING, 900, 100)
    same = Suspicion("H01", NOON, Rule.DARK, 10, 0)
    under = Suspicion("H09", NOON, Rule.SUM, 0, 400)
    assert ranked([small, large, same, under]) == [large, under, same, small]


def test_of_an_unknown_meter_only_its_own_sums_are_checked() -> None:
    batch = batch_of(sunny(10**6), window=NIGHT)
    assert suspect_batches([batch], {}, GERMANY) == []
    broken = batch_of(replace(sunny(10**6), load_wh=0), window=NIGHT)
    (suspicion,) = suspect_batches([broken], {}, GERMANY)
    assert suspicion.rule is Rule.STEP_BALANCE


def test_installations_are_what_the_scenario_says() -> None:
    homes = installations_of(load_scenario(ROOT / "examples" / "street.yaml"))
    assert homes["H01"] == Installation("H01", 0)
    assert homes["H06"] == Installation("H06", 18_300, 18_300)
    assert homes["community-battery"] == Installation(
        "community-battery", 0, 50_000, is_storage=True
    )
    plants = installations_of(load_scenario(ROOT / "examples" / "huang2022.yaml"))
    assert plants["G1"] == Installation("G1", None, needs_sun=False)
