"""What a doubted reading holds up: `makeTransaction` and `closePosition`, and nothing else."""

import pytest
from brownie import reverts

from app.ledger.types import Side
from app.market.units import cost_down, cost_up
from app.market.windows import commit_start, grace_end, hold_end, window_end
from tests.contracts.conftest import (
    CEILING,
    DEPOSIT,
    FLOOR,
    LAST_WINDOW,
    WINDOW,
    agreement_on,
    correction_of,
    travel_to,
)
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain


@pytest.fixture
def close(market, keeper):
    def close(participant, window=LAST_WINDOW):
        return market.closePosition(participant, window, {"from": keeper})

    return close


@pytest.fixture
def held_sale(auditors, open_agreement, record, doubt, seller, buyer):
    """The agreed 2 kWh, of which the seller's doubted reading shows 1; the buyer used 2."""
    travel_to(window_end(WINDOW))
    record(seller, 1_000)
    record(buyer, 0, 2_000)
    doubt(seller, WINDOW)
    return open_agreement


def is_held(participant, window=WINDOW):
    return error("ReadingIsHeld", participant, window, hold_end(window))


def test_settles_nothing_of_the_seller(market, held_sale, keeper, seller):
    with reverts(is_held(seller)):
        market.makeTransaction.call(held_sale, {"from": keeper})
    with reverts(is_held(seller)):
        market.makeTransactions.call([held_sale], {"from": keeper})
    with reverts(is_held(seller)):
        market.closePosition.call(seller, WINDOW, {"from": keeper})
    with reverts(is_held(seller)):
        market.closePositions.call([seller], WINDOW, {"from": keeper})


def test_settles_nothing_by_a_reading_that_is_missing(
    market, auditors, open_agreement, doubt, keeper, seller
):
    """Not even when everybody else would go on without it."""
    travel_to(window_end(WINDOW))
    doubt(seller, WINDOW)

    travel_to(grace_end(WINDOW))
    with reverts(is_held(seller)):
        market.makeTransaction.call(open_agreement, {"from": keeper})


def test_settles_what_the_doubted_one_has_bought(
    market, auditors, open_agreement, record, doubt, keeper, seller, buyer
):
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    doubt(buyer, WINDOW)

    market.makeTransaction(open_agreement, {"from": keeper})

    market.closePosition(seller, WINDOW, {"from": keeper})
    with reverts(is_held(buyer)):
        market.closePosition.call(buyer, WINDOW, {"from": keeper})


def test_settles_what_others_have_sold(
    market,
    auditors,
    make_offer,
    agreement,
    allow,
    record,
    doubt,
    keeper,
    seller,
    other_seller,
    other_buyer,
):
    other = agreement_on(make_offer(by=other_seller), other_seller, other_buyer)
    travel_to(commit_start(WINDOW))
    allow(agreement)
    allow(other)
    travel_to(window_end(WINDOW))
    record(other_seller, 2_000)
    doubt(seller, WINDOW)

    market.makeTransaction(other, {"from": keeper})
    market.closePosition(other_seller, WINDOW, {"from": keeper})


def test_leaves_other_windows_alone(auditors, record, doubt, close, seller):
    for window in (LAST_WINDOW - 1, LAST_WINDOW):
        record(seller, 1_000, window=window)
    doubt(seller)

    close(seller, LAST_WINDOW - 1)


def test_leaves_the_seller_what_is_free(market, auction, held_sale, account_of, make_offer, seller):
    later = WINDOW + 5
    make_offer(1_000, window=later)
    auction.placeOrder(Side.BUY, 1_000, 200_000, later, commit_start(later + 1), {"from": seller})

    market.withdraw(account_of(seller)["free"], {"from": seller})

    assert account_of(seller)["locked"] > 0


