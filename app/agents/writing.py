"""Writes of many things at once, of which one that is refused must not hold up the others."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.errors import ContractRevertedError
from app.ledger.types import Receipt

T = TypeVar("T")

PHASE_ERRORS = frozenset(
    {
        "AgreementExpired",
        "CommitPhaseOnly",
        "ReadingTooEarly",
        "ReadingTooLate",
        "WindowClosed",
        "WindowNotOver",
    }
)


@dataclass(slots=True)
class Written(Generic[T]):
    """What a write of many has come to: each item is in one of the lists, in its order."""

    written: list[T] = field(default_factory=list)
    dropped: list[tuple[T, ContractRevertedError]] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    def add(self, other: "Written[T]") -> None:
        self.written += other.written
        self.dropped += other.dropped
        self.receipts += other.receipts


async def write_or_drop(
    items: Sequence[T],
    submit: Callable[[Sequence[T]], Awaitable[list[Receipt]]],
    *,
    harmless: Collection[str] = (),
) -> Written[T]:
    """Submits all items as one batch; where it is refused, finds those that are to blame.

    Halves are tried until single items are left, so that n good items and one bad take about
    2 log2(n) batches. A refusal because of the time is one for all. A single item that is refused
    with one of the `harmless` errors counts as written: somebody has written it before.
    """
    if not items:
        return Written()
    try:
        receipts = await submit(items)
    except ContractRevertedError as error:
        if len(items) > 1 and error.error not in PHASE_ERRORS:
            middle = len(items) // 2
            result = await write_or_drop(items[:middle], submit, harmless=harmless)
            result.add(await write_or_drop(items[middle:], submit, harmless=harmless))
            return result
        if error.error in harmless:
            return Written(written=list(items))
        return Written(dropped=[(item, error) for item in items])
    return Written(written=list(items), receipts=receipts)
