"""What endpoints depend on."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Path, Request

from app.api.limits import RateLimit
from app.api.schemas.common import UINT53, AddressText, Hash
from app.api.services import Services
from app.errors import ConflictError, ContractRevertedError, ForbiddenError, InputError
from app.index.broadcast import Subscription
from app.ledger.types import Address, Receipt

T = TypeVar("T")

MAX_WAIT_SECONDS = 120
INDEX_PATIENCE_SECONDS = 3.0

_LOOK_SECONDS = 0.02
_WAIT = re.compile(r"(?:.*[,;]\s*)?wait=(\d{1,6})\s*(?:[,;].*)?")


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _relay_limit(request: Request) -> RateLimit:
    limit: RateLimit = request.app.state.relay_limit
    return limit


ServicesDep = Annotated[Services, Depends(_services)]


def no_query(request: Request) -> None:
    """Refuses parameters where none are known."""
    for name, value in request.query_params.items():
        raise InputError(f"query.{name}", "is not known here", value)


async def catch_up(services: Services) -> None:
    """Waits until the index has all blocks that the chain has now."""
    head = await services.index.reader.head()
    await services.index.follower.wait_for(head.number, INDEX_PATIENCE_SECONDS)


class Writer:
    """Does what all writes have in common."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def account(self, address: Address) -> Address:
        """A development account; ForbiddenError for all others, whose keys are their own."""
        keys = self._services.development
        if keys is None or address not in keys:
            raise ForbiddenError(
                f"{address} is no development account of this gateway",
                hint="ask /api/v1/typed-data for what to sign, and send that to /api/v1/relay",
            )
        return address

    async def seen(self, *receipts: Receipt) -> list[Receipt]:
        """Waits until the index has taken in what was written, so that a read finds it."""
        block = max((receipt.block_number for receipt in receipts), default=0)
        if block:
            await self._services.index.follower.wait_for(block, INDEX_PATIENCE_SECONDS)
        return list(receipts)


@contextmanager
def reserved_for(holders: str) -> Iterator[None]:
    """Says who may do what a contract has refused to an account without the role."""
    try:
        yield
    except ContractRevertedError as error:
        if error.error == "AccessManagedUnauthorized":
            error.hint = f"this is for {holders}: /api/v1/consortium says who they are"
        raise


class Patience:
    """How long a client is willing to wait for the right moment (`Prefer: wait=<seconds>`)."""

    def __init__(self, services: Services, seconds: int) -> None:
        self._services = services
        self._seconds = seconds

    async def until(self, timestamp: int) -> None:
        """Returns when it is `timestamp` on the chain, or the client's patience is at its end."""
        deadline = self._services.monotonic() + self._seconds
        while self._services.monotonic() < deadline:
            # The clock may run ahead of the blocks by some moments.
            if self._services.clock.now() >= timestamp:
                head = await self._services.index.reader.head()
                if head.timestamp >= timestamp:
                    return
            await asyncio.sleep(_LOOK_SECONDS)

    async def until_allowed(self, attempt: Callable[[], T]) -> T:
        """Makes an attempt again and again while it meets a ConflictError; raises the last one."""
        deadline = self._services.monotonic() + self._seconds
        while True:
            try:
                return attempt()
            except ConflictError:
                if self._services.monotonic() >= deadline:
                    raise
            await asyncio.sleep(_LOOK_SECONDS)


def _subscription(services: ServicesDep) -> Iterator[Subscription]:
    subscription = services.index.broadcast.subscribe()
    try:
        yield subscription
    finally:
        services.index.broadcast.unsubscribe(subscription)


def _writer(services: ServicesDep) -> Writer:
    return Writer(services)


def _patience(
    services: ServicesDep,
    prefer: Annotated[
        str | None,
        Header(
            max_length=200,
            description=(
                "`wait=<seconds>` (RFC 7240) holds a request that comes too early until its "
                f"moment, for at most {MAX_WAIT_SECONDS} seconds"
            ),
        ),
    ] = None,
) -> Patience:
    found = _WAIT.fullmatch(prefer or "")
    seconds = int(found[1]) if found else 0
    if seconds > MAX_WAIT_SECONDS:
        raise InputError("header.Prefer", f"waits for at most {MAX_WAIT_SECONDS} seconds", seconds)
    return Patience(services, seconds)


def _deferred_relay_guard(
    request: Request, limit: Annotated[RateLimit, Depends(_relay_limit)]
) -> Callable[[], None]:
    return lambda: _relay_guard(request, limit)


def _relay_guard(request: Request, limit: Annotated[RateLimit, Depends(_relay_limit)]) -> None:
    limit.take(request.client.host if request.client else "")


SubscriptionDep = Annotated[Subscription, Depends(_subscription)]
WriterDep = Annotated[Writer, Depends(_writer)]
RelayGuardDep = Annotated[Callable[[], None], Depends(_deferred_relay_guard)]
PatienceDep = Annotated[Patience, Depends(_patience)]
relay_guard: Callable[..., None] = _relay_guard

AddressPath = Annotated[AddressText, Path(description="An address")]
HashPath = Annotated[Hash, Path(description="32 bytes in hex")]
OfferPath = Annotated[int, Path(ge=0, le=UINT53, description="Id of an offer")]
OrderPath = Annotated[int, Path(ge=0, le=UINT53, description="Id of an order")]
WindowPath = Annotated[int, Path(ge=0, le=2**31 - 1, description="Delivery window")]
