"""How lists are cut into pages, and how rows become records."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import Connection, FromClause, Row, Select, literal, select, tuple_

from app.index import schema
from app.index.records import Page, Place, Recorded, TransactionRecord
from app.ledger.types import Side

R = TypeVar("R", bound=Recorded | TransactionRecord)

# What databases give otherwise than records have it.
_CONVERSIONS: Mapping[Any, Callable[[Any], Any]] = {
    bool: bool,
    int: int,
    Side: Side,
    tuple[str, ...]: lambda text: tuple(json.loads(text)),
}


@dataclass(frozen=True, slots=True)
class Cut:
    """Which page of a list: at most `limit` rows after `after`."""

    limit: int = 50
    after: Place | None = None
    oldest_first: bool = False


def with_time(table: FromClause, *more: Any) -> Select[Any]:
    """The rows of a table with the time of their block."""
    return select(table, schema.blocks.c.timestamp.label("at"), *more).join(
        schema.blocks, schema.blocks.c.block == table.c.block
    )


def one(connection: Connection, statement: Select[Any], kind: type[R]) -> R | None:
    """The only row, if there is one."""
    row = connection.execute(statement).first()
    return None if row is None else record(kind)(row)


def page(
    connection: Connection, statement: Select[Any], table: FromClause, cut: Cut, kind: type[R]
) -> Page[R]:
    """A page of a list that is ordered by the place of `table`."""
    place = tuple_(table.c.block, table.c.log_index)
    if cut.after is not None:
        edge = tuple_(literal(cut.after.block), literal(cut.after.log_index))
        statement = statement.where(place > edge if cut.oldest_first else place < edge)
    keys = (table.c.block, table.c.log_index)
    order = [key.asc() if cut.oldest_first else key.desc() for key in keys]
    rows = connection.execute(statement.order_by(*order).limit(cut.limit + 1)).all()
    items = tuple(map(record(kind), rows[: cut.limit]))
    more = len(rows) > cut.limit
    return Page(items, Place(items[-1].block, items[-1].log_index) if more else None)


def record(kind: type[R]) -> Callable[[Row[Any]], R]:
    """What makes a record of a row that has columns of the record's names."""
    names = [each.name for each in fields(kind)]
    conversions = {
        each.name: _CONVERSIONS[each.type] for each in fields(kind) if each.type in _CONVERSIONS
    }

    def make(row: Row[Any]) -> R:
        values: dict[str, Any] = {name: row._mapping[name] for name in names}
        return kind(**values | {name: to(values[name]) for name, to in conversions.items()})

    return make
