"""Who takes part in a street, under which accounts."""

from collections.abc import Callable
from dataclasses import dataclass

from app.errors import NotFoundError
from app.ledger.types import Address, MeterKind
from app.scenario.scenario import COMMUNITY_BATTERY, Scenario


@dataclass(frozen=True, slots=True)
class Member:
    """A participant of the street: its name, the account that trades, and its meter's key."""

    name: str
    account: Address
    meter: Address
    kind: MeterKind
    deposit: int


@dataclass(frozen=True, slots=True)
class Offices:
    """The accounts of those who run the market.

    `treasury` buys and sells for the grid; `keeper` submits readings and settlements, and clears
    the auction; `members` proposes what the consortium decides on the market's rules.
    """

    operator: Address
    auditors: tuple[Address, ...]
    treasurers: tuple[Address, ...]
    treasury: Address
    keeper: Address
    members: Address


@dataclass(frozen=True, slots=True)
class Directory:
    """All accounts of a street. Members are in the scenario's order, the battery last."""

    offices: Offices
    members: tuple[Member, ...]

    def member(self, name: str) -> Member:
        """A member by name; raises NotFoundError."""
        for member in self.members:
            if member.name == name:
                return member
        raise NotFoundError(
            f"no member {name!r}", hint=f"known: {', '.join(each.name for each in self.members)}"
        )

    @property
    def names(self) -> dict[Address, str]:
        """Names by account."""
        return {member.account: member.name for member in self.members}


def directory_of(
    scenario: Scenario,
    offices: Offices,
    account_of: Callable[[int], Address],
    meter_of: Callable[[int], Address],
) -> Directory:
    """The directory of a scenario; accounts and meters are numbered as its participants are."""
    named = [
        (participant.household, MeterKind.HOUSEHOLD, participant.deposit)
        for participant in scenario.participants
    ]
    if scenario.community_battery:
        deposit = scenario.community_battery.deposit
        named.append((COMMUNITY_BATTERY, MeterKind.STORAGE, deposit))
    return Directory(
        offices,
        tuple(
            Member(name, account_of(number), meter_of(number), kind, deposit)
            for number, (name, kind, deposit) in enumerate(named)
        ),
    )
