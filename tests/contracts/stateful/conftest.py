"""A system of its own, to which nothing has happened yet: the machine moves in by itself."""

from collections.abc import Iterator

import pytest
from brownie import accounts, chain

from scripts.deploy import System, deploy_system


@pytest.fixture(scope="package")
def system() -> System:
    return deploy_system(
        accounts[0],
        operator=accounts[1],
        auditor=accounts[2],
        treasurer=accounts[3],
        treasury=accounts[4],
    )


@pytest.fixture(autouse=True)
def fn_isolation(system: System) -> Iterator[None]:
    chain.snapshot()
    yield
    chain.revert()
