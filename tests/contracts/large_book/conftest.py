"""A book of a thousand orders, which takes several calls to clear."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import pytest
from brownie import accounts, chain, history, web3
from brownie.network.account import Account

from app.ledger.types import Order, Side, Terms
from app.market.auction import BookFills, clear_book, earliest_expiry, queue_of
from app.market.clearing import PricingRule
from app.market.windows import window_start
from scripts.decide import call_of
from scripts.deploy import System
from tests.contracts.conftest import (
    CEILING,
    FLOOR,
    HOUSEHOLDS_FROM,
    NOW,
    PENALTY,
    WINDOW,
    travel_to,
)
from tests.contracts.mirror import Mirror, Outcome, ask
from tests.ledger.calls import Call

HOUSEHOLDS = 40
ORDERS = 1_000


@dataclass(frozen=True, slots=True)
class LargeBook:
    """The orders, by id; their ids, sorted; and what their clearing has to come to."""

    orders: dict[int, Order]
    lists: tuple[list[int], list[int]]
    expected: BookFills

    @property
    def call(self) -> tuple[object, ...]:
        """The arguments of `clear`."""
        return (WINDOW, *map(tuple, self.lists))


@pytest.fixture(scope="package")
def large_book(auction, resolve, street, enrol) -> Iterator[LargeBook]:
    """Half of the orders are buys, most of them cross; every third may be carried over."""
    # Under the snapshots of the tests; brownie itself keeps no more than one.
    snapshot = ask("evm_snapshot")["result"]
    travel_to(window_start(WINDOW - 2))
    resolve(call_of(auction, "setPricingRule", PricingRule.UNIFORM))
    travel_to(NOW)
    households = accounts[HOUSEHOLDS_FROM + 10 : HOUSEHOLDS_FROM + 10 + HOUSEHOLDS]
    for household in households:
        enrol(household)
    book = list(drawn([household.address for household in households]))
    for order in book:
        arguments = (order.side, order.energy_wh, order.limit_price, order.window)
        web3.eth.send_transaction(
            {
                "from": order.owner,
                "to": auction.address,
                "data": auction.placeOrder.encode_input(
                    *arguments, earliest_expiry(order.last_window)
                ),
                "gas": 200_000,
            }
        )
    buys, sells = ([order.id for order in queue_of(book, side)] for side in Side)
    expected = clear_book(book, Terms(FLOOR, CEILING, PENALTY), PricingRule.UNIFORM)
    yield LargeBook({order.id: order for order in book}, (buys, sells), expected)
    ask("evm_revert", snapshot)
    # brownie, which has not seen that, would wait for the voters' last transactions.
    history.clear()


def drawn(owners: list[str]) -> Iterator[Order]:
    """Orders as they come from the auction."""
    random = Random(0)
    for number in range(1, ORDERS + 1):
        side = Side(number % 2)
        middle = 220_000 if side is Side.BUY else 180_000
        yield Order(
            id=number,
            owner=random.choice(owners),
            side=side,
            energy_wh=random.randint(1, 2_000),
            limit_price=middle + random.randrange(-100_000, 100_001, 500),
            window=WINDOW,
            last_window=WINDOW + random.choice((0, 0, 2)),
        )


@pytest.fixture(scope="package")
def mirror(system: System) -> Mirror:
    """Decodes thousands of events faster than brownie, and sends less gas than a block has."""
    return Mirror(system)


@pytest.fixture(scope="package")
def go_on(mirror: Mirror, large_book: LargeBook, keeper: Account) -> Callable[..., Outcome]:
    """Calls `clear` once."""

    def go_on(by: Account = keeper) -> Outcome:
        outcome = mirror.send(Call("CallAuction", "clear", by.address, large_book.call))
        assert outcome.refusal is None
        return outcome

    return go_on


@pytest.fixture(autouse=True)
def fn_isolation(large_book: LargeBook) -> Iterator[None]:
    chain.snapshot()
    yield
    chain.revert()
