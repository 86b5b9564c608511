"""Orders of the call auction."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.deps import OrderPath, ServicesDep, WriterDep, no_query
from app.api.schemas.auction import (
    CancelOrder,
    OrderAnswer,
    OrderFilter,
    OrderStoryAnswer,
    OrderWritten,
    PlaceOrder,
    side_of,
)
from app.api.schemas.common import Listing, Written, cursor_of
from app.api.services import Services
from app.errors import ConflictError, NotFoundError
from app.index import auction
from app.index.records import OrderEventRecord
from app.ledger.chain import AUCTION
from app.market.auction import explain_book

router = APIRouter(tags=["orders"])

_OVER = ("filled", "served", "expired")


def require_auction(services: ServicesDep) -> None:
    """Refuses where the contracts were deployed without an auction."""
    if AUCTION not in services.ledger.contracts:
        raise NotFoundError("this market has no call auction", hint="deploy the contracts anew")


@router.get("/orders")
async def list_orders(
    services: ServicesDep, chosen: Annotated[OrderFilter, Query()]
) -> Listing[OrderAnswer]:
    """Orders with what is left of them."""
    now = services.clock.now()
    found = await services.index.read(
        lambda each: auction.orders(
            each,
            chosen.cut(),
            now=now,
            window=chosen.window,
            book=chosen.book,
            owner=chosen.owner,
            side=None if chosen.side is None else side_of(chosen.side),
            state=chosen.state,
        )
    )
    return Listing(
        items=[OrderAnswer.model_validate(record) for record in found.items],
        next=cursor_of(found.next),
    )


@router.get("/orders/{order_id}", dependencies=[Depends(no_query)])
async def get_order(services: ServicesDep, order_id: OrderPath) -> OrderStoryAnswer:
    """One order and all that has happened to it."""
    now = services.clock.now()
    record = await services.index.read(lambda each: auction.order(each, order_id, now=now))
    if record is None:
        raise NotFoundError(f"there is no order {order_id}")
    history = await services.index.read(lambda each: auction.history(each, record))
    return OrderStoryAnswer.told(record, history, await _unfilled(services, order_id, history))


@router.post("/orders", status_code=201, dependencies=[Depends(no_query), Depends(require_auction)])
async def place_order(
    services: ServicesDep, writer: WriterDep, body: PlaceOrder, response: Response
) -> OrderWritten:
    """Places an order for a window whose commit margin has not begun, and sets money aside for it:
    what a buy costs at most; what a sell that fails entirely costs at most.
    """
    receipt = await services.ledger.place_order(
        writer.account(body.sender),
        side_of(body.side),
        body.energy_wh,
        body.limit_price,
        body.window,
        body.expiry,
    )
    await writer.seen(receipt)
    response.headers["Location"] = f"/api/v1/orders/{receipt.result}"
    return OrderWritten(order_id=int(str(receipt.result)), transactions=[Written.of(receipt)])


@router.post(
    "/orders/{order_id}/cancellation",
    dependencies=[Depends(no_query), Depends(require_auction)],
)
async def cancel_order(
    services: ServicesDep, writer: WriterDep, order_id: OrderPath, body: CancelOrder
) -> OrderWritten:
    """Takes back what is left of an order; the money set aside for it is free again. By its owner.

    One that is cancelled already stays so, without another transaction.
    """
    account, now = writer.account(body.sender), services.clock.now()
    found = await services.index.read(lambda each: auction.order(each, order_id, now=now))
    if found is not None and found.owner == account:
        if found.state == "cancelled":
            return OrderWritten(order_id=order_id, transactions=[])
        if found.state in _OVER:
            raise ConflictError(f"nothing is left of order {order_id}: it is {found.state}")
    receipts = await writer.seen(await services.ledger.cancel_order(account, order_id))
    return OrderWritten(order_id=order_id, transactions=[Written.of(each) for each in receipts])


async def _unfilled(
    services: Services, order_id: int, history: Sequence[OrderEventRecord]
) -> str | None:
    """Why the last book that was cleared left something of an order."""
    window, now = _last_cleared(history), services.clock.now()
    if window is None:
        return None
    book = await services.index.read(lambda each: auction.book(each, window, now=now))
    if book.clearing is None or book.terms is None:
        return None
    return explain_book(book.taking_part, book.terms, book.rule).reasons.get(order_id)


def _last_cleared(history: Sequence[OrderEventRecord]) -> int | None:
    """The window of the last book that has left something of an order."""
    left = [each for each in history if each.step in ("carried", "expired")]
    if not left or left[-1].window is None:
        return None
    return left[-1].window - (left[-1].step == "carried")
