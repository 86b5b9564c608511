"""Clearing of a call auction: high-low matching of buy and sell orders.

Huang et al. 2022, section 3: buys by price descending, sells ascending, equal prices by time of
issue; the heads of both queues match while the buyer offers at least what the seller asks, the
smaller residual is executed fully, the larger one is reduced and stays at the head.

Pure and exact: energy in Wh, prices in 1e-6 money per kWh, integers throughout. `clear` is the
short reference, on orders as people see them, and says why an order was not filled. `clear_arrays`
gives the same fills for large books in O(n log n) without a loop: in the order of matching, each
side's energy is a line cut at its orders' cumulative sums, and the fills are the pieces between the
cuts of both lines.

Either way the cleared volume is the largest that demand and supply have in common at one price, the
greatest min(D(p), S(p)) of all prices p; no other choice of trades is worth more to all together.
Nobody trades beyond its limit or its quantity, and the result depends on the order of the input
only where price and time are equal: there the first comes first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.errors import InputError
from app.ledger.types import Side
from app.market.units import MONEY_UNIT, WH_PER_KWH

REGULATOR_ID = 0
MAX_INT64 = 2**63 - 1
_LOW_HALF = 2**32 - 1

Int64s = NDArray[np.int64]


class PricingRule(IntEnum):
    """What a match costs, between its buyer's limit b and its seller's limit s.

    MIDPOINT: floor((b + s) / 2). UNIFORM: that of the last match, the marginal one, for all.
    PAY_AS_BID: b.
    """

    MIDPOINT = 0
    UNIFORM = 1
    PAY_AS_BID = 2


@dataclass(frozen=True, slots=True)
class LimitOrder:
    """An order with the fields of Huang et al. 2022, section 3.1.

    `residual_wh` of `quantity_wh` are left. `issued_at` may count anything that grows;
    `expires_at`, in the same unit, is the first moment without the order.
    """

    id: int
    side: Side
    quantity_wh: int
    residual_wh: int
    limit_price: int
    issued_at: int
    expires_at: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.residual_wh <= self.quantity_wh:
            rule = f"is from 0 to the quantity, {self.quantity_wh}"
            raise InputError("residual_wh", rule, self.residual_wh)


@dataclass(frozen=True, slots=True)
class Fill:
    """Energy that a buy and a sell order trade; REGULATOR_ID is the regulator's sell order."""

    buy_id: int
    sell_id: int
    quantity_wh: int
    price: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """What became of a book.

    `residual_book` has the orders that live on, in the order of the input; `reasons` say for every
    order that was not filled wholly, by its id, why; the marginal orders are those of the last
    fill. `welfare` is what the energy is worth to its buyers less what it costs its sellers, by
    their limits, in money, rounded down.
    """

    fills: tuple[Fill, ...]
    residual_book: tuple[LimitOrder, ...]
    marginal_buy: LimitOrder | None
    marginal_sell: LimitOrder | None
    welfare: int
    reasons: Mapping[int, str]

    @property
    def cleared_wh(self) -> int:
        """All that was traded, with what the regulator sold."""
        return sum(fill.quantity_wh for fill in self.fills)

    @property
    def served_wh(self) -> int:
        """What the regulator sold."""
        return sum(fill.quantity_wh for fill in self.fills if fill.sell_id == REGULATOR_ID)


@dataclass(frozen=True, slots=True, eq=False)
class Fills:
    """Fills in the order of matching, one element of each array a fill.

    `buy` and `sell` are positions in the input, `quantity_wh` is above 0, `price` is per kWh.
    """

    buy: Int64s
    sell: Int64s
    quantity_wh: Int64s
    price: Int64s

    def __len__(self) -> int:
        return len(self.quantity_wh)

    @property
    def cleared_wh(self) -> int:
        """All that was traded; fits int64."""
        return int(self.quantity_wh.sum())

    def welfare(self, limit_price: ArrayLike) -> int:
        """Sum of quantity * (buyer's - seller's limit), in money, rounded down; of any size."""
        limits = np.asarray(limit_price)
        buys, sells = limits[self.buy].tolist(), limits[self.sell].tolist()
        quantities = self.quantity_wh.tolist()
        worth: int = sum(q * (b - s) for q, b, s in zip(quantities, buys, sells, strict=True))
        return worth // WH_PER_KWH


# The reference


@dataclass(frozen=True, slots=True)
class _Match:
    buy: LimitOrder
    sell: LimitOrder
    quantity_wh: int


