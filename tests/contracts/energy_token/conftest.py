"""A token of its own, whose links are people, so that each link can be tried by itself."""

import pytest
from brownie import EnergyToken, accounts


@pytest.fixture
def registry_link():
    return accounts[7]


@pytest.fixture
def market_link():
    return accounts[8]


@pytest.fixture
def token(deployer, registry_link, market_link):
    return deployer.deploy(EnergyToken, registry_link, market_link)


@pytest.fixture
def holder(token, registry_link, outsider):
    """Somebody with 1 kWh."""
    token.inject(outsider, 1_000, {"from": registry_link})
    return outsider
