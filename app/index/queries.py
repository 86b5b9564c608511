"""Reads of the index. Every function is one piece of a reading transaction that the caller holds.

Lists come in pages, newest first unless told otherwise, cut at a `Place`: the pages of a list stay
as they are while new rows come in.
"""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from app.index import schema
from app.index.paging import Cut, one, page, with_time
from app.index.records import (
    AgreementRecord,
    MessageRecord,
    MovementRecord,
    OfferRecord,
    Page,
    ParticipantRecord,
    Place,
    PositionRecord,
    ReadingRecord,
    SettlementRecord,
    SummaryRecord,
    TransactionRecord,
    WindowRecord,
)
from app.ledger.types import Address, MeterKind, Terms
from app.market.units import WH_PER_KWH

_FREEZING = (schema.offers, schema.orders, schema.agreements)
"""What is the first thing that happens for a window, and freezes its terms."""

_PRIVATE = ("PrivateMarket", "NotePool")

OfferState = Literal["open", "sold_out", "cancelled", "closed"]


def participants(connection: Connection, cut: Cut) -> Page[ParticipantRecord]:
    """All participants, each with what it published last."""
    return page(connection, _latest_participants(), schema.participants, cut, ParticipantRecord)


def participant(connection: Connection, address: Address) -> ParticipantRecord | None:
    """One participant with what it published last."""
    statement = _latest_participants().where(schema.participants.c.participant == address)
    return one(connection, statement, ParticipantRecord)


def offers(
    connection: Connection,
    cut: Cut,
    *,
    open_after: int,
    window: int | None = None,
    seller: Address | None = None,
    state: OfferState | None = None,
) -> Page[OfferRecord]:
    """Offers. Those of windows up to `open_after` are closed, as trading in them is over."""
    statement = _offers()
    made, agreed, gone = schema.offers.c, _agreed_wh(), _cancelled()
    if window is not None:
        statement = statement.where(made.window == window)
    if seller is not None:
        statement = statement.where(made.seller == seller)
    match state:
        case "cancelled":
            statement = statement.where(gone)
        case "sold_out":
            statement = statement.where(~gone, agreed >= made.energy_wh)
        case "closed":
            statement = statement.where(~gone, agreed < made.energy_wh, made.window <= open_after)
        case "open":
            statement = statement.where(~gone, agreed < made.energy_wh, made.window > open_after)
        case None:
            pass
    return page(connection, statement, schema.offers, cut, OfferRecord)


def offer(connection: Connection, offer_id: int) -> OfferRecord | None:
    """One offer."""
    return one(connection, _offers().where(schema.offers.c.offer_id == offer_id), OfferRecord)


def agreements(
    connection: Connection,
    cut: Cut,
    *,
    window: int | None = None,
    offer_id: int | None = None,
    order_id: int | None = None,
    participant: Address | None = None,
    settled: bool | None = None,
) -> Page[AgreementRecord]:
    """Agreements, of a window, of an offer or an order, of a seller or buyer."""
    statement = _agreements()
    made = schema.agreements.c
    if window is not None:
        statement = statement.where(made.window == window)
    if offer_id is not None:
        statement = statement.where(made.offer_id == offer_id)
    if order_id is not None:
        filled = schema.fills.c
        statement = statement.where(or_(filled.buy_id == order_id, filled.sell_id == order_id))
    if participant is not None:
        statement = statement.where(or_(made.seller == participant, made.buyer == participant))
    if settled is not None:
        statement = statement.where(schema.settlements.c.block.is_not(None) == settled)
    return page(connection, statement, schema.agreements, cut, AgreementRecord)


def agreement(connection: Connection, agreement_id: str) -> AgreementRecord | None:
    """One agreement."""
    statement = _agreements().where(schema.agreements.c.agreement_id == agreement_id)
    return one(connection, statement, AgreementRecord)


def settlements(
    connection: Connection,
    cut: Cut,
    *,
    window: int | None = None,
    participant: Address | None = None,
) -> Page[SettlementRecord]:
    """Settlements, of a window, of a seller or buyer."""
    statement = _settlements()
    if window is not None:
        statement = statement.where(schema.agreements.c.window == window)
    if participant is not None:
        done = schema.settlements.c
        statement = statement.where(or_(done.seller == participant, done.buyer == participant))
    return page(connection, statement, schema.settlements, cut, SettlementRecord)


