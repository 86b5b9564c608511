"""What auditors do with the reading of a household."""

from typing import NamedTuple

import pytest

from tests.contracts.conftest import LAST_WINDOW


class Correction(NamedTuple):
    """The contract's struct; `_replace` changes one thing."""

    owner: str
    window: int
    exported_wh: int
    imported_wh: int
    losses_wh: int
    data_root: bytes


def correction_of(owner, exported_wh, imported_wh=0, losses_wh=0, *, window=LAST_WINDOW):
    """What the raw data batch of a window says in place of the meter."""
    return Correction(owner.address, window, exported_wh, imported_wh, losses_wh, b"\x0e" * 32)


@pytest.fixture
def doubt(registry, auditors):
    """An auditor doubts the reading of a household, in the last window."""

    def doubt(owner, window=LAST_WINDOW, *, by=auditors[0]):
        return registry.doubtReading(owner, window, {"from": by})

    return doubt


@pytest.fixture
def confirm(registry, auditors):
    """Auditors, by their numbers, confirm a held reading; the last transaction."""

    def confirm(owner, *numbers, window=LAST_WINDOW):
        for number in numbers:
            transaction = registry.confirmReading(owner, window, {"from": auditors[number]})
        return transaction

    return confirm


@pytest.fixture
def correct(registry, auditors):
    """Auditors, by their numbers, correct a held reading alike; the last transaction."""

    def correct(correction, *numbers):
        for number in numbers:
            transaction = registry.correctReading(correction, {"from": auditors[number]})
        return transaction

    return correct


@pytest.fixture
def held(doubt, record, seller):
    """The seller's reading of 3 kWh out and 1 in, which an auditor doubts."""
    record(seller, 3_000, 1_000, window=LAST_WINDOW)
    doubt(seller)
