"""Writes to the index: every function here is one piece of a transaction that the caller holds."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, inspect, select

from app.index import schema
from app.index.recorders import RECORDERS
from app.index.records import FeedEntry
from app.index.source import (
    BlockHeader,
    ChainBlock,
    ChainEvent,
    ChainReader,
    ChainTransaction,
)
from app.ledger.fills import fill_agreement
from app.ledger.types import Agreement

FEED_LENGTH = 20_000
"""How many entries of the live feed are kept for those who come back."""

_FILLED = ("EnergyMarket", "TransactionAllowed", "OrderFilled")
_OFFER_INDEX_BITS = 32  # of an offer's id; above them is its window


def prepare(connection: Connection, identity: str) -> bool:
    """Makes the tables, anew if they are of another version or market; true if they were made."""
    if inspect(connection).has_table(schema.settings.name):
        rows = connection.execute(select(schema.settings))
        found = {row.name: row.value for row in rows}
        if found == _settings(identity):
            return False
        schema.metadata.drop_all(connection)
    schema.metadata.create_all(connection)
    connection.execute(
        insert(schema.settings),
        [{"name": name, "value": value} for name, value in _settings(identity).items()],
    )
    return True


def _settings(identity: str) -> dict[str, str]:
    return {"version": schema.VERSION, "market": identity}


def cursor(connection: Connection) -> tuple[int, str] | None:
    """Number and hash of the last block taken in; None before the first."""
    row = connection.execute(select(schema.progress.c.block, schema.progress.c.hash)).first()
    return None if row is None else (row.block, row.hash)


def block_hash(connection: Connection, number: int) -> str | None:
    """The hash of a block that was taken in."""
    return connection.execute(
        select(schema.blocks.c.hash).where(schema.blocks.c.block == number)
    ).scalar()


def append(
    connection: Connection, blocks: Sequence[ChainBlock], reader: ChainReader
) -> tuple[FeedEntry, ...]:
    """Adds consecutive blocks that follow the cursor, and moves the cursor. Returns the news."""
    rows: dict[str, list[dict[str, object]]] = {table.name: [] for table in schema.CHAIN_TABLES}
    numbers = {table.name: _numbers(connection, table) for table in schema.NUMBERED_TABLES}
    news: list[tuple[str, Mapping[str, object]]] = []
    for block in blocks:
        rows[schema.blocks.name].append(_block_row(block.header))
        shown: dict[str, Agreement] = {}
        filled: dict[int, str] = {}
        for transaction in block.transactions:
            shown |= {reader.agreement_id(each): each for each in transaction.agreements}
            row = _transaction_row(block.header, transaction)
            rows[schema.transactions.name].append(row)
            news.append(("transaction", row | {"at": block.header.timestamp}))
        for place, agreement in _agreements_of_fills(block.events).items():
            filled[place] = reader.agreement_id(agreement)
            shown[filled[place]] = agreement
        for event in block.events:
            recorder = RECORDERS.get((event.contract, event.name))
            if recorder is None:
                continue
            row = {
                "block": block.header.number,
                "log_index": event.log_index,
                "transaction_hash": event.transaction_hash,
                **recorder.values(event),
            }
            row |= _what_no_event_says(recorder.table, row, shown, filled)
            if recorder.table.name in numbers:
                row["number"] = next(numbers[recorder.table.name])
            rows[recorder.table.name].append(row)
            news.append((recorder.kind, recorder.news(row) | {"at": block.header.timestamp}))
    for table in schema.CHAIN_TABLES:
        if rows[table.name]:
            connection.execute(insert(table), rows[table.name])
    _move_cursor(connection, blocks[-1].header.number, blocks[-1].header.hash)
    return add_to_feed(connection, news)


def rewind(connection: Connection, ancestor: int) -> tuple[FeedEntry, ...]:
    """Deletes all that came after block `ancestor`, and moves the cursor back to it."""
    for table in schema.CHAIN_TABLES:
        connection.execute(delete(table).where(table.c.block > ancestor))
    kept = block_hash(connection, ancestor)
    if kept is None:
        connection.execute(delete(schema.progress))
    else:
        _move_cursor(connection, ancestor, kept)
    return add_to_feed(connection, [("reorganised", {"block": ancestor})])


def add_to_feed(
    connection: Connection, news: Iterable[tuple[str, Mapping[str, object]]]
) -> tuple[FeedEntry, ...]:
    """Adds entries to the live feed and drops those beyond its length."""
    entries = [{"kind": kind, "data": json.dumps(_plain(data))} for kind, data in news]
    if not entries:
        return ()
    numbers = connection.execute(
        insert(schema.feed).returning(schema.feed.c.sequence, sort_by_parameter_order=True), entries
    ).scalars()
    added = tuple(
        FeedEntry(number, entry["kind"], entry["data"])
        for number, entry in zip(numbers, entries, strict=True)
    )
    oldest = added[-1].sequence - FEED_LENGTH
    connection.execute(delete(schema.feed).where(schema.feed.c.sequence <= oldest))
    return added


def feed_bounds(connection: Connection) -> tuple[int, int]:
    """First and last number in the feed; (1, 0) while it is empty."""
    row = connection.execute(
        select(func.min(schema.feed.c.sequence), func.max(schema.feed.c.sequence))
    ).one()
    return (1, 0) if row[0] is None else (row[0], row[1])


def feed_after(connection: Connection, sequence: int, limit: int) -> tuple[FeedEntry, ...]:
    """The feed's entries after a number, oldest first."""
    rows = connection.execute(
        select(schema.feed)
        .where(schema.feed.c.sequence > sequence)
        .order_by(schema.feed.c.sequence)
        .limit(limit)
    )
    return tuple(FeedEntry(row.sequence, row.kind, row.data) for row in rows)