def settlement(connection: Connection, agreement_id: str) -> SettlementRecord | None:
    """The settlement of one agreement."""
    statement = _settlements().where(schema.settlements.c.agreement_id == agreement_id)
    return one(connection, statement, SettlementRecord)


def readings(
    connection: Connection, cut: Cut, *, window: int | None = None, owner: Address | None = None
) -> Page[ReadingRecord]:
    """Readings, of a window, of a meter's owner."""
    statement = with_time(schema.readings)
    if window is not None:
        statement = statement.where(schema.readings.c.window == window)
    if owner is not None:
        statement = statement.where(schema.readings.c.owner == owner)
    return page(connection, statement, schema.readings, cut, ReadingRecord)


def positions(
    connection: Connection,
    cut: Cut,
    *,
    window: int | None = None,
    participant: Address | None = None,
) -> Page[PositionRecord]:
    """Closed positions, of a window, of a participant."""
    statement = with_time(schema.positions)
    if window is not None:
        statement = statement.where(schema.positions.c.window == window)
    if participant is not None:
        statement = statement.where(schema.positions.c.participant == participant)
    return page(connection, statement, schema.positions, cut, PositionRecord)


def movements(
    connection: Connection, cut: Cut, *, participant: Address | None = None
) -> Page[MovementRecord]:
    """Deposits, withdrawals, debts, claims and their payment."""
    statement = with_time(schema.movements)
    if participant is not None:
        statement = statement.where(schema.movements.c.participant == participant)
    return page(connection, statement, schema.movements, cut, MovementRecord)


def transactions(
    connection: Connection,
    cut: Cut,
    *,
    function: str | None = None,
    account: Address | None = None,
) -> Page[TransactionRecord]:
    """Transactions, of a function, of a sender or signer."""
    statement = _transactions()
    sent = schema.transactions.c
    if function is not None:
        statement = statement.where(sent.function == function)
    if account is not None:
        statement = statement.where(or_(sent.sender == account, sent.signer == account))
    return page(connection, statement, schema.transactions, cut, TransactionRecord)


def transaction(connection: Connection, transaction_hash: str) -> TransactionRecord | None:
    """One transaction."""
    statement = _transactions().where(schema.transactions.c.hash == transaction_hash)
    return one(connection, statement, TransactionRecord)


def windows(connection: Connection, first: int, last: int) -> list[WindowRecord]:
    """Windows `first` to `last` (inclusive) in figures, also those in which nothing happened."""
    sums = _window_sums(connection, first, last)
    published = terms_of(connection, first, last)
    return [_window_record(each, published[each], sums[each]) for each in range(first, last + 1)]


def summary(connection: Connection) -> SummaryRecord:
    """The market since its beginning."""
    done, made, closed = schema.settlements.c, schema.agreements.c, schema.positions.c
    traded = connection.execute(
        select(
            func.count().label("settled"),
            func.coalesce(func.sum(done.delivered_wh), 0).label("traded_wh"),
            func.coalesce(func.sum(done.delivered_wh * made.price), 0).label("value"),
            func.coalesce(func.sum(done.penalty), 0).label("penalties"),
        ).join(schema.agreements, made.agreement_id == done.agreement_id)
    ).one()
    grid = connection.execute(
        select(
            func.count(closed.window.distinct()).label("windows"),
            func.coalesce(func.sum(case((closed.net_wh < 0, -closed.net_wh), else_=0)), 0).label(
                "lacked_wh"
            ),
            func.coalesce(func.sum(case((closed.net_wh > 0, closed.net_wh), else_=0)), 0).label(
                "export_wh"
            ),
        )
    ).one()
    covered_wh = _number(connection, func.sum(schema.covers.c.energy_wh))
    import_wh = int(grid.lacked_wh) + covered_wh
    used_wh = _used_wh(connection)
    saving, gain = _gains(connection)
    gas_by_function = _gas_by_function(connection)
    return SummaryRecord(
        windows=grid.windows,
        participants=_number(connection, func.count(schema.participants.c.participant.distinct())),
        offers=_number(connection, func.count(schema.offers.c.block)),
        orders=_number(connection, func.count(schema.orders.c.block)),
        agreements=_number(connection, func.count(made.block)),
        settled=traded.settled,
        energy_traded_wh=int(traded.traded_wh),
        grid_import_wh=import_wh,
        grid_export_wh=int(grid.export_wh),
        self_sufficiency=max(0.0, 1 - import_wh / used_wh) if used_wh else None,
        buyers_saving_vs_grid=saving,
        sellers_gain_vs_grid=gain,
        penalties=int(traded.penalties),
        mean_price=_mean(int(traded.value), int(traded.traded_wh)),
        transactions=_number(connection, func.count(schema.transactions.c.block)),
        gas_total=sum(gas_by_function.values()),
        gas_by_function=gas_by_function,
    )