def clear(
    orders: Iterable[LimitOrder],
    rule: PricingRule = PricingRule.MIDPOINT,
    *,
    regulator_price: int | None = None,
    at: int | None = None,
) -> Clearing:
    """Clears a book: the reference that `clear_arrays` is held against.

    The regulator, if there is one, sells without limit at its price, behind all others who ask as
    much (Huang et al. 2022, section 2.4); no buyer pays more, as a limit above it counts as one at
    it. Orders that have expired `at` a moment take no part and leave the book. Raises InputError
    where two orders have the same id, or one has the regulator's.
    """
    book = list(orders)
    _require_ids(book)
    live = [order for order in book if not _has_expired(order, at)]
    buys = _queue(live, Side.BUY)
    sells = _queue(live, Side.SELL)
    if regulator_price is not None:
        sells = _with_regulator(buys, sells, regulator_price)
    matches = _match(buys, sells, regulator_price)
    filled_wh = _filled(matches)
    return Clearing(
        fills=_priced(matches, rule, regulator_price),
        residual_book=tuple(
            replace(order, residual_wh=order.residual_wh - filled_wh.get(order.id, 0))
            for order in live
            if filled_wh.get(order.id, 0) < order.residual_wh
        ),
        marginal_buy=matches[-1].buy if matches else None,
        marginal_sell=matches[-1].sell if matches else None,
        welfare=sum(m.quantity_wh * (m.buy.limit_price - m.sell.limit_price) for m in matches)
        // WH_PER_KWH,
        reasons={
            order.id: _reason(order, buys, sells, filled_wh.get(order.id, 0), at)
            for order in book
            if filled_wh.get(order.id, 0) < order.residual_wh
        },
    )


def _require_ids(book: Sequence[LimitOrder]) -> None:
    seen = {REGULATOR_ID}
    for order in book:
        if order.id in seen:
            raise InputError("id", "is an order's own, and not the regulator's 0", order.id)
        seen.add(order.id)


def _has_expired(order: LimitOrder, at: int | None) -> bool:
    return at is not None and order.expires_at is not None and order.expires_at <= at


def _queue(orders: Iterable[LimitOrder], side: Side) -> list[LimitOrder]:
    """One side of the book, the head first."""
    sign = -1 if side is Side.BUY else 1
    return sorted(
        (order for order in orders if order.side is side and order.residual_wh > 0),
        key=lambda order: (sign * order.limit_price, order.issued_at, order.id),
    )


def _with_regulator(
    buys: Iterable[LimitOrder], sells: Sequence[LimitOrder], price: int
) -> list[LimitOrder]:
    """The regulator's order can serve all buyers, so that it has no limit in effect."""
    enough_wh = sum(order.residual_wh for order in buys)
    regulator = LimitOrder(REGULATOR_ID, Side.SELL, enough_wh, enough_wh, price, issued_at=0)
    before = [order for order in sells if order.limit_price <= price]
    return [*before, regulator, *sells[len(before) :]]


def _match(
    buys: Sequence[LimitOrder], sells: Sequence[LimitOrder], cap: int | None
) -> list[_Match]:
    matches = []
    buy_queue, sell_queue = iter(buys), iter(sells)
    buy, sell = next(buy_queue, None), next(sell_queue, None)
    buy_wh = buy.residual_wh if buy else 0
    sell_wh = sell.residual_wh if sell else 0
    while buy and sell and _bid(buy, cap) >= sell.limit_price:
        quantity_wh = min(buy_wh, sell_wh)
        if quantity_wh > 0:
            matches.append(_Match(buy, sell, quantity_wh))
        buy_wh -= quantity_wh
        sell_wh -= quantity_wh
        if buy_wh == 0:
            buy = next(buy_queue, None)
            buy_wh = buy.residual_wh if buy else 0
        if sell_wh == 0:
            sell = next(sell_queue, None)
            sell_wh = sell.residual_wh if sell else 0
    return matches


def _bid(buy: LimitOrder, cap: int | None) -> int:
    return buy.limit_price if cap is None else min(buy.limit_price, cap)


def _priced(matches: Sequence[_Match], rule: PricingRule, cap: int | None) -> tuple[Fill, ...]:
    if not matches:
        return ()
    marginal = matches[-1]

    def price(match: _Match) -> int:
        if rule is PricingRule.PAY_AS_BID:
            return _bid(match.buy, cap)
        middle = marginal if rule is PricingRule.UNIFORM else match
        return (_bid(middle.buy, cap) + middle.sell.limit_price) // 2

    return tuple(Fill(m.buy.id, m.sell.id, m.quantity_wh, price(m)) for m in matches)


