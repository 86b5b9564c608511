"""A household's statement agrees with its account, to the unit."""

import csv
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest

from app.chain.keys import TREASURY, development_address, meter_address
from app.ledger.types import MeterKind, ParticipantInfo, Reading, Side
from app.market.windows import commit_start, window_at, window_end, window_start
from tests.api.market import FUNDS, Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY = 86_400
CAME = ("deposited", "earned", "compensation_received", "grid_earned")
WENT = ("withdrawn", "paid", "compensation_paid", "penalties", "grid_paid")


async def worth(market: Market, home: Household) -> int:
    """What an account has, less what it owes."""
    has = await market.ledger.account_of(home.account)
    return has.free + has.locked - has.debt


async def statement_of(market: Market, home: Household, days: int = 366) -> dict[str, Any]:
    found = await market.get(f"/participants/{home.account}/statement", days=days)
    for day in (*found["days"], found["total"]):
        flows = sum(day[name] for name in CAME) - sum(day[name] for name in WENT)
        assert day["balance_change"] == flows
    for name, total in found["total"].items():
        assert total == sum(day[name] for day in found["days"])
    assert found["total"]["balance_change"] == await worth(market, home)
    return dict(found)


async def read_meters(market: Market, window: int, *seen: tuple[Household, int, int]) -> None:
    """What meters have exported and imported in a window, settled with the grid."""
    await market.advance_to(window_end(window))
    readings = [
        market.ledger.sign_reading(Reading(home.meter, window, exported_wh, imported_wh))
        for home, exported_wh, imported_wh in seen
    ]
    await market.ledger.submit_readings(seen[0][0].account, readings)


async def trade(
    market: Market,
    seller: Household,
    buyer: Household,
    terms: tuple[int, int],
    seen: tuple[int, int],
) -> None:
    """A window from the agreement (energy, price) over the meters (export, import) to the grid."""
    agreement = await market.agree(seller, buyer, *terms)
    await statement_of(market, seller)  # also while money is locked
    exported_wh, imported_wh = seen
    await read_meters(market, agreement.window, (seller, exported_wh, 0), (buyer, 0, imported_wh))
    await market.ledger.make_transactions(buyer.account, [agreement])
    pair = [seller.account, buyer.account]
    await market.ledger.close_positions(buyer.account, pair, agreement.window)


async def auction(
    market: Market, seller: Household, buyer: Household, energy_wh: int, seen: tuple[int, int]
) -> None:
    """A window in which two orders meet, to the grid."""
    window, ledger = market.next_window(), market.ledger
    for home, side in ((seller, Side.SELL), (buyer, Side.BUY)):
        await ledger.place_order(
            home.account, side, energy_wh, 177_777, window, window_start(window)
        )
    await market.advance_to(commit_start(window))
    await ledger.clear(buyer.account, window)
    exported_wh, imported_wh = seen
    await read_meters(market, window, (seller, exported_wh, 0), (buyer, 0, imported_wh))
    found = await market.get("/agreements", window=window, participant=buyer.account)
    ids = [each["agreement_id"] for each in found["items"]]
    await market.post("/settlements", {"from": buyer.account, "agreement_ids": ids})
    await ledger.close_positions(buyer.account, [seller.account, buyer.account], window)


