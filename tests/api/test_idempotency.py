import asyncio
import secrets

import pytest
from sqlalchemy import Connection

from app.index import requests
from tests.api.market import Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_urlsafe(20)}


def offer(market: Market, seller: Household, **changes: object) -> dict[str, object]:
    return {
        "from": seller.account,
        "window": market.next_window(),
        "energy_wh": 50,
        "floor_price": 100_000,
    } | changes


async def test_the_same_request_is_carried_out_once(
    market: Market, seller: Household, key: dict[str, str]
) -> None:
    body = offer(market, seller)
    first = await market.http.post("/api/v1/offers", json=body, headers=key)
    head = (await market.index.reader.head()).number
    again = await market.http.post("/api/v1/offers", json=body, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert (await market.index.reader.head()).number == head


async def test_two_at_once_are_carried_out_once(
    market: Market, seller: Household, key: dict[str, str]
) -> None:
    body = offer(market, seller)
    head = (await market.index.reader.head()).number
    answers = await asyncio.gather(
        *(market.http.post("/api/v1/offers", json=body, headers=key) for _ in range(5))
    )
    assert (await market.index.reader.head()).number == head + 1
    assert sorted({answer.status_code for answer in answers}) in ([201], [201, 409])
    created = {answer.text for answer in answers if answer.status_code == 201}
    assert len(created) == 1


async def test_another_request_under_the_key_is_refused(
    market: Market, seller: Household, key: dict[str, str]
) -> None:
    await market.post("/offers", offer(market, seller), headers=key)
    problem = await market.post("/offers", offer(market, seller, energy_wh=51), 422, headers=key)
    assert problem["type"] == "urn:peerwatt:problem:idempotency-key-reused"
    await market.post("/balances/withdrawals", {"from": seller.account, "amount": 1}, 422, key)


async def test_a_refusal_is_kept_too(
    market: Market, seller: Household, key: dict[str, str]
) -> None:
    body = offer(market, seller, window=1)
    first = await market.post("/offers", body, 409, headers=key)
    again = await market.post("/offers", body, 409, headers=key)
    assert first == again  # the same failed transaction, not another one


async def test_a_request_of_unknown_outcome_is_not_repeated(
    market: Market, seller: Household, key: dict[str, str]
) -> None:
    body = offer(market, seller)
    await market.post("/offers", body, headers=key)
    name = key["Idempotency-Key"]
    database = market.index.database
    known = await database.read(lambda each: requests.begin(each, name, ""))
    assert known is not None

    def as_if_the_gateway_had_ended_meanwhile(connection: Connection) -> None:
        requests.release(connection, name)
        requests.begin(connection, name, known.fingerprint)
        requests.interrupt(connection)

    await database.write(as_if_the_gateway_had_ended_meanwhile)
    head = (await market.index.reader.head()).number
    problem = await market.post("/offers", body, 409, headers=key)
    assert problem["type"] == "urn:peerwatt:problem:request-interrupted"
    assert (await market.index.reader.head()).number == head


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "sn\u00f6"])
async def test_a_bad_key_is_refused(market: Market, seller: Household, key: str) -> None:
    response = await market.http.post(
        "/api/v1/offers",
        json=offer(market, seller),
        headers={"Idempotency-Key": key.encode("latin-1")},
    )
    assert response.status_code == 422
    assert "Idempotency-Key" in response.json()["detail"]
