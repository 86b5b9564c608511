"""Everything that happens, as it happens (server-sent events)."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.api.deps import ServicesDep, SubscriptionDep, no_query
from app.index import store
from app.index.records import FeedEntry

router = APIRouter(tags=["events"])

RECONNECT_MILLISECONDS = 1_000
_AT_ONCE = 500


@router.get("/events", response_class=EventSourceResponse, dependencies=[Depends(no_query)])
async def stream_events(
    services: ServicesDep,
    subscription: SubscriptionDep,
    last_event_id: Annotated[
        str | None,
        Header(pattern=r"^\d{1,15}$", description="The last event that the client has seen"),
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Events of the chain (`offer`, `agreement`, `settlement`, `reading`, `position`, ...),
    `transaction`, `message` (negotiations), `clock` once a second, `reorganised` (rows above
    `block` are void).

    With `Last-Event-ID`, which browsers send when they reconnect, it begins with what was missed;
    if that is no longer kept, with `reset`: read the lists anew. A client that reads too slowly is
    disconnected, and may come back.
    """
    index = services.index
    first, last = await index.read(store.feed_bounds)
    seen = last if last_event_id is None else int(last_event_id)
    yield ServerSentEvent(comment="welcome", retry=RECONNECT_MILLISECONDS)
    if not first - 1 <= seen <= last:
        yield ServerSentEvent(event="reset", data={}, id=str(last))
        seen = last
    while seen < last:
        missed = await index.read(partial(store.feed_after, sequence=seen, limit=_AT_ONCE))
        for entry in missed:
            yield _event(entry)
        seen = missed[-1].sequence if missed else last
    async for entry in subscription:
        if entry.sequence == 0 or entry.sequence > seen:
            yield _event(entry)


def _event(entry: FeedEntry) -> ServerSentEvent:
    number = str(entry.sequence) if entry.sequence else None
    return ServerSentEvent(event=entry.kind, raw_data=entry.data, id=number)
