"""Reads of the index that are about the auction: orders, what became of them, and books.

An order stands in the book of the window that it was placed for; what the clearing of that book
leaves of it stands in the book of the next window, as long as one book after the other is cleared
and until the order expires. Every function is one piece of a reading transaction that the caller
holds.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)

from app.index import schema
from app.index.paging import Cut, one, page, record, with_time
from app.index.queries import terms_of
from app.index.records import (
    BookRecord,
    BookState,
    ClearingRecord,
    FillRecord,
    OrderEventRecord,
    OrderRecord,
    OrderState,
    OrderStep,
    Page,
    Place,
    Recorded,
)
from app.ledger.types import Address, Order, Side, Terms
from app.market.auction import MAX_LIFE, takes_part
from app.market.clearing import PricingRule
from app.market.windows import COMMIT_MARGIN, WINDOW_LENGTH, commit_start, window_at


def orders(
    connection: Connection,
    cut: Cut,
    *,
    now: int,
    window: int | None = None,
    book: int | None = None,
    owner: Address | None = None,
    side: Side | None = None,
    state: OrderState | None = None,
) -> Page[OrderRecord]:
    """Orders: those placed for a window, those in its book now, of an owner, of a side."""
    placed = _placed()
    statement = _orders(placed, now)
    if window is not None:
        statement = statement.where(placed.c.window == window)
    if book is not None:
        lives = placed.c.window.between(book - MAX_LIFE, book)
        statement = statement.where(lives, _book(placed, now) == book)
    if owner is not None:
        statement = statement.where(placed.c.owner == owner)
    if side is not None:
        statement = statement.where(placed.c.side == int(side))
    if state is not None:
        statement = statement.where(_state(placed, now) == state)
    return page(connection, statement, placed, cut, OrderRecord)


def order(connection: Connection, order_id: int, *, now: int) -> OrderRecord | None:
    """One order."""
    placed = _placed()
    return one(connection, _orders(placed, now).where(placed.c.order_id == order_id), OrderRecord)


def history(connection: Connection, found: OrderRecord) -> tuple[OrderEventRecord, ...]:
    """What has happened to an order, oldest first."""
    ends = _ends(connection, found.order_id)
    traded = _fills_of(connection, found)
    steps = [_step(found, "placed", found.window, found.energy_wh), *ends, *traded]
    for clearing in _clearings_from(connection, found.window):
        if clearing.window >= found.last_window or any(_at(end) < _at(clearing) for end in ends):
            break
        left = found.energy_wh - sum(each.energy_wh for each in traded if _at(each) < _at(clearing))
        if left == 0:
            break
        steps.append(_step(clearing, "carried", clearing.window + 1, left))
    return tuple(sorted(steps, key=_at))


def fills(connection: Connection, window: int) -> tuple[FillRecord, ...]:
    """What was traded in the auction for a window, in the order of its execution."""
    made = schema.fills
    bought, sold = schema.orders.alias("bought"), schema.orders.alias("sold")
    statement = (
        with_time(made, bought.c.owner.label("buyer"), sold.c.owner.label("seller"))
        .join(bought, bought.c.order_id == made.c.buy_id)
        .join(sold, sold.c.order_id == made.c.sell_id)
        .where(made.c.window == window)
        .order_by(made.c.block, made.c.log_index)
    )
    return tuple(map(record(FillRecord), connection.execute(statement)))


def latest_clearing(connection: Connection) -> ClearingRecord | None:
    """The last book that was cleared."""
    cleared = schema.clearings
    latest = with_time(cleared).order_by(cleared.c.block.desc(), cleared.c.log_index.desc())
    return one(connection, latest, ClearingRecord)


def book(connection: Connection, window: int, *, now: int) -> BookRecord:
    """The book of a window: as it is while it takes orders, then as it was when it closed."""
    first = _first_window_in_book(connection, window)
    terms = terms_of(connection, first, window)
    cleared = schema.clearings
    statement = with_time(cleared).where(cleared.c.window == window)
    clearing = one(connection, statement, ClearingRecord)
    state: BookState = "open" if now < commit_start(window) else "closed"
    if clearing is not None:
        state = "cleared"
    elif connection.execute(select(_is_being_cleared(literal(window)))).scalar():
        state = "clearing"
    found = _orders_in_book(connection, window, first)
    return BookRecord(
        window=window,
        state=state,
        rule=_rule_of(connection, window) if clearing is None else PricingRule(clearing.rule),
        terms=terms[window],
        orders=found,
        passed_over=frozenset(
            each.id for each in found if not _takes_part(each, terms[each.window], terms[window])
        ),
        fills=() if clearing is None else fills(connection, window),
        clearing=clearing,
    )


def _placed() -> FromClause:
    """Orders with what became of them: `filled_wh`, the kind of their `end`, the book `reached`."""
    placed, cleared, ends = schema.orders, schema.clearings, schema.order_ends
    own, following = cleared.alias("own"), cleared.alias("following")
    end = (
        select(ends.c.kind)
        .where(ends.c.order_id == placed.c.order_id)
        .limit(1)
        .correlate(placed)
        .scalar_subquery()
    )
    next_uncleared = (
        select(cleared.c.window + 1)
        .where(
            exists().where(own.c.window == placed.c.window).correlate(placed),
            cleared.c.window >= placed.c.window,
            ~exists().where(following.c.window == cleared.c.window + 1).correlate(cleared),
        )
        .order_by(cleared.c.window)
        .limit(1)
        .correlate(placed)
        .scalar_subquery()
    )
    return select(
        placed,
        _filled_wh(placed).label("filled_wh"),
        end.label("end"),
        func.coalesce(next_uncleared, placed.c.window).label("reached"),
    ).subquery("placed")


def _orders(placed: FromClause, now: int) -> Select[Any]:
    over = placed.c.end.is_not(None)
    return with_time(
        placed,
        _last_window(placed).label("last_window"),
        _book(placed, now).label("book"),
        case((over, 0), else_=placed.c.energy_wh - placed.c.filled_wh).label("remaining_wh"),
        _state(placed, now).label("state"),
    )


def _book(placed: FromClause, now: int) -> ColumnElement[Any]:
    stands = _state(placed, now).in_(("open", "closed"))
    return case((stands, placed.c.reached), else_=null())


def _state(placed: FromClause, now: int) -> ColumnElement[Any]:
    return case(
        (placed.c.end.is_not(None), placed.c.end),
        (placed.c.filled_wh >= placed.c.energy_wh, "filled"),
        (placed.c.reached > window_at(now + COMMIT_MARGIN), "open"),
        (placed.c.reached > window_at(now), "closed"),
        (_is_being_cleared(placed.c.reached), "closed"),
        else_="dropped",
    )


def _filled_wh(placed: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """What was filled of each order; it has one side, so that one of the two sums is nothing."""
    filled = schema.fills.c

    def total(side: ColumnElement[int]) -> ColumnElement[int]:
        return (
            select(func.coalesce(func.sum(filled.energy_wh), 0))
            .where(side == placed.c.order_id, *conditions)
            .correlate(placed)
            .scalar_subquery()
        )

    return total(filled.buy_id) + total(filled.sell_id)


def _last_window(placed: FromClause) -> ColumnElement[int]:
    """The last window whose commit margin begins before the order expires."""
    return (placed.c.expires_at + COMMIT_MARGIN - 1) // WINDOW_LENGTH


def _is_being_cleared(window: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether some of a book is executed. Asked of books that are not cleared."""
    ends = schema.order_ends.c
    return or_(
        exists().where(schema.fills.c.window == window),
        exists().where(ends.window == window, ends.kind == "served"),
    )


