"""A street that has traded in private for an hour: a real chain, real proofs, the real gateway."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from app.agents.private.view import PrivateOffer, PrivateTrade, PrivateView, TradeSide, TradeState
from app.api.about import About, Resident
from app.api.app import create_app
from app.chain.keys import RELAYER, development_address
from app.errors import NotFoundError
from app.index.database import database_url
from app.ledger.private import PrivateLedger
from app.ledger.types import Address, Agreement
from app.market.windows import WINDOW_LENGTH, window_at
from app.privacy.keys import Purpose
from app.system import ChainOptions, listen, open_chain, open_index, serve, services_of
from benchmarks.private_round import AGREED_WH, Member, Report, Round, Trade, prepare
from tests.api.market import NOON
from tests.page.aside import aside
from tests.page.street import Market

MEMBERS = RING = 6

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Residents:
    """The street of the members, who tell the gateway what each of them sees."""

    round: Round
    offer_ids: dict[Address, int]
    trades: list[Trade]
    window: int

    def want(self, household: str, window: int, energy_wh: int, limit_price: int) -> None:
        raise NotFoundError(f"nobody haggles for {household}", hint="all has been agreed on")

    def note_agreement(self, agreement: Agreement) -> None:
        """There is no operator to settle it."""

    def private_view(self, account: Address) -> PrivateView | None:
        found = [each for each in self.round.members if each.account == account]
        return self._view(found[0]) if found else None

    def _view(self, member: Member) -> PrivateView:
        wallet = member.wallet
        return PrivateView(
            account=member.account,
            name=name_of(self.round.members.index(member)),
            member_secret=wallet.secret(Purpose.MEMBER),
            note_view_secret=wallet.secret(Purpose.NOTE_VIEW),
            note_spend_secret=wallet.secret(Purpose.NOTE_SPEND),
            offers=tuple(
                PrivateOffer(
                    self.offer_ids[made.terms.owner], self.window, made.energy, made.floor_price
                )
                for maker, made in self.round.offers
                if maker is member and made.terms.owner in self.offer_ids
            ),
            trades=tuple(
                self._trade(trade, TradeSide.SOLD if trade.seller is member else TradeSide.BOUGHT)
                for trade in self.trades
                if member in (trade.seller, trade.buyer)
            ),
        )

    def _trade(self, trade: Trade, side: TradeSide) -> PrivateTrade:
        made = trade.made
        states = {0: TradeState.CANCELLED, AGREED_WH: TradeState.SETTLED}
        return PrivateTrade(
            agreement_id=made.id,
            offer_id=made.agreement.offer_id,
            window=self.window,
            side=side,
            energy=made.energy,
            price=made.price,
            cost=made.payout.opening,
            state=states.get(trade.delivered_wh, TradeState.PARTLY),
            delivered_wh=trade.delivered_wh,
        )


@dataclass(frozen=True)
class PrivateStreet(Market):
    """The street and what its tests know of it."""

    private: PrivateLedger
    members: list[Member]
    residents: Residents
    loop: asyncio.AbstractEventLoop

    @property
    def window(self) -> int:
        return self.residents.window

    @property
    def trades(self) -> list[Trade]:
        return self.residents.trades

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def offer(self, member: Member) -> int:
        """An offer in a new round, an hour later; returns its window."""

        async def offer() -> int:
            ledger = self.private.ledger
            await ledger.clock.advance_to(ledger.now() + WINDOW_LENGTH)
            window = window_at(ledger.now()) + 2
            await self.private.open_round(development_address(RELAYER), window)
            ring = await self.private.ring_of(window)
            await self.residents.round.offer(member, ring, window)
            return window

        return self.do(offer())

    def remember(self) -> Callable[[], None]:
        """How to have the chain forget all from now on."""
        rpc = self.private.ledger.rpc
        snapshot = self.do(rpc.call("evm_snapshot"))

        def undo() -> None:
            self.do(rpc.call("evm_revert", snapshot))
            self.do(rpc.call("evm_mine"))

        return undo


def name_of(number: int) -> str:
    return f"H{number + 1:02}"


@contextmanager
def private_street() -> Iterator[PrivateStreet]:
    """Runs the street beside the tests."""
    with aside(_open) as opened:
        yield opened


@asynccontextmanager
async def _open() -> AsyncIterator[PrivateStreet]:
    options = ChainOptions(node="anvil", voting="demo", private=True)
    async with (
        open_chain(options, NOON) as chain,
        open_index(chain, database_url(None, chain.folder)) as index,
    ):
        members = [Member.of(number, secrets.token_bytes(32)) for number in range(MEMBERS)]
        private = await prepare(chain.ledger, members)
        residents = await _trade(private, members)
        names = {each.account: Resident(name_of(i)) for i, each in enumerate(members)}
        services = services_of(
            chain, index, street=residents, about=About("private", "Europe/Berlin", "EUR", names)
        )
        sock = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        serving = asyncio.create_task(serve(create_app(services), sock))
        try:
            loop = asyncio.get_running_loop()
            yield PrivateStreet(url, private, members, residents, loop)
        finally:
            index.broadcast.close()
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


async def _trade(private: PrivateLedger, members: list[Member]) -> Residents:
    """A round from its opening to the last withdrawal."""
    played = Round(private, members, RING, Report())
    await played.look()
    window = window_at(private.ledger.now()) + 2
    trades = await played.play(window)
    offer_ids = {each.terms.owner: each.id for each in await private.offers(window)}
    return Residents(played, offer_ids, trades, window)
