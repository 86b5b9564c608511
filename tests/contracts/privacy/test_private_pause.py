"""`pause` stops what begins, for a while; what has begun is settled all the same."""

import pytest
from brownie import reverts

from app.privacy.pedersen import commit
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.errors import error

LENGTH = 3 * 24 * 3600
REST = 4 * 24 * 3600


@pytest.fixture
def pause(private_market, operator):
    def pause():
        return private_market.pause({"from": operator})

    return pause


def test_stops_offers(private_market, private_round, trade, member_keys, ring, pause, relayer):
    offer = trade.offer(member_keys[1], ring, WINDOW)
    pause()

    for function, arguments in (
        (private_market.makeOffer, (offer.terms, offer.proofs)),
        (private_market.makeOffers, ([offer.terms], [offer.proofs])),
        (private_market.makeOffers, ([], [])),
    ):
        with reverts(error("EnforcedPause")):
            function.call(*arguments, {"from": relayer})


def test_stops_agreements(private_market, private_agreement, payment, pause, relayer):
    agreement = private_agreement
    arguments = (agreement.struct, agreement.proofs, agreement.seller_signature, payment)
    pause()

    with reverts(error("EnforcedPause")):
        private_market.allowTransaction.call(*arguments, {"from": relayer})
    for batch in ([[each] for each in arguments], [[]] * 4):
        with reverts(error("EnforcedPause")):
            private_market.allowTransactions.call(*batch, {"from": relayer})


def test_what_was_agreed_is_settled(private_market, trade, allowed, operator_key, pause, keeper):
    pause()
    word = trade.attestation(operator_key, allowed, commit(allowed.energy))

    private_market.makeTransaction(allowed.struct, word, {"from": keeper})

    assert private_market.agreementState(allowed.id) == 2


def test_what_nobody_attested_returns(private_market, allowed, pause, keeper):
    pause()
    travel_to((WINDOW + 3) * 3600)

    private_market.cancelTransaction(allowed.struct, {"from": keeper})

    assert private_market.paused()


def test_members_join_and_rounds_open(private_market, member_keys, members, trade, pause, keeper):
    key = member_keys[0]
    pause()

    with reverts(error("KeyTaken", key.public[0], members[0])):
        private_market.publishInfo.call(
            key.public, trade.possession(key, members[0].address), {"from": members[0]}
        )
    private_market.openRound(WINDOW, {"from": keeper})


def test_ends_by_itself_and_rests(private_market, operator, pause):
    end = pause().timestamp + LENGTH
    assert private_market.pausedUntil() == end
    with reverts(error("EnforcedPause")):
        private_market.pause.call({"from": operator})

    travel_to(end)

    assert not private_market.paused()
    with reverts(error("PausedLately", end + REST)):
        private_market.pause.call({"from": operator})


def test_members_end_it(private_market, private_round, trade, member_keys, ring, pause, admin):
    offer = trade.offer(member_keys[1], ring, WINDOW)
    pause()

    private_market.unpause({"from": admin})

    private_market.makeOffer(offer.terms, offer.proofs, {"from": admin})
    with reverts(error("ExpectedPause")):
        private_market.unpause.call({"from": admin})


@pytest.mark.parametrize("other", ["auditor", "treasurer", "seller", "outsider", "relayer"])
def test_the_operator_alone_pauses(private_market, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        private_market.pause.call({"from": somebody})


@pytest.mark.parametrize("other", ["operator", "auditor", "seller", "outsider", "relayer"])
def test_the_members_alone_end_it(private_market, pause, other, request):
    somebody = request.getfixturevalue(other)
    pause()

    with reverts(error("AccessManagedUnauthorized", somebody)):
        private_market.unpause.call({"from": somebody})
