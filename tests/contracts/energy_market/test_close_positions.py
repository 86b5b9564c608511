import pytest
from brownie import reverts

from tests.contracts.conftest import LAST_WINDOW
from tests.contracts.errors import error
from tests.contracts.plain import events_of

MAX_BATCH = 100


@pytest.fixture
def households(record, seller, buyer, battery):
    """Some that have been read."""
    record(seller, 5_000, window=LAST_WINDOW)
    record(buyer, 0, 3_000, window=LAST_WINDOW)
    record(battery, 0, 1_000, 10, window=LAST_WINDOW)
    return [seller, buyer, battery]


def test_closes_all(market, households, keeper):
    transaction = market.closePositions(households, LAST_WINDOW, {"from": keeper})

    closed = events_of(transaction, "PositionClosed")
    assert [(event["participant"], event["netWh"]) for event in closed] == [
        (household.address, net_wh)
        for household, net_wh in zip(households, (5_000, -3_000, -1_000), strict=True)
    ]


def test_passes_over_what_is_closed(market, households, keeper, buyer):
    market.closePosition(buyer, LAST_WINDOW, {"from": keeper})

    transaction = market.closePositions(households, LAST_WINDOW, {"from": keeper})

    closed = events_of(transaction, "PositionClosed")
    assert buyer.address not in [event["participant"] for event in closed]
    assert len(closed) == len(households) - 1


def test_closes_once_what_is_there_twice(market, households, keeper):
    transaction = market.closePositions([households[0]] * 2, LAST_WINDOW, {"from": keeper})

    assert len(events_of(transaction, "PositionClosed")) == 1


def test_takes_an_empty_batch(market, keeper):
    market.closePositions.call([], LAST_WINDOW, {"from": keeper})


def test_refuses_who_takes_no_part(market, households, outsider, keeper):
    with reverts(error("NotParticipant", outsider)):
        market.closePositions.call([*households, outsider], LAST_WINDOW, {"from": keeper})


def test_bounds_a_batch(market, households, keeper):
    market.closePositions.call([households[0]] * MAX_BATCH, LAST_WINDOW, {"from": keeper})

    with reverts(error("BatchTooLarge", MAX_BATCH + 1, MAX_BATCH)):
        market.closePositions.call([households[0]] * (MAX_BATCH + 1), LAST_WINDOW, {"from": keeper})
