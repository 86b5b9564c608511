"""What a participant's account has gone through, and what it has failed to do."""

import csv
from io import StringIO
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from app.api.deps import AddressPath, ServicesDep
from app.api.schemas.statements import (
    COLUMNS,
    LapsesAnswer,
    LapsesFilter,
    StatementAnswer,
    StatementFilter,
)
from app.api.services import Services
from app.errors import ConflictError, NotFoundError
from app.index import queries, statements
from app.index.statements import DAY_SECONDS
from app.ledger.types import Address
from app.market.windows import window_at

router = APIRouter(prefix="/participants/{address}", tags=["statements"])

CSV = "text/csv"
_CSV_ANSWER: dict[int | str, dict[str, object]] = {
    200: {"content": {CSV: {"schema": {"type": "string"}}}}
}


async def _require_participant(services: ServicesDep, address: AddressPath) -> None:
    if await services.index.read(lambda each: queries.participant(each, address)) is None:
        raise NotFoundError(
            f"{address} has not published anything", hint="/api/v1/participants lists who has"
        )


@router.get(
    "/statement",
    response_model=StatementAnswer,
    responses=_CSV_ANSWER,
    dependencies=[Depends(_require_participant)],
)
async def get_statement(
    services: ServicesDep,
    address: AddressPath,
    chosen: Annotated[StatementFilter, Query()],
    accept: Annotated[str, Header(max_length=1_000, description=f"`{CSV}` for a table")] = "",
) -> StatementAnswer | Response:
    """What each day has brought and cost an account of the market, up to today. All days together
    are what the account has: free and locked money, less its debt.
    """
    statement = await _statement(services, address, chosen.days)
    return _as_csv(statement) if accept.lower().startswith(CSV) else statement


@router.get(
    "/statement.csv",
    response_class=Response,
    responses=_CSV_ANSWER,
    dependencies=[Depends(_require_participant)],
)
async def get_statement_table(
    services: ServicesDep, address: AddressPath, chosen: Annotated[StatementFilter, Query()]
) -> Response:
    """The statement as a table: a header, then a line a day. Money in 1e-6, energy in Wh."""
    return _as_csv(await _statement(services, address, chosen.days))


@router.get("/lapses", dependencies=[Depends(_require_participant)])
async def get_lapses(
    services: ServicesDep, address: AddressPath, chosen: Annotated[LapsesFilter, Query()]
) -> LapsesAnswer:
    """How often a participant has failed its neighbours lately, as its contract remembers it."""
    first = max(0, window_at(services.clock.now()) - chosen.windows + 1)
    found = await services.ledger.lapses_of(address, first, chosen.windows)
    return LapsesAnswer(
        participant=address,
        first_window=first,
        windows=chosen.windows,
        lapsed_windows=found.windows,
        shortfall_wh=found.shortfall_wh,
        debt=found.debt,
    )


async def _statement(services: Services, address: Address, days: int) -> StatementAnswer:
    if address == await services.ledger.treasury():
        raise ConflictError(
            f"{address} is the treasury, the other side of everybody's account",
            hint="/api/v1/balances has what it owns",
        )
    last = services.clock.now() // DAY_SECONDS
    began = await services.index.read(statements.first_day)
    first = max(last - days + 1, last if began is None else min(began, last))
    records = await services.index.read(
        lambda each: statements.statement(each, address, first, last)
    )
    return StatementAnswer.of(address, records)


def _as_csv(statement: StatementAnswer) -> Response:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(day.model_dump(mode="json") for day in statement.days)
    name = f"statement-{statement.participant}-{statement.last_day}.csv"
    return Response(
        text.getvalue(),
        media_type=CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
