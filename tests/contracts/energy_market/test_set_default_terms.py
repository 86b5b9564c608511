import pytest
from brownie import reverts

from app.market.windows import window_start
from tests.contracts.conftest import CEILING, FLOOR, LIMITS, PENALTY, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain

TERMS = (70_000, 400_000, 60_000)
AS_TERMS = {"gridFloor": 70_000, "gridCeiling": 400_000, "penaltyRate": 60_000}
FORMER = {"gridFloor": FLOOR, "gridCeiling": CEILING, "penaltyRate": PENALTY}


def test_sets_the_terms_of_all_windows_without_their_own(market, operator):
    transaction = market.setDefaultTerms(TERMS, {"from": operator})

    assert event_of(transaction, "DefaultTermsSet") == {"fromWindow": WINDOW} | AS_TERMS
    assert plain(market.defaultTerms()) == AS_TERMS
    assert plain(market.termsOf(WINDOW)) == AS_TERMS


def test_leaves_windows_that_have_begun(market, operator):
    market.setDefaultTerms(TERMS, {"from": operator})
    travel_to(window_start(WINDOW))
    market.setDefaultTerms((75_000, 410_000, 0), {"from": operator})

    assert plain(market.termsOf(0)) == FORMER
    assert plain(market.termsOf(WINDOW - 1)) == FORMER
    assert plain(market.termsOf(WINDOW)) == AS_TERMS
    assert market.termsOf(WINDOW + 1)["gridFloor"] == 75_000
    assert market.termsOf(2**64 - 1)["gridFloor"] == 75_000


def test_may_be_set_anew_before_the_window_begins(market, operator):
    market.setDefaultTerms((75_000, 410_000, 0), {"from": operator})
    market.setDefaultTerms(TERMS, {"from": operator})

    assert plain(market.termsOf(WINDOW)) == AS_TERMS


def test_leaves_published_terms(market, operator):
    market.publishTerms(WINDOW, [(75_000, 410_000, 0)], {"from": operator})

    market.setDefaultTerms(TERMS, {"from": operator})

    assert market.termsOf(WINDOW)["gridFloor"] == 75_000


def test_leaves_a_window_with_an_offer(market, offer, operator):
    market.setDefaultTerms(TERMS, {"from": operator})

    assert plain(market.termsOf(WINDOW)) == FORMER


@pytest.mark.parametrize(
    "terms",
    [
        (LIMITS.min_grid_floor - 1, 400_000, 0),
        (70_000, LIMITS.max_grid_ceiling + 1, 0),
        (70_000, 400_000, LIMITS.max_penalty_rate + 1),
        (400_001, 400_000, 0),
    ],
    ids=["floor too low", "ceiling too high", "penalty too high", "floor above ceiling"],
)
def test_keeps_within_the_limits(market, operator, terms):
    with reverts(error("TermsOutOfLimits", *terms)):
        market.setDefaultTerms.call(terms, {"from": operator})


@pytest.mark.parametrize("other", ["outsider", "seller", "auditor", "treasurer", "treasury"])
def test_refuses_all_but_the_operator(market, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        market.setDefaultTerms.call(TERMS, {"from": somebody})


def test_reaches_the_limits(market, operator):
    widest = (LIMITS.min_grid_floor, LIMITS.max_grid_ceiling, LIMITS.max_penalty_rate)

    market.setDefaultTerms.call(widest, {"from": operator})
