"""Examples for what members, treasurers and auditors do; see `app.api.examples`.

They speak of proposals, withdrawals and readings that are at the step in question, if there are
any.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from eth_hash.auto import keccak

from app.api.schemas.common import UINT53
from app.api.services import Services
from app.chain.keys import AUDITORS, KEEPER, TREASURERS, development_address, household_address
from app.chain.keys import meter_address as meter
from app.index import audits, consortium, queries, treasury
from app.index.paging import Cut
from app.index.records import AuditRecord, ProposalRecord, WithdrawalRecord
from app.ledger.chain import TREASURY
from app.ledger.types import Address
from app.market.bank import PAYOUT_TIME
from app.market.typed_data import Permit, permit_digest, sign
from app.market.windows import window_at

_LOOKED_AT = Cut(50)
_LATER = 86_400
_SPARE = 99
_AMOUNT = 1_000_000

Parameters = Mapping[str, object]
Body = Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class CommunityFacts:
    """What there is to be decided, confirmed and audited; ids as JSON has them."""

    now: int
    member: Address
    newcomer: Address
    newcomer_number: int
    holder: Address
    proposal_id: str
    pending_id: str
    proposer: Address
    ballot: tuple[str, Address]
    succeeded_id: str
    due_id: str
    withdrawal_id: int
    overdue_id: int
    treasurer: Address
    reserve: int
    doubtful: tuple[Address, int]
    audited: tuple[Address, int]
    auditor: Address
    permit: Mapping[str, object]


async def collect_community(services: Services, now: int, holder: Address) -> CommunityFacts:
    """Looks up what examples can speak of now; `holder` has payment tokens."""
    index = services.index
    members = (await index.read(lambda each: consortium.members(each, Cut(200)))).items
    accounts = [each.account for each in members if each.is_member] or [household_address(0)]
    proposals = (
        await index.read(lambda each: consortium.proposals(each, _LOOKED_AT, now=now))
    ).items
    asked = (
        await index.read(lambda each: treasury.withdrawals(each, _LOOKED_AT, state="requested"))
    ).items
    held = (
        await index.read(lambda each: audits.audits(each, _LOOKED_AT, now=now, state="held"))
    ).items
    pending = _in_state(proposals, "pending")
    admitted = {each.account for each in members}
    newcomer = next(
        number for number in range(_SPARE + 1) if household_address(number) not in admitted
    )
    audited, auditor = await _audited(services, held)
    withdrawal_id = _latest(each for each in asked if now < each.at + PAYOUT_TIME)
    return CommunityFacts(
        now=now,
        member=accounts[-1],
        newcomer=household_address(newcomer),
        newcomer_number=newcomer + 1,
        holder=holder,
        proposal_id=_id(proposals),
        pending_id=_id(pending),
        proposer=pending[0].proposer if pending else accounts[-1],
        ballot=await _ballot(services, _in_state(proposals, "active"), accounts),
        succeeded_id=_id(_in_state(proposals, "succeeded")),
        due_id=_id([each for each in _in_state(proposals, "queued") if (each.eta or 0) <= now]),
        withdrawal_id=withdrawal_id,
        overdue_id=_latest(each for each in asked if now >= each.at + PAYOUT_TIME),
        treasurer=await _treasurer(services, withdrawal_id),
        reserve=(await services.ledger.reserve()).amount,
        doubtful=_undoubted(held, now),
        audited=audited,
        auditor=auditor,
        permit=await _permit(services, holder, now),
    )


def _in_state(found: Iterable[ProposalRecord], state: str) -> list[ProposalRecord]:
    return [each for each in found if each.state == state]


def _id(found: Iterable[ProposalRecord]) -> str:
    return next((str(each.proposal_id) for each in found), "1")


def _latest(found: Iterable[WithdrawalRecord]) -> int:
    return next((each.withdrawal_id for each in found), 1)


async def _ballot(
    services: Services, active: list[ProposalRecord], members: list[Address]
) -> tuple[str, Address]:
    """A proposal that is voted on, and a member that has not voted yet."""
    for proposal in active:
        chosen = partial(consortium.ballots, proposal_ids=[proposal.proposal_id])
        cast = await services.index.read(chosen)
        voted = {each.voter for each in cast}
        for member in members:
            if member not in voted:
                return str(proposal.proposal_id), member
    return _id(active), members[0]


async def _treasurer(services: Services, withdrawal_id: int) -> Address:
    """A treasurer who has not said anything of a withdrawal."""
    ids = (withdrawal_id,)
    paid = await services.index.read(lambda each: treasury.payout_confirmations(each, ids))
    refused = await services.index.read(lambda each: treasury.rejections(each, ids))
    said = [*paid.get(withdrawal_id, []), *refused.get(withdrawal_id, [])]
    return _other({each.treasurer for each in said}, TREASURERS)


def _other(said: set[Address], numbers: tuple[int, ...]) -> Address:
    accounts = [development_address(number) for number in numbers]
    return next((each for each in accounts if each not in said), accounts[0])


def _undoubted(held: Iterable[AuditRecord], now: int) -> tuple[Address, int]:
    """A household whose reading of the present window nobody doubts."""
    window = window_at(now)
    doubted = {each.participant for each in held if each.window == window}
    households = map(household_address, range(_SPARE))
    return next(each for each in households if each not in doubted), window


async def _audited(
    services: Services, held: Iterable[AuditRecord]
) -> tuple[tuple[Address, int], Address]:
    """A held reading that there is, and an auditor who has not said anything of it."""
    for audit in held:
        chosen = partial(queries.readings, cut=Cut(1), window=audit.window, owner=audit.participant)
        if (await services.index.read(chosen)).items:
            place = audits.place_of(audit)
            confirmed = await services.index.read(partial(audits.confirmations, found=[audit]))
            corrected = await services.index.read(partial(audits.corrections, found=[audit]))
            said = {each.auditor for each in confirmed[place]}
            said |= {each.auditor for each in corrected[place]}
            return (audit.participant, audit.window), _other(said, AUDITORS)
    return (household_address(0), 1), development_address(AUDITORS[0])


async def _permit(services: Services, owner: Address, now: int) -> Mapping[str, object]:
    """An allowance for the treasury, signed by its owner."""
    ledger, terms = services.ledger, {"owner": owner, "amount": 1, "deadline": now + _LATER}
    signature = bytes(65)
    if services.development is not None and owner in services.development:
        permit = Permit(
            owner=owner,
            spender=ledger.contracts[TREASURY].address,
            value=1,
            nonce=await services.relayer.permit_nonce_of(owner),
            deadline=now + _LATER,
        )
        key = services.development.key_of(owner)
        signature = sign(permit_digest(ledger.payment_domain, permit), key)
    return terms | {"spender": "treasury", "signature": f"0x{signature.hex()}"}


def _hash(facts: CommunityFacts, purpose: str) -> str:
    return f"0x{keccak(f'{purpose} {facts.now} {facts.proposal_id}'.encode()).hex()}"


def _admission(facts: CommunityFacts) -> Mapping[str, object]:
    return {
        "from": facts.member,
        "description": f"Welcome household {facts.newcomer_number}, asked at {facts.now}",
        "calls": [
            {
                "contract": "Membership",
                "function": "admit",
                "arguments": {
                    "account": facts.newcomer,
                    "householdId": f"0x{facts.newcomer_number:064x}",
                },
            }
        ],
    }


def _advance(proposal_id: str) -> tuple[Parameters, Body]:
    return {"proposal_id": proposal_id}, {"from": development_address(KEEPER)}


def _withdrawal(facts: CommunityFacts) -> Mapping[str, object]:
    return {"from": facts.holder, "amount": 1, "payout_hash": _hash(facts, "account")}


def _of_audit(facts: CommunityFacts, **body: object) -> tuple[Parameters, Body]:
    participant, window = facts.audited
    return {"address": participant, "window": window}, {"from": facts.auditor, **body}


COMMUNITY_EXAMPLES: Mapping[str, Callable[[CommunityFacts], tuple[Parameters, Body]]] = {
    "get_consortium": lambda _: ({}, None),
    "list_members": lambda _: ({"limit": 20}, None),
    "list_consortium_proposals": lambda _: ({"limit": 20}, None),
    "get_consortium_proposal": lambda facts: ({"proposal_id": facts.proposal_id}, None),
    "propose": lambda facts: ({}, _admission(facts)),
    "cancel_proposal": lambda facts: ({"proposal_id": facts.pending_id}, {"from": facts.proposer}),
    "cast_vote": lambda facts: (
        {"proposal_id": facts.ballot[0]},
        {"from": facts.ballot[1], "support": "for", "reason": "The more the merrier"},
    ),
    "queue_proposal": lambda facts: _advance(facts.succeeded_id),
    "execute_proposal": lambda facts: _advance(facts.due_id),
    "get_treasury": lambda _: ({}, None),
    "list_bank_deposits": lambda _: ({"limit": 20}, None),
    "confirm_deposit": lambda facts: (
        {},
        {
            "from": development_address(TREASURERS[0]),
            "holder": facts.holder,
            "amount": _AMOUNT,
            "reference": _hash(facts, "deposit"),
        },
    ),
    "list_bank_withdrawals": lambda _: ({"limit": 20}, None),
    "request_withdrawal": lambda facts: ({}, _withdrawal(facts)),
    "get_bank_withdrawal": lambda facts: ({"withdrawal_id": facts.withdrawal_id}, None),
    "confirm_payout": lambda facts: (
        {"withdrawal_id": facts.withdrawal_id},
        {"from": facts.treasurer, "reference": _hash(facts, "payout")},
    ),
    "reject_withdrawal": lambda facts: (
        {"withdrawal_id": facts.withdrawal_id},
        {"from": facts.treasurer},
    ),
    "return_withdrawal": lambda facts: (
        {"withdrawal_id": facts.overdue_id},
        {"from": development_address(KEEPER)},
    ),
    "attest_reserve": lambda facts: (
        {},
        {
            "from": development_address(AUDITORS[0]),
            "amount": min(facts.reserve, UINT53),
            "statement_hash": _hash(facts, "statement"),
        },
    ),
    "list_audits": lambda _: ({"limit": 20}, None),
    "get_audit": lambda facts: (
        {"address": facts.audited[0], "window": facts.audited[1]},
        None,
    ),
    "doubt_reading": lambda facts: (
        {},
        {
            "from": development_address(AUDITORS[0]),
            "participant": facts.doubtful[0],
            "window": facts.doubtful[1],
        },
    ),
    "confirm_reading": _of_audit,
    "correct_reading": lambda facts: _of_audit(
        facts, exported_wh=100, imported_wh=200, data_root=_hash(facts, "batch")
    ),
    "revoke_meter": lambda _: (
        {"address": meter(_SPARE)},
        {"from": development_address(AUDITORS[0])},
    ),
    "get_statement": lambda _: ({"address": household_address(0), "days": 7}, None),
    "get_statement_table": lambda _: ({"address": household_address(0), "days": 7}, None),
    "get_lapses": lambda _: ({"address": household_address(0)}, None),
    "relay_permit": lambda facts: ({}, facts.permit),
    "typed_vote": lambda facts: (
        {},
        {"voter": facts.ballot[1], "proposal_id": facts.ballot[0], "support": "for"},
    ),
    "typed_propose": lambda facts: ({}, _admission(facts)),
    "typed_queue_proposal": lambda facts: (
        {},
        {"from": facts.member, "proposal_id": facts.proposal_id},
    ),
    "typed_execute_proposal": lambda facts: (
        {},
        {"from": facts.member, "proposal_id": facts.proposal_id},
    ),
    "typed_request_withdrawal": lambda facts: ({}, _withdrawal(facts)),
}
"""Parameters and body for each operation, by its id."""
