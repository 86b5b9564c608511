"""Orders and auctions, on a real chain."""

import pytest

from app.market.windows import commit_start, window_start
from tests.api.market import Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

CEILING, FLOOR = 320_000, 80_000


def body(market: Market, owner: Household, **changes: object) -> dict[str, object]:
    return {
        "from": owner.account,
        "side": "buy",
        "window": market.next_window(),
        "energy_wh": 500,
        "limit_price": 200_000,
    } | changes


async def place(market: Market, owner: Household, **changes: object) -> int:
    written = await market.post("/orders", body(market, owner, **changes))
    order_id: int = written["order_id"]
    return order_id


async def fresh_window(market: Market) -> int:
    """A window that nobody else's test has orders in; time moves into the one before it."""
    await market.advance_to(window_start(market.next_window()))
    return market.next_window()


async def test_an_order_is_placed_and_listed(market: Market) -> None:
    buyer = await market.household()
    window = await fresh_window(market)
    before = await market.get(f"/balances/{buyer.account}")
    written = await market.post(
        "/orders", body(market, buyer, window=window, expires_at=window_start(window + 3))
    )
    (transaction,) = written["transactions"]
    assert (transaction["function"], transaction["sender"]) == ("placeOrder", buyer.account)
    order = await market.get(f"/orders/{written['order_id']}")
    placed = {
        "block": transaction["block"],
        "log_index": order["log_index"],
        "transaction_hash": transaction["hash"],
        "at": market.now(),
    }
    listed = {
        "order_id": written["order_id"],
        "owner": buyer.account,
        "side": "buy",
        "window": window,
        "last_window": window + 3,
        "book": window,
        "energy_wh": 500,
        "limit_price": 200_000,
        "expires_at": window_start(window + 3),
        "filled_wh": 0,
        "remaining_wh": 500,
        "state": "open",
    } | placed
    event = {
        "step": "placed",
        "window": window,
        "energy_wh": 500,
        "price": None,
        "other_id": None,
        "agreement_id": None,
    } | placed
    assert order == listed | {"history": [event], "unfilled": None}
    assert (await market.get("/orders", book=window))["items"] == [listed]
    after = await market.get(f"/balances/{buyer.account}")
    assert before["free"] - after["free"] == after["locked"] == 500 * 200


async def test_the_answer_says_where_the_order_is(market: Market, buyer: Household) -> None:
    response = await market.http.post("/api/v1/orders", json=body(market, buyer))
    order = await market.http.get(response.headers["location"])
    assert order.json()["order_id"] == response.json()["order_id"]
    assert order.json()["last_window"] == order.json()["window"]  # unless it says otherwise


async def test_an_order_is_cancelled_once(market: Market) -> None:
    buyer = await market.household()
    order_id = await place(market, buyer)
    path = f"/orders/{order_id}/cancellation"
    first = await market.post(path, {"from": buyer.account}, 200)
    assert len(first["transactions"]) == 1
    order = await market.get(f"/orders/{order_id}")
    assert (order["state"], order["remaining_wh"], order["book"]) == ("cancelled", 0, None)
    assert (await market.get(f"/balances/{buyer.account}"))["locked"] == 0
    assert (await market.post(path, {"from": buyer.account}, 200))["transactions"] == []


async def test_only_its_owner_cancels_an_order(
    market: Market, seller: Household, buyer: Household
) -> None:
    order_id = await place(market, buyer)
    path = f"/orders/{order_id}/cancellation"
    problem = await market.post(path, {"from": seller.account}, 403)
    assert problem["error"] == "NotOwner"
    problem = await market.post("/orders/0/cancellation", {"from": seller.account}, 404)
    assert problem["error"] == "OrderUnknown"


