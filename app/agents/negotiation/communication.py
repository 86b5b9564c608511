"""How bad the lines are: which messages are lost, and how long the others take.

A strategy object in mango's form. What happens to a message depends on the seed, its conversation,
who sent it and its number, and so never on the order in which others are sent.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from mango import (
    CommunicationSimulation,
    CommunicationSimulationResult,
    MessagePackage,
    PackageResult,
)

from app.agents.governance.messages import CouncilMessage
from app.agents.negotiation.ontology import Message, NotUnderstood, Party
from app.agents.negotiation.post import Packed, Said

_SIDES = {Party.BUYER: 1, Party.SELLER: 2}
_COUNCIL = 3
_PACKED = 4


class UnreliableLines(CommunicationSimulation):  # type: ignore[misc] # mango has no types
    """Loses a share of the messages; delays all, and a share of them for longer.

    Shares are from 0 to 1, delays in market seconds.
    """

    def __init__(
        self,
        seed: int,
        *,
        loss: float = 0.0,
        delay: int = 0,
        late: float = 0.0,
        late_delay: int = 0,
    ) -> None:
        self._seed = seed
        self._loss = loss
        self._delay = delay
        self._late = late
        self._late_delay = late_delay

    def calculate_communication(
        self, current_time: float, messages: Sequence[MessagePackage]
    ) -> CommunicationSimulationResult:
        """A result for each package, whose content is what an agent has said."""
        return CommunicationSimulationResult([self._fate(package.content) for package in messages])

    def _fate(self, message: Said) -> PackageResult:
        if not self._loss and not self._late:
            return PackageResult(reached=True, delay_s=self._delay)
        lost, late = np.random.default_rng([self._seed, *_identity(message)]).random(2)
        delay = self._delay + (self._late_delay if late < self._late else 0)
        return PackageResult(reached=bool(lost >= self._loss), delay_s=delay)


def _identity(message: Said) -> tuple[int, int, int]:
    """Numbers that tell a message from the others of a run."""
    if isinstance(message, CouncilMessage):
        return crc32(message.sender.encode()), _COUNCIL, message.sequence
    if isinstance(message, Packed):
        return crc32(message.conversation_id.encode()), _PACKED, message.sequence
    conversation = (
        crc32(message.header.conversation_id.encode())
        if isinstance(message, Message)
        else crc32(message.conversation_id.encode())
    )
    if isinstance(message, NotUnderstood):
        return conversation, 0, crc32(message.reason.encode())
    return conversation, _SIDES[message.header.sent_by], message.header.sequence
