"""A market without agents, whose time passes when a test says so: hours of voting take a moment."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from app.agents.directory import Directory
from app.agents.enrolment import bring_money, enrol_members
from app.api.about import about_street
from app.api.app import create_app
from app.index.database import database_url
from app.ledger.chain import MARKET
from app.ledger.types import Agreement, Reading
from app.market.windows import commit_start, window_at, window_end, window_start
from app.scenario.scenario import load_profiles, load_scenario
from app.system import (
    Chain,
    ChainOptions,
    development_directory,
    fill_purses,
    listen,
    open_chain,
    open_index,
    serve,
    services_of,
)
from tests.page.aside import aside
from tests.page.street import Market

VOTING_SECONDS = 6 * 3600
DELAY_SECONDS = 3600
PRICE = 150_000

T = TypeVar("T")


@dataclass(frozen=True)
class StillMarket(Market):
    """A running market; the coroutines of its ledger run where it lives, by `do`."""

    chain: Chain
    directory: Directory
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def account(self, household: str) -> str:
        return self.directory.member(household).account

    def advance(self, seconds: int) -> None:
        self.do(self._advance_to(self.chain.clock.now() + seconds))

    async def _advance_to(self, timestamp: int) -> None:
        await self.chain.clock.advance_to(timestamp)

    def confirm_deposit(self, household: str, amount: int, treasurers: int) -> None:
        """Lets so many treasurers say that the bank has received money."""

        async def confirm() -> None:
            chosen = self.directory.offices.treasurers[:treasurers]
            reference = secrets.token_bytes(32)
            ledger, holder = self.chain.ledger, self.account(household)
            await bring_money(ledger, chosen, holder, amount, reference)

        self.do(confirm())

    def pay_out(self, withdrawal_id: int) -> None:
        async def confirm() -> None:
            reference = secrets.token_bytes(32)
            for treasurer in self.directory.offices.treasurers:
                await self.chain.ledger.confirm_payout(treasurer, withdrawal_id, reference)

        self.do(confirm())

    def sell(self, seller: str, buyer: str, energy_wh: int, delivered_wh: int) -> Agreement:
        """A sale in the next hour, with readings; its hour is over then, and nothing is settled."""

        async def trade() -> Agreement:
            ledger, advance_to = self.chain.ledger, self.chain.clock.advance_to
            window = window_at(self.chain.clock.now()) + 2
            home, other = self.directory.member(seller), self.directory.member(buyer)
            receipt = await ledger.make_offer(home.account, window, energy_wh, 100_000)
            agreement = Agreement(
                offer_id=int(str(receipt.result)),
                seller=home.account,
                buyer=other.account,
                window=window,
                energy_wh=energy_wh,
                price=PRICE,
                deadline=window_start(window),
                salt=secrets.randbits(200),
            )
            await advance_to(commit_start(window))
            signed = ledger.sign_agreement(agreement)
            await ledger.allow_transactions(home.account, [signed])
            await advance_to(window_end(window))
            readings = [
                Reading(home.meter, window, delivered_wh, 0),
                Reading(other.meter, window, 0, energy_wh),
            ]
            keeper = self.directory.offices.keeper
            await ledger.submit_readings(keeper, [ledger.sign_reading(each) for each in readings])
            return agreement

        return self.do(trade())

    def pause(self) -> None:
        self.do(self.chain.ledger.write(self.directory.offices.operator, MARKET, "pause"))

    def doubt(self, agreement: Agreement) -> None:
        """Lets an auditor hold the seller's reading."""
        (auditor, *_) = self.directory.offices.auditors
        self.do(self.chain.ledger.doubt_reading(auditor, agreement.seller, agreement.window))

    def find_right(self, agreement: Agreement) -> None:
        async def confirm() -> None:
            for auditor in self.directory.offices.auditors:
                await self.chain.ledger.confirm_reading(auditor, agreement.seller, agreement.window)

        self.do(confirm())

    def settle(self, agreement: Agreement) -> None:
        async def settle() -> None:
            ledger, keeper = self.chain.ledger, self.directory.offices.keeper
            await ledger.make_transactions(keeper, [agreement])
            parties = [agreement.seller, agreement.buyer]
            await ledger.close_positions(keeper, parties, agreement.window)

        self.do(settle())


@contextmanager
def still_market(scenario_path: Path) -> Iterator[StillMarket]:
    """Runs the market beside the tests."""
    with aside(lambda: _open(scenario_path)) as opened:
        yield opened


@asynccontextmanager
async def _open(scenario_path: Path) -> AsyncIterator[StillMarket]:
    scenario = load_scenario(scenario_path)
    directory = development_directory(scenario)
    options = ChainOptions(voting="demo")
    async with (
        open_chain(options, scenario.opening) as chain,
        open_index(chain, database_url(None, chain.folder)) as index,
    ):
        endpoints = {member.name: f"tcp://{member.name}" for member in directory.members}
        async for _ in enrol_members(chain.ledger, directory, "still", endpoints):
            pass
        await fill_purses(chain, directory)
        # Whoever was admitted has a vote from the next second on.
        await chain.clock.advance_to(chain.clock.now() + 1)
        about = about_street(scenario, directory, load_profiles(scenario))
        sock = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        serving = asyncio.create_task(
            serve(create_app(services_of(chain, index, about=about)), sock)
        )
        try:
            yield StillMarket(url, chain, directory, asyncio.get_running_loop())
        finally:
            index.broadcast.close()
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
