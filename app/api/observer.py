"""Hands on what the agents do: messages to the journal, progress to listeners."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from app.agents.observer import NegotiationMessage, Progress
from app.index.journal import Message
from app.index.market_index import MarketIndex
from app.index.records import FeedEntry
from app.ledger.types import Address, Receipt


class GatewayObserver:
    """The street's observer while a gateway shows it. `accounts` are the members' by name."""

    def __init__(self, index: MarketIndex, accounts: Mapping[str, Address]) -> None:
        self._index = index
        self._accounts = accounts

    def message(self, message: NegotiationMessage) -> None:
        """Keeps a message; names become accounts where they are known."""
        self._index.journal.record(
            Message(
                conversation_id=message.conversation_id,
                window=message.window,
                sender=self._accounts.get(message.sender, message.sender),
                receiver=self._accounts.get(message.receiver, message.receiver),
                performative=message.performative,
                offer_id=message.offer_id,
                energy_wh=message.energy_wh,
                price=message.price,
                at=message.at,
            )
        )

    def receipt(self, receipt: Receipt) -> None:
        """Has the index look for the new block at once."""
        if receipt.block_number > self._index.follower.status.block:
            self._index.follower.wake()

    def progress(self, progress: Progress) -> None:
        """Tells listeners what the street does."""
        self._index.broadcast.publish([FeedEntry(0, "progress", json.dumps(asdict(progress)))])
