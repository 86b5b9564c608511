"""Every operation of the interactive documentation is tried with its example, one by one."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.ledger.types import Side
from app.market.bank import PAYOUT_TIME
from app.market.windows import COMMIT_MARGIN, commit_start, window_at, window_start
from tests.api.market import NEIGHBOURS, PRICE, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

# They need what this market does not have: agents. `test_street.py` tries them.
NEED_AGENTS = {"want_energy"}


@pytest.fixture(scope="module")
def operations() -> list[str]:
    from app.api.examples import EXAMPLES

    return [name for name in EXAMPLES if name not in NEED_AGENTS]


async def populate(market: Market) -> None:
    """Trades between the households that the examples speak of, and what else they need."""
    seller, buyer = NEIGHBOURS
    agreement = await market.agree(seller, buyer)
    await market.read_meters(agreement, seller, buyer)
    await market.ledger.make_transactions(seller.account, [agreement])
    await market.ledger.close_positions(
        seller.account, [seller.account, buyer.account], agreement.window
    )
    await market.ledger.withdraw(seller.account, 100)
    window = market.next_window()
    expires_at = window_start(window)
    for home, side in ((buyer, Side.BUY), (seller, Side.SELL)):
        await market.ledger.place_order(home.account, side, 300, PRICE, window, expires_at)
    await market.advance_to(commit_start(window))
    await market.ledger.clear(seller.account, window)
    await market.indexed()


async def govern(market: Market, members: list[str], auditor: str) -> None:
    """Proposals, withdrawals and a doubt at the steps that the examples take them on from."""
    seller, buyer = NEIGHBOURS
    for neighbour in NEIGHBOURS:
        await market.close_all(neighbour.account)
    await market.mint(seller.account, 100)
    withdrawal = {"from": seller.account, "amount": 5, "payout_hash": "0x" + "ac" * 32}
    await market.post("/treasury/withdrawals", withdrawal)
    await market.advance_to(market.now() + PAYOUT_TIME)
    await market.post("/treasury/withdrawals", withdrawal)
    threshold = {"contract": "Treasury", "function": "setThreshold", "arguments": {"count": 2}}
    await market.pass_vote(await market.propose(members[0], threshold), *members)
    due = await market.propose(members[0], threshold)
    await market.pass_vote(due, *members)
    await market.queue(due, members[0])
    agreement = await market.agree(seller, buyer)
    await market.read_meters(agreement, seller, buyer)
    await market.ledger.doubt_reading(auditor, seller.account, agreement.window)
    await market.propose(members[0], threshold)
    await market.indexed()


@pytest_asyncio.fixture(loop_scope="session")
async def governed(market: Market, members: list[str], auditors: list[str]) -> AsyncIterator[None]:
    """As `govern` leaves it; in the end all that is held is settled."""
    await govern(market, members, auditors[0])
    yield
    for neighbour in NEIGHBOURS:
        await market.close_all(neighbour.account)


async def try_out(http: httpx.AsyncClient, name: str) -> httpx.Response:
    schema = (await http.get("/openapi.json")).json()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] == name:
                return await send(http, method, path, operation)
    raise LookupError(name)


async def send(
    http: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]
) -> httpx.Response:
    places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    for parameter in operation.get("parameters", []):
        if "example" in parameter:
            places[parameter["in"]][parameter["name"]] = parameter["example"]
        else:
            assert not parameter.get("required"), parameter
    content = operation.get("requestBody", {}).get("content", {})
    assert set(content) <= {"application/json"}
    request = http.build_request(
        method,
        path.format(**places["path"]),
        params=places["query"],
        headers=places["header"],
        json=content["application/json"]["example"] if content else None,
    )
    response = await http.send(request, stream=True)
    if response.headers["content-type"].startswith("text/event-stream"):
        await response.aclose()
    else:
        await response.aread()
    return response


async def test_every_example_works(market: Market, governed: None, operations: list[str]) -> None:
    await populate(market)
    failed = {}
    for name in operations:
        response = await try_out(market.http, name)
        if not response.is_success:
            failed[name] = response.text
    assert failed == {}


async def test_every_operation_has_an_example_and_a_text(market: Market) -> None:
    from app.api.examples import EXAMPLES

    schema = (await market.http.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    found = [operation for methods in schema["paths"].values() for operation in methods.values()]
    assert {operation["operationId"] for operation in found} == set(EXAMPLES)
    for operation in found:
        assert operation["description"], operation["operationId"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]
        assert "422" not in operation["responses"]


async def test_bodies_say_their_bounds(market: Market) -> None:
    schema = (await market.http.get("/openapi.json")).json()
    offer = schema["components"]["schemas"]["MakeOffer"]
    assert offer["additionalProperties"] is False
    assert offer["properties"]["energy_wh"]["minimum"] == 1
    assert offer["properties"]["energy_wh"]["maximum"] == 2**32 - 1
    assert set(offer["required"]) == {"from", "window", "energy_wh", "floor_price"}


async def test_examples_move_with_the_market(market: Market) -> None:
    async def example() -> int:
        schema = (await market.http.get("/openapi.json")).json()
        body = schema["paths"]["/api/v1/offers"]["post"]["requestBody"]
        window: int = body["content"]["application/json"]["example"]["window"]
        return window

    before = await example()
    await market.advance_to(market.now() + 3_600)
    assert await example() == before + 1
    assert before >= window_at(market.now() + COMMIT_MARGIN)


async def test_swagger_ui_comes_from_here(market: Market) -> None:
    page = await market.http.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"):
        assert f"/docs/swagger-ui/{name}" in page.text
        assert (await market.http.get(f"/docs/swagger-ui/{name}")).status_code == 200
    script = await market.http.get("/docs/start.js")
    assert script.headers["content-type"].startswith("text/javascript")