async def test_a_traded_day_agrees_to_the_unit(market: Market) -> None:
    """Negotiated and in the auction, with dust, shortfall, surplus, lack, debt, and midnight."""
    ledger = market.ledger
    midnight = (market.now() // DAY + 1) * DAY
    await market.advance_to(midnight)
    seller, buyer = await market.household(), await market.household(funds=1_000_000)
    for terms, seen in (
        ((1_000, 150_001), (1_000, 1_000)),
        ((903, 149_999), (611, 1_234)),  # falls short, and the buyer lacks more
        ((401, 222_222), (2_000, 100)),  # both have something left
    ):
        await trade(market, seller, buyer, terms, seen)
        for home in (seller, buyer):
            await statement_of(market, home)
    # The buyer uses more than it can pay for: a debt, which a later deposit pays.
    await auction(market, seller, buyer, 333, (300, 9_999))
    debt = (await ledger.account_of(buyer.account)).debt
    assert (await statement_of(market, buyer))["total"]["debts"] == debt > 0
    await market.advance_to(midnight + DAY + 5)
    await market.mint(buyer.account, FUNDS)
    await ledger.deposit(buyer.account, FUNDS)
    await ledger.withdraw(buyer.account, 12_345)

    found = await statement_of(market, buyer)
    bought, sold = found["total"], (await statement_of(market, seller))["total"]
    assert (bought["deposited"], bought["withdrawn"]) == (FUNDS + 1_000_000, 12_345)
    assert bought["bought_wh"] == sold["sold_wh"] == 1_000 + 611 + 401 + 300
    assert bought["imported_wh"] == 1_000 + 1_234 + 100 + 9_999
    assert sold["exported_wh"] == 1_000 + 611 + 2_000 + 300
    assert bought["compensation_received"] == sold["compensation_paid"] > 0
    assert bought["grid_bought_wh"] == 1_234 - 611 + 9_999 - 300
    assert sold["grid_sold_wh"] == 2_000 - 401
    assert sold["penalties"] > 0
    assert 0 < bought["paid"] - sold["earned"] <= 4  # the dust, which the operator keeps
    today = datetime.fromtimestamp(market.now(), UTC).date().isoformat()
    assert found["last_day"] == found["days"][-1]["day"] == today
    assert len([day for day in found["days"] if day["deposited"]]) == 2


async def test_a_claim_counts_when_it_is_paid(market: Market, keeper: str) -> None:
    home, treasury = await market.household(), development_address(TREASURY)
    free = (await market.ledger.account_of(treasury)).free
    if free:
        await market.ledger.withdraw(treasury, free)
    window = window_at(market.now())
    await read_meters(market, window, (home, 1_000, 0))
    await market.ledger.close_positions(home.account, [home.account], window)
    claim = await market.ledger.claim_of(home.account)
    assert claim == 80_000
    found = await statement_of(market, home)
    assert (found["total"]["grid_earned"], found["total"]["grid_sold_wh"]) == (0, 1_000)
    await market.mint(treasury, FUNDS)
    await market.ledger.deposit(treasury, FUNDS)
    await market.ledger.pay_claim(keeper, home.account)
    found = await statement_of(market, home)
    assert found["total"]["grid_earned"] == claim


async def test_a_corrected_reading_counts_as_corrected(market: Market, auditors: list[str]) -> None:
    home, window = await market.household(), window_at(market.now())
    await read_meters(market, window, (home, 1_000, 7))
    doubt = {"from": auditors[0], "participant": home.account, "window": window}
    await market.post("/audits", doubt)
    seen = {"exported_wh": 250, "imported_wh": 9, "data_root": "0x" + "ba" * 32}
    for auditor in auditors:
        url = f"/audits/{home.account}/{window}/corrections"
        await market.post(url, {"from": auditor} | seen)
    await market.ledger.close_positions(home.account, [home.account], window)
    total = (await statement_of(market, home))["total"]
    assert (total["exported_wh"], total["imported_wh"]) == (250, 9)
    assert (total["grid_sold_wh"], total["grid_earned"]) == (241, 241 * 80)


async def test_the_table_says_the_same(market: Market, seller: Household) -> None:
    await market.advance_to(market.now() + DAY)
    url = f"/participants/{seller.account}/statement"
    found = await market.get(url, days=2)
    for path, headers in ((f"{url}.csv", {}), (url, {"Accept": "text/csv"})):
        answer = await market.http.get(f"/api/v1{path}", params={"days": 2}, headers=headers)
        assert answer.headers["content-type"].startswith("text/csv")
        assert seller.account in answer.headers["content-disposition"]
        rows = list(csv.DictReader(StringIO(answer.text)))
        assert rows == [{name: str(value) for name, value in day.items()} for day in found["days"]]
        assert next(csv.reader(StringIO(answer.text)))[0] == "day"
    assert len(found["days"]) == 2
    assert len((await market.get(url, days=1))["days"]) == 1


async def test_lapses_are_those_of_the_contract(market: Market) -> None:
    seller, buyer = await market.household(), await market.household()
    url = f"/participants/{seller.account}/lapses"
    assert (await market.get(url))["lapsed_windows"] == 0
    agreement = await market.agree(seller, buyer)
    await read_meters(market, agreement.window, (seller, 400, 0), (buyer, 0, 1_000))
    await market.ledger.make_transactions(buyer.account, [agreement])
    now = window_at(market.now())
    assert await market.get(url) == {
        "participant": seller.account,
        "first_window": now - 167,
        "windows": 168,
        "lapsed_windows": 1,
        "shortfall_wh": 600,
        "debt": 0,
    }
    assert (await market.get(url, windows=1))["lapsed_windows"] == 0
    found = await market.get(url, windows=2)
    assert (found["first_window"], found["lapsed_windows"]) == (agreement.window, 1)


async def test_the_treasury_has_no_statement(market: Market, auditor: str) -> None:
    """Even if it has a meter: it is the other side of everybody's account."""
    treasury, meter = development_address(TREASURY), meter_address(97)
    ledger = market.ledger
    await ledger.certify(auditor, meter, treasury, MeterKind.HOUSEHOLD, market.now() + DAY)
    await ledger.publish_info(treasury, ParticipantInfo("tcp://grid", bytes(32), meter))
    problem = await market.get(f"/participants/{treasury}/statement", 409)
    assert "the other side" in problem["detail"]
    assert "/api/v1/balances" in problem["hint"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("statement", {"days": 0}, "query.days"),
        ("statement", {"days": 367}, "query.days"),
        ("statement.csv", {"days": "x"}, "query.days"),
        ("statement", {"from": 1}, "query.from"),
        ("lapses", {"windows": 0}, "query.windows"),
        ("lapses", {"windows": 673}, "query.windows"),
    ],
)
async def test_bad_input_is_named(
    market: Market, seller: Household, path: str, query: dict[str, Any], field: str
) -> None:
    problem = await market.get(f"/participants/{seller.account}/{path}", 422, **query)
    assert [each["field"] for each in problem["errors"]] == [field]


async def test_who_is_unknown_has_no_story(market: Market) -> None:
    for path in ("statement", "statement.csv", "lapses"):
        problem = await market.get(f"/participants/{'0x' + '88' * 20}/{path}", 404)
        assert "/api/v1/participants" in problem["hint"]