def _filled(matches: Iterable[_Match]) -> dict[int, int]:
    filled_wh: dict[int, int] = {}
    for match in matches:
        for order in (match.buy, match.sell):
            filled_wh[order.id] = filled_wh.get(order.id, 0) + match.quantity_wh
    return filled_wh


# Reasons


def _reason(
    order: LimitOrder,
    buys: Sequence[LimitOrder],
    sells: Sequence[LimitOrder],
    filled_wh: int,
    at: int | None,
) -> str:
    """Why an order was not filled, or not wholly, as its owner would ask."""
    if _has_expired(order, at):
        return "The order had expired before the book was cleared."
    is_buy = order.side is Side.BUY
    limit = _money(order.limit_price)
    if filled_wh:
        done = f"{_kwh(filled_wh)} of {_kwh(order.residual_wh)} kWh were"
        if is_buy:
            return f"{done} bought; no more was for sale at {limit} a kWh or less."
        return f"{done} sold; nobody wanted more at {limit} a kWh or above."
    others = sells if is_buy else buys
    if not others:
        return "Nobody offered any energy." if is_buy else "Nobody wanted any energy."
    best = others[0].limit_price
    if is_buy and order.limit_price < best:
        return f"The limit of {limit} a kWh is below the lowest price asked, {_money(best)}."
    if not is_buy and order.limit_price > best:
        return f"The limit of {limit} a kWh is above the highest price offered, {_money(best)}."
    if is_buy:
        return (
            f"All energy for {limit} a kWh or less went to buyers who offered more,"
            " or as much and earlier."
        )
    return (
        f"All who pay {limit} a kWh or more bought from sellers who asked for less,"
        " or for as much and earlier."
    )


def _money(price: int) -> str:
    whole, millionths = divmod(abs(price), MONEY_UNIT)
    return f"{'-' * (price < 0)}{whole}.{f'{millionths:06}'.rstrip('0').ljust(2, '0')}"


def _kwh(energy_wh: int) -> str:
    whole, rest = divmod(energy_wh, WH_PER_KWH)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")


# Arrays


def clear_arrays(
    is_buy: ArrayLike,
    quantity_wh: ArrayLike,
    limit_price: ArrayLike,
    issued_at: ArrayLike,
    rule: PricingRule = PricingRule.MIDPOINT,
) -> Fills:
    """Clears N orders, given as arrays of length N: is_buy bool, the others int64.

    Quantities are at least 0, prices and times may be any int64; the total of one side has to be
    below 2**63, that of the other may be of any size. Raises InputError with the name of the array,
    the rule and the value.
    """
    rule = _rule(rule)
    bought = _bools("is_buy", is_buy)
    quantities = _integers("quantity_wh", quantity_wh, len(bought))
    limits = _integers("limit_price", limit_price, len(bought))
    issued = _integers("issued_at", issued_at, len(bought))
    _require_no_negative("quantity_wh", quantities)

    buys, sells = np.flatnonzero(bought), np.flatnonzero(~bought)
    # ~price is -price - 1, which turns the order around and cannot overflow.
    buys = buys[_ranked(~limits[buys], issued[buys])]
    sells = sells[_ranked(limits[sells], issued[sells])]
    buy_ends, sell_ends = _ends(quantities[buys], quantities[sells])
    buy_limits, sell_limits = limits[buys], limits[sells]

    buy_count = _matching(buy_ends, sell_ends, lambda b, s: buy_limits[b] >= sell_limits[s])
    sell_count = _matching(sell_ends, buy_ends, lambda s, b: buy_limits[b] >= sell_limits[s])
    fill_ends, filled = _pieces(buy_ends[:buy_count], sell_ends[:sell_count])
    buy = np.searchsorted(buy_ends, fill_ends)
    sell = np.searchsorted(sell_ends, fill_ends)
    price = _PRICES[rule](buy_limits[buy], sell_limits[sell])
    return Fills(buys[buy], sells[sell], filled, price)


def _ranked(price: Int64s, issued: Int64s) -> Int64s:
    """Positions by price, then time, then position."""
    if bool(np.all(issued[1:] >= issued[:-1])):
        return _stable_order(price)
    by_time = _stable_order(issued)
    return by_time[_stable_order(price[by_time])]


def _stable_order(keys: Int64s) -> Int64s:
    """Positions by key, then position.

    Key and position share one integer where they fit, since numbers sort several times faster than
    positions of numbers.
    """
    if len(keys) == 0:
        return np.empty(0, np.int64)
    least, position_bits = int(keys.min()), (len(keys) - 1).bit_length()
    if (int(keys.max()) - least).bit_length() + position_bits >= 64:
        return np.argsort(keys, kind="stable").astype(np.int64)
    packed = ((keys - least) << position_bits) | np.arange(len(keys))
    packed.sort()
    return packed & ((1 << position_bits) - 1)


