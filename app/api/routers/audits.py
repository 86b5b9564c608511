"""Audits: readings that auditors doubt, and what they find."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.deps import (
    AddressPath,
    PatienceDep,
    ServicesDep,
    WindowPath,
    WriterDep,
    catch_up,
    no_query,
    reserved_for,
)
from app.api.schemas.audits import (
    AuditAnswer,
    AuditFilter,
    AuditWritten,
    ConfirmReading,
    CorrectReading,
    DoubtReading,
)
from app.api.schemas.common import Listing, Written, cursor_of
from app.api.services import Services
from app.errors import NotFoundError
from app.index import audits
from app.index.records import AuditRecord
from app.ledger.types import Address, Correction
from app.market.windows import window_start

router = APIRouter(prefix="/audits", tags=["audits"])

_AUDITORS = "the auditors"


@router.get("")
async def list_audits(
    services: ServicesDep, chosen: Annotated[AuditFilter, Query()]
) -> Listing[AuditAnswer]:
    """Readings that auditors doubt, or have doubted."""
    now = services.clock.now()
    found = await services.index.read(
        lambda each: audits.audits(
            each,
            chosen.cut(),
            now=now,
            participant=chosen.participant,
            window=chosen.window,
            state=chosen.state,
        )
    )
    return Listing(items=await _answers(services, found.items), next=cursor_of(found.next))


@router.get("/{address}/{window}", dependencies=[Depends(no_query)])
async def get_audit(services: ServicesDep, address: AddressPath, window: WindowPath) -> AuditAnswer:
    """The audit of one reading; the latest, if there were several."""
    (answer,) = await _answers(services, [await _record(services, address, window)])
    return answer


@router.post("", status_code=201, dependencies=[Depends(no_query)])
async def doubt_reading(
    services: ServicesDep,
    writer: WriterDep,
    patience: PatienceDep,
    body: DoubtReading,
    response: Response,
) -> AuditWritten:
    """Holds up what is settled by a reading, or by its absence, until the auditors release it and
    at most until six hours after its window. By one auditor, from the beginning of the window on,
    as long as nothing was settled by it.
    """
    account = writer.account(body.sender)
    await patience.until(window_start(body.window))
    with reserved_for(_AUDITORS):
        receipt = await services.ledger.doubt_reading(account, body.participant, body.window)
    await writer.seen(receipt)
    response.headers["Location"] = f"/api/v1/audits/{body.participant}/{body.window}"
    return AuditWritten(
        participant=body.participant,
        window=body.window,
        state="held",
        transactions=[Written.of(receipt)],
    )


@router.post("/{address}/{window}/confirmations", status_code=201, dependencies=[Depends(no_query)])
async def confirm_reading(
    services: ServicesDep,
    writer: WriterDep,
    address: AddressPath,
    window: WindowPath,
    body: ConfirmReading,
) -> AuditWritten:
    """Finds a held reading right. By an auditor; the last one that is needed releases it."""
    account = writer.account(body.sender)
    await _record(services, address, window)
    with reserved_for(_AUDITORS):
        receipt = await services.ledger.confirm_reading(account, address, window)
    await writer.seen(receipt)
    return AuditWritten(
        participant=address,
        window=window,
        state="confirmed" if receipt.result else "held",
        transactions=[Written.of(receipt)],
    )


@router.post("/{address}/{window}/corrections", status_code=201, dependencies=[Depends(no_query)])
async def correct_reading(
    services: ServicesDep,
    writer: WriterDep,
    address: AddressPath,
    window: WindowPath,
    body: CorrectReading,
) -> AuditWritten:
    """Says what the raw batch shows in place of a held reading. By an auditor; when as many as are
    needed have said exactly the same, it counts and the reading is released.
    """
    account = writer.account(body.sender)
    await _record(services, address, window)
    correction = Correction(
        owner=address,
        window=window,
        exported_wh=body.exported_wh,
        imported_wh=body.imported_wh,
        losses_wh=body.losses_wh,
        data_root=bytes.fromhex(body.data_root[2:]),
    )
    with reserved_for(_AUDITORS):
        receipt = await services.ledger.correct_reading(account, correction)
    await writer.seen(receipt)
    return AuditWritten(
        participant=address,
        window=window,
        state="corrected" if receipt.result else "held",
        transactions=[Written.of(receipt)],
    )


async def _record(services: Services, participant: Address, window: int) -> AuditRecord:
    now = services.clock.now()
    record = await services.index.read(
        lambda each: audits.audit(each, participant, window, now=now)
    )
    if record is None:
        await catch_up(services)
        record = await services.index.read(
            lambda each: audits.audit(each, participant, window, now=now)
        )
    if record is None:
        raise NotFoundError(
            f"nobody doubts the reading of {participant} for window {window}",
            hint="an auditor can, at /api/v1/audits",
        )
    return record


async def _answers(services: Services, records: Sequence[AuditRecord]) -> list[AuditAnswer]:
    confirmed = await services.index.read(lambda each: audits.confirmations(each, records))
    corrected = await services.index.read(lambda each: audits.corrections(each, records))
    places = map(audits.place_of, records)
    return [
        AuditAnswer.of(record, confirmed[place], corrected[place])
        for record, place in zip(records, places, strict=True)
    ]
