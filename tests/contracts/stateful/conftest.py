"""A system of its own, to which nothing has happened yet: the machine moves in by itself."""

from collections.abc import Iterator

import pytest
from brownie import accounts, chain

from scripts.deploy import QUICK_RULES, Role, System, deploy_system
from tests.contracts.conftest import entrust, people_of_the_street


@pytest.fixture(scope="package")
def system() -> System:
    system = deploy_system(accounts[0], people_of_the_street(), rules=QUICK_RULES)
    # The days have one account for the members: their votes have tests of their own. A member may
    # propose from the second after its admission on.
    chain.mine(timestamp=int(chain[-1]["timestamp"]) + 1)
    entrust(system, Role.ADMIN, accounts[0])
    entrust(system, Role.MINTER, accounts[3])
    return system


@pytest.fixture(autouse=True)
def fn_isolation(system: System) -> Iterator[None]:
    chain.snapshot()
    yield
    chain.revert()
