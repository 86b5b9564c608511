"""Reads of the index that are about private trading: what everybody sees of it. Every function is
one piece of a reading transaction that the caller holds.
"""

from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from app.index import schema
from app.index.paging import Cut, one, page, record, with_time
from app.index.private_records import (
    NoteImageRecord,
    NoteRecord,
    PoolMovementRecord,
    PrivateAgreementRecord,
    PrivateCounts,
    PrivateMemberRecord,
    PrivateOfferRecord,
    PrivateState,
    RoundRecord,
)
from app.index.records import Page, Place
from app.ledger.types import Address
from app.privacy.curve import Point

R = TypeVar("R", NoteRecord, NoteImageRecord)


def members(connection: Connection) -> list[PrivateMemberRecord]:
    """Whose keys the market has, as the next round's ring would have them but for `is_member`.

    A round that is opened forgets the keys of those who are no members any more.
    """
    made = schema.private_keys
    rows = connection.execute(
        with_time(made, _is_member(made).label("is_member"))
        .where(~_is_replaced(made))
        .order_by(made.c.block, made.c.log_index)
    )
    latest = _latest_round(connection)
    return [
        found
        for found in map(record(PrivateMemberRecord), rows)
        if latest is None
        or found.key in latest.ring
        or Place(found.block, found.log_index) > Place(latest.block, latest.log_index)
    ]


def key_in_ring(connection: Connection, account: Address, opened: RoundRecord) -> Point | None:
    """The key by which an account could offer in a round; None if by none."""
    made, end = schema.private_keys, Place(opened.block, opened.log_index)
    key: Point | None = connection.execute(
        select(made.c.key).where(
            made.c.account == account, _is_before(made, end), ~_is_replaced(made, end)
        )
    ).scalar()
    return key if key in opened.ring else None


def auditor(connection: Connection) -> Point | None:
    """The key that handles are for now."""
    made = schema.private_auditors.c
    key: Point | None = connection.execute(
        select(made.key).order_by(made.block.desc(), made.log_index.desc()).limit(1)
    ).scalar()
    return key


def rounds(connection: Connection, cut: Cut) -> Page[RoundRecord]:
    return page(connection, _rounds(), schema.private_rounds, cut, RoundRecord)


def round_of(connection: Connection, window: int) -> RoundRecord | None:
    """The round of a window, if it was opened."""
    return one(connection, _rounds().where(schema.private_rounds.c.window == window), RoundRecord)


def offers(connection: Connection, window: int) -> list[PrivateOfferRecord]:
    """All offers of a round, as many as its members have slots at most, the oldest first."""
    made = schema.private_offers
    rows = connection.execute(
        with_time(made).where(made.c.window == window).order_by(made.c.block, made.c.log_index)
    )
    return list(map(record(PrivateOfferRecord), rows))


def offer(connection: Connection, offer_id: int) -> PrivateOfferRecord | None:
    """One offer."""
    made = schema.private_offers
    return one(connection, with_time(made).where(made.c.offer_id == offer_id), PrivateOfferRecord)


def agreements(
    connection: Connection,
    cut: Cut,
    *,
    window: int | None = None,
    offer_id: int | None = None,
    state: PrivateState | None = None,
) -> Page[PrivateAgreementRecord]:
    """Agreements of a window, of an offer, in a state."""
    made, statement = schema.private_agreements, _agreements()
    if window is not None:
        statement = statement.where(made.c.window == window)
    if offer_id is not None:
        statement = statement.where(made.c.offer_id == offer_id)
    if state is not None:
        statement = statement.where(_state() == state)
    return page(connection, statement, made, cut, PrivateAgreementRecord)


def notes(connection: Connection, first: int, limit: int) -> list[NoteRecord]:
    """Notes of the pool from a number on, in the order in which they came."""
    return _numbered(connection, schema.notes, first, limit, NoteRecord)


def images(connection: Connection, first: int, limit: int) -> list[NoteImageRecord]:
    """Key images of spent notes from a number on, in the order in which they came."""
    return _numbered(connection, schema.note_images, first, limit, NoteImageRecord)


def total(connection: Connection, table: Table) -> int:
    """How many rows a numbered table has."""
    last: int | None = connection.execute(select(func.max(table.c.number))).scalar()
    return 0 if last is None else last + 1


