"""`confirmReading`: how several auditors let a reading stand."""

import pytest
from brownie import reverts

from app.market.windows import hold_end
from scripts.decide import call_of
from scripts.deploy import Role
from tests.contracts.conftest import LAST_WINDOW, correction_of, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain


def is_held(registry, owner):
    return registry.exportOf(owner, LAST_WINDOW)["held"]


def test_releases_when_enough_have_confirmed(registry, held, confirm, auditors, seller):
    first = confirm(seller, 1)
    assert event_of(first, "ReadingConfirmed") == {
        "owner": seller.address,
        "window": LAST_WINDOW,
        "auditor": auditors[1].address,
    }
    assert events_of(first, "ReadingReleased") == []
    assert is_held(registry, seller)

    last = confirm(seller, 2)
    assert event_of(last, "ReadingReleased") == {"owner": seller.address, "window": LAST_WINDOW}
    assert plain(registry.readingOf(seller, LAST_WINDOW)) == {
        "recorded": True,
        "isStorage": False,
        "held": False,
        "exportedWh": 3_000,
        "importedWh": 1_000,
        "lossesWh": 0,
        "retractedWh": 0,
    }


def test_says_whether_it_was_the_last_one(registry, held, confirm, auditors, seller):
    again = registry.confirmReading.call
    assert not again(seller, LAST_WINDOW, {"from": auditors[0]})
    confirm(seller, 0)
    assert again(seller, LAST_WINDOW, {"from": auditors[1]})


def test_who_doubted_may_confirm(registry, held, confirm, seller):
    confirm(seller, 0, 1)

    assert not is_held(registry, seller)


def test_one_auditor_counts_once(registry, held, confirm, auditors, seller):
    confirm(seller, 0)

    with reverts(error("AlreadyConfirmed", auditors[0])):
        registry.confirmReading.call(seller, LAST_WINDOW, {"from": auditors[0]})


def test_one_auditor_counts_once_also_through_the_authority(
    registry, authority, held, confirm, auditors, seller
):
    confirm(seller, 0)
    again = registry.confirmReading.encode_input(seller, LAST_WINDOW)

    with reverts(error("AccessManagerUnauthorizedAccount", auditors[0], Role.ADMIN.value)):
        authority.execute.call(registry, again, {"from": auditors[0]})


def test_who_has_lost_the_role_counts_no_longer(
    registry, authority, admin, held, confirm, auditors, seller
):
    confirm(seller, 0)
    authority.revokeRole(Role.AUDITOR, auditors[0], {"from": admin})

    confirm(seller, 1)
    assert is_held(registry, seller)
    confirm(seller, 2)
    assert not is_held(registry, seller)


def test_a_confirmation_is_of_what_was_seen(registry, doubt, confirm, record, seller):
    doubt(seller)
    confirm(seller, 0)

    record(seller, 3_000, window=LAST_WINDOW)

    confirm(seller, 1)
    assert is_held(registry, seller)
    confirm(seller, 0)
    assert not is_held(registry, seller)


def test_a_confirmation_does_not_outlive_a_correction(
    registry, held, confirm, correct, doubt, seller
):
    confirm(seller, 0)
    correct(correction_of(seller, 2_000, 1_000), 1, 2)
    doubt(seller)

    confirm(seller, 1)
    assert is_held(registry, seller)


def test_what_was_released_is_confirmed_anew(registry, held, confirm, doubt, seller):
    confirm(seller, 0, 1)
    doubt(seller)

    confirm(seller, 0)
    assert is_held(registry, seller)
    confirm(seller, 2)
    assert not is_held(registry, seller)


def test_the_members_need_no_auditor(registry, held, resolve, seller):
    resolve(call_of(registry, "confirmReading", seller, LAST_WINDOW))

    assert not is_held(registry, seller)


def test_refuses_what_nobody_doubts(registry, record, auditor, seller):
    record(seller, 3_000, window=LAST_WINDOW)

    with reverts(error("ReadingNotHeld", seller, LAST_WINDOW)):
        registry.confirmReading.call(seller, LAST_WINDOW, {"from": auditor})


def test_refuses_what_is_held_no_longer(registry, held, auditor, seller):
    travel_to(hold_end(LAST_WINDOW) - 1)
    registry.confirmReading.call(seller, LAST_WINDOW, {"from": auditor})

    travel_to(hold_end(LAST_WINDOW))
    with reverts(error("ReadingNotHeld", seller, LAST_WINDOW)):
        registry.confirmReading.call(seller, LAST_WINDOW, {"from": auditor})


@pytest.mark.parametrize("other", ["operator", "treasurer", "admin", "seller", "outsider"])
def test_refuses_all_but_the_auditors(registry, held, seller, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        registry.confirmReading.call(seller, LAST_WINDOW, {"from": somebody})


# How many


def test_the_members_set_how_many(registry, admin, held, confirm, seller):
    transaction = registry.setThreshold(3, {"from": admin})
    assert event_of(transaction, "ThresholdSet") == {"threshold": 3}
    assert registry.threshold() == 3

    confirm(seller, 0, 1)
    assert is_held(registry, seller)
    confirm(seller, 2)
    assert not is_held(registry, seller)


def test_a_lower_threshold_holds_from_the_next_confirmation_on(
    registry, admin, held, confirm, seller
):
    confirm(seller, 0)
    registry.setThreshold(1, {"from": admin})
    assert is_held(registry, seller)

    confirm(seller, 0)

    assert not is_held(registry, seller)


def test_somebody_has_to_confirm(registry, admin):
    with reverts(error("ThresholdZero")):
        registry.setThreshold.call(0, {"from": admin})


@pytest.mark.parametrize("other", ["operator", "auditor", "treasurer", "deployer", "seller"])
def test_the_members_alone_set_how_many(registry, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        registry.setThreshold.call(1, {"from": somebody})
