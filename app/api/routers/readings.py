"""Readings of meters, and the positions that they close."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.api.deps import PatienceDep, ServicesDep, WriterDep, no_query, relay_guard
from app.api.schemas.common import Listing, Transactions, Written, cursor_of
from app.api.schemas.readings import (
    ClosePositions,
    MeterSigned,
    PositionAnswer,
    PositionFilter,
    ReadingAnswer,
    ReadingFilter,
    SignReading,
    SubmitReadings,
)
from app.api.services import Services
from app.errors import ForbiddenError
from app.index import queries
from app.ledger.chain import REGISTRY
from app.ledger.types import SignedReading
from app.market.typed_data import is_reading_signed
from app.market.windows import window_end

router = APIRouter()


@router.get("/readings", tags=["readings"])
async def list_readings(
    services: ServicesDep, chosen: Annotated[ReadingFilter, Query()]
) -> Listing[ReadingAnswer]:
    """What meters have seen."""
    found = await services.index.read(
        lambda each: queries.readings(each, chosen.cut(), window=chosen.window, owner=chosen.owner)
    )
    return Listing(
        items=[ReadingAnswer.model_validate(record) for record in found.items],
        next=cursor_of(found.next),
    )


@router.post("/readings/signatures", tags=["readings"], dependencies=[Depends(no_query)])
async def sign_reading(services: ServicesDep, writer: WriterDep, body: SignReading) -> MeterSigned:
    """Signs a reading with the key of a development meter (`from`). Changes nothing."""
    reading = body.of_meter(writer.account(body.sender))
    signed = services.ledger.sign_reading(reading)
    return MeterSigned(
        meter=reading.meter,
        window=body.window,
        exported_wh=body.exported_wh,
        imported_wh=body.imported_wh,
        losses_wh=body.losses_wh,
        data_root=body.data_root,
        signature=f"0x{signed.signature.hex()}",
    )


@router.post("/readings", tags=["readings"], dependencies=[Depends(no_query), Depends(relay_guard)])
async def submit_readings(
    services: ServicesDep, writer: WriterDep, patience: PatienceDep, body: SubmitReadings
) -> Transactions:
    """Records what meters have signed. By anyone; the gateway pays. The same again is harmless."""
    readings = [each.unpacked() for each in body.readings]
    for signed in readings:
        if not is_reading_signed(services.ledger.registry_domain, signed):
            raise ForbiddenError(f"the signature is not that of meter {signed.reading.meter}")
    await patience.until(max(window_end(each.reading.window) for each in readings))
    await _try(services, readings)
    receipts = await services.ledger.submit_readings(services.relayer.account, readings)
    await writer.seen(*receipts)
    return Transactions(transactions=[Written.of(each) for each in receipts])


@router.get("/positions", tags=["positions"])
async def list_positions(
    services: ServicesDep, chosen: Annotated[PositionFilter, Query()]
) -> Listing[PositionAnswer]:
    """Closed positions: what was left over or lacking, and went through the grid."""
    found = await services.index.read(
        lambda each: queries.positions(
            each, chosen.cut(), window=chosen.window, participant=chosen.participant
        )
    )
    return Listing(
        items=[PositionAnswer.model_validate(record) for record in found.items],
        next=cursor_of(found.next),
    )


@router.post("/positions", tags=["positions"], dependencies=[Depends(no_query)])
async def close_positions(
    services: ServicesDep, writer: WriterDep, patience: PatienceDep, body: ClosePositions
) -> Transactions:
    """Closes positions of a window that is over, after its agreements are settled. By anyone."""
    account = writer.account(body.sender)
    await patience.until(window_end(body.window))
    receipts = await services.ledger.close_positions(account, body.participants, body.window)
    await writer.seen(*receipts)
    return Transactions(transactions=[Written.of(each) for each in receipts])


async def _try(services: Services, readings: Sequence[SignedReading]) -> None:
    """Makes the call without sending it, so that the gateway pays for nothing that fails."""
    rows = [
        (
            each.reading.meter,
            each.reading.window,
            each.reading.exported_wh,
            each.reading.imported_wh,
            each.reading.losses_wh,
            each.reading.data_root,
        )
        for each in readings
    ]
    signatures = [each.signature for each in readings]
    await services.ledger.read(REGISTRY, "submitReadings", rows, signatures)
