"""A reading that an auditor doubts."""

import pytest

from tests.contracts.conftest import LAST_WINDOW


@pytest.fixture
def held(doubt, record, seller):
    """The seller's reading of 3 kWh out and 1 in, which an auditor doubts."""
    record(seller, 3_000, 1_000, window=LAST_WINDOW)
    doubt(seller)
