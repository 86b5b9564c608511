"""The consortium: members decide together."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from app.api.calls import arguments_of, call_from
from app.api.deps import (
    PatienceDep,
    RelayGuardDep,
    ServicesDep,
    Writer,
    WriterDep,
    catch_up,
    no_query,
)
from app.api.schemas.common import Listing, Written, cursor_of
from app.api.schemas.consortium import (
    Advance,
    BallotAnswer,
    CallAnswer,
    Cancel,
    CastVote,
    ConsortiumAnswer,
    MemberAnswer,
    MemberFilter,
    ProposalAnswer,
    ProposalFilter,
    ProposalId,
    ProposalWritten,
    Propose,
    RolesAnswer,
    RulesAnswer,
    StepAnswer,
    SupportName,
    TermLimitsAnswer,
    ThresholdsAnswer,
    VotesAnswer,
)
from app.api.sentences import ROLES, household_name, sentence_of, short
from app.api.services import Services
from app.errors import NotFoundError
from app.index import consortium
from app.index.records import (
    BallotRecord,
    MemberRecord,
    Page,
    ProposalRecord,
    ProposalStepRecord,
)
from app.ledger.chain import MARKET, REGISTRY, TREASURY
from app.ledger.consortium import (
    CONSORTIUM,
    MEMBERSHIP,
    Consortium,
    Proposal,
    ProposedCall,
    Support,
    calls_of,
)
from app.ledger.types import Receipt

router = APIRouter(prefix="/consortium", tags=["consortium"])

ProposalPath = Annotated[ProposalId, Path(description="Id of a proposal of the consortium")]

_SUPPORTS: tuple[SupportName, ...] = ("against", "for", "abstain")


@router.get("", dependencies=[Depends(no_query)])
async def get_consortium(services: ServicesDep) -> ConsortiumAnswer:
    """How many members there are, how they decide, who holds which role, and whether trade is
    paused.
    """
    index, ledger, now = services.index, services.ledger, services.clock.now()
    rules, paused_until, limits, auditors, treasurers = await asyncio.gather(
        Consortium(ledger).rules(),
        ledger.read(MARKET, "pausedUntil"),
        ledger.read(MARKET, "termLimits"),
        ledger.read(REGISTRY, "threshold"),
        ledger.read(TREASURY, "threshold"),
    )
    holders = await index.read(consortium.holders)
    delegation = await index.read(
        lambda each: consortium.rule(each, MEMBERSHIP, "delegation_allowed")
    )
    return ConsortiumAnswer(
        members=await index.read(consortium.member_count),
        rules=RulesAnswer(
            voting_delay_s=rules.voting_delay,
            voting_period_s=rules.voting_period,
            execution_delay_s=rules.execution_delay,
            quorum_percent=rules.quorum_percent,
        ),
        delegation_allowed=bool(delegation),
        roles=RolesAnswer(**{name: list(holders.get(role, ())) for role, name in enumerate(ROLES)}),
        thresholds=ThresholdsAnswer(auditors=auditors, treasurers=treasurers),
        term_limits=TermLimitsAnswer(
            **dict(zip(TermLimitsAnswer.model_fields, limits, strict=True))
        ),
        paused=paused_until > now,
        paused_until=paused_until if paused_until > now else None,
    )


@router.get("/members")
async def list_members(
    services: ServicesDep, chosen: Annotated[MemberFilter, Query()]
) -> Listing[MemberAnswer]:
    """Who was admitted, one vote a household."""
    found = await services.index.read(
        lambda each: consortium.members(each, chosen.cut(), is_member=chosen.is_member)
    )
    return Listing(
        items=[_member_answer(record, services) for record in found.items],
        next=cursor_of(found.next),
    )


@router.get("/proposals")
async def list_consortium_proposals(
    services: ServicesDep, chosen: Annotated[ProposalFilter, Query()]
) -> Listing[ProposalAnswer]:
    """What members have proposed, and how its vote stands."""
    now = services.clock.now()
    found = await services.index.read(
        lambda each: consortium.proposals(each, chosen.cut(), now=now, state=chosen.state)
    )
    return Listing(items=await _answers(services, found), next=cursor_of(found.next))


@router.get("/proposals/{proposal_id}", dependencies=[Depends(no_query)])
async def get_consortium_proposal(
    services: ServicesDep, proposal_id: ProposalPath
) -> ProposalAnswer:
    """One proposal of the consortium."""
    record = await _record(services, proposal_id)
    (answer,) = await _answers(services, Page((record,), None))
    return answer


@router.post("/proposals", status_code=201, dependencies=[Depends(no_query)])
async def propose(
    services: ServicesDep, writer: WriterDep, body: Propose, response: Response
) -> ProposalWritten:
    """Proposes calls to the members. By a member. They are encoded by the contracts' ABIs; who
    may do what is said in the contracts' documentation.
    """
    receipt = await Consortium(services.ledger).propose(
        writer.account(body.sender), proposed_calls(services, body), body.description
    )
    proposal_id = str(receipt.result)
    response.headers["Location"] = f"/api/v1/consortium/proposals/{proposal_id}"
    return await _written(writer, proposal_id, receipt)


@router.post("/proposals/{proposal_id}/votes", status_code=201, dependencies=[Depends(no_query)])
async def cast_vote(
    services: ServicesDep,
    writer: WriterDep,
    patience: PatienceDep,
    relay_guard: RelayGuardDep,
    proposal_id: ProposalPath,
    body: CastVote,
) -> ProposalWritten:
    """Votes, once a member, while the vote is open. A signed ballot is sent at the gateway's cost,
    if it would be taken.
    """
    members, number = Consortium(services.ledger), int(proposal_id)
    support = Support(_SUPPORTS.index(body.support))
    account = None if body.sender is None else writer.account(body.sender)
    record = await _record(services, proposal_id)
    if body.signature is not None:
        relay_guard()
    await patience.until(record.vote_start + 1)
    if account is not None:
        receipt = await members.vote(account, number, support, body.reason)
    else:
        voter, signature = str(body.voter), bytes.fromhex(str(body.signature)[2:])
        ballot = await members.ballot(voter, number, support)
        await services.ledger.read(
            CONSORTIUM, "castVoteBySig", number, int(support), voter, signature
        )
        receipt = await members.vote_by_signature(services.relayer.account, ballot, signature)
    return await _written(writer, proposal_id, receipt)


@router.post("/proposals/{proposal_id}/queue", status_code=201, dependencies=[Depends(no_query)])
async def queue_proposal(
    services: ServicesDep,
    writer: WriterDep,
    patience: PatienceDep,
    proposal_id: ProposalPath,
    body: Advance,
) -> ProposalWritten:
    """Begins the delay of a proposal that has passed, in which everybody can see what comes. By
    anyone.
    """
    account = writer.account(body.sender)
    proposal = await whole_proposal(services, proposal_id)
    await patience.until(proposal.vote_end + 1)
    receipt = await Consortium(services.ledger).queue(account, proposal)
    return await _written(writer, proposal_id, receipt)


@router.post(
    "/proposals/{proposal_id}/execution", status_code=201, dependencies=[Depends(no_query)]
)
async def execute_proposal(
    services: ServicesDep,
    writer: WriterDep,
    patience: PatienceDep,
    proposal_id: ProposalPath,
    body: Advance,
) -> ProposalWritten:
    """Makes the calls of a proposal whose delay is over. By anyone."""
    account = writer.account(body.sender)
    proposal = await whole_proposal(services, proposal_id)
    members = Consortium(services.ledger)
    await patience.until(await members.executable_at(proposal.id))
    receipt = await members.execute(account, proposal)
    return await _written(writer, proposal_id, receipt)


@router.post(
    "/proposals/{proposal_id}/cancellation", status_code=201, dependencies=[Depends(no_query)]
)
async def cancel_proposal(
    services: ServicesDep, writer: WriterDep, proposal_id: ProposalPath, body: Cancel
) -> ProposalWritten:
    """Takes a proposal back. By its proposer, before the vote begins."""
    account = writer.account(body.sender)
    proposal = await whole_proposal(services, proposal_id)
    receipt = await Consortium(services.ledger).cancel(account, proposal)
    return await _written(writer, proposal_id, receipt)


def proposed_calls(services: Services, body: Propose) -> list[ProposedCall]:
    """The calls of a proposal for the chain; InputError where one doesn't fit the ABIs."""
    return [
        call_from(
            services.ledger.contracts,
            call.contract,
            call.function,
            call.arguments,
            f"body.calls.{place}",
        )
        for place, call in enumerate(body.calls)
    ]


