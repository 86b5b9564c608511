"""Orders of a street, and the clearing of their books."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from brownie.network.account import Account

from app.ledger.types import Side
from app.market.windows import commit_start
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.plain import plain

BUY, SELL = Side

# States of a book.
OPEN, CLOSED, CLEARING, CLEARED = range(4)


def expiry(window: int, windows: int = 1) -> int:
    """The last moment at which an order expires that is to take part in so many windows."""
    return commit_start(window + windows)


@pytest.fixture(scope="session")
def place(auction: Any) -> Callable[..., int]:
    """Places an order and returns its id."""

    def place(
        side: Side,
        energy_wh: int,
        limit_price: int,
        *,
        by: Account,
        window: int = WINDOW,
        windows: int = 1,
    ) -> int:
        transaction = auction.placeOrder(
            side, energy_wh, limit_price, window, expiry(window, windows), {"from": by}
        )
        return int(transaction.events["OrderPlaced"]["orderId"])

    return place


@pytest.fixture(scope="session")
def buy(place: Callable[..., int], buyer: Account) -> Callable[..., int]:
    """Places a buy of 2 kWh at 0.20 and returns its id."""

    def buy(energy_wh: int = 2_000, limit_price: int = 200_000, **how: Any) -> int:
        return place(BUY, energy_wh, limit_price, **{"by": buyer, **how})

    return buy


@pytest.fixture(scope="session")
def sell(place: Callable[..., int], seller: Account) -> Callable[..., int]:
    """Places a sell of 2 kWh at 0.10 and returns its id."""

    def sell(energy_wh: int = 2_000, limit_price: int = 100_000, **how: Any) -> int:
        return place(SELL, energy_wh, limit_price, **{"by": seller, **how})

    return sell


@pytest.fixture(scope="session")
def clear(auction: Any, keeper: Account) -> Callable[..., Any]:
    """Clears a book at the first moment of its commit margin."""

    def clear(buys: Iterable[int] = (), sells: Iterable[int] = (), window: int = WINDOW) -> Any:
        travel_to(commit_start(window))
        return auction.clear(window, list(buys), list(sells), {"from": keeper})

    return clear


@pytest.fixture(scope="session")
def book_of(auction: Any) -> Callable[..., tuple[int, int, int]]:
    """Buys, sells and state of a book."""

    def book_of(window: int = WINDOW) -> tuple[int, int, int]:
        buys, sells, state = plain(auction.bookOf(window)).values()
        return buys, sells, state

    return book_of


@pytest.fixture(scope="session")
def left_of(auction: Any) -> Callable[..., list[int]]:
    """The energy that is left of orders."""

    def left_of(*order_ids: int) -> list[int]:
        return [int(order["energyWh"]) for order in auction.getOrders(list(order_ids))]

    return left_of


@pytest.fixture(scope="session")
def publish(market: Any, operator: Account) -> Callable[..., None]:
    """Publishes the terms of a window."""

    def publish(window: int, *terms: int) -> None:
        market.publishTerms(window, [terms], {"from": operator})

    return publish
