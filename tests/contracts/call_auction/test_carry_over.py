"""What is left of an order takes part in the windows that follow."""

import pytest
from brownie import reverts

from app.market.clearing import PricingRule
from app.market.windows import commit_start, window_start
from tests.contracts.call_auction.conftest import BUY, CLEARED, OPEN
from tests.contracts.conftest import CEILING, DEPOSIT, FLOOR, PENALTY, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of

NEXT = WINDOW + 1


def energies(transaction):
    return [event["energyWh"] for event in events_of(transaction, "OrderFilled")]


def test_is_filled_over_several_windows(buy, sell, clear, left_of, account_of, buyer, market):
    bought = buy(3_000, 200_000, windows=3)
    for number, window in enumerate(range(WINDOW, WINDOW + 3)):
        sold = sell(1_000, 100_000, window=window)
        assert energies(clear([bought], [sold], window)) == [1_000]
        assert left_of(bought) == [2_000 - number * 1_000]
        assert account_of(buyer)["locked"] == (number + 1) * 150_000 + left_of(bought)[0] * 200


def test_waits_untouched_for_its_match(auction, buy, sell, clear, book_of):
    waiting = sell(2_000, 100_000, windows=4)
    for window in range(WINDOW, WINDOW + 3):
        assert not energies(clear(sells=[waiting], window=window))
        assert book_of(window + 1) == (0, 1, OPEN)

    bought = buy(2_000, window=WINDOW + 3)
    assert energies(clear([bought], [waiting], WINDOW + 3)) == [2_000]


def test_joins_those_that_are_placed_for_the_window(buy, clear, book_of, auction, other_buyer):
    early = buy(1_000, 150_000, windows=2)
    planned = buy(1_000, 200_000, window=NEXT, by=other_buyer)
    clear([early])
    late = buy(1_000, 150_000, window=NEXT)
    assert book_of(NEXT) == (3, 0, OPEN)

    clear([planned, early, late], window=NEXT)

    assert book_of(NEXT) == (0, 0, CLEARED)


def test_keeps_its_place_before_younger_ones(buy, sell, clear, other_buyer):
    early = buy(1_000, 150_000, windows=2)
    clear([early])
    late, sold = buy(1_000, 150_000, window=NEXT, by=other_buyer), sell(1_500, window=NEXT)

    transaction = clear([early, late], [sold], NEXT)

    fills = events_of(transaction, "OrderFilled")
    assert [(fill["buyId"], fill["energyWh"]) for fill in fills] == [(early, 1_000), (late, 500)]


def test_must_be_listed(auction, buy, clear, keeper):
    early = buy(windows=2)
    clear([early])
    late = buy(window=NEXT)
    travel_to(commit_start(NEXT))

    with reverts(error("BookIncomplete", BUY, 1, 2)):
        auction.clear.call(NEXT, [late], [], {"from": keeper})


def test_expires_after_its_last_window(buy, sell, clear, account_of, buyer, book_of):
    bought = buy(2_000, windows=2)
    clear([bought])
    sold = sell(500, window=NEXT)

    transaction = clear([bought], [sold], NEXT)

    assert event_of(transaction, "OrderExpired") == {
        "orderId": bought,
        "window": NEXT,
        "energyWh": 1_500,
    }
    assert account_of(buyer)["locked"] == 75_000
    assert book_of(NEXT + 1) == (0, 0, OPEN)


def test_lives_for_a_week(buy, clear, keeper, auction, book_of):
    order_id = buy(1_000, 150_000, windows=169)
    for window in range(WINDOW, WINDOW + 168):
        clear([order_id], window=window)

    transaction = clear([order_id], window=WINDOW + 168)

    assert event_of(transaction, "OrderExpired")["orderId"] == order_id


def test_stays_behind_when_its_book_is_missed(
    auction, buy, sell, clear, keeper, book_of, outsider, buyer, account_of
):
    """Cleared, carried over, missed: it is in no book any more, also when later ones clear."""
    lost = buy(3_000, windows=5)
    clear([lost], [sell(1_000)])
    travel_to(window_start(NEXT))
    other = buy(1_000, 150_000, window=NEXT + 1, windows=2)
    travel_to(commit_start(NEXT + 1))
    with reverts(error("OrderNotInBook", BUY, 0, lost)):
        auction.clear.call(NEXT + 1, [lost, other], [], {"from": keeper})

    clear([other], window=NEXT + 1)
    travel_to(commit_start(NEXT + 2))
    with reverts(error("OrderNotInBook", BUY, 0, lost)):
        auction.clear.call(NEXT + 2, [lost, other], [], {"from": keeper})
    auction.releaseOrders([lost], {"from": outsider})
    assert account_of(buyer)["locked"] == 150_000 + 1_000 * 150


def test_does_not_reach_over_a_window_without_orders(auction, buy, clear, keeper):
    """Where nothing is carried on, the chain of books ends."""
    first = buy(windows=1)
    clear([first])
    second = buy(window=NEXT, windows=2)
    clear([second], window=NEXT)

    clear([second], window=NEXT + 1)


