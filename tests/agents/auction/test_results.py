"""What a round comes to, from the receipts of its clearing."""

from app.agents.auction.orders import Fill, round_prices
from app.agents.auction.results import round_result
from app.ledger.types import Event, Receipt
from tests.agents.auction.conftest import TERMS, WINDOW

AUCTION = 0xA << 96


def filled(buy_id: int, sell_id: int, energy_wh: int, price: int) -> tuple[Event, Event]:
    allowed = {
        "offerId": AUCTION | sell_id,
        "seller": "seller",
        "buyer": "buyer",
        "window": WINDOW,
        "energyWh": energy_wh,
        "price": price,
    }
    order = {"buyId": buy_id, "sellId": sell_id, "window": WINDOW}
    return (
        Event("EnergyMarket", "TransactionAllowed", allowed),
        Event("CallAuction", "OrderFilled", order | {"energyWh": energy_wh, "price": price}),
    )


def ended(name: str, order_id: int, energy_wh: int) -> Event:
    return Event("CallAuction", name, {"orderId": order_id, "energyWh": energy_wh})


def test_fills_and_what_is_left_are_told_by_order() -> None:
    receipts = [
        Receipt("clear", "operator", events=(*filled(1, 5, 600, 200_000), *filled(2, 5, 100, 0))),
        Receipt("clear", "operator", events=(ended("OrderServed", 3, 250),)),
        Receipt("clear", "operator", events=(ended("OrderExpired", 5, 40),)),
    ]
    result = round_result(WINDOW, TERMS, receipts)
    assert result.fills == {
        1: (Fill(600, 200_000),),
        2: (Fill(100, 0),),
        5: (Fill(600, 200_000), Fill(100, 0)),
    }
    assert result.unfilled == {3: 250, 5: 40}
    assert [(a.salt, a.energy_wh, a.price) for a in result.agreements] == [
        (1, 600, 200_000),
        (2, 100, 0),
    ]
    assert result.prices is not None
    assert (result.prices.lowest, result.prices.highest) == (0, TERMS.grid_ceiling)
    assert result.prices.traded_wh == 700


def test_a_round_without_receipts_is_empty() -> None:
    result = round_result(WINDOW, TERMS, [])
    assert (result.agreements, result.fills, result.prices) == ((), {}, None)


def test_mean_price_is_weighted_by_energy() -> None:
    prices = round_prices(WINDOW, [Fill(300, 100_000), Fill(100, 200_000), Fill(0, 900_000)])
    assert prices is not None
    assert (prices.lowest, prices.mean, prices.highest) == (100_000, 125_000, 200_000)


def test_what_the_grid_serves_has_the_ceilings_price() -> None:
    prices = round_prices(WINDOW, [], Fill(400, 320_000))
    assert prices is not None
    assert (prices.lowest, prices.highest, prices.traded_wh) == (320_000, 320_000, 0)
    assert round_prices(WINDOW, [], Fill(0, 320_000)) is None
