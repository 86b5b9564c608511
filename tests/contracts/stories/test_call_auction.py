from app.ledger.types import Side
from app.market.windows import commit_start, window_end
from tests.contracts.conftest import WINDOW, agreement_on, travel_to
from tests.contracts.plain import events_of, plain
from tests.contracts.signing import Agreement

BUY, SELL = Side
FIELDS = ("offerId", "seller", "buyer", "window", "energyWh", "price")


def test_five_orders_from_the_book_to_the_meter(
    auction,
    market,
    keeper,
    record,
    settle_and_close,
    account_of,
    energy_token,
    seller,
    other_seller,
    buyer,
    other_buyer,
    battery,
):
    """Two sell, three buy: one wholly, one in part with the grid's help, one not at all."""

    def place(side, energy_wh, limit_price, owner, windows=1):
        order = (side, energy_wh, limit_price, WINDOW, commit_start(WINDOW + windows))
        return auction.placeOrder(*order, {"from": owner}).events["OrderPlaced"]["orderId"]

    dear = place(SELL, 2_000, 180_000, other_seller, windows=2)
    eager = place(BUY, 3_000, 320_000, buyer)
    cheap = place(SELL, 1_500, 100_000, seller)
    patient = place(BUY, 1_000, 120_000, battery, windows=2)
    late = place(BUY, 500, 170_000, other_buyer)

    travel_to(commit_start(WINDOW))
    clearing = auction.clear(WINDOW, [eager, late, patient], [cheap, dear], {"from": keeper})

    fills = events_of(clearing, "OrderFilled")
    assert [tuple(fill.values()) for fill in fills] == [
        (eager, cheap, WINDOW, 1_500, 210_000),
        (eager, dear, WINDOW, 1_500, 250_000),
    ]
    assert [event["orderId"] for event in events_of(clearing, "OrderExpired")] == [late]
    assert [plain(order)["energyWh"] for order in auction.getOrders([dear, patient])] == [
        500,
        1_000,
    ]
    agreements = [
        Agreement(*(allowed[field] for field in FIELDS), 0, fill["buyId"])
        for allowed, fill in zip(events_of(clearing, "TransactionAllowed"), fills, strict=True)
    ]

    travel_to(window_end(WINDOW))
    record(seller, 1_500)
    record(other_seller, 2_000)
    record(buyer, 0, 3_000)
    settle_and_close(agreements, [seller, other_seller, buyer])

    # 1.5 kWh at 0.21; 1.5 kWh at 0.25, and half a kWh that the grid takes at its floor
    assert account_of(seller) == {"free": 100_315_000, "locked": 0, "debt": 0}
    assert account_of(buyer) == {"free": 100_000_000 - 690_000, "locked": 0, "debt": 0}
    still_covered = 500 * 190
    assert account_of(other_seller) == {
        "free": 100_000_000 + 375_000 + 40_000 - still_covered,
        "locked": still_covered,
        "debt": 0,
    }
    assert account_of(battery)["locked"] == 1_000 * 120
    assert energy_token.totalSupply() == 0
    auction.cancelOrder(dear, {"from": other_seller})
    assert account_of(other_seller)["locked"] == 0


def test_a_member_trades_in_both_places(
    auction, market, keeper, make_offer, allow, record, settle_and_close, seller, buyer, other_buyer
):
    """What a seller has promised in both is delivered pro rata, whoever settles first."""
    haggled = agreement_on(make_offer(), seller, buyer)
    order = (WINDOW, commit_start(WINDOW + 1))
    auction.placeOrder(SELL, 2_000, 100_000, *order, {"from": seller})
    auction.placeOrder(BUY, 2_000, 200_000, *order, {"from": other_buyer})
    travel_to(commit_start(WINDOW))
    allow(haggled)
    clearing = auction.clear(WINDOW, [2], [1], {"from": keeper})
    (allowed,) = events_of(clearing, "TransactionAllowed")
    filled = Agreement(*(allowed[field] for field in FIELDS), 0, 2)

    travel_to(window_end(WINDOW))
    record(seller, 3_000)
    record(buyer, 0, 2_000)
    record(other_buyer, 0, 2_000)
    settle_and_close([filled, haggled], [seller, buyer, other_buyer])

    assert [market.positionOf(one, WINDOW)["boughtWh"] for one in (buyer, other_buyer)] == [
        1_500,
        1_500,
    ]
