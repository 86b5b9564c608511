"""The relay of private trading: it takes calls from anybody and does not ask from whom."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.api.deps import WriterDep, no_query
from app.api.schemas.common import Written
from app.api.schemas.private import PrivateCallBody, PrivatelyRelayed
from app.ledger.private_relay import PrivateRelay

router = APIRouter(prefix="/private", tags=["private trading"])


def _relay(request: Request) -> PrivateRelay:
    relay: PrivateRelay = request.app.state.private_relay
    return relay


@router.post("/calls", status_code=201, dependencies=[Depends(no_query)])
async def relay_private_call(
    relay: Annotated[PrivateRelay, Depends(_relay)], writer: WriterDep, body: PrivateCallBody
) -> PrivatelyRelayed:
    """Sends a call whose proofs say all that has to be said, at the gateway's cost.

    Whatever would fail is refused before anything is sent. Nothing is kept of where a call came
    from, and its rate is limited by its key images alone.
    """
    receipt = await relay.relay(body.contract, bytes.fromhex(body.data[2:]))
    await writer.seen(receipt)
    return PrivatelyRelayed(function=receipt.function, transactions=[Written.of(receipt)])
