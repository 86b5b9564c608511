import pytest
from brownie import reverts

from tests.contracts.conftest import LAST_WINDOW, reading_of
from tests.contracts.errors import error
from tests.contracts.plain import events_of

MAX_BATCH = 100


@pytest.fixture
def readings(seller, buyer, battery):
    return [
        reading_of(seller, 3_000, window=LAST_WINDOW),
        reading_of(buyer, 0, 2_000, window=LAST_WINDOW),
        reading_of(battery, 0, 1_000, 10, window=LAST_WINDOW),
    ]


@pytest.fixture
def signatures(readings, sign_reading):
    return [sign_reading(reading) for reading in readings]


def test_records_all(registry, readings, signatures, keeper, seller, buyer, battery):
    transaction = registry.submitReadings(readings, signatures, {"from": keeper})

    owners = [event["owner"] for event in events_of(transaction, "ReadingRecorded")]
    assert owners == [seller.address, buyer.address, battery.address]
    for owner in owners:
        assert registry.readingOf(owner, LAST_WINDOW)["recorded"]


def test_goes_on_when_somebody_was_faster(registry, readings, signatures, keeper):
    registry.submitReading(readings[1], signatures[1], {"from": keeper})

    transaction = registry.submitReadings(readings, signatures, {"from": keeper})

    assert len(events_of(transaction, "ReadingRecorded")) == len(readings) - 1


def test_records_all_or_none(registry, readings, signatures, keeper, seller, buyer):
    readings[1] = readings[1]._replace(imported_wh=2_001)

    with reverts(error("SignatureInvalid", readings[1].meter)):
        registry.submitReadings(readings, signatures, {"from": keeper})

    assert not registry.readingOf(seller, LAST_WINDOW)["recorded"]


def test_takes_an_empty_batch(registry, keeper):
    registry.submitReadings.call([], [], {"from": keeper})


def test_needs_a_signature_for_each(registry, readings, signatures, keeper):
    with reverts(error("LengthMismatch", 3, 2)):
        registry.submitReadings.call(readings, signatures[:2], {"from": keeper})


def test_bounds_a_batch(registry, readings, signatures, keeper):
    assert registry.MAX_BATCH() == MAX_BATCH
    registry.submitReadings.call(
        readings[:1] * MAX_BATCH, signatures[:1] * MAX_BATCH, {"from": keeper}
    )

    with reverts(error("BatchTooLarge", MAX_BATCH + 1, MAX_BATCH)):
        registry.submitReadings.call(
            readings[:1] * (MAX_BATCH + 1), signatures[:1] * (MAX_BATCH + 1), {"from": keeper}
        )
