"""Money between the bank and the market: what treasurers confirm, and what is in the bank."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from app.api.deps import ServicesDep, Writer, WriterDep, catch_up, no_query, reserved_for
from app.api.schemas.common import UINT53, Listing, Transactions, Written, cursor_of
from app.api.schemas.treasury import (
    AttestReserve,
    ConfirmDeposit,
    ConfirmPayout,
    DepositAnswer,
    DepositFilter,
    DepositWritten,
    RejectWithdrawal,
    RequestWithdrawal,
    ReserveAnswer,
    ReturnWithdrawal,
    WithdrawalAnswer,
    WithdrawalFilter,
    WithdrawalWritten,
)
from app.api.services import Services
from app.errors import NotFoundError
from app.index import treasury
from app.index.records import WithdrawalRecord, WithdrawalStep
from app.ledger.types import Receipt

router = APIRouter(prefix="/treasury", tags=["treasury"])

WithdrawalPath = Annotated[int, Path(ge=1, le=UINT53, description="Id of a withdrawal")]

_TREASURERS = "the treasurers"


@router.get("", dependencies=[Depends(no_query)])
async def get_treasury(services: ServicesDep) -> ReserveAnswer:
    """What is in the bank, against all payment tokens that there are."""
    seen = await services.index.read(treasury.latest_attestation)
    return ReserveAnswer.of(await services.ledger.reserve(), seen)


@router.get("/deposits")
async def list_bank_deposits(
    services: ServicesDep, chosen: Annotated[DepositFilter, Query()]
) -> Listing[DepositAnswer]:
    """Money that has come into the bank, as treasurers say."""
    index = services.index
    found = await index.read(
        lambda each: treasury.deposits(
            each, chosen.cut(), holder=chosen.holder, minted=chosen.minted
        )
    )
    said = await index.read(lambda each: treasury.deposit_confirmations(each, found.items))
    return Listing(
        items=[
            DepositAnswer.of(each, said[each.reference, each.holder, each.amount])
            for each in found.items
        ],
        next=cursor_of(found.next),
    )


@router.post("/deposits", status_code=201, dependencies=[Depends(no_query)])
async def confirm_deposit(
    services: ServicesDep, writer: WriterDep, body: ConfirmDeposit
) -> DepositWritten:
    """Confirms that the bank has received money. By a treasurer; the last one that is needed makes
    payment tokens of it.
    """
    account = writer.account(body.sender)
    with reserved_for(_TREASURERS):
        receipt = await services.ledger.confirm_deposit(
            account, body.holder, body.amount, bytes.fromhex(body.reference[2:])
        )
    await writer.seen(receipt)
    return DepositWritten(
        reference=body.reference,
        minted=bool(receipt.result),
        transactions=[Written.of(receipt)],
    )


@router.get("/withdrawals")
async def list_bank_withdrawals(
    services: ServicesDep, chosen: Annotated[WithdrawalFilter, Query()]
) -> Listing[WithdrawalAnswer]:
    """Money that somebody wants from the bank."""
    found = await services.index.read(
        lambda each: treasury.withdrawals(
            each, chosen.cut(), holder=chosen.holder, state=chosen.state
        )
    )
    return Listing(items=await _answers(services, found.items), next=cursor_of(found.next))


@router.get("/withdrawals/{withdrawal_id}", dependencies=[Depends(no_query)])
async def get_bank_withdrawal(
    services: ServicesDep, withdrawal_id: WithdrawalPath
) -> WithdrawalAnswer:
    """One withdrawal."""
    (answer,) = await _answers(services, [await _record(services, withdrawal_id)])
    return answer


@router.post("/withdrawals", status_code=201, dependencies=[Depends(no_query)])
async def request_withdrawal(
    services: ServicesDep, writer: WriterDep, body: RequestWithdrawal, response: Response
) -> WithdrawalWritten:
    """Locks payment tokens until the bank has paid them out, or the treasurers refuse. Money in the
    market is taken out of it first, by `/balances/withdrawals`.
    """
    receipt = await services.ledger.request_withdrawal(
        writer.account(body.sender), body.amount, bytes.fromhex(body.payout_hash[2:])
    )
    await writer.seen(receipt)
    withdrawal_id = int(str(receipt.result))
    response.headers["Location"] = f"/api/v1/treasury/withdrawals/{withdrawal_id}"
    return WithdrawalWritten(
        withdrawal_id=withdrawal_id, state="requested", transactions=[Written.of(receipt)]
    )


@router.post(
    "/withdrawals/{withdrawal_id}/payouts", status_code=201, dependencies=[Depends(no_query)]
)
async def confirm_payout(
    services: ServicesDep, writer: WriterDep, withdrawal_id: WithdrawalPath, body: ConfirmPayout
) -> WithdrawalWritten:
    """Confirms that the bank has paid. By a treasurer; the last one that is needed ends the
    tokens.
    """
    account = writer.account(body.sender)
    await _record(services, withdrawal_id)
    with reserved_for(_TREASURERS):
        receipt = await services.ledger.confirm_payout(
            account, withdrawal_id, bytes.fromhex(body.reference[2:])
        )
    return await _written(writer, withdrawal_id, "paid" if receipt.result else "requested", receipt)


@router.post(
    "/withdrawals/{withdrawal_id}/rejections", status_code=201, dependencies=[Depends(no_query)]
)
async def reject_withdrawal(
    services: ServicesDep, writer: WriterDep, withdrawal_id: WithdrawalPath, body: RejectWithdrawal
) -> WithdrawalWritten:
    """Refuses to pay. By a treasurer; with the last one that is needed the tokens return."""
    account = writer.account(body.sender)
    await _record(services, withdrawal_id)
    with reserved_for(_TREASURERS):
        receipt = await services.ledger.reject_withdrawal(account, withdrawal_id)
    return await _written(
        writer, withdrawal_id, "returned" if receipt.result else "requested", receipt
    )


@router.post(
    "/withdrawals/{withdrawal_id}/returns", status_code=201, dependencies=[Depends(no_query)]
)
async def return_withdrawal(
    services: ServicesDep, writer: WriterDep, withdrawal_id: WithdrawalPath, body: ReturnWithdrawal
) -> WithdrawalWritten:
    """Returns the tokens of a withdrawal that was not paid in time. By anyone."""
    account = writer.account(body.sender)
    await _record(services, withdrawal_id)
    receipt = await services.ledger.return_withdrawal(account, withdrawal_id)
    return await _written(writer, withdrawal_id, "returned", receipt)


@router.post("/reserve", status_code=201, dependencies=[Depends(no_query)])
async def attest_reserve(
    services: ServicesDep, writer: WriterDep, body: AttestReserve
) -> Transactions:
    """Says what the bank's statement shows. By an auditor. No tokens are made above it."""
    account = writer.account(body.sender)
    with reserved_for("the auditors"):
        receipt = await services.ledger.attest_reserve(
            account, body.amount, bytes.fromhex(body.statement_hash[2:])
        )
    await writer.seen(receipt)
    return Transactions(transactions=[Written.of(receipt)])


