"""The model of `Treasury`: money between the bank and the market."""

from collections.abc import Hashable
from dataclasses import replace

from app.ledger.model.authority import Role
from app.ledger.model.confirmations import Confirmations
from app.ledger.model.contract import World
from app.ledger.model.genesis import Genesis
from app.ledger.model.tokens import PaymentToken
from app.ledger.types import Address, Reserve, Withdrawal, WithdrawalState
from app.market.bank import PAYOUT_TIME

DAY = 24 * 3600
MAX_RESERVE = 2**128 - 1

_NO_WITHDRAWAL = Withdrawal()


class Treasury(Confirmations):
    """Model of the contract `Treasury`. Every refusal is a ContractRevertedError."""

    name = "Treasury"

    def __init__(self, world: World, genesis: Genesis, payment_token: PaymentToken) -> None:
        super().__init__(world, genesis.contracts.bank, genesis.deposit_threshold)
        self._payment_token = payment_token
        self._daily_limit = {"is": genesis.daily_limit}
        self._reserve = {"is": 0, "attested at": 0}
        self._minted: dict[int, int] = {}
        self._last_withdrawal = {"is": 0}
        self._withdrawals: dict[int, Withdrawal] = {}

    # Views

    def daily_limit(self) -> int:
        """What can be made in a day (UTC)."""
        return self._daily_limit["is"]

    def left_today(self) -> int:
        """What can still be made today."""
        return max(0, self.daily_limit() - self._minted.get(self._today(), 0))

    def reserve(self) -> tuple[int, int]:
        """What is in the bank, as far as is proved, and when auditors saw it."""
        return self._reserve["is"], self._reserve["attested at"]

    def statement(self) -> Reserve:
        """The reserve against the tokens that there are."""
        amount, attested_at = self.reserve()
        return Reserve(
            amount=amount,
            attested_at=attested_at,
            supply=self._payment_token.total_supply(),
            threshold=self.threshold(),
            daily_limit=self.daily_limit(),
            left_today=self.left_today(),
        )

    def withdrawal_of(self, withdrawal_id: int) -> Withdrawal:
        """One withdrawal; all zero if there is none."""
        return self._withdrawals.get(withdrawal_id, _NO_WITHDRAWAL)

    def deposit_confirmations(self, holder: Address, amount: int, reference: bytes) -> int:
        """How many have confirmed a deposit, as it is described."""
        return self._count(Role.TREASURER, ("deposit", holder, amount, reference))

    # Money comes in

    def confirm_deposit(
        self, caller: Address, holder: Address, amount: int, reference: bytes
    ) -> bool:
        """By a treasurer; returns whether tokens were made. Errors, in this order: AmountZero,
        BankReferenceUsed, AlreadyConfirmed, DailyLimitExceeded, ReserveExceeded, the token's.
        """
        self._restrict(caller, Role.TREASURER)
        self._require(amount > 0, "AmountZero")
        self._require_unused(reference)
        minted = self._confirm(caller, Role.TREASURER, ("deposit", holder, amount, reference))
        self._emit(
            "DepositConfirmed",
            bankReference=reference,
            treasurer=caller,
            holder=holder,
            amount=amount,
        )
        if not minted:
            return False
        left = self.left_today()
        self._require(amount <= left, "DailyLimitExceeded", amount=amount, left=left)
        supply = self._payment_token.total_supply() + amount
        reserve, _ = self.reserve()
        self._require(supply <= reserve, "ReserveExceeded", supply=supply, reserve=reserve)

        today = self._today()
        self._journal.put(self._minted, today, self._minted.get(today, 0) + amount)
        self._payment_token.mint(self.address, holder, amount, reference)
        return True

    # Money goes out

    def request_withdrawal(self, caller: Address, amount: int, payout_hash: bytes) -> int:
        """Needs an allowance; returns the withdrawal's id. Errors: AmountZero, the token's."""
        self._require(amount > 0, "AmountZero")

        withdrawal_id = self._last_withdrawal["is"] + 1
        self._journal.put(self._last_withdrawal, "is", withdrawal_id)
        self._put(
            withdrawal_id,
            Withdrawal(caller, self._now(), WithdrawalState.REQUESTED, amount, payout_hash),
        )
        self._emit(
            "WithdrawalRequested",
            withdrawalId=withdrawal_id,
            holder=caller,
            amount=amount,
            payoutHash=payout_hash,
        )
        self._payment_token.transfer_from(self.address, caller, self.address, amount)
        return withdrawal_id

    def confirm_payout(self, caller: Address, withdrawal_id: int, reference: bytes) -> bool:
        """By a treasurer; returns whether the tokens ended. Errors, in this order:
        WithdrawalNotRequested, PayoutTimeOver, BankReferenceUsed, AlreadyConfirmed, the token's.
        """
        self._restrict(caller, Role.TREASURER)
        withdrawal = self._requested(withdrawal_id)
        end = withdrawal.requested_at + PAYOUT_TIME
        self._require(self._now() < end, "PayoutTimeOver", withdrawalId=withdrawal_id, end=end)
        self._require_unused(reference)
        subject: Hashable = ("payout", withdrawal_id, reference)
        paid = self._confirm(caller, Role.TREASURER, subject)
        self._emit(
            "PayoutConfirmed",
            withdrawalId=withdrawal_id,
            treasurer=caller,
            bankReference=reference,
        )
        if not paid:
            return False

        self._put(withdrawal_id, replace(withdrawal, state=WithdrawalState.PAID))
        reserve, _ = self.reserve()
        self._journal.put(self._reserve, "is", max(0, reserve - withdrawal.amount))
        self._emit("WithdrawalPaid", withdrawalId=withdrawal_id, bankReference=reference)
        token = self._payment_token
        token.approve(self.address, self.address, withdrawal.amount)
        token.burn(self.address, self.address, withdrawal.amount, reference)
        return True

    def reject_withdrawal(self, caller: Address, withdrawal_id: int) -> bool:
        """By a treasurer; returns whether the tokens have returned. Errors, in this order:
        WithdrawalNotRequested, AlreadyConfirmed.
        """
        self._restrict(caller, Role.TREASURER)
        withdrawal = self._requested(withdrawal_id)
        returned = self._confirm(caller, Role.TREASURER, ("rejection", withdrawal_id))
        self._emit("RejectionConfirmed", withdrawalId=withdrawal_id, treasurer=caller)

        if returned:
            self._return(withdrawal_id, withdrawal)
        return returned

    def return_withdrawal(self, caller: Address, withdrawal_id: int) -> None:
        """By anyone. Errors: WithdrawalNotRequested, PayoutTimeRunning."""
        withdrawal = self._requested(withdrawal_id)
        end = withdrawal.requested_at + PAYOUT_TIME
        self._require(self._now() >= end, "PayoutTimeRunning", withdrawalId=withdrawal_id, end=end)

        self._return(withdrawal_id, withdrawal)

    # What is in the bank, and how much may be made of it

    def attest_reserve(self, caller: Address, reserve: int, statement_hash: bytes) -> None:
        """By an auditor; more than MAX_RESERVE counts as that."""
        self._restrict(caller, Role.AUDITOR)

        self._journal.put(self._reserve, "is", min(reserve, MAX_RESERVE))
        self._journal.put(self._reserve, "attested at", self._now())
        self._emit("ReserveAttested", reserve=reserve, statementHash=statement_hash, auditor=caller)

    def set_daily_limit(self, caller: Address, daily_limit: int) -> None:
        """By the members."""
        self._restrict(caller, Role.MEMBERS)

        self._journal.put(self._daily_limit, "is", daily_limit)
        self._emit("DailyLimitSet", dailyLimit=daily_limit)

    def _return(self, withdrawal_id: int, withdrawal: Withdrawal) -> None:
        self._put(withdrawal_id, replace(withdrawal, state=WithdrawalState.RETURNED))
        self._emit("WithdrawalReturned", withdrawalId=withdrawal_id)
        self._payment_token.transfer(self.address, withdrawal.holder, withdrawal.amount)

    def _put(self, withdrawal_id: int, withdrawal: Withdrawal) -> None:
        self._journal.put(self._withdrawals, withdrawal_id, withdrawal)

    def _require_unused(self, reference: bytes) -> None:
        used = self._payment_token.reference_used(reference)
        self._require(not used, "BankReferenceUsed", bankReference=reference)

    def _requested(self, withdrawal_id: int) -> Withdrawal:
        withdrawal = self.withdrawal_of(withdrawal_id)
        self._require(
            withdrawal.state is WithdrawalState.REQUESTED,
            "WithdrawalNotRequested",
            withdrawalId=withdrawal_id,
        )
        return withdrawal

    def _today(self) -> int:
        return self._now() // DAY
