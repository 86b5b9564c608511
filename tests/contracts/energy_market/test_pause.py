"""`pause` and `unpause`; what each function does meanwhile is tested with the function."""

import pytest
from brownie import reverts

from tests.contracts.conftest import NOW, WINDOW, travel_to
from tests.contracts.errors import error

LENGTH = 3 * 24 * 3600
REST = 4 * 24 * 3600


def test_stops_trade_until_the_members_end_it(market, operator, admin, seller):
    market.pause({"from": operator})
    assert market.paused()

    market.unpause({"from": admin})
    assert not market.paused()
    market.makeOffer.call(WINDOW, 5_000, 100_000, {"from": seller})


def test_ends_by_itself(market, operator, seller):
    end = market.pause({"from": operator}).timestamp + LENGTH
    assert market.pausedUntil() == end
    assert (market.PAUSE_LENGTH(), market.PAUSE_REST()) == (LENGTH, REST)

    travel_to(end - 1)
    assert market.paused()
    travel_to(end)
    assert not market.paused()
    market.makeOffer.call(end // 3600 + 2, 5_000, 100_000, {"from": seller})


def test_was_never_paused_at_first(market):
    assert market.pausedUntil() == 0
    assert not market.paused()


def test_pauses_once(market, operator, paused):
    with reverts(error("EnforcedPause")):
        market.pause.call({"from": operator})


def test_a_pause_cannot_be_drawn_out(market, operator, paused):
    end = market.pausedUntil()
    travel_to(end)
    with reverts(error("PausedLately", end + REST)):
        market.pause.call({"from": operator})

    travel_to(end + REST - 1)
    with reverts(error("PausedLately", end + REST)):
        market.pause.call({"from": operator})
    travel_to(end + REST)
    market.pause.call({"from": operator})


def test_a_pause_that_the_members_ended_does_not_come_back(market, operator, admin, paused):
    end = market.unpause({"from": admin}).timestamp
    assert market.pausedUntil() == end

    travel_to(NOW + 3600)
    with reverts(error("PausedLately", end + REST)):
        market.pause.call({"from": operator})


def test_unpauses_what_is_paused(market, admin):
    with reverts(error("ExpectedPause")):
        market.unpause.call({"from": admin})


def test_nothing_is_left_to_end_when_the_pause_is_over(market, admin, paused):
    travel_to(market.pausedUntil())

    with reverts(error("ExpectedPause")):
        market.unpause.call({"from": admin})


@pytest.mark.parametrize("other", ["auditor", "treasurer", "treasury", "seller", "outsider"])
def test_refuses_to_pause_for_all_but_the_operator(market, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        market.pause.call({"from": somebody})


@pytest.mark.parametrize("other", ["operator", "auditor", "treasurer", "deployer", "seller"])
def test_refuses_to_unpause_for_all_but_the_members(market, paused, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        market.unpause.call({"from": somebody})