async def test_a_book_is_shown_cleared_and_settled(market: Market, keeper: str) -> None:
    """Anna buys from Ben and Cleo; Dora offers too little, and stays in the book."""
    anna, ben, cleo, dora = [await market.household() for _ in range(4)]
    window = await fresh_window(market)
    later = {"window": window, "expires_at": window_start(window + 2)}
    buy = await place(market, anna, window=window, energy_wh=1_000, limit_price=300_000)
    first = await place(market, ben, window=window, side="sell", energy_wh=600, limit_price=100_000)
    second = await place(market, cleo, side="sell", energy_wh=700, limit_price=200_000, **later)
    low = await place(market, dora, energy_wh=500, limit_price=150_000, **later)

    book = await market.get(f"/auctions/{window}")
    expected = {
        "final": False,
        "traded_wh": 1_000,
        "served_wh": 0,
        "marginal_buy": 300_000,
        "marginal_sell": 200_000,
        "price": 220_000,
        "lowest_price": 200_000,
        "highest_price": 250_000,
        "fills": 2,
    }
    steps = {
        "buy_steps": [
            {"price": 300_000, "energy_wh": 1_000, "orders": 1},
            {"price": 150_000, "energy_wh": 500, "orders": 1},
        ],
        "sell_steps": [
            {"price": 100_000, "energy_wh": 600, "orders": 1},
            {"price": 200_000, "energy_wh": 700, "orders": 1},
        ],
    }
    assert (
        book
        == {
            "window": window,
            "state": "open",
            "closes_at": commit_start(window),
            "rule": "midpoint",
            "grid_floor": FLOOR,
            "grid_ceiling": CEILING,
            "buys": 2,
            "sells": 2,
            "passed_over": 0,
            "outcome": expected,
            "fills": [],
        }
        | steps
    )

    await market.advance_to(commit_start(window))
    assert (await market.get(f"/auctions/{window}"))["state"] == "closed"
    refused = await market.post(f"/orders/{low}/cancellation", {"from": dora.account}, 409)
    assert refused["error"] == "BookClosed"
    cleared = await market.post(f"/auctions/{window}/clearing", {"from": keeper}, 200)
    assert {each["function"] for each in cleared["transactions"]} == {"clear"}
    again = await market.post(f"/auctions/{window}/clearing", {"from": keeper}, 200)
    assert again["transactions"] == []

    book = await market.get(f"/auctions/{window}")
    assert book["state"] == "cleared"
    assert book["outcome"] == expected | {"final": True}
    assert {name: book[name] for name in steps} == steps
    fills = [
        (each["buy_id"], each["sell_id"], each["energy_wh"], each["price"])
        for each in book["fills"]
    ]
    assert fills == [(buy, first, 600, 200_000), (buy, second, 400, 250_000)]
    assert [(each["buyer"], each["seller"]) for each in book["fills"]] == [
        (anna.account, ben.account),
        (anna.account, cleo.account),
    ]
    following = await market.get(f"/auctions/{window + 1}")
    assert (following["buys"], following["sells"]) == (1, 1)

    told = await market.get(f"/orders/{low}")
    assert [each["step"] for each in told["history"]] == ["placed", "carried"]
    assert (told["state"], told["book"]) == ("open", window + 1)
    assert "went to buyers who offered more" in told["unfilled"]
    told = await market.get(f"/orders/{second}")
    assert [(each["step"], each["energy_wh"]) for each in told["history"]] == [
        ("placed", 700),
        ("filled", 400),
        ("carried", 300),
    ]
    assert "nobody wanted more" in told["unfilled"]
    done = await market.post(f"/orders/{buy}/cancellation", {"from": anna.account}, 409)
    assert "filled" in done["detail"]

    await settle(market, window, keeper, anna, ben, cleo)


