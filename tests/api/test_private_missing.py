"""A market without private trading says so."""

import pytest

from tests.api.market import Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    "path", ["", "/rounds", "/rounds/1", "/notes", "/auditor", "/households/0x12"]
)
async def test_there_is_nothing_to_see(market: Market, path: str) -> None:
    answer = await market.get(f"/private{path}", 404)
    assert answer["detail"] == "there is no private trading in this market"
    assert "deploy_privacy" in answer["hint"]


@pytest.mark.parametrize("path", ["calls", "answers"])
async def test_nothing_is_taken(market: Market, path: str) -> None:
    answer = await market.post(f"/private/{path}", {}, 404)
    assert answer["detail"] == "there is no private trading in this market"
