"""What each day (of UTC) has done to one account of the market, to the unit.

Money counts on the day on which it moved, energy on the day on which it was recorded or settled: an
hour that ends at midnight is on the next day's statement, as is its money. The sum of all
`balance_change` is what the account has, free and locked, less its debt. That holds for all but the
operator's treasury, which is the other side of all. Every function is one piece of a reading
transaction that the caller holds.
"""

from collections import defaultdict
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
)

from app.index import schema
from app.index.records import StatementRecord
from app.ledger.types import Address
from app.market.units import WH_PER_KWH

DAY_SECONDS = 86_400

_MOVED = {
    "deposit": ("deposited", 1),
    "withdrawal": ("withdrawn", 1),
    "debt": ("debts", 1),
    "claim": ("grid_earned", -1),
    "claim_payment": ("grid_earned", 1),
}
"""Which figure a movement adds to. What repays a debt is neither more nor less money."""


def statement(
    connection: Connection, participant: Address, first_day: int, last_day: int
) -> list[StatementRecord]:
    """The days `first_day` to `last_day` (inclusive, counted from the epoch), also empty ones."""
    days: dict[int, dict[str, int]] = {
        day: defaultdict(int) for day in range(first_day, last_day + 1)
    }
    for figures in (
        _sold(participant),
        _bought(participant),
        _closed(participant),
        _covered(participant),
        _metered(participant),
    ):
        for row in connection.execute(_by_day(figures, first_day, last_day)):
            values = dict(row._mapping)
            day = days[values.pop("day")]
            for name, value in values.items():
                day[name] += int(value)
    moved = schema.movements.c
    movements = select(moved.kind, moved.amount, _day().label("day")).where(
        moved.participant == participant, moved.kind.in_(_MOVED)
    )
    joined = movements.join(schema.blocks, schema.blocks.c.block == moved.block)
    for row in connection.execute(joined.where(_day().between(first_day, last_day))):
        name, sign = _MOVED[row.kind]
        days[row.day][name] += sign * row.amount
    return [StatementRecord(day, **figures) for day, figures in days.items()]


def first_day(connection: Connection) -> int | None:
    """The day of the first block that is known; None before that."""
    began: int | None = connection.execute(select(func.min(schema.blocks.c.timestamp))).scalar()
    return None if began is None else began // DAY_SECONDS


def _sold(participant: Address) -> Select[Any]:
    """What its sales brought, and what their failure has cost.

    The penalty goes to the operator with the dust between what the buyer was charged and what the
    seller was paid, which the seller has not lost.
    """
    done = schema.settlements.c
    return _settled(
        func.sum(done.delivered_wh).label("sold_wh"),
        func.sum(done.paid).label("earned"),
        func.sum(done.compensation).label("compensation_paid"),
        func.sum(done.penalty - (_charged() - done.paid)).label("penalties"),
    ).where(done.seller == participant)


def _bought(participant: Address) -> Select[Any]:
    done = schema.settlements.c
    return _settled(
        func.sum(done.delivered_wh).label("bought_wh"),
        func.sum(_charged()).label("paid"),
        func.sum(done.compensation).label("compensation_received"),
    ).where(done.buyer == participant)


def _settled(*figures: Any) -> Select[Any]:
    made, done = schema.agreements, schema.settlements
    return (
        select(*figures)
        .select_from(done)
        .join(made, made.c.agreement_id == done.c.agreement_id)
        .join(schema.blocks, schema.blocks.c.block == done.c.block)
    )


def _charged() -> ColumnElement[int]:
    """What the buyer was charged: rounded up, where the seller is paid rounded down."""
    value = schema.settlements.c.delivered_wh * schema.agreements.c.price
    return (value + WH_PER_KWH - 1) // WH_PER_KWH


def _closed(participant: Address) -> Select[Any]:
    """What the grid paid and asked for what was left over or lacking.

    What the treasury could not pay at once is taken off again as a claim.
    """
    closed = schema.positions
    surplus, lack = closed.c.net_wh > 0, closed.c.net_wh < 0

    def total(condition: Any, value: Any) -> Any:
        return func.sum(case((condition, value), else_=0))

    return (
        select(
            total(surplus, closed.c.net_wh).label("grid_sold_wh"),
            total(surplus, closed.c.amount).label("grid_earned"),
            total(lack, -closed.c.net_wh).label("grid_bought_wh"),
            total(lack, closed.c.amount).label("grid_paid"),
        )
        .select_from(closed)
        .join(schema.blocks, schema.blocks.c.block == closed.c.block)
        .where(closed.c.participant == participant)
    )


def _covered(participant: Address) -> Select[Any]:
    covered = schema.covers
    return (
        select(
            func.sum(covered.c.energy_wh).label("grid_bought_wh"),
            func.sum(covered.c.amount).label("grid_paid"),
        )
        .select_from(covered)
        .join(schema.blocks, schema.blocks.c.block == covered.c.block)
        .where(covered.c.participant == participant)
    )


def _metered(participant: Address) -> Select[Any]:
    """What the meter saw, or what the auditors have corrected it to."""
    read, corrected, later = schema.readings, schema.corrections, schema.corrections.alias("later")
    is_superseded = (
        select(later.c.block)
        .where(
            later.c.participant == corrected.c.participant,
            later.c.window == corrected.c.window,
            or_(
                later.c.block > corrected.c.block,
                and_(later.c.block == corrected.c.block, later.c.log_index > corrected.c.log_index),
            ),
        )
        .correlate(corrected)
        .exists()
    )
    return (
        select(
            func.sum(func.coalesce(corrected.c.exported_wh, read.c.exported_wh)).label(
                "exported_wh"
            ),
            func.sum(func.coalesce(corrected.c.imported_wh, read.c.imported_wh)).label(
                "imported_wh"
            ),
        )
        .select_from(read)
        .join(schema.blocks, schema.blocks.c.block == read.c.block)
        .outerjoin(
            corrected,
            and_(
                corrected.c.participant == read.c.owner,
                corrected.c.window == read.c.window,
                ~is_superseded,
            ),
        )
        .where(read.c.owner == participant)
    )


def _by_day(figures: Select[Any], first: int, last: int) -> Select[Any]:
    day = _day()
    return figures.add_columns(day.label("day")).where(day.between(first, last)).group_by(day)


def _day() -> ColumnElement[int]:
    # The same text wherever it stands, so that every database can group by it.
    return schema.blocks.c.timestamp // literal_column(str(DAY_SECONDS), BigInteger)
