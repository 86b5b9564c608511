"""`doubtReading`: when an auditor may hold up a reading, and for how long it is held."""

import pytest
from brownie import reverts

from app.market.windows import grace_end, hold_end, window_end, window_start
from tests.contracts.conftest import LAST_WINDOW, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain


@pytest.fixture
def try_to_doubt(registry, auditor):
    def try_to_doubt(owner, window=LAST_WINDOW):
        registry.doubtReading.call(owner, window, {"from": auditor})

    return try_to_doubt


def test_holds_a_reading(registry, doubt, record, auditors, seller):
    record(seller, 3_000, 1_000, window=LAST_WINDOW)

    transaction = doubt(seller)

    assert event_of(transaction, "ReadingHeld") == {
        "owner": seller.address,
        "window": LAST_WINDOW,
        "auditor": auditors[0].address,
        "until": hold_end(LAST_WINDOW),
    }
    assert plain(registry.readingOf(seller, LAST_WINDOW)) == {
        "recorded": True,
        "isStorage": False,
        "held": True,
        "exportedWh": 3_000,
        "importedWh": 1_000,
        "lossesWh": 0,
        "retractedWh": 0,
    }
    assert plain(registry.exportOf(seller, LAST_WINDOW)) == {
        "recorded": True,
        "held": True,
        "exportedWh": 3_000,
    }


def test_holds_what_is_not_there_yet(registry, energy_token, doubt, record, seller):
    doubt(seller)

    record(seller, 3_000, window=LAST_WINDOW)

    reading = registry.readingOf(seller, LAST_WINDOW)
    assert (reading["recorded"], reading["held"]) == (True, True)
    assert energy_token.balanceOf(seller) == 3_000


def test_holds_one_reading_alone(registry, doubt, record, seller, buyer):
    for owner in (seller, buyer):
        record(owner, 3_000, window=LAST_WINDOW)
    record(seller, 1_000, window=LAST_WINDOW - 1)

    doubt(seller)

    assert not registry.readingOf(buyer, LAST_WINDOW)["held"]
    for neighbour in (LAST_WINDOW - 1, LAST_WINDOW + 1):
        assert not registry.readingOf(seller, neighbour)["held"]
    assert registry.readingOf(seller, LAST_WINDOW - 1)["exportedWh"] == 1_000


def test_ends_by_itself(registry, doubt, record, seller):
    record(seller, 3_000, window=LAST_WINDOW)
    doubt(seller)

    travel_to(hold_end(LAST_WINDOW) - 1)
    assert registry.exportOf(seller, LAST_WINDOW)["held"]
    travel_to(hold_end(LAST_WINDOW))
    assert not registry.exportOf(seller, LAST_WINDOW)["held"]
    assert not registry.readingOf(seller, LAST_WINDOW)["held"]


def test_a_second_auditor_adds_nothing(doubt, try_to_doubt, auditors, seller):
    doubt(seller, by=auditors[1])

    with reverts(error("ReadingDoubted", seller, LAST_WINDOW)):
        try_to_doubt(seller)


def test_may_be_repeated_after_a_release(registry, held, confirm, doubt, seller):
    confirm(seller, 0, 1)

    doubt(seller)

    assert registry.readingOf(seller, LAST_WINDOW)["held"]


def test_comes_too_late_when_something_was_delivered(
    market, open_agreement, record, try_to_doubt, keeper, seller, buyer
):
    travel_to(window_end(WINDOW))
    record(seller, 5_000)
    try_to_doubt(seller, WINDOW)
    market.makeTransaction(open_agreement, {"from": keeper})

    with reverts(error("ReadingUsed", seller, WINDOW)):
        try_to_doubt(seller, WINDOW)
    try_to_doubt(buyer, WINDOW)


def test_comes_too_late_when_the_position_is_closed(market, record, try_to_doubt, keeper, seller):
    record(seller, 3_000, window=LAST_WINDOW)
    market.closePosition(seller, LAST_WINDOW, {"from": keeper})

    with reverts(error("ReadingUsed", seller, LAST_WINDOW)):
        try_to_doubt(seller)


def test_may_follow_a_sale_that_delivered_nothing(
    market, open_agreement, try_to_doubt, keeper, seller
):
    travel_to(grace_end(WINDOW))
    market.makeTransaction(open_agreement, {"from": keeper})

    try_to_doubt(seller, WINDOW)


# Edges


def test_waits_for_the_window_to_begin(try_to_doubt, seller):
    bounds = window_start(WINDOW), hold_end(WINDOW)

    travel_to(bounds[0] - 1)
    with reverts(error("AuditTime", WINDOW, *bounds)):
        try_to_doubt(seller, WINDOW)
    travel_to(bounds[0])
    try_to_doubt(seller, WINDOW)


def test_closes_six_windows_after_the_end(try_to_doubt, seller):
    assert hold_end(WINDOW) == window_end(WINDOW + 6)

    travel_to(hold_end(WINDOW) - 1)
    try_to_doubt(seller, WINDOW)
    travel_to(hold_end(WINDOW))
    with reverts(error("AuditTime", WINDOW, window_start(WINDOW), hold_end(WINDOW))):
        try_to_doubt(seller, WINDOW)


@pytest.mark.parametrize("window", [0, 2**64 - 1])
def test_survives_the_first_and_the_last_window(try_to_doubt, seller, window):
    with reverts(error("AuditTime", window, window_start(window), hold_end(window))):
        try_to_doubt(seller, window)


# Access


@pytest.mark.parametrize("other", ["operator", "treasurer", "admin", "seller", "outsider"])
def test_refuses_all_but_the_auditors(registry, seller, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        registry.doubtReading.call(seller, LAST_WINDOW, {"from": somebody})
