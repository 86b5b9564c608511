"""What a participant's account has gone through, and what it has failed to do."""

from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from typing import Annotated, Self

from pydantic import Field

from app.api.schemas.common import Answer, Filter
from app.index.records import StatementRecord
from app.index.statements import DAY_SECONDS

MOST_DAYS = 366
MOST_WINDOWS = 672


class StatementFilter(Filter):
    """How many days, up to today."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 31


class FiguresAnswer(Answer):
    """Money in 1e-6, energy in Wh. `balance_change` is what came in (deposited, earned,
    compensation received, grid earned) less what went out (withdrawn, paid, compensation paid,
    penalties, grid paid). `debts` is what of that could not be paid when it was due.
    """

    deposited: int
    withdrawn: int
    sold_wh: Annotated[int, Field(description="To neighbours")]
    earned: int
    bought_wh: Annotated[int, Field(description="From neighbours")]
    paid: int
    compensation_received: Annotated[int, Field(description="From sellers who fell short")]
    compensation_paid: int
    penalties: Annotated[int, Field(description="To the operator, for energy not delivered")]
    grid_sold_wh: int
    grid_earned: int
    grid_bought_wh: int
    grid_paid: int
    debts: int
    exported_wh: Annotated[int, Field(description="By the meter")]
    imported_wh: int
    balance_change: int


class DayAnswer(FiguresAnswer):
    """One day of UTC. Money counts when it moved, energy when it was recorded or settled."""

    day: date

    @classmethod
    def of(cls, record: StatementRecord) -> Self:
        """A day of a statement."""
        figures = asdict(record) | {"balance_change": record.balance_change}
        return cls(
            **figures | {"day": datetime.fromtimestamp(record.day * DAY_SECONDS, UTC).date()}
        )


COLUMNS = ("day", *FiguresAnswer.model_fields)
"""Of a statement as CSV."""


class StatementAnswer(Answer):
    """An account's days, the oldest first, and all of them together."""

    participant: str
    first_day: date
    last_day: date
    days: list[DayAnswer]
    total: FiguresAnswer

    @classmethod
    def of(cls, participant: str, records: list[StatementRecord]) -> Self:
        """A statement of at least one day."""
        names = [each.name for each in fields(StatementRecord) if each.name != "day"]
        sums = {name: sum(getattr(each, name) for each in records) for name in names}
        sums["balance_change"] = sum(each.balance_change for each in records)
        days = [DayAnswer.of(each) for each in records]
        return cls(
            participant=participant,
            first_day=days[0].day,
            last_day=days[-1].day,
            days=days,
            total=FiguresAnswer(**sums),
        )


class LapsesFilter(Filter):
    """How many windows, up to the present one."""

    windows: Annotated[int, Field(ge=1, le=MOST_WINDOWS)] = 168


class LapsesAnswer(Answer):
    """What a participant has failed to do, as the contract remembers it."""

    participant: str
    first_window: int
    windows: int
    lapsed_windows: Annotated[int, Field(description="Windows in which it failed")]
    shortfall_wh: Annotated[int, Field(description="Energy that it had sold, and did not deliver")]
    debt: Annotated[
        int, Field(description="What it could not pay when it was due, paid since or not")
    ]
