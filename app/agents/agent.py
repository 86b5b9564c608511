"""The agent that all of a street are: a list of mango roles, and no fault that goes unseen."""

import asyncio
from types import TracebackType
from typing import Any

from mango import JSON, RoleAgent
from mango.messages.message import MangoMessage


class StreetAgent(RoleAgent):  # type: ignore[misc] # mango has no types
    """A mango agent whose faults surface where its messages are delivered.

    Mango logs what a message handler raises and lets the agent fall silent; then whoever waits for
    it waits for ever. Here `read_all` raises it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._faults = _Faults()

    def handle_message(self, content: object, meta: dict[str, Any]) -> None:
        with self._faults:
            super().handle_message(content, meta)

    async def read_all(self) -> None:
        """Returns when every message in the inbox has been handled; raises what a handler did."""
        await self.inbox.join()
        self._faults.surface()


class _Faults:
    """Keeps the first exception of a `with` block until somebody asks."""

    def __init__(self) -> None:
        self._first: BaseException | None = None

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None or isinstance(error, asyncio.CancelledError):
            return False
        self._first = self._first or error
        return True

    def surface(self) -> None:
        if self._first is not None:
            error, self._first = self._first, None
            raise error


class NegotiationCodec(JSON):  # type: ignore[misc] # mango has no types
    """Mango's JSON codec, which lets only well-formed envelopes in from other processes.

    Mango trusts what an envelope says about replies and conversations; of one that came from
    outside, only the addresses are kept.
    """

    def decode(self, data: bytes) -> MangoMessage:
        """The message in a frame; an empty one without a receiver where the envelope is faulty."""
        message = super().decode(data)
        meta = getattr(message, "meta", None)
        if not isinstance(message, MangoMessage) or not isinstance(meta, dict):
            return MangoMessage(None, {})
        receiver, sender = meta.get("receiver_id"), meta.get("sender_id")
        if not isinstance(receiver, str) or not isinstance(sender, str):
            return MangoMessage(None, {})
        return MangoMessage(
            message.content,
            {
                "receiver_id": receiver,
                "sender_id": sender,
                "sender_addr": meta.get("sender_addr"),
            },
        )