def test_goes_on_when_the_reading_is_confirmed(
    market, held_sale, confirm, keeper, seller, buyer, account_of
):
    confirm(seller, 0, 1, window=WINDOW)

    transaction = market.makeTransaction(held_sale, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["deliveredWh"] == 1_000
    market.closePositions([seller, buyer], WINDOW, {"from": keeper})
    assert account_of(seller)["locked"] == account_of(buyer)["locked"] == 0


def test_goes_on_with_what_auditors_have_corrected(market, held_sale, correct, keeper, seller):
    correct(correction_of(seller, 1_600, window=WINDOW), 0, 1)

    transaction = market.makeTransaction(held_sale, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["deliveredWh"] == 1_600


def test_goes_on_by_itself_with_what_was_recorded(market, held_sale, keeper, seller, buyer):
    travel_to(hold_end(WINDOW) - 1)
    with reverts(is_held(seller)):
        market.makeTransaction.call(held_sale, {"from": keeper})

    travel_to(hold_end(WINDOW))
    transaction = market.makeTransaction(held_sale, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["deliveredWh"] == 1_000
    market.closePositions([seller, buyer], WINDOW, {"from": keeper})


def test_goes_on_by_itself_without_a_reading(
    market, auditors, open_agreement, doubt, keeper, seller
):
    travel_to(window_end(WINDOW))
    doubt(seller, WINDOW)

    travel_to(hold_end(WINDOW))
    transaction = market.makeTransaction(open_agreement, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["deliveredWh"] == 0


def test_frees_the_lane_before_it_is_needed_again(
    market, held_sale, make_offer, allow, keeper, seller, buyer
):
    """Eight windows later the same lane takes the next agreement of both."""
    later = WINDOW + 8
    again = agreement_on(make_offer(window=later), seller, buyer)
    travel_to(hold_end(WINDOW))
    market.makeTransaction(held_sale, {"from": keeper})
    market.closePositions([seller, buyer], WINDOW, {"from": keeper})
    travel_to(commit_start(later))

    allow(again)

    assert market.positionOf(seller, later)["openAgreements"] == 1


def test_clears_a_book_with_one_who_is_held(
    market, auction, held_sale, confirm, keeper, seller, buyer
):
    """An auction of another window goes on; its fills are settled by another reading."""
    later = WINDOW + 3
    expires_at = commit_start(later + 1)
    auction.placeOrder(Side.SELL, 1_000, 100_000, later, expires_at, {"from": seller})
    auction.placeOrder(Side.BUY, 1_000, 200_000, later, expires_at, {"from": buyer})
    travel_to(commit_start(later))

    cleared = auction.clear(later, [2], [1], {"from": keeper})

    assert len(events_of(cleared, "OrderFilled")) == 1
    with reverts(is_held(seller)):
        market.makeTransaction.call(held_sale, {"from": keeper})


# What was injected for an export that there was not


def test_burns_it_with_the_position(
    market, energy_token, auditors, record, doubt, correct, close, account_of, seller
):
    record(seller, 3_000, window=LAST_WINDOW)
    doubt(seller)
    correct(correction_of(seller, 2_200), 0, 1)

    transaction = close(seller)

    assert event_of(transaction, "EnergyRetracted") == {"holder": seller.address, "energyWh": 800}
    assert events_of(transaction, "EnergyCovered") == []
    assert account_of(seller)["free"] == DEPOSIT + cost_down(2_200, FLOOR)
    assert energy_token.totalSupply() == 0
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 2_200,
        "withdrawnWh": 2_200,
        "lostWh": 0,
    }


def test_charges_what_was_given_away(
    market,
    energy_token,
    auditors,
    record,
    doubt,
    correct,
    close,
    account_of,
    seller,
    outsider,
):
    """Whoever sells energy that never was to somebody else buys it from the grid."""
    record(seller, 3_000, window=LAST_WINDOW)
    energy_token.transfer(outsider, 2_500, {"from": seller})
    doubt(seller)
    correct(correction_of(seller, 200), 0, 1)

    transaction = close(seller)

    # 500 are left of the 200 that were exported and the 2,800 that were not.
    assert event_of(transaction, "EnergyCovered") == {
        "participant": seller.address,
        "window": LAST_WINDOW,
        "energyWh": 2_500,
        "amount": cost_up(2_500, CEILING),
    }
    assert account_of(seller)["free"] == DEPOSIT + cost_down(200, FLOOR) - cost_up(2_500, CEILING)
    assert energy_token.totalSupply() == energy_token.balanceOf(outsider) == 2_500
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 2_700,
        "withdrawnWh": 200,
        "lostWh": 0,
    }


def test_becomes_debt_of_who_cannot_pay(
    market, energy_token, auditors, record, doubt, correct, close, account_of, seller, outsider
):
    market.withdraw(DEPOSIT, {"from": seller})
    record(seller, 3_000, window=LAST_WINDOW)
    energy_token.transfer(outsider, 3_000, {"from": seller})
    doubt(seller)
    correct(correction_of(seller, 0), 0, 1)

    close(seller)

    debt = cost_up(3_000, CEILING)
    assert account_of(seller) == {"free": 0, "locked": 0, "debt": debt}
    assert plain(market.lapsesOf(seller, LAST_WINDOW, 1)) == {
        "windows": 1,
        "shortfallWh": 0,
        "debt": debt,
    }


def test_settles_a_sale_by_what_there_was(
    market,
    energy_token,
    auditors,
    open_agreement,
    record,
    doubt,
    correct,
    keeper,
    account_of,
    seller,
    buyer,
):
    """The meter signed 5 kWh, of which 1 was true: the buyer gets that, and the rest is burned."""
    travel_to(window_end(WINDOW))
    record(seller, 5_000)
    record(buyer, 0, 1_000)
    doubt(seller, WINDOW)
    correct(correction_of(seller, 1_000, window=WINDOW), 1, 2)

    made = market.makeTransaction(open_agreement, {"from": keeper})
    market.closePositions([seller, buyer], WINDOW, {"from": keeper})

    assert event_of(made, "TransactionMade")["deliveredWh"] == 1_000
    assert energy_token.totalSupply() == 0
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 1_000,
        "withdrawnWh": 1_000,
        "lostWh": 0,
    }
    assert account_of(buyer)["free"] == DEPOSIT - 200_000 + cost_down(1_000, CEILING - 200_000)


def test_a_storage_loses_what_auditors_found(
    market, energy_token, auditors, record, doubt, correct, close, account_of, battery
):
    """Of the 2 kWh from the grid that it took in, 90 Wh are lost, and not 70."""
    record(battery, 0, 2_000, 70, window=LAST_WINDOW)
    doubt(battery)
    correct(correction_of(battery, 0, 2_000, 90), 0, 1)

    close(battery)

    assert energy_token.balanceOf(battery) == energy_token.totalSupply() == 1_910
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 2_000,
        "withdrawnWh": 0,
        "lostWh": 90,
    }
    assert account_of(battery)["free"] == DEPOSIT - cost_up(2_000, CEILING)
