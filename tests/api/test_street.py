"""A visitor deals with the agents of a real street."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.agents.street import Street
from app.api.about import about_street
from app.chain.keys import household_address
from app.index.database import database_url
from app.market.windows import WINDOW_LENGTH
from app.scenario.scenario import load_profiles, load_scenario
from app.system import (
    ChainOptions,
    MessageWriter,
    development_directory,
    open_chain,
    open_index,
    open_street,
    services_of,
)
from tests.api.market import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREET = Path(__file__).with_name("street.yaml")
SPEED = 400.0


@dataclass(frozen=True, slots=True)
class Running:
    """A street at the beginning of an hour, and the gateway to it."""

    street: Street
    http: httpx.AsyncClient


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    scenario = load_scenario(STREET)
    folder = tmp_path_factory.mktemp("street")
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(
            open_chain(ChainOptions(speed=SPEED), scenario.start - WINDOW_LENGTH)
        )
        index = await stack.enter_async_context(open_index(chain, database_url(None, folder)))
        directory = development_directory(scenario)
        street = await stack.enter_async_context(
            open_street(chain, scenario, MessageWriter(index.journal, directory))
        )
        about = about_street(scenario, directory, load_profiles(scenario))
        services = services_of(chain, index, street=street, about=about, speed=SPEED)
        http = await stack.enter_async_context(serving(services))
        await street.enrol()
        yield Running(street, http)


async def test_a_visitor_buys_in_the_negotiation(running: Running) -> None:
    http, buyer = running.http, household_address(0)
    window = running.street.next_window()
    want = {"from": buyer, "window": window, "energy_wh": 400, "limit_price": 320_000}
    early = await http.post("/api/v1/proposals", json=want)
    assert early.status_code == 409
    assert "not negotiated now" in early.json()["detail"]
    hour = asyncio.create_task(running.street.run_window(window))
    answer = early
    async with asyncio.timeout(60):
        while answer.status_code == 409:
            answer = await http.post("/api/v1/proposals", json=want)
    assert answer.status_code == 202, answer.text
    assert answer.json() == {
        "household": buyer,
        "window": window,
        "energy_wh": 400,
        "limit_price": 320_000,
    }
    report = await hour
    # The next negotiation, whenever that begins
    hour = asyncio.create_task(running.street.run_window(window + 1))
    patient = await http.post(
        "/api/v1/proposals",
        json={name: value for name, value in want.items() if name != "window"},
        headers={"Prefer": "wait=60"},
    )
    assert patient.status_code == 202, patient.text
    assert patient.json()["window"] == window + 1
    await hour
    bought = [each for each in report.trades if each.buyer == "H01"]
    said = await http.get("/api/v1/proposals", params={"household": buyer, "window": window})
    messages = said.json()["items"]
    assert {each["sender"] for each in messages} >= {buyer}
    assert "call-for-proposal" in {each["performative"] for each in messages}
    agreed = await http.get("/api/v1/agreements", params={"participant": buyer, "window": window})
    assert sum(each["energy_wh"] for each in agreed.json()["items"]) == sum(
        each.energy_wh for each in bought
    )


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"limit_price": 1}, 409, None),
        ({"from": household_address(70)}, 404, None),
        ({"energy_wh": 0}, 422, "body.energy_wh"),
        ({"window": -1}, 422, "body.window"),
    ],
)
async def test_what_cannot_be_wanted_is_refused(
    running: Running, change: dict[str, object], status: int, field: str | None
) -> None:
    want = {"from": household_address(0), "window": 9, "energy_wh": 400, "limit_price": 300_000}
    answer = await running.http.post("/api/v1/proposals", json=want | change)
    assert answer.status_code == status
    if field:
        assert answer.json()["errors"][0]["field"] == field


async def test_the_street_introduces_itself(running: Running) -> None:
    about = (await running.http.get("/api/v1/market")).json()
    assert (about["scenario"], about["agents"]) == ("visited-street", True)
    assert (about["currency"], about["time_zone"]) == ("EUR", "Europe/Berlin")
    people = (await running.http.get("/api/v1/participants", params={"limit": 50})).json()["items"]
    by_name = {each["household"]: each for each in people}
    assert by_name["H06"]["solar"] is True
    assert by_name["H06"]["strategy"] == "conceder"
    assert by_name["community-battery"]["kind"] == "storage"
    assert by_name["community-battery"]["battery"] is True
    clock = (await running.http.get("/api/v1/windows/current")).json()
    assert (clock["speed"], clock["running"]) == (SPEED, True)
