"""The index as the gateway holds it: database, follower, journal and broadcast, opened together."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from app.index import requests
from app.index.broadcast import Broadcast
from app.index.database import Database
from app.index.follower import Follower
from app.index.journal import MessageJournal
from app.index.source import ChainReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MarketIndex:
    """`async with MarketIndex.open(url, reader) as index:` follows the chain until it is left."""

    database: Database
    follower: Follower
    journal: MessageJournal
    broadcast: Broadcast
    reader: ChainReader

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: URL, reader: ChainReader, *, poll_seconds: float = 0.25
    ) -> AsyncIterator[Self]:
        """Opens the database, making its tables where it must, and begins to follow the chain."""
        database, broadcast = Database(url), Broadcast()
        try:
            async with (
                Follower(database, reader, broadcast, poll_seconds=poll_seconds) as follower,
                MessageJournal(database, broadcast) as journal,
            ):
                await database.write(requests.interrupt)
                yield cls(database, follower, journal, broadcast, reader)
        finally:
            broadcast.close()
            await database.close()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs a query (see `app.index.queries`)."""
        return await self.database.read(work)
