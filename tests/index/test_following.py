"""Whatever happens to chain and gateway, the index holds what a fresh one would."""

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from app.chain.keys import household_address as household
from app.index import auction, queries, store
from app.index.broadcast import Broadcast
from app.index.database import Database
from app.index.follower import Follower
from app.index.paging import Cut
from tests.index.chain import PRICE, Chain, rows_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_trade_leaves_its_rows(chain: Chain, url: URL) -> None:
    agreement = await chain.trade()
    async with chain.indexed(url) as index:
        agreement_id = chain.reader.agreement_id(agreement)
        written = await index.read(lambda each: queries.agreement(each, agreement_id))
        assert written is not None
        assert (written.deadline, written.salt) == (agreement.deadline, 7)
        settled = await index.read(lambda each: queries.settlement(each, agreement_id))
        assert settled is not None
        assert (settled.delivered_wh, settled.paid) == (900, 900 * PRICE // 1_000)
        (window,) = await index.read(
            lambda each: queries.windows(each, agreement.window, agreement.window)
        )
        assert (window.grid_import_wh, window.grid_export_wh) == (100, 0)
        assert (window.mean_price, window.positions) == (PRICE, 2)
        people = await index.read(lambda each: queries.participants(each, Cut()))
        assert {each.participant for each in people.items} == {household(0), household(1)}
        figures = await index.read(queries.summary)
        assert figures.energy_traded_wh >= 900
        assert figures.self_sufficiency is not None
        offers = await index.read(
            lambda each: queries.offers(each, Cut(), open_after=0, state="open")
        )
        assert all(each.remaining_wh > 0 for each in offers.items)


async def test_both_databases_hold_the_same(chain: Chain, url: URL, tmp_path: Path) -> None:
    async with chain.indexed(url) as index:
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        assert await rows_of(index) == await chain.rows(fresh)


async def test_a_restart_goes_on_where_it_stopped(chain: Chain, url: URL, tmp_path: Path) -> None:
    async with chain.indexed(url) as index:
        before = await index.read(store.cursor)
    await chain.trade()
    async with chain.indexed(url) as index:
        assert await index.read(store.cursor) != before
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        assert await rows_of(index) == await chain.rows(fresh)


async def test_a_crash_between_two_steps_loses_nothing(
    chain: Chain, sqlite: URL, tmp_path: Path
) -> None:
    class CrashError(Exception):
        pass

    class CrashingReader:
        """The chain's own reader, until the process ends in the middle of its work."""

        def __init__(self) -> None:
            self.steps = 0

        def __getattr__(self, name: str) -> object:
            return getattr(chain.reader, name)

        def agreement_id(self, agreement: object) -> str:
            raise CrashError  # within the transaction that writes the rows

    await chain.trade()
    async with chain.indexed(sqlite) as index:
        await index.follower.rebuild()
    database = Database(sqlite)
    await database.write(lambda each: store.rewind(each, chain.reader.first_block + 3))
    before = await database.read(store.cursor)
    follower = Follower(database, CrashingReader(), Broadcast(), blocks_at_once=1_000)
    with pytest.raises(CrashError):
        await follower.sync()
    assert await database.read(store.cursor) == before
    await database.close()
    async with chain.indexed(sqlite) as index:
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        assert await rows_of(index) == await chain.rows(fresh)


async def test_a_rebuild_brings_back_the_same(chain: Chain, url: URL) -> None:
    await chain.trade()
    async with chain.indexed(url) as index:
        before = await rows_of(index)
        await index.follower.rebuild()
        assert await rows_of(index) == before


@pytest.mark.parametrize("blocks", [1, 2, 7])
async def test_the_size_of_the_steps_does_not_matter(
    chain: Chain, sqlite: URL, tmp_path: Path, blocks: int
) -> None:
    database = Database(sqlite)
    await database.write(lambda each: store.prepare(each, chain.reader.identity))
    await Follower(database, chain.reader, Broadcast(), blocks_at_once=blocks).sync()
    await database.close()
    async with chain.indexed(sqlite) as index:
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        assert await rows_of(index) == await chain.rows(fresh)


@pytest.mark.parametrize("others", [0, 1, 3])
async def test_replaced_blocks_are_undone(
    chain: Chain, url: URL, tmp_path: Path, others: int
) -> None:
    """The new chain is shorter than the old one, as long, or longer."""
    common = (await chain.reader.head()).number
    snapshot = await chain.snapshot()
    async with chain.indexed(url) as index:
        old = await chain.offer(555)
        await chain.catch_up(index)
        assert await index.read(lambda each: queries.offer(each, old)) is not None
        subscription = index.broadcast.subscribe()

        await chain.set_back(snapshot)
        made = [await chain.offer(600 + number) for number in range(others)]
        await chain.catch_up(index)
        subscription.end()
        news = [entry async for entry in subscription if entry.kind == "reorganised"]
        assert [entry.data for entry in news] == [f'{{"block": {common}}}']
        found = await index.read(
            lambda each: queries.offers(each, Cut(others + 1), open_after=0, seller=household(0))
        )
        sizes = [offer.energy_wh for offer in found.items]
        assert sizes[:others] == [600 + number for number in range(others)][::-1]
        assert 555 not in sizes
        assert len(made) == others
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        assert await rows_of(index) == await chain.rows(fresh)


async def test_a_whole_trade_is_undone(chain: Chain, url: URL, tmp_path: Path) -> None:
    snapshot = await chain.snapshot()
    async with chain.indexed(url) as index:
        before = await rows_of(index)
        await chain.trade()
        await chain.catch_up(index)
        assert await rows_of(index) != before
        await chain.set_back(snapshot)
        await chain.catch_up(index)
        assert await rows_of(index) == before


async def test_a_whole_auction_is_undone(chain: Chain, url: URL, tmp_path: Path) -> None:
    snapshot = await chain.snapshot()
    async with chain.indexed(url) as index:
        before = await rows_of(index)
        window = await chain.auction()
        await chain.catch_up(index)
        book = await index.read(lambda each: auction.book(each, window, now=chain.ledger.now()))
        assert (book.state, [fill.energy_wh for fill in book.fills]) == ("cleared", [500])
        (made,) = (
            await index.read(lambda each: queries.agreements(each, Cut(), window=window))
        ).items
        assert made.agreement_id == book.fills[0].agreement_id
        assert (made.deadline, made.salt) == (0, made.buy_id)
        following = await index.read(
            lambda each: auction.book(each, window + 1, now=chain.ledger.now())
        )
        assert list(following.orders) == await chain.ledger.orders(window + 1)
        after = await rows_of(index)
        await index.follower.rebuild()
        assert await rows_of(index) == after
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        assert await chain.rows(fresh) == after
        await chain.set_back(snapshot)
        await chain.catch_up(index)
        assert await rows_of(index) == before


async def test_blocks_that_were_replaced_while_nobody_looked_are_undone(
    chain: Chain, sqlite: URL, tmp_path: Path
) -> None:
    snapshot = await chain.snapshot()
    await chain.trade()
    async with chain.indexed(sqlite):
        pass
    await chain.set_back(snapshot)
    await chain.offer(42)
    async with chain.indexed(sqlite) as index:
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        assert await rows_of(index) == await chain.rows(fresh)


async def test_an_index_of_another_market_begins_anew(
    chain: Chain, url: URL, tmp_path: Path
) -> None:
    async with chain.indexed(url) as index:
        right = await rows_of(index)
    database = Database(url)
    assert await database.write(lambda each: store.prepare(each, "another market"))
    assert await database.read(store.cursor) is None
    assert not await database.write(lambda each: store.prepare(each, "another market"))
    await database.close()
    async with chain.indexed(url) as index:
        assert await rows_of(index) == right


async def test_text_that_is_no_text_does_not_stop_the_index(chain: Chain, url: URL) -> None:
    """Contracts take any bytes for a string, and PostgreSQL takes no NUL."""
    market = chain.ledger.contracts["EnergyMarket"]
    info = await chain.ledger.participant_info(household(1))
    marker = "marker-marker"
    data = market.encode("publishInfo", (marker, info.household_id, info.meter, b""))
    hostile = data.replace(marker.encode(), b"\xff\xfe\x00\xc3(\xed\xa0\x80" + b"tail!")
    assert hostile != data
    await chain.ledger.send(household(1), "EnergyMarket", "publishInfo", hostile, 600_000)
    async with chain.indexed(url) as index:
        found = await index.read(lambda each: queries.participant(each, household(1)))
    assert found is not None
    assert found.endpoint.endswith("tail!")
    assert "\0" not in found.endpoint
    await chain.ledger.publish_info(household(1), info)


async def test_it_waits_for_a_block_and_not_for_ever(chain: Chain, sqlite: URL) -> None:
    async with chain.indexed(sqlite) as index:
        head = (await chain.reader.head()).number
        await chain.offer()
        assert await index.follower.wait_for(head + 1, 10)
        assert not await index.follower.wait_for(head + 1_000, 0)
        assert index.follower.status.lag == 0
        assert index.follower.status.error == ""
