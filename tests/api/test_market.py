import pytest

from app.market.windows import commit_start, window_at, window_end, window_start
from tests.api.market import PRICE, Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_market_introduces_itself(market: Market) -> None:
    about = await market.get("/market")
    assert about["chain_id"] == 1337
    assert set(about["contracts"]) >= {"EnergyMarket", "Forwarder", "MeterRegistry"}
    assert (about["window_length"], about["commit_margin"]) == (3600, 300)
    assert (about["development"], about["agents"]) == (True, False)


async def test_the_clock_knows_the_phases(market: Market) -> None:
    await market.advance_to(window_end(window_at(market.now())))
    now = market.now()
    window = window_at(now)
    clock = await market.get("/windows/current")
    assert clock["now"] == now == clock["window_start"]
    assert clock["current_window"] == window
    assert clock["next_phase"] == "trading"
    assert clock["first_tradable_window"] == window + 1
    await market.advance_to(commit_start(window + 1))
    clock = await market.get("/windows/current")
    assert clock["next_phase"] == "commit"
    assert clock["first_tradable_window"] == window + 2


async def test_a_window_is_summed_up(market: Market, keeper: str) -> None:
    seller, buyer = await market.household(), await market.household()
    before = await market.get("/summary")
    cancelled = await market.offer(seller, 700)
    await market.ledger.cancel_offer(seller.account, cancelled)
    agreement = await market.agree(seller, buyer)
    row = await market.get(f"/windows/{agreement.window}")
    assert row["phase"] == "commit"
    assert (row["start"], row["end"]) == (
        window_start(agreement.window),
        window_end(agreement.window),
    )
    assert (row["offers"], row["offered_wh"]) == (1, 1_000)
    assert (row["agreements"], row["agreed_wh"], row["mean_price"]) == (1, 1_000, PRICE)
    assert (row["grid_floor"], row["grid_ceiling"]) == (80_000, 320_000)
    assert (row["settled"], row["readings"], row["positions"]) == (0, 0, 0)

    await market.read_meters(agreement, seller, buyer)
    await market.post("/settlements", {"from": keeper, "agreement_ids": [market.id_of(agreement)]})
    homes = [seller.account, buyer.account]
    await market.post(
        "/positions", {"from": keeper, "window": agreement.window, "participants": homes}
    )
    row = await market.get(f"/windows/{agreement.window}")
    assert row["phase"] == "settlement"
    assert (row["settled"], row["delivered_wh"], row["paid"]) == (1, 1_000, PRICE)
    assert (row["readings"], row["metered_export_wh"], row["metered_import_wh"]) == (
        2,
        1_000,
        1_000,
    )
    assert (row["positions"], row["grid_import_wh"], row["grid_export_wh"]) == (2, 0, 0)

    after = await market.get("/summary")
    grown = {name: after[name] - before[name] for name in ("settled", "energy_traded_wh")}
    assert grown == {"settled": 1, "energy_traded_wh": 1_000}
    assert after["buyers_saving_vs_grid"] - before["buyers_saving_vs_grid"] == 320_000 - PRICE
    assert after["sellers_gain_vs_grid"] - before["sellers_gain_vs_grid"] == PRICE - 80_000
    assert after["gas_total"] == sum(after["gas_by_function"].values())


async def test_the_grid_stands_in(market: Market, keeper: str) -> None:
    home = await market.household()
    await market.advance_to(window_end(window_at(market.now())))
    window = window_at(market.now()) - 1
    reading = {"from": home.meter, "window": window, "exported_wh": 0, "imported_wh": 750}
    signed = await market.post("/readings/signatures", reading, 200)
    await market.post("/readings", {"readings": [signed]})
    body = {"from": keeper, "window": window, "participants": [home.account]}
    await market.post("/positions", body)
    row = await market.get(f"/windows/{window}")
    assert (row["grid_import_wh"], row["grid_export_wh"]) == (750, 0)


