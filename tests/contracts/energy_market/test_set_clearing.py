"""What a window's clearing holds back, and the terms that it begins with."""

import pytest
from brownie import reverts

from tests.contracts.conftest import CEILING, FLOOR, PENALTY, WINDOW
from tests.contracts.errors import error
from tests.contracts.plain import plain


@pytest.fixture
def settling(market, window_over, open_agreement, record, seller, buyer):
    """The window is over, its readings are in: the calls that settle it, in their order."""
    record(seller, 2_000)
    record(buyer, 0, 1_500)
    return {
        "makeTransaction": (open_agreement,),
        "makeTransactions": ([open_agreement],),
        "closePosition": (seller, WINDOW),
        "closePositions": ([seller, buyer], WINDOW),
    }


def test_nothing_is_settled_until_the_last_fill(market, venue, settling, keeper):
    market.setClearing(WINDOW, True, {"from": venue})
    for function, arguments in settling.items():
        with reverts(error("WindowClearing", WINDOW)):
            getattr(market, function).call(*arguments, {"from": keeper})

    market.setClearing(WINDOW, False, {"from": venue})
    for function in ("makeTransaction", "closePositions"):
        getattr(market, function)(*settling[function], {"from": keeper})


def test_other_windows_are_settled_meanwhile(market, venue, settling, keeper):
    market.setClearing(WINDOW - 1, True, {"from": venue})
    market.setClearing(WINDOW + 1, True, {"from": venue})

    for function in ("makeTransaction", "closePositions"):
        getattr(market, function)(*settling[function], {"from": keeper})


def test_keeps_the_terms_as_they_are(market, venue, operator):
    terms = (FLOOR + 1, CEILING - 1, PENALTY + 1)
    market.publishTerms(WINDOW, [terms], {"from": operator})
    market.setClearing(WINDOW, True, {"from": venue})

    assert tuple(plain(market.termsOf(WINDOW)).values()) == terms


def test_is_waited_for_after_the_window_alone(market, venue, open_agreement, keeper):
    market.setClearing(WINDOW, True, {"from": venue})

    with reverts(error("WindowNotOver", WINDOW, (WINDOW + 1) * 3600)):
        market.makeTransaction.call(open_agreement, {"from": keeper})


def test_begins_with_the_frozen_terms(market, venue, operator):
    terms = (FLOOR + 1, CEILING - 1, PENALTY + 1)
    market.publishTerms(WINDOW, [terms], {"from": operator})
    opened = market.openClearing.call(WINDOW, {"from": venue})
    assert tuple(plain(opened).values()) == terms

    market.openClearing(WINDOW, {"from": venue})
    with reverts(error("TermsFrozen", WINDOW)):
        market.publishTerms.call(WINDOW, [terms], {"from": operator})


def test_does_not_begin_while_paused(market, venue, paused):
    with reverts(error("EnforcedPause")):
        market.openClearing.call(WINDOW, {"from": venue})
