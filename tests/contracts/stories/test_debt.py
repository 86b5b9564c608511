from brownie import reverts

from app.market.windows import commit_start, window_end
from tests.contracts.conftest import LAST_WINDOW, WINDOW, agreement_on, travel_to
from tests.contracts.errors import error


def test_debt_keeps_a_household_out_until_it_is_paid(
    market, record, keeper, fund, make_offer, allow, sign, account_of, seller, buyer
):
    offer = make_offer()
    record(buyer, 0, 400_000, window=LAST_WINDOW)
    market.closePosition(buyer, LAST_WINDOW, {"from": keeper})
    debt = 128_000_000 - 100_000_000
    assert account_of(buyer) == {"free": 0, "locked": 0, "debt": debt}

    agreement = agreement_on(offer, seller, buyer)
    travel_to(commit_start(WINDOW))
    with reverts(error("DebtOutstanding", buyer, debt)):
        market.allowTransaction.call(agreement, sign(agreement), {"from": seller})

    fund(buyer, debt + 1_000_000)
    market.deposit(debt + 1_000_000, {"from": buyer})
    assert account_of(buyer) == {"free": 1_000_000, "locked": 0, "debt": 0}
    allow(agreement)
    assert account_of(buyer) == {"free": 600_000, "locked": 400_000, "debt": 0}


def test_what_a_debtor_earns_pays_the_debt(
    market, open_agreement, record, keeper, account_of, seller, buyer, treasury
):
    """A seller falls into debt while its agreement is open; the sale itself goes on."""
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    market.withdraw(account_of(seller)["free"], {"from": seller})
    record(seller, 0, 10_000, window=WINDOW - 1)
    market.closePosition(seller, WINDOW - 1, {"from": keeper})
    assert account_of(seller)["debt"] == 3_200_000
    treasury_free = account_of(treasury)["free"]

    market.makeTransaction(open_agreement, {"from": keeper})

    # the bond of 0.34 returns, and 0.40 are paid
    assert account_of(seller) == {"free": 0, "locked": 0, "debt": 3_200_000 - 740_000}
    assert account_of(treasury)["free"] == treasury_free + 740_000
