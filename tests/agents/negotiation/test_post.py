import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from mango import (
    AgentAddress,
    ExternalClock,
    Role,
    activate,
    create_ec_container,
    create_tcp_container,
)
from mango.messages.message import MangoMessage

from app.agents.agent import NegotiationCodec, StreetAgent
from app.agents.negotiation.communication import UnreliableLines
from app.agents.negotiation.ontology import CallForProposal, Header, Message, NotUnderstood, Party
from app.agents.negotiation.post import Post
from tests.agents.street.conftest import Notebook

Handler = Callable[[dict[str, Any]], None]


class Reader(Role):  # type: ignore[misc] # mango has no types
    """Keeps what it reads, and does something about it."""

    def __init__(self, react: Handler) -> None:
        super().__init__()
        self.read: list[object] = []
        self.react = react

    def handle_message(self, content: dict[str, Any], meta: dict[str, Any]) -> None:
        self.read.append(content.get("sequence"))
        self.react(content)


@dataclass(slots=True)
class Office:
    """A post, and two agents that it serves."""

    post: Post
    time: ExternalClock
    readers: dict[str, Reader]
    notebook: Notebook


def message(sequence: int) -> Message:
    return Message(
        Header("c", sequence, Party.BUYER, "0xbuyer", "0xseller", 5, 7, 0), CallForProposal(900)
    )


def to(aid: str) -> AgentAddress:
    return AgentAddress("street", aid)


def nothing(content: dict[str, Any]) -> None: ...


@pytest.fixture
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """Delays as the parameter says, by default none."""
    time, notebook = ExternalClock(100), Notebook()
    container = create_ec_container(addr="street", clock=time)
    post = Post(container, UnreliableLines(1, delay=getattr(request, "param", 0)), notebook)
    readers = {aid: Reader(nothing) for aid in ("buyer", "seller")}
    agents = {}
    for aid, reader in readers.items():
        agents[aid] = container.register(StreetAgent(), suggested_aid=aid)
        agents[aid].add_role(reader)
    post.serve(agents, {"0xbuyer": "H01", "0xseller": "H02"})
    async with activate(container):
        yield Office(post, time, readers, notebook)
        await post.close()


async def test_messages_are_read_in_the_order_of_sending(office: Office) -> None:
    for number in range(5):
        office.post.send("buyer", to("seller"), message(number))
    assert office.readers["seller"].read == []

    await office.post.deliver()

    assert office.readers["seller"].read == [0, 1, 2, 3, 4]
    assert office.post.next_due() is None


async def test_delivery_goes_on_until_everybody_has_answered(office: Office) -> None:
    def answer(content: dict[str, Any]) -> None:
        if content["sequence"] < 9:
            receiver = "buyer" if content["sequence"] % 2 == 0 else "seller"
            office.post.send("somebody", to(receiver), message(content["sequence"] + 1))

    for reader in office.readers.values():
        reader.react = answer
    office.post.send("buyer", to("seller"), message(0))

    await office.post.deliver()

    assert office.readers["seller"].read == [0, 2, 4, 6, 8]
    assert office.readers["buyer"].read == [1, 3, 5, 7, 9]


@pytest.mark.parametrize("office", [30], indirect=True)
async def test_a_message_that_takes_time_is_delivered_when_it_is_due(office: Office) -> None:
    office.post.send("buyer", to("seller"), message(0))
    assert office.post.next_due() == 130

    office.time.set_time(129)
    await office.post.deliver()
    assert office.readers["seller"].read == []

    office.time.set_time(130)
    await office.post.deliver()
    assert office.readers["seller"].read == [0]


async def test_an_observer_sees_names_and_figures(office: Office) -> None:
    office.post.send("buyer", to("seller"), message(3))
    await office.post.deliver()
    (seen,) = office.notebook.messages

    assert (seen.sender, seen.receiver, seen.performative) == ("H01", "H02", "call-for-proposal")
    assert (seen.window, seen.offer_id, seen.energy_wh, seen.price) == (5, 7, 900, None)
    assert seen.at == 100


async def test_complaints_are_carried_and_not_shown(office: Office) -> None:
    office.post.send("seller", to("buyer"), NotUnderstood("c", "price: is required"))
    await office.post.deliver()

    assert (office.readers["buyer"].read, office.notebook.messages) == ([None], [])


async def test_a_message_for_an_agent_that_is_not_there_is_lost(office: Office) -> None:
    office.post.send("buyer", to("nobody"), message(0))
    await office.post.deliver()

    assert (office.post.counts.sent, office.post.counts.lost) == (1, 1)


async def test_a_fault_of_an_agent_stops_the_delivery_and_is_seen(office: Office) -> None:
    def stumble(content: dict[str, Any]) -> None:
        raise ZeroDivisionError("a bug")

    office.readers["seller"].react = stumble
    office.post.send("buyer", to("seller"), message(0))

    with pytest.raises(ZeroDivisionError, match="a bug"):
        await office.post.deliver()

    office.readers["seller"].react = nothing
    office.post.send("buyer", to("seller"), message(1))
    await office.post.deliver()
    assert office.readers["seller"].read == [0, 1]


async def test_who_cannot_be_reached_abroad_holds_up_nobody() -> None:
    container = create_tcp_container(
        ("127.0.0.1", 0), codec=NegotiationCodec(), clock=ExternalClock(0), auto_port=True
    )
    async with activate(container):
        post = Post(container, UnreliableLines(1), Notebook())
        silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        silent.close()
        await silent.wait_closed()
        post.send("buyer", AgentAddress(("127.0.0.1", port), "stranger"), message(0))
        post.send("buyer", AgentAddress("elsewhere", "stranger"), message(1))
        await post.deliver()
        await post.close()

    assert post.counts.sent == 2


@pytest.mark.parametrize(
    "meta",
    [
        None,
        [],
        {},
        {"receiver_id": ["H01"], "sender_id": "x"},
        {"receiver_id": "H01", "sender_id": {}},
        {"receiver_id": "H01"},
    ],
)
def test_a_faulty_envelope_is_for_nobody(meta: object) -> None:
    codec = NegotiationCodec()
    message = codec.decode(codec.encode(MangoMessage("content", meta)))

    assert (message.content, message.meta) == (None, {})


def test_of_a_foreign_envelope_only_the_addresses_are_kept() -> None:
    codec = NegotiationCodec()
    meta = {
        "receiver_id": "H01",
        "sender_id": "stranger",
        "sender_addr": ["127.0.0.1", 5555],
        "conversation_id": [],
        "tracking_id": {},
    }
    message = codec.decode(codec.encode(MangoMessage({"a": 1}, meta)))

    assert message.content == {"a": 1}
    assert message.meta == {
        "receiver_id": "H01",
        "sender_id": "stranger",
        "sender_addr": ["127.0.0.1", 5555],
    }
