"""Its own node, as it is ended and started again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.api.services import GatewaySettings
from app.chain.node import EmbeddedNode
from tests.api.market import NOON, Household, Market, open_market

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def market(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    folder = tmp_path_factory.mktemp("frail")
    node = EmbeddedNode(start_time=NOON, data_dir=folder)
    settings = GatewaySettings(relay_burst=2, relay_per_second=0.001)
    async with node, open_market(folder, node, settings=settings) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seller(market: Market) -> Household:
    return await market.household()


async def test_it_is_alive_and_ready(market: Market) -> None:
    assert (await market.http.get("/health")).json() == {"status": "alive"}
    await market.indexed()
    ready = await market.http.get("/ready")
    assert ready.status_code == 200
    answer = ready.json()
    assert (answer["ready"], answer["node"], answer["index"]) == (True, "ok", "ok")
    assert answer["indexed_block"] == answer["head_block"]


async def test_what_costs_gas_is_limited(market: Market, seller: Household) -> None:
    await market.post("/readings", {"readings": []}, 422)
    await market.post("/relay", {}, 422)
    problem = await market.post("/relay", {}, 429)
    assert problem["title"] == "Too many requests"
    response = await market.http.post("/api/v1/readings", json={"readings": []})
    assert response.status_code == 429
    assert response.headers["retry-after"]


async def test_without_the_node_it_says_so_and_recovers(
    market: Market, seller: Household, tmp_path: Path
) -> None:
    offer = {
        "from": seller.account,
        "window": market.next_window(),
        "energy_wh": 10,
        "floor_price": 100_000,
    }
    key = {"Idempotency-Key": "while-the-node-is-away"}
    before = await market.post("/offers", offer)
    port = int(market.node.url.rpartition(":")[2])
    folder = market.node.output.parent
    await market.node.stop()

    assert (await market.http.get("/health")).status_code == 200
    ready = await market.http.get("/ready")
    assert ready.status_code == 503
    assert ready.json()["ready"] is False
    assert "no node" in ready.json()["node"]
    problem = await market.post("/offers", offer, 503, headers=key)
    assert problem["title"] == "Node unavailable"
    response = await market.http.get("/api/v1/market")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    known = await market.http.get(f"/api/v1/offers/{before['offer_id']}")
    assert known.status_code == 200  # the index still answers

    async with EmbeddedNode(data_dir=folder, port=port):
        written = await market.post("/offers", offer, headers=key)
        offer_id = written["offer_id"]
        assert (await market.get(f"/offers/{offer_id}"))["state"] == "open"
        assert (await market.http.get("/ready")).status_code == 200
