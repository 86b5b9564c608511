"""Reads of the index that are about the money in the bank: deposits that treasurers confirm,
withdrawals that members ask for, and the reserve. Every function is one piece of a reading
transaction that the caller holds.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    exists,
    func,
    literal,
    null,
    or_,
    tuple_,
)

from app.index import schema
from app.index.paging import Cut, one, page, record, with_time
from app.index.records import (
    AttestationRecord,
    ConfirmationRecord,
    DepositRecord,
    Page,
    WithdrawalRecord,
    WithdrawalStep,
)
from app.ledger.types import Address

Deposit = tuple[str, Address, int]
"""What treasurers confirm as one: reference, holder and amount."""


def deposits(
    connection: Connection,
    cut: Cut,
    *,
    holder: Address | None = None,
    minted: bool | None = None,
) -> Page[DepositRecord]:
    """Deposits that a treasurer has confirmed, of a holder."""
    said, earlier = schema.deposit_confirmations, schema.deposit_confirmations.alias("earlier")
    is_first = ~exists().where(
        earlier.c.reference == said.c.reference,
        earlier.c.holder == said.c.holder,
        earlier.c.amount == said.c.amount,
        tuple_(earlier.c.block, earlier.c.log_index) < tuple_(said.c.block, said.c.log_index),
    )
    is_minted = _is_minted(said)
    statement = with_time(
        said, is_minted.label("minted"), (~is_minted & _is_used(said)).label("void")
    ).where(is_first)
    if holder is not None:
        statement = statement.where(said.c.holder == holder)
    if minted is not None:
        statement = statement.where(is_minted == minted)
    return page(connection, statement, said, cut, DepositRecord)


def deposit_confirmations(
    connection: Connection, found: Collection[DepositRecord]
) -> Mapping[Deposit, list[ConfirmationRecord]]:
    """Who has confirmed some deposits, oldest first."""
    said = schema.deposit_confirmations
    references = {each.reference for each in found}
    rows = connection.execute(
        with_time(said)
        .where(said.c.reference.in_(references))
        .order_by(said.c.block, said.c.log_index)
    )
    make = record(ConfirmationRecord)
    confirmed: dict[Deposit, list[ConfirmationRecord]] = defaultdict(list)
    for row in rows:
        confirmed[row.reference, row.holder, row.amount].append(make(row))
    return confirmed


def withdrawals(
    connection: Connection,
    cut: Cut,
    *,
    holder: Address | None = None,
    state: WithdrawalStep | None = None,
) -> Page[WithdrawalRecord]:
    """Withdrawals, of a holder."""
    statement = _withdrawals()
    if holder is not None:
        statement = statement.where(schema.withdrawal_requests.c.holder == holder)
    if state is not None:
        statement = statement.where(_state() == state)
    return page(connection, statement, schema.withdrawal_requests, cut, WithdrawalRecord)


def withdrawal(connection: Connection, withdrawal_id: int) -> WithdrawalRecord | None:
    """One withdrawal."""
    asked = schema.withdrawal_requests.c
    statement = _withdrawals().where(asked.withdrawal_id == withdrawal_id)
    return one(connection, statement, WithdrawalRecord)


def payout_confirmations(
    connection: Connection, withdrawal_ids: Collection[int]
) -> Mapping[int, list[ConfirmationRecord]]:
    """Who has confirmed the payout of some withdrawals, oldest first."""
    said = schema.payout_confirmations
    return _of_withdrawals(connection, with_time(said), said, withdrawal_ids)


def rejections(
    connection: Connection, withdrawal_ids: Collection[int]
) -> Mapping[int, list[ConfirmationRecord]]:
    """Who has refused some withdrawals, oldest first."""
    said = schema.rejections
    statement = with_time(said, null().label("reference"))
    return _of_withdrawals(connection, statement, said, withdrawal_ids)


def latest_attestation(connection: Connection) -> AttestationRecord | None:
    """What an auditor has seen in the bank last."""
    seen = schema.attestations
    latest = with_time(seen).order_by(seen.c.block.desc(), seen.c.log_index.desc())
    return one(connection, latest, AttestationRecord)


def _is_minted(said: FromClause) -> ColumnElement[bool]:
    made = schema.mints.c
    return (
        exists()
        .where(
            made.reference == said.c.reference,
            made.holder == said.c.holder,
            made.amount == said.c.amount,
        )
        .correlate(said)
    )


def _is_used(said: FromClause) -> ColumnElement[bool]:
    """Whether a deposit or a payout was made under the reference."""
    made, paid = schema.mints.c, schema.withdrawal_ends.c
    return or_(
        exists().where(made.reference == said.c.reference).correlate(said),
        exists().where(paid.reference == said.c.reference).correlate(said),
    )


def _withdrawals() -> Select[Any]:
    asked, ended = schema.withdrawal_requests, schema.withdrawal_ends
    return with_time(asked, _state().label("state"), ended.c.reference).outerjoin(
        ended, ended.c.withdrawal_id == asked.c.withdrawal_id
    )


def _state() -> ColumnElement[Any]:
    return func.coalesce(schema.withdrawal_ends.c.state, literal("requested"))


def _of_withdrawals(
    connection: Connection,
    statement: Select[Any],
    said: FromClause,
    withdrawal_ids: Collection[int],
) -> Mapping[int, list[ConfirmationRecord]]:
    rows = connection.execute(
        statement.where(said.c.withdrawal_id.in_(withdrawal_ids)).order_by(
            said.c.block, said.c.log_index
        )
    )
    make = record(ConfirmationRecord)
    found: dict[int, list[ConfirmationRecord]] = defaultdict(list)
    for row in rows:
        found[row.withdrawal_id].append(make(row))
    return found
