from app.market.windows import commit_start, window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, agreement_on, travel_to


def test_an_hour_in_which_all_is_delivered(
    market,
    energy_token,
    make_offer,
    allow,
    record,
    settle_and_close,
    account_of,
    seller,
    buyer,
    other_buyer,
    treasury,
):
    """One roof feeds two homes; the rest of it goes to the grid, as does the rest of their need."""
    offer = make_offer(5_000, 100_000)
    travel_to(commit_start(WINDOW))
    agreements = [
        agreement_on(offer, seller, buyer, energy_wh=2_000, price=200_000),
        agreement_on(offer, seller, other_buyer, energy_wh=1_500, price=180_000),
    ]
    for agreement in agreements:
        allow(agreement)

    travel_to(window_end(WINDOW))
    record(seller, 4_000, 0)
    record(buyer, 0, 2_500)
    record(other_buyer, 0, 1_200)
    settle_and_close(agreements, [seller, buyer, other_buyer])

    # 0.40 and 0.27 for what was sold, 0.5 kWh to the grid at 0.08
    assert account_of(seller)["free"] == DEPOSIT + 400_000 + 270_000 + 40_000
    # 0.5 kWh from the grid at 0.32
    assert account_of(buyer)["free"] == DEPOSIT - 400_000 - 160_000
    # 0.3 kWh too many, to the grid at 0.08
    assert account_of(other_buyer)["free"] == DEPOSIT - 270_000 + 24_000
    assert account_of(treasury)["free"] == 10 * DEPOSIT - 40_000 + 160_000 - 24_000
    assert energy_token.totalSupply() == 0
