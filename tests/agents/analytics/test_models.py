from functools import cache

import numpy as np
import pytest

from app.agents.analytics.models import LEAD, Persistence, SeasonalNaive, make_model
from app.errors import ScenarioError
from app.scenario.profiles import read_profiles
from tests.agents.analytics.data import SIMBENCH, WEEKS

DAY = 24


def history(values: dict[int, int]) -> dict[int, int]:
    return dict(sorted(values.items()))


def test_persistence_is_the_last_metered_hour() -> None:
    assert Persistence().predict({5: 100, 6: 200}, 8) == 200
    assert Persistence().predict({5: 100, 6: 200}, 6) == 100
    assert Persistence().predict({}, 8) == 0


def test_without_a_day_of_history_seasonal_naive_is_persistence() -> None:
    known = {window: window * 10 for window in range(DAY - 1)}
    model = SeasonalNaive()
    model.train(known)

    assert model.predict(known, DAY - 1) == Persistence().predict(known, DAY - 1) == 220


def test_a_day_that_repeats_itself_is_forecast_exactly() -> None:
    pattern = [hour * hour for hour in range(DAY)]
    known = {window: pattern[window % DAY] for window in range(5 * DAY)}
    model = SeasonalNaive()
    model.train(known)

    assert [model.predict(known, 5 * DAY + hour) for hour in range(DAY)] == pattern


def test_a_week_that_repeats_itself_is_learned_from_the_week_before() -> None:
    rng = np.random.default_rng(0)
    pattern = rng.integers(0, 5_000, 7 * DAY).tolist()
    known = {window: pattern[window % (7 * DAY)] for window in range(14 * DAY)}
    model = SeasonalNaive()
    model.train(known)

    assert model.blend.weights["last week"] > 1_000 * model.blend.weights["yesterday"]
    forecasts = [model.predict(known, 14 * DAY + hour) for hour in range(DAY)]
    assert np.abs(np.array(forecasts) - pattern[:DAY]).mean() < 10


def test_an_error_that_persists_is_carried_over() -> None:
    level = [1_000, 500, 2_000, 800, 1_500]
    noon = 4 * DAY + 12
    known = {window: level[window // DAY] for window in range(noon)}
    model = SeasonalNaive()
    model.train(known)

    assert model.blend.carry > 0.5
    assert abs(model.predict(known, noon + 1) - 1_500) < 150


def test_an_error_that_changes_sign_is_not_carried_over() -> None:
    known = {
        window: 1_000 + 100 * (-1) ** (window // LEAD) * (window // DAY % 2)
        for window in range(6 * DAY)
    }
    model = SeasonalNaive()
    model.train(known)

    assert model.blend.carry == 0


def test_a_forecast_is_never_negative() -> None:
    known = dict.fromkeys(range(4 * DAY), 10) | {4 * DAY: 0, 4 * DAY + 1: 0}
    model = SeasonalNaive()
    model.train(known)

    assert model.predict(known, 4 * DAY + 3) >= 0


def test_nothing_after_the_last_metered_hour_is_looked_at() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 3_000, 12 * DAY).tolist()
    known = dict(enumerate(values[: 10 * DAY]))
    future = known | dict.fromkeys(range(10 * DAY + 1, 12 * DAY), 10**9)
    for model in (SeasonalNaive(), Persistence()):
        model.train(known)

        assert model.predict(known, 10 * DAY + 1) == model.predict(future, 10 * DAY + 1)


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [("oracle", {}, "f"), ("persistence", {"x": 1.0}, "f.parameters.x")],
)
def test_what_is_not_known_is_named(name: str, parameters: dict[str, float], field: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        make_model("f", name, parameters)
    assert caught.value.field == field


@cache
def mean_errors(week: str) -> dict[str, tuple[float, float]]:
    """Mean absolute errors (seasonal-naive, persistence) over the last four days of a week.

    As on the market: trained every hour, two hours ahead.
    """
    profiles = read_profiles(SIMBENCH / f"{week}.csv")
    errors: dict[str, list[tuple[int, int]]] = {"load": [], "pv": []}
    for household in profiles.households:
        whole = profiles.history_of(household, profiles.first_window + 168, 168)
        for kind, series in (("load", whole.load_wh), ("pv", whole.pv_wh)):
            model = SeasonalNaive()
            for window in range(3 * DAY, 168, 5):
                known = {hour: int(series[hour]) for hour in range(window - LEAD + 1)}
                model.train(known)
                actual = int(series[window])
                errors[kind].append(
                    (
                        abs(model.predict(known, window) - actual),
                        abs(Persistence().predict(known, window) - actual),
                    )
                )
    return {
        kind: (float(np.mean([ours for ours, _ in rows])), float(np.mean([p for _, p in rows])))
        for kind, rows in errors.items()
    }


@pytest.mark.parametrize("week", WEEKS)
def test_on_real_data_the_load_is_forecast_better_than_by_persistence(week: str) -> None:
    ours, persistence = mean_errors(week)["load"]

    assert ours < 0.9 * persistence


@pytest.mark.parametrize(
    ("week", "limit"), [("winter", 1.1), ("spring", 0.8), ("summer", 0.8), ("autumn", 0.9)]
)
def test_on_real_data_generation_is_forecast_better_but_for_the_winter(
    week: str, limit: float
) -> None:
    """In December the sky changes less from hour to hour than from day to day."""
    ours, persistence = mean_errors(week)["pv"]

    assert ours < limit * persistence
