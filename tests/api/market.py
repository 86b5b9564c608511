"""A market that runs for tests: a real node, the real contracts, and the gateway over HTTP."""

import asyncio
import itertools
import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from app.agents.enrolment import bring_money
from app.api.app import create_app
from app.api.services import GatewaySettings, Services
from app.chain.clock import PacedClock
from app.chain.deployment import Deployment, deploy
from app.chain.keys import (
    AUDITORS,
    KEEPER,
    RELAYER,
    TREASURERS,
    Keystore,
    development_address,
    household_address,
    meter_address,
)
from app.chain.node import EmbeddedNode
from app.chain.reader import BlockReader
from app.index.database import database_url
from app.index.market_index import MarketIndex
from app.ledger.chain import ChainLedger
from app.ledger.private import PrivateLedger
from app.ledger.private_calls import PRIVATE_MARKET
from app.ledger.relayer import Relayer
from app.ledger.types import Agreement, MeterKind, ParticipantInfo, Reading
from app.market.windows import (
    COMMIT_MARGIN,
    commit_start,
    hold_end,
    window_at,
    window_end,
    window_start,
)

NOON = 1_763_726_400  # 2025-11-21 12:00 UTC
YEAR = 365 * 86_400
FUNDS = 100_000_000
PRICE = 150_000


@dataclass(frozen=True, slots=True)
class Household:
    """A household that was enrolled, with its meter."""

    account: str
    meter: str


NEIGHBOURS = tuple(Household(household_address(each), meter_address(each)) for each in (0, 1))


