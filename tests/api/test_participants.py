import pytest

from tests.api.market import NOON, YEAR, Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


def body(home: Household, **changes: object) -> dict[str, object]:
    return {
        "from": home.account,
        "endpoint": "tcp://127.0.0.1:5555/home",
        "household_id": "0x" + b"H42".ljust(32, b"\0").hex(),
        "meter": home.meter,
    } | changes


async def test_a_household_joins_and_changes_what_is_known_of_it(market: Market) -> None:
    home = await market.household(funds=0, enrolled=False)
    await market.get(f"/participants/{home.account}", 404)
    written = await market.post("/participants", body(home))
    assert written["participant"] == home.account
    joined = await market.get(f"/participants/{home.account}")
    assert joined["household"] == "H42"
    assert joined["kind"] == "household"
    assert joined["meter"] == home.meter
    assert joined["development"] is True

    await market.post("/participants", body(home, endpoint="tcp://elsewhere"))
    changed = await market.get(f"/participants/{home.account}")
    assert changed["endpoint"] == "tcp://elsewhere"
    everybody = await market.get("/participants", limit=200)
    assert [each["participant"] for each in everybody["items"]].count(home.account) == 1


async def test_addresses_are_found_however_they_are_written(
    market: Market, seller: Household
) -> None:
    for spelling in (seller.account.lower(), "0x" + seller.account[2:].upper()):
        found = await market.get(f"/participants/{spelling}")
        assert found["participant"] == seller.account


async def test_an_id_that_is_no_name_stays_an_id(market: Market, seller: Household) -> None:
    found = await market.get(f"/participants/{seller.account}")
    assert found["household"] is None


async def test_who_has_no_certified_meter_cannot_join(market: Market, keeper: str) -> None:
    home = Household(keeper, keeper)
    problem = await market.post("/participants", body(home), 409)
    assert problem["error"] == "NotCertified"
    assert problem["arguments"] == {"participant": keeper}


async def test_the_meter_must_be_the_certified_one(
    market: Market, outsider: Household, seller: Household
) -> None:
    problem = await market.post("/participants", body(outsider, meter=seller.meter), 422)
    assert problem["error"] == "MeterMismatch"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endpoint": "x" * 257}, "body.endpoint"),
        ({"endpoint": "\N{SNOWMAN}" * 100}, "body.endpoint"),
        ({"endpoint": "a\nb"}, "body.endpoint"),
        ({"endpoint": "a\0b"}, "body.endpoint"),
        ({"endpoint": "\ud800"}, "body.endpoint"),
        ({"endpoint": None}, "body.endpoint"),
        ({"household_id": "H42"}, "body.household_id"),
        ({"household_id": "0x12"}, "body.household_id"),
        ({"meter": "0x"}, "body.meter"),
        ({"stealth_meta_address": "0x1"}, "body.stealth_meta_address"),
        ({"stealth_meta_address": "0x" + "11" * 129}, "body.stealth_meta_address"),
        ({"name": "Ada"}, "body.name"),
    ],
)
async def test_what_breaks_a_rule_is_named(
    market: Market, outsider: Household, change: dict[str, object], field: str
) -> None:
    problem = await market.post("/participants", body(outsider, **change), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_an_auditor_certifies_a_meter(market: Market, auditor: str) -> None:
    home = await market.household(funds=0, enrolled=False)
    certificate = {
        "from": auditor,
        "meter": home.meter,
        "owner": home.account,
        "valid_until": NOON + 2 * YEAR,
    }
    written = await market.post("/meters", certificate)
    assert written["transactions"][0]["function"] == "certify"


async def test_only_auditors_certify(market: Market, seller: Household) -> None:
    certificate = {
        "from": seller.account,
        "meter": seller.meter,
        "owner": seller.account,
        "valid_until": NOON + YEAR,
    }
    problem = await market.post("/meters", certificate, 403)
    assert problem["error"] == "AccessManagedUnauthorized"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"valid_until": 1}, 422), ({"kind": "oven"}, 422), ({"valid_until": 2**60}, 422)],
)
async def test_a_bad_certificate_is_refused(
    market: Market, auditor: str, outsider: Household, change: dict[str, object], status: int
) -> None:
    certificate = {
        "from": auditor,
        "meter": outsider.meter,
        "owner": outsider.account,
        "valid_until": NOON + YEAR,
    }
    await market.post("/meters", certificate | change, status)
