"""`closePosition` of a household and of a storage: energy, money, and when it may be called."""

import pytest
from brownie import reverts

from app.market.units import cost_down, cost_up
from app.market.windows import commit_start, grace_end, window_end
from tests.contracts.conftest import (
    CEILING,
    DEPOSIT,
    FLOOR,
    LAST_WINDOW,
    WINDOW,
    agreement_on,
    travel_to,
)
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain

TREASURY = 10 * DEPOSIT


@pytest.fixture
def close(market, keeper):
    def close(participant, window=LAST_WINDOW):
        return market.closePosition(participant, window, {"from": keeper})

    return close


@pytest.fixture
def try_to_close(market, keeper):
    def try_to_close(participant, window=LAST_WINDOW):
        market.closePosition.call(participant, window, {"from": keeper})

    return try_to_close


@pytest.fixture
def settled(market, open_agreement, record, keeper, seller, buyer):
    """The seller delivered 2 kWh to the buyer, exported 5 in all, and the buyer used 3."""
    travel_to(window_end(WINDOW))
    record(seller, 5_000)
    record(buyer, 0, 3_000)
    market.makeTransaction(open_agreement, {"from": keeper})


# A household


def test_sells_a_surplus_at_the_floor(
    market, energy_token, close, record, account_of, seller, treasury
):
    record(seller, 5_003, 1_000, window=LAST_WINDOW)

    transaction = close(seller)

    amount = cost_down(4_003, FLOOR)
    assert event_of(transaction, "PositionClosed") == {
        "participant": seller.address,
        "window": LAST_WINDOW,
        "netWh": 4_003,
        "amount": amount,
    }
    assert account_of(seller)["free"] == DEPOSIT + amount
    assert account_of(treasury)["free"] == TREASURY - amount
    assert energy_token.balanceOf(seller) == 0
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 5_003,
        "withdrawnWh": 5_003,
        "lostWh": 0,
    }
    assert market.positionOf(seller, LAST_WINDOW)["closed"] is True


def test_buys_a_lack_at_the_ceiling(energy_token, close, record, account_of, buyer, treasury):
    record(buyer, 1_000, 5_003, window=LAST_WINDOW)

    transaction = close(buyer)

    amount = cost_up(4_003, CEILING)
    assert event_of(transaction, "PositionClosed") == {
        "participant": buyer.address,
        "window": LAST_WINDOW,
        "netWh": -4_003,
        "amount": amount,
    }
    assert account_of(buyer)["free"] == DEPOSIT - amount
    assert account_of(treasury)["free"] == TREASURY + amount
    assert energy_token.balanceOf(buyer) == 0
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 5_003,
        "withdrawnWh": 5_003,
        "lostWh": 0,
    }


def test_owes_nothing_where_all_is_even(close, record, account_of, seller):
    record(seller, 2_000, 2_000, window=LAST_WINDOW)

    transaction = close(seller)

    closed = event_of(transaction, "PositionClosed")
    assert (closed["netWh"], closed["amount"]) == (0, 0)
    assert account_of(seller)["free"] == DEPOSIT


def test_counts_what_was_sold(settled, energy_token, close, account_of, seller):
    transaction = close(seller, WINDOW)

    closed = event_of(transaction, "PositionClosed")
    assert (closed["netWh"], closed["amount"]) == (3_000, cost_down(3_000, FLOOR))
    assert account_of(seller)["free"] == DEPOSIT + 400_000 + 240_000
    assert energy_token.balanceOf(seller) == 0


def test_counts_what_was_bought(settled, energy_token, close, account_of, buyer):
    transaction = close(buyer, WINDOW)

    closed = event_of(transaction, "PositionClosed")
    assert (closed["netWh"], closed["amount"]) == (-1_000, cost_up(1_000, CEILING))
    assert account_of(buyer)["free"] == DEPOSIT - 400_000 - 320_000
    assert energy_token.balanceOf(buyer) == 0


def test_rounds_against_who_asked(market, close, record, operator, account_of, seller, buyer):
    market.publishTerms(WINDOW, [(80_001, 320_001, 0)], {"from": operator})
    travel_to(window_end(WINDOW))
    record(seller, 1)
    record(buyer, 0, 1)

    close(seller, WINDOW)
    close(buyer, WINDOW)

    assert account_of(seller)["free"] == DEPOSIT + 80  # 80.001
    assert account_of(buyer)["free"] == DEPOSIT - 321  # 320.001


