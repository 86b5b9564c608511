"""An agent written by somebody else, in a container of its own, over TCP.

It knows docs/negotiation.md and the ledger, and nothing of our code but the EIP-712 signature.
"""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from mango import Agent, AgentAddress, activate, create_tcp_container

from app.agents.enrolment import CERTIFICATE_SECONDS, bring_money
from app.agents.negotiation.endpoint import address_of
from app.agents.negotiation.timetable import timetable_of
from app.agents.street import Street, StreetOptions
from app.ledger.types import Address, Agreement, MeterKind, Offer, ParticipantInfo
from app.market.windows import window_start
from app.scenario.profiles import Profiles
from app.scenario.scenario import Scenario
from tests.agents.street.conftest import EventfulClock, Notebook, World, world_of

SECONDS = 20


class Stranger(Agent):  # type: ignore[misc] # mango has no types
    """Sends JSON and keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def handle_message(self, content: dict[str, Any], meta: dict[str, Any]) -> None:
        self.received.put_nowait(content)

    async def ask(self, receiver: AgentAddress, content: object) -> dict[str, Any]:
        """Says something and waits for the answer."""
        await self.send_message(content, receiver)
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.received.get(), SECONDS)

    async def hear_of(self, field: str) -> dict[str, Any]:
        """The next message that says something true of a field."""
        while not (answer := await self.hear()).get(field):
            pass
        return answer


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    container = create_tcp_container(("127.0.0.1", 0), auto_port=True)
    agent = container.register(Stranger(), suggested_aid="stranger")
    async with activate(container):
        yield agent


@pytest.fixture
def world(example: Scenario, profiles: Profiles) -> World:
    noon = replace(example, start=window_start(example.first_window + 12), community_battery=None)
    return world_of(noon, profiles)


@pytest.fixture
def clock(world: World) -> EventfulClock:
    return EventfulClock(world.clock)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
async def street(world: World, clock: EventfulClock, notebook: Notebook) -> AsyncIterator[Street]:
    options = StreetOptions(listen=("127.0.0.1", 0))
    async with world.street(notebook, options, clock) as street:
        await street.enrol()
        yield street


@pytest.fixture
async def account(world: World, street: Street) -> Address:
    """The stranger's account, with a certified meter and money."""
    ledger, offices = world.ledger, world.directory.offices
    account, meter = ledger.keys.accounts(["stranger", "stranger's meter"])
    until = world.clock.now() + CERTIFICATE_SECONDS
    await ledger.certify(offices.auditors[0], meter, account, MeterKind.HOUSEHOLD, until)
    await ledger.publish_info(
        account, ParticipantInfo("mango+tcp://127.0.0.1:1/stranger", bytes(32), meter)
    )
    await bring_money(ledger, offices.treasurers, account, 10**9, b"\1" * 32)
    await ledger.deposit(account, 10**9)
    return account


async def seller_of(world: World, offer: Offer) -> AgentAddress:
    """Where the ledger says that one negotiates with the seller of an offer."""
    address = address_of((await world.ledger.participant_info(offer.seller)).endpoint)
    assert address is not None
    return address


def message(offer: Offer, buyer: Address, sequence: int, performative: str, **body: object) -> Any:
    return {
        "ontology": "peerwatt-negotiation",
        "version": 1,
        "performative": performative,
        "conversation_id": "a-strangers-conversation",
        "sequence": sequence,
        "sent_by": "buyer",
        "buyer": buyer,
        "seller": offer.seller,
        "window": offer.window,
        "offer_id": str(offer.id),
        "sent_at": 0,
        "reply_by": 0,
        **body,
    }


async def test_a_stranger_buys_by_the_documented_protocol(
    street: Street, world: World, clock: EventfulClock, stranger: Stranger, account: Address
) -> None:
    ledger, window = world.ledger, world.scenario.first_window
    table = timetable_of(window, world.scenario.negotiation.rounds, 60)
    said: list[str] = []

    async def call() -> None:
        (offer, *_) = await ledger.offers(window)
        seller = await seller_of(world, offer)
        answer = await stranger.ask(
            seller, message(offer, account, 0, "call-for-proposal", energy_wh=900)
        )
        assert answer["performative"] == "propose"
        assert 300_000 < answer["price"] <= 320_000
        answer = await stranger.ask(
            seller, message(offer, account, 1, "propose", energy_wh=900, price=250_000, firm=False)
        )
        assert answer["performative"] == "propose"
        assert 250_000 <= answer["price"] < 320_000
        said.append("bid")

    async def accept() -> None:
        answer = await stranger.hear_of("firm")
        (offer, *_) = await ledger.offers(window)
        assert (answer["energy_wh"], answer["price"]) == (900, 250_000)
        agreement = Agreement(
            offer.id, offer.seller, account, window, 900, 250_000, table.deadline, 77
        )
        signature = ledger.sign_agreement(agreement).signature
        await stranger.send_message(
            message(
                offer,
                account,
                2,
                "accept-proposal",
                energy_wh=900,
                price=250_000,
                deadline=table.deadline,
                salt="77",
                signature=f"0x{signature.hex()}",
            ),
            await seller_of(world, offer),
        )
        answer = await stranger.hear_of("stage")
        assert (answer["performative"], answer["stage"]) == ("inform", "booked")
        assert answer["agreement_id"] == f"0x{ledger.agreement_id(agreement).hex()}"
        said.append("accepted")

    clock.at(table.round_times[2], call)
    clock.at(table.awarding(4) + 5, accept)
    report = await street.run_window(window)

    assert said == ["bid", "accepted"]
    assert [(t.buyer, t.energy_wh, t.price) for t in report.trades] == [(account, 900, 250_000)]
    news = await stranger.hear()
    assert (news["performative"], news["stage"]) == ("inform", "written")
    assert news["transaction_hash"].startswith("0x")
    reports = [r for r in await street.finish(window) if r.window == window]
    assert [r.settlement.settled for r in reports] == [0, 1], "its meter's reading is missing"
    assert reports[-1].settlement.is_complete


