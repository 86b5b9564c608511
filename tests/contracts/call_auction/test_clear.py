"""Matches, prices, and what they lock. Guards are in `test_clear_guards`."""

import pytest

from app.market.clearing import PricingRule
from app.market.windows import commit_start, window_end, window_start
from tests.contracts.call_auction.conftest import CLEARED
from tests.contracts.conftest import CEILING, DEPOSIT, FLOOR, PENALTY, WINDOW, travel_to
from tests.contracts.plain import event_of, events_of
from tests.contracts.signing import Agreement


def fills_of(transaction):
    """Buy, sell, energy and price of every match."""
    return [
        (event["buyId"], event["sellId"], event["energyWh"], event["price"])
        for event in events_of(transaction, "OrderFilled")
    ]


@pytest.fixture
def rule(auction, admin):
    """Sets how the window is priced, from the hour before on."""

    def rule(rule):
        travel_to(window_start(WINDOW - 2))
        auction.setPricingRule(rule, {"from": admin})

    return rule


@pytest.fixture
def fill_of(auction, buyer, seller):
    """The agreement that a match of buyer and seller becomes."""

    def fill_of(buy_id, sell_id, energy_wh, price):
        return Agreement(
            offer_id=int(auction.address, 16) << 96 | sell_id,
            seller=seller.address,
            buyer=buyer.address,
            window=WINDOW,
            energy_wh=energy_wh,
            price=price,
            deadline=0,
            salt=buy_id,
        )

    return fill_of


def test_turns_a_match_into_an_agreement(
    market, auction, buy, sell, clear, fill_of, buyer, seller, book_of
):
    bought, sold = buy(), sell()

    transaction = clear([bought], [sold])

    agreement = fill_of(bought, sold, 2_000, 150_000)
    digest = market.hashAgreement(agreement)
    assert market.agreementState(digest) == 1
    assert event_of(transaction, "TransactionAllowed") == {
        "agreementId": bytes(digest),
        "seller": seller.address,
        "buyer": buyer.address,
        "offerId": agreement.offer_id,
        "window": WINDOW,
        "energyWh": 2_000,
        "price": 150_000,
    }
    assert event_of(transaction, "OrderFilled") == {
        "buyId": bought,
        "sellId": sold,
        "window": WINDOW,
        "energyWh": 2_000,
        "price": 150_000,
    }
    assert event_of(transaction, "BookCleared") == {
        "window": WINDOW,
        "rule": PricingRule.MIDPOINT,
        "tradedWh": 2_000,
        "servedWh": 0,
        "marginalBuy": 200_000,
        "marginalSell": 100_000,
        "fills": 1,
    }
    assert book_of() == (0, 0, CLEARED)


def test_says_that_it_is_done(auction, buy, sell, keeper):
    ids = [buy()], [sell()]
    travel_to(commit_start(WINDOW))

    assert auction.clear.call(WINDOW, *ids, {"from": keeper}) is True


def test_locks_escrow_and_bond_in_place_of_the_covers(buy, sell, clear, account_of, buyer, seller):
    bought, sold = buy(), sell()

    clear([bought], [sold])

    escrow, bond = 300_000, 2_000 * (CEILING - 150_000 + PENALTY) // 1_000
    assert account_of(buyer) == {"free": DEPOSIT - escrow, "locked": escrow, "debt": 0}
    assert account_of(seller) == {"free": DEPOSIT - bond, "locked": bond, "debt": 0}


