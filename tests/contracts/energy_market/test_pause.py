"""`pause` and `unpause`; what each function does meanwhile is tested with the function."""

import pytest
from brownie import reverts

from tests.contracts.conftest import WINDOW
from tests.contracts.errors import error


def test_stops_trade_until_unpaused(market, operator, seller):
    market.pause({"from": operator})
    assert market.paused()

    market.unpause({"from": operator})
    assert not market.paused()
    market.makeOffer.call(WINDOW, 5_000, 100_000, {"from": seller})


def test_pauses_once(market, operator, paused):
    with reverts(error("EnforcedPause")):
        market.pause.call({"from": operator})


def test_unpauses_once(market, operator):
    with reverts(error("ExpectedPause")):
        market.unpause.call({"from": operator})


@pytest.mark.parametrize("other", ["auditor", "treasurer", "treasury", "seller", "outsider"])
@pytest.mark.parametrize("function", ["pause", "unpause"])
def test_refuses_all_but_the_operator(market, function, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        getattr(market, function).call({"from": somebody})
