"""What a street notes while it works: writes, refusals, and what came too late."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from app.agents.observer import Observer, Progress
from app.agents.reports import DeadlineMiss, RefusedWrite
from app.agents.writing import PHASE_ERRORS
from app.errors import ContractRevertedError, PeerwattError
from app.ledger.protocol import Ledger
from app.ledger.types import Receipt


class MarketClock(Protocol):
    """Market time; `app.chain.clock` and the model ledger have such clocks."""

    def now(self) -> int: ...
    async def advance_to(self, timestamp: int) -> None: ...


class Diary:
    """Passes on to an observer what happens, and keeps for the report what went wrong."""

    def __init__(self, ledger: Ledger, clock: MarketClock, observer: Observer) -> None:
        self._ledger = ledger
        self._clock = clock
        self._observer = observer
        self._misses: list[DeadlineMiss] = []
        self._refused: list[RefusedWrite] = []

    def say(self, window: int, step: str) -> None:
        """A step of a window's work begins."""
        self._observer.progress(Progress(window, step, self._clock.now()))

    def note(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Writes that have succeeded."""
        for receipt in receipts:
            self._observer.receipt(receipt)
        return list(receipts)

    async def note_all(self, receipts: AsyncIterator[Receipt]) -> list[Receipt]:
        """Writes as they succeed."""
        return [self.note([receipt])[0] async for receipt in receipts]

    def refuse(
        self, step: str, window: int, who: str, planned: int, error: ContractRevertedError
    ) -> None:
        """A write that was refused: because it came after `planned`, or for another reason."""
        if error.error in PHASE_ERRORS:
            now = self._clock.now()
            self._misses.append(DeadlineMiss(window, step, who, planned, now, error.error))
        else:
            self._refused.append(RefusedWrite(window, step, who, str(error)))

    def refuse_otherwise(self, step: str, window: int, who: str, error: PeerwattError) -> None:
        """Something that was refused before it came to the ledger."""
        self._refused.append(RefusedWrite(window, step, who, str(error)))

    def check_time(self, step: str, window: int, planned: int) -> None:
        """Notes a miss if a step that is done was to be done by `planned`."""
        now = max(self._clock.now(), self._ledger.now())
        if now > planned:
            self._misses.append(DeadlineMiss(window, step, "street", planned, now))

    def take(self) -> tuple[tuple[DeadlineMiss, ...], tuple[RefusedWrite, ...]]:
        """What went wrong since this was last asked."""
        taken = tuple(self._misses), tuple(self._refused)
        self._misses, self._refused = [], []
        return taken