def _ends(connection: Connection, order_id: int) -> list[OrderEventRecord]:
    ends = schema.order_ends
    of_fills = (null().label(name) for name in ("price", "other_id", "agreement_id"))
    statement = with_time(ends, ends.c.kind.label("step"), *of_fills)
    rows = connection.execute(statement.where(ends.c.order_id == order_id))
    return list(map(record(OrderEventRecord), rows))


def _fills_of(connection: Connection, found: OrderRecord) -> list[OrderEventRecord]:
    made = schema.fills
    own, other = made.c.buy_id, made.c.sell_id
    if found.side is Side.SELL:
        own, other = other, own
    statement = with_time(made, literal("filled").label("step"), other.label("other_id"))
    rows = connection.execute(statement.where(own == found.order_id))
    return list(map(record(OrderEventRecord), rows))


def _clearings_from(connection: Connection, window: int) -> Iterator[ClearingRecord]:
    """The clearings of a window's book and of those after it, until one was not cleared."""
    cleared = schema.clearings
    statement = with_time(cleared).where(cleared.c.window.between(window, window + MAX_LIFE))
    rows = connection.execute(statement.order_by(cleared.c.window))
    for expected, found in zip(count(window), map(record(ClearingRecord), rows), strict=False):
        if found.window != expected:
            return
        yield found


