"""`delegate`, `delegateBySig`, `setDelegationAllowed` and `returnVote`."""

import pytest
from brownie import ZERO_ADDRESS, chain, reverts

from tests.contracts.conftest import index_of
from tests.contracts.errors import error
from tests.contracts.plain import event_of
from tests.contracts.signing import key, signed

DELEGATION = {
    "Delegation": [
        {"name": "delegatee", "type": "address"},
        {"name": "nonce", "type": "uint256"},
        {"name": "expiry", "type": "uint256"},
    ]
}


@pytest.fixture
def allowed(membership, admin):
    membership.setDelegationAllowed(True, {"from": admin})


@pytest.fixture
def delegated(membership, allowed, seller, buyer):
    """The buyer's vote is with the seller."""
    membership.delegate(seller, {"from": buyer})


def signature_of(membership, member, delegatee):
    values = {"delegatee": delegatee.address, "nonce": 0, "expiry": chain.time() + 100}
    signature = signed(key(index_of(member)), membership, "Peerwatt Membership", DELEGATION, values)
    r, s, v = signature[:32], signature[32:64], signature[64]
    return delegatee, 0, values["expiry"], v, r, s


def test_is_refused_unless_the_members_allow_it(membership, seller, buyer):
    assert not membership.delegationAllowed()
    with reverts(error("DelegationRefused", buyer, seller)):
        membership.delegate.call(seller, {"from": buyer})


def test_is_refused_by_signature_too(membership, seller, buyer, outsider):
    with reverts(error("DelegationRefused", buyer, seller)):
        membership.delegateBySig.call(*signature_of(membership, buyer, seller), {"from": outsider})


def test_to_oneself_changes_nothing(membership, buyer):
    membership.delegate(buyer, {"from": buyer})

    assert membership.getVotes(buyer) == 1


def test_moves_a_vote_where_the_members_allow_it(membership, delegated, seller, buyer):
    assert membership.delegationAllowed()
    assert membership.getVotes(seller) == 2
    assert membership.getVotes(buyer) == 0


def test_moves_a_vote_by_signature(membership, allowed, seller, buyer, outsider):
    membership.delegateBySig(*signature_of(membership, buyer, seller), {"from": outsider})

    assert membership.getVotes(seller) == 2


def test_goes_to_members_only(membership, allowed, buyer, outsider):
    for nobody in (outsider, ZERO_ADDRESS):
        with reverts(error("DelegationRefused", buyer, nobody)):
            membership.delegate.call(nobody, {"from": buyer})


def test_allowing_is_told(membership, admin):
    transaction = membership.setDelegationAllowed(True, {"from": admin})

    assert event_of(transaction, "DelegationAllowed") == {"allowed": True}


@pytest.mark.parametrize("other", ["operator", "deployer", "seller", "outsider"])
def test_only_the_members_together_allow_it(membership, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        membership.setDelegationAllowed.call(True, {"from": somebody})


def test_a_vote_returns_when_delegation_has_ended(
    membership, admin, delegated, seller, buyer, outsider
):
    membership.setDelegationAllowed(False, {"from": admin})

    membership.returnVote(buyer, {"from": outsider})

    assert membership.getVotes(seller) == 1
    assert membership.getVotes(buyer) == 1


def test_a_vote_returns_from_who_is_expelled(membership, admin, delegated, seller, buyer, outsider):
    membership.expel(seller, {"from": admin})

    membership.returnVote(buyer, {"from": outsider})

    assert membership.getVotes(seller) == 0
    assert membership.getVotes(buyer) == 1


def test_a_vote_that_was_given_stays(membership, delegated, seller, buyer, outsider):
    with reverts(error("DelegationStands", buyer, seller)):
        membership.returnVote.call(buyer, {"from": outsider})


def test_a_vote_that_is_there_need_not_return(membership, buyer, outsider):
    with reverts(error("DelegationStands", buyer, buyer)):
        membership.returnVote.call(buyer, {"from": outsider})


def test_nothing_returns_to_who_is_no_member(membership, outsider):
    with reverts(error("NotMember", outsider)):
        membership.returnVote.call(outsider, {"from": outsider})
