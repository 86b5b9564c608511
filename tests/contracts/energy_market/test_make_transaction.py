"""`makeTransaction`: who gets what, when it may be called, and its rounding."""

import pytest
from brownie import reverts

from app.ledger.types import AgreementState
from app.market.windows import commit_start, grace_end, window_end
from tests.contracts.conftest import DEPOSIT, LAST_WINDOW, WINDOW, agreement_on, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain

TREASURY = 10 * DEPOSIT


@pytest.fixture
def delivered(window_over, record, seller, buyer):
    """Both meters have been read, and all was delivered."""
    record(seller, 2_000)
    record(buyer, 0, 2_000)


def test_pays_for_what_was_delivered(
    market, energy_token, open_agreement, delivered, keeper, account_of, seller, buyer, treasury
):
    transaction = market.makeTransaction(open_agreement, {"from": keeper})

    agreement_id = plain(market.hashAgreement(open_agreement))
    assert event_of(transaction, "TransactionMade") == {
        "agreementId": agreement_id,
        "seller": seller.address,
        "buyer": buyer.address,
        "deliveredWh": 2_000,
        "paid": 400_000,
        "compensation": 0,
        "penalty": 0,
    }
    assert market.agreementState(agreement_id) == AgreementState.SETTLED
    assert account_of(buyer) == {"free": DEPOSIT - 400_000, "locked": 0, "debt": 0}
    assert account_of(seller) == {"free": DEPOSIT + 400_000, "locked": 0, "debt": 0}
    assert account_of(treasury)["free"] == TREASURY
    assert energy_token.balanceOf(seller) == 0
    assert energy_token.balanceOf(buyer) == 2_000


def test_counts_in_both_positions(market, open_agreement, delivered, keeper, seller, buyer):
    market.makeTransaction(open_agreement, {"from": keeper})

    sold = {"soldWh": 2_000, "boughtWh": 0, "openAgreements": 0, "closed": False}
    bought = {"soldWh": 0, "boughtWh": 2_000, "openAgreements": 0, "closed": False}
    assert plain(market.positionOf(seller, WINDOW)) == sold
    assert plain(market.positionOf(buyer, WINDOW)) == bought


def test_compensates_for_what_was_not_delivered(
    market,
    energy_token,
    open_agreement,
    window_over,
    record,
    keeper,
    account_of,
    seller,
    buyer,
    treasury,
):
    record(seller, 500)
    record(buyer, 0, 2_000)

    transaction = market.makeTransaction(open_agreement, {"from": keeper})

    settled = event_of(transaction, "TransactionMade")
    assert settled["deliveredWh"] == 500
    assert settled["paid"] == 100_000  # 0.5 kWh at 0.20
    assert settled["compensation"] == 180_000  # 1.5 kWh at 0.32 - 0.20
    assert settled["penalty"] == 75_000  # 1.5 kWh at 0.05
    assert account_of(buyer)["free"] == DEPOSIT - 100_000 + 180_000
    assert account_of(seller)["free"] == DEPOSIT + 100_000 - 180_000 - 75_000
    assert account_of(treasury)["free"] == TREASURY + 75_000
    assert energy_token.balanceOf(buyer) == 500


