"""Every story ends with books that balance."""

import pytest
from brownie import accounts

from tests.contracts.conftest import HOUSEHOLDS_FROM
from tests.contracts.plain import plain


@pytest.fixture(autouse=True)
def account_holders(system, treasury):
    """Whose accounts are summed up when the story is over; it may bring in more."""
    holders = [treasury, *accounts[HOUSEHOLDS_FROM : HOUSEHOLDS_FROM + 7]]
    yield holders
    books = [plain(system.market.accountOf(holder)) for holder in holders]
    held = system.payment_token.balanceOf(system.market)
    assert held == sum(book["free"] + book["locked"] for book in books)
    assert system.payment_token.totalSupply() == (
        system.payment_token.depositedTotal() - system.payment_token.withdrawnTotal()
    )
    totals = plain(system.energy_token.energyTotals())
    assert system.energy_token.totalSupply() == (
        totals["injectedWh"] - totals["withdrawnWh"] - totals["lostWh"]
    )


@pytest.fixture
def settle_and_close(market, keeper):
    """Settles agreements and closes positions of their window, as anybody may."""

    def settle_and_close(agreements, participants):
        market.makeTransactions(agreements, {"from": keeper})
        return market.closePositions(participants, agreements[0].window, {"from": keeper})

    return settle_and_close
