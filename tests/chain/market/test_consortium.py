"""The members decide: a proposal from its making to its execution, and what may go wrong."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from app.chain.keys import Keystore, household_address
from app.errors import ContractRevertedError, ForbiddenError, InputError, NotFoundError
from app.ledger.chain import AUCTION, MARKET, ChainLedger
from app.ledger.consortium import (
    CONSORTIUM,
    MEMBERSHIP,
    Consortium,
    Proposal,
    ProposalState,
    ProposedCall,
    Support,
    Tally,
    VotingRules,
    calls_of,
    decide,
)
from app.ledger.relayer import Relayer
from app.ledger.types import Address
from app.market.clearing import PricingRule
from app.market.typed_data import ballot_digest, forward_request_digest, sign

FOUNDERS = tuple(household_address(number) for number in range(4))

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def consortium(ledger: ChainLedger) -> Consortium:
    return Consortium(ledger)


@pytest.fixture
def admission() -> ProposedCall:
    """The next household, whom nobody has admitted."""
    return ProposedCall(MEMBERSHIP, "admit", (household_address(80), b"\x50" * 32))


@pytest_asyncio.fixture(loop_scope="session")
async def proposal(
    ledger: ChainLedger, consortium: Consortium, admission: ProposedCall
) -> AsyncIterator[Proposal]:
    """Open to votes."""
    receipt = await consortium.propose(FOUNDERS[0], [admission], f"Welcome, at {ledger.now()}")
    found = await consortium.proposal(receipt.result)
    await ledger.clock.advance_to(found.vote_start + 1)
    yield found
    await ledger.clock.advance_to(found.vote_end + 1)


async def test_a_proposal_comes_to_be_executed(ledger: ChainLedger, consortium: Consortium) -> None:
    newcomer = household_address(81)
    call = ProposedCall(MEMBERSHIP, "admit", (newcomer, b"\x51" * 32))

    proposed = await consortium.propose(FOUNDERS[0], [call], "Let household 81 in")

    proposal = await consortium.proposal(proposed.result)
    assert (proposal.proposer, proposal.description) == (FOUNDERS[0], "Let household 81 in")
    assert proposal.calls == (call,)
    assert await consortium.state_of(proposal.id) is ProposalState.PENDING
    assert await consortium.tally_of(proposal.id) == Tally(0, 0, 0, 2)

    await ledger.clock.advance_to(proposal.vote_start + 1)
    assert await consortium.state_of(proposal.id) is ProposalState.ACTIVE
    await consortium.vote(FOUNDERS[0], proposal.id, Support.FOR)
    await consortium.vote(FOUNDERS[1], proposal.id, Support.FOR, "a good neighbour")
    await consortium.vote(FOUNDERS[2], proposal.id, Support.AGAINST)
    await consortium.vote(FOUNDERS[3], proposal.id, Support.ABSTAIN)
    assert await consortium.tally_of(proposal.id) == Tally(1, 2, 1, 2)
    assert await consortium.has_voted(proposal.id, FOUNDERS[3])
    assert not await consortium.has_voted(proposal.id, newcomer)

    await ledger.clock.advance_to(proposal.vote_end + 1)
    assert await consortium.state_of(proposal.id) is ProposalState.SUCCEEDED
    assert await consortium.executable_at(proposal.id) == 0
    await consortium.queue(newcomer, proposal)
    assert await consortium.state_of(proposal.id) is ProposalState.QUEUED
    eta = await consortium.executable_at(proposal.id)
    assert eta == ledger.now() + (await consortium.rules()).execution_delay
    await ledger.clock.advance_to(eta)
    await consortium.execute(newcomer, proposal)

    assert await consortium.state_of(proposal.id) is ProposalState.EXECUTED
    assert await consortium.is_member(newcomer)
    members = await consortium.members()
    assert [member.account for member in members][:4] == list(FOUNDERS)
    assert members[-1].account == newcomer
    assert members[-1].household_id == b"\x51" * 32
    await decide(ledger, FOUNDERS[0], MEMBERSHIP, "expel", newcomer)
    assert newcomer not in [member.account for member in await consortium.members()]
    assert not await consortium.is_member(newcomer)


async def test_the_rules_are_those_of_the_deployment(consortium: Consortium) -> None:
    assert await consortium.rules() == VotingRules(
        voting_delay=0, voting_period=60, execution_delay=30, quorum_percent=50
    )


async def test_a_vote_by_signature(
    ledger: ChainLedger, consortium: Consortium, proposal: Proposal, outsider: Address
) -> None:
    ballot = await consortium.ballot(FOUNDERS[1], proposal.id, Support.AGAINST)
    signature = consortium.sign_ballot(ballot)

    receipt = await consortium.vote_by_signature(outsider, ballot, signature)

    (cast,) = [event for event in receipt.events if event.name == "VoteCast"]
    assert (cast.arguments["voter"], cast.arguments["support"]) == (FOUNDERS[1], 0)
    assert (await consortium.tally_of(proposal.id)).against == 1
    with pytest.raises(ContractRevertedError) as replayed:
        await consortium.vote_by_signature(outsider, ballot, signature)
    assert replayed.value.error == "GovernorInvalidSignature"
    assert replayed.value.arguments == {"voter": FOUNDERS[1]}


async def test_a_ballot_that_somebody_else_signed_or_changed_is_not_sent(
    ledger: ChainLedger, consortium: Consortium, proposal: Proposal, outsider: Address
) -> None:
    ballot = await consortium.ballot(FOUNDERS[1], proposal.id, Support.FOR)
    digest = ballot_digest(ledger.consortium_domain, ballot)
    height = await ledger.rpc.read("eth_blockNumber")

    with pytest.raises(ForbiddenError):
        await consortium.vote_by_signature(
            outsider, ballot, sign(digest, ledger.keys.key_of(outsider))
        )
    with pytest.raises(ForbiddenError):
        await consortium.vote_by_signature(
            outsider,
            replace(ballot, support=Support.AGAINST),
            consortium.sign_ballot(ballot),
        )

    assert await ledger.rpc.read("eth_blockNumber") == height


async def test_a_member_votes_once(consortium: Consortium, proposal: Proposal) -> None:
    await consortium.vote(FOUNDERS[2], proposal.id, Support.FOR)

    with pytest.raises(ContractRevertedError) as caught:
        await consortium.vote(FOUNDERS[2], proposal.id, Support.AGAINST)

    assert caught.value.error == "GovernorAlreadyCastVote"
    assert caught.value.arguments == {"voter": FOUNDERS[2]}


async def test_who_is_no_member_neither_proposes_nor_votes(
    consortium: Consortium, proposal: Proposal, admission: ProposedCall, outsider: Address
) -> None:
    with pytest.raises(ContractRevertedError) as proposing:
        await consortium.propose(outsider, [admission], "me, too")
    with pytest.raises(ContractRevertedError) as voting:
        await consortium.vote(outsider, proposal.id, Support.FOR)

    assert proposing.value.error == "GovernorInsufficientProposerVotes"
    assert proposing.value.arguments == {"proposer": outsider, "votes": 0, "threshold": 1}
    assert (voting.value.error, voting.value.contract) == ("NotMember", CONSORTIUM)
    assert voting.value.arguments == {"account": outsider}


async def test_what_has_not_passed_is_not_queued(
    consortium: Consortium, proposal: Proposal, outsider: Address
) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        await consortium.queue(outsider, proposal)

    assert caught.value.error == "GovernorUnexpectedProposalState"
    assert caught.value.arguments["proposalId"] == proposal.id
    assert caught.value.arguments["current"] == ProposalState.ACTIVE


async def test_a_proposer_takes_its_proposal_back(
    ledger: ChainLedger, consortium: Consortium, admission: ProposedCall
) -> None:
    proposed = await consortium.propose(FOUNDERS[1], [admission], f"a mistake at {ledger.now()}")
    proposal = await consortium.proposal(proposed.result)

    await consortium.cancel(FOUNDERS[1], proposal)

    assert await consortium.state_of(proposal.id) is ProposalState.CANCELED


async def test_what_too_few_have_voted_for_is_defeated(
    ledger: ChainLedger, consortium: Consortium, proposal: Proposal
) -> None:
    await consortium.vote(FOUNDERS[0], proposal.id, Support.FOR)

    await ledger.clock.advance_to(proposal.vote_end + 1)

    assert await consortium.state_of(proposal.id) is ProposalState.DEFEATED


async def test_a_proposal_without_gas(
    ledger: ChainLedger, consortium: Consortium, relayer_account: Address, admission: ProposedCall
) -> None:
    """Proposed by a request that the member signs and the gateway sends."""
    relayer, member = Relayer(ledger, relayer_account), FOUNDERS[3]
    admit = ledger.contracts[MEMBERSHIP].encode("admit", *admission.arguments)
    target = ledger.contracts[MEMBERSHIP].address
    request = await relayer.request(
        member, "propose", [target], [0], [admit], "by request", lifetime=600, contract=CONSORTIUM
    )
    digest = forward_request_digest(ledger.forwarder_domain, request)

    receipt = await relayer.relay(request, sign(digest, ledger.keys.key_of(member)))

    assert receipt.function == "propose"
    proposal = await consortium.proposal(int(str(receipt.result)))
    assert (proposal.proposer, proposal.calls) == (member, (admission,))


async def test_calls_without_an_abi_are_kept_as_they_are(
    ledger: ChainLedger, consortium: Consortium, outsider: Address
) -> None:
    market = ledger.contracts[MARKET].address
    calls = [
        ProposedCall(outsider, "", (b"\x01\x02",)),
        ProposedCall(market, "", (b"\xff" * 4,)),
        ProposedCall(MARKET, "unpause"),
    ]

    proposed = await consortium.propose(FOUNDERS[0], calls, f"anything at {ledger.now()}")

    proposal = await consortium.proposal(proposed.result)
    assert list(proposal.calls) == calls
    await consortium.cancel(FOUNDERS[0], proposal)


async def test_an_input_of_another_form_is_not_read(ledger: ChainLedger) -> None:
    """Bytes behind the arguments, which contracts pass over, have to stay: they are hashed."""
    market = ledger.contracts[MARKET]
    longer = market.encode("unpause") + b"\x00"

    assert calls_of(ledger.contracts, [market.address], [0], [longer]) == (
        ProposedCall(market.address, "", (longer,)),
    )


@pytest.mark.parametrize(
    ("field", "calls"),
    [
        ("calls", []),
        ("contract", [ProposedCall("Bank", "unpause")]),
        ("threshold_", [ProposedCall("Treasury", "setThreshold", (-1,))]),
        ("arguments", [ProposedCall("0x" + "12" * 20, "", (5,))]),
    ],
)
async def test_calls_that_make_no_sense_are_not_proposed(
    consortium: Consortium, field: str, calls: list[ProposedCall]
) -> None:
    with pytest.raises(InputError) as caught:
        await consortium.propose(FOUNDERS[0], calls, "nonsense")

    assert caught.value.field == field


async def test_an_unknown_proposal(consortium: Consortium) -> None:
    with pytest.raises(NotFoundError):
        await consortium.proposal(5)
    with pytest.raises(ContractRevertedError) as caught:
        await consortium.state_of(5)

    assert caught.value.error == "GovernorNonexistentProposal"


async def test_members_without_their_keys_cannot_decide_here(ledger: ChainLedger) -> None:
    stranger = ChainLedger(
        ledger.rpc, ledger.deployment, ledger.contracts, Keystore(()), clock=ledger.clock
    )

    with pytest.raises(ForbiddenError, match="no member's key"):
        await decide(stranger, FOUNDERS[0], AUCTION, "setPricingRule", int(PricingRule.UNIFORM))
