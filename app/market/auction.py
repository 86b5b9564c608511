"""What holds for the book of one window: covers, effective limits, and its clearing.

The contract `CallAuction` in plain numbers, to the unit. Energy in Wh, prices in money per kWh.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.ledger.types import Order, Side, Terms
from app.market.clearing import (
    Clearing,
    Fill,
    LimitOrder,
    PricingRule,
    clear,
    clear_arrays,
)
from app.market.settlement import failure_rate
from app.market.units import WH_PER_KWH
from app.market.windows import COMMIT_MARGIN, WINDOW_LENGTH, commit_start

MAX_LIFE = 168


@dataclass(frozen=True, slots=True)
class BookFills:
    """What the clearing of a book does.

    `fills` are between members, in the order of matching; `served` is what buys at the ceiling get
    from the grid, by order id; the marginal limits are the effective ones of the last fill, 0
    without one.
    """

    fills: tuple[Fill, ...]
    served: dict[int, int]
    marginal_buy: int
    marginal_sell: int


def cover_rate(side: Side, limit_price: int, terms: Terms) -> int:
    """What an order locks for each Wh that is left of it: whole units of money a Wh.

    ceil(limit / 1000) for a buy; ceil((ceiling - limit + penalty rate) / 1000) for a sell, whose
    bond grows as its price falls. `terms` are those of the order's first window.
    """
    rate = limit_price if side is Side.BUY else failure_rate(limit_price, terms)
    return -(-rate // WH_PER_KWH)


def last_window_of(expires_at: int) -> int:
    """The last window whose book closes before a moment."""
    return (expires_at + COMMIT_MARGIN - 1) // WINDOW_LENGTH


def earliest_expiry(window: int) -> int:
    """The first moment at which an order for a window may expire."""
    return commit_start(window) + 1


def latest_expiry(window: int) -> int:
    """The last moment at which an order for a window may expire."""
    return commit_start(window + MAX_LIFE + 1)


def takes_part(order: Order, own_terms: Terms, terms: Terms) -> bool:
    """Whether the cover of an order suffices in a window with these terms.

    That of a sell was measured by the terms of its first window, `own_terms`.
    """
    return order.side is Side.BUY or (
        own_terms.grid_ceiling + own_terms.penalty_rate >= terms.grid_ceiling + terms.penalty_rate
    )


def effective_limit(order: Order, terms: Terms) -> int:
    """An order's limit within the grid's prices of a window, which bound what anybody pays."""
    if order.side is Side.BUY:
        return min(order.limit_price, terms.grid_ceiling)
    return max(order.limit_price, terms.grid_floor)


def queue_of(orders: Iterable[Order], side: Side) -> list[Order]:
    """One side of a book, the head first: by stated limit, then by id."""
    sign = -1 if side is Side.BUY else 1
    return sorted(
        (order for order in orders if order.side is side),
        key=lambda order: (sign * order.limit_price, order.id),
    )


def clear_book(orders: Iterable[Order], terms: Terms, rule: PricingRule) -> BookFills:
    """Clears the orders of a book that take part, with the grid as a seller at the ceiling."""
    queues = _queues(orders)
    quantities = [order.energy_wh for order in queues]
    limits = [effective_limit(order, terms) for order in queues]
    is_buy = [order.side is Side.BUY for order in queues]
    wanted_wh = sum(wh for wh, buys in zip(quantities, is_buy, strict=True) if buys)
    # By place, since equal effective limits keep the order of the stated ones.
    cleared = clear_arrays(
        [*is_buy, False],
        [*quantities, wanted_wh],
        [*limits, terms.grid_ceiling],
        range(len(queues) + 1),
        rule,
    )
    fills, served = [], {}
    marginal_buy = marginal_sell = 0
    for buy, sell, energy_wh, price in zip(
        cleared.buy.tolist(),
        cleared.sell.tolist(),
        cleared.quantity_wh.tolist(),
        cleared.price.tolist(),
        strict=True,
    ):
        if sell == len(queues):
            served[queues[buy].id] = energy_wh
        else:
            fills.append(Fill(queues[buy].id, queues[sell].id, energy_wh, price))
            marginal_buy, marginal_sell = limits[buy], limits[sell]
    return BookFills(tuple(fills), served, marginal_buy, marginal_sell)


def explain_book(orders: Iterable[Order], terms: Terms, rule: PricingRule) -> Clearing:
    """The same clearing in the words of the reference, with the reasons of what is not filled."""
    limit_orders = [
        LimitOrder(
            id=order.id,
            side=order.side,
            quantity_wh=order.energy_wh,
            residual_wh=order.energy_wh,
            limit_price=effective_limit(order, terms),
            issued_at=place,
            expires_at=commit_start(order.last_window + 1),
        )
        for place, order in enumerate(_queues(orders))
    ]
    return clear(limit_orders, rule, regulator_price=terms.grid_ceiling)


def _queues(orders: Iterable[Order]) -> Sequence[Order]:
    book = list(orders)
    return [*queue_of(book, Side.BUY), *queue_of(book, Side.SELL)]
