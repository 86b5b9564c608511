"""The bank account behind the tokens, where there is no real one: transfers, and their statement.

With a real bank, `statement` is read from its interface, and the other methods are what people do.
"""

from dataclasses import dataclass

from eth_hash.auto import keccak

from app.ledger.types import Address, Withdrawal


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money (1e-6) that the bank has received from a holder."""

    holder: Address
    amount: int


class Bank:
    """A simulated bank. The same transfer has the same reference in every run."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._received: dict[bytes, Transfer] = {}
        self._paid: dict[bytes, int] = {}

    def receive(self, holder: Address, amount: int, purpose: str) -> bytes:
        """Somebody transfers money to the community; returns the transfer's reference."""
        reference = keccak(f"{self._run}: {purpose} of {holder}".encode())
        self._received[reference] = Transfer(holder, amount)
        return reference

    def pay(self, withdrawal_id: int, withdrawal: Withdrawal) -> bytes:
        """Pays a withdrawal to the account that it names; returns the transfer's reference."""
        destination = withdrawal.payout_hash.hex()
        reference = keccak(f"{self._run}: payout {withdrawal_id} to {destination}".encode())
        self._paid[reference] = withdrawal_id
        return reference

    def received(self, reference: bytes) -> Transfer | None:
        """What the statement shows under a reference, of money that came in."""
        return self._received.get(reference)

    def paid(self, reference: bytes) -> int | None:
        """The withdrawal that was paid under a reference."""
        return self._paid.get(reference)
