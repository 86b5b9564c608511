"""Auditors doubt a reading, which holds up its settlement, and confirm or correct it."""

from typing import Any

import pytest

from app.chain.keys import development_address, household_address
from app.ledger.types import Agreement
from app.market.windows import hold_end, window_at, window_start
from tests.api.market import Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

BATCH = "0x" + "ba" * 32


async def read(market: Market) -> tuple[Household, Household, Agreement]:
    """A seller, its buyer, and their agreement, of which only the readings are there."""
    seller, buyer = await market.household(), await market.household()
    agreement = await market.agree(seller, buyer)
    await market.read_meters(agreement, seller, buyer)
    return seller, buyer, agreement


async def settle(market: Market, account: str, agreement: Agreement, status: int = 200) -> Any:
    body = {"from": account, "agreement_ids": [market.id_of(agreement)]}
    return await market.post("/settlements", body, status)


async def test_a_doubt_is_raised_corrected_and_settled(
    market: Market, auditors: list[str], keeper: str
) -> None:
    seller, _, agreement = await read(market)
    window = agreement.window
    doubt = {"from": auditors[0], "participant": seller.account, "window": window}
    async with market.feed() as feed:
        assert (await market.post("/audits", doubt))["state"] == "held"
        told, _ = await feed.until("doubt")
        assert (told["participant"], told["window"]) == (seller.account, window)
    url = f"/audits/{seller.account}/{window}"
    found = await market.get(url)
    assert (found["state"], found["auditor"], found["until"]) == (
        "held",
        auditors[0],
        hold_end(window),
    )
    assert (found["confirmations"], found["correction"]) == ([], None)
    problem = await settle(market, keeper, agreement, 409)
    assert (problem["error"], problem["arguments"]["until"]) == ("ReadingIsHeld", found["until"])
    assert "`until`" in problem["hint"]
    positions = {"from": keeper, "window": window, "participants": [seller.account]}
    problem = await market.post("/positions", positions, 409)
    assert problem["error"] == "ReadingIsHeld"

    seen = {"exported_wh": 600, "imported_wh": 5, "data_root": BATCH}
    first = await market.post(f"{url}/corrections", {"from": auditors[0]} | seen)
    assert first["state"] == "held"
    found = await market.get(url)
    assert found["correction"] == seen | {"losses_wh": 0, "confirmations": auditors[:1]}
    last = await market.post(f"{url}/corrections", {"from": auditors[1]} | seen)
    assert last["state"] == "corrected"
    found = await market.get(url)
    assert (found["state"], found["correction"]["confirmations"]) == ("corrected", auditors)

    await settle(market, keeper, agreement)
    settlement = await market.get(f"/settlements/{market.id_of(agreement)}")
    assert settlement["delivered_wh"] == 600
    await market.post("/positions", positions)
    injected = (await market.get("/market"))["energy_injected_wh"]
    assert injected == (await market.ledger.energy_totals()).injected_wh


async def test_a_doubt_is_confirmed(market: Market, auditors: list[str], keeper: str) -> None:
    seller, _, agreement = await read(market)
    doubt = {"from": auditors[1], "participant": seller.account, "window": agreement.window}
    await market.post("/audits", doubt)
    problem = await market.post("/audits", doubt, 409)
    assert problem["error"] == "ReadingDoubted"
    url = f"/audits/{seller.account}/{agreement.window}"
    assert (await market.post(f"{url}/confirmations", {"from": auditors[0]}))["state"] == "held"
    problem = await market.post(f"{url}/confirmations", {"from": auditors[0]}, 409)
    assert problem["error"] == "AlreadyConfirmed"
    done = await market.post(f"{url}/confirmations", {"from": auditors[1]})
    assert done["state"] == "confirmed"
    found = await market.get(url)
    assert (found["state"], found["confirmations"], found["correction"]) == (
        "confirmed",
        auditors,
        None,
    )
    problem = await market.post(f"{url}/confirmations", {"from": auditors[0]}, 409)
    assert problem["error"] == "ReadingNotHeld"
    await settle(market, keeper, agreement)
    problem = await market.post("/audits", doubt, 409)
    assert problem["error"] == "ReadingUsed"


async def test_two_corrections_that_differ_do_not_count(
    market: Market, auditors: list[str], keeper: str
) -> None:
    seller, _, agreement = await read(market)
    doubt = {"from": auditors[0], "participant": seller.account, "window": agreement.window}
    await market.post("/audits", doubt)
    url = f"/audits/{seller.account}/{agreement.window}"
    for auditor, exported_wh in zip(auditors, (1, 2), strict=True):
        seen = {"exported_wh": exported_wh, "imported_wh": 0, "data_root": BATCH}
        written = await market.post(f"{url}/corrections", {"from": auditor} | seen)
        assert written["state"] == "held"
    found = await market.get(url)
    assert [(each["exported_wh"], each["confirmations"]) for each in found["corrections"]] == [
        (1, auditors[:1]),
        (2, auditors[1:]),
    ]
    held = await market.get("/audits", state="held", participant=seller.account)
    assert [each["window"] for each in held["items"]] == [agreement.window]
    await market.advance_to(found["until"])
    lapsed = await market.get(url)
    assert (lapsed["state"], lapsed["correction"]) == ("lapsed", None)
    await settle(market, keeper, agreement)
    settlement = await market.get(f"/settlements/{market.id_of(agreement)}")
    assert settlement["delivered_wh"] == agreement.energy_wh


