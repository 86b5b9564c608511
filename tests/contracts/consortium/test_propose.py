import pytest
from brownie import reverts
from brownie.exceptions import VirtualMachineError

from scripts.decide import call_of, propose
from tests.contracts.errors import error
from tests.contracts.plain import event_of


def test_every_member_may_propose(system, consortium, admission, members):
    for number, member in enumerate(members):
        proposal = propose(system, admission, member, f"The {number}th")
        assert consortium.proposalProposer(proposal) == member
        assert consortium.proposalNeedsQueuing(proposal)


def test_says_when_the_vote_is(system, consortium, admission, seller):
    targets, datas = [admission[0][0]], [admission[0][1]]
    transaction = consortium.propose(targets, [0], datas, "Why", {"from": seller})

    event = event_of(transaction, "ProposalCreated")
    assert event["description"] == "Why"
    assert event["voteStart"] == transaction.timestamp
    assert event["voteEnd"] == transaction.timestamp + 60


def test_refuses_who_is_no_member(consortium, membership, outsider):
    contract, data = call_of(membership, "admit", outsider, b"\x05" * 32)

    with reverts(error("GovernorInsufficientProposerVotes", outsider, 0, 1)):
        consortium.propose.call([contract], [0], [data], "", {"from": outsider})


@pytest.mark.parametrize("other", ["operator", "auditor", "treasurer", "deployer", "treasury"])
def test_refuses_offices(consortium, membership, other, request):
    somebody = request.getfixturevalue(other)
    contract, data = call_of(membership, "admit", somebody, b"\x05" * 32)

    with reverts(error("GovernorInsufficientProposerVotes", somebody, 0, 1)):
        consortium.propose.call([contract], [0], [data], "", {"from": somebody})


def test_refuses_the_same_again(consortium, admission, proposal, buyer):
    contract, data = admission[0]

    with pytest.raises(VirtualMachineError, match="GovernorUnexpectedProposalState"):
        consortium.propose.call([contract], [0], [data], "", {"from": buyer})
