"""Money between the bank and the market: what takes several treasurers, and what nobody may."""

import secrets
from typing import Any

import pytest
from coincurve import PrivateKey

from app.chain.keys import development_address, household_address
from app.market.bank import PAYOUT_TIME
from app.market.typed_data import address_of
from tests.api.market import Household, Market
from tests.api.test_relay import Wallet, relayed

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Development accounts that hold no office, each for one test.
HOLDERS = map(development_address, range(9, 20))


def reference() -> str:
    return f"0x{secrets.token_hex(32)}"


def new_account() -> str:
    """An account whose key nobody has."""
    return address_of(PrivateKey(secrets.token_bytes(32)).public_key)


async def requested(market: Market, amount: int = 30) -> tuple[str, int]:
    """An account that wants tokens paid out, all that it has."""
    holder = next(HOLDERS)
    await market.mint(holder, amount)
    body = {"from": holder, "amount": amount, "payout_hash": reference()}
    written = await market.post("/treasury/withdrawals", body)
    assert written["state"] == "requested"
    return holder, int(written["withdrawal_id"])


async def tokens_of(market: Market, holder: str) -> int:
    return int((await market.get(f"/balances/{holder}"))["payment_tokens"])


async def test_two_treasurers_bring_money_in(
    market: Market, treasurers: list[str], auditor: str
) -> None:
    holder = new_account()
    before = await market.get("/treasury")
    body = {"holder": holder, "amount": 500, "reference": reference()}
    async with market.feed() as feed:
        first = await market.post("/treasury/deposits", {"from": treasurers[0]} | body)
        told, _ = await feed.until("deposit_confirmation")
        assert told["reference"] == body["reference"]
        assert (first["minted"], first["reference"]) == (False, body["reference"])
        assert await tokens_of(market, holder) == 0
        listed = await market.get("/treasury/deposits", holder=holder, minted=False)
        assert [each["confirmations"] for each in listed["items"]] == [treasurers[:1]]
        problem = await market.post("/treasury/deposits", {"from": treasurers[0]} | body, 409)
        assert problem["error"] == "AlreadyConfirmed"
        assert "another one" in problem["hint"]
        last = await market.post("/treasury/deposits", {"from": treasurers[1]} | body)
        assert last["minted"] is True
        await feed.until("mint")
    assert await tokens_of(market, holder) == 500
    (deposit,) = (await market.get("/treasury/deposits", holder=holder))["items"]
    assert (deposit["confirmations"], deposit["minted"]) == (treasurers, True)
    after = await market.get("/treasury")
    assert after["supply"] - before["supply"] == 500
    assert before["left_today"] - after["left_today"] == 500
    assert (after["attested_by"], after["threshold"]) == (auditor, 2)
    problem = await market.post("/treasury/deposits", {"from": treasurers[0]} | body, 409)
    assert problem["error"] == "BankReferenceUsed"


async def test_what_was_confirmed_otherwise_is_void(market: Market, treasurers: list[str]) -> None:
    holder = new_account()
    body = {"holder": holder, "reference": reference()}
    for treasurer, amount in zip([*treasurers, treasurers[0]], (5, 6, 6), strict=True):
        await market.post("/treasury/deposits", {"from": treasurer, "amount": amount} | body)
    found = (await market.get("/treasury/deposits", holder=holder))["items"]
    assert [(each["amount"], each["minted"], each["void"]) for each in found] == [
        (6, True, False),
        (5, False, True),
    ]


async def test_no_more_is_made_than_the_bank_has(
    market: Market, treasurers: list[str], auditor: str, seller: Household
) -> None:
    found = await market.get("/treasury")
    statement = {"from": auditor, "statement_hash": reference()}
    await market.post("/treasury/reserve", statement | {"amount": found["supply"] + 9})
    seen = await market.get("/treasury")
    assert (seen["reserve"], seen["statement_hash"]) == (
        found["supply"] + 9,
        statement["statement_hash"],
    )
    assert seen["attested_at"] == market.now()
    body = {"holder": seller.account, "amount": 10, "reference": reference()}
    await market.post("/treasury/deposits", {"from": treasurers[0]} | body)
    problem = await market.post("/treasury/deposits", {"from": treasurers[1]} | body, 409)
    assert problem["error"] == "ReserveExceeded"
    assert "/api/v1/treasury/reserve" in problem["hint"]
    await market.post("/treasury/reserve", statement | {"amount": found["reserve"]})
    assert (await market.post("/treasury/deposits", {"from": treasurers[1]} | body))["minted"]