async def test_outsiders_doubt_nothing(
    market: Market, auditors: list[str], treasurer: str, operator: str, keeper: str
) -> None:
    seller, _, agreement = await read(market)
    doubt = {"participant": seller.account, "window": agreement.window}
    url = f"/audits/{seller.account}/{agreement.window}"
    seen = {"exported_wh": 1, "imported_wh": 0, "data_root": BATCH}
    for account in (treasurer, operator, seller.account):
        problem = await market.post("/audits", {"from": account} | doubt, 403)
        assert problem["error"] == "AccessManagedUnauthorized"
        assert "the auditors" in problem["hint"]
    await market.post("/audits", {"from": auditors[0]} | doubt)
    for account in (treasurer, operator, seller.account):
        for path, body in (("confirmations", {}), ("corrections", seen)):
            problem = await market.post(f"{url}/{path}", {"from": account} | body, 403)
            assert problem["error"] == "AccessManagedUnauthorized"
        problem = await market.post(f"/meters/{seller.meter}/revocation", {"from": account}, 403)
        assert "the auditors" in problem["hint"]
    for auditor in auditors:
        await market.post(f"{url}/confirmations", {"from": auditor})
    await settle(market, keeper, agreement)


async def test_a_doubt_has_its_time(market: Market, auditor: str) -> None:
    account, window = development_address(12), market.next_window()
    doubt = {"from": auditor, "participant": account, "window": window}
    problem = await market.post("/audits", doubt, 409)
    assert problem["error"] == "AuditTime"
    long_ago = doubt | {"window": window_at(market.now()) - 8}
    problem = await market.post("/audits", long_ago, 409)
    assert problem["error"] == "AuditTime"
    await market.advance_to(window_start(window))
    await market.post("/audits", doubt)  # nobody has read the meter yet
    url = f"/audits/{account}/{window}"
    seen = {"from": auditor, "exported_wh": 1, "imported_wh": 0, "data_root": BATCH}
    problem = await market.post(f"{url}/corrections", seen, 409)
    assert problem["error"] == "ReadingUnknown"


async def test_what_nobody_doubts(market: Market, auditor: str, seller: Household) -> None:
    url = f"/audits/{seller.account}/1"
    problem = await market.get(url, 404)
    assert "/api/v1/audits" in problem["hint"]
    await market.post(f"{url}/confirmations", {"from": auditor}, 404)
    seen = {"from": auditor, "exported_wh": 1, "imported_wh": 0, "data_root": BATCH}
    await market.post(f"{url}/corrections", seen, 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"exported_wh": -1}, "body.exported_wh"),
        ({"exported_wh": 2**30}, "body.exported_wh"),
        ({"imported_wh": None}, "body.imported_wh"),
        ({"losses_wh": 1.5}, "body.losses_wh"),
        ({"data_root": "0x12"}, "body.data_root"),
        ({"window": 1}, "body.window"),
    ],
)
async def test_a_bad_correction_is_named(
    market: Market, auditor: str, change: dict[str, Any], field: str
) -> None:
    seen = {"from": auditor, "exported_wh": 1, "imported_wh": 0, "data_root": BATCH} | change
    problem = await market.post(f"/audits/{household_address(0)}/1/corrections", seen, 422)
    assert [each["field"] for each in problem["errors"]] == [field]


async def test_bad_input_is_named(market: Market, auditor: str, seller: Household) -> None:
    doubt = {"from": auditor, "participant": seller.account, "window": 2**31}
    problem = await market.post("/audits", doubt, 422)
    assert problem["errors"][0]["field"] == "body.window"
    problem = await market.get("/audits", 422, state="gone")
    assert problem["errors"][0]["field"] == "query.state"
    problem = await market.get("/audits/0x12/1", 422)
    assert problem["errors"][0]["field"] == "path.address"


async def test_audits_come_in_pages(market: Market, auditor: str) -> None:
    accounts = [development_address(number) for number in (9, 10, 11)]
    window = window_at(market.now())
    for account in accounts:
        doubt = {"from": auditor, "participant": account, "window": window}
        await market.post("/audits", doubt)
    first = await market.get("/audits", window=window, limit=2)
    assert [each["participant"] for each in first["items"]] == accounts[:0:-1]
    rest = await market.get("/audits", window=window, limit=1, cursor=first["next"])
    assert rest["items"][0]["participant"] == accounts[0]


async def test_a_revoked_meter_reads_nothing_more(market: Market, auditor: str) -> None:
    home = await market.household()
    await market.advance_to(window_start(window_at(market.now()) + 1))
    window = window_at(market.now()) - 1
    async with market.feed() as feed:
        await market.post(f"/meters/{home.meter}/revocation", {"from": auditor})
        await feed.until("revocation", lambda each: each["meter"] == home.meter)
    reading = {"from": home.meter, "window": window, "exported_wh": 5, "imported_wh": 0}
    signed = await market.post("/readings/signatures", reading, 200)
    problem = await market.post("/readings", {"readings": [signed]}, 404)
    assert problem["error"] == "MeterUnknown"
    problem = await market.post(f"/meters/{home.meter}/revocation", {"from": auditor}, 404)
    assert problem["error"] == "MeterUnknown"
