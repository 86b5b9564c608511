"""`correctReading`: what several auditors put in place of what a meter has signed."""

import pytest
from brownie import reverts

from app.ledger.types import MeterKind
from app.market.windows import hold_end
from scripts.decide import call_of
from tests.contracts.conftest import (
    LAST_WINDOW,
    VALID_UNTIL,
    correction_of,
    meter_of,
    reading_of,
    travel_to,
)
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain

MAX_WH = 2**30 - 1


@pytest.fixture
def reading(registry):
    """What is recorded for an owner and a window."""

    def reading(owner, window=LAST_WINDOW):
        return plain(registry.readingOf(owner, window))

    return reading


@pytest.fixture
def correction(seller):
    """The seller has exported 2 kWh, and not 3 as its meter has signed."""
    return correction_of(seller, 2_000, 1_500)


def injected(energy_token):
    return energy_token.energyTotals()["injectedWh"]


def test_replaces_when_enough_have_confirmed(held, correct, correction, reading, auditors, seller):
    first = correct(correction, 0)
    fields = {
        "owner": seller.address,
        "window": LAST_WINDOW,
        "exportedWh": 2_000,
        "importedWh": 1_500,
        "lossesWh": 0,
        "dataRoot": correction.data_root,
    }
    assert event_of(first, "CorrectionConfirmed") == {
        "owner": seller.address,
        "window": LAST_WINDOW,
        "auditor": auditors[0].address,
        "correction": fields,
    }
    assert events_of(first, "ReadingCorrected") == []
    assert (reading(seller)["held"], reading(seller)["exportedWh"]) == (True, 3_000)

    last = correct(correction, 1)
    assert event_of(last, "ReadingCorrected") == fields
    assert event_of(last, "ReadingReleased") == {"owner": seller.address, "window": LAST_WINDOW}
    assert reading(seller) == {
        "recorded": True,
        "isStorage": False,
        "held": False,
        "exportedWh": 2_000,
        "importedWh": 1_500,
        "lossesWh": 0,
        "retractedWh": 1_000,
    }


def test_says_whether_it_was_the_last_one(registry, held, correct, correction, auditors):
    assert not registry.correctReading.call(correction, {"from": auditors[0]})
    correct(correction, 0)
    assert registry.correctReading.call(correction, {"from": auditors[1]})


def test_makes_energy_that_was_missing_at_once(energy_token, held, correct, reading, seller):
    correct(correction_of(seller, 3_400, 1_000), 0, 1)

    assert energy_token.balanceOf(seller) == injected(energy_token) == 3_400
    assert reading(seller)["retractedWh"] == 0


def test_leaves_energy_that_never_was_until_the_position_closes(
    energy_token, held, correct, correction, seller
):
    correct(correction, 0, 1)

    assert energy_token.balanceOf(seller) == injected(energy_token) == 3_000


@pytest.mark.parametrize(
    ("exports", "injected_wh", "retracted_wh"),
    [
        ((2_000, 1_000), 3_000, 2_000),
        ((2_000, 3_000), 3_000, 0),
        ((2_000, 2_500), 3_000, 500),
        ((2_000, 4_000), 4_000, 0),
        ((5_000, 3_000), 5_000, 2_000),
        ((0, 0), 3_000, 3_000),
    ],
)
def test_may_be_corrected_again(
    energy_token, held, doubt, correct, reading, seller, exports, injected_wh, retracted_wh
):
    correct(correction_of(seller, exports[0]), 0, 1)
    doubt(seller)

    correct(correction_of(seller, exports[1]), 1, 2)

    assert injected(energy_token) == energy_token.balanceOf(seller) == injected_wh
    assert (reading(seller)["exportedWh"], reading(seller)["retractedWh"]) == (
        exports[1],
        retracted_wh,
    )


def test_corrects_a_storage(energy_token, record, doubt, correct, reading, battery):
    record(battery, 500, 2_000, 70, window=LAST_WINDOW)
    doubt(battery)

    correct(correction_of(battery, 400, 2_100, 90), 0, 1)

    assert reading(battery) == {
        "recorded": True,
        "isStorage": True,
        "held": False,
        "exportedWh": 400,
        "importedWh": 2_100,
        "lossesWh": 90,
        "retractedWh": 0,
    }
    assert energy_token.totalSupply() == 0


def test_a_storage_that_lost_nothing(record, doubt, correct, reading, battery):
    record(battery, 500, 2_000, 70, window=LAST_WINDOW)
    doubt(battery)

    correct(correction_of(battery, 500, 2_000, 0), 0, 1)

    assert reading(battery)["lossesWh"] == 0


@pytest.mark.parametrize(
    "change",
    [{"exported_wh": 2_001}, {"imported_wh": 1_501}, {"data_root": b"\x0f" * 32}],
    ids=lambda change: next(iter(change)),
)
def test_they_have_to_confirm_the_same(held, correct, correction, reading, seller, change):
    correct(correction, 0)

    correct(correction._replace(**change), 1)

    assert (reading(seller)["held"], reading(seller)["exportedWh"]) == (True, 3_000)


def test_a_confirmation_of_the_reading_is_none_of_a_correction(
    held, confirm, correct, correction, reading, seller
):
    confirm(seller, 0)
    correct(correction, 1)

    assert reading(seller)["held"]


def test_one_auditor_counts_once(registry, held, correct, correction, auditors):
    correct(correction, 0)

    with reverts(error("AlreadyConfirmed", auditors[0])):
        registry.correctReading.call(correction, {"from": auditors[0]})


