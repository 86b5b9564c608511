from app.market.windows import grace_end, window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, travel_to
from tests.contracts.plain import event_of


def test_a_sellers_silence_counts_as_no_delivery(
    market, open_agreement, record, keeper, account_of, seller, buyer, treasury
):
    travel_to(window_end(WINDOW))
    record(buyer, 0, 2_000)

    travel_to(grace_end(WINDOW))
    transaction = market.makeTransaction(open_agreement, {"from": keeper})

    assert event_of(transaction, "TransactionMade")["deliveredWh"] == 0
    assert account_of(buyer) == {"free": DEPOSIT + 240_000, "locked": 0, "debt": 0}
    assert account_of(seller) == {"free": DEPOSIT - 340_000, "locked": 0, "debt": 0}
    assert account_of(treasury)["free"] == 10 * DEPOSIT + 100_000


def test_a_buyers_silence_does_not_hold_the_seller_back(
    market,
    energy_token,
    open_agreement,
    record,
    settle_and_close,
    keeper,
    account_of,
    seller,
    buyer,
):
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    settle_and_close([open_agreement], [seller])
    assert account_of(seller)["free"] == DEPOSIT + 400_000

    # Nobody knows better: the buyer counts as having used what it bought.
    travel_to(grace_end(WINDOW))
    market.closePosition(buyer, WINDOW, {"from": keeper})
    assert account_of(buyer)["free"] == DEPOSIT - 400_000
    assert energy_token.totalSupply() == 0


def test_nobody_was_read(
    market, energy_token, open_agreement, settle_and_close, account_of, seller, buyer
):
    travel_to(grace_end(WINDOW))
    settle_and_close([open_agreement], [seller, buyer])

    assert account_of(seller)["locked"] == account_of(buyer)["locked"] == 0
    assert energy_token.totalSupply() == 0