def test_moves_no_energy_where_none_was_delivered(
    market, energy_token, open_agreement, window_over, record, keeper, account_of, seller, buyer
):
    record(seller, 0, 100)
    record(buyer, 0, 2_000)

    transaction = market.makeTransaction(open_agreement, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["deliveredWh"] == 0
    assert "Transfer" not in transaction.events
    assert energy_token.balanceOf(buyer) == 0
    assert account_of(buyer) == {"free": DEPOSIT + 240_000, "locked": 0, "debt": 0}


def test_gives_the_dust_to_the_treasury(
    market, agreement, commit_phase, allow, record, keeper, account_of, seller, buyer, treasury
):
    odd = agreement._replace(energy_wh=1_999, price=200_001)
    allow(odd)
    travel_to(window_end(WINDOW))
    record(seller, 1_000)
    record(buyer, 0, 1_999)

    transaction = market.makeTransaction(odd, {"from": keeper})

    settled = event_of(transaction, "TransactionMade")
    # 1000 Wh at 200.001, exactly; 999 Wh at 119.999 = 119879.001; with 50.000 more 169829.001
    assert settled["deliveredWh"] == 1_000
    assert settled["paid"] == 200_001
    assert settled["compensation"] == 119_879
    assert settled["penalty"] == 169_830 - 119_879
    assert account_of(treasury)["free"] == TREASURY + settled["penalty"]
    assert account_of(buyer)["free"] == DEPOSIT - 200_001 + 119_879
    assert account_of(seller)["free"] == DEPOSIT + 200_001 - 169_830


def test_rounds_against_who_asked(
    market, agreement, commit_phase, allow, record, keeper, account_of, seller, buyer, treasury
):
    crumb = agreement._replace(energy_wh=1, price=200_001)
    allow(crumb)
    travel_to(window_end(WINDOW))
    record(seller, 1)
    record(buyer, 0, 1)

    transaction = market.makeTransaction(crumb, {"from": keeper})

    # 1 Wh is 200.001: the buyer pays 201, the seller gets 200.
    assert event_of(transaction, "TransactionMade")["penalty"] == 1
    assert account_of(buyer)["free"] == DEPOSIT - 201
    assert account_of(seller)["free"] == DEPOSIT + 200
    assert account_of(treasury)["free"] == TREASURY + 1


def test_rounds_deliveries_down(
    market, agreement, commit_phase, allow, record, keeper, seller, buyer, other_buyer
):
    second = agreement._replace(buyer=other_buyer.address, energy_wh=1_000)
    allow(agreement)
    allow(second)
    travel_to(window_end(WINDOW))
    record(seller, 1_000)
    for household in (buyer, other_buyer):
        record(household, 0, 2_000)

    transaction = market.makeTransactions([agreement, second], {"from": keeper})

    delivered = [event["deliveredWh"] for event in events_of(transaction, "TransactionMade")]
    assert delivered == [666, 333]


def test_delivers_all_where_more_was_exported(
    market, energy_token, open_agreement, window_over, record, keeper, seller, buyer
):
    record(seller, 7_000)
    record(buyer, 0, 2_000)

    market.makeTransaction(open_agreement, {"from": keeper})

    assert energy_token.balanceOf(seller) == 5_000


def test_goes_on_while_paused(market, open_agreement, delivered, keeper, operator):
    market.pause({"from": operator})

    market.makeTransaction.call(open_agreement, {"from": keeper})


@pytest.mark.parametrize("anyone", ["seller", "buyer", "operator", "outsider"])
def test_is_open_to_anyone(market, open_agreement, delivered, anyone, request):
    market.makeTransaction.call(open_agreement, {"from": request.getfixturevalue(anyone)})


# Guards


def test_refuses_an_agreement_that_was_not_written(market, open_agreement, delivered, keeper):
    unknown = open_agreement._replace(price=200_001)

    with reverts(error("AgreementUnknown", plain(market.hashAgreement(unknown)))):
        market.makeTransaction.call(unknown, {"from": keeper})


def test_settles_once(market, open_agreement, delivered, keeper):
    market.makeTransaction(open_agreement, {"from": keeper})

    with reverts(error("AgreementSettled", plain(market.hashAgreement(open_agreement)))):
        market.makeTransaction.call(open_agreement, {"from": keeper})


def test_waits_for_the_sellers_reading(market, open_agreement, window_over, keeper, seller):
    with reverts(error("ReadingMissing", seller, WINDOW, grace_end(WINDOW))):
        market.makeTransaction.call(open_agreement, {"from": keeper})


def test_does_not_wait_for_the_buyers_reading(
    market, open_agreement, window_over, record, keeper, seller
):
    record(seller, 2_000)

    market.makeTransaction.call(open_agreement, {"from": keeper})


def test_does_not_take_the_reading_of_another_window(
    market, open_agreement, record, keeper, seller
):
    record(seller, 2_000, window=LAST_WINDOW)
    travel_to(window_end(WINDOW))

    with reverts(error("ReadingMissing", seller, WINDOW, grace_end(WINDOW))):
        market.makeTransaction.call(open_agreement, {"from": keeper})


# Edges


def test_waits_for_the_end_of_the_window(market, open_agreement, keeper, seller):
    travel_to(window_end(WINDOW) - 1)
    with reverts(error("WindowNotOver", WINDOW, window_end(WINDOW))):
        market.makeTransaction.call(open_agreement, {"from": keeper})

    travel_to(window_end(WINDOW))
    with reverts(error("ReadingMissing", seller, WINDOW, grace_end(WINDOW))):
        market.makeTransaction.call(open_agreement, {"from": keeper})


def test_waits_for_readings_for_two_windows(market, open_agreement, keeper, seller):
    travel_to(grace_end(WINDOW) - 1)
    with reverts(error("ReadingMissing", seller, WINDOW, grace_end(WINDOW))):
        market.makeTransaction.call(open_agreement, {"from": keeper})

    travel_to(grace_end(WINDOW))
    market.makeTransaction.call(open_agreement, {"from": keeper})


@pytest.mark.parametrize(("exported_wh", "delivered_wh"), [(1_999, 1_999), (2_000, 2_000)])
def test_delivers_to_the_last_watt_hour(
    market, open_agreement, window_over, record, keeper, seller, buyer, exported_wh, delivered_wh
):
    record(seller, exported_wh)
    record(buyer, 0, 2_000)

    transaction = market.makeTransaction(open_agreement, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["deliveredWh"] == delivered_wh


def test_survives_the_largest_trade(
    market, payment_token, make_offer, allow, minter, keeper, seller, buyer
):
    largest = 2**32 - 1
    for number, household in enumerate((seller, buyer), 1):
        payment_token.mint(household, 10**16, bytes([number]) * 32, {"from": minter})
        market.deposit(10**16, {"from": household})
    agreement = agreement_on(make_offer(largest), seller, buyer, energy_wh=largest)
    travel_to(commit_start(WINDOW))
    allow(agreement)
    travel_to(grace_end(WINDOW))

    transaction = market.makeTransaction(agreement, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["compensation"] == largest * 120_000 // 1_000
