"""What passes, and when it holds."""

import pytest
from brownie import reverts
from brownie.exceptions import VirtualMachineError

from scripts.decide import call_of, propose, vote
from tests.contracts.conftest import travel_to
from tests.contracts.errors import error

AGAINST, FOR, ABSTAIN = 0, 1, 2
DEFEATED, SUCCEEDED, QUEUED, EXECUTED = 3, 4, 5, 7


@pytest.fixture
def poll(consortium, open_vote, members):
    """What becomes of a proposal with these votes."""

    def poll(*votes):
        for member, support in zip(members, votes, strict=False):
            consortium.castVote(open_vote, support, {"from": member})
        travel_to(consortium.proposalDeadline(open_vote) + 1)
        return consortium.state(open_vote)

    return poll


@pytest.fixture
def action(admission, web3):
    ((contract, data),) = admission
    return [contract], [0], [data], web3.keccak(text="")


@pytest.mark.parametrize(
    ("votes", "outcome"),
    [
        ((FOR, FOR), SUCCEEDED),
        ((FOR, ABSTAIN), SUCCEEDED),
        ((FOR, FOR, AGAINST), SUCCEEDED),
        ((FOR,), DEFEATED),
        ((FOR, AGAINST), DEFEATED),
        ((FOR, FOR, AGAINST, AGAINST), DEFEATED),
        ((ABSTAIN, ABSTAIN, ABSTAIN), DEFEATED),
        ((), DEFEATED),
    ],
)
def test_passes_with_a_majority_and_half_of_the_members(poll, votes, outcome):
    assert poll(*votes) == outcome


def test_half_of_three_are_two(system, membership, consortium, admin, admission, members):
    """None of them decides alone while the others are away."""
    membership.expel(members[3], {"from": admin})
    travel_to(consortium.clock() + 1)
    proposal = propose(system, admission, members[0])
    vote(system, proposal, members[:1])
    travel_to(consortium.proposalDeadline(proposal) + 1)

    assert consortium.quorum(consortium.proposalSnapshot(proposal)) == 2
    assert consortium.state(proposal) == DEFEATED


def test_what_has_passed_is_done(membership, consortium, poll, conclude, open_vote, newcomer):
    poll(FOR, FOR, FOR)

    conclude()

    assert consortium.state(open_vote) == EXECUTED
    assert membership.isMember(newcomer)


def test_everybody_has_time_to_see_it(consortium, poll, action, open_vote, outsider):
    poll(FOR, FOR, FOR)
    queued = consortium.queue(*action, {"from": outsider})
    eta = consortium.proposalEta(open_vote)
    assert eta == queued.timestamp + 30

    travel_to(eta - 1)
    with reverts(error("GovernorUnmetDelay", open_vote, eta)):
        consortium.execute.call(*action, {"from": outsider})
    travel_to(eta)
    consortium.execute.call(*action, {"from": outsider})


def test_nobody_goes_around_the_queue(consortium, poll, action, open_vote, outsider):
    poll(FOR, FOR, FOR)

    with reverts(error("NotQueued", open_vote)):
        consortium.execute.call(*action, {"from": outsider})


def test_is_not_done_twice(consortium, poll, conclude, action, outsider):
    poll(FOR, FOR, FOR)
    conclude()

    with pytest.raises(VirtualMachineError, match="GovernorUnexpectedProposalState"):
        consortium.execute.call(*action, {"from": outsider})


def test_what_has_failed_is_not_done(consortium, poll, action, outsider):
    poll(FOR, AGAINST)

    with pytest.raises(VirtualMachineError, match="GovernorUnexpectedProposalState"):
        consortium.queue.call(*action, {"from": outsider})


def test_is_done_as_a_whole_or_not_at_all(system, membership, resolve, newcomer, outsider):
    calls = [
        call_of(membership, "admit", newcomer, b"\x07" * 32),
        call_of(membership, "expel", outsider),
    ]

    with reverts(error("NotMember", outsider)):
        resolve(*calls)

    assert not membership.isMember(newcomer)


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("setVotingDelay", 7),
        ("setVotingPeriod", 7),
        ("setProposalThreshold", 2),
        ("updateQuorumNumerator", 60),
        ("setBaseDelaySeconds", 7),
    ],
)
def test_its_own_rules_are_the_members(consortium, resolve, seller, function, argument):
    with reverts(error("GovernorOnlyExecutor", seller)):
        getattr(consortium, function).call(argument, {"from": seller})

    resolve(call_of(consortium, function, argument))


def test_speaks_for_itself_where_it_holds_something(
    consortium, payment_token, fund, resolve, seller, outsider
):
    fund(seller, 500)
    payment_token.transfer(consortium, 500, {"from": seller})

    transfer = payment_token.transfer.encode_input(outsider, 500)
    resolve(call_of(consortium, "relay", payment_token, 0, transfer))

    assert payment_token.balanceOf(outsider) == 500


def test_two_votes_at_once_do_not_mix(system, membership, members, newcomer, outsider):
    first = [call_of(membership, "admit", newcomer, b"\x07" * 32)]
    second = [call_of(membership, "admit", outsider, b"\x08" * 32)]
    proposals = [propose(system, calls, members[0]) for calls in (first, second)]
    vote(system, proposals[0], members[:3])
    vote(system, proposals[1], members[3:])
    consortium = system.consortium
    travel_to(consortium.proposalDeadline(proposals[1]) + 1)

    assert [consortium.state(proposal) for proposal in proposals] == [SUCCEEDED, DEFEATED]
