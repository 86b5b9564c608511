from collections.abc import Sequence

import pytest

from app.agents.writing import write_or_drop
from app.errors import ContractRevertedError
from app.ledger.types import Receipt


class Clerk:
    """Takes batches of numbers, all or none: refuses those that have a bad one."""

    def __init__(self, bad: set[int], error: str = "FundsInsufficient") -> None:
        self.bad = bad
        self.error = error
        self.batches: list[list[int]] = []

    async def submit(self, batch: Sequence[int]) -> list[Receipt]:
        self.batches.append(list(batch))
        if self.bad.intersection(batch):
            raise ContractRevertedError(self.error, {})
        return [Receipt("write", "0x", result=tuple(batch))]


async def test_good_items_go_in_one_batch() -> None:
    clerk = Clerk(set())
    result = await write_or_drop(range(5), clerk.submit)

    assert clerk.batches == [[0, 1, 2, 3, 4]]
    assert (result.written, result.dropped, len(result.receipts)) == ([0, 1, 2, 3, 4], [], 1)


async def test_nothing_is_submitted_for_nothing() -> None:
    clerk = Clerk(set())
    result = await write_or_drop([], clerk.submit)

    assert (clerk.batches, result.written) == ([], [])


@pytest.mark.parametrize("bad", [{0}, {4}, {7}, {0, 7}, {2, 3}, set(range(8))])
async def test_only_the_bad_items_are_dropped(bad: set[int]) -> None:
    clerk = Clerk(bad)
    result = await write_or_drop(range(8), clerk.submit)

    assert [item for item, _ in result.dropped] == sorted(bad)
    assert result.written == [item for item in range(8) if item not in bad]
    assert {error.error for _, error in result.dropped} == {"FundsInsufficient"}


async def test_one_bad_item_among_a_hundred_costs_few_batches() -> None:
    clerk = Clerk({63})
    await write_or_drop(range(100), clerk.submit)

    assert len(clerk.batches) <= 15


async def test_a_refusal_because_of_the_time_is_not_searched_for_a_culprit() -> None:
    clerk = Clerk({3}, "CommitPhaseOnly")
    result = await write_or_drop(range(8), clerk.submit)

    assert len(clerk.batches) == 1
    assert len(result.dropped) == 8


async def test_what_somebody_else_has_written_counts_as_written() -> None:
    clerk = Clerk({3}, "AgreementExists")
    result = await write_or_drop(range(8), clerk.submit, harmless={"AgreementExists"})

    assert (sorted(result.written), result.dropped) == (list(range(8)), [])
