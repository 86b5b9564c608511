"""Reads of the index that are about audits: readings that auditors doubt, and what came of them.
Every function is one piece of a reading transaction that the caller holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    exists,
    select,
    tuple_,
)

from app.index import schema
from app.index.paging import Cut, one, page, record, with_time
from app.index.records import (
    AuditRecord,
    AuditState,
    CorrectionRecord,
    Page,
    Place,
    ReadingConfirmationRecord,
)
from app.ledger.types import Address

R = TypeVar("R", ReadingConfirmationRecord, CorrectionRecord)


def audits(
    connection: Connection,
    cut: Cut,
    *,
    now: int,
    participant: Address | None = None,
    window: int | None = None,
    state: AuditState | None = None,
) -> Page[AuditRecord]:
    """Readings that were doubted: of a participant, of a window, in a state."""
    doubted = _released()
    statement = _audits(doubted, now)
    if participant is not None:
        statement = statement.where(doubted.c.participant == participant)
    if window is not None:
        statement = statement.where(doubted.c.window == window)
    if state is not None:
        statement = statement.where(_state(doubted, now) == state)
    return page(connection, statement, doubted, cut, AuditRecord)


def audit(
    connection: Connection, participant: Address, window: int, *, now: int
) -> AuditRecord | None:
    """The latest doubt about one reading."""
    doubted = _released()
    statement = _audits(doubted, now).where(
        doubted.c.participant == participant, doubted.c.window == window
    )
    latest = statement.order_by(doubted.c.block.desc(), doubted.c.log_index.desc())
    return one(connection, latest, AuditRecord)


def confirmations(
    connection: Connection, found: Sequence[AuditRecord]
) -> Mapping[Place, list[ReadingConfirmationRecord]]:
    """Who has confirmed some doubted readings, by the places of the doubts, oldest first."""
    said = schema.reading_confirmations
    return _of_audits(connection, found, said, ReadingConfirmationRecord)


def corrections(
    connection: Connection, found: Sequence[AuditRecord]
) -> Mapping[Place, list[CorrectionRecord]]:
    """What auditors say in place of some doubted readings, by the places of the doubts."""
    said = schema.correction_confirmations
    return _of_audits(connection, found, said, CorrectionRecord)


def place_of(found: AuditRecord) -> Place:
    """Where the doubt was raised."""
    return Place(found.block, found.log_index)


def _of_audits(
    connection: Connection, found: Sequence[AuditRecord], said: FromClause, kind: type[R]
) -> Mapping[Place, list[R]]:
    """What was said of each doubted reading, until it was doubted again."""
    readings = {(each.participant, each.window) for each in found}
    is_one = tuple_(said.c.participant, said.c.window).in_(readings)
    doubted = schema.doubts
    doubts = connection.execute(
        select(doubted)
        .where(tuple_(doubted.c.participant, doubted.c.window).in_(readings))
        .order_by(doubted.c.block.desc(), doubted.c.log_index.desc())
    ).all()
    rows = connection.execute(
        with_time(said).where(is_one).order_by(said.c.block, said.c.log_index)
    )
    by_doubt: dict[Place, list[R]] = {place_of(each): [] for each in found}
    for each in map(record(kind), rows):
        place = _latest_before(doubts, each)
        if place in by_doubt:
            by_doubt[place].append(each)
    return by_doubt


def _latest_before(
    doubts: Iterable[Any], said: ReadingConfirmationRecord | CorrectionRecord
) -> Place | None:
    """The doubt that something was said about; `doubts` newest first."""
    for doubt in doubts:
        place = Place(doubt.block, doubt.log_index)
        is_same = (doubt.participant, doubt.window) == (said.participant, said.window)
        if is_same and place < Place(said.block, said.log_index):
            return place
    return None


def _released() -> FromClause:
    """Doubts, each with the transaction that released the reading, if one did."""
    doubted, released = schema.doubts, schema.releases
    is_later = tuple_(released.c.block, released.c.log_index) > tuple_(
        doubted.c.block, doubted.c.log_index
    )
    first = (
        select(released.c.transaction_hash)
        .where(
            released.c.participant == doubted.c.participant,
            released.c.window == doubted.c.window,
            is_later,
        )
        .order_by(released.c.block, released.c.log_index)
        .limit(1)
        .correlate(doubted)
        .scalar_subquery()
    )
    return select(doubted, first.label("released_by")).subquery("doubted")


def _audits(doubted: FromClause, now: int) -> Select[Any]:
    return with_time(doubted, _state(doubted, now).label("state"))


def _state(doubted: FromClause, now: int) -> ColumnElement[Any]:
    corrected = schema.corrections.c
    is_corrected = (
        exists()
        .where(
            corrected.transaction_hash == doubted.c.released_by,
            corrected.participant == doubted.c.participant,
            corrected.window == doubted.c.window,
        )
        .correlate(doubted)
    )
    is_open = doubted.c.released_by.is_(None)
    return case(
        (and_(is_open, doubted.c.until > now), "held"),
        (is_open, "lapsed"),
        (is_corrected, "corrected"),
        else_="confirmed",
    )
