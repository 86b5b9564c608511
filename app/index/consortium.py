"""Reads of the index that are about the consortium: its members, their proposals and votes, and who
holds which role. Every function is one piece of a reading transaction that the caller holds.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    case,
    exists,
    func,
    select,
    tuple_,
    type_coerce,
)

from app.index import schema
from app.index.paging import Cut, one, page, record, with_time
from app.index.records import (
    BallotRecord,
    MemberRecord,
    Page,
    ProposalRecord,
    ProposalState,
    ProposalStepRecord,
)
from app.ledger.types import Address

_AGAINST, _FOR, _ABSTAIN = range(3)


def members(
    connection: Connection, cut: Cut, *, is_member: bool | None = None
) -> Page[MemberRecord]:
    """Who was ever admitted; those who are members now, or are none any more."""
    statement = _members()
    if is_member is not None:
        statement = statement.where(_expulsion().is_(None) == is_member)
    return page(connection, statement, schema.memberships, cut, MemberRecord)


def member(connection: Connection, account: Address) -> MemberRecord | None:
    """One account that was admitted."""
    return one(connection, _members().where(schema.memberships.c.account == account), MemberRecord)


def member_count(connection: Connection) -> int:
    """How many members there are now."""
    admitted = schema.memberships.c.admitted
    return int(
        connection.execute(
            select(func.coalesce(func.sum(case((admitted, 1), else_=-1)), 0))
        ).scalar_one()
    )


def rule(connection: Connection, contract: str, name: str) -> int | None:
    """What a rule says now; None where it was never set."""
    made = schema.rules.c
    found = connection.execute(
        select(made.value)
        .where(made.contract == contract, made.name == name)
        .order_by(made.block.desc(), made.log_index.desc())
        .limit(1)
    ).scalar()
    return None if found is None else int(found)


def holders(connection: Connection) -> dict[int, tuple[Address, ...]]:
    """Who holds each role now, in the order in which they got it."""
    made, later = schema.role_changes, schema.role_changes.alias("later")
    superseded = exists().where(
        later.c.role == made.c.role,
        later.c.account == made.c.account,
        tuple_(later.c.block, later.c.log_index) > tuple_(made.c.block, made.c.log_index),
    )
    rows = connection.execute(
        select(made.c.role, made.c.account)
        .where(made.c.granted, ~superseded)
        .order_by(made.c.block, made.c.log_index)
    )
    found: dict[int, tuple[Address, ...]] = {}
    for row in rows:
        found[row.role] = (*found.get(row.role, ()), row.account)
    return found


def proposals(
    connection: Connection, cut: Cut, *, now: int, state: ProposalState | None = None
) -> Page[ProposalRecord]:
    """Proposals, those in a state."""
    made = _voted()
    statement = _proposals(made, now)
    if state is not None:
        statement = statement.where(_state(made, now) == state)
    return page(connection, statement, made, cut, ProposalRecord)


def proposal(connection: Connection, proposal_id: int, *, now: int) -> ProposalRecord | None:
    """One proposal."""
    made = _voted()
    statement = _proposals(made, now).where(made.c.proposal_id == proposal_id)
    return one(connection, statement, ProposalRecord)


def ballots(connection: Connection, proposal_ids: Collection[int]) -> list[BallotRecord]:
    """All votes on some proposals, oldest first."""
    cast = schema.ballots
    statement = with_time(cast).where(cast.c.proposal_id.in_(proposal_ids))
    rows = connection.execute(statement.order_by(cast.c.block, cast.c.log_index))
    return list(map(record(BallotRecord), rows))


def steps(connection: Connection, proposal_ids: Collection[int]) -> list[ProposalStepRecord]:
    """What was done with some proposals after they were made, oldest first."""
    done = schema.proposal_steps
    statement = with_time(done).where(done.c.proposal_id.in_(proposal_ids))
    rows = connection.execute(statement.order_by(done.c.block, done.c.log_index))
    return list(map(record(ProposalStepRecord), rows))


def _members() -> Select[Any]:
    """The latest admission of every account."""
    admitted, later = schema.memberships, schema.memberships.alias("later")
    superseded = exists().where(
        later.c.account == admitted.c.account,
        later.c.admitted,
        tuple_(later.c.block, later.c.log_index) > tuple_(admitted.c.block, admitted.c.log_index),
    )
    power = schema.voting_power.c
    votes = (
        select(power.votes)
        .where(power.account == admitted.c.account)
        .order_by(power.block.desc(), power.log_index.desc())
        .limit(1)
        .correlate(admitted)
        .scalar_subquery()
    )
    until = _expulsion()
    return with_time(
        admitted,
        until.is_(None).label("is_member"),
        until.label("until"),
        func.coalesce(votes, 0).label("votes"),
    ).where(admitted.c.admitted, ~superseded)


def _expulsion() -> ColumnElement[Any]:
    """When the account of an admission was expelled."""
    admitted, gone, blocks = (
        schema.memberships,
        schema.memberships.alias("gone"),
        schema.blocks.alias("gone_blocks"),
    )
    return (
        select(blocks.c.timestamp)
        .join(gone, gone.c.block == blocks.c.block)
        .where(
            gone.c.account == admitted.c.account,
            ~gone.c.admitted,
            tuple_(gone.c.block, gone.c.log_index) > tuple_(admitted.c.block, admitted.c.log_index),
        )
        .limit(1)
        .correlate(admitted)
        .scalar_subquery()
    )


def _voted() -> FromClause:
    """Proposals with their votes, the quorum, and what was done with them."""
    made, done = schema.consortium_proposals, schema.proposal_steps.c

    def votes(support: int) -> Any:
        cast = schema.ballots.c
        return (
            select(func.coalesce(func.sum(cast.weight), 0))
            .where(cast.proposal_id == made.c.proposal_id, cast.support == support)
            .correlate(made)
            .scalar_subquery()
        )

    def is_done(step: str) -> Any:
        is_it = exists().where(done.proposal_id == made.c.proposal_id, done.step == step)
        return is_it.correlate(made)

    eta = select(done.eta).where(done.proposal_id == made.c.proposal_id, done.step == "queued")
    return select(
        made,
        votes(_FOR).label("votes_for"),
        votes(_AGAINST).label("votes_against"),
        votes(_ABSTAIN).label("votes_abstain"),
        _members_at_start(made).label("members"),
        _quorum_at_start(made).label("quorum"),
        eta.limit(1).correlate(made).scalar_subquery().label("eta"),
        is_done("executed").label("executed"),
        is_done("canceled").label("canceled"),
    ).subquery("voted")


def _proposals(made: FromClause, now: int) -> Select[Any]:
    return with_time(made, _state(made, now).label("state"))


def _state(made: FromClause, now: int) -> ColumnElement[Any]:
    """In the order in which the Governor of OpenZeppelin looks at them."""
    is_quorum_reached = made.c.votes_for + made.c.votes_abstain >= made.c.quorum
    has_passed = is_quorum_reached & (made.c.votes_for > made.c.votes_against)
    return case(
        (made.c.executed, "executed"),
        (made.c.canceled, "canceled"),
        (made.c.vote_start >= now, "pending"),
        (made.c.vote_end >= now, "active"),
        (~has_passed, "defeated"),
        (made.c.eta.is_(None), "succeeded"),
        else_="queued",
    )


def _members_at_start(made: FromClause) -> ColumnElement[int]:
    """How many members there are at the moment that a vote begins in, as far as it is known."""
    changes, blocks = schema.memberships.c, schema.blocks.alias("changed_in")
    total = func.coalesce(func.sum(case((changes.admitted, 1), else_=-1)), 0)
    found = (
        select(total)
        .join(blocks, blocks.c.block == changes.block)
        .where(blocks.c.timestamp <= made.c.vote_start)
        .correlate(made)
        .scalar_subquery()
    )
    return type_coerce(found, BigInteger)


def _quorum_at_start(made: FromClause) -> ColumnElement[int]:
    """Rounded up, so that of three members not one alone decides."""
    return (_members_at_start(made) * _quorum_percent_at_start(made) + 99) // 100


def _quorum_percent_at_start(made: FromClause) -> ColumnElement[int]:
    rules, blocks = schema.rules.c, schema.blocks.alias("ruled_in")
    found = (
        select(rules.value)
        .join(blocks, blocks.c.block == rules.block)
        .where(rules.name == "quorum_percent", blocks.c.timestamp <= made.c.vote_start)
        .order_by(rules.block.desc(), rules.log_index.desc())
        .limit(1)
        .correlate(made)
        .scalar_subquery()
    )
    return type_coerce(found, BigInteger)
