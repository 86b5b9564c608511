"""The model of the role table: who may call what is restricted."""

from dataclasses import dataclass
from enum import StrEnum

from app.errors import ContractRevertedError
from app.ledger.types import Address


class Role(StrEnum):
    """The roles that the deployment grants."""

    MEMBERS = "members"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    TREASURER = "treasurer"


@dataclass(frozen=True, slots=True)
class Authority:
    """Who holds which role."""

    holders: dict[Role, frozenset[Address]]

    def restrict(self, caller: Address, role: Role, contract: str) -> None:
        """Refuses a caller without the role, as OpenZeppelin's `restricted` does."""
        if caller not in self.holders[role]:
            raise ContractRevertedError(
                "AccessManagedUnauthorized", {"caller": caller}, contract=contract
            )
