"""Private calls of one kind that wait for the one before them go on together, which costs less.

Nobody waits for company: what comes while nothing is under way goes at once, and alone.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.chain.gas import BLOCK_GAS_LIMIT
from app.errors import ChainError, ContractRevertedError, PeerwattError
from app.ledger import private_calls as calls
from app.ledger.private_calls import PrivateCall
from app.ledger.types import Event, Receipt

MAX_TOGETHER = 8

# Some space in a block for the transactions of others.
MAX_GAS = BLOCK_GAS_LIMIT * 9 // 10

_JOINED: Mapping[str, Callable[..., PrivateCall]] = {
    "makeOffer": calls.make_offers,
    "allowTransaction": calls.allow_transactions,
}
_RESULTS: Mapping[str, tuple[str, str]] = {
    "makeOffer": ("OfferMade", "offerId"),
    "allowTransaction": ("TransactionAllowed", "agreementId"),
}

# By which of its arguments an event tells which of the calls it belongs to.
_TELLS: Mapping[str, str] = {
    "OfferMade": "imageX",
    "Announcement": "stealthAddress",
    "TransactionAllowed": "agreementId",
    "EscrowLocked": "id",
    "NoteSpent": "imageX",
    "NoteCreated": "keyX",
}

KINDS = tuple(_JOINED)


@dataclass(frozen=True, slots=True)
class Part:
    """A call that can go with others of its kind.

    `arguments` are its items in the lists of the joined call, `traces` what its events name: key
    images, keys, one-time accounts, ids.
    """

    call: PrivateCall
    arguments: tuple[object, ...]
    traces: frozenset[object]


@dataclass(slots=True)
class _Place:
    part: Part
    number: int = 0
    sending: asyncio.Task[Sequence[Receipt | PeerwattError]] | None = None


class Line:
    """Where calls of one kind wait while one of them, or several, are under way.

    `attempt` raises what the contract would say to a call, without a transaction; `send` sends it.
    """

    def __init__(
        self,
        attempt: Callable[[PrivateCall], Awaitable[None]],
        send: Callable[[PrivateCall], Awaitable[Receipt]],
    ) -> None:
        self._attempt = attempt
        self._send = send
        self._waiting: deque[_Place] = deque()
        self._turn = asyncio.Lock()

    async def pass_on(self, part: Part) -> Receipt:
        """Sends a call, alone or with others; the receipt is that of its own part.

        Calls that are refused together go one by one, so that what is wrong with one of them is its
        sender's alone to hear.
        """
        place = _Place(part)
        self._waiting.append(place)
        try:
            async with self._turn:
                sending = place.sending or self._begin()
                # Whoever goes away takes nobody's transaction along.
                outcome = (await asyncio.shield(sending))[place.number]
        finally:
            if place.sending is None:
                self._waiting.remove(place)
        if isinstance(outcome, PeerwattError):
            raise outcome
        return outcome

    def _begin(self) -> asyncio.Task[Sequence[Receipt | PeerwattError]]:
        """Takes the first ones of the line: the turn is that of the very first."""
        count = together([place.part for place in self._waiting])
        places = [self._waiting.popleft() for _ in range(count)]
        sending = asyncio.create_task(self._outcomes([place.part for place in places]))
        for number, place in enumerate(places):
            place.number, place.sending = number, sending
        return sending

    async def _outcomes(self, parts: Sequence[Part]) -> Sequence[Receipt | PeerwattError]:
        if len(parts) > 1:
            receipt = await self._joined(join(parts))
            if receipt is not None:
                return shares(parts, receipt)
        return [await self._alone(part) for part in parts]

    async def _joined(self, call: PrivateCall) -> Receipt | None:
        """None if one of them spoils all."""
        try:
            await self._attempt(call)
        except ChainError:
            return None
        try:
            return await self._send(call)
        except ContractRevertedError:
            return None

    async def _alone(self, part: Part) -> Receipt | PeerwattError:
        try:
            await self._attempt(part.call)
            return await self._send(part.call)
        except PeerwattError as error:
            return error


def join(parts: Sequence[Part]) -> PrivateCall:
    """The call that does what all of these would do, which are of one kind."""
    lists = zip(*(part.arguments for part in parts), strict=True)
    return _JOINED[parts[0].call.function](*lists)


def together(parts: Sequence[Part]) -> int:
    """How many of the first of these go together: at least one, and what a block has gas for."""
    count = 1
    while count < min(len(parts), MAX_TOGETHER) and join(parts[: count + 1]).gas <= MAX_GAS:
        count += 1
    return count


def shares(parts: Sequence[Part], receipt: Receipt) -> list[Receipt]:
    """What each part has of the receipt of all: its events, its result, its share of the gas."""
    gas, rest = divmod(receipt.gas_used, len(parts))
    return [_share(part, receipt, gas + (number < rest)) for number, part in enumerate(parts)]


def _share(part: Part, receipt: Receipt, gas: int) -> Receipt:
    events = tuple(event for event in receipt.events if _belongs(event, part))
    name, argument = _RESULTS[part.call.function]
    found = (event.arguments[argument] for event in events if event.name == name)
    return replace(
        receipt,
        function=part.call.function,
        gas_used=gas,
        result=next(found, None),
        events=events,
    )


def _belongs(event: Event, part: Part) -> bool:
    argument = _TELLS.get(event.name)
    return argument is not None and event.arguments[argument] in part.traces
