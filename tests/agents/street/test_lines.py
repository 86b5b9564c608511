"""A street over bad lines."""

from dataclasses import replace

import pytest

from app.agents.negotiation.communication import UnreliableLines
from app.scenario.profiles import Profiles
from app.scenario.scenario import Communication, Scenario
from tests.agents.street.conftest import run


async def test_with_thirty_percent_loss_the_market_goes_on(
    dawn: Scenario, profiles: Profiles
) -> None:
    good = await run(dawn, profiles, 16)
    bad = await run(replace(dawn, communication=Communication(0.3, 5)), profiles, 16)

    lost = sum(window.messages_lost for window in bad.windows)
    sent = sum(window.messages for window in bad.windows)
    assert 0.25 < lost / sent < 0.35
    assert sum(trade[3] for trade in bad.trades) > 0.8 * sum(trade[3] for trade in good.trades)
    assert [miss for window in bad.windows for miss in window.misses] == []
    assert all(report.settlement.is_complete for report in bad.settlements)


@pytest.mark.parametrize("late_delay", [40, 90, 600])
async def test_late_messages_hold_up_nobody(
    dawn: Scenario, profiles: Profiles, late_delay: int
) -> None:
    lines = UnreliableLines(5, late=0.3, late_delay=late_delay)
    seen = await run(dawn, profiles, 5, communication=lines)

    assert len(seen.trades) > 10
    assert [miss for window in seen.windows for miss in window.misses] == []
    assert [refusal for window in seen.windows for refusal in window.refused] == []
    assert all(report.settlement.is_complete for report in seen.settlements)


async def test_when_nothing_gets_through_everybody_trades_with_the_grid(
    dawn: Scenario, profiles: Profiles
) -> None:
    seen = await run(dawn, profiles, 4, communication=UnreliableLines(5, loss=1.0))

    assert seen.trades == []
    assert sum(window.dropped for window in seen.windows) > 0
    assert all(report.settlement.is_complete for report in seen.settlements)
