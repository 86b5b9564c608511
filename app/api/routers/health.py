"""Whether the gateway lives, and whether it can serve."""

import asyncio

from fastapi import APIRouter, Depends, Response

from app.api.deps import ServicesDep, no_query
from app.api.schemas.market import Health, Readiness
from app.errors import ChainError

router = APIRouter(tags=["health"], dependencies=[Depends(no_query)])

_NODE_PATIENCE_SECONDS = 2.0


@router.get("/health")
async def get_health() -> Health:
    """The process is alive."""
    return Health(status="alive")


@router.get("/ready", responses={503: {"model": Readiness}})
async def get_readiness(services: ServicesDep, response: Response) -> Readiness:
    """Whether the node answers and the index is at its head."""
    node, head = "ok", -1
    try:
        async with asyncio.timeout(_NODE_PATIENCE_SECONDS):
            head = (await services.index.reader.head()).number
    except ChainError as error:
        node = str(error)
    except TimeoutError:
        node = f"no answer within {_NODE_PATIENCE_SECONDS:.0f} s"
    status = services.index.follower.status
    lag = head - status.block
    index = status.error or ("ok" if lag <= services.settings.max_lag_blocks else f"{lag} behind")
    ready = node == "ok" and index == "ok"
    response.status_code = 200 if ready else 503
    return Readiness(
        ready=ready,
        node=node,
        index=index,
        indexed_block=status.block,
        head_block=head,
        agents="running" if services.street is not None else "none",
    )
