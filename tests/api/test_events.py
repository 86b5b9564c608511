import asyncio

import pytest

from app.index import store
from app.index.journal import Message
from tests.api.market import Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


def offer(market: Market, seller: Household, energy_wh: int) -> dict[str, object]:
    return {
        "from": seller.account,
        "window": market.next_window(),
        "energy_wh": energy_wh,
        "floor_price": 100_000,
    }


async def test_an_offer_is_announced_as_it_is_made(market: Market, seller: Household) -> None:
    async with market.feed() as feed:
        written = await market.post("/offers", offer(market, seller, 111))
        data, number = await feed.until("offer")
    assert data["offer_id"] == written["offer_id"]
    assert (data["seller"], data["energy_wh"]) == (seller.account, 111)
    assert data["transaction_hash"] == written["transactions"][0]["hash"]
    assert number


async def test_the_transaction_comes_before_its_events(market: Market, seller: Household) -> None:
    async with market.feed() as feed:
        written = await market.post("/offers", offer(market, seller, 112))
        sent, first = await feed.until("transaction")
        made, second = await feed.until("offer")
    assert sent["hash"] == made["transaction_hash"] == written["transactions"][0]["hash"]
    assert sent["function"] == "makeOffer"
    assert second > first


async def test_who_comes_back_gets_what_it_missed(market: Market, seller: Household) -> None:
    async with market.feed() as feed:
        await market.post("/offers", offer(market, seller, 121))
        _, number = await feed.until("offer")
    missed = [
        (await market.post("/offers", offer(market, seller, energy_wh)))["offer_id"]
        for energy_wh in (122, 123)
    ]
    async with market.feed(last_event_id=number) as feed:
        seen = [(await feed.until("offer"))[0]["offer_id"] for _ in missed]
        assert seen == missed
        live = await market.post("/offers", offer(market, seller, 124))
        data, _ = await feed.until("offer")
    assert data["offer_id"] == live["offer_id"]


async def test_who_was_away_for_too_long_begins_anew(market: Market) -> None:
    async with market.feed(last_event_id=999_999_999) as feed:
        _, number = await feed.until("reset")
    async with market.feed(last_event_id=number) as feed:
        kind, _, _ = await feed.next()
    assert kind == "clock"


async def test_the_clock_ticks(market: Market) -> None:
    async with market.feed() as feed:
        data, number = await feed.until("clock")
    assert data["now"] == market.now()
    assert number is None


async def test_a_bad_number_is_named(market: Market) -> None:
    response = await market.http.get("/api/v1/events", headers={"Last-Event-ID": "now"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "header.last-event-id"


async def test_listeners_are_counted_and_let_go(market: Market) -> None:
    broadcast = market.index.broadcast
    async with market.feed() as first, market.feed() as second:
        await first.until("clock")
        await second.until("clock")
        assert broadcast.listeners >= 2
    async with market.feed() as third:
        await third.until("clock", lambda _: broadcast.listeners == 1)


async def test_who_leaves_in_the_middle_leaves_no_trace(
    market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    for number in range(12_000):
        market.index.journal.record(
            Message("long", 1, "a", "b", "propose", None, 1, number, number)
        )
    said: list[dict[str, object]] = []
    async with asyncio.timeout(60):
        while not said or said[0]["at"] != 11_999:
            said = (await market.get("/proposals", conversation_id="long", limit=1))["items"]
    _, last = await market.index.read(store.feed_bounds)
    for _ in range(5):
        await leave_in_the_middle(market, last - 12_000)
    async with market.feed() as feed:
        await feed.until("clock", lambda _: market.index.broadcast.listeners == 1)
    complaints = [each.getMessage() for each in caplog.records if each.name == "uvicorn.error"]
    assert complaints == []


async def leave_in_the_middle(market: Market, last_event_id: int) -> None:
    url = market.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=2_000)
    request = (
        "GET /api/v1/events HTTP/1.1",
        f"Host: {url.host}",
        f"Last-Event-ID: {last_event_id}",
    )
    writer.write("\r\n".join((*request, "", "")).encode())
    await reader.readuntil(b"event: message")
    writer.transport.abort()
