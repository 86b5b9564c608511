from app.market.units import cost_down, cost_up
from app.market.windows import commit_start, window_end
from tests.contracts.conftest import (
    DEPOSIT,
    FLOOR,
    WINDOW,
    agreement_on,
    reading_of,
    travel_to,
)
from tests.contracts.plain import events_of

PRICE = 200_000


def test_an_hour_of_a_street_in_five_transactions(
    market,
    energy_token,
    registry,
    make_offer,
    sign,
    sign_reading,
    keeper,
    account_of,
    seller,
    other_seller,
    buyer,
    other_buyer,
    battery,
):
    sellers, buyers = [seller, other_seller], [buyer, other_buyer, battery]
    offers = {household: make_offer(9_000, by=household) for household in sellers}
    agreements = {
        household: [
            agreement_on(offers[household], household, to, energy_wh=1_000, price=PRICE, salt=salt)
            for to in buyers
            for salt in range(3)
        ]
        for household in sellers
    }

    travel_to(commit_start(WINDOW))
    for household, batch in agreements.items():
        signatures = [sign(agreement) for agreement in batch]
        market.allowTransactions(batch, signatures, {"from": household})

    travel_to(window_end(WINDOW))
    readings = [reading_of(household, 10_000) for household in sellers]
    readings += [reading_of(household, 0, 5_000) for household in buyers]
    registry.submitReadings(readings, [sign_reading(one) for one in readings], {"from": keeper})
    everything = [agreement for batch in agreements.values() for agreement in batch]
    settled = market.makeTransactions(everything, {"from": keeper})
    closed = market.closePositions(sellers + buyers, WINDOW, {"from": keeper})

    assert len(events_of(settled, "TransactionMade")) == len(everything) == 18
    net = [event["netWh"] for event in events_of(closed, "PositionClosed")]
    assert net == [1_000, 1_000, 1_000, 1_000, 1_000]
    for household in sellers:
        earned = cost_down(9_000, PRICE) + cost_down(1_000, FLOOR)
        assert account_of(household)["free"] == DEPOSIT + earned
    for household in buyers:
        assert account_of(household)["free"] == DEPOSIT - cost_up(6_000, PRICE) + 80_000
    # The battery has taken 5 kWh in, which stay in the microgrid.
    assert energy_token.balanceOf(battery) == energy_token.totalSupply() == 5_000
