import pytest
from brownie import reverts

from app.market.units import cost_down
from tests.contracts.conftest import DEPOSIT, FLOOR, LAST_WINDOW
from tests.contracts.errors import error
from tests.contracts.plain import event_of

CLAIM = cost_down(5_000, FLOOR)


@pytest.fixture
def claimant(market, seller, treasury, record, keeper):
    """A household that sold 5 kWh to the grid while the treasury was empty."""
    market.withdraw(10 * DEPOSIT, {"from": treasury})
    record(seller, 5_000, window=LAST_WINDOW)
    market.closePosition(seller, LAST_WINDOW, {"from": keeper})
    return seller


def test_pays_what_the_treasury_has(market, claimant, treasury, keeper, account_of):
    assert market.claimOf(claimant) == CLAIM
    market.deposit(CLAIM - 1, {"from": treasury})

    transaction = market.payClaim(claimant, {"from": keeper})

    assert event_of(transaction, "ClaimPaid") == {
        "participant": claimant.address,
        "amount": CLAIM - 1,
    }
    assert transaction.return_value == CLAIM - 1
    assert market.claimOf(claimant) == 1
    assert account_of(claimant)["free"] == DEPOSIT + CLAIM - 1
    assert account_of(treasury)["free"] == 0


def test_pays_no_more_than_the_claim(market, claimant, treasury, keeper, account_of):
    market.deposit(CLAIM + 1, {"from": treasury})

    market.payClaim(claimant, {"from": keeper})

    assert market.claimOf(claimant) == 0
    assert account_of(claimant)["free"] == DEPOSIT + CLAIM
    assert account_of(treasury)["free"] == 1


def test_pays_the_claimants_debt_first(market, claimant, treasury, record, keeper, account_of):
    record(claimant, 0, 1_000_000, window=LAST_WINDOW - 1)
    market.closePosition(claimant, LAST_WINDOW - 1, {"from": keeper})
    debt = account_of(claimant)["debt"]
    treasury_free = account_of(treasury)["free"]

    market.payClaim(claimant, {"from": keeper})

    assert account_of(claimant) == {"free": 0, "locked": 0, "debt": debt - CLAIM}
    assert account_of(treasury)["free"] == treasury_free


def test_goes_on_while_paused(market, claimant, treasury, keeper, paused):
    market.deposit(CLAIM, {"from": treasury})

    assert market.payClaim.call(claimant, {"from": keeper}) == CLAIM


# Guards


def test_refuses_who_has_no_claim(market, buyer, keeper):
    with reverts(error("AmountZero")):
        market.payClaim.call(buyer, {"from": keeper})


def test_refuses_while_the_treasury_is_empty(market, claimant, keeper):
    with reverts(error("AmountZero")):
        market.payClaim.call(claimant, {"from": keeper})