def _ends(bought: Int64s, sold: Int64s) -> tuple[Int64s, Int64s]:
    """Cumulative sums of both sides; the volume is at most the smaller total, which has to fit."""
    bought_total, sold_total = _exact_sum(bought), _exact_sum(sold)
    smaller = min(bought_total, sold_total)
    if smaller > MAX_INT64:
        raise InputError("quantity_wh", "adds up to at most 2^63 - 1 on one side", smaller)
    return _cumulated(bought, bought_total), _cumulated(sold, sold_total)


def _exact_sum(quantities: Int64s) -> int:
    """Sum of numbers that may be too large for int64 together: of their halves."""
    return (int((quantities >> 32).sum()) << 32) + int((quantities & _LOW_HALF).sum())


def _cumulated(quantities: Int64s, total: int) -> Int64s:
    """Cumulative sums, which stay at the largest int64 once they have reached it."""
    if total <= MAX_INT64:
        return np.cumsum(quantities)
    low = np.cumsum(quantities & _LOW_HALF)
    high = np.cumsum(quantities >> 32) + (low >> 32)
    return np.where(high >> 31 > 0, MAX_INT64, (high << 32) | (low & _LOW_HALF))


def _matching(ends: Int64s, other_ends: Int64s, agree: Callable[[int, int], bool]) -> int:
    """How many of a side's orders match at all: a bisection, as the gap only widens.

    An order matches if it agrees with the order of the other side that stands where it begins.
    """
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        start = int(ends[middle - 1]) if middle else 0
        other = int(np.searchsorted(other_ends, start, side="right"))
        if other < len(other_ends) and agree(middle, other):
            low = middle + 1
        else:
            high = middle
    return low


def _pieces(buy_ends: Int64s, sell_ends: Int64s) -> tuple[Int64s, Int64s]:
    """Ends and lengths of the pieces that the cuts of both sides make of the cleared volume."""
    if len(buy_ends) == 0 or len(sell_ends) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    volume = min(buy_ends[-1], sell_ends[-1])
    cuts = np.minimum(np.concatenate((buy_ends, sell_ends)), volume)
    cuts.sort(kind="stable")  # which merges two sorted runs in linear time
    lengths = np.diff(cuts, prepend=0)
    is_fill = lengths > 0
    return cuts[is_fill], lengths[is_fill]


def _midpoint(bid: Int64s, ask: Int64s) -> Int64s:
    """floor((bid + ask) / 2), of bits, as the sum of two int64 may not fit."""
    return (bid & ask) + ((bid ^ ask) >> 1)


def _uniform(bid: Int64s, ask: Int64s) -> Int64s:
    return np.broadcast_to(_midpoint(bid[-1:], ask[-1:]), bid.shape).copy()


_PRICES: Mapping[PricingRule, Callable[[Int64s, Int64s], Int64s]] = {
    PricingRule.MIDPOINT: _midpoint,
    PricingRule.UNIFORM: _uniform,
    PricingRule.PAY_AS_BID: lambda bid, _: bid,
}


def _rule(rule: PricingRule) -> PricingRule:
    try:
        return PricingRule(rule)
    except ValueError:
        names = ", ".join(known.name for known in PricingRule)
        raise InputError("rule", f"is one of {names}", rule) from None


def _bools(name: str, values: ArrayLike) -> NDArray[np.bool_]:
    array = _line(name, values)
    if array.dtype != np.bool_ and len(array):
        raise InputError(name, "is an array of booleans", str(array.dtype))
    return array.astype(np.bool_)


def _integers(name: str, values: ArrayLike, length: int) -> Int64s:
    array = _line(name, values)
    if len(array) != length:
        raise InputError(name, f"is as long as is_buy, {length}", len(array))
    if length == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise InputError(name, "is an array of integers", str(array.dtype))
    if array.dtype == np.uint64 and int(array.max()) > MAX_INT64:
        raise InputError(name, "fits int64", int(array.max()))
    return array.astype(np.int64, copy=False)


def _line(name: str, values: ArrayLike) -> NDArray[np.generic]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(name, "has one dimension", array.ndim)
    return array


def _require_no_negative(name: str, values: Int64s) -> None:
    if len(values) and values.min() < 0:
        position = int(values.argmin())
        raise InputError(f"{name}[{position}]", "is at least 0", int(values[position]))
