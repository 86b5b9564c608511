"""Offers of energy for a window."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.deps import OfferPath, ServicesDep, WriterDep, no_query
from app.api.schemas.common import Listing, Written, cursor_of
from app.api.schemas.offers import (
    CancelOffer,
    MakeOffer,
    OfferAnswer,
    OfferFilter,
    OfferWritten,
)
from app.errors import NotFoundError
from app.index import queries
from app.market.windows import COMMIT_MARGIN, window_at

router = APIRouter(tags=["offers"])


def last_closed_window(now: int) -> int:
    """The last window whose commit margin has begun: trading in it is over."""
    return window_at(now + COMMIT_MARGIN)


@router.get("/offers")
async def list_offers(
    services: ServicesDep, chosen: Annotated[OfferFilter, Query()]
) -> Listing[OfferAnswer]:
    """Offers with what is left of them."""
    closed = last_closed_window(services.clock.now())
    found = await services.index.read(
        lambda each: queries.offers(
            each,
            chosen.cut(),
            open_after=closed,
            window=chosen.window,
            seller=chosen.seller,
            state=chosen.state,
        )
    )
    return Listing(
        items=[OfferAnswer.of(record, closed) for record in found.items],
        next=cursor_of(found.next),
    )


@router.get("/offers/{offer_id}", dependencies=[Depends(no_query)])
async def get_offer(services: ServicesDep, offer_id: OfferPath) -> OfferAnswer:
    """One offer."""
    record = await services.index.read(lambda each: queries.offer(each, offer_id))
    if record is None:
        raise NotFoundError(f"there is no offer {offer_id}")
    return OfferAnswer.of(record, last_closed_window(services.clock.now()))


@router.post("/offers", status_code=201, dependencies=[Depends(no_query)])
async def make_offer(
    services: ServicesDep, writer: WriterDep, body: MakeOffer, response: Response
) -> OfferWritten:
    """Offers energy for a window whose commit margin has not begun."""
    receipt = await services.ledger.make_offer(
        writer.account(body.sender), body.window, body.energy_wh, body.floor_price
    )
    await writer.seen(receipt)
    response.headers["Location"] = f"/api/v1/offers/{receipt.result}"
    return OfferWritten(offer_id=int(str(receipt.result)), transactions=[Written.of(receipt)])


@router.post("/offers/{offer_id}/cancellation", dependencies=[Depends(no_query)])
async def cancel_offer(
    services: ServicesDep, writer: WriterDep, offer_id: OfferPath, body: CancelOffer
) -> OfferWritten:
    """Takes an offer back, before its window's commit margin. By its seller.

    One that is cancelled already stays so, without another transaction.
    """
    account = writer.account(body.sender)
    offer = await services.ledger.offer(offer_id)
    if offer.cancelled and offer.seller == account:
        return OfferWritten(offer_id=offer_id, transactions=[])
    receipts = await writer.seen(await services.ledger.cancel_offer(account, offer_id))
    return OfferWritten(offer_id=offer_id, transactions=[Written.of(each) for each in receipts])
