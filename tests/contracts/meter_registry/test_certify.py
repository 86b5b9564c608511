import pytest
from brownie import ZERO_ADDRESS, reverts

from app.ledger.types import MeterKind
from tests.contracts.conftest import NOW, VALID_UNTIL, meter_of, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain


@pytest.fixture
def meter(outsider):
    return meter_of(outsider).address


@pytest.mark.parametrize("kind", list(MeterKind))
def test_certifies_a_meter(registry, auditor, outsider, meter, kind):
    transaction = registry.certify(meter, outsider, kind, VALID_UNTIL, {"from": auditor})

    assert event_of(transaction, "MeterCertified") == {
        "meter": meter,
        "owner": outsider.address,
        "kind": kind,
        "validUntil": VALID_UNTIL,
    }
    assert registry.ownerOf(meter) == outsider
    assert registry.isCertified(outsider)
    assert plain(registry.certificateOf(outsider)) == {
        "meter": meter,
        "validUntil": VALID_UNTIL,
        "kind": kind,
    }


def test_renews_a_certificate(registry, auditor, seller):
    meter = meter_of(seller).address

    transaction = registry.certify(meter, seller, 0, VALID_UNTIL + 1, {"from": auditor})

    assert events_of(transaction, "MeterRevoked") == []
    assert registry.certificateOf(seller)["validUntil"] == VALID_UNTIL + 1


def test_replaces_the_owners_meter(registry, auditor, seller, meter):
    former = meter_of(seller).address

    transaction = registry.certify(meter, seller, 0, VALID_UNTIL, {"from": auditor})

    assert event_of(transaction, "MeterRevoked") == {"meter": former, "owner": seller.address}
    assert registry.ownerOf(former) == ZERO_ADDRESS
    assert registry.ownerOf(meter) == seller
    assert registry.certificateOf(seller)["meter"] == meter


def test_gives_a_revoked_meter_to_another(registry, auditor, seller, outsider):
    meter = meter_of(seller).address
    registry.revoke(meter, {"from": auditor})

    registry.certify(meter, outsider, 0, VALID_UNTIL, {"from": auditor})

    assert registry.ownerOf(meter) == outsider


# Guards


def test_refuses_a_meter_of_another(registry, auditor, seller, outsider):
    meter = meter_of(seller).address

    with reverts(error("MeterTaken", meter, seller)):
        registry.certify.call(meter, outsider, 0, VALID_UNTIL, {"from": auditor})


def test_refuses_the_zero_address(registry, auditor, outsider, meter):
    for nobody in ((ZERO_ADDRESS, outsider), (meter, ZERO_ADDRESS)):
        with reverts(error("ZeroAddress")):
            registry.certify.call(*nobody, 0, VALID_UNTIL, {"from": auditor})


# Access


@pytest.mark.parametrize("other", ["operator", "treasurer", "admin", "seller", "outsider"])
def test_refuses_all_but_the_auditor(registry, meter, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        registry.certify.call(meter, somebody, 0, VALID_UNTIL, {"from": somebody})


# Edges


def test_refuses_a_certificate_that_has_expired(registry, auditor, outsider, meter):
    registry.certify.call(meter, outsider, 0, NOW + 1, {"from": auditor})

    with reverts(error("CertificateInPast", NOW)):
        registry.certify.call(meter, outsider, 0, NOW, {"from": auditor})


def test_certificate_ends_with_its_last_second(registry, seller):
    travel_to(VALID_UNTIL - 1)
    assert registry.isCertified(seller)

    travel_to(VALID_UNTIL)
    assert not registry.isCertified(seller)
    assert registry.ownerOf(meter_of(seller).address) == seller
