"""`castVote` and `castVoteBySig`."""

import pytest
from brownie import reverts
from brownie.exceptions import VirtualMachineError

from scripts.decide import propose, vote
from tests.contracts.conftest import index_of, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import plain
from tests.contracts.signing import BALLOT, key

AGAINST, FOR, ABSTAIN = 0, 1, 2
VOTES = ["againstVotes", "forVotes", "abstainVotes"]


def votes_of(consortium, proposal):
    return plain(consortium.proposalVotes(proposal))


@pytest.mark.parametrize("support", [AGAINST, FOR, ABSTAIN])
def test_counts_one_for_each_member(consortium, open_vote, members, support):
    for member in members:
        consortium.castVote(open_vote, support, {"from": member})
        assert consortium.hasVoted(open_vote, member)

    assert votes_of(consortium, open_vote) == {
        name: len(members) * (number == support) for number, name in enumerate(VOTES)
    }


def test_counts_a_signed_vote(consortium, open_vote, ballot, seller, outsider):
    consortium.castVoteBySig(*ballot(open_vote, seller), {"from": outsider})

    assert consortium.hasVoted(open_vote, seller)
    assert votes_of(consortium, open_vote)["forVotes"] == 1


def test_refuses_to_vote_twice(consortium, open_vote, seller):
    consortium.castVote(open_vote, FOR, {"from": seller})

    with reverts(error("GovernorAlreadyCastVote", seller)):
        consortium.castVote.call(open_vote, AGAINST, {"from": seller})


def test_refuses_to_vote_again_by_signature(consortium, open_vote, ballot, seller, outsider):
    consortium.castVote(open_vote, FOR, {"from": seller})

    with reverts(error("GovernorAlreadyCastVote", seller)):
        consortium.castVoteBySig.call(*ballot(open_vote, seller, AGAINST), {"from": outsider})


def test_refuses_a_signature_again(consortium, open_vote, ballot, seller, outsider):
    vote = ballot(open_vote, seller)
    consortium.castVoteBySig(*vote, {"from": outsider})

    with reverts(error("GovernorInvalidSignature", seller)):
        consortium.castVoteBySig.call(*vote, {"from": outsider})


def test_refuses_a_signature_for_another_proposal(
    system, consortium, open_vote, ballot, seller, outsider
):
    _, support, voter, signature = ballot(open_vote + 1, seller)

    with reverts(error("GovernorInvalidSignature", seller)):
        consortium.castVoteBySig.call(open_vote, support, voter, signature, {"from": outsider})


def test_refuses_a_signature_for_another_consortium(
    consortium, membership, open_vote, ballot, seller, outsider
):
    """That of the next street, with the same members and proposals."""
    vote = ballot(open_vote, seller, contract=membership)

    with reverts(error("GovernorInvalidSignature", seller)):
        consortium.castVoteBySig.call(*vote, {"from": outsider})


def test_refuses_a_signature_for_another_chain(
    chain, consortium, open_vote, ballot, seller, outsider
):
    domain = {
        "name": "Peerwatt Consortium",
        "version": "1",
        "verifyingContract": consortium.address,
    }
    values = {"proposalId": open_vote, "support": FOR, "voter": seller.address, "nonce": 0}

    def vote_on(chain_id):
        signature = key(index_of(seller)).sign_typed_data(
            {**domain, "chainId": chain_id}, BALLOT, values
        )
        return open_vote, FOR, seller, bytes(signature.signature)

    consortium.castVoteBySig.call(*vote_on(chain.id), {"from": outsider})
    with reverts(error("GovernorInvalidSignature", seller)):
        consortium.castVoteBySig.call(*vote_on(chain.id + 1), {"from": outsider})


def test_refuses_the_signed_vote_of_who_is_expelled(
    membership, consortium, admin, members, admission, system, ballot, seller, outsider
):
    proposal = propose(system, admission, members[1])
    vote(system, proposal, [])
    signed_vote = ballot(proposal, seller)
    membership.expel(seller, {"from": admin})

    with reverts(error("NotMember", seller)):
        consortium.castVoteBySig.call(*signed_vote, {"from": outsider})


def test_a_household_votes_once_under_all_its_accounts(
    system, membership, consortium, admin, members, admission, seller, outsider
):
    household = membership.householdOf(seller)
    proposal = propose(system, admission, members[1])
    vote(system, proposal, [seller])
    membership.expel(seller, {"from": admin})
    membership.admit(outsider, household, {"from": admin})

    consortium.castVote(proposal, FOR, {"from": outsider})

    assert votes_of(consortium, proposal)["forVotes"] == 1


def test_refuses_a_signature_turned_around(consortium, open_vote, ballot, seller, outsider):
    _, _, voter, signature = ballot(open_vote, seller, FOR)

    with reverts(error("GovernorInvalidSignature", seller)):
        consortium.castVoteBySig.call(open_vote, AGAINST, voter, signature, {"from": outsider})


def test_refuses_another_ones_signature(consortium, open_vote, ballot, seller, outsider):
    with reverts(error("GovernorInvalidSignature", seller)):
        consortium.castVoteBySig.call(
            *ballot(open_vote, seller, signer=outsider), {"from": outsider}
        )


@pytest.mark.parametrize("other", ["operator", "deployer", "newcomer", "outsider"])
def test_refuses_who_is_no_member(consortium, open_vote, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("NotMember", somebody)):
        consortium.castVote.call(open_vote, FOR, {"from": somebody})


def test_refuses_a_vote_before_its_time(consortium, proposal, seller):
    with pytest.raises(VirtualMachineError, match="GovernorUnexpectedProposalState"):
        consortium.castVote.call(proposal, FOR, {"from": seller})


def test_takes_a_vote_in_the_last_second(consortium, open_vote, seller):
    travel_to(consortium.proposalDeadline(open_vote))

    consortium.castVote.call(open_vote, FOR, {"from": seller})


def test_refuses_a_vote_after_its_time(consortium, open_vote, seller):
    travel_to(consortium.proposalDeadline(open_vote) + 1)

    with pytest.raises(VirtualMachineError, match="GovernorUnexpectedProposalState"):
        consortium.castVote.call(open_vote, FOR, {"from": seller})
