import numpy as np
import pytest

from app.agents.agent import StreetAgent
from app.agents.analytics.forecaster import ForecasterRole
from app.agents.analytics.history import KEPT_WINDOWS, DataReaderRole, WindowEnergy
from app.agents.analytics.knowledge import KnowledgeExtractorRole
from app.agents.analytics.models import SeasonalNaive
from app.agents.devices.batches import MeterBatch, MeterStep
from app.agents.reports import score
from app.scenario.profiles import EnergySeries

FIRST = 1_000


@pytest.fixture
async def reader() -> DataReaderRole:
    return DataReaderRole()


@pytest.fixture
async def forecaster(reader: DataReaderRole) -> ForecasterRole:
    """Of a household whose days are all alike: 100 Wh used, and at noon 900 Wh generated."""
    forecaster = ForecasterRole("H01")
    knowledge = KnowledgeExtractorRole(SeasonalNaive)
    agent = StreetAgent()
    for role in (reader, knowledge, forecaster):
        agent.add_role(role)
    load = np.full(72, 100)
    pv = np.array(([0] * 12 + [900] + [0] * 11) * 3)
    reader.note_history(EnergySeries(load, pv), FIRST)
    knowledge.train()
    return forecaster


def metered(window: int, load_wh: int, pv_wh: int) -> MeterBatch:
    step = MeterStep(load_wh, pv_wh, max(pv_wh - load_wh, 0), max(load_wh - pv_wh, 0))
    return MeterBatch("H01", "0x", window, 3_600, "", (step,))


async def test_the_history_ends_right_before_the_market_begins(
    forecaster: ForecasterRole, reader: DataReaderRole
) -> None:
    assert max(reader.loads) == FIRST - 1
    assert reader.generation[FIRST - 12] == 900


async def test_a_forecast_is_what_the_models_say(forecaster: ForecasterRole) -> None:
    assert forecaster.forecast(FIRST) == WindowEnergy(100, 0)
    assert forecaster.forecast(FIRST + 12) == WindowEnergy(100, 900)


async def test_errors_are_told_beside_those_of_persistence(forecaster: ForecasterRole) -> None:
    forecaster.forecast(FIRST + 12)
    error = forecaster.compare(FIRST + 12, WindowEnergy(130, 800))

    assert error is not None
    assert (error.load_wh, error.pv_wh, error.net_wh) == (30, 100, 130)
    assert (error.persistence_load_wh, error.persistence_pv_wh) == (30, 800)
    assert error.persistence_net_wh == 770


async def test_the_first_forecast_for_a_window_counts_and_counts_once(
    forecaster: ForecasterRole, reader: DataReaderRole
) -> None:
    forecaster.forecast(FIRST + 12)
    reader.note(FIRST, WindowEnergy(5_000, 0))
    forecaster.forecast(FIRST + 12)
    error = forecaster.compare(FIRST + 12, WindowEnergy(100, 900))

    assert error is not None
    assert (error.load_wh, error.persistence_load_wh) == (0, 0)
    assert forecaster.compare(FIRST + 12, WindowEnergy(100, 900)) is None


async def test_a_window_without_a_forecast_has_no_error(forecaster: ForecasterRole) -> None:
    assert forecaster.compare(FIRST, WindowEnergy(100, 0)) is None


async def test_the_reader_keeps_three_weeks(reader: DataReaderRole) -> None:
    for number in range(KEPT_WINDOWS + 50):
        reader.note(FIRST + number, WindowEnergy(number, 0))

    assert len(reader.loads) == KEPT_WINDOWS
    assert min(reader.loads) == FIRST + 50


async def test_the_score_is_the_mean_of_all_errors(forecaster: ForecasterRole) -> None:
    errors = []
    for number, load in ((12, 130), (13, 150)):
        forecaster.forecast(FIRST + number)
        error = forecaster.compare(FIRST + number, WindowEnergy(load, 0))
        assert error is not None
        errors.append(error)
    result = score(errors)

    assert result is not None
    assert (result.count, result.load_wh, result.pv_wh) == (2, 40.0, 450.0)
    assert score([]) is None
