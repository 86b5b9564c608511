import pytest
from brownie import reverts

from tests.contracts.errors import error
from tests.contracts.plain import event_of


def test_takes_token_and_vote(membership, admin, admitted, household_id):
    transaction = membership.expel(admitted, {"from": admin})

    assert event_of(transaction, "MemberExpelled") == {
        "member": admitted.address,
        "householdId": household_id,
    }
    assert not membership.isMember(admitted)
    assert membership.memberCount() == 4
    assert membership.getVotes(admitted) == 0
    assert membership.balanceOf(admitted) == 0
    with reverts(error("NotMember", admitted)):
        membership.householdOf(admitted)


def test_leaves_a_way_back(membership, admin, admitted, household_id):
    membership.expel(admitted, {"from": admin})

    membership.admit(admitted, household_id, {"from": admin})

    assert membership.getVotes(admitted) == 1


def test_a_way_back_under_another_account(membership, admin, admitted, household_id, outsider):
    membership.expel(admitted, {"from": admin})

    membership.admit(outsider, household_id, {"from": admin})

    assert bytes(membership.householdOf(outsider)) == household_id


def test_who_comes_back_votes_for_itself(membership, admin, admitted, seller, household_id):
    membership.setDelegationAllowed(True, {"from": admin})
    membership.delegate(seller, {"from": admitted})
    membership.expel(admitted, {"from": admin})

    membership.admit(admitted, household_id, {"from": admin})

    assert membership.getVotes(seller) == 1
    assert membership.getVotes(admitted) == 1


def test_refuses_who_is_no_member(membership, admin, outsider):
    with reverts(error("NotMember", outsider)):
        membership.expel.call(outsider, {"from": admin})


@pytest.mark.parametrize("other", ["operator", "auditor", "deployer", "seller", "outsider"])
def test_refuses_all_but_the_members_together(membership, buyer, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        membership.expel.call(buyer, {"from": somebody})