def test_charges_what_a_household_cannot_pay_as_debt(close, record, account_of, buyer, treasury):
    record(buyer, 0, 1_000_000, window=LAST_WINDOW)
    due = cost_up(1_000_000, CEILING)

    transaction = close(buyer)

    assert event_of(transaction, "DebtIncurred") == {
        "participant": buyer.address,
        "amount": due - DEPOSIT,
    }
    assert account_of(buyer) == {"free": 0, "locked": 0, "debt": due - DEPOSIT}
    assert account_of(treasury)["free"] == TREASURY + DEPOSIT


def test_surplus_pays_a_debt_first(indebt, close, record, account_of, buyer):
    debt = indebt(buyer)
    record(buyer, 1_000_000, window=LAST_WINDOW - 1)

    transaction = close(buyer, LAST_WINDOW - 1)

    earned = cost_down(1_000_000, FLOOR)
    assert event_of(transaction, "DebtPaid")["amount"] == earned
    assert account_of(buyer) == {"free": 0, "locked": 0, "debt": debt - earned}


def test_owes_a_claim_where_the_treasury_is_empty(
    market, close, record, account_of, seller, treasury
):
    market.withdraw(TREASURY - 1, {"from": treasury})
    record(seller, 5_000, window=LAST_WINDOW)

    transaction = close(seller)

    assert event_of(transaction, "ClaimIncurred") == {
        "participant": seller.address,
        "amount": 400_000 - 1,
    }
    assert market.claimOf(seller) == 400_000 - 1
    assert account_of(seller)["free"] == DEPOSIT + 1
    assert account_of(treasury)["free"] == 0


def test_covers_energy_that_was_given_away(
    energy_token, close, record, account_of, seller, outsider
):
    record(seller, 5_000, window=LAST_WINDOW)
    energy_token.transfer(outsider, 3_000, {"from": seller})

    transaction = close(seller)

    assert event_of(transaction, "EnergyCovered") == {
        "participant": seller.address,
        "window": LAST_WINDOW,
        "energyWh": 3_000,
        "amount": cost_up(3_000, CEILING),
    }
    assert account_of(seller)["free"] == DEPOSIT - cost_up(3_000, CEILING) + cost_down(5_000, FLOOR)
    assert energy_token.balanceOf(seller) == 0
    assert energy_token.balanceOf(outsider) == 3_000


def test_leaves_energy_of_other_windows_alone(energy_token, close, record, seller):
    record(seller, 700, window=LAST_WINDOW - 1)
    record(seller, 5_000, window=LAST_WINDOW)

    close(seller)

    assert energy_token.balanceOf(seller) == 700


def test_takes_the_terms_that_its_window_began_with(market, close, record, operator, seller):
    record(seller, 1_000, window=LAST_WINDOW)

    market.setDefaultTerms((90_000, 300_000, 0), {"from": operator})

    assert event_of(close(seller), "PositionClosed")["amount"] == cost_down(1_000, FLOOR)


# Without a reading


def test_counts_a_missing_reading_as_nothing(close, account_of, seller):
    travel_to(grace_end(LAST_WINDOW))

    transaction = close(seller)

    closed = event_of(transaction, "PositionClosed")
    assert (closed["netWh"], closed["amount"]) == (0, 0)
    assert account_of(seller)["free"] == DEPOSIT


def test_counts_what_was_bought_as_used_without_a_reading(
    market, energy_token, open_agreement, record, close, keeper, account_of, seller, buyer
):
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    travel_to(grace_end(WINDOW))
    market.makeTransaction(open_agreement, {"from": keeper})

    transaction = close(buyer, WINDOW)

    assert event_of(transaction, "PositionClosed")["netWh"] == 0
    assert account_of(buyer)["free"] == DEPOSIT - 400_000
    assert energy_token.balanceOf(buyer) == 0
    assert energy_token.totalSupply() == 0


# A storage


def test_storage_sells_what_it_gives_beyond_its_purchases(
    energy_token, close, record, account_of, battery, seller
):
    record(seller, 6_000, window=LAST_WINDOW)
    energy_token.transfer(battery, 6_000, {"from": seller})
    record(battery, 4_000, 1_000, window=LAST_WINDOW)

    transaction = close(battery)

    closed = event_of(transaction, "PositionClosed")
    assert (closed["netWh"], closed["amount"]) == (3_000, cost_down(3_000, FLOOR))
    assert account_of(battery)["free"] == DEPOSIT + cost_down(3_000, FLOOR)
    assert energy_token.balanceOf(battery) == 3_000


