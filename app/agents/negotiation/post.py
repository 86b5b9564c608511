"""Carries messages between agents, so that the outcome depends on messages and market time alone.

Agents hand in what they have to say; `deliver` hands over what is due, in the order of the moments
at which messages arrive and were sent, until nothing more is due and every agent has read all that
it got. Messages for agents in other processes go out at once, as they are beyond our clock.
"""

import asyncio
import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from mango import AgentAddress, CommunicationSimulation, MessagePackage
from mango.container.core import Container

from app.agents.agent import StreetAgent
from app.agents.governance import messages as council
from app.agents.governance.messages import CouncilMessage
from app.agents.negotiation.ontology import Message, NotUnderstood, encode
from app.agents.observer import NegotiationMessage, Observer

FOREIGN_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Packed:
    """A message that has the form in which it travels, and that nobody watches.

    Its conversation and its sender's number of it tell it from all others.
    """

    conversation_id: str
    sequence: int
    content: dict[str, object]


Said = Message | NotUnderstood | CouncilMessage | Packed


@dataclass(slots=True)
class PostCounts:
    """How many messages were handed in, and how many of them the lines lost."""

    sent: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True, order=True)
class _Letter:
    due: float
    number: int
    sender: str = field(compare=False)
    receiver: AgentAddress = field(compare=False)
    message: Said = field(compare=False)


class Post:
    """The post of the agents of one container."""

    def __init__(
        self, container: Container, communication: CommunicationSimulation, observer: Observer
    ) -> None:
        self._container = container
        self._communication = communication
        self._observer = observer
        self._agents: dict[str, StreetAgent] = {}
        self._names: Mapping[str, str] = {}
        self._waiting: list[_Letter] = []
        self._numbers = count()
        self._foreign: set[asyncio.Task[None]] = set()
        self.counts = PostCounts()

    def serve(self, agents: Mapping[str, StreetAgent], names: Mapping[str, str]) -> None:
        """Takes on agents by their ids; `names` are those that observers see, by account."""
        self._agents = dict(agents)
        self._names = dict(names)

    def take_on(self, name: str, agent: StreetAgent) -> None:
        """Serves one agent more."""
        self._agents[name] = agent

    def dismiss(self, name: str) -> None:
        """Serves an agent no longer; what is on its way to it is lost."""
        self._agents.pop(name, None)

    def send(self, sender: str, receiver: AgentAddress, message: Said) -> None:
        """Takes a message of the agent with the id `sender`."""
        now = self._container.clock.time
        self.counts.sent += 1
        if receiver.protocol_addr != self._container.addr:
            task = asyncio.create_task(self._send_abroad(sender, receiver, message))
            self._foreign.add(task)
            task.add_done_callback(self._foreign.discard)
            self._show(message, now)
            return
        package = MessagePackage(sender, receiver.aid, now, message)
        fate = self._communication.calculate_communication(now, [package]).package_results[0]
        if not fate.reached or receiver.aid not in self._agents:
            self.counts.lost += 1
            return
        letter = _Letter(now + fate.delay_s, next(self._numbers), sender, receiver, message)
        heapq.heappush(self._waiting, letter)

    def next_due(self) -> float | None:
        """When the next message arrives; None if none is on its way."""
        return self._waiting[0].due if self._waiting else None

    async def deliver(self) -> None:
        """Hands over all that is due by now, and all that comes of it."""
        now = self._container.clock.time
        while self._waiting and self._waiting[0].due <= now:
            touched: dict[str, StreetAgent] = {}
            while self._waiting and self._waiting[0].due <= now:
                letter = heapq.heappop(self._waiting)
                if letter.receiver.aid not in self._agents:
                    self.counts.lost += 1
                    continue
                await self._container.send_message(
                    _wire(letter.message), letter.receiver, sender_id=letter.sender
                )
                self._show(letter.message, now)
                touched[letter.receiver.aid] = self._agents[letter.receiver.aid]
            for agent in touched.values():
                await agent.read_all()

    async def close(self) -> None:
        """Ends what is still being sent to other processes."""
        for task in list(self._foreign):
            task.cancel()
        await asyncio.gather(*self._foreign, return_exceptions=True)

    async def _send_abroad(self, sender: str, receiver: AgentAddress, message: Said) -> None:
        sending = self._container.send_message(_wire(message), receiver, sender_id=sender)
        try:
            await asyncio.wait_for(sending, FOREIGN_TIMEOUT)
        except (OSError, TimeoutError):
            self.counts.lost += 1

    def _show(self, message: Said, now: float) -> None:
        if not isinstance(message, Message):
            return
        header, body = message.header, message.body
        parties = header.buyer, header.seller
        sender, receiver = parties if header.sent_by == "buyer" else parties[::-1]
        self._observer.message(
            NegotiationMessage(
                conversation_id=header.conversation_id,
                window=header.window,
                sender=self._names.get(sender, sender),
                receiver=self._names.get(receiver, receiver),
                performative=message.performative.value,
                offer_id=header.offer_id,
                energy_wh=getattr(body, "energy_wh", None),
                price=getattr(body, "price", None),
                at=int(now),
            )
        )


def _wire(message: Said) -> dict[str, object]:
    """A message as it travels."""
    if isinstance(message, Packed):
        return message.content
    return council.encode(message) if isinstance(message, CouncilMessage) else encode(message)
