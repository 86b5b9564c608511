"""Private trading as everybody sees it: rounds, sealed offers, agreements and notes."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.api.deps import ServicesDep, WindowPath, no_query
from app.api.schemas.common import Listing, PageFilter, cursor_of
from app.api.schemas.private_trading import (
    BandAnswer,
    NoteAnswer,
    NoteImageAnswer,
    NumberedFilter,
    NumberedListing,
    PointAnswer,
    PoolMoneyAnswer,
    PoolMovementAnswer,
    PoolMovementFilter,
    PrivateAgreementAnswer,
    PrivateAgreementFilter,
    PrivateCountsAnswer,
    PrivateMemberAnswer,
    PrivateTradingAnswer,
    RoundAnswer,
    WholeRoundAnswer,
)
from app.api.services import Services
from app.errors import NotFoundError
from app.index import private, schema
from app.index.paging import Cut
from app.index.private_records import NoteImageRecord, NoteRecord, PrivateMemberRecord
from app.ledger.private import PrivateLedger
from app.ledger.private_calls import PRIVATE_MARKET

router = APIRouter(prefix="/private", tags=["private trading"])
missing = APIRouter(prefix="/private", include_in_schema=False)
"""Answers in its place where private trading was not deployed."""

_AGREEMENTS_OF_ROUND = 200


def _private(services: ServicesDep) -> PrivateLedger:
    if services.private is None:
        raise NotFoundError(
            "there is no private trading in this market", hint="brownie run deploy_privacy"
        )
    return services.private


PrivateDep = Annotated[PrivateLedger, Depends(_private)]


@missing.api_route("", methods=["GET", "POST"], dependencies=[Depends(_private)])
@missing.api_route("/{rest:path}", methods=["GET", "POST"], dependencies=[Depends(_private)])
async def say_that_it_is_missing() -> None:
    """Never gets to be carried out."""


@router.get("", dependencies=[Depends(no_query)])
async def get_private_trading(
    services: ServicesDep, private_ledger: PrivateDep
) -> PrivateTradingAnswer:
    """The rules of private trading, the members by whose keys offers are made, and how much there
    is of it.
    """
    rules, index = private_ledger.rules, services.index
    counts = await index.read(private.counts)
    auditor = await index.read(private.auditor)
    return PrivateTradingAnswer(
        chain_id=rules.chain_id,
        market=rules.market,
        pool=rules.pool.address,
        auditor=PointAnswer.of(auditor or rules.auditor),
        band=BandAnswer(floor=rules.band.floor, ceiling=rules.band.ceiling),
        slots=await services.ledger.read(PRIVATE_MARKET, "SLOTS"),
        members=[_member(each, services) for each in await index.read(private.members)],
        counts=PrivateCountsAnswer.model_validate(counts),
        money=PoolMoneyAnswer(
            deposited=counts.deposited,
            withdrawn=counts.withdrawn,
            held=counts.deposited - counts.withdrawn,
        ),
    )


@router.get("/rounds")
async def list_private_rounds(
    services: ServicesDep, page: Annotated[PageFilter, Query()]
) -> Listing[RoundAnswer]:
    """Rounds with how many offers and agreements they have."""
    found = await services.index.read(lambda each: private.rounds(each, page.cut()))
    return Listing(items=list(map(RoundAnswer.of, found.items)), next=cursor_of(found.next))


@router.get("/rounds/{window}", dependencies=[Depends(no_query)])
async def get_private_round(services: ServicesDep, window: WindowPath) -> WholeRoundAnswer:
    """All that anybody can see of one round: who could offer, the sealed offers, the agreements."""
    index = services.index
    found = await index.read(lambda each: private.round_of(each, window))
    if found is None:
        raise NotFoundError(f"no round of window {window}", hint="anybody can open it")
    cut = Cut(_AGREEMENTS_OF_ROUND, oldest_first=True)
    return WholeRoundAnswer.of(
        found,
        await index.read(lambda each: private.offers(each, window)),
        await index.read(lambda each: private.agreements(each, cut, window=window)),
    )


@router.get("/agreements")
async def list_private_agreements(
    services: ServicesDep, chosen: Annotated[PrivateAgreementFilter, Query()]
) -> Listing[PrivateAgreementAnswer]:
    """Agreements in commitments, and what became of them."""
    found = await services.index.read(
        lambda each: private.agreements(
            each,
            chosen.cut(),
            window=chosen.window,
            offer_id=chosen.offer_id,
            state=chosen.state,
        )
    )
    return Listing(
        items=list(map(PrivateAgreementAnswer.of, found.items)), next=cursor_of(found.next)
    )


@router.get("/notes")
async def list_notes(
    services: ServicesDep, chosen: Annotated[NumberedFilter, Query()]
) -> NumberedListing[NoteAnswer]:
    """All notes of the pool, spent ones, too: nobody sees which those are. Who has a view key looks
    through them for its own.
    """
    found, total = await services.index.read(
        lambda each: (
            private.notes(each, chosen.first, chosen.limit),
            private.total(each, schema.notes),
        )
    )
    return NumberedListing(
        items=list(map(NoteAnswer.of, found)), next=_next(found, total), total=total
    )


@router.get("/images")
async def list_note_images(
    services: ServicesDep, chosen: Annotated[NumberedFilter, Query()]
) -> NumberedListing[NoteImageAnswer]:
    """The key images of all notes that were spent."""
    found, total = await services.index.read(
        lambda each: (
            private.images(each, chosen.first, chosen.limit),
            private.total(each, schema.note_images),
        )
    )
    return NumberedListing(
        items=[NoteImageAnswer.model_validate(each) for each in found],
        next=_next(found, total),
        total=total,
    )


@router.get("/movements")
async def list_pool_movements(
    services: ServicesDep, chosen: Annotated[PoolMovementFilter, Query()]
) -> Listing[PoolMovementAnswer]:
    """Deposits into the pool of notes and withdrawals, which are public, with their amounts. What a
    relay gets for its work is a withdrawal, too.
    """
    found = await services.index.read(
        lambda each: private.movements(each, chosen.cut(), account=chosen.account)
    )
    return Listing(
        items=[PoolMovementAnswer.model_validate(each) for each in found.items],
        next=cursor_of(found.next),
    )


def _next(found: Sequence[NoteRecord | NoteImageRecord], total: int) -> int | None:
    following = found[-1].number + 1 if found else total
    return following if following < total else None


def _member(record: PrivateMemberRecord, services: Services) -> PrivateMemberAnswer:
    resident = services.about.residents.get(record.account)
    return PrivateMemberAnswer(
        block=record.block,
        log_index=record.log_index,
        transaction_hash=record.transaction_hash,
        at=record.at,
        account=record.account,
        household=resident.name if resident else None,
        key=PointAnswer.of(record.key),
        is_member=record.is_member,
    )