async def whole_proposal(services: Services, proposal_id: str) -> Proposal:
    """A proposal as the chain has it, as what is queued and executed is named by all of it."""
    try:
        return await Consortium(services.ledger).proposal(int(proposal_id))
    except NotFoundError:
        raise _unknown(proposal_id) from None


async def _written(writer: Writer, proposal_id: str, receipt: Receipt) -> ProposalWritten:
    await writer.seen(receipt)
    return ProposalWritten(proposal_id=proposal_id, transactions=[Written.of(receipt)])


async def _record(services: Services, proposal_id: str) -> ProposalRecord:
    number, now = int(proposal_id), services.clock.now()
    record = await services.index.read(lambda each: consortium.proposal(each, number, now=now))
    if record is None:
        await catch_up(services)
        record = await services.index.read(lambda each: consortium.proposal(each, number, now=now))
    if record is None:
        raise _unknown(proposal_id)
    return record


def _unknown(proposal_id: str) -> NotFoundError:
    return NotFoundError(
        f"there is no proposal {proposal_id}", hint="/api/v1/consortium/proposals lists them all"
    )


async def _answers(services: Services, found: Page[ProposalRecord]) -> list[ProposalAnswer]:
    ids = [record.proposal_id for record in found.items]
    ballots = await services.index.read(lambda each: consortium.ballots(each, ids))
    steps = await services.index.read(lambda each: consortium.steps(each, ids))
    return [_proposal_answer(services, record, ballots, steps) for record in found.items]


