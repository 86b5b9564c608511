"""Hypothesis tries to break the conservation laws on the model, wide and fast.

`PEERWATT_MODEL_EXAMPLES` is the number of stories that it tries.
"""

import os
from typing import ClassVar

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from app.errors import ContractRevertedError
from app.ledger.model import ModelClock, ModelLedger
from app.ledger.types import Event
from app.market.windows import window_start
from tests.ledger.books import ModelBooks
from tests.ledger.calls import Call
from tests.ledger.market_machine import MUST_SEE, MarketMachine, move_in
from tests.ledger.random_day import model_people

START = window_start(500_000)
EXAMPLES = int(os.environ.get("PEERWATT_MODEL_EXAMPLES", "150"))


class ModelMachine(MarketMachine):
    """The market on a fresh model."""

    seen: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        self.clock = ModelClock(START)
        self.signer, _ = ModelLedger.for_development(self.clock)
        self.people = model_people(self.signer, households=3)
        self.books = ModelBooks(self.signer)
        super().__init__()
        for call in move_in(self.people, self.books.market, self.books.bank):
            assert self.do(call)

    def now(self) -> int:
        return self.clock.now()

    def wait(self, until: int) -> None:
        self.clock.set(until)

    def run(self, call: Call) -> tuple[Event, ...] | None:
        try:
            return call.on_model(self.signer).events
        except ContractRevertedError:
            return None


def test_no_story_breaks_the_laws():
    run_state_machine_as_test(
        ModelMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
        ),
    )
    assert ModelMachine.seen >= MUST_SEE | {
        "DebtPaid",
        "EnergyCovered",
        "EnergyLost",
        "EnergyRetracted",
        "OrderCancelled",
        "OrderExpired",
        "OrderServed",
        "ReadingCorrected",
        "WithdrawalPaid",
        "WithdrawalReturned",
    }