def dump(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    """All rows of a chain's table in its order, to compare two indexes."""
    rows = connection.execute(select(table).order_by(*table.primary_key.columns))
    return [tuple(row) for row in rows]


def _block_row(header: BlockHeader) -> dict[str, object]:
    return {
        "block": header.number,
        "hash": header.hash,
        "parent_hash": header.parent_hash,
        "timestamp": header.timestamp,
    }


def _transaction_row(header: BlockHeader, transaction: ChainTransaction) -> dict[str, object]:
    return {
        "block": header.number,
        "log_index": transaction.index,
        "hash": transaction.hash,
        "sender": transaction.sender,
        "signer": transaction.signer,
        "contract": transaction.contract,
        "function": transaction.function,
        "gas_used": transaction.gas_used,
        "succeeded": transaction.succeeded,
    }


def _what_no_event_says(
    table: Table,
    row: Mapping[str, Any],
    shown: Mapping[str, Agreement],
    filled: Mapping[int, str],
) -> dict[str, object]:
    """Further columns of a row: from inputs that `shown` agreements, or agreements of fills."""
    if table is schema.agreements:
        whole = shown.get(row["agreement_id"])
        return {
            "deadline": whole.deadline if whole else None,
            "salt": whole.salt if whole else None,
        }
    if table is schema.fills:
        return {"agreement_id": filled.get(row["log_index"])}
    if table is schema.private_agreements:
        return {"window": row["offer_id"] >> _OFFER_INDEX_BITS}
    return {}


def _agreements_of_fills(events: Sequence[ChainEvent]) -> dict[int, Agreement]:
    """The agreements that an auction has made of its fills, by the places of the fills.

    The market tells of each right before the auction tells of the fill.
    """
    return {
        filled.log_index: fill_agreement(allowed.arguments, filled.arguments)
        for allowed, filled in pairwise(events)
        if (allowed.contract, allowed.name, filled.name) == _FILLED
    }


def _numbers(connection: Connection, table: Table) -> Iterator[int]:
    """The numbers of the rows to come. Those of rows that were taken back are given anew."""
    last = connection.execute(select(func.max(table.c.number))).scalar()
    return count(0 if last is None else last + 1)


def _move_cursor(connection: Connection, number: int, block: str) -> None:
    connection.execute(delete(schema.progress))
    connection.execute(insert(schema.progress), {"id": 1, "block": number, "hash": block})


def _plain(data: Mapping[str, object]) -> dict[str, object]:
    """What JSON readers take without loss: numbers beyond 53 bits as text."""
    return {
        name: str(value) if isinstance(value, int) and abs(value) > 2**53 else value
        for name, value in data.items()
    }