def _first_window_in_book(connection: Connection, window: int) -> int:
    """The first window whose orders can be in a book: all books from it on are cleared."""
    cleared = schema.clearings.c.window
    found = set(
        connection.execute(
            select(cleared).where(cleared.between(window - MAX_LIFE, window - 1))
        ).scalars()
    )
    first = window
    while first - 1 in found:
        first -= 1
    return first


def _orders_in_book(connection: Connection, window: int, first: int) -> tuple[Order, ...]:
    """The orders of a book by their ids, each with what earlier books had left of it."""
    placed, ends, blocks = schema.orders, schema.order_ends, schema.blocks
    left_wh = placed.c.energy_wh - _filled_wh(placed, schema.fills.c.window < window)
    # Nobody cancels in a book that has closed, so what is cancelled later has left a later one.
    is_gone = (
        exists()
        .where(
            ends.c.order_id == placed.c.order_id,
            ends.c.block == blocks.c.block,
            or_(
                ends.c.window < window,
                and_(ends.c.window.is_(None), blocks.c.timestamp < commit_start(window)),
            ),
        )
        .correlate(placed)
    )
    rows = connection.execute(
        select(
            placed,
            _last_window(placed).label("last_window"),
            left_wh.label("left_wh"),
        )
        .where(
            placed.c.window.between(first, window),
            _last_window(placed) >= window,
            left_wh > 0,
            ~is_gone,
        )
        .order_by(placed.c.order_id)
    )
    return tuple(
        Order(
            id=row.order_id,
            owner=row.owner,
            side=Side(row.side),
            energy_wh=int(row.left_wh),
            limit_price=row.limit_price,
            window=row.window,
            last_window=row.last_window,
        )
        for row in rows
    )


def _takes_part(order: Order, own: Terms | None, terms: Terms | None) -> bool:
    return own is None or terms is None or takes_part(order, own, terms)


def _rule_of(connection: Connection, window: int) -> PricingRule:
    made = schema.pricing_rules.c
    latest = (
        select(made.rule)
        .where(made.from_window <= window)
        .order_by(made.block.desc(), made.log_index.desc())
        .limit(1)
    )
    found = connection.execute(latest).scalar()
    return PricingRule.MIDPOINT if found is None else PricingRule(found)


def _step(source: Recorded, step: OrderStep, window: int, energy_wh: int) -> OrderEventRecord:
    return OrderEventRecord(
        block=source.block,
        log_index=source.log_index,
        transaction_hash=source.transaction_hash,
        at=source.at,
        step=step,
        window=window,
        energy_wh=energy_wh,
    )


def _at(happened: Recorded) -> Place:
    return Place(happened.block, happened.log_index)
