"""A bit-exact model of the contracts: `ModelLedger` behind the ledger protocol."""

from app.ledger.model.authority import Role
from app.ledger.model.genesis import Contracts, Genesis, TermLimits
from app.ledger.model.keys import ModelKeys
from app.ledger.model.ledger import (
    DevelopmentAccounts,
    ModelClock,
    ModelLedger,
)

__all__ = [
    "Contracts",
    "DevelopmentAccounts",
    "Genesis",
    "ModelClock",
    "ModelKeys",
    "ModelLedger",
    "Role",
    "TermLimits",
]
