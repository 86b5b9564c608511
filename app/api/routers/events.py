"""Everything that happens, as it happens (server-sent events)."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from app.api.deps import ServicesDep, SubscriptionDep, no_query
from app.index import store
from app.index.broadcast import Subscription
from app.index.market_index import MarketIndex
from app.index.records import FeedEntry

router = APIRouter(tags=["events"])

RECONNECT_MILLISECONDS = 1_000
_AT_ONCE = 500


class EventStream(StreamingResponse):
    """Server-sent events. FastAPI's own class would have the endpoint yield them, and fails loudly
    when a client leaves while some are on their way.
    """

    media_type = "text/event-stream"


@router.get("/events", response_class=EventStream, dependencies=[Depends(no_query)])
async def stream_events(
    services: ServicesDep,
    subscription: SubscriptionDep,
    last_event_id: Annotated[
        str | None,
        Header(pattern=r"^\d{1,15}$", description="The last event that the client has seen"),
    ] = None,
) -> EventStream:
    """Events of the chain (`offer`, `agreement`, `settlement`, `reading`, `position`, ..., of the
    consortium `membership`, `consortium_proposal`, `ballot`, `proposal_step`, of the treasury
    `deposit_confirmation`, `withdrawal_request`, ..., of audits `doubt`, `release`, ..., of private
    trading `private_round`, `private_offer`, `private_agreement`, `private_end`, `note`, ..., by
    their numbers alone), `transaction`, `message` (negotiations), `clock` once a second,
    `reorganised` (rows above `block` are void).

    With `Last-Event-ID`, which browsers send when they reconnect, it begins with what was missed;
    if that is no longer kept, with `reset`: read the lists anew. A client that reads too slowly is
    disconnected, and may come back.
    """
    seen = None if last_event_id is None else int(last_event_id)
    return EventStream(
        _events(services.index, subscription, seen), headers={"X-Accel-Buffering": "no"}
    )


async def _events(
    index: MarketIndex, subscription: Subscription, last_seen: int | None
) -> AsyncIterator[bytes]:
    """What was missed, then what happens. The clock's events keep the connection alive."""
    first, last = await index.read(store.feed_bounds)
    seen = last if last_seen is None else last_seen
    yield format_sse_event(comment="welcome", retry=RECONNECT_MILLISECONDS)
    if not first - 1 <= seen <= last:
        yield format_sse_event(event="reset", data_str="{}", id=str(last))
        seen = last
    while seen < last:
        missed = await index.read(partial(store.feed_after, sequence=seen, limit=_AT_ONCE))
        for entry in missed:
            yield _encoded(entry)
        seen = missed[-1].sequence if missed else last
    async for entry in subscription:
        if entry.sequence == 0 or entry.sequence > seen:
            yield _encoded(entry)


def _encoded(entry: FeedEntry) -> bytes:
    number = str(entry.sequence) if entry.sequence else None
    return format_sse_event(event=entry.kind, data_str=entry.data, id=number)
