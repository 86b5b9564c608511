from app.market.windows import window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, travel_to
from tests.contracts.plain import event_of


def test_sold_energy_that_was_given_away_is_bought_again(
    market,
    energy_token,
    open_agreement,
    record,
    settle_and_close,
    keeper,
    account_of,
    seller,
    buyer,
    outsider,
):
    """The seller moves its tokens before the settlement. Only the seller pays for that."""
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    energy_token.transfer(outsider, 1_500, {"from": seller})

    transaction = market.makeTransaction(open_agreement, {"from": keeper})

    assert event_of(transaction, "EnergyCovered") == {
        "participant": seller.address,
        "window": WINDOW,
        "energyWh": 1_500,
        "amount": 480_000,
    }
    assert event_of(transaction, "TransactionMade")["deliveredWh"] == 2_000
    assert account_of(seller)["free"] == DEPOSIT + 400_000 - 480_000
    assert energy_token.balanceOf(buyer) == 2_000
    settle_and_close([open_agreement], [seller, buyer])
    assert account_of(buyer)["free"] == DEPOSIT - 400_000
    assert energy_token.totalSupply() == energy_token.balanceOf(outsider) == 1_500


def test_bought_energy_that_was_given_away_is_bought_again(
    market,
    energy_token,
    open_agreement,
    record,
    settle_and_close,
    keeper,
    account_of,
    seller,
    buyer,
    outsider,
):
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    market.makeTransaction(open_agreement, {"from": keeper})
    energy_token.transfer(outsider, 2_000, {"from": buyer})

    settle_and_close([open_agreement], [seller, buyer])

    assert account_of(buyer)["free"] == DEPOSIT - 400_000 - 640_000
    assert energy_token.totalSupply() == energy_token.balanceOf(outsider) == 2_000
