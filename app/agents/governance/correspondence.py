"""Agents that talk about the market's own affairs: through the same post as those who haggle."""

from dataclasses import dataclass

from mango import AgentAddress, Role

from app.agents.governance.messages import Body, CouncilMessage
from app.agents.negotiation.post import Post


@dataclass(frozen=True, slots=True)
class Doors:
    """Where those are who have an office in a street; the first of each is on duty."""

    operator: AgentAddress
    auditors: tuple[AgentAddress, ...] = ()
    treasurers: tuple[AgentAddress, ...] = ()


class CouncilSpeaker(Role):  # type: ignore[misc] # mango has no types
    """A role that has something to say about the market's own affairs."""

    def __init__(self, post: Post) -> None:
        super().__init__()
        self._post = post
        self._said = 0

    @property
    def address(self) -> AgentAddress:
        address: AgentAddress = self.context.addr
        return address

    def tell(self, receiver: AgentAddress, body: Body) -> None:
        self._post.send(
            self.context.aid, receiver, CouncilMessage(self.context.aid, self._said, body)
        )
        self._said += 1


class CouncilSide(CouncilSpeaker):
    """A role that hears such things, too; it only takes note of them. An agent has at most one.

    Until it is introduced to who holds an office it listens to nobody.
    """

    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self._doors: Doors | None = None

    def introduce(self, doors: Doors) -> None:
        """Tells it who holds an office."""
        self._doors = doors

    def take(self, message: CouncilMessage, origin: AgentAddress) -> None:
        """Handles a message; what is not for this role is passed over."""
        raise NotImplementedError
