import asyncio
import json

import httpx
import pytest

from tests.api.market import Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFFERS = "/api/v1/offers"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "", "[::1"])
async def test_other_names_are_refused(market: Market, host: str) -> None:
    response = await market.http.get("/api/v1/market", headers={"Host": host})
    assert response.status_code == 421
    assert response.json()["title"] == "Unknown host"


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
async def test_names_of_this_machine_are_taken(market: Market, host: str) -> None:
    response = await market.http.get("/health", headers={"Host": host})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_pages_of_other_sites_cannot_write(
    market: Market, seller: Household, headers: dict[str, str]
) -> None:
    response = await market.http.post(OFFERS, json={}, headers=headers)
    assert response.status_code == 403
    assert response.json()["title"] == "Foreign origin"


async def test_the_own_page_can_write(market: Market) -> None:
    response = await market.http.post(OFFERS, json={}, headers={"Origin": market.url})
    assert response.status_code == 422  # of the body alone


async def test_other_sites_get_no_permission_to_read(market: Market) -> None:
    response = await market.http.get("/api/v1/market", headers={"Origin": "https://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/health", "/api/v1/market", "/docs", "/api/v1/nothing", "/"])
async def test_every_answer_is_guarded(market: Market, path: str) -> None:
    response = await market.http.get(path)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'"offer"', 422),
        (b'{"energy_wh": NaN}', 422),
        (b'{"energy_wh": Infinity}', 422),
        (b'{"energy_wh": 1e999}', 422),
        (b'{"energy_wh": ' + b"9" * 5_000 + b"}", 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 20_000, 400),
        (b'{"from": "\\u0000", "window": 1}', 422),
        (b'{"\\ud800": 1}', 422),
    ],
)
async def test_no_body_breaks_the_gateway(market: Market, content: bytes, status: int) -> None:
    response = await market.http.post(OFFERS, content=content, headers=JSON)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status


async def test_what_is_no_json_says_where(market: Market) -> None:
    response = await market.http.post(OFFERS, content=b'{"from" 1}', headers=JSON)
    assert response.json()["errors"] == [
        {"field": "body", "rule": "is JSON: Expecting ':' delimiter at character 8"}
    ]


async def test_what_is_no_json_is_refused(market: Market) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        response = await market.http.post(
            OFFERS, content=b'{"from": 1}', headers={"Content-Type": kind}
        )
        assert response.status_code == 422


async def test_a_large_body_is_refused(market: Market) -> None:
    large = json.dumps({"from": "x" * 300_000}).encode()
    response = await market.http.post(OFFERS, content=large, headers=JSON)
    assert response.status_code == 413
    assert response.json()["title"] == "Content too large"


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "large"}])
async def test_a_large_body_that_hides_its_length_is_refused(
    market: Market, headers: dict[str, str]
) -> None:
    async def stream():
        for _ in range(40):
            yield b" " * 10_000

    response = await market.http.post(OFFERS, content=stream(), headers=JSON | headers)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/offers", "/api/v1/offers/", "/x.js"])
async def test_what_is_not_there_is_not_found(market: Market, path: str) -> None:
    response = await market.http.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["instance"] == path


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/v1/offers"),
        ("PUT", "/api/v1/offers/1"),
        ("GET", "/api/v1/relay"),
        ("POST", "/health"),
        ("PATCH", "/"),
    ],
)
async def test_other_methods_are_refused(market: Market, method: str, path: str) -> None:
    response = await market.http.request(method, path)
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["allow"]


async def test_parameters_are_known_or_refused(market: Market) -> None:
    problem = await market.get("/market", 422, verbose=1)
    assert problem["errors"] == [
        {"field": "query.verbose", "rule": "is not known here", "value": "1"}
    ]


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/assets/../../../pyproject.toml", "/docs/swagger-ui/../x"]
)
async def test_files_beside_the_page_stay_where_they_are(market: Market, path: str) -> None:
    host, port = market.http.base_url.host, market.http.base_url.port
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split()[1] == b"404"


async def test_reads_are_not_cached(market: Market) -> None:
    response: httpx.Response = await market.http.get("/api/v1/market")
    assert response.headers["cache-control"] == "no-store"
