"""What agents need of a chain to trade there in private."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from app.chain.keys import Keystore
from app.ledger.consortium import Consortium
from app.ledger.private import PrivateLedger
from app.ledger.private_calls import PrivateCall
from app.ledger.private_relay import PrivateRelay
from app.ledger.types import Address, Receipt
from app.privacy.keys import Wallet
from app.privacy.trading import Rules

T = TypeVar("T")

AT_WORK = 8


class Draw(Protocol):
    """Draws so many different items, in any order."""

    def __call__(self, items: Sequence[T], count: int, /) -> Sequence[T]: ...


@dataclass(frozen=True, slots=True)
class PrivateAccess:
    """The private market, the relay that pays for everybody's calls, and everybody's keys.

    `wallet_of` gives a household's wallet by its account, `keys` have the accounts themselves.
    `draw` draws notes to hide among, and the orders in which things are done where another order
    would tell something. Of the relay's places the agents use `AT_WORK` at a time, and leave the
    rest to others.
    """

    private: PrivateLedger
    relay: PrivateRelay
    consortium: Consortium
    keys: Keystore
    wallet_of: Callable[[Address], Wallet]
    draw: Draw = random.SystemRandom().sample
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_WORK))

    @property
    def rules(self) -> Rules:
        return self.private.rules

    async def send(self, call: PrivateCall) -> Receipt:
        """Lets the relay send a call; its errors."""
        async with self.places:
            return await self.relay.relay(call.contract, self.private.encode(call))

    def mixed(self, items: Sequence[T]) -> Sequence[T]:
        """The same items in an order that tells nothing."""
        return self.draw(items, len(items))
