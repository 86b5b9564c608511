import pytest
from brownie import ZERO_ADDRESS, reverts

from tests.contracts.conftest import LAST_WINDOW, meter_of, reading_of
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain


def test_ends_a_certificate(registry, auditor, seller):
    meter = meter_of(seller).address

    transaction = registry.revoke(meter, {"from": auditor})

    assert event_of(transaction, "MeterRevoked") == {"meter": meter, "owner": seller.address}
    assert registry.ownerOf(meter) == ZERO_ADDRESS
    assert not registry.isCertified(seller)
    assert plain(registry.certificateOf(seller)) == {
        "meter": ZERO_ADDRESS,
        "validUntil": 0,
        "kind": 0,
    }


def test_takes_no_more_readings(registry, auditor, seller, sign_reading, keeper):
    reading = reading_of(seller, 1_000, window=LAST_WINDOW)
    registry.revoke(reading.meter, {"from": auditor})

    with reverts(error("MeterUnknown", reading.meter)):
        registry.submitReading.call(reading, sign_reading(reading), {"from": keeper})


def test_keeps_what_was_read(registry, auditor, seller, record):
    record(seller, 1_000, window=LAST_WINDOW)

    registry.revoke(meter_of(seller).address, {"from": auditor})

    assert registry.readingOf(seller, LAST_WINDOW)["exportedWh"] == 1_000


def test_refuses_a_meter_without_certificate(registry, auditor, outsider):
    meter = meter_of(outsider).address

    with reverts(error("MeterUnknown", meter)):
        registry.revoke.call(meter, {"from": auditor})


@pytest.mark.parametrize("other", ["operator", "treasurer", "admin", "seller", "outsider"])
def test_refuses_all_but_the_auditor(registry, seller, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        registry.revoke.call(meter_of(seller).address, {"from": somebody})
