"""ERC-721 and ERC-5192: the token stays where it is."""

import pytest
from brownie import reverts

from tests.contracts.errors import error

TOKEN = 1  # the seller's


@pytest.mark.parametrize("interface", ["0x80ac58cd", "0xb45a3c0e", "0x01ffc9a7"])
def test_says_what_it_is(membership, interface):
    assert membership.supportsInterface(interface)


def test_does_not_say_what_it_is_not(membership):
    assert not membership.supportsInterface("0xffffffff")


def test_is_locked(membership):
    assert membership.locked(TOKEN)


def test_nothing_is_locked_where_nothing_is(membership):
    with reverts(error("ERC721NonexistentToken", 99)):
        membership.locked(99)


def test_counts_time_in_seconds(membership, chain):
    chain.mine()
    assert membership.CLOCK_MODE() == "mode=timestamp"
    assert membership.clock() == chain[-1].timestamp


def test_cannot_be_handed_on(membership, seller, outsider):
    with reverts(error("MembershipBound", TOKEN)):
        membership.transferFrom.call(seller, outsider, TOKEN, {"from": seller})
    with reverts(error("MembershipBound", TOKEN)):
        membership.safeTransferFrom.call(seller, outsider, TOKEN, {"from": seller})


def test_cannot_be_lent(membership, seller, outsider):
    with reverts(error("MembershipBound", TOKEN)):
        membership.approve.call(outsider, TOKEN, {"from": seller})
    with reverts(error("MembershipBound", TOKEN)):
        membership.setApprovalForAll.call(outsider, True, {"from": seller})


def test_founders_are_numbered_from_one(membership, members):
    assert membership.memberCount() == len(members)
    for number, member in enumerate(members, 1):
        assert membership.ownerOf(number) == member
        assert membership.getVotes(member) == 1
