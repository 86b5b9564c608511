"""Where an agent's messages come in: what is no message is answered, the rest finds its role."""

from typing import Any

from mango import AgentAddress, Role

from app.agents.governance import messages as council
from app.agents.governance.correspondence import CouncilSide
from app.agents.negotiation.endpoint import sender_of
from app.agents.negotiation.ontology import (
    MAX_TEXT,
    Message,
    NotUnderstood,
    Party,
    Performative,
    conversation_of,
    decode,
)
from app.agents.negotiation.post import Post
from app.errors import InputError


class Correspondent(Role):  # type: ignore[misc] # mango has no types
    """A role that takes part in negotiations, and answers through the post."""

    def __init__(self, post: Post) -> None:
        super().__init__()
        self._post = post

    @property
    def now(self) -> int:
        """Market time."""
        return int(self.context.current_timestamp)

    def take(self, message: Message, origin: AgentAddress) -> None:
        """Handles a message of the other party."""
        raise NotImplementedError

    def send(self, receiver: AgentAddress, message: Message | NotUnderstood) -> None:
        self._post.send(self.context.aid, receiver, message)


class SellingSide(Correspondent):
    """Gets what buyers say."""


class BuyingSide(Correspondent):
    """Gets what sellers say."""


class MailRole(Role):  # type: ignore[misc] # mango has no types
    """Reads everything that reaches the agent, from whomever."""

    def __init__(self, post: Post) -> None:
        super().__init__()
        self._post = post

    def handle_message(self, content: object, meta: dict[str, Any]) -> None:
        origin = sender_of(meta)
        if origin is None:
            return
        if council.is_ours(content):
            self._pass_on(content, origin)
            return
        if self.take_other(content, origin):
            return
        try:
            message = decode(content)
        except InputError as error:
            if not _is_not_understood(content):
                reason = f"{error.field}: {error.rule}"[:MAX_TEXT]
                answer = NotUnderstood(conversation_of(content), reason)
                self._post.send(self.context.aid, origin, answer)
            return
        if isinstance(message, NotUnderstood):
            return
        by_buyer = message.header.sent_by is Party.BUYER
        role = self.context.get_role(SellingSide if by_buyer else BuyingSide)
        if role is not None:
            role.take(message, origin)

    def take_other(self, content: object, origin: AgentAddress) -> bool:
        """Whether it was something else that this agent understands, which it then has taken."""
        return False

    def _pass_on(self, content: object, origin: AgentAddress) -> None:
        """What is about the market's own affairs; what makes no sense is passed over."""
        role = self.context.get_role(CouncilSide)
        if role is None:
            return
        try:
            message = council.decode(content)
        except InputError:
            return
        role.take(message, origin)


def _is_not_understood(content: object) -> bool:
    """Whether something would itself complain; such is never answered, lest two go on for ever."""
    if not isinstance(content, dict):
        return False
    return bool(content.get("performative") == Performative.NOT_UNDERSTOOD.value)
