"""What the gateway tells of the street beyond what the chain knows: names, roofs, strategies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.agents.directory import Directory
from app.ledger.types import Address
from app.scenario.profiles import Profiles
from app.scenario.scenario import COMMUNITY_BATTERY, Scenario

CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class Resident:
    """A member of the street. `strategy` is how its seller haggles; empty if nobody says."""

    name: str
    solar: bool = False
    battery: bool = False
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """The street. All empty where the gateway runs without one."""

    scenario: str = ""
    time_zone: str = "UTC"
    currency: str = CURRENCY
    residents: Mapping[Address, Resident] = field(default_factory=dict)


def about_street(scenario: Scenario, directory: Directory, profiles: Profiles) -> About:
    """What is known of a scenario's members; who ever generates is solar."""
    residents = {}
    for participant in scenario.participants:
        residents[directory.member(participant.household).account] = Resident(
            name=participant.household,
            solar=profiles.generates(participant.household),
            battery=participant.battery is not None,
            strategy=participant.seller.name,
        )
    if scenario.community_battery is not None:
        residents[directory.member(COMMUNITY_BATTERY).account] = Resident(
            name=COMMUNITY_BATTERY,
            battery=True,
            strategy=scenario.community_battery.seller.name,
        )
    return About(scenario.name, str(scenario.grid.time_zone), CURRENCY, residents)
