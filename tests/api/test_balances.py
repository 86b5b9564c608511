import pytest

from app.chain.keys import TREASURY, development_address
from app.market.windows import window_at, window_end
from tests.api.market import FUNDS, Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_money_goes_in_and_out(market: Market) -> None:
    home = await market.household()
    await market.post("/balances/withdrawals", {"from": home.account, "amount": 30})
    balance = await market.get(f"/balances/{home.account}")
    assert balance == {
        "participant": home.account,
        "free": FUNDS - 30,
        "locked": 0,
        "debt": 0,
        "claim": 0,
        "payment_tokens": 30,
        "energy_tokens_wh": 0,
    }
    await market.post("/balances/deposits", {"from": home.account, "amount": 10})
    balance = await market.get(f"/balances/{home.account}")
    assert (balance["free"], balance["payment_tokens"]) == (FUNDS - 20, 20)
    movements = await market.get(f"/balances/{home.account}/movements")
    assert [(each["kind"], each["amount"]) for each in movements["items"]] == [
        ("deposit", 10),
        ("withdrawal", 30),
        ("deposit", FUNDS),
    ]


async def test_everybody_has_a_balance(market: Market, seller: Household) -> None:
    listed = await market.get("/balances", limit=200)
    people = await market.get("/participants", limit=200)
    assert [each["participant"] for each in listed["items"]] == [
        each["participant"] for each in people["items"]
    ]


async def test_nobody_takes_out_more_than_it_has(market: Market) -> None:
    home = await market.household()
    body = {"from": home.account, "amount": FUNDS + 1}
    problem = await market.post("/balances/withdrawals", body, 409)
    assert problem["error"] == "FundsInsufficient"
    assert problem["arguments"] == {
        "account": home.account,
        "required": FUNDS + 1,
        "free": FUNDS,
    }


async def test_nobody_puts_in_more_than_it_has(market: Market) -> None:
    home = await market.household(funds=0)
    problem = await market.post("/balances/deposits", {"from": home.account, "amount": 1}, 409)
    assert problem["error"] == "ERC20InsufficientBalance"


async def test_a_claim_is_paid_when_the_treasury_has_money(market: Market, keeper: str) -> None:
    home = await market.household()
    treasury = development_address(TREASURY)
    body = {"from": keeper, "participant": home.account}
    assert await market.post("/balances/claims", body) == {"transactions": []}
    free = (await market.ledger.account_of(treasury)).free
    if free:
        await market.ledger.withdraw(treasury, free)
    await market.advance_to(window_end(window_at(market.now())))
    window = window_at(market.now()) - 1
    reading = {"from": home.meter, "window": window, "exported_wh": 1_000, "imported_wh": 0}
    signed = await market.post("/readings/signatures", reading, 200)
    await market.post("/readings", {"readings": [signed]})
    await market.post(
        "/positions", {"from": keeper, "window": window, "participants": [home.account]}
    )
    assert (await market.get(f"/balances/{home.account}"))["claim"] == 80_000

    await market.mint(treasury, FUNDS)
    await market.ledger.deposit(treasury, FUNDS)
    written = await market.post("/balances/claims", body)
    assert written["transactions"][0]["function"] == "payClaim"
    balance = await market.get(f"/balances/{home.account}")
    assert (balance["claim"], balance["free"]) == (0, FUNDS + 80_000)
    kinds = await market.get(f"/balances/{home.account}/movements", limit=2)
    assert [each["kind"] for each in kinds["items"]] == ["claim_payment", "claim"]


@pytest.mark.parametrize("path", ["deposits", "withdrawals"])
@pytest.mark.parametrize("amount", [0, -1, 2**53, "5", 1.5, None, True, 10**80])
async def test_a_bad_amount_is_named(
    market: Market, seller: Household, path: str, amount: object
) -> None:
    problem = await market.post(
        f"/balances/{path}", {"from": seller.account, "amount": amount}, 422
    )
    assert [error["field"] for error in problem["errors"]] == ["body.amount"]


async def test_a_bad_address_is_named(market: Market) -> None:
    for path in ("/balances/me", "/balances/me/movements", "/participants/me"):
        problem = await market.get(path, 422)
        assert problem["errors"][0]["field"] == "path.address"
