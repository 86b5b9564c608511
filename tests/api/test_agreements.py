import secrets

import pytest
import pytest_asyncio

from app.market.windows import commit_start, window_end, window_start
from tests.api.market import PRICE, Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def seller(market: Market) -> Household:
    """Has nothing else to settle."""
    return await market.household()


async def terms(market: Market, seller: Household, buyer: Household, **changes: object):
    """An agreement on an offer of 1,000 Wh for the next window."""
    offer_id = await market.offer(seller, 1_000)
    window = offer_id >> 32
    return {
        "offer_id": offer_id,
        "seller": seller.account,
        "buyer": buyer.account,
        "window": window,
        "energy_wh": 600,
        "price": PRICE,
        "deadline": window_start(window),
        "salt": str(secrets.randbits(250)),
    } | changes


async def signed(market: Market, agreement: dict[str, object]) -> dict[str, object]:
    body = {"from": agreement["buyer"], "agreement": agreement}
    answer = await market.post("/agreements/signatures", body, 200)
    return {"agreement": answer["agreement"], "signature": answer["signature"]}


async def test_an_agreement_is_signed_and_written_within_the_margin(
    market: Market, seller: Household, buyer: Household
) -> None:
    agreement = await terms(market, seller, buyer)
    body = {"from": seller.account, "agreements": [await signed(market, agreement)]}
    await market.advance_to(commit_start(agreement["window"]))
    written = await market.post("/agreements", body)
    (agreement_id,) = written["agreement_ids"]
    (transaction,) = written["transactions"]
    assert transaction["function"] == "allowTransactions"
    found = await market.get(f"/agreements/{agreement_id}")
    assert {name: found[name] for name in agreement} == agreement
    assert (found["settled"], found["delivered_wh"]) == (False, None)

    again = await market.post("/agreements", body)
    assert again == {"agreement_ids": [agreement_id], "transactions": []}
    for filters in (
        {"window": agreement["window"]},
        {"offer_id": agreement["offer_id"]},
        {"participant": buyer.account},
        {"participant": seller.account, "settled": False},
    ):
        listed = await market.get("/agreements", **filters)
        assert agreement_id in [each["agreement_id"] for each in listed["items"]]
    listed = await market.get("/agreements", settled=True, offer_id=agreement["offer_id"])
    assert listed["items"] == []


async def test_too_early_is_refused(market: Market, seller: Household, buyer: Household) -> None:
    agreement = await terms(market, seller, buyer)
    body = {"from": seller.account, "agreements": [await signed(market, agreement)]}
    problem = await market.post("/agreements", body, 409)
    assert problem["error"] == "CommitPhaseOnly"
    assert problem["arguments"] == {
        "window": agreement["window"],
        "from": commit_start(agreement["window"]),
        "until": window_start(agreement["window"]),
    }


async def test_the_buyer_must_have_signed_just_this(market: Market, seller: Household) -> None:
    buyer = await market.household()
    agreement = await terms(market, seller, buyer)
    good = await signed(market, agreement)
    await market.advance_to(commit_start(agreement["window"]))
    dearer = {"agreement": agreement | {"price": PRICE + 1}, "signature": good["signature"]}
    body = {"from": seller.account, "agreements": [dearer]}
    problem = await market.post("/agreements", body, 403)
    assert problem["error"] == "SignatureInvalid"
    assert problem["arguments"] == {"buyer": buyer.account}


async def test_only_the_seller_writes_its_agreements(
    market: Market, seller: Household, buyer: Household
) -> None:
    agreement = await terms(market, seller, buyer)
    body = {"from": buyer.account, "agreements": [await signed(market, agreement)]}
    await market.advance_to(commit_start(agreement["window"]))
    problem = await market.post("/agreements", body, 403)
    assert problem["error"] == "NotSeller"


@pytest.mark.parametrize(
    ("change", "error", "status"),
    [
        ({"energy_wh": 1_001}, "OfferExceeded", 409),
        ({"price": 99_999}, "PriceOutOfRange", 422),
        ({"price": 2**32 - 1}, "PriceOutOfRange", 422),
        ({"deadline": 1}, "AgreementExpired", 409),
        ({"window": 7}, "WindowMismatch", 422),
        ({"offer_id": 7}, "OfferUnknown", 404),
    ],
)
async def test_what_the_market_refuses_names_its_error(
    market: Market,
    seller: Household,
    buyer: Household,
    change: dict[str, object],
    error: str,
    status: int,
) -> None:
    agreement = await terms(market, seller, buyer)
    window = agreement["window"]
    body = {"from": seller.account, "agreements": [await signed(market, agreement | change)]}
    await market.advance_to(commit_start(window))
    problem = await market.post("/agreements", body, status)
    assert problem["error"] == error


