"""The members decide, and how one might try to get around them."""

import pytest
from brownie import reverts
from brownie.exceptions import VirtualMachineError

from app.market.windows import window_end
from scripts.decide import call_of, execute, propose, vote
from scripts.deploy import Role
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.errors import error

FOR = 1
HOUSEHOLD = b"number 7".ljust(32, b"\0")


def test_a_household_is_admitted_and_votes(membership, resolve, members, newcomer, outsider):
    resolve(call_of(membership, "admit", newcomer, HOUSEHOLD))

    resolve(call_of(membership, "admit", outsider, b"\x08" * 32), by=[*members[:2], newcomer])

    assert membership.memberCount() == 6


def test_who_is_admitted_later_has_no_vote_yet(
    system, membership, consortium, resolve, members, newcomer, outsider
):
    pending = [call_of(membership, "admit", outsider, b"\x08" * 32)]
    admission = [call_of(membership, "admit", newcomer, HOUSEHOLD)]
    first = propose(system, admission, members[0])
    vote(system, first, members)
    travel_to(consortium.proposalDeadline(first) - 5)
    second = propose(system, pending, members[0])
    travel_to(consortium.proposalDeadline(first) + 1)
    execute(system, admission, members[0])

    assert membership.isMember(newcomer)
    assert consortium.getVotes(newcomer, consortium.proposalSnapshot(second)) == 0


def test_an_expelled_member_settles_and_leaves_with_its_money(
    system,
    membership,
    market,
    resolve,
    members,
    open_agreement,
    record,
    settle_and_close,
    account_of,
    seller,
    buyer,
):
    others = [member for member in members if member != seller]
    resolve(call_of(membership, "expel", seller), by=others)
    assert not membership.isMember(seller)

    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    settle_and_close([open_agreement], [seller, buyer])
    market.withdraw(account_of(seller)["free"], {"from": seller})

    assert account_of(seller) == {"free": 0, "locked": 0, "debt": 0}


def test_an_expelled_member_votes_no_more_not_even_on_what_began_before(
    system, membership, consortium, members, seller, newcomer
):
    expulsion = [call_of(membership, "expel", seller)]
    admission = [call_of(membership, "admit", newcomer, HOUSEHOLD)]
    first = propose(system, expulsion, members[1])
    vote(system, first, members[1:])
    travel_to(consortium.proposalDeadline(first) + 1)
    second = propose(system, admission, seller)
    consortium.queue(*action(expulsion), {"from": seller})
    travel_to(consortium.proposalEta(first))
    consortium.execute(*action(expulsion), {"from": members[1]})

    assert consortium.getVotes(seller, consortium.proposalSnapshot(second)) == 1
    with reverts(error("NotMember", seller)):
        consortium.castVote.call(second, FOR, {"from": seller})
    travel_to(consortium.proposalDeadline(second))
    with reverts(error("GovernorInsufficientProposerVotes", seller, 0, 1)):
        consortium.propose.call(*action(admission)[:3], "again", {"from": seller})


def test_votes_that_were_handed_to_who_is_expelled_are_lost_to_it(
    system, membership, consortium, resolve, members, seller, buyer, newcomer
):
    resolve(call_of(membership, "setDelegationAllowed", True))
    membership.delegate(seller, {"from": buyer})
    resolve(call_of(membership, "expel", seller), by=[*members[2:], seller])
    admission = [call_of(membership, "admit", newcomer, HOUSEHOLD)]
    proposal = propose(system, admission, members[2])
    vote(system, proposal, [])

    assert membership.getVotes(seller) == 1
    with reverts(error("NotMember", seller)):
        consortium.castVote.call(proposal, FOR, {"from": seller})


def test_one_member_alone_decides_nothing(system, membership, consortium, seller, newcomer):
    admission = [call_of(membership, "admit", newcomer, HOUSEHOLD)]
    vote(system, propose(system, admission, seller), [seller])

    with pytest.raises(VirtualMachineError, match="GovernorUnexpectedProposalState"):
        execute(system, admission, seller)


