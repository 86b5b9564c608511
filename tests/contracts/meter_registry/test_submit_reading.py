"""`submitReading`: what is recorded and minted, and which readings are refused."""

import pytest
from brownie import ZERO_ADDRESS, reverts

from app.ledger.types import MeterKind
from app.market.windows import grace_end, window_end
from tests.contracts.conftest import (
    LAST_WINDOW,
    VALID_UNTIL,
    WINDOW,
    meter_of,
    reading_of,
    travel_to,
)
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain
from tests.contracts.signing import twin_of

MAX_WH = 2**30 - 1
NOTHING = {
    "recorded": False,
    "isStorage": False,
    "held": False,
    "exportedWh": 0,
    "importedWh": 0,
    "lossesWh": 0,
    "retractedWh": 0,
}


@pytest.fixture
def reading(seller):
    """The seller exported 3 kWh and imported 1 in the last window."""
    return reading_of(seller, 3_000, 1_000, window=LAST_WINDOW)


@pytest.fixture
def submit(registry, keeper, sign_reading):
    def submit(reading):
        return registry.submitReading(reading, sign_reading(reading), {"from": keeper})

    return submit


@pytest.fixture
def try_to_submit(registry, keeper, sign_reading):
    def try_to_submit(reading, signature=None):
        if signature is None:
            signature = sign_reading(reading)
        registry.submitReading.call(reading, signature, {"from": keeper})

    return try_to_submit


def test_records_a_reading(registry, submit, reading, seller):
    transaction = submit(reading)

    assert event_of(transaction, "ReadingRecorded") == {
        "owner": seller.address,
        "window": LAST_WINDOW,
        "meter": reading.meter,
        "exportedWh": 3_000,
        "importedWh": 1_000,
        "lossesWh": 0,
        "dataRoot": reading.data_root,
    }
    assert plain(registry.readingOf(seller, LAST_WINDOW)) == {
        **NOTHING,
        "recorded": True,
        "exportedWh": 3_000,
        "importedWh": 1_000,
    }
    assert plain(registry.exportOf(seller, LAST_WINDOW)) == {
        "recorded": True,
        "held": False,
        "exportedWh": 3_000,
    }


def test_makes_tokens_of_an_export(energy_token, submit, reading, seller):
    transaction = submit(reading)

    assert event_of(transaction, "Transfer") == {
        "from": ZERO_ADDRESS,
        "to": seller.address,
        "value": 3_000,
    }
    assert energy_token.balanceOf(seller) == 3_000
    assert energy_token.totalSupply() == 3_000


def test_makes_no_tokens_of_an_import(energy_token, submit, buyer):
    submit(reading_of(buyer, 0, 1_000, window=LAST_WINDOW))

    assert energy_token.totalSupply() == 0


def test_records_that_nothing_was_seen(registry, submit, seller):
    submit(reading_of(seller, 0, 0, window=LAST_WINDOW))

    assert plain(registry.readingOf(seller, LAST_WINDOW)) == {**NOTHING, "recorded": True}


def test_records_a_storage(registry, energy_token, submit, battery):
    submit(reading_of(battery, 500, 2_000, 70, window=LAST_WINDOW))

    assert plain(registry.readingOf(battery, LAST_WINDOW)) == {
        **NOTHING,
        "recorded": True,
        "isStorage": True,
        "exportedWh": 500,
        "importedWh": 2_000,
        "lossesWh": 70,
    }
    assert energy_token.totalSupply() == 0


def test_keeps_windows_apart(registry, submit, seller):
    windows = range(WINDOW, WINDOW + 6)
    for count, window in enumerate(windows, start=1):
        travel_to(window_end(window))
        submit(reading_of(seller, count, 10 * count, window=window))

    recorded = [plain(registry.readingOf(seller, window)) for window in windows]
    assert [reading["exportedWh"] for reading in recorded] == [1, 2, 3, 4, 5, 6]
    assert [reading["importedWh"] for reading in recorded] == [10, 20, 30, 40, 50, 60]


def test_keeps_owners_apart(registry, submit, reading, buyer):
    submit(reading)

    assert plain(registry.readingOf(buyer, LAST_WINDOW)) == NOTHING


def test_changes_nothing_the_second_time(registry, energy_token, submit, reading, seller):
    submit(reading)

    transaction = submit(reading)

    assert len(transaction.events) == 0
    assert energy_token.balanceOf(seller) == 3_000


def test_changes_nothing_the_second_time_for_a_storage(submit, battery):
    reading = reading_of(battery, 500, 2_000, 70, window=LAST_WINDOW)
    submit(reading)

    assert len(submit(reading).events) == 0


def test_belongs_to_the_owner_when_the_meter_is_replaced(
    registry, submit, reading, auditor, seller, outsider, try_to_submit
):
    submit(reading)
    registry.certify(meter_of(outsider).address, seller, 0, VALID_UNTIL, {"from": auditor})

    other = reading_of(outsider, 9_000, window=LAST_WINDOW)
    with reverts(error("ReadingConflict", seller, LAST_WINDOW)):
        try_to_submit(other)


@pytest.mark.parametrize("anyone", ["seller", "operator", "outsider"])
def test_is_open_to_anyone(registry, reading, sign_reading, anyone, request):
    somebody = request.getfixturevalue(anyone)

    registry.submitReading.call(reading, sign_reading(reading), {"from": somebody})


# Guards


