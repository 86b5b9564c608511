from itertools import permutations

import pytest

from app.market.windows import commit_start, window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, agreement_on, travel_to
from tests.contracts.plain import events_of


@pytest.fixture
def agreements(make_offer, allow, record, seller, buyer, other_buyer, battery):
    """Three sales of 4 kWh in all from two offers; only 1.5 kWh were exported."""
    first, second = make_offer(3_000), make_offer(1_000)
    agreements = [
        agreement_on(first, seller, buyer, energy_wh=2_000, price=200_000),
        agreement_on(first, seller, other_buyer, energy_wh=1_000, price=250_000),
        agreement_on(second, seller, battery, energy_wh=1_000, price=150_000),
    ]
    travel_to(commit_start(WINDOW))
    for agreement in agreements:
        allow(agreement)
    travel_to(window_end(WINDOW))
    record(seller, 1_501)
    for household in (buyer, other_buyer, battery):
        record(household, 0, 1_000)
    return agreements


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_shortfall_is_shared_whatever_the_order(
    market,
    energy_token,
    agreements,
    keeper,
    account_of,
    order,
    seller,
    buyer,
    other_buyer,
    battery,
    treasury,
):
    delivered = {}
    for index in order:
        transaction = market.makeTransaction(agreements[index], {"from": keeper})
        (settled,) = events_of(transaction, "TransactionMade")
        delivered[index] = settled["deliveredWh"]

    # 1501 of 4000 Wh: 750.5, 375.25 and 375.25, rounded down
    assert delivered == {0: 750, 1: 375, 2: 375}
    assert energy_token.balanceOf(seller) == 1
    # paid less than agreed, and compensated for what the grid asks beyond the price
    assert account_of(buyer)["free"] == DEPOSIT - 150_000 + 150_000
    assert account_of(other_buyer)["free"] == DEPOSIT - 93_750 + 43_750
    assert account_of(battery)["free"] == DEPOSIT - 56_250 + 106_250
    compensation, penalty = 150_000 + 43_750 + 106_250, 62_500 + 31_250 + 31_250
    assert account_of(seller)["free"] == DEPOSIT + 300_000 - compensation - penalty
    assert account_of(treasury)["free"] == 10 * DEPOSIT + penalty


def test_a_buyer_never_pays_more_than_the_grid_asks(
    market, agreements, settle_and_close, account_of, buyer
):
    settle_and_close(agreements, [buyer])

    # 1 kWh was used: 750 Wh at 0.20, the rest from the grid, and 0.15 for 1250 Wh that failed
    assert account_of(buyer)["free"] == DEPOSIT - 150_000 - 80_000 + 150_000