def _gas_by_function(connection: Connection) -> dict[str, int]:
    """Gas by function. Those of private trading, which have the names of the open market's, have
    the name of their contract before their own.
    """
    sent = schema.transactions.c
    rows = connection.execute(
        select(sent.contract, sent.function, func.sum(sent.gas_used).label("gas"))
        .group_by(sent.contract, sent.function)
        .order_by(sent.function, sent.contract)
    )
    used: dict[str, int] = {}
    for row in rows:
        name = row.function or "other"
        if row.contract in _PRIVATE:
            name = f"{row.contract}.{name}"
        used[name] = used.get(name, 0) + int(row.gas)
    return used


def messages(
    connection: Connection,
    *,
    limit: int,
    before: int | None = None,
    window: int | None = None,
    conversation_id: str | None = None,
    household: str | None = None,
) -> list[MessageRecord]:
    """Messages of negotiations, newest first, with numbers below `before`."""
    sent = schema.messages.c
    statement = select(schema.messages)
    if before is not None:
        statement = statement.where(sent.sequence < before)
    if window is not None:
        statement = statement.where(sent.window == window)
    if conversation_id is not None:
        statement = statement.where(sent.conversation_id == conversation_id)
    if household is not None:
        statement = statement.where(or_(sent.sender == household, sent.receiver == household))
    rows = connection.execute(statement.order_by(sent.sequence.desc()).limit(limit))
    return [MessageRecord(**row._mapping) for row in rows]


def _latest_participants() -> Select[Any]:
    now, later = schema.participants, schema.participants.alias("later")
    superseded = exists().where(
        later.c.participant == now.c.participant,
        tuple_(later.c.block, later.c.log_index) > tuple_(now.c.block, now.c.log_index),
    )
    certified = schema.certificates
    kind = (
        select(certified.c.kind)
        .where(certified.c.meter == now.c.meter)
        .order_by(certified.c.block.desc(), certified.c.log_index.desc())
        .limit(1)
        .correlate(now)
        .scalar_subquery()
    )
    is_storage = func.coalesce(kind, 0) == MeterKind.STORAGE
    return with_time(now, is_storage.label("is_storage")).where(~superseded)


def _agreed_wh() -> Any:
    return (
        select(func.coalesce(func.sum(schema.agreements.c.energy_wh), 0))
        .where(schema.agreements.c.offer_id == schema.offers.c.offer_id)
        .correlate(schema.offers)
        .scalar_subquery()
    )


def _cancelled() -> Any:
    return (
        exists()
        .where(schema.cancellations.c.offer_id == schema.offers.c.offer_id)
        .correlate(schema.offers)
    )


def _offers() -> Select[Any]:
    agreed, gone = _agreed_wh(), _cancelled()
    remaining = case((gone, 0), else_=schema.offers.c.energy_wh - agreed)
    return with_time(
        schema.offers,
        agreed.label("agreed_wh"),
        remaining.label("remaining_wh"),
        gone.label("cancelled"),
    )


