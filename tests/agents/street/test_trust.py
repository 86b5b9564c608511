"""Buyers that ask how sellers have kept their word."""

from dataclasses import replace

from app.scenario.profiles import Profiles
from app.scenario.scenario import Plugin, Scenario
from tests.agents.street.conftest import Run, run, world_of
from tests.agents.street.conftest import live as live_in

HOURS = 10


def trusting(scenario: Scenario, **parameters: float) -> Scenario:
    """All homes haggle in the same way, and trust as the parameters say."""
    return replace(
        scenario,
        community_battery=None,
        participants=tuple(
            replace(each, buyer=Plugin("conceder", parameters)) for each in scenario.participants
        ),
    )


def sold_wh(lived: Run, names: set[str]) -> int:
    return sum(energy_wh for _, seller, _, energy_wh, _ in lived.trades if seller in names)


async def test_who_trusts_everybody_trades_as_who_does_not_ask(
    dawn: Scenario, profiles: Profiles
) -> None:
    careless = await run(trusting(dawn), profiles, HOURS)
    trustful = await run(trusting(dawn, trust=1.0), profiles, HOURS)
    assert trustful.trades == careless.trades


async def test_who_trusts_nobody_that_failed_buys_less_of_them(
    dawn: Scenario, profiles: Profiles
) -> None:
    careless = await run(trusting(dawn), profiles, HOURS)
    world = world_of(trusting(dawn, trust=0.0), profiles)
    async with world.street() as street:
        careful = await live_in(world, street, HOURS)
    lapsed = set()
    for member in world.directory.members:
        record = await world.ledger.lapses_of(member.account, dawn.first_window, HOURS)
        if record.windows:
            lapsed.add(member.name)

    assert 0 < len(lapsed) < len(world.directory.members)
    assert sold_wh(careful, lapsed) < sold_wh(careless, lapsed)
