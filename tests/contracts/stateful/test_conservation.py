"""Hypothesis tries to break the conservation laws on the chain: few stories, but real ones.

`PEERWATT_CHAIN_EXAMPLES` is the number of stories, `PEERWATT_CHAIN_STEPS` their length. The same
machine runs wide on the model: tests/ledger/test_conservation.py.
"""

import os
from typing import ClassVar

import pytest
from brownie import chain
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from app.ledger.types import Event
from app.market.windows import window_start
from scripts.deploy import System
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.mirror import ChainBooks, Mirror, ask, chain_people, model_of
from tests.ledger.calls import Call
from tests.ledger.market_machine import MUST_SEE, MarketMachine, move_in

EXAMPLES = int(os.environ.get("PEERWATT_CHAIN_EXAMPLES", "16"))
STEPS = int(os.environ.get("PEERWATT_CHAIN_STEPS", "20"))

START = window_start(WINDOW)


@pytest.fixture
def machine(system: System) -> type[MarketMachine]:
    """The market on the chain, with a street that has moved in; each story leaves no trace."""
    people = chain_people(households=3)
    mirror = Mirror(system)
    ledger, _ = model_of(system, people)
    travel_to(START)
    for call in move_in(people, system.market.address, system.treasury.address):
        assert mirror.send(call).refusal is None

    class ChainMachine(MarketMachine):
        seen: ClassVar[set[str]] = set()

        def __init__(self) -> None:
            # Inside the snapshot of fn_isolation; brownie itself keeps no more than one.
            self.snapshot = ask("evm_snapshot")["result"]
            self.people = people
            self.books = ChainBooks(system)
            self.signer = ledger
            self.time = chain.time()
            super().__init__()

        def now(self) -> int:
            return self.time

        def wait(self, until: int) -> None:
            travel_to(until)
            self.time = until

        def run(self, call: Call) -> tuple[Event, ...] | None:
            outcome = mirror.send(call)
            self.time = outcome.timestamp
            return None if outcome.refusal else outcome.events

        def teardown(self) -> None:
            ask("evm_revert", self.snapshot)

    return ChainMachine


def test_no_story_breaks_the_laws(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=HealthCheck.all(),
        ),
    )
    assert machine.seen >= MUST_SEE