def test_one_auditor_alone_makes_no_energy(
    energy_token, held, correct, doubt, reading, auditors, seller
):
    """Whatever one says, and however often."""
    for exported_wh in (0, 9_000, MAX_WH):
        correct(correction_of(seller, exported_wh), 0)

    assert injected(energy_token) == energy_token.balanceOf(seller) == 3_000
    assert reading(seller)["exportedWh"] == 3_000


def test_the_members_need_no_auditor(registry, held, resolve, correction, reading, seller):
    resolve(call_of(registry, "correctReading", correction))

    assert (reading(seller)["held"], reading(seller)["exportedWh"]) == (False, 2_000)


def test_stands_against_the_meter(
    registry, energy_token, held, correct, correction, record, reading, seller
):
    """Its signed reading may come again, from anybody."""
    correct(correction, 0, 1)

    assert len(record(seller, 3_000, 1_000, window=LAST_WINDOW).events) == 0
    assert len(record(seller, 9_000, 0, window=LAST_WINDOW).events) == 0

    assert reading(seller)["exportedWh"] == 2_000
    assert energy_token.balanceOf(seller) == 3_000


def test_stands_against_a_new_meter_of_another_kind(
    registry, certify, held, correct, correction, record, reading, seller
):
    correct(correction, 0, 1)
    certify(seller, MeterKind.STORAGE)

    assert len(record(seller, 3_000, 1_000, 7, window=LAST_WINDOW).events) == 0

    assert (reading(seller)["isStorage"], reading(seller)["lossesWh"]) == (False, 0)


def test_leaves_the_neighbours_of_the_window_alone(
    registry, record, doubt, correct, reading, seller
):
    """Four windows share a slot."""
    first = LAST_WINDOW // 4 * 4
    windows = [window for window in range(first, first + 4) if window <= LAST_WINDOW][-2:]
    others = [window for window in range(first - 1, first + 5) if window not in windows]
    for window in windows:
        record(seller, MAX_WH, MAX_WH, window=window)
    doubt(seller, windows[-1])

    correct(correction_of(seller, 0, window=windows[-1]), 0, 1)

    for window in windows[:-1]:
        assert (reading(seller, window)["exportedWh"], reading(seller, window)["importedWh"]) == (
            MAX_WH,
            MAX_WH,
        )
    for window in others:
        assert not any(reading(seller, window).values())


# Guards


def test_refuses_what_nobody_doubts(registry, record, auditor, seller, correction):
    record(seller, 3_000, window=LAST_WINDOW)

    with reverts(error("ReadingNotHeld", seller, LAST_WINDOW)):
        registry.correctReading.call(correction, {"from": auditor})


def test_refuses_what_is_held_no_longer(registry, held, auditor, seller, correction):
    travel_to(hold_end(LAST_WINDOW) - 1)
    registry.correctReading.call(correction, {"from": auditor})

    travel_to(hold_end(LAST_WINDOW))
    with reverts(error("ReadingNotHeld", seller, LAST_WINDOW)):
        registry.correctReading.call(correction, {"from": auditor})


def test_refuses_where_no_meter_has_signed(registry, doubt, auditor, seller, correction):
    doubt(seller)

    with reverts(error("ReadingUnknown", seller, LAST_WINDOW)):
        registry.correctReading.call(correction, {"from": auditor})


def test_refuses_losses_of_a_household(registry, held, auditor, seller):
    with reverts(error("LossesNotStorage", meter_of(seller).address, 1)):
        registry.correctReading.call(correction_of(seller, 3_000, 0, 1), {"from": auditor})


@pytest.mark.parametrize("energies_wh", [(MAX_WH + 1, 0), (0, MAX_WH + 1)])
def test_takes_energy_of_30_bits(registry, held, auditor, seller, energies_wh):
    largest = tuple(min(energy_wh, MAX_WH) for energy_wh in energies_wh)
    registry.correctReading.call(correction_of(seller, *largest), {"from": auditor})

    with reverts(error("ReadingTooLarge", MAX_WH + 1, MAX_WH)):
        registry.correctReading.call(correction_of(seller, *energies_wh), {"from": auditor})


@pytest.mark.parametrize("other", ["operator", "treasurer", "admin", "seller", "outsider"])
def test_refuses_all_but_the_auditors(registry, held, correction, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        registry.correctReading.call(correction, {"from": somebody})


# Certificates


def test_a_revoked_meter_makes_no_energy_while_its_reading_is_held(
    registry, energy_token, doubt, auditor, keeper, sign_reading, seller
):
    reading = reading_of(seller, 3_000, window=LAST_WINDOW)
    doubt(seller)
    registry.revoke(reading.meter, {"from": auditor})

    with reverts(error("MeterUnknown", reading.meter)):
        registry.submitReading.call(reading, sign_reading(reading), {"from": keeper})
    with reverts(error("ReadingUnknown", seller, LAST_WINDOW)):
        registry.correctReading.call(correction_of(seller, 3_000), {"from": auditor})
    assert energy_token.totalSupply() == 0


def test_a_reading_is_corrected_after_its_meter_was_revoked(
    registry, energy_token, held, correct, correction, auditor, reading, seller
):
    """As it is the false meters that are revoked."""
    registry.revoke(meter_of(seller).address, {"from": auditor})

    correct(correction, 0, 1)

    assert reading(seller)["retractedWh"] == 1_000


def test_a_new_meter_is_no_way_around(
    registry, held, correct, correction, auditor, keeper, sign_reading, seller, outsider
):
    correct(correction, 0, 1)
    other = reading_of(outsider, 9_000, window=LAST_WINDOW)
    registry.certify(other.meter, seller, 0, VALID_UNTIL, {"from": auditor})

    assert len(registry.submitReading(other, sign_reading(other), {"from": keeper}).events) == 0
    assert registry.readingOf(seller, LAST_WINDOW)["exportedWh"] == 2_000
