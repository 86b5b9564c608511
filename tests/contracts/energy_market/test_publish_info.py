import pytest
from brownie import reverts

from tests.contracts.conftest import VALID_UNTIL, info_of, meter_of, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain


def test_makes_a_participant(market, newcomer):
    endpoint, household_id, meter, _ = info_of(newcomer)
    info = (endpoint, household_id, meter, b"\x02" * 66)

    transaction = market.publishInfo(info, {"from": newcomer})

    assert event_of(transaction, "InfoPublished") == {
        "participant": newcomer.address,
        "meter": meter,
        "householdId": household_id,
        "endpoint": endpoint,
        "stealthMetaAddress": b"\x02" * 66,
    }
    assert market.isParticipant(newcomer)
    assert plain(market.participantInfo(newcomer)) == {
        "endpoint": endpoint,
        "householdId": household_id,
        "meter": meter,
        "stealthMetaAddress": b"\x02" * 66,
    }


def test_updates_what_is_known(market, seller, account_of):
    before = account_of(seller)
    _, household_id, meter, _ = info_of(seller)

    market.publishInfo(("mango://moved", household_id, meter, b""), {"from": seller})

    assert market.participantInfo(seller)["endpoint"] == "mango://moved"
    assert account_of(seller) == before


def test_update_leaves_open_sales_alone(market, open_agreement, seller):
    market.publishInfo(info_of(seller), {"from": seller})

    assert market.positionOf(seller, open_agreement.window)["openAgreements"] == 1


def test_knows_nothing_of_others(market, newcomer):
    assert not market.isParticipant(newcomer)
    assert market.participantInfo(newcomer)["endpoint"] == ""


# Guards


def test_refuses_while_paused(market, newcomer, paused):
    with reverts(error("EnforcedPause")):
        market.publishInfo.call(info_of(newcomer), {"from": newcomer})


def test_refuses_who_has_no_meter(market, outsider):
    with reverts(error("NotCertified", outsider)):
        market.publishInfo.call(info_of(outsider), {"from": outsider})


def test_refuses_another_meter(market, newcomer, seller):
    with reverts(error("MeterMismatch", meter_of(seller).address, meter_of(newcomer).address)):
        market.publishInfo.call(info_of(seller), {"from": newcomer})


# Edges


def test_needs_a_certificate_that_is_valid(market, newcomer):
    travel_to(VALID_UNTIL - 1)
    market.publishInfo.call(info_of(newcomer), {"from": newcomer})

    travel_to(VALID_UNTIL)
    with reverts(error("NotCertified", newcomer)):
        market.publishInfo.call(info_of(newcomer), {"from": newcomer})


@pytest.mark.parametrize(("field", "maximum"), [("endpoint", 256), ("stealth address", 128)])
def test_bounds_what_is_published(market, newcomer, field, maximum):
    _, household_id, meter, _ = info_of(newcomer)

    def info(length):
        if field == "endpoint":
            return ("x" * length, household_id, meter, b"")
        return ("x", household_id, meter, b"\x02" * length)

    market.publishInfo.call(info(maximum), {"from": newcomer})
    with reverts(error("InfoTooLong", maximum + 1, maximum)):
        market.publishInfo.call(info(maximum + 1), {"from": newcomer})