async def test_a_strangers_nonsense_is_not_understood_and_breaks_nothing(
    street: Street, world: World, clock: EventfulClock, stranger: Stranger, account: Address
) -> None:
    window = world.scenario.first_window
    table = timetable_of(window, world.scenario.negotiation.rounds, 60)
    answers: list[dict[str, Any]] = []

    async def talk_nonsense() -> None:
        (offer, *_) = await world.ledger.offers(window)
        seller = await seller_of(world, offer)
        good = message(offer, account, 0, "propose", energy_wh=900, price=250_000, firm=False)
        nonsense = (
            "Good morning!",
            ["propose"],
            {},
            {**good, "price": -1},
            {**good, "price": 10**30},
            {**good, "price": 79_999},
            {**good, "energy_wh": 1.5},
            {**good, "buyer": "0x12"},
            {**good, "offer_id": "9" * 500},
            {**good, "window": window + 1},
            {**good, "sent_by": "seller"},
            {**good, "performative": "inform"},
            {**good, "signature": {"r": [[[]]]}},
        )
        answers.extend([await stranger.ask(seller, content) for content in nonsense])
        street.want("H08", window, 700, 300_000)

    clock.at(table.round_times[2], talk_nonsense)
    report = await street.run_window(window)

    assert {answer["performative"] for answer in answers} == {"not-understood"}
    assert answers[5]["reason"] == "price: must be from 80000 to 320000"
    assert [trade.buyer for trade in report.trades] == ["H08"]


async def test_complaints_are_not_answered(
    street: Street, world: World, clock: EventfulClock, stranger: Stranger
) -> None:
    window = world.scenario.first_window
    complaint = {
        "ontology": "peerwatt-negotiation",
        "version": 1,
        "performative": "not-understood",
        "conversation_id": "x",
        "reason": "what?",
    }

    async def complain() -> None:
        (offer, *_) = await world.ledger.offers(window)
        seller = await seller_of(world, offer)
        for content in (complaint, {**complaint, "reason": 5}, {"performative": "not-understood"}):
            await stranger.send_message(content, seller)
        answer = await stranger.ask(seller, {"performative": "hello"})
        assert answer["reason"] == "ontology: is required"

    clock.at(window_start(window - 1) + 1_000, complain)
    await street.run_window(window)

    assert stranger.received.empty()


async def test_nobody_can_speak_in_anothers_conversation(
    street: Street, world: World, clock: EventfulClock, stranger: Stranger, account: Address
) -> None:
    window = world.scenario.first_window
    table = timetable_of(window, world.scenario.negotiation.rounds, 60)
    answers: list[dict[str, Any]] = []

    async def want() -> None:
        street.want("H08", window, 700, 300_000)

    async def meddle() -> None:
        (offer, *_) = await world.ledger.offers(window)
        theirs = f"{window}-H08-0-{offer.id}"
        buyer = world.directory.member("H08").account
        stolen = {
            **message(offer, buyer, 99, "reject-proposal", reason="over"),
            "conversation_id": theirs,
        }
        answers.append(await stranger.ask(await seller_of(world, offer), stolen))
        forged = {
            **message(offer, buyer, 99, "propose", energy_wh=700, price=320_000, firm=True),
            "conversation_id": theirs,
            "sent_by": "seller",
        }
        home = replace_aid(await seller_of(world, offer), "H08")
        answers.append(await stranger.ask(home, forged))

    clock.at(table.round_times[0] - 5, want)
    clock.at(table.round_times[3] + 1, meddle)
    report = await street.run_window(window)

    assert [answer["reason"] for answer in answers] == [
        "conversation_id: is another's",
        "conversation_id: is not yours",
    ]
    assert [trade.buyer for trade in report.trades] == ["H08"]


def replace_aid(address: AgentAddress, aid: str) -> AgentAddress:
    return AgentAddress(address.protocol_addr, aid)


@pytest.mark.parametrize(
    "frame",
    [
        b"hello",
        b"{}",
        b"[[[[",
        json.dumps({"__type__": [1, 2]}).encode(),
        json.dumps({"content": 1, "meta": {"receiver_id": "H01"}}).encode(),
        b"\xff\xfe\x00",
    ],
)
async def test_a_broken_frame_ends_one_connection_and_nothing_else(
    street: Street, world: World, frame: bytes
) -> None:
    window = world.scenario.first_window
    info = await world.ledger.participant_info(world.directory.member("H01").account)
    address = address_of(info.endpoint)
    assert address is not None
    host, port = address.protocol_addr
    _, writer = await asyncio.open_connection(host, port)
    writer.write(struct.pack("!L", len(frame)) + frame)
    await writer.drain()
    report = await street.run_window(window)
    writer.close()

    assert len(report.offers) > 5