async def settle(
    market: Market, window: int, keeper: str, anna: Household, ben: Household, cleo: Household
) -> None:
    """The fills are agreements like all others, up to the market's figures."""
    agreements = (await market.get("/agreements", window=window, order="oldest"))["items"]
    assert [(each["offer_id"], each["salt"], each["deadline"]) for each in agreements] == [
        (None, str(each["buy_id"]), 0) for each in agreements
    ]
    ids = [each["agreement_id"] for each in agreements]
    assert ids == [
        each["agreement_id"] for each in (await market.get(f"/auctions/{window}"))["fills"]
    ]
    (second,) = (await market.get("/agreements", order_id=agreements[1]["sell_id"]))["items"]
    assert second == agreements[1]
    before = await market.get("/summary")
    await market.advance_to(window_start(window + 1))
    for home, exported_wh, imported_wh in ((ben, 600, 0), (cleo, 400, 0), (anna, 0, 1_000)):
        reading = {
            "from": home.meter,
            "window": window,
            "exported_wh": exported_wh,
            "imported_wh": imported_wh,
        }
        signed = await market.post("/readings/signatures", reading, 200)
        await market.post("/readings", {"readings": [signed]})
    await market.post("/settlements", {"from": keeper, "agreement_ids": ids})
    homes = [home.account for home in (anna, ben, cleo)]
    await market.post("/positions", {"from": keeper, "window": window, "participants": homes})
    settled = await market.get(f"/settlements/{ids[0]}")
    assert (settled["paid"], settled["offer_id"]) == (120_000, None)
    assert (settled["buy_id"], settled["sell_id"]) == (
        agreements[0]["buy_id"],
        agreements[0]["sell_id"],
    )
    after = await market.get("/summary")
    assert after["energy_traded_wh"] - before["energy_traded_wh"] == 1_000
    assert after["buyers_saving_vs_grid"] - before["buyers_saving_vs_grid"] == 320_000 - 220_000
    assert after["sellers_gain_vs_grid"] - before["sellers_gain_vs_grid"] == 220_000 - 80_000
    row = await market.get(f"/windows/{window}")
    assert (row["offers"], row["orders"], row["agreements"], row["agreed_wh"]) == (0, 4, 2, 1_000)
    assert (row["settled"], row["delivered_wh"], row["mean_price"]) == (2, 1_000, 220_000)


async def test_the_grid_serves_who_pays_its_price(market: Market, keeper: str) -> None:
    buyer = await market.household()
    window = await fresh_window(market)
    order_id = await place(market, buyer, window=window, limit_price=CEILING)
    book = await market.get(f"/auctions/{window}")
    assert (book["outcome"]["served_wh"], book["outcome"]["price"]) == (500, None)
    await market.advance_to(commit_start(window))
    await market.post(f"/auctions/{window}/clearing", {"from": keeper}, 200)
    book = await market.get(f"/auctions/{window}")
    assert book["outcome"] == {
        "final": True,
        "traded_wh": 0,
        "served_wh": 500,
        "marginal_buy": None,
        "marginal_sell": None,
        "price": None,
        "lowest_price": None,
        "highest_price": None,
        "fills": 0,
    }
    order = await market.get(f"/orders/{order_id}")
    assert order["state"] == "served"
    assert [each["step"] for each in order["history"]] == ["placed", "served"]
    assert (await market.get(f"/balances/{buyer.account}"))["locked"] == 0


async def test_a_book_that_nobody_clears_lets_its_orders_go(market: Market) -> None:
    buyer = await market.household()
    window = await fresh_window(market)
    order_id = await place(market, buyer, window=window)
    await market.advance_to(window_start(window))
    assert (await market.get(f"/orders/{order_id}"))["state"] == "dropped"
    book = await market.get(f"/auctions/{window}")
    assert (book["state"], book["buys"], book["outcome"]) == ("closed", 1, None)
    await market.post(f"/orders/{order_id}/cancellation", {"from": buyer.account}, 200)
    assert (await market.get(f"/orders/{order_id}"))["state"] == "cancelled"


async def test_an_empty_book_has_no_outcome(market: Market, keeper: str) -> None:
    window = await fresh_window(market)
    book = await market.get(f"/auctions/{window + 50}")
    assert (book["state"], book["outcome"], book["buy_steps"]) == ("open", None, [])
    await market.advance_to(commit_start(window))
    problem = await market.post(f"/auctions/{window}/clearing", {"from": keeper}, 409)
    assert problem["error"] == "BookEmpty"