async def test_a_window_has_the_terms_that_were_published_for_it(
    market: Market, operator: str
) -> None:
    from app.ledger.types import Terms

    window = market.next_window() + 20
    await market.ledger.publish_terms(
        operator, window, [Terms(90_000, 300_000, 10_000), Terms(91_000, 301_000, 11_000)]
    )
    rows = await market.get("/windows", first=window - 1, last=window + 1)
    assert [(row["grid_floor"], row["grid_ceiling"], row["penalty_rate"]) for row in rows] == [
        (80_000, 320_000, 50_000),
        (90_000, 300_000, 10_000),
        (91_000, 301_000, 11_000),
    ]
    assert [row["window"] for row in rows] == [window - 1, window, window + 1]
    assert {row["phase"] for row in rows} == {"trading"}


async def test_the_latest_windows_are_listed(market: Market) -> None:
    rows = await market.get("/windows")
    assert len(rows) == 48
    assert rows[-1]["window"] == window_at(market.now()) + 1


@pytest.mark.parametrize(
    "parameters",
    [
        {"first": 10, "last": 9},
        {"first": 0, "last": 200},
        {"first": -1, "last": 5},
        {"first": 5, "last": 2**31},
        {"first": "x"},
        {"size": 5},
    ],
)
async def test_a_bad_range_is_named(market: Market, parameters: dict[str, object]) -> None:
    problem = await market.get("/windows", 422, **parameters)
    assert problem["errors"][0]["field"].startswith("query.")


async def test_transactions_are_listed_with_their_gas(market: Market, seller: Household) -> None:
    written = await market.post(
        "/offers",
        {
            "from": seller.account,
            "window": market.next_window(),
            "energy_wh": 10,
            "floor_price": 100_000,
        },
    )
    (sent,) = written["transactions"]
    found = await market.get(f"/transactions/{sent['hash']}")
    assert found["gas_used"] == sent["gas_used"] > 21_000
    assert (found["function"], found["contract"]) == ("makeOffer", "EnergyMarket")
    assert found["sender"] == found["signer"] == seller.account
    assert found["succeeded"] is True
    listed = await market.get("/transactions", function="makeOffer", account=seller.account)
    assert listed["items"][0] == found
    await market.get(f"/transactions/0x{'33' * 32}", 404)


async def test_a_failed_transaction_is_listed_as_failed(market: Market, seller: Household) -> None:
    problem = await market.post(
        "/offers", {"from": seller.account, "window": 1, "energy_wh": 10, "floor_price": 0}, 409
    )
    found = await market.get(f"/transactions/{problem['transaction_hash']}")
    assert found["succeeded"] is False


async def test_messages_are_listed(market: Market) -> None:
    from app.index.journal import Message

    async with market.feed() as feed:
        for number in range(3):
            market.index.journal.record(
                Message(
                    conversation_id=f"c{number % 2}",
                    window=7,
                    sender="0x" + "11" * 20,
                    receiver="0x" + "22" * 20,
                    performative="propose",
                    offer_id=7 << 32,
                    energy_wh=100 + number,
                    price=None,
                    at=NOW + number,
                )
            )
        await feed.until("message", lambda data: data["energy_wh"] == 102)
    page = await market.get("/proposals", window=7, limit=2)
    assert [each["energy_wh"] for each in page["items"]] == [102, 101]
    rest = await market.get("/proposals", window=7, cursor=page["next"])
    assert [each["energy_wh"] for each in rest["items"]] == [100]
    assert rest["next"] is None
    for filters in ({"conversation_id": "c0"}, {"household": "0x" + "22" * 20, "window": 7}):
        listed = await market.get("/proposals", **filters)
        assert 102 in [each["energy_wh"] for each in listed["items"]]
    assert (await market.get("/proposals", conversation_id="c9"))["items"] == []


NOW = 1_763_726_400


async def test_without_agents_nobody_negotiates(market: Market, seller: Household) -> None:
    body = {"from": seller.account, "window": 1, "energy_wh": 1, "limit_price": 1}
    problem = await market.post("/proposals", body, 503)
    assert "no agents" in problem["detail"]
    problem = await market.post("/proposals", body | {"limit_price": -1}, 422)
    assert problem["errors"][0]["field"] == "body.limit_price"
