"""A meter that does not tell the truth, and what it costs whom."""

import pytest
from brownie import reverts

from app.market.units import cost_down, cost_up
from app.market.windows import commit_start, hold_end, window_end
from scripts.decide import call_of
from tests.contracts.conftest import (
    CEILING,
    DEPOSIT,
    PENALTY,
    WINDOW,
    agreement_on,
    correction_of,
    meter_of,
    travel_to,
)
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain


@pytest.fixture
def sales(auditors, make_offer, allow, seller, buyer, other_buyer):
    """3.5 kWh of the seller's for two buyers, at 0.20 a kWh; the window is over."""
    offer = make_offer()
    sales = [
        agreement_on(offer, seller, buyer),
        agreement_on(offer, seller, other_buyer, energy_wh=1_500),
    ]
    travel_to(commit_start(WINDOW))
    for sale in sales:
        allow(sale)
    travel_to(window_end(WINDOW))
    return sales


def test_a_false_export_is_found(
    registry,
    energy_token,
    sales,
    record,
    doubt,
    correct,
    settle_and_close,
    auditors,
    account_of,
    seller,
    buyer,
    other_buyer,
    outsider,
):
    """The meter signs 5 kWh, 0.7 of them true, and the seller quickly gives 1 kWh away."""
    record(seller, 5_000)
    record(buyer, 0, 400)
    record(other_buyer, 0, 300)
    energy_token.transfer(outsider, 1_000, {"from": seller})
    doubt(seller, WINDOW)
    correct(correction_of(seller, 700, window=WINDOW), 0, 2)
    registry.revoke(meter_of(seller).address, {"from": auditors[1]})

    closed = settle_and_close(sales, [seller, buyer, other_buyer])

    # Each buyer gets its share of the 0.7 kWh, and the way to the grid for the rest.
    refund = CEILING - 200_000
    assert account_of(buyer)["free"] == (DEPOSIT - cost_up(400, 200_000) + cost_down(1_600, refund))
    assert account_of(other_buyer)["free"] == (
        DEPOSIT - cost_up(300, 200_000) + cost_down(1_200, refund)
    )
    covered = event_of(closed, "EnergyCovered")
    assert (covered["participant"], covered["energyWh"]) == (seller.address, 1_000)
    assert account_of(seller)["free"] == (
        DEPOSIT
        + cost_down(700, 200_000)
        - cost_up(2_800, refund + PENALTY)
        - cost_up(1_000, CEILING)
    )
    assert energy_token.totalSupply() == energy_token.balanceOf(outsider) == 1_000
    # The grid has fed in the 1 kWh that the outsider has.
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 1_700,
        "withdrawnWh": 700,
        "lostWh": 0,
    }


def test_a_meter_that_saw_too_little_is_put_right(
    energy_token, sales, record, doubt, correct, settle_and_close, account_of, seller, buyer
):
    record(seller, 100)
    doubt(seller, WINDOW)
    correct(correction_of(seller, 3_500, window=WINDOW), 0, 1)
    travel_to(window_end(WINDOW + 2))

    closed = settle_and_close(sales, [seller, buyer])

    assert events_of(closed, "EnergyCovered") == []
    assert account_of(seller)["free"] == DEPOSIT + cost_down(3_500, 200_000)
    assert energy_token.energyTotals()["injectedWh"] == 3_500


def test_a_batterys_losses_are_found(
    energy_token,
    auditors,
    make_offer,
    allow,
    record,
    doubt,
    correct,
    settle_and_close,
    account_of,
    buyer,
    battery,
):
    """It signs that it gave 1 kWh and lost nothing: 0.4 were given, and 0.15 lost."""
    sold = agreement_on(make_offer(by=battery), battery, buyer, energy_wh=1_000)
    travel_to(commit_start(WINDOW))
    allow(sold)
    travel_to(window_end(WINDOW))
    record(battery, 1_000, 0, 0)
    record(buyer, 0, 1_000)
    doubt(battery, WINDOW)
    correct(correction_of(battery, 400, 0, 150, window=WINDOW), 1, 2)

    settle_and_close([sold], [battery, buyer])

    # It had no energy: the grid fed what it gave, what it lost, and what the buyer lacked.
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 400 + 150 + 600,
        "withdrawnWh": 1_000,
        "lostWh": 150,
    }
    assert energy_token.totalSupply() == 0
    assert account_of(battery)["locked"] == account_of(buyer)["locked"] == 0


def test_who_is_expelled_under_audit_gets_its_money_in_the_end(
    system,
    membership,
    market,
    sales,
    record,
    doubt,
    resolve,
    members,
    settle_and_close,
    keeper,
    account_of,
    seller,
    buyer,
    other_buyer,
):
    """Neither the members nor an auditor keep what is its own."""
    record(seller, 3_500)
    doubt(seller, WINDOW)
    resolve(call_of(membership, "expel", seller), by=[one for one in members if one != seller])
    with reverts(error("ReadingIsHeld", seller, WINDOW, hold_end(WINDOW))):
        market.makeTransactions.call(sales, {"from": keeper})

    travel_to(hold_end(WINDOW))
    settle_and_close(sales, [seller, buyer, other_buyer])
    market.withdraw(account_of(seller)["free"], {"from": seller})

    assert account_of(seller) == {"free": 0, "locked": 0, "debt": 0}
    assert system.payment_token.balanceOf(seller) == DEPOSIT + cost_down(3_500, 200_000)
