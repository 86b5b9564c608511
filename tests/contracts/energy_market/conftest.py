"""A venue that the members have admitted for a test: an account that calls the market itself."""

import pytest
from brownie import accounts


@pytest.fixture
def venue(market, admin):
    account = accounts[10]
    market.setVenue(account, True, {"from": admin})
    return account
