"""Two households more: one that the members have admitted for a test, one that they have not."""

import pytest
from brownie import accounts

from tests.contracts.conftest import HOUSEHOLDS_FROM


@pytest.fixture
def household_id():
    return b"number 7".ljust(32, b"\0")


@pytest.fixture
def admitted(membership, admin, newcomer, household_id):
    """The newcomer, as a member."""
    membership.admit(newcomer, household_id, {"from": admin})
    return newcomer


@pytest.fixture
def stranger():
    return accounts[HOUSEHOLDS_FROM + 7]
