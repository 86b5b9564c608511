"""The model of the contract `Authority`, as far as roles change hands."""

from app.ledger.model.authority import Role
from app.ledger.model.contract import Contract
from app.ledger.types import Address


class AccessManager(Contract):
    """Model of the contract `Authority`, an OpenZeppelin AccessManager without delays."""

    name = "Authority"

    def has_role(self, role: Role, account: Address) -> bool:
        """Whether an account holds a role."""
        return self._world.authority.has_role(role, account)

    def grant_role(self, caller: Address, role: Role, account: Address, delay: int = 0) -> None:
        """By the members. Errors: AccessManagerUnauthorizedAccount."""
        self._only_members(caller)
        is_new = not self.has_role(role, account)

        self._put(role, self._holders(role) | {account})
        self._emit(
            "RoleGranted",
            roleId=role,
            account=account,
            delay=delay,
            since=self._now(),
            newMember=is_new,
        )

    def revoke_role(self, caller: Address, role: Role, account: Address) -> None:
        """By the members. Errors: AccessManagerUnauthorizedAccount."""
        self._only_members(caller)
        if not self.has_role(role, account):
            return

        self._put(role, self._holders(role) - {account})
        self._emit("RoleRevoked", roleId=role, account=account)

    def _only_members(self, caller: Address) -> None:
        self._require(
            self.has_role(Role.MEMBERS, caller),
            "AccessManagerUnauthorizedAccount",
            msgsender=caller,
            roleId=Role.MEMBERS,
        )

    def _holders(self, role: Role) -> frozenset[Address]:
        return self._world.authority.holders[role]

    def _put(self, role: Role, holders: frozenset[Address]) -> None:
        self._journal.put(self._world.authority.holders, role, holders)
