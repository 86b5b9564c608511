"""Treasurers: each looks up in the bank's statement what it is told, and says so on the ledger."""

from mango import AgentAddress

from app.agents.governance.bank import Bank, Transfer
from app.agents.governance.correspondence import CouncilSide
from app.agents.governance.messages import CouncilMessage, DepositNotice, PayoutNotice
from app.agents.negotiation.endpoint import address_of
from app.agents.negotiation.post import Post
from app.errors import ContractRevertedError
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Receipt, WithdrawalState

PAYOUT_SECONDS = 7 * 86_400

# Others were faster, or it is said already.
_DONE = frozenset({"AlreadyConfirmed", "BankReferenceUsed", "WithdrawalNotRequested"})


class TreasurerRole(CouncilSide):
    """Confirms deposits and payouts that the bank's statement shows.

    The one on duty hears of transfers from households, pays what was requested, and tells the
    others under which reference.
    """

    def __init__(self, post: Post, account: Address, ledger: Ledger, bank: Bank) -> None:
        super().__init__(post)
        self._account = account
        self._ledger = ledger
        self._bank = bank
        self._deposits: dict[bytes, DepositNotice] = {}
        self._payouts: dict[int, bytes] = {}
        self._seen = 0

    @property
    def is_waiting(self) -> bool:
        """Whether it has heard of something that it has not confirmed."""
        return bool(self._deposits or self._payouts)

    def take(self, message: CouncilMessage, origin: AgentAddress) -> None:
        if self._doors is None:
            return
        match message.body:
            case DepositNotice() as notice:
                self._deposits[notice.reference] = notice
                if origin not in self._doors.treasurers:
                    self._tell_others(notice)
            case PayoutNotice(withdrawal_id, reference) if origin in self._doors.treasurers:
                self._payouts[withdrawal_id] = reference

    async def pay_requests(self) -> int:
        """Pays at the bank what was requested on the ledger since it last looked."""
        paid = 0
        while True:
            number = self._seen + 1
            withdrawal = await self._ledger.withdrawal_of(number)
            if withdrawal.state is WithdrawalState.NONE:
                return paid
            self._seen = number
            in_time = self._ledger.now() < withdrawal.requested_at + PAYOUT_SECONDS
            if withdrawal.state is WithdrawalState.REQUESTED and in_time:
                reference = self._bank.pay(number, withdrawal)
                self._payouts[number] = reference
                self._tell_others(PayoutNotice(number, reference))
                paid += 1

    async def confirm(self) -> tuple[list[Receipt], list[ContractRevertedError]]:
        """Says on the ledger what it has heard of and found in the statement.

        What the ledger refuses, such as a deposit beyond the day's limit, it tries again later.
        """
        receipts: list[Receipt] = []
        refused: list[ContractRevertedError] = []
        deposits, self._deposits = self._deposits, {}
        for notice in deposits.values():
            try:
                receipts += await self._confirm_deposit(notice)
            except ContractRevertedError as error:
                if error.error not in _DONE:
                    refused.append(error)
                    self._deposits[notice.reference] = notice
        payouts, self._payouts = self._payouts, {}
        for withdrawal_id, reference in payouts.items():
            try:
                receipts += await self._confirm_payout(withdrawal_id, reference)
            except ContractRevertedError as error:
                if error.error not in _DONE:
                    refused.append(error)
        return receipts, refused

    async def _confirm_deposit(self, notice: DepositNotice) -> list[Receipt]:
        """Once the tokens are there their holder is told, where it says that it negotiates."""
        if self._bank.received(notice.reference) != Transfer(notice.holder, notice.amount):
            return []
        receipt = await self._ledger.confirm_deposit(
            self._account, notice.holder, notice.amount, notice.reference
        )
        if receipt.result:
            info = await self._ledger.participant_info(notice.holder)
            door = address_of(info.endpoint)
            if door is not None:
                self.tell(door, notice)
        return [receipt]

    async def _confirm_payout(self, withdrawal_id: int, reference: bytes) -> list[Receipt]:
        if self._bank.paid(reference) != withdrawal_id:
            return []
        withdrawal = await self._ledger.withdrawal_of(withdrawal_id)
        if withdrawal.state is not WithdrawalState.REQUESTED:
            return []
        return [await self._ledger.confirm_payout(self._account, withdrawal_id, reference)]

    def _tell_others(self, notice: DepositNotice | PayoutNotice) -> None:
        doors = self._doors
        for door in doors.treasurers if doors else ():
            if door != self.address:
                self.tell(door, notice)
