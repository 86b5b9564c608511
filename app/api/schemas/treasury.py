"""Money between the bank and the market."""

from typing import Annotated, Self

from pydantic import Field

from app.api.schemas.common import (
    UINT53,
    AddressText,
    Amount,
    Answer,
    Hash,
    OnChain,
    PageFilter,
    Transactions,
    Write,
)
from app.index.records import (
    AttestationRecord,
    ConfirmationRecord,
    DepositRecord,
    WithdrawalRecord,
    WithdrawalStep,
)
from app.ledger.types import Reserve
from app.market.bank import PAYOUT_TIME

BankReference = Annotated[Hash, Field(description="Hash of the bank's transaction; counts once")]


class ReserveAnswer(Answer):
    """What is in the bank, and what there is of it in the market."""

    reserve: Annotated[
        int, Field(description="What an auditor has seen, less what was paid out since")
    ]
    attested_at: Annotated[int | None, Field(description="When it was seen; null if never")]
    attested_by: str | None
    statement_hash: str | None
    supply: Annotated[int, Field(description="All payment tokens")]
    threshold: Annotated[int, Field(description="How many treasurers have to confirm")]
    daily_limit: Annotated[int, Field(description="What can be brought in in a day (UTC)")]
    left_today: int
    payout_time_s: Annotated[int, Field(description="How long a withdrawal waits at most")]

    @classmethod
    def of(cls, found: Reserve, seen: AttestationRecord | None) -> Self:
        """The treasury as it is now."""
        return cls(
            reserve=found.amount,
            attested_at=found.attested_at or None,
            attested_by=seen.auditor if seen else None,
            statement_hash=seen.statement_hash if seen else None,
            supply=found.supply,
            threshold=found.threshold,
            daily_limit=found.daily_limit,
            left_today=found.left_today,
            payout_time_s=PAYOUT_TIME,
        )


class DepositFilter(PageFilter):
    """Which deposits."""

    holder: AddressText | None = None
    minted: bool | None = None


class DepositAnswer(OnChain):
    """Money that treasurers say the bank has received. `minted`: it became payment tokens. `void`:
    it never will, as its reference was used for something else.
    """

    reference: str
    holder: str
    amount: int
    confirmations: Annotated[list[str], Field(description="The treasurers who say so")]
    minted: bool
    void: bool

    @classmethod
    def of(cls, record: DepositRecord, said: list[ConfirmationRecord]) -> Self:
        """A deposit with its confirmations."""
        return cls(
            block=record.block,
            log_index=record.log_index,
            transaction_hash=record.transaction_hash,
            at=record.at,
            reference=record.reference,
            holder=record.holder,
            amount=record.amount,
            confirmations=[each.treasurer for each in said],
            minted=record.minted,
            void=record.void,
        )


class ConfirmDeposit(Write):
    """A treasurer confirms that the bank has received money for somebody."""

    holder: AddressText
    amount: Amount
    reference: BankReference


class DepositWritten(Transactions):
    """`minted`: this confirmation was the last one needed."""

    reference: str
    minted: bool


class WithdrawalFilter(PageFilter):
    """Which withdrawals."""

    holder: AddressText | None = None
    state: WithdrawalStep | None = None


class PayoutAnswer(Answer):
    """A treasurer who says that the bank has paid, under which reference."""

    treasurer: str
    reference: str


class WithdrawalAnswer(OnChain):
    """Payment tokens that somebody wants as money in the bank. `requested`: they are locked, and
    can be paid out until `payable_until`; from then on they can be returned. `returned`: the
    treasurers have refused it, or did not pay in time.
    """

    id: int
    holder: str
    amount: int
    payout_hash: Annotated[str, Field(description="Hash of where to pay to")]
    state: WithdrawalStep
    requested_at: int
    payable_until: int
    reference: Annotated[str | None, Field(description="Of the bank's transaction, once paid")]
    confirmations: list[PayoutAnswer]
    rejections: Annotated[list[str], Field(description="The treasurers who refuse it")]

    @classmethod
    def of(
        cls,
        record: WithdrawalRecord,
        paid: list[ConfirmationRecord],
        refused: list[ConfirmationRecord],
    ) -> Self:
        """A withdrawal with what treasurers have said of it."""
        return cls(
            block=record.block,
            log_index=record.log_index,
            transaction_hash=record.transaction_hash,
            at=record.at,
            id=record.withdrawal_id,
            holder=record.holder,
            amount=record.amount,
            payout_hash=record.payout_hash,
            state=record.state,
            requested_at=record.at,
            payable_until=record.at + PAYOUT_TIME,
            reference=record.reference,
            confirmations=[
                PayoutAnswer(treasurer=each.treasurer, reference=each.reference or "")
                for each in paid
            ],
            rejections=[each.treasurer for each in refused],
        )


class RequestWithdrawal(Write):
    """Locks payment tokens until the bank has paid them out."""

    amount: Amount
    payout_hash: Annotated[
        Hash, Field(description="Hash of where to pay to, which the treasurers are told")
    ]


class WithdrawalWritten(Transactions):
    """The withdrawal, and how it stands after this."""

    withdrawal_id: int
    state: WithdrawalStep


class ConfirmPayout(Write):
    """A treasurer confirms that the bank has paid."""

    reference: BankReference


class RejectWithdrawal(Write):
    """A treasurer refuses to pay."""


class ReturnWithdrawal(Write):
    """Returns what was not paid in time. By anyone."""


class AttestReserve(Write):
    """An auditor says what the bank's statement shows."""

    amount: Annotated[int, Field(ge=0, le=UINT53, description="Money in 1e-6")]
    statement_hash: Annotated[Hash, Field(description="Hash of the bank's statement")]
