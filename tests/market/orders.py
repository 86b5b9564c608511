"""Orders for the tests of the clearing."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from app.ledger.types import Side
from app.market.clearing import Clearing, Fills, LimitOrder, PricingRule, clear_arrays

# Few prices and times, so that many are equal; quantities of very different size.
prices = st.one_of(st.integers(80, 90), st.integers(-100, 400))
times = st.integers(0, 4)
quantities = st.one_of(st.integers(0, 5), st.integers(0, 5_000))
rules = st.sampled_from(PricingRule)


@st.composite
def books(draw, max_size: int = 24) -> list[LimitOrder]:
    """Orders with ids from 1 in the order of the list."""
    size = draw(st.integers(0, max_size))
    book = []
    for number in range(1, size + 1):
        quantity_wh = draw(quantities)
        side = draw(st.sampled_from(Side))
        price, issued_at = draw(prices), draw(times)
        book.append(LimitOrder(number, side, quantity_wh, quantity_wh, price, issued_at))
    return book


def buy(number: int, energy_wh: int, price: int, issued_at: int = 0) -> LimitOrder:
    return LimitOrder(number, Side.BUY, energy_wh, energy_wh, price, issued_at)


def sell(number: int, energy_wh: int, price: int, issued_at: int = 0) -> LimitOrder:
    return LimitOrder(number, Side.SELL, energy_wh, energy_wh, price, issued_at)


@dataclass(frozen=True, slots=True)
class Columns:
    """A book as arrays."""

    is_buy: np.ndarray
    quantity_wh: np.ndarray
    limit_price: np.ndarray
    issued_at: np.ndarray

    def clear(self, rule: PricingRule = PricingRule.MIDPOINT) -> Fills:
        return clear_arrays(self.is_buy, self.quantity_wh, self.limit_price, self.issued_at, rule)


def columns(book: list[LimitOrder]) -> Columns:
    return Columns(
        np.array([order.side is Side.BUY for order in book], dtype=bool),
        np.array([order.residual_wh for order in book], dtype=np.int64),
        np.array([order.limit_price for order in book], dtype=np.int64),
        np.array([order.issued_at for order in book], dtype=np.int64),
    )


def rows(fills: Fills) -> list[tuple[int, int, int, int]]:
    """Fills as (buy, sell, quantity, price), the positions counted from 1."""
    return list(
        zip(
            (fills.buy + 1).tolist(),
            (fills.sell + 1).tolist(),
            fills.quantity_wh.tolist(),
            fills.price.tolist(),
            strict=True,
        )
    )


def fills_of(clearing: Clearing) -> list[tuple[int, int, int, int]]:
    return [(f.buy_id, f.sell_id, f.quantity_wh, f.price) for f in clearing.fills]
