"""Orders of the call auction, and the books of windows."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field

from app.api.schemas.common import (
    AddressText,
    Answer,
    EnergyWh,
    Moment,
    OnChain,
    OrderId,
    PageFilter,
    Price,
    Transactions,
    WindowNumber,
    Write,
)
from app.index.records import BookRecord, BookState, OrderEventRecord, OrderRecord, OrderState
from app.index.records import OrderStep as Step
from app.ledger.types import Order, Side, Terms
from app.market.auction import clear_book, effective_limit, queue_of
from app.market.windows import commit_start, window_start

SideName = Literal["buy", "sell"]
RuleName = Literal["midpoint", "uniform", "pay_as_bid"]

_RULES: tuple[RuleName, ...] = ("midpoint", "uniform", "pay_as_bid")


def side_of(name: SideName) -> Side:
    """A side for the ledger."""
    return Side[name.upper()]


def _name_of(side: Side) -> str:
    return side.name.lower()


class OrderFilter(PageFilter):
    """Which orders: placed for a window, standing in the book of one now, of an owner, ..."""

    window: WindowNumber | None = None
    book: WindowNumber | None = None
    owner: AddressText | None = None
    side: SideName | None = None
    state: OrderState | None = None


class PlaceOrder(Write):
    """Buys at no more, or sells at no less, than `limit_price`; with what is left of it also in the
    windows that follow, as long as their books close before `expires_at`. Without that it is for
    its own window alone.
    """

    side: SideName
    window: WindowNumber
    energy_wh: EnergyWh
    limit_price: Price
    expires_at: Moment | None = None

    @property
    def expiry(self) -> int:
        """`expires_at`, or the start of the window."""
        return window_start(self.window) if self.expires_at is None else self.expires_at


class OrderWritten(Transactions):
    """The order that was placed or cancelled."""

    order_id: int


class CancelOrder(Write):
    """Takes back what is left of an order, unless its book waits for its clearing. By its owner."""


class CancelOrderRequest(CancelOrder):
    """Which order to take back."""

    order_id: OrderId


class ClearBook(Write):
    """Clears a book. By anyone."""


class OrderAnswer(OnChain):
    """An order. `closed`: its book waits for its clearing. `dropped`: its book was not cleared in
    time, so that it is in none. `served`: the grid delivers what was left of it.
    """

    order_id: int
    owner: str
    side: Annotated[SideName, BeforeValidator(_name_of)]
    window: Annotated[int, Field(description="The window that it was placed for")]
    last_window: Annotated[int, Field(description="The last one in whose book it can stand")]
    book: Annotated[int | None, Field(description="The window in whose book it stands now")]
    energy_wh: int
    limit_price: int
    expires_at: int
    filled_wh: int
    remaining_wh: int
    state: OrderState


class OrderEventAnswer(OnChain):
    """What happened to an order, or to so much of it; `other_id` is the order on the other side."""

    step: Step
    window: Annotated[int | None, Field(description="The window of the book")]
    energy_wh: int
    price: int | None
    other_id: int | None
    agreement_id: str | None


class OrderStoryAnswer(OrderAnswer):
    """An order and all that has happened to it."""

    history: list[OrderEventAnswer]
    unfilled: Annotated[
        str | None,
        Field(description="Why the last book that was cleared left something of it, in words"),
    ]

    @classmethod
    def told(
        cls, record: OrderRecord, history: Iterable[OrderEventRecord], unfilled: str | None
    ) -> Self:
        """An order with its story."""
        return cls.model_validate(
            asdict(record) | {"history": [asdict(each) for each in history], "unfilled": unfilled}
        )


class StepAnswer(Answer):
    """All orders of one side at one price, which the grid's prices bound."""

    price: int
    energy_wh: int
    orders: int


class FillAnswer(OnChain):
    """What a buy and a sell order have traded; the agreement is settled like all others."""

    buy_id: int
    sell_id: int
    buyer: str
    seller: str
    energy_wh: int
    price: int
    agreement_id: str | None


