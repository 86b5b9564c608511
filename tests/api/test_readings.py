import pytest
import pytest_asyncio

from app.market.windows import window_at, window_end
from tests.api.market import Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def metered(market: Market, home: Household, **changes: object) -> dict[str, object]:
    """A signed reading of the window that has just ended."""
    body = {
        "from": home.meter,
        "window": window_at(market.now()) - 1,
        "exported_wh": 300,
        "imported_wh": 20,
        "data_root": "0x" + "ab" * 32,
    } | changes
    return await market.post("/readings/signatures", body, 200)


@pytest_asyncio.fixture(loop_scope="session")
async def home(market: Market) -> Household:
    """A household at the beginning of a new window."""
    home = await market.household()
    await market.advance_to(window_end(window_at(market.now())))
    return home


async def test_a_signed_reading_is_recorded(market: Market, home: Household) -> None:
    reading = await metered(market, home)
    written = await market.post("/readings", {"readings": [reading]})
    (transaction,) = written["transactions"]
    assert transaction["sender"] == market.services.relayer.account
    (found,) = (await market.get("/readings", owner=home.account))["items"]
    assert found["owner"] == home.account
    assert found["meter"] == home.meter
    assert (found["exported_wh"], found["imported_wh"]) == (300, 20)
    assert found["data_root"] == "0x" + "ab" * 32
    assert found in (await market.get("/readings", window=found["window"]))["items"]
    await market.post("/readings", {"readings": [reading]})  # the same again is harmless


async def test_another_reading_is_a_conflict(market: Market, home: Household) -> None:
    await market.post("/readings", {"readings": [await metered(market, home)]})
    other = await metered(market, home, exported_wh=301)
    problem = await market.post("/readings", {"readings": [other]}, 409)
    assert problem["error"] == "ReadingConflict"


async def test_the_meter_itself_must_have_signed(market: Market, home: Household) -> None:
    reading = await metered(market, home) | {"exported_wh": 9_999}
    head = (await market.index.reader.head()).number
    problem = await market.post("/readings", {"readings": [reading]}, 403)
    assert home.meter in problem["detail"]
    assert (await market.index.reader.head()).number == head  # nobody paid for it


@pytest.mark.parametrize(("later", "error"), [(0, "ReadingTooEarly"), (-4, "ReadingTooLate")])
async def test_a_reading_has_its_time(
    market: Market, home: Household, later: int, error: str
) -> None:
    window = window_at(market.now()) + later
    reading = await metered(market, home, window=window)
    head = (await market.index.reader.head()).number
    problem = await market.post("/readings", {"readings": [reading]}, 409)
    assert problem["error"] == error
    assert (await market.index.reader.head()).number == head


async def test_a_household_has_no_losses(market: Market, home: Household) -> None:
    reading = await metered(market, home, losses_wh=1)
    problem = await market.post("/readings", {"readings": [reading]}, 422)
    assert problem["error"] == "LossesNotStorage"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"exported_wh": -1}, "body.exported_wh"),
        ({"imported_wh": 2**31}, "body.imported_wh"),
        ({"window": 1.5}, "body.window"),
        ({"data_root": "0x"}, "body.data_root"),
        ({"volts": 230}, "body.volts"),
    ],
)
async def test_what_breaks_a_rule_is_named(
    market: Market, seller: Household, change: dict[str, object], field: str
) -> None:
    body = {"from": seller.meter, "window": 1, "exported_wh": 0, "imported_wh": 0} | change
    problem = await market.post("/readings/signatures", body, 422)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_a_position_is_closed_once(market: Market, home: Household, keeper: str) -> None:
    reading = await metered(market, home)
    await market.post("/readings", {"readings": [reading]})
    body = {"from": keeper, "window": reading["window"], "participants": [home.account]}
    await market.post("/positions", body)
    (position,) = (await market.get("/positions", participant=home.account))["items"]
    assert position["net_wh"] == 280
    assert position["amount"] == 280 * 80_000 // 1_000
    assert position in (await market.get("/positions", window=reading["window"]))["items"]
    await market.post("/positions", body)
    assert len((await market.get("/positions", participant=home.account))["items"]) == 1


async def test_a_position_waits_for_the_end_and_the_reading(
    market: Market, home: Household, keeper: str
) -> None:
    window = window_at(market.now())
    body = {"from": keeper, "window": window, "participants": [home.account]}
    problem = await market.post("/positions", body, 409)
    assert problem["error"] == "WindowNotOver"
    await market.advance_to(window_end(window))
    problem = await market.post("/positions", body, 409)
    assert problem["error"] == "ReadingMissing"


async def test_a_position_waits_for_the_settlements(market: Market, keeper: str) -> None:
    seller, buyer = await market.household(), await market.household()
    agreement = await market.agree(seller, buyer)
    await market.read_meters(agreement, seller, buyer)
    body = {"from": keeper, "window": agreement.window, "participants": [buyer.account]}
    problem = await market.post("/positions", body, 409)
    assert problem["error"] == "AgreementsOpen"
    await market.post("/settlements", {"from": keeper, "agreement_ids": [market.id_of(agreement)]})
    await market.post("/positions", body)


async def test_only_participants_have_positions(
    market: Market, outsider: Household, keeper: str
) -> None:
    body = {"from": keeper, "window": 5, "participants": [outsider.account]}
    problem = await market.post("/positions", body, 409)
    assert problem["error"] == "NotParticipant"
    problem = await market.post("/positions", body | {"participants": []}, 422)
    assert problem["errors"][0]["field"] == "body.participants"
