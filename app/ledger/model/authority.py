"""The model of the role table: who may call what is restricted."""

from dataclasses import dataclass
from enum import IntEnum

from app.errors import ContractRevertedError
from app.ledger.types import Address


class Role(IntEnum):
    """The roles that the deployment grants, by their ids."""

    MEMBERS = 0
    OPERATOR = 1
    AUDITOR = 2
    TREASURER = 3
    MINTER = 4


@dataclass(frozen=True, slots=True)
class Authority:
    """Who holds which role."""

    holders: dict[Role, frozenset[Address]]

    def has_role(self, role: Role, account: Address) -> bool:
        """Whether an account holds a role."""
        return account in self.holders[role]

    def restrict(self, caller: Address, role: Role, contract: str) -> None:
        """Refuses a caller without the role, as OpenZeppelin's `restricted` does."""
        if not self.has_role(role, caller):
            raise ContractRevertedError(
                "AccessManagedUnauthorized", {"caller": caller}, contract=contract
            )
