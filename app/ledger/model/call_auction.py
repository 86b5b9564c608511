"""The model of `CallAuction`: orders, books, and their clearing.

The caller of a function is always its first argument. Unlike the contract the model clears a whole
book in one call, so that no book is ever `CLEARING`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from app.ledger.model.authority import Role
from app.ledger.model.contract import Contract, World
from app.ledger.model.genesis import Genesis
from app.ledger.model.market import MAX_ENERGY_WH, EnergyMarket, VenueFill
from app.ledger.types import Address, Book, BookState, Order, Side
from app.market.auction import (
    BookFills,
    clear_book,
    earliest_expiry,
    last_window_of,
    latest_expiry,
    takes_part,
)
from app.market.clearing import Fill, PricingRule
from app.market.windows import MAX_HORIZON, commit_start, window_at, window_start


class CallAuction(Contract):
    """Model of the contract `CallAuction`. Every refusal is a ContractRevertedError."""

    name = "CallAuction"

    def __init__(self, world: World, genesis: Genesis, market: EnergyMarket) -> None:
        super().__init__(world, genesis.contracts.call_auction)
        self._market = market
        self._live: dict[int, Order] = {}
        self._last_id = {"is": 0}
        self._placed_counts: dict[int, int] = {}
        self._placed: dict[tuple[int, int], int] = {}
        self._carried: dict[int, tuple[int, ...]] = {}
        self._cleared: dict[int, bool] = {}
        self._rules = {0: PricingRule.MIDPOINT}

    # Views

    def order_of(self, order_id: int) -> Order:
        """What is left of an order. Errors: OrderUnknown."""
        return self._live_of(order_id)

    def get_orders(self, order_ids: Sequence[int]) -> list[Order]:
        """Those of the orders that have energy left."""
        return [self._live[order_id] for order_id in order_ids if order_id in self._live]

    def orders_of(self, window: int) -> list[Order]:
        """The orders of a window's book, by id; none once it is cleared or lost."""
        if not self._exists(window):
            return []
        return sorted(self._book(window), key=lambda order: order.id)

    def book_of(self, window: int) -> Book:
        """How many orders a book has, and its state."""
        orders = self.orders_of(window)
        sells = sum(order.side for order in orders)
        return Book(len(orders) - sells, sells, self._state(window))

    def pricing_rule_of(self, window: int) -> PricingRule:
        """How the matches of a window are priced."""
        return self._rules[max(first for first in self._rules if first <= window)]

    # Orders

    def place_order(
        self,
        caller: Address,
        side: Side,
        energy_wh: int,
        limit_price: int,
        window: int,
        expires_at: int,
    ) -> int:
        """Returns the order's id. Errors, in this order: EnergyZero, EnergyTooLarge, WindowClosed,
        WindowTooFar, ExpiryTooEarly, ExpiryTooLate, those of `EnergyMarket.cover_order`.
        """
        self._require_placeable(energy_wh, window, expires_at)

        order_id = self._last_id["is"] + 1
        order = Order(
            id=order_id,
            owner=caller,
            side=side,
            energy_wh=energy_wh,
            limit_price=limit_price,
            window=window,
            last_window=last_window_of(expires_at),
        )
        self._market.cover_order(self.address, side, caller, window, energy_wh, limit_price)
        self._journal.put(self._last_id, "is", order_id)
        self._journal.put(self._live, order_id, order)
        count = self._placed_counts.get(window, 0)
        self._journal.put(self._placed_counts, window, count + 1)
        self._journal.put(self._placed, (window, count), order_id)
        self._emit(
            "OrderPlaced",
            orderId=order_id,
            owner=caller,
            window=window,
            side=side,
            energyWh=energy_wh,
            limitPrice=limit_price,
            expiresAt=expires_at,
        )
        return order_id

    def cancel_order(self, caller: Address, order_id: int) -> None:
        """Errors: OrderUnknown, NotOwner, BookClosed."""
        order = self._live_of(order_id)
        self._require(caller == order.owner, "NotOwner", caller=caller, owner=order.owner)
        window = self._window_of(order)
        is_closed = commit_start(window) <= self._now() < window_start(window)
        self._require(not is_closed, "BookClosed", window=window)

        self._end(order)
        self._emit("OrderCancelled", orderId=order_id, owner=order.owner, energyWh=order.energy_wh)

    def release_orders(self, caller: Address, order_ids: Sequence[int]) -> None:
        """Passes over orders that are gone. By anyone. Errors: OrderInBook."""
        for order_id in order_ids:
            order = self._live.get(order_id)
            if order is None:
                continue
            window = self._window_of(order)
            self._require(
                self._now() >= window_start(window),
                "OrderInBook",
                orderId=order_id,
                window=window,
            )
            self._expire(order)

    def _require_placeable(self, energy_wh: int, window: int, expires_at: int) -> None:
        self._require(energy_wh > 0, "EnergyZero")
        self._require(
            energy_wh <= MAX_ENERGY_WH, "EnergyTooLarge", energyWh=energy_wh, maximum=MAX_ENERGY_WH
        )
        closed_since = max(commit_start(window), 0)
        self._require(
            self._now() < closed_since, "WindowClosed", window=window, closedSince=closed_since
        )
        last_window = window_at(self._now()) + MAX_HORIZON
        self._require(window <= last_window, "WindowTooFar", window=window, lastWindow=last_window)
        earliest, latest = earliest_expiry(window), latest_expiry(window)
        self._require(
            expires_at >= earliest, "ExpiryTooEarly", expiresAt=expires_at, earliest=earliest
        )
        self._require(expires_at <= latest, "ExpiryTooLate", expiresAt=expires_at, latest=latest)

    # Clearing

    def clear(
        self, caller: Address, window: int, buy_ids: Sequence[int], sell_ids: Sequence[int]
    ) -> bool:
        """Returns True: the book is cleared. Errors, in this order: BookIsCleared,
        CommitPhaseOnly, EnforcedPause, BookEmpty, OrderNotInBook, OrderMisplaced, BookIncomplete,
        those of `EnergyMarket.record_fill`.
        """
        self._require(not self._is_cleared(window), "BookIsCleared", window=window)
        start, end = max(commit_start(window), 0), window_start(window)
        self._require(
            start <= self._now() < end,
            "CommitPhaseOnly",
            window=window,
            **{"from": start, "until": end},
        )
        terms = self._market.open_clearing(self.address, window)
        book = {order.id: order for order in self._book(window)}
        self._require(len(book) > 0, "BookEmpty", window=window)
        self._require_listed(Side.BUY, buy_ids, book)
        self._require_listed(Side.SELL, sell_ids, book)

        rule = self.pricing_rule_of(window)
        taking_part = [
            order
            for order in book.values()
            if takes_part(order, self._market.terms_of(order.window), terms)
        ]
        result = clear_book(taking_part, terms, rule)
        for fill in result.fills:
            self._fill(fill, window)
        for order_id, energy_wh in result.served.items():
            self._end(self._live[order_id])
            self._emit("OrderServed", orderId=order_id, window=window, energyWh=energy_wh)
        self._carry_on(window, [*buy_ids, *sell_ids])
        self._emit_cleared(window, rule, result)
        return True

    def _require_listed(self, side: Side, ids: Sequence[int], book: Mapping[int, Order]) -> None:
        """Whether the ids are all of a side's orders, the head first."""
        sign = -1 if side is Side.BUY else 1
        former: tuple[int, int] | None = None
        for position, order_id in enumerate(ids):
            found = {"side": side, "position": position, "orderId": order_id}
            is_in_book = order_id in book and book[order_id].side is side
            self._require(is_in_book, "OrderNotInBook", **found)
            place = (sign * book[order_id].limit_price, order_id)
            self._require(former is None or former < place, "OrderMisplaced", **found)
            former = place
        total = sum(order.side is side for order in book.values())
        self._require(len(ids) == total, "BookIncomplete", side=side, listed=len(ids), total=total)

    def _fill(self, fill: Fill, window: int) -> None:
        buy, sell = self._live[fill.buy_id], self._live[fill.sell_id]
        self._market.record_fill(
            self.address,
            VenueFill(
                buy_id=fill.buy_id,
                sell_id=fill.sell_id,
                buyer=buy.owner,
                seller=sell.owner,
                window=window,
                energy_wh=fill.quantity_wh,
                price=fill.price,
                buy_limit=buy.limit_price,
                sell_limit=sell.limit_price,
                sell_window=sell.window,
            ),
        )
        for order in (buy, sell):
            self._reduce(order, fill.quantity_wh)
        self._emit(
            "OrderFilled",
            buyId=fill.buy_id,
            sellId=fill.sell_id,
            window=window,
            energyWh=fill.quantity_wh,
            price=fill.price,
        )

    def _carry_on(self, window: int, order_ids: Sequence[int]) -> None:
        """Orders leave the book, to the next one or for good."""
        carried = []
        for order_id in order_ids:
            order = self._live.get(order_id)
            if order is None:
                continue
            if order.last_window > window:
                carried.append(order_id)
            else:
                self._expire(order)
        self._journal.put(self._cleared, window, True)
        self._journal.put(self._carried, window + 1, tuple(carried))

    def _emit_cleared(self, window: int, rule: PricingRule, result: BookFills) -> None:
        self._emit(
            "BookCleared",
            window=window,
            rule=rule,
            tradedWh=sum(fill.quantity_wh for fill in result.fills),
            servedWh=sum(result.served.values()),
            marginalBuy=result.marginal_buy,
            marginalSell=result.marginal_sell,
            fills=len(result.fills),
        )

    # Rules of the auction

    def set_pricing_rule(self, caller: Address, rule: PricingRule) -> None:
        """From the window after the next on, by the members."""
        self._restrict(caller, Role.MEMBERS)

        first = window_at(self._now()) + 2
        self._journal.put(self._rules, first, rule)
        self._emit("PricingRuleSet", fromWindow=first, rule=rule)

    # Records

    def _live_of(self, order_id: int) -> Order:
        self._require(order_id in self._live, "OrderUnknown", orderId=order_id)
        return self._live[order_id]

    def _reduce(self, order: Order, energy_wh: int) -> None:
        left_wh = order.energy_wh - energy_wh
        if left_wh == 0:
            self._journal.remove(self._live, order.id)
        else:
            self._journal.put(self._live, order.id, replace(order, energy_wh=left_wh))

    def _end(self, order: Order) -> None:
        self._journal.remove(self._live, order.id)
        self._market.release_order(
            self.address,
            order.side,
            order.owner,
            order.window,
            order.energy_wh,
            order.limit_price,
        )

    def _expire(self, order: Order) -> None:
        self._end(order)
        self._emit(
            "OrderExpired", orderId=order.id, window=order.last_window, energyWh=order.energy_wh
        )

    # Books

    def _book(self, window: int) -> Iterator[Order]:
        """What is left of the orders that were placed for a window or carried on to it."""
        placed = (self._placed[window, i] for i in range(self._placed_counts.get(window, 0)))
        for order_id in (*self._carried.get(window, ()), *placed):
            order = self._live.get(order_id)
            if order is not None:
                yield order

    def _window_of(self, order: Order) -> int:
        """The window whose book an order is in, or was in when nobody cleared it."""
        window = order.window
        while self._is_cleared(window):
            window += 1
        return window

    def _exists(self, window: int) -> bool:
        return not self._is_cleared(window) and self._now() < window_start(window)

    def _state(self, window: int) -> BookState:
        if self._is_cleared(window):
            return BookState.CLEARED
        return BookState.OPEN if self._now() < commit_start(window) else BookState.CLOSED

    def _is_cleared(self, window: int) -> bool:
        return self._cleared.get(window, False)