def _agreements() -> Select[Any]:
    made, done, filled = schema.agreements, schema.settlements, schema.fills
    return (
        with_time(
            made,
            done.c.block.is_not(None).label("settled"),
            done.c.delivered_wh,
            filled.c.buy_id,
            filled.c.sell_id,
        )
        .outerjoin(done, done.c.agreement_id == made.c.agreement_id)
        .outerjoin(filled, filled.c.agreement_id == made.c.agreement_id)
    )


def _settlements() -> Select[Any]:
    made, done, filled = schema.agreements, schema.settlements, schema.fills
    of_agreement = (made.c.offer_id, made.c.window, made.c.energy_wh, made.c.price)
    return (
        with_time(done, *of_agreement, filled.c.buy_id, filled.c.sell_id)
        .join(made, made.c.agreement_id == done.c.agreement_id)
        .outerjoin(filled, filled.c.agreement_id == made.c.agreement_id)
    )


def _transactions() -> Select[Any]:
    return with_time(schema.transactions)


_SUMS = (
    "offers",
    "offered_wh",
    "orders",
    "agreements",
    "agreed_wh",
    "agreed_value",
    "settled",
    "delivered_wh",
    "delivered_value",
    "paid",
    "penalties",
    "readings",
    "metered_export_wh",
    "metered_import_wh",
    "positions",
    "lacked_wh",
    "covered_wh",
    "grid_export_wh",
)


def _window_sums(connection: Connection, first: int, last: int) -> dict[int, dict[str, int]]:
    sums = {window: dict.fromkeys(_SUMS, 0) for window in range(first, last + 1)}
    offered, agreed, settled = schema.offers.c, schema.agreements.c, schema.settlements.c
    read, closed, covered = schema.readings.c, schema.positions.c, schema.covers.c
    number = func.count()

    def take(window: Any, statement: Any) -> None:
        statement = statement.add_columns(window.label("window")).group_by(window)
        for row in connection.execute(statement.where(window.between(first, last))):
            values = dict(row._mapping)
            sums[values.pop("window")] |= {name: int(value) for name, value in values.items()}

    take(
        offered.window,
        select(number.label("offers"), func.sum(offered.energy_wh).label("offered_wh")).where(
            ~_cancelled()
        ),
    )
    take(schema.orders.c.window, select(number.label("orders")))
    take(
        agreed.window,
        select(
            number.label("agreements"),
            func.sum(agreed.energy_wh).label("agreed_wh"),
            func.sum(agreed.energy_wh * agreed.price).label("agreed_value"),
        ),
    )
    take(
        agreed.window,
        select(
            number.label("settled"),
            func.sum(settled.delivered_wh).label("delivered_wh"),
            func.sum(settled.delivered_wh * agreed.price).label("delivered_value"),
            func.sum(settled.paid).label("paid"),
            func.sum(settled.penalty).label("penalties"),
        ).join(schema.settlements, settled.agreement_id == agreed.agreement_id),
    )
    take(
        read.window,
        select(
            number.label("readings"),
            func.sum(read.exported_wh).label("metered_export_wh"),
            func.sum(read.imported_wh).label("metered_import_wh"),
        ),
    )
    take(
        closed.window,
        select(
            number.label("positions"),
            func.sum(case((closed.net_wh < 0, -closed.net_wh), else_=0)).label("lacked_wh"),
            func.sum(case((closed.net_wh > 0, closed.net_wh), else_=0)).label("grid_export_wh"),
        ),
    )
    take(covered.window, select(func.sum(covered.energy_wh).label("covered_wh")))
    return sums


def terms_of(connection: Connection, first: int, last: int) -> dict[int, Terms | None]:
    """The terms published for each window last, or else the default that holds for it.

    The first offer or order freezes what holds in its window, so that later defaults do not reach
    it; so does the first fill of a book that has orders of earlier windows only.
    """
    table = schema.terms.c
    frozen: dict[int, Place] = {}
    for made in _FREEZING:
        places = select(made.c.window, made.c.block, made.c.log_index)
        for row in connection.execute(places.where(made.c.window.between(first, last))):
            place = Place(row.block, row.log_index)
            frozen[row.window] = min(place, frozen.get(row.window, place))
    rows = connection.execute(
        select(schema.terms)
        .where(or_(table.from_window <= last, table.window.between(first, last)))
        .order_by(table.block, table.log_index)
    ).all()
    defaults = [row for row in rows if row.window is None]
    own = {row.window: row for row in rows if row.window is not None}
    found: dict[int, Terms | None] = {}
    for window in range(first, last + 1):
        until = frozen.get(window)
        in_force = [
            row
            for row in defaults
            if row.from_window <= window and (until is None or _place(row) < until)
        ]
        if window in own:
            in_force = [own[window]]
        found[window] = _terms(in_force[-1]) if in_force else None
    return found


