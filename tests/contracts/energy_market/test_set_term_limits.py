import pytest
from brownie import reverts

from tests.contracts.conftest import CEILING, FLOOR, PENALTY, WINDOW
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain

LIMITS = (20_000, 500_000, 100_000)
AS_LIMITS = {"minGridFloor": 20_000, "maxGridCeiling": 500_000, "maxPenaltyRate": 100_000}
MAX_PRICE = 2**32 - 1


def test_bounds_the_operator(market, admin, operator):
    transaction = market.setTermLimits(LIMITS, {"from": admin})

    assert event_of(transaction, "TermLimitsSet") == AS_LIMITS
    assert plain(market.termLimits()) == AS_LIMITS
    market.publishTerms.call(WINDOW, [LIMITS], {"from": operator})
    with reverts(error("TermsOutOfLimits", 20_000, 500_001, 100_000)):
        market.publishTerms.call(WINDOW, [(20_000, 500_001, 100_000)], {"from": operator})


def test_leaves_published_terms(market, admin, operator):
    market.publishTerms(WINDOW, [(10_000, 1_000_000, 500_000)], {"from": operator})

    market.setTermLimits(LIMITS, {"from": admin})

    assert market.termsOf(WINDOW)["gridCeiling"] == 1_000_000


# Guards


def test_refuses_a_floor_above_the_ceiling(market, admin):
    with reverts(error("LimitsInvalid", 500_001, 500_000, 0)):
        market.setTermLimits.call((500_001, 500_000, 0), {"from": admin})


@pytest.mark.parametrize(
    "limits",
    [
        (FLOOR + 1, CEILING, PENALTY),
        (FLOOR, CEILING - 1, PENALTY),
        (FLOOR, CEILING, PENALTY - 1),
    ],
)
def test_refuses_limits_that_the_default_terms_break(market, admin, limits):
    with reverts(error("TermsOutOfLimits", FLOOR, CEILING, PENALTY)):
        market.setTermLimits.call(limits, {"from": admin})


@pytest.mark.parametrize("other", ["operator", "auditor", "treasurer", "seller", "outsider"])
def test_refuses_all_but_the_members(market, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        market.setTermLimits.call(LIMITS, {"from": somebody})


# Edges


def test_may_be_as_narrow_as_the_default_terms(market, admin):
    market.setTermLimits.call((FLOOR, CEILING, PENALTY), {"from": admin})


def test_takes_prices_of_32_bits(market, admin):
    market.setTermLimits.call((0, MAX_PRICE, MAX_PRICE), {"from": admin})

    for limits in ((0, MAX_PRICE + 1, MAX_PRICE), (0, MAX_PRICE, MAX_PRICE + 1)):
        with reverts(error("LimitsInvalid", *limits)):
            market.setTermLimits.call(limits, {"from": admin})
