"""Puts the gateway together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypedDict

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from app.api import documentation, problems
from app.api.guards import Guards
from app.api.idempotency import Idempotency
from app.api.limits import RateLimit
from app.api.routers import (
    agreements,
    auctions,
    audits,
    consortium,
    events,
    health,
    market,
    money,
    offers,
    orders,
    participants,
    private,
    private_trading,
    private_views,
    proposals,
    readings,
    relay,
    statements,
    treasury,
)
from app.api.routers.market import clock_answer
from app.api.services import GatewaySettings, Services
from app.errors import NotFoundError
from app.index.records import FeedEntry
from app.ledger.private import PrivateLedger
from app.ledger.private_relay import PrivateRelay, no_delay, random_delay
from app.ledger.types import Address

CLOCK_SECONDS = 1.0

_DESCRIPTION = """
Trade energy with your neighbours, hour by hour. Energy is in Wh, money in 1e-6, prices in money a
kWh, times in seconds of market time.

Writes are signed by the gateway for development accounts (`from`), or by you: ask `/typed-data` for
what to sign, and send it with your signature to `/relay`. Every error is a problem document. A
write that is sent twice under one `Idempotency-Key` is carried out once.
"""


class State(TypedDict):
    """What lives as long as the application."""

    ticker: asyncio.Task[None]


def create_app(services: Services) -> FastAPI:
    """The gateway over running services, which whoever made them also ends."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        ticker = asyncio.create_task(_tick(services), name="clock events")
        try:
            yield {"ticker": ticker}
        finally:
            ticker.cancel()
            with suppress(asyncio.CancelledError):
                await ticker

    app = FastAPI(
        title="Peerwatt",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
    )
    settings = services.settings
    app.state.services = services
    app.state.relay_limit = RateLimit(
        services.monotonic, burst=settings.relay_burst, per_second=settings.relay_per_second
    )
    problems.install(app)
    app.add_middleware(Idempotency, database=services.index.database)
    app.add_middleware(
        Guards, allowed_hosts=settings.allowed_hosts, max_body=settings.max_body_bytes
    )

    versioned = APIRouter(prefix="/api/v1")
    for module in (
        market,
        participants,
        offers,
        orders,
        auctions,
        agreements,
        readings,
        money,
        statements,
        consortium,
        treasury,
        audits,
        proposals,
        relay,
        events,
    ):
        versioned.include_router(module.router)
    if services.private is not None:
        app.state.private_relay = services.private_relay or private_relay(
            services.private, services.relayer.account, settings, services.monotonic
        )
        versioned.include_router(private.router)
        versioned.include_router(private_trading.router)
        versioned.include_router(private_views.router)
    else:
        versioned.include_router(private_trading.missing)
    app.include_router(versioned)
    app.include_router(health.router)
    documentation.install(app, settings.swagger_ui)
    _install_page(app, settings.page)
    return app


def private_relay(
    private_ledger: PrivateLedger,
    account: Address,
    settings: GatewaySettings,
    monotonic: Callable[[], float],
) -> PrivateRelay:
    """The relay of private calls: `account` pays, `monotonic` paces the limits."""
    limit = RateLimit(
        monotonic, burst=settings.private_burst, per_second=settings.private_per_second
    )
    delay = settings.private_delay
    return PrivateRelay(
        private_ledger,
        account,
        take=limit.take,
        waiting=settings.private_waiting,
        delay=random_delay(delay) if delay else no_delay,
    )


def _operation_id(route: APIRoute) -> str:
    return route.name


def _install_page(app: FastAPI, folder: Path) -> None:
    """Serves what the page was built into: its start at `/`, all else under its own name."""

    async def start() -> Response:
        if not (folder / "index.html").exists():
            raise NotFoundError("the page is not built", hint="make setup")
        return FileResponse(folder / "index.html", headers={"Cache-Control": "no-cache"})

    app.add_api_route("/", start, include_in_schema=False, response_model=None)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir():
            app.mount(f"/{path.name}", StaticFiles(directory=path))
        elif path.name != "index.html":
            app.add_api_route(
                f"/{path.name}",
                _file_endpoint(path),
                include_in_schema=False,
                response_model=None,
            )


def _file_endpoint(path: Path) -> Callable[[], Awaitable[Response]]:
    async def serve() -> Response:
        return FileResponse(path)

    return serve


async def _tick(services: Services) -> None:
    """Tells all listeners the market's time, once a second."""
    while True:
        face = clock_answer(services).model_dump_json()
        services.index.broadcast.publish([FeedEntry(0, "clock", face)])
        await asyncio.sleep(CLOCK_SECONDS)