class OutcomeAnswer(Answer):
    """Where both sides of a book meet. `final` once it is cleared; before that, what its clearing
    would bring as the book stands. The marginal limits are those of the last pair that trades.
    """

    final: bool
    traded_wh: Annotated[int, Field(description="Among members")]
    served_wh: Annotated[int, Field(description="By the grid, to buys at its price")]
    marginal_buy: int | None
    marginal_sell: int | None
    price: Annotated[int | None, Field(description="Mean price, weighted by energy")]
    lowest_price: int | None
    highest_price: int | None
    fills: int


class AuctionAnswer(Answer):
    """The auction of a window: its book as it is, or as it was when it closed, and what came of it.

    `rule` says how a match of a buy and a sell is priced: in the middle of its limits
    (`midpoint`), all as the last one (`uniform`), or at the buy's limit (`pay_as_bid`). While the
    book is being cleared nothing half-done is shown.
    """

    window: int
    state: BookState
    closes_at: int
    rule: RuleName
    grid_floor: int | None
    grid_ceiling: int | None
    buys: Annotated[int, Field(description="Buy orders in the book")]
    sells: Annotated[int, Field(description="Sell orders in the book")]
    passed_over: Annotated[
        int, Field(description="Sells of earlier windows whose money set aside is too little now")
    ]
    buy_steps: Annotated[list[StepAnswer], Field(description="From the highest price down")]
    sell_steps: Annotated[list[StepAnswer], Field(description="From the lowest price up")]
    outcome: Annotated[
        OutcomeAnswer | None, Field(description="Null where there is nothing to clear")
    ]
    fills: Annotated[list[FillAnswer], Field(description="In the order of matching")]

    @classmethod
    def of(cls, book: BookRecord, now: int) -> Self:
        """The book of a window as it is shown `now`."""
        buys = [order for order in book.orders if order.side is Side.BUY]
        return cls(
            window=book.window,
            state=book.state,
            closes_at=commit_start(book.window),
            rule=_RULES[book.rule],
            grid_floor=book.terms.grid_floor if book.terms else None,
            grid_ceiling=book.terms.grid_ceiling if book.terms else None,
            buys=len(buys),
            sells=len(book.orders) - len(buys),
            passed_over=len(book.passed_over),
            buy_steps=_steps(book, Side.BUY),
            sell_steps=_steps(book, Side.SELL),
            outcome=_outcome(book, now),
            fills=[FillAnswer.model_validate(each) for each in book.fills],
        )


def _steps(book: BookRecord, side: Side) -> list[StepAnswer]:
    steps: list[StepAnswer] = []
    for order in queue_of(book.taking_part, side):
        price = _limit(order, book.terms)
        so_far = steps.pop() if steps and steps[-1].price == price else None
        steps.append(
            StepAnswer(
                price=price,
                energy_wh=order.energy_wh + (so_far.energy_wh if so_far else 0),
                orders=1 + (so_far.orders if so_far else 0),
            )
        )
    return steps


def _limit(order: Order, terms: Terms | None) -> int:
    return order.limit_price if terms is None else effective_limit(order, terms)


def _outcome(book: BookRecord, now: int) -> OutcomeAnswer | None:
    """What came of a book; or what would, as long as it can still be cleared."""
    done = book.clearing
    if done is not None:
        traded = [(each.energy_wh, each.price) for each in book.fills]
        served_wh, buy, sell = done.served_wh, done.marginal_buy, done.marginal_sell
    else:
        is_late = book.state == "closed" and now >= window_start(book.window)
        if book.terms is None or not book.orders or is_late:
            return None
        expected = clear_book(book.taking_part, book.terms, book.rule)
        traded = [(each.quantity_wh, each.price) for each in expected.fills]
        served_wh = sum(expected.served.values())
        buy, sell = expected.marginal_buy, expected.marginal_sell
    traded_wh = sum(energy_wh for energy_wh, _ in traded)
    prices = [price for _, price in traded]
    value = sum(energy_wh * price for energy_wh, price in traded)
    return OutcomeAnswer(
        final=done is not None,
        traded_wh=traded_wh,
        served_wh=served_wh,
        marginal_buy=buy if traded else None,
        marginal_sell=sell if traded else None,
        price=round(value / traded_wh) if traded_wh else None,
        lowest_price=min(prices, default=None),
        highest_price=max(prices, default=None),
        fills=len(traded),
    )
