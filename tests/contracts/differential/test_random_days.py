"""The model and the contracts live the same random days and agree to the unit.

`PEERWATT_CHAIN_DAYS` is the number of days (each with a seed of its own), `PEERWATT_CHAIN_HOURS`
their length.
"""

import os

import pytest

from app.errors import ContractRevertedError
from app.ledger.model import ModelLedger
from app.ledger.types import Receipt
from app.market.windows import window_start
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.mirror import ChainBooks, Mirror, chain_people, model_of
from tests.ledger.books import ModelBooks, balances, page
from tests.ledger.calls import Call
from tests.ledger.random_day import RandomDay, Wait

DAYS = int(os.environ.get("PEERWATT_CHAIN_DAYS", "4"))
HOURS = int(os.environ.get("PEERWATT_CHAIN_HOURS", "10"))

RETURNING = {
    "allowTransaction",
    "allowTransactions",
    "clear",
    "confirmDeposit",
    "confirmPayout",
    "confirmReading",
    "correctReading",
    "makeOffer",
    "payClaim",
    "placeOrder",
    "rejectWithdrawal",
    "requestWithdrawal",
}


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_random_day_goes_alike(system, seed):
    travel_to(window_start(WINDOW))
    people = chain_people()
    ledger, clock = model_of(system, people)
    mirror, day = Mirror(system), RandomDay(ledger, people, seed)
    contracts, model = ChainBooks(system), ModelBooks(ledger)

    for step in day.steps(HOURS):
        if isinstance(step, Wait):
            travel_to(step.until)
            clock.set(step.until)
            assert balances(contracts, day.cast) == balances(model, day.cast)
            continue
        outcome = mirror.send(step)
        clock.set(outcome.timestamp)
        receipt, refusal = run_on_model(step, ledger)
        assert said(outcome.refusal) == said(refusal), step
        if receipt is None:
            day.note_refusal()
            continue
        day.note_success(receipt)
        assert outcome.events == receipt.events, step
        if step.function in RETURNING:
            assert mirror.result_at(step, outcome.block_number - 1) == receipt.result, step

    assert page(contracts, day.cast) == page(model, day.cast)


def run_on_model(
    call: Call, ledger: ModelLedger
) -> tuple[Receipt | None, ContractRevertedError | None]:
    """The receipt, or the refusal."""
    try:
        return call.on_model(ledger), None
    except ContractRevertedError as refusal:
        return None, refusal


def said(
    refusal: ContractRevertedError | None,
) -> tuple[str, list[tuple[str, object]]] | None:
    """The custom error and its arguments in their order."""
    return None if refusal is None else (refusal.error, list(refusal.arguments.items()))
