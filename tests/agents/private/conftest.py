"""A short private life on anvil: two windows, a restart with all agreements open, and the end.

The only roof sells to the other homes. For the first window clouds come: it delivers its first sale
in full, half of the second, and nothing of all others. For the second window it delivers all.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio

from app.agents.observer import NegotiationMessage, SilentObserver
from app.agents.private.access import PrivateAccess
from app.agents.private.books import HouseholdBooks
from app.agents.private.journal import Journal, KeptOffer, KeptTrade
from app.agents.private.view import PrivateTrade, PrivateView
from app.agents.reports import SettlementReport, WindowReport
from app.agents.street import Street, StreetOptions
from app.chain.keys import RELAYER, development_address
from app.errors import ConflictError, PeerwattError, UnavailableError
from app.ledger.private import PrivateLedger
from app.ledger.private_relay import PrivateRelay
from app.ledger.types import Receipt
from app.scenario.profiles import EnergySeries, Profiles
from app.scenario.record import RunRecord
from app.scenario.scenario import Scenario, load_profiles, load_scenario
from app.system import Chain, ChainOptions, development_directory, open_chain, private_access
from tests.agents.private.sealed import Case, sealed_case

SCENARIO = Path(__file__).with_name("street.yaml")
SELLER = "H13"
SUNSHINE_WH = 20_000

# No other call is as long.
AGREEMENT_BYTES = 5_000


@pytest.fixture(scope="session")
def case() -> Case:
    return sealed_case()


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return load_scenario(SCENARIO)


class Clouded:
    """Profiles with clouds over the roof that no forecast has seen: what is left to export."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self.exported_wh: dict[int, int] = {}

    @property
    def step_seconds(self) -> int:
        return self._profiles.step_seconds

    def steps_of(self, household: str, window: int) -> EnergySeries:
        series = self._profiles.steps_of(household, window)
        if household != SELLER or window not in self.exported_wh:
            return series
        pv_wh = series.load_wh.copy()
        pv_wh[0] += self.exported_wh[window]
        return EnergySeries(series.load_wh, pv_wh)

    def history_of(self, household: str, before_window: int, count: int) -> EnergySeries:
        return self._profiles.history_of(household, before_window, count)


@dataclass(slots=True)
class Ear(SilentObserver):
    """Hears every message that observers hear."""

    heard: list[NegotiationMessage] = field(default_factory=list)

    def message(self, message: NegotiationMessage) -> None:
        self.heard.append(message)


class MoodyRelay(PrivateRelay):
    """A relay that refuses the first of the next agreements, or is too busy for it."""

    def __init__(self, chain: Chain) -> None:
        assert chain.private is not None
        super().__init__(chain.private, development_address(RELAYER), take=lambda mark: None)
        self.moods: list[PeerwattError] = []

    async def relay(self, contract: str, data: bytes) -> Receipt:
        if self.moods and len(data) > AGREEMENT_BYTES:
            raise self.moods.pop()
        return await super().relay(contract, data)


@dataclass(slots=True)
class Life:
    """What a private street has lived through, and what everybody has seen of it."""

    folder: Path
    chain: Chain
    access: PrivateAccess
    relay: MoodyRelay
    record: RunRecord
    ear: Ear
    street: Street
    windows: list[WindowReport] = field(default_factory=list)
    settled: list[SettlementReport] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    at_restart: dict[str, PrivateView] = field(default_factory=dict)
    after_restart: dict[str, PrivateView] = field(default_factory=dict)
    books: dict[str, HouseholdBooks] = field(default_factory=dict)

    def observe(self, receipt: Receipt) -> None:
        self.record.observe(receipt)
        self.receipts.append(receipt)

    @property
    def private(self) -> PrivateLedger:
        return self.access.private

    def trades(self, name: str, window: int) -> list[PrivateTrade]:
        """A household's trades of the first window (0) or the second (1)."""
        which = self.windows[window].window
        return [trade for trade in self.books[name].view.trades if trade.window == which]

    def bought(self, agreement_id: bytes) -> PrivateTrade:
        """The same agreement as its buyer sees it."""
        return next(
            trade
            for name, books in self.books.items()
            for trade in books.view.trades
            if name != SELLER and trade.agreement_id == agreement_id
        )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chain(scenario: Scenario) -> AsyncIterator[Chain]:
    async with open_chain(ChainOptions(node="anvil", private=True), scenario.opening) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def life(
    chain: Chain, scenario: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Life]:
    first = scenario.first_window
    profiles = Clouded(load_profiles(scenario))
    directory = development_directory(scenario)
    relay = MoodyRelay(chain)
    access = replace(private_access(chain, directory), relay=relay)
    folder, ear = tmp_path_factory.mktemp("private-street"), Ear()

    def street() -> Street:
        options = StreetOptions(folder=folder, private=access)
        return Street(scenario, profiles, chain.ledger, chain.clock, directory, ear, options)

    async with street() as before:
        lived = Life(folder, chain, access, relay, RunRecord(), ear, before)
        chain.ledger.on_receipt = lived.observe
        await before.enrol()
        for window in (first, first + 1):
            lived.windows.append(await before.run_window(window))
            if window == first:
                sold = [trade.energy_wh for trade in lived.windows[0].trades]
                profiles.exported_wh = {first: sold[0] + sold[1] // 2, first + 1: SUNSHINE_WH}
        lived.at_restart = _views(before)
    async with street() as after:
        lived.street = after
        await after.enrol()
        lived.after_restart = _views(after)
        lived.settled = await after.finish(first + 1)
        lived.books = {books.view.name: books for books in after.private_books()}
        chain.ledger.on_receipt = None
        yield lived


def _views(street: Street) -> dict[str, PrivateView]:
    return {books.view.name: books.view for books in street.private_books()}


@dataclass(frozen=True, slots=True)
class Sale:
    """An agreement that nobody has settled yet, as its seller and its buyer keep it."""

    trade: KeptTrade
    offer: KeptOffer
    buyer: str


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def moody_hour(life: Life) -> WindowReport:
    """An hour in which the relay refuses one agreement for good, and another one once."""
    life.relay.moods = [UnavailableError("too busy"), ConflictError("this note was spent before")]
    return await life.street.run_window(life.street.next_window())


@pytest.fixture(scope="session")
def sales(life: Life, moody_hour: WindowReport) -> list[Sale]:
    """What was sold in that hour, for a window that is not over."""
    journal = Journal(life.folder / "private" / f"{SELLER}.jsonl")
    return [
        Sale(
            journal.trades[trade.agreement_id],
            journal.offers[journal.trades[trade.agreement_id].made.agreement.offer_id],
            trade.buyer,
        )
        for trade in moody_hour.trades
    ]
