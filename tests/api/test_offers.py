import pytest

from app.market.windows import commit_start
from tests.api.market import PRICE, Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


def body(market: Market, seller: Household, **changes: object) -> dict[str, object]:
    return {
        "from": seller.account,
        "window": market.next_window(),
        "energy_wh": 500,
        "floor_price": PRICE,
    } | changes


async def test_an_offer_is_made_and_listed(market: Market, seller: Household) -> None:
    written = await market.post("/offers", body(market, seller))
    (transaction,) = written["transactions"]
    assert transaction["function"] == "makeOffer"
    assert transaction["sender"] == seller.account
    offer = await market.get(f"/offers/{written['offer_id']}")
    assert offer == {
        "offer_id": written["offer_id"],
        "seller": seller.account,
        "window": written["offer_id"] >> 32,
        "energy_wh": 500,
        "floor_price": PRICE,
        "agreed_wh": 0,
        "remaining_wh": 500,
        "state": "open",
        "block": transaction["block"],
        "log_index": offer["log_index"],
        "transaction_hash": transaction["hash"],
        "at": market.now(),
    }
    listed = await market.get("/offers", window=offer["window"], seller=seller.account)
    assert offer in listed["items"]


async def test_the_answer_says_where_the_offer_is(market: Market, seller: Household) -> None:
    response = await market.http.post("/api/v1/offers", json=body(market, seller))
    offer = await market.http.get(response.headers["location"])
    assert offer.json()["offer_id"] == response.json()["offer_id"]


async def test_an_offer_is_cancelled_once(market: Market, seller: Household) -> None:
    offer_id = await market.offer(seller)
    path = f"/offers/{offer_id}/cancellation"
    first = await market.post(path, {"from": seller.account}, 200)
    assert len(first["transactions"]) == 1
    offer = await market.get(f"/offers/{offer_id}")
    assert (offer["state"], offer["remaining_wh"]) == ("cancelled", 0)
    again = await market.post(path, {"from": seller.account}, 200)
    assert again["transactions"] == []


async def test_only_its_seller_cancels_an_offer(
    market: Market, seller: Household, buyer: Household
) -> None:
    offer_id = await market.offer(seller)
    problem = await market.post(f"/offers/{offer_id}/cancellation", {"from": buyer.account}, 403)
    assert problem["error"] == "NotSeller"
    assert problem["arguments"] == {"caller": buyer.account, "seller": seller.account}


async def test_what_was_never_offered_cannot_be_cancelled(
    market: Market, seller: Household
) -> None:
    problem = await market.post("/offers/7/cancellation", {"from": seller.account}, 404)
    assert problem["error"] == "OfferUnknown"


async def test_states_follow_agreements_and_time(market: Market, buyer: Household) -> None:
    seller = await market.household()
    left = await market.offer(seller, 400)
    agreement = await market.agree(seller, buyer)
    window = agreement.window
    states = {
        offer["offer_id"]: offer["state"]
        for offer in (await market.get("/offers", window=window, limit=200))["items"]
    }
    assert states[agreement.offer_id] == "sold_out"
    assert states[left] == "closed"
    for state, offer_id in (("sold_out", agreement.offer_id), ("closed", left)):
        listed = await market.get("/offers", window=window, state=state)
        assert offer_id in [offer["offer_id"] for offer in listed["items"]]
        assert {offer["state"] for offer in listed["items"]} == {state}
    assert (await market.get("/offers", window=window, state="open"))["items"] == []


async def test_an_offer_after_the_margin_has_begun_is_refused(
    market: Market, seller: Household
) -> None:
    window = market.next_window()
    await market.advance_to(commit_start(window))
    problem = await market.post("/offers", body(market, seller, window=window), 409)
    assert problem["error"] == "WindowClosed"
    assert problem["arguments"] == {"window": window, "closedSince": commit_start(window)}
    assert problem["title"] == "Refused by the contract"


