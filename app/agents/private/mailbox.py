"""One-time mailboxes: agents for one side of one window, under names that say nothing."""

import secrets
from dataclasses import dataclass

from mango import AgentAddress
from mango.container.core import Container

from app.agents.agent import StreetAgent
from app.agents.negotiation.endpoint import endpoint_of
from app.agents.negotiation.mail import Correspondent, MailRole
from app.agents.negotiation.post import Packed, Post
from app.agents.private.words import Word, decode, encode, is_ours
from app.agents.trading.buyer import BuyerRole
from app.agents.trading.seller import SellerRole
from app.errors import InputError

MAX_WORDS = 16

_NAME_BYTES = 16


Side = SellerRole | BuyerRole


class WordsRole(Correspondent):
    """Keeps the last word about each agreement until its side asks for it, by who has said it."""

    def __init__(self, post: Post, side: Side) -> None:
        super().__init__(post)
        self._side = side
        self._heard: dict[AgentAddress, dict[bytes, Word]] = {}
        self._said = 0

    def hear(self, content: object, origin: AgentAddress) -> None:
        """Takes a word of somebody that the side negotiates with.

        What makes no sense is passed over, and so is what would be too much.
        """
        if not self._side.talks_with(origin):
            return
        try:
            word = decode(content)
        except InputError:
            return
        heard = self._heard.setdefault(origin, {})
        if word.reference in heard or len(heard) < MAX_WORDS:
            heard[word.reference] = word

    def word(self, reference: bytes, origin: AgentAddress | None) -> Word | None:
        """The last word of somebody about an agreement."""
        return self._heard.get(origin, {}).get(reference) if origin else None

    def say(self, receiver: AgentAddress, word: Word) -> None:
        self._said += 1
        name = self.context.aid
        self._post.send(name, receiver, Packed(name, self._said, encode(word)))


class OneTimeMailRole(MailRole):
    """Reads what reaches a one-time mailbox: messages of the negotiation, and words after it."""

    def take_other(self, content: object, origin: AgentAddress) -> bool:
        role = self.context.get_role(WordsRole)
        if role is None or not is_ours(content):
            return False
        role.hear(content, origin)
        return True


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where one side of a window's negotiation is reached."""

    agent: StreetAgent
    words: WordsRole

    @property
    def endpoint(self) -> str:
        """For those who are to write to it."""
        return endpoint_of(self.agent.addr)


class Mailboxes:
    """The one-time mailboxes of a street, which come and go in its container."""

    def __init__(self, container: Container, post: Post) -> None:
        self._container = container
        self._post = post
        self._open: dict[int, dict[str, StreetAgent]] = {}

    def open(self, window: int, side: Side) -> Mailbox:
        """A new mailbox for one side of a window's negotiation."""
        agent, words = StreetAgent(), WordsRole(self._post, side)
        for role in (OneTimeMailRole(self._post), side, words):
            agent.add_role(role)
        name = secrets.token_hex(_NAME_BYTES)
        self._container.register(agent, suggested_aid=name)
        self._post.take_on(name, agent)
        self._open.setdefault(window, {})[name] = agent
        return Mailbox(agent, words)

    async def close(self, window: int) -> None:
        """Nobody answers any more in a window's mailboxes."""
        for name, agent in self._open.pop(window, {}).items():
            self._post.dismiss(name)
            await agent.shutdown()