async def test_the_members_bound_what_is_made_in_a_day(
    market: Market, members: list[str], treasurers: list[str], seller: Household
) -> None:
    def bounded_by(amount: int) -> dict[str, Any]:
        return {
            "contract": "Treasury",
            "function": "setDailyLimit",
            "arguments": {"amount": amount},
        }

    limit = (await market.get("/treasury"))["daily_limit"]
    await market.decide(members, bounded_by(1))
    assert (await market.get("/treasury"))["daily_limit"] == 1
    body = {"holder": seller.account, "amount": 2, "reference": reference()}
    await market.post("/treasury/deposits", {"from": treasurers[0]} | body)
    problem = await market.post("/treasury/deposits", {"from": treasurers[1]} | body, 409)
    assert problem["error"] == "DailyLimitExceeded"
    await market.decide(members, bounded_by(limit))


async def test_two_treasurers_pay_money_out(market: Market, treasurers: list[str]) -> None:
    holder, withdrawal_id = await requested(market)
    assert await tokens_of(market, holder) == 0
    url, paid_under = f"/treasury/withdrawals/{withdrawal_id}", reference()
    body = {"reference": paid_under}
    before = await market.get("/treasury")
    first = await market.post(f"{url}/payouts", {"from": treasurers[0]} | body)
    assert first["state"] == "requested"
    found = await market.get(url)
    assert found["confirmations"] == [{"treasurer": treasurers[0], "reference": paid_under}]
    assert found["payable_until"] == found["requested_at"] + PAYOUT_TIME
    async with market.feed() as feed:
        last = await market.post(f"{url}/payouts", {"from": treasurers[1]} | body)
        assert last["state"] == "paid"
        told, _ = await feed.until("withdrawal_end")
        assert (told["withdrawal_id"], told["state"]) == (withdrawal_id, "paid")
    found = await market.get(url)
    assert (found["state"], found["reference"]) == ("paid", paid_under)
    after = await market.get("/treasury")
    assert [before[name] - after[name] for name in ("supply", "reserve")] == [30, 30]
    problem = await market.post(f"{url}/payouts", {"from": treasurers[0]} | body, 409)
    assert problem["error"] == "WithdrawalNotRequested"
    assert "`state`" in problem["hint"]


async def test_two_treasurers_refuse(market: Market, treasurers: list[str]) -> None:
    holder, withdrawal_id = await requested(market)
    url = f"/treasury/withdrawals/{withdrawal_id}"
    first = await market.post(f"{url}/rejections", {"from": treasurers[0]})
    assert first["state"] == "requested"
    last = await market.post(f"{url}/rejections", {"from": treasurers[1]})
    assert last["state"] == "returned"
    found = await market.get(url)
    assert (found["state"], found["rejections"]) == ("returned", treasurers)
    assert await tokens_of(market, holder) == 30


async def test_what_is_not_paid_in_time_returns(
    market: Market, treasurers: list[str], keeper: str
) -> None:
    holder, withdrawal_id = await requested(market)
    url = f"/treasury/withdrawals/{withdrawal_id}"
    problem = await market.post(f"{url}/returns", {"from": keeper}, 409)
    assert problem["error"] == "PayoutTimeRunning"
    await market.advance_to((await market.get(url))["payable_until"])
    late = {"from": treasurers[0], "reference": reference()}
    problem = await market.post(f"{url}/payouts", late, 409)
    assert problem["error"] == "PayoutTimeOver"
    returned = await market.post(f"{url}/returns", {"from": keeper})
    assert returned["state"] == "returned"
    assert await tokens_of(market, holder) == 30
    listed = await market.get("/treasury/withdrawals", holder=holder, state="returned")
    assert [each["id"] for each in listed["items"]] == [withdrawal_id]


async def test_a_user_with_its_own_key_asks_for_its_money(market: Market) -> None:
    wallet = Wallet(PrivateKey(secrets.token_bytes(32)), PrivateKey(secrets.token_bytes(32)))
    await market.mint(wallet.account, 70)
    terms = {
        "owner": wallet.account,
        "amount": 50,
        "deadline": market.now() + 600,
        "spender": "treasury",
    }
    shown = await market.post("/typed-data/permit", terms, 200)
    by_another = Wallet(wallet.meter, wallet.meter).sign(shown["typed_data"])
    problem = await market.post("/relay/permits", terms | {"signature": by_another}, 403)
    assert "not signed by" in problem["detail"]
    signed = terms | {"signature": wallet.sign(shown["typed_data"])}
    await market.post("/relay/permits", signed)
    problem = await market.post("/relay/permits", signed, 403)
    assert "a permit holds once" in problem["hint"]
    sent = await relayed(market, wallet, "request-withdrawal", amount=50, payout_hash=reference())
    assert sent["function"] == "requestWithdrawal"
    (asked,) = (await market.get("/treasury/withdrawals", holder=wallet.account))["items"]
    assert (asked["amount"], asked["state"]) == (50, "requested")


