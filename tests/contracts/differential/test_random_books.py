"""Random books clear on the chain as they do in `app.market.clearing`, to the unit.

`PEERWATT_CHAIN_BOOKS` is the number of stories (each with a seed of its own); a story is a few
windows of changing terms, whose books carry over what is left.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from app.ledger.fills import fill_agreements
from app.ledger.types import Agreement, BookState, Order, Receipt, Side, Terms
from app.market.auction import (
    clear_book,
    cover_rate,
    earliest_expiry,
    explain_book,
    queue_of,
    takes_part,
)
from app.market.clearing import REGULATOR_ID, PricingRule
from app.market.settlement import locks_of
from app.market.windows import commit_start, window_start
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.mirror import ChainBooks, Mirror, chain_people
from tests.ledger.calls import Call
from tests.ledger.market_machine import DEPOSIT, move_in

BOOKS = int(os.environ.get("PEERWATT_CHAIN_BOOKS", "6"))
ORDERS = 16

# Few prices and energies, so that many are equal; all lie within all terms.
PRICES = (100_000, 150_000, 150_001, 199_999, 200_000, 230_000, 240_000)
# Terms of the windows of a story, and how many of its orders are buys.
HOURS = (
    (Terms(100_000, 240_000, 50_000), 0.4),
    (Terms(80_000, 320_000, 50_000), 0.9),
    (Terms(145_000, 210_000, 120_000), 0.5),
    (Terms(100_000, 300_000, 0), 0.9),
    (Terms(100_000, 240_000, 130_001), 0.5),
)


class Story:
    """What a street has ordered, and what its books have come to."""

    def __init__(self, system, rule: PricingRule, seed: int) -> None:
        self.people = chain_people()
        self.mirror = Mirror(system)
        self.books = ChainBooks(system)
        self.rule = rule
        self.random = Random(seed)
        self.orders: dict[int, Order] = {}
        self.last_id = 0
        self.agreements: list[Agreement] = []
        self.terms: dict[int, Terms] = {}
        self.seen: Counter[str] = Counter()
        travel_to(window_start(WINDOW - 2))
        for call in move_in(self.people, system.market.address, system.treasury.address):
            self.send(call.contract, call.function, call.sender, *call.arguments)
        for resident in self.people.residents:
            self.send("EnergyMarket", "deposit", resident.owner, DEPOSIT)
        self.send("CallAuction", "setPricingRule", self.people.members, rule)

    def send(self, contract: str, function: str, sender: str, *arguments: object):
        outcome = self.mirror.send(Call(contract, function, sender, arguments))
        assert outcome.refusal is None, outcome.refusal
        self.seen.update(event.name for event in outcome.events)
        return outcome.events

    def live_through(self, window: int) -> None:
        """Orders are placed for a window, and its book is cleared."""
        travel_to(window_start(window - 1))
        self.terms[window], appetite = HOURS[window - WINDOW]
        terms = (self.terms[window],)
        self.send("EnergyMarket", "publishTerms", self.people.operator, window, terms)
        for _ in range(ORDERS):
            self.place(window, Side.BUY if self.random.random() < appetite else Side.SELL)
        travel_to(commit_start(window))
        self.clear(window)
        assert self.books.orders(list(self.orders)) == list(self.orders.values())
        self.assert_locked()

    def place(self, window: int, side: Side) -> None:
        terms, random = self.terms[window], self.random
        prices = [one for one in PRICES if terms.grid_floor <= one <= terms.grid_ceiling]
        order = Order(
            id=self.last_id + 1,
            owner=random.choice(self.people.residents).owner,
            side=side,
            energy_wh=random.choice((1, 7, 250, 250, 500, random.randint(1, 700))),
            limit_price=random.choice((*prices, terms.grid_ceiling, terms.grid_ceiling)),
            window=window,
            last_window=window + random.choice((0, 0, 1, 2, 4)),
        )
        (placed,) = self.send(
            "CallAuction",
            "placeOrder",
            order.owner,
            order.side,
            order.energy_wh,
            order.limit_price,
            window,
            earliest_expiry(order.last_window),
        )
        assert placed.arguments["orderId"] == order.id
        self.last_id = order.id
        self.orders[order.id] = order

    def clear(self, window: int) -> None:
        book, terms = list(self.orders.values()), self.terms[window]
        lists = (tuple(order.id for order in queue_of(book, side)) for side in Side)
        events = self.send("CallAuction", "clear", self.people.keeper, window, *lists)

        part = [order for order in book if takes_part(order, self.terms[order.window], terms)]
        self.seen["passed over"] += len(book) - len(part)
        expected = clear_book(part, terms, self.rule)
        filled = [
            tuple(event.arguments[name] for name in ("buyId", "sellId", "energyWh", "price"))
            for event in events
            if event.name == "OrderFilled"
        ]
        served = {
            event.arguments["orderId"]: event.arguments["energyWh"]
            for event in events
            if event.name == "OrderServed"
        }
        assert filled == [(f.buy_id, f.sell_id, f.quantity_wh, f.price) for f in expected.fills]
        assert served == expected.served
        reference = explain_book(part, terms, self.rule).fills
        assert filled == [
            (f.buy_id, f.sell_id, f.quantity_wh, f.price)
            for f in reference
            if f.sell_id != REGULATOR_ID
        ]
        cleared = events[-1].arguments
        assert cleared["tradedWh"] == sum(energy_wh for *_, energy_wh, _ in filled)
        assert cleared["servedWh"] == sum(served.values())
        assert cleared["fills"] == len(filled)
        assert (cleared["marginalBuy"], cleared["marginalSell"]) == (
            expected.marginal_buy,
            expected.marginal_sell,
        )
        self.agreements += fill_agreements([Receipt("clear", "", events=events)])
        self.go_on(window, filled, served)

    def go_on(self, window: int, filled, served) -> None:
        """What is left of the orders goes to the next book."""
        taken = Counter(served)
        for buy_id, sell_id, energy_wh, _ in filled:
            taken[buy_id] += energy_wh
            taken[sell_id] += energy_wh
        self.orders = {
            order.id: replace(order, energy_wh=order.energy_wh - taken[order.id])
            for order in self.orders.values()
            if order.energy_wh > taken[order.id] and order.last_window > window
        }
        assert self.books.book(window).state is BookState.CLEARED
        following = self.books.book(window + 1)
        sells = sum(order.side for order in self.orders.values())
        assert (following.buys, following.sells) == (len(self.orders) - sells, sells)

    def assert_locked(self) -> None:
        """Everybody has locked what their orders and agreements need, and not a unit more."""
        locked: Counter[str] = Counter()
        for order in self.orders.values():
            rate = cover_rate(order.side, order.limit_price, self.terms[order.window])
            locked[order.owner] += order.energy_wh * rate
        for agreement in self.agreements:
            locks = locks_of(agreement.energy_wh, agreement.price, self.terms[agreement.window])
            locked[agreement.buyer] += locks.escrow
            locked[agreement.seller] += locks.bond
        for resident in self.people.residents:
            assert self.books.account(resident.owner).locked == locked[resident.owner]


@pytest.fixture(scope="module")
def seen() -> Iterator[Counter[str]]:
    """What the stories have come across; all together they have to see everything."""
    seen: Counter[str] = Counter()
    yield seen
    assert +seen >= Counter(["OrderFilled", "OrderServed", "OrderExpired", "passed over"])


@pytest.mark.parametrize("seed", range(BOOKS))
def test_random_books_clear_alike(system, seen, seed):
    story = Story(system, PricingRule(seed % 3), seed)

    for window in range(WINDOW, WINDOW + len(HOURS)):
        story.live_through(window)

    seen.update(story.seen)
