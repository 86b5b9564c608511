from app.market.windows import commit_start, window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, agreement_on, travel_to
from tests.contracts.plain import plain


def test_a_battery_buys_at_noon_and_sells_at_night(
    market,
    energy_token,
    make_offer,
    allow,
    record,
    settle_and_close,
    account_of,
    seller,
    buyer,
    battery,
):
    """It takes in 5 kWh, loses 0.5 on the way, and gives 4.5 to a home."""
    bought = agreement_on(
        make_offer(5_000, 80_000), seller, battery, energy_wh=5_000, price=100_000
    )
    travel_to(commit_start(WINDOW))
    allow(bought)
    travel_to(window_end(WINDOW))
    record(seller, 5_000)
    record(battery, 0, 5_000, 300)
    settle_and_close([bought], [seller, battery])

    assert account_of(battery)["free"] == DEPOSIT - 500_000
    assert energy_token.balanceOf(battery) == 4_700

    night = WINDOW + 2
    sold = agreement_on(
        make_offer(4_500, 150_000, window=night, by=battery),
        battery,
        buyer,
        energy_wh=4_500,
        price=200_000,
    )
    travel_to(commit_start(night))
    allow(sold)
    travel_to(window_end(night))
    record(battery, 4_500, 0, 200, window=night)
    record(buyer, 0, 4_500, window=night)
    settle_and_close([sold], [battery, buyer])

    assert account_of(battery)["free"] == DEPOSIT - 500_000 + 900_000
    assert account_of(buyer)["free"] == DEPOSIT - 900_000
    assert energy_token.balanceOf(battery) == 0
    assert plain(energy_token.energyTotals()) == {
        "injectedWh": 5_000,
        "withdrawnWh": 4_500,
        "lostWh": 500,
    }


def test_a_battery_that_has_nothing_buys_what_it_sold_from_the_grid(
    market, energy_token, make_offer, allow, record, settle_and_close, account_of, buyer, battery
):
    """Its meter says that it gave energy which it never took in: the grid has fed it."""
    sold = agreement_on(make_offer(1_000, by=battery), battery, buyer, energy_wh=1_000)
    travel_to(commit_start(WINDOW))
    allow(sold)
    travel_to(window_end(WINDOW))
    record(battery, 1_000)
    record(buyer, 0, 1_000)
    settle_and_close([sold], [battery, buyer])

    assert account_of(battery)["free"] == DEPOSIT + 200_000 - 320_000
    assert account_of(buyer)["free"] == DEPOSIT - 200_000
    assert energy_token.totalSupply() == 0
