from brownie import reverts

from app.market.windows import grace_end, window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, reading_of, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of


def test_a_meter_whose_certificate_ends_counts_as_silent(
    market,
    registry,
    certify,
    open_agreement,
    sign_reading,
    record,
    settle_and_close,
    keeper,
    account_of,
    seller,
    buyer,
):
    half_past = window_end(WINDOW) - 1800
    certify(seller, valid_until=half_past)
    travel_to(window_end(WINDOW))
    reading = reading_of(seller, 2_000)
    with reverts(error("MeterExpired", reading.meter, half_past)):
        registry.submitReading.call(reading, sign_reading(reading), {"from": keeper})
    record(buyer, 0, 2_000)

    travel_to(grace_end(WINDOW))
    transaction = market.makeTransaction(open_agreement, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["deliveredWh"] == 0
    assert account_of(seller)["free"] == DEPOSIT - 340_000


def test_a_renewed_certificate_in_time_saves_the_hour(
    market, registry, certify, open_agreement, record, keeper, account_of, seller, buyer
):
    certify(seller, valid_until=window_end(WINDOW) - 1800)
    travel_to(window_end(WINDOW))

    certify(seller)
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    market.makeTransaction(open_agreement, {"from": keeper})

    assert account_of(seller)["free"] == DEPOSIT + 400_000