async def test_a_buyer_without_money_is_refused(market: Market, seller: Household) -> None:
    buyer = await market.household(funds=1)
    agreement = await terms(market, seller, buyer)
    body = {"from": seller.account, "agreements": [await signed(market, agreement)]}
    await market.advance_to(commit_start(agreement["window"]))
    problem = await market.post("/agreements", body, 409)
    assert problem["error"] == "FundsInsufficient"
    assert problem["arguments"] == {"account": buyer.account, "required": 90_000, "free": 1}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"salt": "-1"}, "salt"),
        ({"salt": str(2**256)}, "salt"),
        ({"salt": 5}, "salt"),
        ({"energy_wh": 0}, "energy_wh"),
        ({"deadline": -1}, "deadline"),
        ({"buyer": "0x12"}, "buyer"),
        ({"note": "x"}, "note"),
    ],
)
async def test_what_breaks_a_rule_is_named(
    market: Market, seller: Household, buyer: Household, change: dict[str, object], field: str
) -> None:
    agreement = {
        "offer_id": 1,
        "seller": seller.account,
        "buyer": buyer.account,
        "window": 1,
        "energy_wh": 1,
        "price": 1,
        "deadline": 1,
    }
    body = {"from": buyer.account, "agreement": agreement | change}
    problem = await market.post("/agreements/signatures", body, 422)
    assert [error["field"] for error in problem["errors"]] == [f"body.agreement.{field}"]


async def test_nobody_signs_for_another_buyer(
    market: Market, seller: Household, buyer: Household
) -> None:
    agreement = await terms(market, seller, buyer)
    problem = await market.post(
        "/agreements/signatures", {"from": seller.account, "agreement": agreement}, 422
    )
    assert problem["errors"][0]["field"] == "body.agreement.buyer"


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_has_a_size(market: Market, seller: Household, count: int) -> None:
    one = {"agreement": {}, "signature": "0x"}
    problem = await market.post(
        "/agreements", {"from": seller.account, "agreements": [one] * count}, 422
    )
    assert "body.agreements" in [error["field"] for error in problem["errors"]]


async def test_a_delivered_agreement_is_settled_and_paid(
    market: Market, seller: Household, buyer: Household, keeper: str
) -> None:
    agreement = await market.agree(seller, buyer)
    agreement_id = market.id_of(agreement)
    body = {"from": keeper, "agreement_ids": [agreement_id]}
    problem = await market.post("/settlements", body, 409)
    assert problem["error"] == "WindowNotOver"
    await market.advance_to(window_end(agreement.window))
    problem = await market.post("/settlements", body, 409)
    assert problem["error"] == "ReadingMissing"
    assert problem["arguments"]["participant"] == seller.account

    await market.read_meters(agreement, seller, buyer)
    await market.get(f"/settlements/{agreement_id}", 404)
    before = await market.get(f"/balances/{seller.account}")
    written = await market.post("/settlements", body)
    assert written["transactions"][0]["function"] == "makeTransactions"
    settlement = await market.get(f"/settlements/{agreement_id}")
    assert settlement["delivered_wh"] == settlement["energy_wh"] == 1_000
    assert settlement["paid"] == PRICE
    assert (settlement["compensation"], settlement["penalty"]) == (0, 0)
    after = await market.get(f"/balances/{seller.account}")
    assert after["free"] - before["free"] == PRICE + before["locked"]
    assert (await market.get(f"/balances/{buyer.account}"))["energy_tokens_wh"] >= 1_000
    found = await market.get(f"/agreements/{agreement_id}")
    assert (found["settled"], found["delivered_wh"]) == (True, 1_000)
    for filters in ({"window": agreement.window}, {"participant": buyer.account}):
        listed = await market.get("/settlements", **filters)
        assert settlement in listed["items"]

    await market.post("/settlements", body)  # somebody else was faster: harmless
    assert await market.get(f"/settlements/{agreement_id}") == settlement


async def test_an_unknown_agreement_cannot_be_settled(market: Market, keeper: str) -> None:
    body = {"from": keeper, "agreement_ids": ["0x" + "11" * 32]}
    problem = await market.post("/settlements", body, 404)
    assert "error" not in problem


@pytest.mark.parametrize(
    "ids", [[], ["0x11"], ["11" * 32], [5], "0x" + "11" * 32, ["0x" + "11" * 32] * 101]
)
async def test_bad_ids_are_named(market: Market, keeper: str, ids: object) -> None:
    problem = await market.post("/settlements", {"from": keeper, "agreement_ids": ids}, 422)
    assert problem["errors"][0]["field"].startswith("body.agreement_ids")


@pytest.mark.parametrize("path", ["agreements", "settlements"])
async def test_what_is_not_there_is_not_found(market: Market, path: str) -> None:
    await market.get(f"/{path}/0x{'22' * 32}", 404)
    problem = await market.get(f"/{path}/0x22", 422)
    assert problem["errors"][0]["field"] == "path.agreement_id"


async def test_a_patient_client_waits_for_the_margin(
    market: Market, seller: Household, buyer: Household
) -> None:
    agreement = await terms(market, seller, buyer)
    body = {"from": seller.account, "agreements": [await signed(market, agreement)]}
    await market.advance_to(commit_start(agreement["window"]) - 300)
    async with market.time_passing(speed=400):
        written = await market.post("/agreements", body, headers={"Prefer": "wait=30"})
    found = await market.get(f"/agreements/{written['agreement_ids'][0]}")
    assert commit_start(agreement["window"]) <= found["at"] < window_start(agreement["window"])


async def test_nobody_waits_for_ever(market: Market, seller: Household) -> None:
    problem = await market.post(
        "/settlements",
        {"from": seller.account, "agreement_ids": ["0x" + "11" * 32]},
        422,
        headers={"Prefer": "wait=121"},
    )
    assert problem["errors"] == [
        {"field": "header.Prefer", "rule": "waits for at most 120 seconds", "value": 121}
    ]
