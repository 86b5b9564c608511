from tests.contracts.conftest import DEPOSIT, LAST_WINDOW


def test_an_empty_treasury_owes_and_pays_later(
    market, record, keeper, account_of, fund, seller, other_seller, buyer, treasury
):
    market.withdraw(10 * DEPOSIT - 300_000, {"from": treasury})
    record(seller, 5_000, window=LAST_WINDOW)
    record(other_seller, 2_000, window=LAST_WINDOW)
    record(buyer, 0, 1_000, window=LAST_WINDOW)

    # Nothing reverts: the first gets what is there, the second nothing, the third pays in.
    market.closePositions([seller, other_seller, buyer], LAST_WINDOW, {"from": keeper})
    assert account_of(seller)["free"] == DEPOSIT + 300_000
    assert market.claimOf(seller) == 100_000
    assert account_of(other_seller)["free"] == DEPOSIT
    assert market.claimOf(other_seller) == 160_000
    assert account_of(treasury)["free"] == 320_000

    # What the third paid is enough for both.
    market.payClaim(seller, {"from": keeper})
    market.payClaim(other_seller, {"from": keeper})
    assert market.claimOf(seller) == market.claimOf(other_seller) == 0
    assert account_of(seller)["free"] == DEPOSIT + 400_000
    assert account_of(other_seller)["free"] == DEPOSIT + 160_000
    assert account_of(treasury)["free"] == 60_000
