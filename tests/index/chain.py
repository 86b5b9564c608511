"""A chain with two households on it, and what its index should hold."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from app.agents.enrolment import bring_money
from app.chain.clock import ChainClock
from app.chain.keys import AUDITORS, TREASURERS, development_address
from app.chain.keys import household_address as household
from app.chain.keys import meter_address as meter
from app.chain.node import EmbeddedNode
from app.chain.reader import BlockReader
from app.index import schema, store
from app.index.database import database_url
from app.index.market_index import MarketIndex
from app.ledger.chain import ChainLedger
from app.ledger.types import Agreement, MeterKind, ParticipantInfo, Reading, Side
from app.market.windows import COMMIT_MARGIN, commit_start, window_at, window_end, window_start

NOON = 1_763_726_400  # 2025-11-21 12:00 UTC
YEAR = 365 * 86_400
PRICE = 150_000

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Chain:
    """A node with the contracts; time goes forward unless the chain is set back."""

    node: EmbeddedNode
    ledger: ChainLedger
    reader: BlockReader

    async def advance_to(self, timestamp: int) -> None:
        await self.ledger.clock.advance_to(timestamp)

    async def offer(self, energy_wh: int = 1_000) -> int:
        """Household 0 makes an offer for the next window."""
        window = window_at(self.ledger.now() + COMMIT_MARGIN) + 1
        receipt = await self.ledger.make_offer(household(0), window, energy_wh, 100_000)
        return int(str(receipt.result))

    async def trade(self) -> Agreement:
        """Household 1 buys from household 0: a whole story, from offer to positions."""
        ledger = self.ledger
        offer_id = await self.offer()
        window = offer_id >> 32
        agreement = Agreement(
            offer_id, household(0), household(1), window, 900, PRICE, window_start(window), 7
        )
        await self.advance_to(commit_start(window))
        await ledger.allow_transactions(household(0), [ledger.sign_agreement(agreement)])
        await self.advance_to(window_end(window))
        readings = [Reading(meter(0), window, 900, 0), Reading(meter(1), window, 0, 1_000)]
        await ledger.submit_readings(household(0), [ledger.sign_reading(each) for each in readings])
        await ledger.make_transactions(household(1), [agreement])
        await ledger.close_positions(household(0), [household(0), household(1)], window)
        return agreement

    async def auction(self) -> int:
        """Household 1 buys from household 0 in the auction of the window that this returns."""
        ledger = self.ledger
        window = window_at(ledger.now() + COMMIT_MARGIN) + 1
        for number, side, energy_wh in ((0, Side.SELL, 700), (1, Side.BUY, 500)):
            await ledger.place_order(
                household(number), side, energy_wh, PRICE, window, window_start(window + 2)
            )
        await self.advance_to(commit_start(window))
        await ledger.clear(household(1), window)
        return window

    async def snapshot(self) -> str:
        return await self.node.snapshot()

    async def set_back(self, snapshot: str) -> None:
        """Replaces what came after a snapshot; what follows are other blocks."""
        await self.node.revert(snapshot)
        self.ledger.resync()
        assert isinstance(self.ledger.clock, ChainClock)
        await self.ledger.clock.resync()

    async def rows(self, folder: Path) -> Rows:
        """What an index holds that has read the present chain from its first block."""
        async with self.indexed(database_url(None, folder)) as index:
            return await rows_of(index)

    @asynccontextmanager
    async def indexed(self, url: URL) -> AsyncIterator[MarketIndex]:
        """An index that is at the head of the chain when this is entered."""
        async with MarketIndex.open(url, self.reader, poll_seconds=0.05) as index:
            await self.catch_up(index)
            yield index

    async def catch_up(self, index: MarketIndex) -> None:
        head = await self.reader.head()

        async def is_there() -> bool:
            return await index.read(store.cursor) == (head.number, head.hash)

        while not await is_there():
            await index.follower.sync()


async def enrol(ledger: ChainLedger) -> None:
    """Households 0 and 1 have meters, are participants, and have money in the market."""
    for number in range(2):
        account = household(number)
        await ledger.certify(
            development_address(AUDITORS[0]),
            meter(number),
            account,
            MeterKind.HOUSEHOLD,
            NOON + YEAR,
        )
        info = ParticipantInfo("tcp://here", number.to_bytes(32), meter(number))
        await ledger.publish_info(account, info)
        treasurers = tuple(map(development_address, TREASURERS))
        await bring_money(ledger, treasurers, account, 10**8, os.urandom(32))
        await ledger.deposit(account, 10**8)


async def rows_of(index: MarketIndex) -> Rows:
    """All rows that the chain has brought into an index."""
    return {
        table.name: await index.read(partial(store.dump, table=table))
        for table in schema.CHAIN_TABLES
    }
