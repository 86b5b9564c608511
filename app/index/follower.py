"""Follows a chain into the database, and takes back what a reorganisation has replaced."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from app.errors import ChainError, DatabaseUnavailableError, PeerwattError
from app.index import store
from app.index.broadcast import Broadcast
from app.index.database import Database
from app.index.source import BlockHeader, ChainReader

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How far the index has come. `error` says why it does not get on; empty while it does."""

    block: int
    head: int
    error: str

    @property
    def lag(self) -> int:
        """How many blocks are missing."""
        return max(0, self.head - self.block)


class Follower:
    """Keeps the database at the head of the chain while it is entered (`async with`).

    It looks for new blocks every `poll_seconds`, and at once when it is woken. Rows and cursor
    change in one transaction, so that it goes on after a crash as if nothing had been.
    """

    def __init__(
        self,
        database: Database,
        reader: ChainReader,
        broadcast: Broadcast,
        *,
        poll_seconds: float = 0.25,
        blocks_at_once: int = 100,
    ) -> None:
        self._database = database
        self._reader = reader
        self._broadcast = broadcast
        self._poll_seconds = poll_seconds
        self._blocks_at_once = blocks_at_once
        self._woken = asyncio.Event()
        self._advanced = asyncio.Condition()
        self._syncing = asyncio.Lock()
        self._status = IndexStatus(reader.first_block - 1, reader.first_block - 1, "not started")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._database.write(lambda each: store.prepare(each, self._reader.identity))
        self._task = asyncio.create_task(self._follow(), name="index")
        self._task.add_done_callback(self._stopped)
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

    @property
    def status(self) -> IndexStatus:
        """How far the index has come, as of its last look at the chain."""
        return self._status

    def wake(self) -> None:
        """Says that there may be new blocks."""
        self._woken.set()

    async def wait_for(self, block: int, timeout_seconds: float) -> bool:
        """Waits until `block` is taken in; false if that takes longer than the time given."""
        self.wake()
        try:
            async with asyncio.timeout(timeout_seconds), self._advanced:
                await self._advanced.wait_for(lambda: self._status.block >= block)
        except TimeoutError:
            return False
        return True

    async def sync(self) -> None:
        """Takes in all blocks up to the head that the chain has when this is called."""
        async with self._syncing:
            head = await self._reader.head()
            position = await self._rewind_to_common_ancestor(head)
            await self._report(position, head.number)
            while position < head.number:
                last = min(head.number, position + self._blocks_at_once)
                reached = await self._take_in(position, last)
                await self._report(reached, head.number)
                if reached < last:  # the chain changed meanwhile: the next look sorts it out
                    return
                position = reached

    async def rebuild(self) -> None:
        """Forgets all of the chain and reads it again from its first block."""
        async with self._syncing:
            entries = await self._database.write(
                lambda each: store.rewind(each, self._reader.first_block - 1)
            )
            self._broadcast.publish(entries)
        await self.sync()

    async def _follow(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.sync()
            except (ChainError, DatabaseUnavailableError) as error:
                await self._fail(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._woken.wait()

    async def _rewind_to_common_ancestor(self, head: BlockHeader) -> int:
        """The last block that index and chain have in common, all later ones being deleted."""
        reached = await self._database.read(store.cursor)
        if reached is None:
            return self._reader.first_block - 1
        number, block = reached
        if number <= head.number and await self._hash_on_chain(number, head) == block:
            return number
        ancestor = await self._common_ancestor(min(number, head.number), head)
        log.warning("index.reorganised", from_block=number, to_block=ancestor)
        entries = await self._database.write(lambda each: store.rewind(each, ancestor))
        self._broadcast.publish(entries)
        return ancestor

    async def _common_ancestor(self, highest: int, head: BlockHeader) -> int:
        """Two chains that agree on a block agree on all before it, so halving finds the last."""
        low, high = self._reader.first_block - 1, highest
        while low < high:
            middle = (low + high + 1) // 2
            ours = await self._database.read(partial(store.block_hash, number=middle))
            if ours is not None and ours == await self._hash_on_chain(middle, head):
                low = middle
            else:
                high = middle - 1
        return low

    async def _hash_on_chain(self, number: int, head: BlockHeader) -> str | None:
        if number == head.number:
            return head.hash
        header = await self._reader.header(number)
        return None if header is None else header.hash

    async def _take_in(self, position: int, last: int) -> int:
        """Adds the blocks after `position` as far as they follow on from it."""
        blocks = await self._reader.blocks(position + 1, last)
        reached = await self._database.read(store.cursor)
        follows = reached is None or not blocks or blocks[0].header.parent_hash == reached[1]
        if not blocks or not follows:
            return position
        entries = await self._database.write(lambda each: store.append(each, blocks, self._reader))
        self._broadcast.publish(entries)
        return blocks[-1].header.number

    async def _report(self, block: int, head: int) -> None:
        async with self._advanced:
            self._status = IndexStatus(block, head, "")
            self._advanced.notify_all()

    async def _fail(self, error: PeerwattError) -> None:
        if not self._status.error:
            log.warning("index.stalled", error=str(error))
        self._status = IndexStatus(self._status.block, self._status.head, str(error))

    def _stopped(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        reason = "stopped" if error is None else f"failed: {error!r}"
        if error is not None:
            log.error("index.failed", exc_info=error)
        self._status = IndexStatus(self._status.block, self._status.head, reason)
