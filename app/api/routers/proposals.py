"""Negotiations: what the agents say to each other, and what a visitor's household wants."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.api.deps import PatienceDep, ServicesDep, WriterDep, no_query
from app.api.schemas.market import (
    MessageAnswer,
    MessageFilter,
    MessageListing,
    Want,
    WantAnswer,
)
from app.errors import NotFoundError, UnavailableError
from app.index import queries
from app.market.windows import window_at

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
async def want_energy(
    services: ServicesDep, writer: WriterDep, patience: PatienceDep, body: Want
) -> WantAnswer:
    """Lets a household's agent buy energy in the negotiation for a window, while that is on."""
    account = writer.account(body.sender)
    street = services.street
    if street is None:
        raise UnavailableError(
            "no agents run in this process", hint="start the gateway with `peerwatt up`"
        )
    resident = services.about.residents.get(account)
    if resident is None:
        raise NotFoundError(
            f"{account} has no agents in this process", hint="offers can be made without"
        )

    def want() -> int:
        window = window_at(services.clock.now()) + 1 if body.window is None else body.window
        street.want(resident.name, window, body.energy_wh, body.limit_price)
        return window

    return WantAnswer(
        household=account,
        window=await patience.until_allowed(want),
        energy_wh=body.energy_wh,
        limit_price=body.limit_price,
    )