def test_storage_buys_what_it_takes_in(energy_token, close, record, account_of, battery):
    record(battery, 0, 4_000, window=LAST_WINDOW)

    transaction = close(battery)

    closed = event_of(transaction, "PositionClosed")
    assert (closed["netWh"], closed["amount"]) == (-4_000, cost_up(4_000, CEILING))
    assert account_of(battery)["free"] == DEPOSIT - cost_up(4_000, CEILING)
    assert energy_token.balanceOf(battery) == 4_000


def test_storage_burns_its_losses(energy_token, close, record, battery):
    record(battery, 0, 4_000, 150, window=LAST_WINDOW)

    close(battery)

    assert energy_token.balanceOf(battery) == 3_850
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 4_000,
        "withdrawnWh": 0,
        "lostWh": 150,
    }


def test_storage_covers_what_it_does_not_have(energy_token, close, record, account_of, battery):
    record(battery, 1_000, 0, 150, window=LAST_WINDOW)

    transaction = close(battery)

    assert event_of(transaction, "EnergyCovered")["energyWh"] == 1_150
    covered, sold = cost_up(1_150, CEILING), cost_down(1_000, FLOOR)
    assert account_of(battery)["free"] == DEPOSIT - covered + sold
    assert energy_token.balanceOf(battery) == 0
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 1_150,
        "withdrawnWh": 1_000,
        "lostWh": 150,
    }


# Whoever, whenever


def test_goes_on_while_paused(try_to_close, record, seller, paused):
    record(seller, 5_000, window=LAST_WINDOW)

    try_to_close(seller)


@pytest.mark.parametrize("anyone", ["seller", "operator", "outsider"])
def test_is_open_to_anyone(market, record, buyer, anyone, request):
    record(buyer, 0, 1_000, window=LAST_WINDOW)

    market.closePosition.call(buyer, LAST_WINDOW, {"from": request.getfixturevalue(anyone)})


# Guards


def test_closes_once(close, try_to_close, record, seller):
    record(seller, 5_000, window=LAST_WINDOW)
    close(seller)

    with reverts(error("PositionIsClosed", seller, LAST_WINDOW)):
        try_to_close(seller)


def test_refuses_who_takes_no_part(try_to_close, record, newcomer):
    record(newcomer, 5_000, window=LAST_WINDOW)

    with reverts(error("NotParticipant", newcomer)):
        try_to_close(newcomer)


@pytest.mark.parametrize("party", ["seller", "buyer"])
def test_waits_for_its_agreements(try_to_close, window_over, record, seller, buyer, party, request):
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    participant = request.getfixturevalue(party)

    with reverts(error("AgreementsOpen", participant, WINDOW, 1)):
        try_to_close(participant, WINDOW)


def test_waits_for_sales_and_purchases_alike(
    try_to_close, make_offer, agreement, allow, record, seller, buyer
):
    resold = agreement_on(make_offer(by=buyer), buyer, seller)
    travel_to(commit_start(WINDOW))
    allow(agreement)
    allow(resold)
    travel_to(window_end(WINDOW))
    record(seller, 2_000)

    with reverts(error("AgreementsOpen", seller, WINDOW, 2)):
        try_to_close(seller, WINDOW)


# Edges


def test_waits_for_the_end_of_the_window(try_to_close, seller):
    travel_to(window_end(WINDOW) - 1)
    with reverts(error("WindowNotOver", WINDOW, window_end(WINDOW))):
        try_to_close(seller, WINDOW)

    travel_to(window_end(WINDOW))
    with reverts(error("ReadingMissing", seller, WINDOW, grace_end(WINDOW))):
        try_to_close(seller, WINDOW)


def test_waits_for_the_reading_for_two_windows(try_to_close, seller):
    travel_to(grace_end(WINDOW) - 1)
    with reverts(error("ReadingMissing", seller, WINDOW, grace_end(WINDOW))):
        try_to_close(seller, WINDOW)

    travel_to(grace_end(WINDOW))
    try_to_close(seller, WINDOW)


def test_survives_the_largest_reading(close, record, account_of, buyer):
    largest = 2**30 - 1
    record(buyer, 0, largest, window=LAST_WINDOW)

    close(buyer)

    assert account_of(buyer)["debt"] == cost_up(largest, CEILING) - DEPOSIT


def test_covers_nothing_without_need(close, record, seller):
    record(seller, 5_000, window=LAST_WINDOW)

    assert events_of(close(seller), "EnergyCovered") == []
