"""Agreements and their settlement."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.api.deps import HashPath, PatienceDep, ServicesDep, WriterDep, catch_up, no_query
from app.api.schemas.agreements import (
    AgreementAnswer,
    AgreementFilter,
    AgreementSigned,
    AgreementsWritten,
    AgreementTerms,
    AllowTransactions,
    SettleAgreements,
    SettlementAnswer,
    SettlementFilter,
    SignAgreement,
)
from app.api.schemas.common import Listing, Transactions, Written, cursor_of
from app.api.services import Services
from app.errors import ConflictError, InputError, NotFoundError
from app.index import queries
from app.ledger.types import Agreement, AgreementState, SignedAgreement
from app.market.windows import commit_start, window_end

router = APIRouter(tags=["agreements"])


@router.get("/agreements")
async def list_agreements(
    services: ServicesDep, chosen: Annotated[AgreementFilter, Query()]
) -> Listing[AgreementAnswer]:
    """Agreements, open and settled."""
    found = await services.index.read(
        lambda each: queries.agreements(
            each,
            chosen.cut(),
            window=chosen.window,
            offer_id=chosen.offer_id,
            order_id=chosen.order_id,
            participant=chosen.participant,
            settled=chosen.settled,
        )
    )
    return Listing(
        items=[AgreementAnswer.of(record) for record in found.items], next=cursor_of(found.next)
    )


@router.get("/agreements/{agreement_id}", dependencies=[Depends(no_query)])
async def get_agreement(services: ServicesDep, agreement_id: HashPath) -> AgreementAnswer:
    """One agreement."""
    record = await services.index.read(lambda each: queries.agreement(each, agreement_id))
    if record is None:
        raise NotFoundError(f"there is no agreement {agreement_id}")
    return AgreementAnswer.of(record)


@router.post("/agreements/signatures", dependencies=[Depends(no_query)])
async def sign_agreement(
    services: ServicesDep, writer: WriterDep, body: SignAgreement
) -> AgreementSigned:
    """Signs an agreement with the key of a development account, its buyer. Changes nothing."""
    agreement = body.agreement.unpacked()
    if writer.account(body.sender) != agreement.buyer:
        raise InputError("body.agreement.buyer", "is the account that signs", agreement.buyer)
    signed = services.ledger.sign_agreement(agreement)
    return AgreementSigned(
        agreement=AgreementTerms.of(agreement),
        signature=_hex(signed.signature),
        agreement_id=_hex(services.ledger.agreement_id(agreement)),
    )


@router.post("/agreements", status_code=201, dependencies=[Depends(no_query)])
async def allow_transactions(
    services: ServicesDep, writer: WriterDep, patience: PatienceDep, body: AllowTransactions
) -> AgreementsWritten:
    """Writes agreements that their buyers have signed, within the commit margin. By the seller."""
    seller = writer.account(body.sender)
    signed = [each.unpacked() for each in body.agreements]
    missing = [each for each in signed if not await _stands(services, each.agreement)]
    if missing:
        await patience.until(max(commit_start(each.agreement.window) for each in missing))
    receipts = await services.ledger.allow_transactions(seller, missing) if missing else []
    note(services, [each.agreement for each in missing])
    await writer.seen(*receipts)
    return AgreementsWritten(
        agreement_ids=[_agreement_id(services, each) for each in signed],
        transactions=[Written.of(each) for each in receipts],
    )


@router.get("/settlements", tags=["settlements"])
async def list_settlements(
    services: ServicesDep, chosen: Annotated[SettlementFilter, Query()]
) -> Listing[SettlementAnswer]:
    """What came of agreements."""
    found = await services.index.read(
        lambda each: queries.settlements(
            each, chosen.cut(), window=chosen.window, participant=chosen.participant
        )
    )
    return Listing(
        items=[SettlementAnswer.of(record) for record in found.items],
        next=cursor_of(found.next),
    )


@router.get("/settlements/{agreement_id}", tags=["settlements"], dependencies=[Depends(no_query)])
async def get_settlement(services: ServicesDep, agreement_id: HashPath) -> SettlementAnswer:
    """The settlement of one agreement."""
    record = await services.index.read(lambda each: queries.settlement(each, agreement_id))
    if record is None:
        raise NotFoundError(f"agreement {agreement_id} is not settled")
    return SettlementAnswer.of(record)


@router.post("/settlements", tags=["settlements"], dependencies=[Depends(no_query)])
async def settle_agreements(
    services: ServicesDep, writer: WriterDep, patience: PatienceDep, body: SettleAgreements
) -> Transactions:
    """Settles agreements whose window is over and whose readings are in. By anyone."""
    account = writer.account(body.sender)
    agreements = [await whole_agreement(services, each) for each in body.agreement_ids]
    await patience.until(max(window_end(each.window) for each in agreements))
    receipts = await services.ledger.make_transactions(account, agreements)
    await writer.seen(*receipts)
    return Transactions(transactions=[Written.of(each) for each in receipts])


async def whole_agreement(services: Services, agreement_id: str) -> Agreement:
    """An agreement with all that was signed, from the index."""
    record = await services.index.read(lambda each: queries.agreement(each, agreement_id))
    if record is None:
        await catch_up(services)
        record = await services.index.read(lambda each: queries.agreement(each, agreement_id))
    if record is None:
        raise NotFoundError(f"there is no agreement {agreement_id}")
    if record.deadline is None or record.salt is None:
        raise ConflictError(
            f"agreement {agreement_id} was written by another contract, which does not show it all",
            hint="settle it with the agreement itself, directly at the market",
        )
    return Agreement(
        offer_id=record.offer_id,
        seller=record.seller,
        buyer=record.buyer,
        window=record.window,
        energy_wh=record.energy_wh,
        price=record.price,
        deadline=record.deadline,
        salt=record.salt,
    )


def note(services: Services, agreements: Sequence[Agreement]) -> None:
    """Tells the street's operator of agreements of its members, so that it settles them too."""
    if services.street is not None:
        for agreement in agreements:
            if {agreement.seller, agreement.buyer} & services.about.residents.keys():
                services.street.note_agreement(agreement)


async def _stands(services: Services, agreement: Agreement) -> bool:
    found = await services.ledger.agreement_state(services.ledger.agreement_id(agreement))
    return found is not AgreementState.NONE


def _agreement_id(services: Services, signed: SignedAgreement) -> str:
    return _hex(services.ledger.agreement_id(signed.agreement))


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