def movements(
    connection: Connection, cut: Cut, *, account: Address | None = None
) -> Page[PoolMovementRecord]:
    """Money that came into the pool or went out of it, of an account."""
    moved = schema.pool_movements
    statement = with_time(moved)
    if account is not None:
        statement = statement.where(moved.c.account == account)
    return page(connection, statement, moved, cut, PoolMovementRecord)


def counts(connection: Connection) -> PrivateCounts:
    """Private trading since its beginning."""

    def number(table: Table, *conditions: ColumnElement[bool]) -> int:
        found = connection.execute(select(func.count()).select_from(table).where(*conditions))
        return int(found.scalar_one())

    ends, moved = schema.private_ends, schema.pool_movements.c
    money = {
        row.kind: int(row.amount)
        for row in connection.execute(
            select(moved.kind, func.sum(moved.amount).label("amount")).group_by(moved.kind)
        )
    }
    return PrivateCounts(
        rounds=number(schema.private_rounds),
        offers=number(schema.private_offers),
        agreements=number(schema.private_agreements),
        settled=number(ends, ends.c.state == "settled"),
        cancelled=number(ends, ends.c.state == "cancelled"),
        notes=total(connection, schema.notes),
        images=total(connection, schema.note_images),
        deposited=money.get("deposit", 0),
        withdrawn=money.get("withdrawal", 0),
    )


def _place(table: FromClause) -> Any:
    return tuple_(table.c.block, table.c.log_index)


def _is_before(table: FromClause, end: Place) -> ColumnElement[bool]:
    found: ColumnElement[bool] = _place(table) < tuple_(literal(end.block), literal(end.log_index))
    return found


def _is_replaced(made: FromClause, end: Place | None = None) -> ColumnElement[bool]:
    """Whether the account has another key since, or the key another account: until a place."""
    later = schema.private_keys.alias("later")
    is_same = or_(later.c.account == made.c.account, later.c.key == made.c.key)
    conditions = [is_same, _place(later) > _place(made)]
    if end is not None:
        conditions.append(_is_before(later, end))
    return exists().where(*conditions).correlate(made)


def _is_member(made: FromClause) -> ColumnElement[Any]:
    changed = schema.memberships
    return func.coalesce(
        select(changed.c.admitted)
        .where(changed.c.account == made.c.account)
        .order_by(changed.c.block.desc(), changed.c.log_index.desc())
        .limit(1)
        .correlate(made)
        .scalar_subquery(),
        False,
    )


def _latest_round(connection: Connection) -> RoundRecord | None:
    opened = schema.private_rounds.c
    latest = _rounds().order_by(opened.block.desc(), opened.log_index.desc()).limit(1)
    return one(connection, latest, RoundRecord)


def _rounds() -> Select[Any]:
    opened = schema.private_rounds
    made, agreed, ends = schema.private_offers, schema.private_agreements, schema.private_ends

    def count(of: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
        found = select(func.count()).select_from(of).where(*conditions)
        return found.correlate(opened).scalar_subquery()

    def ended(state: str) -> ColumnElement[int]:
        of = agreed.join(ends, ends.c.agreement_id == agreed.c.agreement_id)
        return count(of, agreed.c.window == opened.c.window, ends.c.state == state)

    return with_time(
        opened,
        count(made, made.c.window == opened.c.window).label("offers"),
        count(agreed, agreed.c.window == opened.c.window).label("agreements"),
        ended("settled").label("settled"),
        ended("cancelled").label("cancelled"),
    )


def _agreements() -> Select[Any]:
    made, ends, blocks = (
        schema.private_agreements,
        schema.private_ends,
        schema.blocks.alias("ended_in"),
    )
    return (
        with_time(
            made,
            _state().label("state"),
            ends.c.in_full,
            ends.c.delivered,
            blocks.c.timestamp.label("ended_at"),
            ends.c.transaction_hash.label("ended_by"),
        )
        .outerjoin(ends, ends.c.agreement_id == made.c.agreement_id)
        .outerjoin(blocks, blocks.c.block == ends.c.block)
    )


def _state() -> ColumnElement[Any]:
    return func.coalesce(schema.private_ends.c.state, "open")


def _numbered(
    connection: Connection, table: Table, first: int, limit: int, kind: type[R]
) -> list[R]:
    statement = with_time(table).where(table.c.number >= first)
    return list(
        map(record(kind), connection.execute(statement.order_by(table.c.number).limit(limit)))
    )
