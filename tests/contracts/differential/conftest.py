"""A system of its own, to which nothing has happened yet: the days move in by themselves."""

from collections.abc import Iterator

import pytest
from brownie import chain

from scripts.deploy import System
from tests.contracts.mirror import lively_system


@pytest.fixture(scope="package")
def system() -> System:
    return lively_system()


@pytest.fixture(autouse=True)
def fn_isolation(system: System) -> Iterator[None]:
    chain.snapshot()
    yield
    chain.revert()