def _proposal_answer(
    services: Services,
    record: ProposalRecord,
    ballots: Sequence[BallotRecord],
    steps: Sequence[ProposalStepRecord],
) -> ProposalAnswer:
    place = {
        "block": record.block,
        "log_index": record.log_index,
        "transaction_hash": record.transaction_hash,
        "at": record.at,
    }
    proposed = StepAnswer.model_validate(place | {"step": "proposed"})
    return ProposalAnswer.model_validate(
        place
        | {
            "id": str(record.proposal_id),
            "proposer": record.proposer,
            "description": record.description,
            "calls": _calls(services, record),
            "state": record.state,
            "vote_start": record.vote_start,
            "vote_end": record.vote_end,
            "eta": record.eta,
            "votes": VotesAnswer(
                in_favour=record.votes_for,
                against=record.votes_against,
                abstain=record.votes_abstain,
                quorum=record.quorum,
                members=record.members,
            ),
            "ballots": [
                _ballot_answer(each) for each in ballots if each.proposal_id == record.proposal_id
            ],
            "transactions": [proposed]
            + [
                StepAnswer.model_validate(each)
                for each in steps
                if each.proposal_id == record.proposal_id
            ],
        }
    )


def _ballot_answer(record: BallotRecord) -> BallotAnswer:
    return BallotAnswer(
        block=record.block,
        log_index=record.log_index,
        transaction_hash=record.transaction_hash,
        at=record.at,
        voter=record.voter,
        support=_SUPPORTS[record.support],
        weight=record.weight,
        reason=record.reason,
    )


def _calls(services: Services, record: ProposalRecord) -> list[CallAnswer]:
    contracts = services.ledger.contracts
    inputs = [bytes.fromhex(each[2:]) for each in record.calldatas]
    found = calls_of(contracts, record.targets, [int(each) for each in record.wei], inputs)
    answers = []
    for call in found:
        arguments = arguments_of(contracts, call)
        answers.append(
            CallAnswer(
                contract=call.contract,
                function=call.function,
                arguments=arguments,
                value=str(call.value),
                sentence=sentence_of(call, arguments, lambda each: _called(services, each)),
            )
        )
    return answers


def _called(services: Services, account: str) -> str:
    """What an account is called: a contract or a neighbour by its name."""
    contract = services.ledger.contracts.at(account)
    if contract is not None:
        return f"the {contract.name}"
    resident = services.about.residents.get(account)
    return f"{resident.name} ({short(account)})" if resident else short(account)


def _member_answer(record: MemberRecord, services: Services) -> MemberAnswer:
    keys = services.development
    resident = services.about.residents.get(record.account)
    return MemberAnswer(
        block=record.block,
        log_index=record.log_index,
        transaction_hash=record.transaction_hash,
        at=record.at,
        account=record.account,
        household_id=record.household_id,
        household=resident.name if resident else household_name(record.household_id),
        since=record.at,
        until=record.until,
        is_member=record.is_member,
        votes=record.votes,
        development=keys is not None and record.account in keys,
    )
