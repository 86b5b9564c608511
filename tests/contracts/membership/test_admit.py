import pytest
from brownie import ZERO_ADDRESS, chain, reverts

from tests.contracts.conftest import travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of


def test_gives_one_token_and_one_vote(membership, admin, newcomer, household_id):
    transaction = membership.admit(newcomer, household_id, {"from": admin})

    token_id = int.from_bytes(household_id, "big")
    assert event_of(transaction, "MemberAdmitted") == {
        "member": newcomer.address,
        "householdId": household_id,
    }
    assert event_of(transaction, "Locked") == {"tokenId": token_id}
    assert membership.ownerOf(token_id) == newcomer
    assert membership.isMember(newcomer)
    assert bytes(membership.householdOf(newcomer)) == household_id
    assert membership.memberCount() == 5
    assert membership.delegates(newcomer) == newcomer
    assert membership.getVotes(newcomer) == 1


def test_votes_begin_with_the_admission(membership, admitted):
    admitted_at = chain.time()
    travel_to(admitted_at + 10)

    assert membership.getPastVotes(admitted, admitted_at - 10) == 0
    assert membership.getPastVotes(admitted, admitted_at + 5) == 1
    assert membership.getPastTotalSupply(admitted_at - 10) == 4
    assert membership.getPastTotalSupply(admitted_at + 5) == 5


def test_refuses_a_second_membership_of_an_account(membership, admin, admitted):
    with reverts(error("AlreadyMember", admitted)):
        membership.admit.call(admitted, b"\x02" * 32, {"from": admin})


def test_refuses_a_second_member_of_a_household(
    membership, admin, admitted, household_id, outsider
):
    with reverts(error("HouseholdTaken", household_id, admitted)):
        membership.admit.call(outsider, household_id, {"from": admin})


def test_refuses_nobody(membership, admin, household_id):
    with reverts(error("ZeroAddress")):
        membership.admit.call(ZERO_ADDRESS, household_id, {"from": admin})


@pytest.mark.parametrize("other", ["operator", "auditor", "deployer", "seller", "outsider"])
def test_refuses_all_but_the_members_together(membership, household_id, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        membership.admit.call(somebody, household_id, {"from": somebody})