async def test_an_expired_permit_is_not_sent(market: Market) -> None:
    wallet = Wallet(PrivateKey(secrets.token_bytes(32)), PrivateKey(secrets.token_bytes(32)))
    terms = {"owner": wallet.account, "amount": 5, "deadline": market.now() - 1}
    shown = await market.post("/typed-data/permit", terms, 200)
    signed = terms | {"signature": wallet.sign(shown["typed_data"])}
    problem = await market.post("/relay/permits", signed, 409)
    assert "expired" in problem["detail"]


async def test_outsiders_confirm_nothing(
    market: Market, auditor: str, treasurer: str, keeper: str, seller: Household
) -> None:
    _, withdrawal_id = await requested(market)
    url = f"/treasury/withdrawals/{withdrawal_id}"
    deposit = {"holder": seller.account, "amount": 5, "reference": reference()}
    for account in (auditor, keeper, seller.account):
        for path, body in (
            ("/treasury/deposits", deposit),
            (f"{url}/payouts", {"reference": reference()}),
            (f"{url}/rejections", {}),
        ):
            problem = await market.post(path, {"from": account} | body, 403)
            assert problem["error"] == "AccessManagedUnauthorized"
            assert "the treasurers" in problem["hint"]
    statement = {"from": treasurer, "amount": 5, "statement_hash": reference()}
    problem = await market.post("/treasury/reserve", statement, 403)
    assert problem["error"] == "AccessManagedUnauthorized"
    assert "the auditors" in problem["hint"]
    by_nobody = {"from": "0x" + "77" * 20, "amount": 5, "payout_hash": reference()}
    problem = await market.post("/treasury/withdrawals", by_nobody, 403)
    assert "no development account" in problem["detail"]


async def test_nobody_asks_for_more_than_it_has(market: Market) -> None:
    poor = household_address(96)
    body = {"from": poor, "amount": 1, "payout_hash": reference()}
    problem = await market.post("/treasury/withdrawals", body, 409)
    assert problem["error"] == "ERC20InsufficientBalance"


async def test_what_nobody_has_asked_for(market: Market, treasurer: str) -> None:
    for path, more in (
        ("payouts", {"reference": reference()}),
        ("rejections", {}),
        ("returns", {}),
    ):
        url = f"/treasury/withdrawals/{2**53 - 1}/{path}"
        problem = await market.post(url, {"from": treasurer} | more, 404)
        assert "lists them all" in problem["hint"]
    await market.get(f"/treasury/withdrawals/{2**53 - 1}", 404)
    problem = await market.get("/treasury/withdrawals/0", 422)
    assert problem["errors"][0]["field"] == "path.withdrawal_id"


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("deposits", {"amount": 0}, "body.amount"),
        ("deposits", {"amount": 2**53}, "body.amount"),
        ("deposits", {"reference": "0x12"}, "body.reference"),
        ("deposits", {"holder": "0x" + "00" * 20}, "body.holder"),
        ("deposits", {"more": 1}, "body.more"),
        ("withdrawals", {"amount": -1}, "body.amount"),
        ("withdrawals", {"payout_hash": None}, "body.payout_hash"),
        ("reserve", {"amount": -1}, "body.amount"),
        ("reserve", {"statement_hash": "x"}, "body.statement_hash"),
    ],
)
async def test_bad_input_is_named(
    market: Market, treasurer: str, path: str, change: dict[str, Any], field: str
) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "deposits": {"holder": household_address(0), "amount": 1, "reference": reference()},
        "withdrawals": {"amount": 1, "payout_hash": reference()},
        "reserve": {"amount": 1, "statement_hash": reference()},
    }
    body = {"from": treasurer} | bodies[path] | change
    problem = await market.post(f"/treasury/{path}", body, 422)
    assert [each["field"] for each in problem["errors"]] == [field]


async def test_lists_come_in_pages(market: Market) -> None:
    made = [(await requested(market))[1] for _ in range(3)]
    first = await market.get("/treasury/withdrawals", limit=2)
    assert [each["id"] for each in first["items"]] == made[:0:-1]
    rest = await market.get("/treasury/withdrawals", limit=1, cursor=first["next"])
    assert [each["id"] for each in rest["items"]] == made[:1]
    deposits = await market.get("/treasury/deposits", limit=1)
    earlier = await market.get("/treasury/deposits", limit=1, cursor=deposits["next"])
    assert deposits["items"] != earlier["items"]
    for path, query in (("deposits", {"minted": "perhaps"}), ("withdrawals", {"state": "gone"})):
        (name,) = query
        problem = await market.get(f"/treasury/{path}", 422, **query)
        assert problem["errors"][0]["field"] == f"query.{name}"