# The grid's prices change


def test_a_sell_that_its_cover_does_not_suffice_for_is_passed_over(
    buy, sell, clear, publish, left_of, account_of, seller, other_seller
):
    publish(NEXT, FLOOR, CEILING + 1, PENALTY)
    short = sell(1_000, 100_000, windows=3)
    clear(sells=[short])
    before = account_of(seller)
    bought = buy(1_000, 200_000, window=NEXT)
    dearer = sell(1_000, 150_000, window=NEXT, by=other_seller)

    transaction = clear([bought], [short, dearer], NEXT)

    assert [event["sellId"] for event in events_of(transaction, "OrderFilled")] == [dearer]
    assert left_of(short) == [1_000]
    assert account_of(seller) == before


def test_it_takes_part_again_when_its_cover_suffices(buy, sell, clear, publish):
    publish(NEXT, FLOOR, CEILING, PENALTY + 1)
    short = sell(1_000, 100_000, windows=3)
    clear(sells=[short])
    clear(sells=[short], window=NEXT)
    bought = buy(1_000, window=NEXT + 1)

    assert energies(clear([bought], [short], NEXT + 1)) == [1_000]


def test_it_expires_like_others(sell, clear, publish, account_of, seller):
    publish(NEXT, FLOOR, CEILING, PENALTY + 1)
    short = sell(1_000, 100_000, windows=2)
    clear(sells=[short])

    transaction = clear(sells=[short], window=NEXT)

    assert event_of(transaction, "OrderExpired")["orderId"] == short
    assert account_of(seller) == {"free": DEPOSIT, "locked": 0, "debt": 0}


@pytest.mark.parametrize("changes", [(-1, 1), (1, -1), (-20_000, 0), (0, -20_000)])
def test_a_sell_whose_cover_suffices_takes_part(
    buy, sell, clear, publish, account_of, seller, changes
):
    ceiling, penalty = CEILING + changes[0], PENALTY + changes[1]
    publish(NEXT, FLOOR, ceiling, penalty)
    sold = sell(1_000, 100_000, windows=2)
    clear(sells=[sold])
    bought = buy(1_000, 200_000, window=NEXT)

    assert energies(clear([bought], [sold], NEXT)) == [1_000]
    bond = ceiling - 150_000 + penalty
    assert account_of(seller)["locked"] == bond


def test_nobody_pays_more_than_the_ceiling(buy, sell, clear, publish, account_of, buyer):
    publish(NEXT, FLOOR, 150_000, PENALTY)
    bought = buy(1_000, 200_000, windows=2)
    clear([bought])
    sold = sell(400, 100_000, window=NEXT)

    transaction = clear([bought], [sold], NEXT)

    assert event_of(transaction, "OrderFilled")["price"] == 125_000
    assert event_of(transaction, "OrderServed")["energyWh"] == 600
    assert event_of(transaction, "BookCleared")["marginalBuy"] == 150_000
    assert account_of(buyer)["locked"] == 50_000


def test_nobody_sells_for_less_than_the_floor(buy, sell, clear, publish):
    publish(NEXT, 120_000, CEILING, PENALTY)
    sold = sell(1_000, 100_000, windows=2)
    clear(sells=[sold])
    bought = buy(1_000, 200_000, window=NEXT)

    transaction = clear([bought], [sold], NEXT)

    assert event_of(transaction, "OrderFilled")["price"] == 160_000
    assert event_of(transaction, "BookCleared")["marginalSell"] == 120_000


def test_a_buy_below_the_floor_waits(buy, sell, clear, publish, left_of):
    publish(NEXT, 120_000, CEILING, PENALTY)
    low = buy(1_000, 110_000, windows=3)
    clear([low])
    sold = sell(1_000, 120_000, window=NEXT)

    assert not energies(clear([low], [sold], NEXT))
    assert left_of(low) == [1_000]


def test_the_uniform_price_is_that_of_effective_limits(auction, admin, buy, sell, clear, publish):
    publish(NEXT, 140_000, 180_000, PENALTY)
    auction.setPricingRule(PricingRule.UNIFORM, {"from": admin})
    bought, sold = buy(1_000, 175_000, windows=2), sell(1_000, 180_000, windows=2)
    clear([bought], [sold])
    cheap = sell(1_000, 140_000, window=NEXT)

    transaction = clear([bought], [cheap, sold], NEXT)

    assert [event["price"] for event in events_of(transaction, "OrderFilled")] == [157_500]


def test_freezes_the_terms_of_a_book_that_has_carried_orders_alone(
    market, buy, clear, operator, keeper, auction
):
    order_id = buy(windows=2)
    clear([order_id])
    travel_to(commit_start(NEXT))
    market.publishTerms.call(NEXT, [(FLOOR, CEILING, PENALTY)], {"from": operator})

    clear([order_id], window=NEXT)

    with reverts(error("TermsFrozen", NEXT)):
        market.publishTerms.call(NEXT, [(FLOOR, CEILING, PENALTY)], {"from": operator})
