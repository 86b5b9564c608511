"""Who takes part, and with which meters."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.about import Resident
from app.api.deps import AddressPath, ServicesDep, WriterDep, no_query, reserved_for
from app.api.schemas.common import Listing, PageFilter, Transactions, Written, cursor_of
from app.api.schemas.participants import (
    CertifyMeter,
    ParticipantAnswer,
    ParticipantWritten,
    PublishInfo,
    RevokeMeter,
)
from app.api.sentences import household_name
from app.api.services import Services
from app.errors import NotFoundError
from app.index import queries
from app.index.records import ParticipantRecord
from app.ledger.types import MeterKind, ParticipantInfo

router = APIRouter(tags=["participants"])


def _answer(record: ParticipantRecord, services: Services) -> ParticipantAnswer:
    keys = services.development
    resident = services.about.residents.get(record.participant, Resident(""))
    return ParticipantAnswer(
        block=record.block,
        log_index=record.log_index,
        transaction_hash=record.transaction_hash,
        at=record.at,
        participant=record.participant,
        household=resident.name or household_name(record.household_id),
        kind="storage" if record.is_storage else "household",
        solar=resident.solar,
        battery=resident.battery,
        strategy=resident.strategy,
        meter=record.meter,
        household_id=record.household_id,
        endpoint=record.endpoint,
        stealth_meta_address=record.stealth_meta_address,
        development=keys is not None and record.participant in keys,
    )


@router.get("/participants")
async def list_participants(
    services: ServicesDep, page: Annotated[PageFilter, Query()]
) -> Listing[ParticipantAnswer]:
    """All participants with what they published last."""
    found = await services.index.read(lambda each: queries.participants(each, page.cut()))
    return Listing(
        items=[_answer(record, services) for record in found.items], next=cursor_of(found.next)
    )


@router.get("/participants/{address}", dependencies=[Depends(no_query)])
async def get_participant(services: ServicesDep, address: AddressPath) -> ParticipantAnswer:
    """One participant."""
    record = await services.index.read(lambda each: queries.participant(each, address))
    if record is None:
        raise NotFoundError(f"{address} has not published anything")
    return _answer(record, services)


@router.post("/participants", status_code=201, dependencies=[Depends(no_query)])
async def publish_info(
    services: ServicesDep, writer: WriterDep, body: PublishInfo, response: Response
) -> ParticipantWritten:
    """Makes an account with a certified meter a participant, or changes what is known of it."""
    info = ParticipantInfo(
        endpoint=body.endpoint,
        household_id=bytes.fromhex(body.household_id[2:]),
        meter=body.meter,
        stealth_meta_address=bytes.fromhex(body.stealth_meta_address[2:]),
    )
    receipts = await writer.seen(
        await services.ledger.publish_info(writer.account(body.sender), info)
    )
    response.headers["Location"] = f"/api/v1/participants/{body.sender}"
    return ParticipantWritten(
        participant=body.sender, transactions=[Written.of(each) for each in receipts]
    )


@router.post("/meters", status_code=201, dependencies=[Depends(no_query)])
async def certify_meter(
    services: ServicesDep, writer: WriterDep, body: CertifyMeter
) -> Transactions:
    """Lets an auditor vouch for a meter. Another meter that the owner had is revoked."""
    account = writer.account(body.sender)
    with reserved_for("the auditors"):
        receipt = await services.ledger.certify(
            account,
            body.meter,
            body.owner,
            MeterKind[body.kind.upper()],
            body.valid_until,
        )
    await writer.seen(receipt)
    return Transactions(transactions=[Written.of(receipt)])


@router.post("/meters/{address}/revocation", status_code=201, dependencies=[Depends(no_query)])
async def revoke_meter(
    services: ServicesDep, writer: WriterDep, address: AddressPath, body: RevokeMeter
) -> Transactions:
    """Ends a meter's certificate at once: what it reads from now on counts no more. By an
    auditor.
    """
    account = writer.account(body.sender)
    with reserved_for("the auditors"):
        receipt = await services.ledger.revoke(account, address)
    await writer.seen(receipt)
    return Transactions(transactions=[Written.of(receipt)])
