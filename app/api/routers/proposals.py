"""Negotiations: what the agents say to each other, and what a visitor's household wants."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.api.deps import ServicesDep, WriterDep, no_query
from app.api.schemas.market import (
    MessageAnswer,
    MessageFilter,
    MessageListing,
    Want,
    WantAnswer,
)
from app.errors import NotFoundError, UnavailableError
from app.index import queries

router = APIRouter(tags=["proposals"])


@router.get("/proposals")
async def list_proposals(
    services: ServicesDep, chosen: Annotated[MessageFilter, Query()]
) -> MessageListing:
    """Messages of negotiations, newest first."""
    found = await services.index.read(
        lambda each: queries.messages(
            each,
            limit=chosen.limit + 1,
            before=chosen.cursor,
            window=chosen.window,
            conversation_id=chosen.conversation_id,
            household=chosen.household,
        )
    )
    items = [MessageAnswer.model_validate(record) for record in found[: chosen.limit]]
    return MessageListing(
        items=items, next=items[-1].sequence if len(found) > chosen.limit else None
    )


@router.post("/proposals", status_code=202, dependencies=[Depends(no_query)])
async def want_energy(services: ServicesDep, writer: WriterDep, body: Want) -> WantAnswer:
    """Lets a household's agent buy energy in the negotiation that is on for a window."""
    account = writer.account(body.sender)
    if services.street is None:
        raise UnavailableError(
            "no agents run in this process", hint="start the gateway with `peerwatt up`"
        )
    resident = services.about.residents.get(account)
    if resident is None:
        raise NotFoundError(
            f"{account} has no agents in this process", hint="offers can be made without"
        )
    services.street.want(resident.name, body.window, body.energy_wh, body.limit_price)
    return WantAnswer(
        household=account,
        window=body.window,
        energy_wh=body.energy_wh,
        limit_price=body.limit_price,
    )
