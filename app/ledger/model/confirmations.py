"""The model of `Confirmations`: what several have to say before it counts."""

from collections.abc import Hashable

from app.ledger.model.authority import Role
from app.ledger.model.contract import Contract, World
from app.ledger.types import Address


class Confirmations(Contract):
    """Counts who has said what; a subject is anything that tells one statement from another."""

    def __init__(self, world: World, address: Address, threshold: int) -> None:
        super().__init__(world, address)
        self._threshold = {"is": threshold}
        self._confirmed_by: dict[Hashable, tuple[Address, ...]] = {}

    def threshold(self) -> int:
        """How many have to confirm."""
        return self._threshold["is"]

    def set_threshold(self, caller: Address, threshold: int) -> None:
        """From the next confirmation on, by the members. Errors: ThresholdZero."""
        self._restrict(caller, Role.MEMBERS)
        self._require(threshold > 0, "ThresholdZero")

        self._journal.put(self._threshold, "is", threshold)
        self._emit("ThresholdSet", threshold=threshold)

    def _confirm(self, caller: Address, role: Role, subject: Hashable) -> bool:
        """Whether the caller was the last one needed; then the subject is forgotten. Who has lost
        the role does not count. Errors: AlreadyConfirmed.
        """
        confirmed_by = self._confirmed_by.get(subject, ())
        self._require(caller not in confirmed_by, "AlreadyConfirmed", account=caller)
        count = 1 + self._count(role, subject)
        enough = count >= self.threshold()
        self._journal.put(self._confirmed_by, subject, () if enough else (*confirmed_by, caller))
        return enough

    def _count(self, role: Role, subject: Hashable) -> int:
        authority = self._world.authority
        confirmed_by = self._confirmed_by.get(subject, ())
        return sum(authority.has_role(role, account) for account in confirmed_by)