def _place(row: Row[Any]) -> Place:
    return Place(row.block, row.log_index)


def _terms(row: Row[Any]) -> Terms:
    return Terms(row.grid_floor, row.grid_ceiling, row.penalty_rate)


def _number(connection: Connection, figure: Any) -> int:
    return int(connection.execute(select(figure)).scalar() or 0)


def _used_wh(connection: Connection) -> int:
    """What households drew in the windows whose positions they have closed."""
    read, closed, certified = schema.readings, schema.positions.c, schema.certificates.c
    is_closed = exists().where(closed.participant == read.c.owner, closed.window == read.c.window)
    is_storage = exists().where(
        certified.meter == read.c.meter, certified.kind == MeterKind.STORAGE
    )
    total = select(func.sum(read.c.imported_wh)).where(is_closed, ~is_storage)
    return int(connection.execute(total).scalar() or 0)


def _gains(connection: Connection) -> tuple[int, int]:
    """What buyers saved and sellers gained against the grid's prices of the time."""
    done, made, held = schema.settlements, schema.agreements, schema.terms
    was_frozen = or_(
        *(
            exists()
            .where(
                frozen.c.window == made.c.window,
                tuple_(frozen.c.block, frozen.c.log_index) < tuple_(held.c.block, held.c.log_index),
            )
            .correlate(made, held)
            for frozen in (each.alias("frozen") for each in _FREEZING)
        )
    )
    in_force = or_(
        held.c.window == made.c.window,
        and_(held.c.from_window <= made.c.window, ~was_frozen),
    )

    def price(column: Any) -> Any:
        return (
            select(column)
            .where(in_force)
            .order_by(held.c.window.is_(None), held.c.block.desc(), held.c.log_index.desc())
            .limit(1)
            .correlate(made)
            .scalar_subquery()
        )

    delivered = done.c.delivered_wh

    def up(price_per_kwh: Any) -> Any:
        return (delivered * price_per_kwh + WH_PER_KWH - 1) // WH_PER_KWH

    row = connection.execute(
        select(
            func.sum(up(price(held.c.grid_ceiling)) - up(made.c.price)),
            func.sum(done.c.paid - delivered * price(held.c.grid_floor) // WH_PER_KWH),
        ).join(made, made.c.agreement_id == done.c.agreement_id)
    ).one()
    return int(row[0] or 0), int(row[1] or 0)


def _mean(value: int, energy_wh: int) -> int | None:
    return round(value / energy_wh) if energy_wh else None


def _window_record(window: int, terms: Terms | None, sums: Mapping[str, int]) -> WindowRecord:
    return WindowRecord(
        window=window,
        grid_floor=terms.grid_floor if terms else None,
        grid_ceiling=terms.grid_ceiling if terms else None,
        penalty_rate=terms.penalty_rate if terms else None,
        offers=sums["offers"],
        offered_wh=sums["offered_wh"],
        orders=sums["orders"],
        agreements=sums["agreements"],
        agreed_wh=sums["agreed_wh"],
        mean_price=_mean(sums["delivered_value"], sums["delivered_wh"])
        or _mean(sums["agreed_value"], sums["agreed_wh"]),
        settled=sums["settled"],
        delivered_wh=sums["delivered_wh"],
        paid=sums["paid"],
        penalties=sums["penalties"],
        readings=sums["readings"],
        metered_export_wh=sums["metered_export_wh"],
        metered_import_wh=sums["metered_import_wh"],
        positions=sums["positions"],
        grid_import_wh=sums["lacked_wh"] + sums["covered_wh"],
        grid_export_wh=sums["grid_export_wh"],
    )