def test_a_proposal_cannot_make_money(payment_token, resolve, consortium, seller):
    with reverts(error("AccessManagedUnauthorized", consortium)):
        resolve(call_of(payment_token, "mint", seller, 10**9, b"\x01" * 32))


def test_a_proposal_cannot_make_energy(system, energy_token, resolve, authority, seller):
    with reverts(error("NotLinked", authority)):
        resolve(call_of(energy_token, "inject", seller, 10**9))


def test_a_proposal_cannot_take_a_households_money(system, payment_token, market, resolve, seller):
    with pytest.raises(VirtualMachineError, match="ERC20InsufficientAllowance"):
        resolve(call_of(payment_token, "transferFrom", market, seller, 1))


def test_the_members_replace_the_operator(market, authority, resolve, operator, outsider):
    resolve(
        call_of(authority, "revokeRole", Role.OPERATOR, operator),
        call_of(authority, "grantRole", Role.OPERATOR, outsider, 0),
    )

    market.pause.call({"from": outsider})
    with reverts(error("AccessManagedUnauthorized", operator)):
        market.pause.call({"from": operator})


def test_the_members_audit_where_the_auditors_do_not(registry, resolve, buyer):
    meter = registry.certificateOf(buyer)["meter"]

    resolve(call_of(registry, "revoke", meter))

    assert not registry.isCertified(buyer)


def test_the_members_certify_a_meter(registry, resolve, newcomer, outsider):
    valid_until = window_end(WINDOW + 24 * 365)

    resolve(call_of(registry, "certify", outsider, newcomer, 0, valid_until))

    certificate = registry.certificateOf(newcomer)
    assert (certificate["meter"], certificate["validUntil"]) == (outsider, valid_until)


def test_the_members_appoint_an_auditor(authority, registry, resolve, outsider, buyer):
    resolve(call_of(authority, "grantRole", Role.AUDITOR, outsider, 0))

    registry.revoke(registry.certificateOf(buyer)["meter"], {"from": outsider})

    assert not registry.isCertified(buyer)


def test_the_members_set_the_rules_of_trade(market, auction, resolve):
    """Of the penalty rate comes what a seller's bond is."""
    resolve(
        call_of(market, "setTermLimits", (20_000, 900_000, 400_000)),
        call_of(market, "setDefaultTerms", (90_000, 300_000, 70_000)),
        call_of(market, "setVenue", auction, False),
        call_of(auction, "setPricingRule", 1),
    )

    assert tuple(market.termLimits()) == (20_000, 900_000, 400_000)
    assert tuple(market.defaultTerms()) == (90_000, 300_000, 70_000)
    assert not market.isVenue(auction)
    assert auction.pricingRuleOf(market.currentWindow() + 2) == 1


def test_the_members_set_how_money_and_readings_are_confirmed(bank, registry, resolve):
    resolve(
        call_of(bank, "setThreshold", 3),
        call_of(bank, "setDailyLimit", 5),
        call_of(registry, "setThreshold", 4),
    )

    assert (bank.threshold(), bank.dailyLimit(), registry.threshold()) == (3, 5, 4)


def test_the_members_pause_trade_themselves(market, resolve, seller):
    resolve(call_of(market, "pause"))

    with reverts(error("EnforcedPause")):
        market.makeOffer.call(WINDOW, 1_000, 100_000, {"from": seller})


def test_the_members_end_a_pause(market, resolve, operator, seller, paused):
    with reverts(error("AccessManagedUnauthorized", operator)):
        market.unpause.call({"from": operator})

    resolve(call_of(market, "unpause"))

    market.makeOffer.call(WINDOW, 1_000, 100_000, {"from": seller})
    with pytest.raises(VirtualMachineError, match="PausedLately"):
        market.pause.call({"from": operator})


def action(calls):
    """Targets, values, inputs and the hash of no description."""
    empty = bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
    return [contract for contract, _ in calls], [0] * len(calls), [data for _, data in calls], empty
