"""What the models of all contracts have in common."""

from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from app.errors import ContractRevertedError
from app.ledger.model.authority import Authority, Role
from app.ledger.model.journal import Journal
from app.ledger.types import ZERO_ADDRESS, Address

__all__ = ["ZERO_ADDRESS", "Clock", "Contract", "World"]


class Clock(Protocol):
    """Where the model reads the time."""

    def now(self) -> int: ...


@dataclass(frozen=True, slots=True)
class World:
    """What stands around the contracts: time, the role table, the journal of the running call."""

    clock: Clock
    authority: Authority
    journal: Journal = field(default_factory=Journal)


class Contract:
    """Base of the models. The caller of a function that writes is always its first argument."""

    name: ClassVar[str]

    def __init__(self, world: World, address: Address) -> None:
        self.address = address
        self._world = world
        self._journal = world.journal

    def _now(self) -> int:
        return self._world.clock.now()

    def _restrict(self, caller: Address, role: Role) -> None:
        self._world.authority.restrict(caller, role, self.name)

    def _require(self, held: bool, error: str, **arguments: object) -> None:
        """Refuses a call unless its condition held, as the contract's `require` does."""
        if not held:
            raise ContractRevertedError(error, arguments, contract=self.name)

    def _emit(self, event: str, **arguments: object) -> None:
        self._journal.emit(self.name, event, arguments)
