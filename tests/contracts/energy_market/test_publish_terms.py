import pytest
from brownie import reverts

from app.market.windows import window_start
from tests.contracts.conftest import CEILING, FLOOR, LIMITS, PENALTY, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import events_of, plain

TERMS = (70_000, 400_000, 60_000)
MAX_BATCH = 100


def as_terms(grid_floor, grid_ceiling, penalty_rate):
    return {
        "gridFloor": grid_floor,
        "gridCeiling": grid_ceiling,
        "penaltyRate": penalty_rate,
    }


@pytest.fixture
def publish(market, operator):
    def publish(*terms, first_window=WINDOW):
        return market.publishTerms(first_window, terms, {"from": operator})

    return publish


@pytest.fixture
def try_to_publish(market, operator):
    def try_to_publish(*terms, first_window=WINDOW):
        market.publishTerms.call(first_window, terms, {"from": operator})

    return try_to_publish


def test_sets_the_terms_of_consecutive_windows(market, publish):
    other = (75_000, 410_000, 0)

    transaction = publish(TERMS, other)

    assert events_of(transaction, "TermsPublished") == [
        {"window": WINDOW, **as_terms(*TERMS)},
        {"window": WINDOW + 1, **as_terms(*other)},
    ]
    assert plain(market.termsOf(WINDOW)) == as_terms(*TERMS)
    assert plain(market.termsOf(WINDOW + 1)) == as_terms(*other)


def test_leaves_other_windows_with_the_default(market, publish):
    publish(TERMS)

    for window in (WINDOW - 1, WINDOW + 1):
        assert plain(market.termsOf(window)) == as_terms(FLOOR, CEILING, PENALTY)


def test_may_change_before_the_first_offer(market, publish):
    publish(TERMS)
    publish((71_000, 400_000, 0))

    assert market.termsOf(WINDOW)["gridFloor"] == 71_000


def test_holds_in_trade(market, publish, seller):
    publish(TERMS)

    market.makeOffer.call(WINDOW, 1_000, 400_000, {"from": seller})
    with reverts(error("PriceOutOfRange", 400_001, 0, 400_000)):
        market.makeOffer.call(WINDOW, 1_000, 400_001, {"from": seller})


def test_goes_on_while_paused(try_to_publish, paused):
    try_to_publish(TERMS)


def test_takes_an_empty_list(try_to_publish):
    try_to_publish()


# Guards


def test_refuses_a_window_with_an_offer(try_to_publish, offer):
    with reverts(error("TermsFrozen", WINDOW)):
        try_to_publish(TERMS)


def test_refuses_all_where_one_is_frozen(try_to_publish, make_offer):
    make_offer(window=WINDOW + 1)

    with reverts(error("TermsFrozen", WINDOW + 1)):
        try_to_publish(TERMS, TERMS)


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
def test_keeps_within_the_limits(try_to_publish, terms):
    with reverts(error("TermsOutOfLimits", *terms)):
        try_to_publish(TERMS, terms)


# Access


@pytest.mark.parametrize("other", ["outsider", "seller", "auditor", "treasurer", "treasury"])
def test_refuses_all_but_the_operator(market, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        market.publishTerms.call(WINDOW, [TERMS], {"from": somebody})


# Edges


def test_reaches_the_limits(try_to_publish):
    widest = (LIMITS.min_grid_floor, LIMITS.max_grid_ceiling, LIMITS.max_penalty_rate)

    try_to_publish(widest)
    try_to_publish((400_000, 400_000, 0))


def test_closes_when_the_window_begins(try_to_publish):
    travel_to(window_start(WINDOW) - 1)
    try_to_publish(TERMS)

    travel_to(window_start(WINDOW))
    with reverts(error("WindowClosed", WINDOW, window_start(WINDOW))):
        try_to_publish(TERMS)


def test_bounds_a_list(try_to_publish):
    try_to_publish(*[TERMS] * MAX_BATCH)

    with reverts(error("BatchTooLarge", MAX_BATCH + 1, MAX_BATCH)):
        try_to_publish(*[TERMS] * (MAX_BATCH + 1))
