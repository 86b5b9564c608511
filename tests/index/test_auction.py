"""Orders and books, as they are read from the auction's events.

The events are written down here, so that a book can be left half cleared, or not cleared at all.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from app.chain.keys import household_address as household
from app.index import auction, queries, schema, store
from app.index.database import Database
from app.index.paging import Cut
from app.index.records import BookRecord, OrderRecord
from app.index.source import BlockHeader, ChainBlock, ChainEvent
from app.ledger.types import Agreement, Order, Side, Terms
from app.market.auction import clear_book
from app.market.clearing import PricingRule
from app.market.typed_data import MARKET_NAME, Domain, agreement_digest
from app.market.windows import commit_start, window_start

T = TypeVar("T")

WINDOW = 490_000
FLOOR, CEILING, PENALTY = 80_000, 320_000, 50_000
AUCTION = "0x" + "a5" * 20
DOMAIN = Domain(MARKET_NAME, 1337, "0x" + "e1" * 20)
ANNA, BEN, CLEO, DORA = map(household, range(4))


class Digests:
    """What the index asks of a chain while it takes in blocks."""

    def agreement_id(self, agreement: Agreement) -> str:
        return "0x" + agreement_digest(DOMAIN, agreement).hex()


@dataclass
class Story:
    """A chain of which every event is told here, one block each."""

    database: Database
    now: int
    height: int = 0
    owners: dict[int, str] = field(default_factory=dict)

    async def happen(self, *events: tuple[str, str, dict[str, object]]) -> None:
        """One block with events of contracts, at the present time."""
        self.height += 1
        transaction = f"0x{self.height:064x}"
        header = BlockHeader(self.height, transaction, f"0x{self.height - 1:064x}", self.now)
        told = tuple(
            ChainEvent(place, transaction, contract, name, arguments)
            for place, (contract, name, arguments) in enumerate(events)
        )
        block = ChainBlock(header, (), told)
        await self.database.write(lambda each: store.append(each, [block], Digests()))

    async def order(
        self,
        owner: str,
        side: Side,
        energy_wh: int,
        limit_price: int,
        window: int = WINDOW,
        last: int | None = None,
    ) -> int:
        """An order for a window and those after it up to `last`."""
        order_id = len(self.owners) + 1
        self.owners[order_id] = owner
        placed = {
            "orderId": order_id,
            "owner": owner,
            "window": window,
            "side": int(side),
            "energyWh": energy_wh,
            "limitPrice": limit_price,
            "expiresAt": window_start(window if last is None else last),
        }
        await self.happen(("CallAuction", "OrderPlaced", placed))
        return order_id

    async def end(self, name: str, order_id: int, energy_wh: int, **arguments: object) -> None:
        ended = {"orderId": order_id, "energyWh": energy_wh} | arguments
        await self.happen(("CallAuction", name, ended))

    async def fill(
        self, buy_id: int, sell_id: int, energy_wh: int, price: int, window: int = WINDOW
    ) -> Agreement:
        """A fill, after the agreement that it has become."""
        agreement = Agreement(
            offer_id=int(AUCTION, 16) << 96 | sell_id,
            seller=self.owners[sell_id],
            buyer=self.owners[buy_id],
            window=window,
            energy_wh=energy_wh,
            price=price,
            deadline=0,
            salt=buy_id,
        )
        allowed = {
            "agreementId": agreement_digest(DOMAIN, agreement),
            "seller": agreement.seller,
            "buyer": agreement.buyer,
            "offerId": agreement.offer_id,
            "window": window,
            "energyWh": energy_wh,
            "price": price,
        }
        filled = {
            "buyId": buy_id,
            "sellId": sell_id,
            "window": window,
            "energyWh": energy_wh,
            "price": price,
        }
        await self.happen(
            ("EnergyMarket", "TransactionAllowed", allowed), ("CallAuction", "OrderFilled", filled)
        )
        return agreement

    async def cleared(self, window: int = WINDOW, **sums: int) -> None:
        """The last word of a clearing."""
        names = ("rule", "tradedWh", "servedWh", "marginalBuy", "marginalSell", "fills")
        book = {"window": window} | dict.fromkeys(names, 0) | sums
        await self.happen(("CallAuction", "BookCleared", book))

    async def market_day(self) -> None:
        """Two buys and two sells, of which one buy is filled, one sell expires, one buy stays."""
        await self.order(ANNA, Side.BUY, 1_000, 300_000)
        await self.order(BEN, Side.SELL, 600, 100_000, last=WINDOW + 2)
        await self.order(CLEO, Side.SELL, 700, 200_000)
        await self.order(DORA, Side.BUY, 500, 150_000, last=WINDOW + 1)
        self.now = commit_start(WINDOW)

    async def clear_market_day(self) -> None:
        await self.fill(1, 2, 600, 200_000)
        await self.fill(1, 3, 400, 250_000)
        await self.end("OrderExpired", 3, 300, window=WINDOW)
        await self.cleared(tradedWh=1_000, marginalBuy=300_000, marginalSell=200_000, fills=2)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self.database.read(work)

    async def book(self, window: int = WINDOW) -> BookRecord:
        return await self.read(lambda each: auction.book(each, window, now=self.now))

    async def found(self, order_id: int) -> OrderRecord:
        record = await self.read(lambda each: auction.order(each, order_id, now=self.now))
        assert record is not None
        return record

    async def listed(self, **filters: Any) -> list[int]:
        page = await self.read(lambda each: auction.orders(each, Cut(), now=self.now, **filters))
        return [record.order_id for record in page.items]

    async def steps(self, order_id: int) -> list[tuple[str, int | None, int]]:
        record = await self.found(order_id)
        told = await self.read(lambda each: auction.history(each, record))
        return [(each.step, each.window, each.energy_wh) for each in told]


@pytest.fixture
async def story(url: URL) -> AsyncIterator[Story]:
    """A market with the usual terms, two hours before WINDOW."""
    database = Database(url)
    await database.write(schema.metadata.create_all)
    story = Story(database, window_start(WINDOW - 2))
    terms = {
        "fromWindow": 0,
        "gridFloor": FLOOR,
        "gridCeiling": CEILING,
        "penaltyRate": PENALTY,
    }
    await story.happen(("EnergyMarket", "DefaultTermsSet", terms))
    yield story
    await database.close()


def wh_by_id(book: BookRecord) -> dict[int, int]:
    return {order.id: order.energy_wh for order in book.orders}


async def test_a_book_has_the_orders_that_were_placed_for_its_window(story: Story) -> None:
    await story.order(ANNA, Side.BUY, 1_000, 300_000)
    await story.order(BEN, Side.SELL, 600, 100_000, WINDOW + 1)

    book = await story.book()

    assert (book.state, book.rule, book.clearing) == ("open", PricingRule.MIDPOINT, None)
    assert book.terms == Terms(FLOOR, CEILING, PENALTY)
    assert book.orders == (Order(1, ANNA, Side.BUY, 1_000, 300_000, WINDOW, WINDOW),)
    assert wh_by_id(await story.book(WINDOW + 1)) == {2: 600}
    assert (await story.found(1)).state == "open"


async def test_a_cancelled_order_leaves_its_book(story: Story) -> None:
    order_id = await story.order(ANNA, Side.BUY, 1_000, 300_000)
    await story.end("OrderCancelled", order_id, 1_000, owner=ANNA)

    assert (await story.book()).orders == ()
    record = await story.found(order_id)
    assert (record.state, record.book, record.remaining_wh) == ("cancelled", None, 0)
    assert await story.steps(order_id) == [("placed", WINDOW, 1_000), ("cancelled", None, 1_000)]


async def test_a_cleared_book_is_read_as_it_was_when_it_closed(story: Story) -> None:
    await story.market_day()
    before = await story.book()
    assert before.state == "closed"
    expected = clear_book(before.taking_part, Terms(FLOOR, CEILING, PENALTY), before.rule)

    await story.clear_market_day()

    book = await story.book()
    assert book.state == "cleared"
    assert book.orders == before.orders
    assert [(f.buy_id, f.sell_id, f.energy_wh, f.price) for f in book.fills] == [
        (f.buy_id, f.sell_id, f.quantity_wh, f.price) for f in expected.fills
    ]
    assert book.clearing is not None
    assert (book.clearing.marginal_buy, book.clearing.marginal_sell) == (
        expected.marginal_buy,
        expected.marginal_sell,
    )


async def test_what_is_left_stands_in_the_book_of_the_next_window(story: Story) -> None:
    await story.market_day()
    assert (await story.book(WINDOW + 1)).orders == ()

    await story.clear_market_day()
    await story.order(BEN, Side.SELL, 200, 140_000, WINDOW + 1)

    assert wh_by_id(await story.book(WINDOW + 1)) == {4: 500, 5: 200}
    states = {each: (await story.found(each)) for each in range(1, 5)}
    assert {each: found.state for each, found in states.items()} == {
        1: "filled",
        2: "filled",
        3: "expired",
        4: "open",
    }
    assert (states[3].filled_wh, states[3].remaining_wh) == (400, 0)
    assert (states[4].book, states[4].remaining_wh) == (WINDOW + 1, 500)
    assert await story.steps(3) == [
        ("placed", WINDOW, 700),
        ("filled", WINDOW, 400),
        ("expired", WINDOW, 300),
    ]
    assert await story.steps(4) == [("placed", WINDOW, 500), ("carried", WINDOW + 1, 500)]
    assert await story.steps(1) == [
        ("placed", WINDOW, 1_000),
        ("filled", WINDOW, 600),
        ("filled", WINDOW, 400),
    ]


async def test_a_carried_order_is_filled_in_a_later_book(story: Story) -> None:
    await story.market_day()
    await story.clear_market_day()
    sell_id = await story.order(BEN, Side.SELL, 200, 140_000, WINDOW + 1)
    story.now = commit_start(WINDOW + 1)
    await story.fill(4, sell_id, 200, 145_000, WINDOW + 1)
    await story.end("OrderExpired", 4, 300, window=WINDOW + 1)
    await story.cleared(
        WINDOW + 1, tradedWh=200, marginalBuy=150_000, marginalSell=140_000, fills=1
    )

    assert wh_by_id(await story.book(WINDOW + 1)) == {4: 500, sell_id: 200}
    assert (await story.book(WINDOW + 2)).orders == ()
    assert await story.steps(4) == [
        ("placed", WINDOW, 500),
        ("carried", WINDOW + 1, 500),
        ("filled", WINDOW + 1, 200),
        ("expired", WINDOW + 1, 300),
    ]
    assert wh_by_id(await story.book()) == {1: 1_000, 2: 600, 3: 700, 4: 500}


async def test_an_order_cancelled_after_a_clearing_was_in_that_book(story: Story) -> None:
    await story.market_day()
    await story.clear_market_day()
    await story.end("OrderCancelled", 4, 500, owner=DORA)

    assert 4 in wh_by_id(await story.book())
    assert (await story.book(WINDOW + 1)).orders == ()
    assert [step for step, _, _ in await story.steps(4)] == ["placed", "carried", "cancelled"]


async def test_a_book_that_is_half_cleared_shows_nothing_of_it(story: Story) -> None:
    await story.market_day()
    before = await story.book()
    await story.fill(1, 2, 600, 200_000)

    book = await story.book()

    assert (book.state, book.fills, book.clearing) == ("clearing", (), None)
    assert book.orders == before.orders
    story.now = window_start(WINDOW)  # it may go on when the window has begun
    assert (await story.book()).state == "clearing"
    assert (await story.found(4)).state == "closed"


async def test_a_book_that_nobody_clears_drops_its_orders(story: Story) -> None:
    await story.market_day()
    assert (await story.found(4)).state == "closed"
    story.now = window_start(WINDOW)

    record = await story.found(4)

    assert (record.state, record.book, record.remaining_wh) == ("dropped", None, 500)
    assert len((await story.book()).orders) == 4
    assert (await story.book(WINDOW + 1)).orders == ()
    await story.end("OrderExpired", 4, 500, window=WINDOW + 1)
    assert (await story.found(4)).state == "expired"
    assert len((await story.book()).orders) == 4


async def test_what_the_grid_serves_leaves_the_book(story: Story) -> None:
    order_id = await story.order(ANNA, Side.BUY, 900, CEILING, last=WINDOW + 5)
    story.now = commit_start(WINDOW)
    await story.end("OrderServed", order_id, 900, window=WINDOW)
    assert (await story.book()).state == "clearing"
    await story.cleared(servedWh=900)

    assert (await story.found(order_id)).state == "served"
    assert wh_by_id(await story.book()) == {order_id: 900}
    assert (await story.book(WINDOW + 1)).orders == ()


async def test_a_sell_whose_cover_is_too_small_later_is_passed_over(story: Story) -> None:
    dearer = {"gridFloor": FLOOR, "gridCeiling": CEILING + 1, "penaltyRate": PENALTY}
    published = {"window": WINDOW + 1} | dearer
    await story.happen(("EnergyMarket", "TermsPublished", published))
    sell_id = await story.order(BEN, Side.SELL, 600, 200_000, last=WINDOW + 1)
    buy_id = await story.order(ANNA, Side.BUY, 500, 150_000, last=WINDOW + 1)
    story.now = commit_start(WINDOW)
    await story.cleared()

    book = await story.book(WINDOW + 1)

    assert wh_by_id(book) == {sell_id: 600, buy_id: 500}
    assert book.passed_over == {sell_id}
    assert [order.id for order in book.taking_part] == [buy_id]


async def test_a_rule_holds_from_its_window_on(story: Story) -> None:
    for window, rule in ((WINDOW + 2, PricingRule.UNIFORM), (WINDOW + 4, PricingRule.PAY_AS_BID)):
        told = {"fromWindow": window, "rule": int(rule)}
        await story.happen(("CallAuction", "PricingRuleSet", told))
    rules = [(await story.book(WINDOW + each)).rule for each in range(6)]
    assert rules == [0, 0, 1, 1, 2, 2]


async def test_orders_are_found_by_what_they_are(story: Story) -> None:
    await story.market_day()
    await story.clear_market_day()
    later = await story.order(DORA, Side.SELL, 10, 100_000, WINDOW + 1)

    assert await story.listed(window=WINDOW) == [4, 3, 2, 1]
    assert await story.listed(book=WINDOW + 1) == [later, 4]
    assert await story.listed(book=WINDOW) == []
    assert await story.listed(owner=DORA) == [later, 4]
    assert await story.listed(owner=DORA, side=Side.BUY) == [4]
    assert await story.listed(state="filled") == [2, 1]
    assert await story.listed(state="open", side=Side.SELL) == [later]


async def test_a_fill_is_an_agreement_like_all_others(story: Story) -> None:
    await story.market_day()
    agreement = await story.fill(1, 2, 600, 200_000)
    agreement_id = Digests().agreement_id(agreement)

    (listed,) = (await story.read(lambda each: queries.agreements(each, Cut(), order_id=1))).items

    assert (listed.agreement_id, listed.settled) == (agreement_id, False)
    assert (listed.buy_id, listed.sell_id) == (1, 2)
    assert agreement == Agreement(
        listed.offer_id,
        listed.seller,
        listed.buyer,
        listed.window,
        listed.energy_wh,
        listed.price,
        listed.deadline,
        listed.salt,
    )
    (row,) = await story.read(lambda each: queries.windows(each, WINDOW, WINDOW))
    assert (row.orders, row.agreements, row.agreed_wh, row.mean_price) == (4, 1, 600, 200_000)

    # Later defaults do not reach a window that orders have frozen.
    defaults = {"fromWindow": 0, "gridFloor": 1, "gridCeiling": 2, "penaltyRate": 3}
    await story.happen(("EnergyMarket", "DefaultTermsSet", defaults))
    done = {
        "agreementId": bytes.fromhex(agreement_id[2:]),
        "seller": BEN,
        "buyer": ANNA,
        "deliveredWh": 600,
        "paid": 120_000,
        "compensation": 0,
        "penalty": 0,
    }
    await story.happen(("EnergyMarket", "TransactionMade", done))
    figures = await story.read(queries.summary)
    assert (figures.orders, figures.agreements, figures.energy_traded_wh) == (4, 1, 600)
    assert figures.buyers_saving_vs_grid == 600 * CEILING // 1_000 - 120_000
    assert figures.sellers_gain_vs_grid == 120_000 - 600 * FLOOR // 1_000
    settlement = await story.read(lambda each: queries.settlement(each, agreement_id))
    assert settlement is not None
    assert (settlement.buy_id, settlement.sell_id) == (1, 2)


async def test_what_a_reorganisation_takes_away_is_undone(story: Story) -> None:
    await story.market_day()
    height, before = story.height, await story.book()
    await story.clear_market_day()
    await story.database.write(lambda each: store.rewind(each, height))

    assert await story.book() == before
    assert (await story.found(1)).filled_wh == 0
    assert await story.read(auction.latest_clearing) is None