@pytest.mark.parametrize(
    ("change", "error", "status"),
    [
        ({"window": 2**31 - 1}, "WindowTooFar", 422),
        ({"floor_price": 2**32 - 1}, "PriceOutOfRange", 422),
        ({"window": 0}, "WindowClosed", 409),
    ],
)
async def test_what_the_market_refuses_names_its_error(
    market: Market, seller: Household, change: dict[str, object], error: str, status: int
) -> None:
    problem = await market.post("/offers", body(market, seller, **change), status)
    assert problem["error"] == error
    assert problem["contract"] == "EnergyMarket"


async def test_only_participants_offer(market: Market, outsider: Household) -> None:
    problem = await market.post("/offers", body(market, outsider), 409)
    assert problem["error"] == "NotParticipant"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"window": -1}, "body.window"),
        ({"window": 2**31}, "body.window"),
        ({"window": "7"}, "body.window"),
        ({"window": 1.0}, "body.window"),
        ({"window": None}, "body.window"),
        ({"energy_wh": 0}, "body.energy_wh"),
        ({"energy_wh": 2**32}, "body.energy_wh"),
        ({"energy_wh": True}, "body.energy_wh"),
        ({"energy_wh": 10**400}, "body.energy_wh"),
        ({"energy_wh": [1]}, "body.energy_wh"),
        ({"floor_price": -1}, "body.floor_price"),
        ({"floor_price": 2**32}, "body.floor_price"),
        ({"floor_price": {"a": 1}}, "body.floor_price"),
        ({"from": "0x1234"}, "body.from"),
        ({"from": "0x" + "00" * 20}, "body.from"),
        ({"from": "0xF39fd6e51aad88F6F4ce6aB8827279cffFb92266"}, "body.from"),
        ({"from": 5}, "body.from"),
        ({"from": "0x" + "\ud800" * 40}, "body.from"),
        ({"colour": "green"}, "body.colour"),
        ({"sender": "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"}, "body.sender"),
    ],
)
async def test_what_breaks_a_rule_is_named(
    market: Market, seller: Household, change: dict[str, object], field: str
) -> None:
    problem = await market.post("/offers", body(market, seller, **change), 422)
    assert problem["title"] == "Invalid input"
    (error,) = problem["errors"]
    assert error["field"] == field
    assert error["rule"]
    assert "value" in error


async def test_what_is_missing_is_named(market: Market, seller: Household) -> None:
    problem = await market.post("/offers", {"from": seller.account}, 422)
    assert [error["field"] for error in problem["errors"]] == [
        "body.window",
        "body.energy_wh",
        "body.floor_price",
    ]


async def test_the_gateway_signs_for_development_accounts_only(
    market: Market, seller: Household
) -> None:
    stranger = "0x52908400098527886E0F7030069857D2E4169EE7"
    problem = await market.post("/offers", body(market, seller, **{"from": stranger}), 403)
    assert "typed-data" in problem["hint"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
        {"window": -1},
        {"window": 2**31},
        {"seller": "nobody"},
        {"state": "sold"},
        {"cursor": "x"},
        {"cursor": "1-" + "9" * 30},
        {"order": "random"},
        {"colour": "green"},
    ],
)
async def test_a_bad_filter_is_named(market: Market, parameters: dict[str, object]) -> None:
    problem = await market.get("/offers", 422, **parameters)
    (error,) = problem["errors"]
    assert error["field"] == f"query.{next(iter(parameters))}"


@pytest.mark.parametrize("offer_id", ["-1", str(2**53), "one", "1.5", "%00"])
async def test_a_bad_id_is_named(market: Market, offer_id: str) -> None:
    problem = await market.get(f"/offers/{offer_id}", 422)
    assert problem["errors"][0]["field"] == "path.offer_id"


async def test_an_unknown_offer_is_not_found(market: Market) -> None:
    problem = await market.get("/offers/12345", 404)
    assert problem["type"] == "urn:peerwatt:problem:not-found"


async def test_pages_follow_one_another(market: Market) -> None:
    seller = await market.household()
    made = [await market.offer(seller, 100 + number) for number in range(5)]
    for order, expected in (("oldest", made), ("newest", made[::-1])):
        seen: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            page = await market.get(
                "/offers", seller=seller.account, limit=2, order=order, **cursor
            )
            seen += [offer["offer_id"] for offer in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == expected
