"""One call of a contract, in a form that model and chain both understand."""

import re
from collections.abc import Awaitable
from dataclasses import dataclass

import pytest

from app.errors import ContractRevertedError
from app.ledger.model import ModelLedger
from app.ledger.types import Address, Receipt


@dataclass(frozen=True, slots=True)
class Call:
    """`contract.function(*arguments)` by `sender`; structs are the types of `app.ledger.types`."""

    contract: str
    function: str
    sender: Address
    arguments: tuple[object, ...]

    def on_model(self, ledger: ModelLedger) -> Receipt:
        """Runs it on the model, whose methods have the contract's names in Python's spelling."""
        models = (
            ledger.energy_market,
            ledger.call_auction,
            ledger.meter_registry,
            ledger.energy_token,
            ledger.payment_token,
            ledger.bank,
            ledger.access,
        )
        model = next(model for model in models if model.name == self.contract)
        method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.function).lower()
        return ledger.call(self.function, getattr(model, method), self.sender, *self.arguments)


async def refusal_of(call: Awaitable[object]) -> ContractRevertedError:
    """What a contract says when it refuses, which it has to."""
    with pytest.raises(ContractRevertedError) as refusal:
        await call
    return refusal.value
