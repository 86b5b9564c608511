"""The example street on the model ledger."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.agents.directory import Directory, Offices, directory_of
from app.agents.observer import NegotiationMessage, Observer, Progress
from app.agents.reports import SettlementReport, WindowReport
from app.agents.street import MarketClock, Street, StreetOptions
from app.ledger.model import DevelopmentAccounts, ModelClock, ModelLedger
from app.ledger.types import Receipt
from app.market.windows import window_start
from app.scenario.profiles import Profiles
from app.scenario.scenario import Scenario, load_profiles, load_scenario

ROOT = Path(__file__).parents[3]
SCENARIO = Path(__file__).with_name("street.yaml")


@pytest.fixture(scope="session")
def example() -> Scenario:
    return load_scenario(SCENARIO)


@pytest.fixture(scope="session")
def profiles(example: Scenario) -> Profiles:
    return load_profiles(example)


@pytest.fixture
def dawn(example: Scenario) -> Scenario:
    """The example from five in the morning on, when the first panels see light."""
    return starting(example, example.first_window + 6)


@dataclass(slots=True)
class Notebook:
    """An observer that writes everything down."""

    messages: list[NegotiationMessage] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    steps: list[Progress] = field(default_factory=list)

    def message(self, message: NegotiationMessage) -> None:
        self.messages.append(message)

    def receipt(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)

    def progress(self, progress: Progress) -> None:
        self.steps.append(progress)


class EventfulClock:
    """A clock with which things happen at moments of market time, besides its passing."""

    def __init__(self, inner: MarketClock) -> None:
        self._inner = inner
        self._events: list[tuple[int, Callable[[], Awaitable[object]]]] = []

    def at(self, moment: int, happens: Callable[[], Awaitable[object]]) -> None:
        self._events.append((moment, happens))

    def now(self) -> int:
        return self._inner.now()

    async def advance_to(self, timestamp: int) -> None:
        due = [event for event in self._events if event[0] <= timestamp]
        for moment, happens in due:
            self._events.remove((moment, happens))
            await self._inner.advance_to(moment)
            await happens()
        await self._inner.advance_to(timestamp)


@dataclass(slots=True)
class World:
    """A ledger with a street's accounts, and the clock of both."""

    scenario: Scenario
    profiles: Profiles
    clock: ModelClock
    ledger: ModelLedger
    directory: Directory

    def street(
        self,
        observer: Observer | None = None,
        options: StreetOptions | None = None,
        clock: MarketClock | None = None,
        profiles: Profiles | None = None,
    ) -> Street:
        return Street(
            self.scenario,
            profiles or self.profiles,
            self.ledger,
            clock or self.clock,
            self.directory,
            observer,
            options,
        )


def world_of(scenario: Scenario, profiles: Profiles) -> World:
    """A new world right before the trading of the scenario's first window."""
    clock = ModelClock(scenario.opening)
    ledger, accounts = ModelLedger.for_development(clock)
    return World(
        scenario,
        profiles,
        clock,
        ledger,
        directory_of(
            scenario,
            offices_of(accounts),
            lambda number: ledger.keys.account(f"household {number}"),
            lambda number: ledger.keys.account(f"meter {number}"),
        ),
    )


def offices_of(accounts: DevelopmentAccounts) -> Offices:
    return Offices(
        accounts.operator,
        accounts.auditors,
        accounts.treasurers,
        accounts.treasury,
        accounts.keeper,
        accounts.members,
    )


def starting(scenario: Scenario, window: int) -> Scenario:
    return replace(scenario, start=window_start(window))


@dataclass(frozen=True, slots=True)
class Run:
    """What a street has reported."""

    windows: list[WindowReport]
    rest: list[SettlementReport]

    @property
    def settlements(self) -> list[SettlementReport]:
        return [report for window in self.windows for report in window.settled] + self.rest

    @property
    def trades(self) -> list[tuple[int, str, str, int, int]]:
        """Window, seller, buyer, energy and price of all trades, in order."""
        return [
            (trade.window, trade.seller, trade.buyer, trade.energy_wh, trade.price)
            for window in self.windows
            for trade in window.trades
        ]


async def live(world: World, street: Street, count: int | None = None) -> Run:
    """Enrols a street, lets it live through its windows, and settles all."""
    await street.enrol()
    first = street.next_window()
    last = first + (count or world.scenario.windows) - 1
    windows = [await street.run_window(window) for window in range(first, last + 1)]
    return Run(windows, await street.finish(last))


async def run(
    scenario: Scenario, profiles: Profiles, count: int | None = None, **options: object
) -> Run:
    """A whole life of a street in a world of its own."""
    world = world_of(scenario, profiles)
    async with world.street(options=StreetOptions(**options)) as street:  # type: ignore[arg-type]
        return await live(world, street, count)
