"""Somebody who is called in the middle of a decision or a payout, and calls back."""

import pytest
from brownie import Reentrant, accounts
from eth_utils import keccak

from scripts.decide import call_of, execute, propose, vote
from tests.contracts.conftest import METERS_FROM, VALID_UNTIL, travel_to
from tests.contracts.plain import event_of
from tests.contracts.signing import key

FOR = 1
HOUSEHOLD = b"number 9".ljust(32, b"\0")


@pytest.fixture
def reentrant(deployer):
    return deployer.deploy(Reentrant)


def error_id(signature):
    return keccak(text=signature)[:4]


class Poke:
    """Something to be called that no ABI names."""

    def __init__(self, contract):
        self.address = contract.address


@pytest.fixture
def calls(membership, reentrant, newcomer):
    """What is decided: first the stranger is called, then the newcomer is admitted."""
    return [(Poke(reentrant), "0x12345678"), call_of(membership, "admit", newcomer, HOUSEHOLD)]


@pytest.mark.parametrize(
    ("attempt", "refusal"),
    [
        ("execute", "GovernorUnexpectedProposalState(uint256,uint8,bytes32)"),
        ("relay", "GovernorOnlyExecutor(address)"),
        ("propose", "GovernorInsufficientProposerVotes(address,uint256,uint256)"),
        ("castVote", "NotMember(address)"),
        ("authority", "AccessManagerUnauthorizedAccount(address,uint64)"),
        ("grantRole", "AccessManagerUnauthorizedAccount(address,uint64)"),
        ("admit", "AccessManagedUnauthorized(address)"),
    ],
)
def test_a_decision_is_carried_out_once_and_by_nobody_else(
    system, web3, membership, consortium, members, calls, reentrant, newcomer, attempt, refusal
):
    proposal = propose(system, calls, members[0])
    action = [[to.address for to, _ in calls], [0, 0], [data for _, data in calls]]
    admission = membership.admit.encode_input(reentrant, b"\x01" * 32)
    target, data = {
        "execute": (consortium, consortium.execute.encode_input(*action, web3.keccak(text=""))),
        "relay": (consortium, consortium.relay.encode_input(membership, 0, admission)),
        "propose": (consortium, consortium.propose.encode_input(*action, "again")),
        "castVote": (consortium, consortium.castVote.encode_input(proposal, FOR)),
        "authority": (
            system.authority,
            system.authority.execute.encode_input(membership, admission),
        ),
        "grantRole": (
            system.authority,
            system.authority.grantRole.encode_input(0, reentrant, 0),
        ),
        "admit": (membership, admission),
    }[attempt]
    reentrant.prepare(target, data)
    vote(system, proposal, members)

    execute(system, calls, members[0])

    assert (reentrant.visits(), reentrant.passed()) == (1, False)
    assert bytes(reentrant.answer())[:4] == error_id(refusal)
    assert membership.isMember(newcomer)
    assert membership.memberCount() == len(members) + 1


def test_who_is_asked_for_a_signature_does_not_vote_meanwhile(
    system, membership, consortium, admin, members, admission, reentrant, outsider
):
    membership.admit(reentrant, HOUSEHOLD, {"from": admin})
    travel_to(system.consortium.clock() + 1)
    proposal = propose(system, admission, members[0])
    vote(system, proposal, [])
    reentrant.prepare(consortium, consortium.castVote.encode_input(proposal, FOR))

    consortium.castVoteBySig(proposal, FOR, reentrant, b"anything", {"from": outsider})

    assert consortium.proposalVotes(proposal)["forVotes"] == 1


@pytest.fixture
def rich(market, registry, payment_token, bank, auditor, treasurer, reentrant):
    """The stranger takes part in the market, with money in it and in its pocket."""
    meter = key(METERS_FROM + 50).address
    registry.certify(meter, reentrant, 0, VALID_UNTIL, {"from": auditor})
    bank.confirmDeposit(reentrant, 1_000, b"\x77" * 32, {"from": treasurer})
    for target, data in (
        (market, market.publishInfo.encode_input(("x", b"\x77" * 32, meter, b""))),
        (payment_token, payment_token.approve.encode_input(market, 1_000)),
        (payment_token, payment_token.approve.encode_input(bank, 1_000)),
        (market, market.deposit.encode_input(600)),
    ):
        reentrant.execute(target, data, {"from": accounts[5]})
    return reentrant


def test_who_withdraws_from_the_market_is_not_called(market, payment_token, rich, outsider):
    withdrawal = market.withdraw.encode_input(600)
    rich.prepare(market, withdrawal)

    rich.execute(market, withdrawal, {"from": outsider})

    assert rich.visits() == 0
    assert payment_token.balanceOf(rich) == 1_000


def test_who_is_paid_or_returned_money_is_not_called(
    market, bank, payment_token, treasurer, rich, outsider
):
    supply = payment_token.totalSupply()
    request = bank.requestWithdrawal.encode_input(200, b"\x0a" * 32)
    rich.prepare(bank, request)
    for number in (1, 2):
        rich.execute(bank, request, {"from": outsider})
        assert bank.withdrawalOf(number)["holder"] == rich

    bank.confirmPayout(1, b"\x0b" * 32, {"from": treasurer})
    returned = bank.rejectWithdrawal(2, {"from": treasurer})

    assert event_of(returned, "WithdrawalReturned") == {"withdrawalId": 2}
    assert rich.visits() == 0
    assert payment_token.balanceOf(rich) == 200
    assert payment_token.totalSupply() == supply - 200
    assert payment_token.balanceOf(bank) == 0