@pytest.mark.parametrize(
    ("change", "error", "status"),
    [
        ({"window": 2**31 - 1}, "WindowTooFar", 422),
        ({"window": 0}, "WindowClosed", 409),
        ({"limit_price": CEILING + 1}, "PriceOutOfRange", 422),
        ({"limit_price": FLOOR - 1}, "PriceOutOfRange", 422),
        ({"expires_at": 1}, "ExpiryTooEarly", 422),
        ({"expires_at": 2**40}, "ExpiryTooLate", 422),
        ({"energy_wh": 2**32 - 1}, "FundsInsufficient", 409),
    ],
)
async def test_what_the_contracts_refuse_names_its_error(
    market: Market, buyer: Household, change: dict[str, object], error: str, status: int
) -> None:
    problem = await market.post("/orders", body(market, buyer, **change), status)
    assert problem["error"] == error
    assert problem["title"] == "Refused by the contract"


async def test_only_participants_place_orders(market: Market, outsider: Household) -> None:
    problem = await market.post("/orders", body(market, outsider), 409)
    assert problem["error"] == "NotParticipant"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"side": "hold"}, "body.side"),
        ({"side": 0}, "body.side"),
        ({"window": -1}, "body.window"),
        ({"energy_wh": 0}, "body.energy_wh"),
        ({"limit_price": 2**32}, "body.limit_price"),
        ({"expires_at": -1}, "body.expires_at"),
        ({"expires_at": "soon"}, "body.expires_at"),
        ({"from": "0x1234"}, "body.from"),
        ({"colour": "green"}, "body.colour"),
    ],
)
async def test_what_breaks_a_rule_is_named(
    market: Market, buyer: Household, change: dict[str, object], field: str
) -> None:
    problem = await market.post("/orders", body(market, buyer, **change), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 0},
        {"window": -1},
        {"book": 2**31},
        {"owner": "nobody"},
        {"side": "both"},
        {"state": "sold"},
        {"cursor": "x"},
        {"colour": "green"},
    ],
)
async def test_a_bad_filter_is_named(market: Market, parameters: dict[str, object]) -> None:
    problem = await market.get("/orders", 422, **parameters)
    (error,) = problem["errors"]
    assert error["field"] == f"query.{next(iter(parameters))}"


async def test_what_is_not_there_is_not_found(market: Market) -> None:
    assert (await market.get("/orders/999999999", 404))["title"] == "Not found"
    await market.get("/orders/one", 422)
    await market.get("/auctions/-1", 422)


async def test_pages_follow_one_another(market: Market) -> None:
    owner = await market.household()
    placed = [await place(market, owner, energy_wh=100 + each) for each in range(5)]
    for order, expected in (("oldest", placed), ("newest", placed[::-1])):
        seen: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            page = await market.get("/orders", owner=owner.account, limit=2, order=order, **cursor)
            seen += [each["order_id"] for each in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == expected
    sells = await market.get("/orders", owner=owner.account, side="sell")
    assert sells["items"] == []
    opened = await market.get("/orders", owner=owner.account, state="open", side="buy")
    assert len(opened["items"]) == 5


async def test_the_gateway_signs_for_development_accounts_only(market: Market) -> None:
    stranger = Household("0x52908400098527886E0F7030069857D2E4169EE7", "")
    problem = await market.post("/orders", body(market, stranger), 403)
    assert "typed-data" in problem["hint"]


async def test_orders_and_clearings_are_told_live(market: Market, keeper: str) -> None:
    owner, other = await market.household(), await market.household()
    window = await fresh_window(market)
    async with market.feed() as feed:
        order_id = await place(market, owner, window=window)
        data, _ = await feed.until("order", lambda each: each["order_id"] == order_id)
        assert (data["owner"], data["window"], data["side"]) == (owner.account, window, 0)
        await place(market, other, window=window, side="sell", limit_price=200_000)
        await market.advance_to(commit_start(window))
        await market.post(f"/auctions/{window}/clearing", {"from": keeper}, 200)
        data, _ = await feed.until("agreement", lambda each: each["window"] == window)
        agreement_id = data["agreement_id"]
        data, _ = await feed.until("fill")
        assert (data["buy_id"], data["agreement_id"]) == (order_id, agreement_id)
        data, _ = await feed.until("clearing")
        assert (data["window"], data["traded_wh"]) == (window, 500)