def test_keeps_the_cover_of_what_is_left(auction, buy, sell, clear, account_of, buyer):
    bought, sold = buy(1_003, 200_001, windows=2), sell(333, 100_000)

    clear([bought], [sold])

    assert auction.orderOf(bought)["energyWh"] == 670
    escrow = -(-333 * 150_000 // 1_000)
    assert account_of(buyer)["locked"] == 670 * 201 + escrow


def test_announces_each_agreement_right_before_its_fill(buy, sell, clear):
    bought = buy(5_000)
    sold = [sell(1_000, 100_000), sell(1_500, 110_000)]

    transaction = clear([bought], sold)

    names = [event.name for event in transaction.events]
    assert names == [
        *["TransactionAllowed", "OrderFilled"] * 2,
        "OrderExpired",
        "BookCleared",
    ]


def test_fills_are_settled_like_all_agreements(
    market, buy, sell, clear, fill_of, record, keeper, account_of, buyer, seller, energy_token
):
    bought, sold = buy(), sell()
    clear([bought], [sold])
    travel_to(window_end(WINDOW))
    record(seller, 2_000)

    market.makeTransaction(fill_of(bought, sold, 2_000, 150_000), {"from": keeper})

    assert account_of(seller) == {"free": DEPOSIT + 300_000, "locked": 0, "debt": 0}
    assert account_of(buyer) == {"free": DEPOSIT - 300_000, "locked": 0, "debt": 0}
    assert energy_token.balanceOf(buyer) == 2_000


# Matching


def test_the_dearest_buy_meets_the_cheapest_sell(buy, sell, clear, other_buyer, other_seller):
    low, high = buy(1_000, 150_000), buy(1_000, 300_000, by=other_buyer)
    dear, cheap = sell(1_000, 140_000), sell(1_000, 100_000, by=other_seller)

    transaction = clear([high, low], [cheap, dear])

    assert fills_of(transaction) == [
        (high, cheap, 1_000, 200_000),
        (low, dear, 1_000, 145_000),
    ]


def test_the_older_of_equal_orders_comes_first(buy, sell, clear, other_buyer):
    first, second = buy(1_000), buy(1_000, by=other_buyer)
    sold = sell(1_500)

    transaction = clear([first, second], [sold])

    assert fills_of(transaction) == [(first, sold, 1_000, 150_000), (second, sold, 500, 150_000)]


def test_the_larger_order_stays_at_the_head(buy, sell, clear):
    bought = [buy(700, 300_000), buy(2_000, 250_000)]
    sold = [sell(1_000, 100_000), sell(1_000, 150_000), sell(5, 160_000)]

    transaction = clear(bought, sold)

    assert [fill[:3] for fill in fills_of(transaction)] == [
        (bought[0], sold[0], 700),
        (bought[1], sold[0], 300),
        (bought[1], sold[1], 1_000),
        (bought[1], sold[2], 5),
    ]


def test_stops_where_the_limits_cross_no_more(buy, sell, clear):
    bought = [buy(1_000, 200_000), buy(1_000, 149_999)]
    sold = [sell(1_000, 150_000), sell(1_000, 150_000)]

    transaction = clear(bought, sold)

    assert fills_of(transaction) == [(bought[0], sold[0], 1_000, 175_000)]
    assert event_of(transaction, "BookCleared")["marginalBuy"] == 200_000
    assert [event["orderId"] for event in events_of(transaction, "OrderExpired")] == [
        bought[1],
        sold[1],
    ]


def test_equal_limits_match(buy, sell, clear):
    bought, sold = buy(1, 150_000), sell(1, 150_000)

    assert fills_of(clear([bought], [sold])) == [(bought, sold, 1, 150_000)]


def test_a_household_that_buys_from_itself_trades_like_others(
    market, buy, sell, clear, record, keeper, account_of, buyer
):
    bought, sold = buy(), sell(by=buyer)

    transaction = clear([bought], [sold])

    allowed = event_of(transaction, "TransactionAllowed")
    assert allowed["seller"] == allowed["buyer"] == buyer.address
    assert account_of(buyer)["locked"] == 300_000 + 440_000
    travel_to(window_end(WINDOW))
    record(buyer, 2_000)
    agreement = Agreement(
        allowed["offerId"], buyer.address, buyer.address, WINDOW, 2_000, 150_000, 0, bought
    )
    market.makeTransaction(agreement, {"from": keeper})
    assert account_of(buyer) == {"free": DEPOSIT, "locked": 0, "debt": 0}


def test_a_debt_that_came_later_does_not_stop_an_order(
    market, buy, sell, clear, record, keeper, buyer, account_of
):
    bought, sold = buy(DEPOSIT // 200), sell(1_000)
    record(buyer, 0, 1_000, window=WINDOW - 2)
    market.closePosition(buyer, WINDOW - 2, {"from": keeper})
    assert account_of(buyer)["debt"] == 320_000

    transaction = clear([bought], [sold])

    assert fills_of(transaction) == [(bought, sold, 1_000, 150_000)]
    # what the escrow needs less than the cover, and all that expires, pays the debt first
    assert [event["amount"] for event in events_of(transaction, "DebtPaid")] == [50_000, 270_000]
    assert account_of(buyer)["debt"] == 0


def test_one_side_alone_is_cleared_too(buy, sell, clear, account_of, buyer, seller):
    transaction = clear([buy(), buy()])

    assert len(events_of(transaction, "OrderExpired")) == 2
    assert event_of(transaction, "BookCleared") == {
        "window": WINDOW,
        "rule": PricingRule.MIDPOINT,
        "tradedWh": 0,
        "servedWh": 0,
        "marginalBuy": 0,
        "marginalSell": 0,
        "fills": 0,
    }
    sold = sell(window=WINDOW + 1)
    clear(sells=[sold], window=WINDOW + 1)
    assert account_of(buyer) == account_of(seller) == {"free": DEPOSIT, "locked": 0, "debt": 0}


# Prices


@pytest.mark.parametrize(
    ("pricing", "prices"),
    [
        (PricingRule.MIDPOINT, [200_000, 175_000, 149_500]),
        (PricingRule.UNIFORM, [149_500] * 3),
        (PricingRule.PAY_AS_BID, [300_000, 250_000, 150_001]),
    ],
)
def test_prices_by_the_rule_of_the_window(rule, buy, sell, clear, pricing, prices):
    rule(pricing)
    bought = [buy(1_000, limit) for limit in (300_000, 250_000, 150_001, 140_000)]
    sold = [sell(1_000, limit) for limit in (100_000, 100_000, 149_000, 149_000)]

    transaction = clear(bought, sold)

    assert [fill[3] for fill in fills_of(transaction)] == prices
    cleared = event_of(transaction, "BookCleared")
    assert cleared["rule"] == pricing
    assert (cleared["marginalBuy"], cleared["marginalSell"]) == (150_001, 149_000)


def test_rounds_a_midpoint_down(buy, sell, clear):
    bought, sold = buy(1_000, 200_001), sell(1_000, 100_000)

    assert fills_of(clear([bought], [sold]))[0][3] == 150_000


def test_a_price_is_between_the_grids(buy, sell, clear):
    bought, sold = buy(1_000, CEILING), sell(1_000, FLOOR)

    assert fills_of(clear([bought], [sold]))[0][3] == (CEILING + FLOOR) // 2


# The grid


def test_serves_a_buy_at_the_ceiling(buy, clear, account_of, buyer):
    bought = buy(2_000, CEILING, windows=5)

    transaction = clear([bought])

    assert event_of(transaction, "OrderServed") == {
        "orderId": bought,
        "window": WINDOW,
        "energyWh": 2_000,
    }
    assert event_of(transaction, "BookCleared")["servedWh"] == 2_000
    assert account_of(buyer) == {"free": DEPOSIT, "locked": 0, "debt": 0}


def test_serves_what_members_leave_open(auction, buy, sell, clear, left_of):
    bought = [buy(2_000, CEILING), buy(500, CEILING - 1, windows=2)]
    sold = sell(1_500, CEILING)

    transaction = clear(bought, [sold])

    assert fills_of(transaction) == [(bought[0], sold, 1_500, CEILING)]
    served = event_of(transaction, "OrderServed")
    assert (served["orderId"], served["energyWh"]) == (bought[0], 500)
    assert left_of(*bought) == [0, 500]
    cleared = event_of(transaction, "BookCleared")
    assert (cleared["tradedWh"], cleared["servedWh"], cleared["fills"]) == (1_500, 500, 1)


@pytest.mark.parametrize(("energy_wh", "price"), [(1_000, 210_000), (1_001, CEILING)])
def test_the_grid_is_the_marginal_seller_if_it_serves_anybody(
    rule, buy, sell, clear, energy_wh, price
):
    rule(PricingRule.UNIFORM)
    bought, sold = buy(energy_wh, CEILING), sell(1_000, 100_000)

    transaction = clear([bought], [sold])

    assert fills_of(transaction) == [(bought, sold, 1_000, price)]
    cleared = event_of(transaction, "BookCleared")
    assert (cleared["marginalBuy"], cleared["marginalSell"]) == (CEILING, 100_000)
