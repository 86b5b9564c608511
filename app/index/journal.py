"""Keeps what the agents say to each other, without holding them up."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Connection, delete, func, insert, select

from app.errors import DatabaseUnavailableError
from app.index import schema, store
from app.index.broadcast import Broadcast
from app.index.database import Database
from app.index.records import FeedEntry
from app.ledger.types import Address

log = structlog.get_logger(__name__)

KEPT_MESSAGES = 200_000
"""How many messages are kept; the oldest go first."""

_WAITING = 50_000
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a negotiation. Sender and receiver as the agents name households."""

    conversation_id: str
    window: int
    sender: Address
    receiver: Address
    performative: str
    offer_id: int | None
    energy_wh: int | None
    price: int | None
    at: int


class MessageJournal:
    """Takes messages at once and writes them a little later, many in one transaction.

    While the database cannot keep up, or is away, the newest 50,000 messages wait.
    """

    def __init__(self, database: Database, broadcast: Broadcast) -> None:
        self._database = database
        self._broadcast = broadcast
        self._waiting: deque[Message] = deque(maxlen=_WAITING)
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._work(), name="message journal")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        while self._waiting and await self._write_some():
            pass

    def record(self, message: Message) -> None:
        """Takes a message."""
        self._waiting.append(message)
        self._news.set()

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting and await self._write_some():
                pass

    async def _write_some(self) -> bool:
        taken = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        try:
            entries = await self._database.write(lambda each: _insert(each, taken))
        except DatabaseUnavailableError as error:
            self._waiting.extendleft(reversed(taken))
            log.warning("journal.stalled", error=str(error), waiting=len(self._waiting))
            return False
        self._broadcast.publish(entries)
        return True


def _insert(connection: Connection, messages: list[Message]) -> tuple[FeedEntry, ...]:
    rows = [asdict(message) for message in messages]
    connection.execute(insert(schema.messages), rows)
    newest = connection.execute(select(func.max(schema.messages.c.sequence))).scalar_one()
    connection.execute(
        delete(schema.messages).where(schema.messages.c.sequence <= newest - KEPT_MESSAGES)
    )
    return store.add_to_feed(connection, [("message", row) for row in rows])