async def _record(services: Services, withdrawal_id: int) -> WithdrawalRecord:
    record = await services.index.read(lambda each: treasury.withdrawal(each, withdrawal_id))
    if record is None:
        await catch_up(services)
        record = await services.index.read(lambda each: treasury.withdrawal(each, withdrawal_id))
    if record is None:
        raise NotFoundError(
            f"there is no withdrawal {withdrawal_id}",
            hint="/api/v1/treasury/withdrawals lists them all",
        )
    return record


async def _answers(
    services: Services, records: Sequence[WithdrawalRecord]
) -> list[WithdrawalAnswer]:
    ids = [record.withdrawal_id for record in records]
    paid = await services.index.read(lambda each: treasury.payout_confirmations(each, ids))
    refused = await services.index.read(lambda each: treasury.rejections(each, ids))
    return [
        WithdrawalAnswer.of(
            record, paid.get(record.withdrawal_id, []), refused.get(record.withdrawal_id, [])
        )
        for record in records
    ]


async def _written(
    writer: Writer, withdrawal_id: int, state: WithdrawalStep, receipt: Receipt
) -> WithdrawalWritten:
    await writer.seen(receipt)
    return WithdrawalWritten(
        withdrawal_id=withdrawal_id, state=state, transactions=[Written.of(receipt)]
    )