@dataclass(slots=True)
class Market:
    """Everything that a test of the gateway needs."""

    node: EmbeddedNode
    ledger: ChainLedger
    index: MarketIndex
    services: Services
    http: httpx.AsyncClient
    numbers: itertools.count = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def now(self) -> int:
        return self.ledger.now()

    def next_window(self) -> int:
        """The first window that can still be traded."""
        return window_at(self.now() + COMMIT_MARGIN) + 1

    async def advance_to(self, timestamp: int) -> None:
        await self.ledger.clock.advance_to(timestamp)

    async def household(self, funds: int = FUNDS, *, enrolled: bool = True) -> Household:
        """A new household with money in the market."""
        number = next(self.numbers)
        home = Household(household_address(number), meter_address(number))
        ledger = self.ledger
        await ledger.certify(
            development_address(AUDITORS[0]),
            home.meter,
            home.account,
            MeterKind.HOUSEHOLD,
            NOON + YEAR,
        )
        if enrolled:
            info = ParticipantInfo(f"tcp://household-{number}", number.to_bytes(32), home.meter)
            await ledger.publish_info(home.account, info)
        if funds:
            await self.mint(home.account, funds)
            await ledger.deposit(home.account, funds)
        return home

    async def mint(self, holder: str, amount: int) -> None:
        treasurers = tuple(map(development_address, TREASURERS))
        await bring_money(self.ledger, treasurers, holder, amount, secrets.token_bytes(32))

    async def propose(self, proposer: str, *calls: dict[str, object]) -> str:
        """A proposal of the consortium; its vote has begun."""
        await self.advance_to(self.now() + 1)  # who was just admitted may propose now
        made = await self.post(
            "/consortium/proposals",
            {"from": proposer, "description": secrets.token_hex(8), "calls": calls},
        )
        await self.advance_to(self.now() + 1)
        return str(made["proposal_id"])

    async def pass_vote(self, proposal_id: str, *voters: str) -> None:
        """All voters are for it; then the vote is over."""
        for voter in voters:
            await self.post(
                f"/consortium/proposals/{proposal_id}/votes", {"from": voter, "support": "for"}
            )
        found = await self.get(f"/consortium/proposals/{proposal_id}")
        await self.advance_to(found["vote_end"] + 1)

    async def queue(self, proposal_id: str, account: str) -> None:
        """A proposal that has passed is queued; then its delay is over."""
        await self.post(f"/consortium/proposals/{proposal_id}/queue", {"from": account})
        found = await self.get(f"/consortium/proposals/{proposal_id}")
        await self.advance_to(found["eta"])

    async def decide(self, voters: Sequence[str], *calls: dict[str, object]) -> str:
        """Calls that all voters want, from the proposal to the execution."""
        proposal_id = await self.propose(voters[0], *calls)
        await self.pass_vote(proposal_id, *voters)
        await self.queue(proposal_id, voters[0])
        await self.post(f"/consortium/proposals/{proposal_id}/execution", {"from": voters[0]})
        return proposal_id

    async def offer(self, seller: Household, energy_wh: int = 2_000) -> int:
        """An offer for the next window."""
        receipt = await self.ledger.make_offer(
            seller.account, self.next_window(), energy_wh, 100_000
        )
        return int(str(receipt.result))

    async def agree(
        self, seller: Household, buyer: Household, energy_wh: int = 1_000, price: int = PRICE
    ) -> Agreement:
        """An agreement for the next window, written; the time is then within its margin."""
        offer_id = await self.offer(seller, energy_wh)
        window = offer_id >> 32
        agreement = Agreement(
            offer_id,
            seller.account,
            buyer.account,
            window,
            energy_wh,
            price,
            window_start(window),
            secrets.randbits(200),
        )
        await self.advance_to(commit_start(window))
        await self.ledger.allow_transactions(
            seller.account, [self.ledger.sign_agreement(agreement)]
        )
        return agreement

    async def read_meters(self, agreement: Agreement, *homes: Household) -> None:
        """Both meters' readings, after the window: the seller delivers what it agreed to."""
        seller, buyer = homes
        await self.advance_to(window_end(agreement.window))
        energy_wh = agreement.energy_wh
        await self.ledger.submit_readings(
            development_address(KEEPER),
            [
                self.ledger.sign_reading(Reading(seller.meter, agreement.window, energy_wh, 0)),
                self.ledger.sign_reading(Reading(buyer.meter, agreement.window, 0, energy_wh)),
            ],
        )

    async def close_all(self, account: str) -> None:
        """Settles and closes what earlier tests have left open of an account.

        Only eight windows can be open at a time, and votes let hours pass.
        """
        made = (await self.get("/agreements", participant=account, limit=200))["items"]
        closed = (await self.get("/positions", participant=account, limit=200))["items"]
        windows = {each["window"] for each in made} - {each["window"] for each in closed}
        if windows:
            await self.advance_to(hold_end(max(windows)))
        for window in windows:
            ids = [
                each["agreement_id"]
                for each in made
                if each["window"] == window and not each["settled"]
            ]
            if ids:
                await self.post("/settlements", {"from": account, "agreement_ids": ids})
            await self.ledger.close_positions(account, [account], window)

    def id_of(self, agreement: Agreement) -> str:
        return "0x" + self.ledger.agreement_id(agreement).hex()

    async def indexed(self) -> None:
        """Waits until the index is at the head of the chain."""
        head = await self.index.reader.head()
        assert await self.index.follower.wait_for(head.number, 10)

    async def get(self, path: str, status: int = 200, **parameters: Any) -> Any:
        """The JSON of a resource, which is up to date."""
        await self.indexed()
        response = await self.http.get(f"/api/v1{path}", params=parameters)
        assert response.status_code == status, response.text
        return response.json()

    async def post(
        self,
        path: str,
        body: object,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """The JSON that a write is answered with."""
        response = await self.http.post(
            f"/api/v1{path}",
            content=json.dumps(body),  # also what is no Unicode
            headers={"Content-Type": "application/json"} | (headers or {}),
        )
        expected = response.status_code if status is None and response.is_success else status
        assert response.status_code == expected, response.text
        if response.is_error:
            assert response.headers["content-type"] == "application/problem+json"
        return response.json()

    @asynccontextmanager
    async def time_passing(self, speed: float) -> AsyncIterator[None]:
        """Lets market time pass by itself."""

        async def pass_time() -> None:
            clock = PacedClock(self.ledger.clock, speed)
            while True:
                window = self.next_window()
                await clock.advance_to(commit_start(window))
                await clock.advance_to(window_start(window))

        passing = asyncio.create_task(pass_time())
        try:
            yield
        finally:
            passing.cancel()
            with suppress(asyncio.CancelledError):
                await passing

    @asynccontextmanager
    async def feed(self, last_event_id: int | None = None) -> AsyncIterator["Feed"]:
        """Listens to the live events."""
        headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
        async with self.http.stream("GET", "/api/v1/events", headers=headers) as response:
            assert response.status_code == 200
            feed = Feed(response.aiter_lines())
            await anext(feed.lines)  # the greeting: from here on nothing is missed
            yield feed


@dataclass(slots=True)
class Feed:
    """Live events as they come."""

    lines: AsyncIterator[str]

    async def next(self) -> tuple[str, dict[str, Any], int | None]:
        """Kind, data and number of the next event."""
        kind, data, number = "", {}, None
        async for line in self.lines:
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
            elif name == "id":
                number = int(value)
            elif not line and kind:
                return kind, data, number
        raise EOFError("the gateway has ended the stream")

    async def until(
        self, kind: str, holds: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> tuple[dict[str, Any], int | None]:
        """Data and number of the next event of a kind for which something holds."""
        async with asyncio.timeout(20):
            while True:
                found, data, number = await self.next()
                if found == kind and holds(data):
                    return data, number


@asynccontextmanager
async def serving(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway behind a real server on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(services), log_config=None, timeout_graceful_shutdown=2, access_log=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            assert (await _first_answer(client)).status_code == 200
            yield client
    finally:
        services.index.broadcast.close()
        server.should_exit = True
        await task


async def _first_answer(client: httpx.AsyncClient) -> httpx.Response:
    """The listener takes connections before the server does; they are answered once it is up."""
    return await client.get("/health")


@asynccontextmanager
async def open_market(
    folder: Path,
    node: EmbeddedNode,
    deployment: Deployment | None = None,
    settings: GatewaySettings | None = None,
) -> AsyncIterator[Market]:
    """A gateway over a node that runs; deploys where that was not done."""
    if deployment is None:
        deployment = await deploy(node.url, folder / "deployment.json", voting="demo")
    keys = Keystore.development(deployment.chain_id)
    async with await ChainLedger.connect(node.url, deployment, keys) as ledger:
        reader = BlockReader(ledger.rpc, deployment, ledger.contracts)
        url = database_url(None, folder)
        is_private = PRIVATE_MARKET in ledger.contracts
        private = await PrivateLedger.connect(ledger) if is_private else None
        async with MarketIndex.open(url, reader, poll_seconds=0.05) as index:
            services = Services(
                ledger=ledger,
                index=index,
                clock=ledger.clock,
                relayer=Relayer(ledger, development_address(RELAYER)),
                development=keys,
                private=private,
                settings=settings or GatewaySettings(relay_burst=10_000),
            )
            async with serving(services) as http:
                yield Market(node, ledger, index, services, http)