def test_refuses_a_meter_without_certificate(try_to_submit, outsider):
    reading = reading_of(outsider, 1_000, window=LAST_WINDOW)

    with reverts(error("MeterUnknown", reading.meter)):
        try_to_submit(reading)


@pytest.mark.parametrize("change", [{"exported_wh": 3_001}, {"imported_wh": 999}])
def test_refuses_another_reading_for_the_window(submit, try_to_submit, reading, seller, change):
    submit(reading)

    with reverts(error("ReadingConflict", seller, LAST_WINDOW)):
        try_to_submit(reading._replace(**change))


def test_refuses_other_losses_for_the_window(submit, try_to_submit, battery):
    reading = reading_of(battery, 500, 2_000, 70, window=LAST_WINDOW)
    submit(reading)

    with reverts(error("ReadingConflict", battery, LAST_WINDOW)):
        try_to_submit(reading._replace(losses_wh=71))


def test_refuses_a_reading_again_when_the_kind_has_changed(
    registry, certify, submit, try_to_submit, reading, seller
):
    submit(reading)
    certify(seller, MeterKind.STORAGE)

    with reverts(error("ReadingConflict", seller, LAST_WINDOW)):
        try_to_submit(reading)


def test_refuses_losses_of_a_household(try_to_submit, reading):
    with reverts(error("LossesNotStorage", reading.meter, 1)):
        try_to_submit(reading._replace(losses_wh=1))


# Signatures


def test_refuses_the_signature_of_another_meter(try_to_submit, sign_reading, reading, buyer):
    with reverts(error("SignatureInvalid", reading.meter)):
        try_to_submit(reading, sign_reading(reading, meter_of(buyer)))


@pytest.mark.parametrize(
    "change",
    [
        {"exported_wh": 3_001},
        {"imported_wh": 999},
        {"window": LAST_WINDOW - 1},
        {"data_root": b"\x0e" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_refuses_what_the_meter_did_not_sign(try_to_submit, sign_reading, reading, change):
    with reverts(error("SignatureInvalid", reading.meter)):
        try_to_submit(reading._replace(**change), sign_reading(reading))


@pytest.mark.parametrize("length", [0, 64, 66])
def test_refuses_a_signature_of_another_length(try_to_submit, sign_reading, reading, length):
    signature = (sign_reading(reading) + b"\x00")[:length]

    with reverts(error("SignatureInvalid", reading.meter)):
        try_to_submit(reading, signature)


def test_refuses_the_twin_of_a_signature(try_to_submit, sign_reading, reading):
    with reverts(error("SignatureInvalid", reading.meter)):
        try_to_submit(reading, twin_of(sign_reading(reading)))


# Edges


def test_waits_for_the_end_of_the_window(try_to_submit, reading):
    reading = reading._replace(window=WINDOW)
    end = window_end(WINDOW)

    travel_to(end - 1)
    with reverts(error("ReadingTooEarly", WINDOW, end)):
        try_to_submit(reading)
    travel_to(end)
    try_to_submit(reading)


def test_closes_two_windows_later(try_to_submit, reading):
    last = grace_end(LAST_WINDOW) - 1

    travel_to(last)
    try_to_submit(reading)
    travel_to(last + 1)
    with reverts(error("ReadingTooLate", LAST_WINDOW, last)):
        try_to_submit(reading)


@pytest.mark.parametrize("window", [0, 2**64 - 1])
def test_survives_the_first_and_the_last_window(try_to_submit, reading, window):
    expected = (
        error("ReadingTooLate", 0, grace_end(0) - 1)
        if window == 0
        else error("ReadingTooEarly", window, window_end(window))
    )

    with reverts(expected):
        try_to_submit(reading._replace(window=window))


def test_needs_a_certificate_for_the_whole_window(certify, try_to_submit, reading, seller):
    reading = reading._replace(window=WINDOW)
    certify(seller, valid_until=window_end(WINDOW))
    travel_to(window_end(WINDOW))
    try_to_submit(reading)


def test_refuses_a_certificate_that_ended_within_the_window(
    certify, try_to_submit, reading, seller
):
    reading = reading._replace(window=WINDOW)
    certify(seller, valid_until=window_end(WINDOW) - 1)
    travel_to(window_end(WINDOW))

    with reverts(error("MeterExpired", reading.meter, window_end(WINDOW) - 1)):
        try_to_submit(reading)


@pytest.mark.parametrize("field", ["exported_wh", "imported_wh", "losses_wh"])
def test_takes_energy_of_30_bits(try_to_submit, battery, field):
    reading = reading_of(battery, window=LAST_WINDOW)
    try_to_submit(reading._replace(**{field: MAX_WH}))

    with reverts(error("ReadingTooLarge", MAX_WH + 1, MAX_WH)):
        try_to_submit(reading._replace(**{field: MAX_WH + 1}))


def test_keeps_the_largest_energies_apart(registry, submit, battery):
    submit(reading_of(battery, MAX_WH, MAX_WH, MAX_WH, window=LAST_WINDOW))

    assert plain(registry.readingOf(battery, LAST_WINDOW)) == {
        **NOTHING,
        "recorded": True,
        "isStorage": True,
        "exportedWh": MAX_WH,
        "importedWh": MAX_WH,
        "lossesWh": MAX_WH,
    }
    for neighbour in (LAST_WINDOW - 1, LAST_WINDOW + 1):
        assert plain(registry.readingOf(battery, neighbour)) == NOTHING
