"""The market as a whole: its constants, its clock, its windows and transactions."""

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.api.deps import HashPath, ServicesDep, WindowPath, no_query
from app.api.schemas.common import Listing, cursor_of
from app.api.schemas.market import (
    ClockAnswer,
    MarketAnswer,
    SummaryAnswer,
    TransactionAnswer,
    TransactionFilter,
    WindowAnswer,
    WindowFilter,
)
from app.api.services import Services
from app.errors import InputError, NotFoundError
from app.index import queries
from app.index.records import WindowRecord
from app.market.windows import (
    COMMIT_MARGIN,
    GRACE_WINDOWS,
    MAX_HORIZON,
    WINDOW_LENGTH,
    commit_start,
    phase_of,
    window_at,
    window_end,
    window_start,
)

router = APIRouter()

SHOWN_WINDOWS = 48
MOST_WINDOWS = 200


@router.get("/market", tags=["market"], dependencies=[Depends(no_query)])
async def get_market(services: ServicesDep) -> MarketAnswer:
    """What a client has to know to talk to this market, and its energy accounts."""
    totals, treasury = await asyncio.gather(
        services.ledger.energy_totals(), services.ledger.treasury()
    )
    return MarketAnswer(
        chain_id=services.ledger.deployment.chain_id,
        contracts=dict(services.ledger.deployment.addresses),
        window_length=WINDOW_LENGTH,
        commit_margin=COMMIT_MARGIN,
        grace_windows=GRACE_WINDOWS,
        horizon_windows=MAX_HORIZON,
        treasury=treasury,
        scenario=services.about.scenario,
        currency=services.about.currency,
        time_zone=services.about.time_zone,
        development=services.development is not None,
        agents=services.street is not None,
        energy_injected_wh=totals.injected_wh,
        energy_withdrawn_wh=totals.withdrawn_wh,
        energy_lost_wh=totals.lost_wh,
    )


@router.get("/windows/current", tags=["windows"], dependencies=[Depends(no_query)])
async def get_clock(services: ServicesDep) -> ClockAnswer:
    """Market time, and what can be done now."""
    return clock_answer(services)


@router.get("/windows", tags=["windows"])
async def list_windows(
    services: ServicesDep, chosen: Annotated[WindowFilter, Query()]
) -> list[WindowAnswer]:
    """Windows in figures, in their order, also those in which nothing happened."""
    now = services.clock.now()
    last = window_at(now) + 1 if chosen.last is None else chosen.last
    first = max(0, last - SHOWN_WINDOWS + 1) if chosen.first is None else chosen.first
    if not first <= last < first + MOST_WINDOWS:
        raise InputError(
            "query.first", f"is at most last, and at least last - {MOST_WINDOWS - 1}", first
        )
    found = await services.index.read(lambda each: queries.windows(each, first, last))
    return [_window_answer(record, now) for record in found]


@router.get("/windows/{window}", tags=["windows"], dependencies=[Depends(no_query)])
async def get_window(services: ServicesDep, window: WindowPath) -> WindowAnswer:
    """One window in figures."""
    (record,) = await services.index.read(lambda each: queries.windows(each, window, window))
    return _window_answer(record, services.clock.now())


@router.get("/summary", tags=["market"], dependencies=[Depends(no_query)])
async def get_summary(services: ServicesDep) -> SummaryAnswer:
    """The market since its beginning, in figures."""
    return SummaryAnswer.model_validate(await services.index.read(queries.summary))


@router.get("/transactions", tags=["transactions"])
async def list_transactions(
    services: ServicesDep, chosen: Annotated[TransactionFilter, Query()]
) -> Listing[TransactionAnswer]:
    """Transactions that called the market's contracts, with their gas."""
    found = await services.index.read(
        lambda each: queries.transactions(
            each, chosen.cut(), function=chosen.function, account=chosen.account
        )
    )
    return Listing(
        items=[TransactionAnswer.model_validate(record) for record in found.items],
        next=cursor_of(found.next),
    )


@router.get(
    "/transactions/{transaction_hash}", tags=["transactions"], dependencies=[Depends(no_query)]
)
async def get_transaction(services: ServicesDep, transaction_hash: HashPath) -> TransactionAnswer:
    """One transaction."""
    record = await services.index.read(lambda each: queries.transaction(each, transaction_hash))
    if record is None:
        raise NotFoundError(f"there is no transaction {transaction_hash}")
    return TransactionAnswer.model_validate(record)


def clock_answer(services: Services) -> ClockAnswer:
    """The clock's face now."""
    now = services.clock.now()
    current = window_at(now)
    return ClockAnswer(
        now=now,
        current_window=current,
        window_start=window_start(current),
        window_end=window_end(current),
        next_window=current + 1,
        next_phase=phase_of(current + 1, now),
        commit_start=commit_start(current + 1),
        first_tradable_window=window_at(now + COMMIT_MARGIN) + 1,
        speed=services.speed,
        running=services.speed > 0,
    )


def _window_answer(record: WindowRecord, now: int) -> WindowAnswer:
    return WindowAnswer(
        **asdict(record),
        start=window_start(record.window),
        end=window_end(record.window),
        phase=phase_of(record.window, now),
    )
