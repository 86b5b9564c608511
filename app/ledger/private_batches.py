"""Private calls of one kind that come at about the same time go on together, which costs less.

A call waits for those that have come before it is sent and are still being verified, for
`PATIENCE_SECONDS` at most; what is alone goes at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from app.chain.gas import BLOCK_GAS_LIMIT
from app.errors import ChainError, ContractRevertedError, PeerwattError
from app.ledger import private_calls as calls
from app.ledger.private_calls import PrivateCall
from app.ledger.types import Event, Receipt

MAX_TOGETHER = 8
PATIENCE_SECONDS = 2.0

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

Sleep = Callable[[float], Awaitable[None]]
Outcome = Receipt | PeerwattError


@dataclass(frozen=True, slots=True)
class Part:
    """A call that can go with others of its kind.

    `arguments` are its items in the lists of the joined call, `traces` what its events name: key
    images, keys, one-time accounts, ids. `find` looks for the transaction by which the same is on
    the chain, whoever has sent it; None where it is not.
    """

    call: PrivateCall
    arguments: tuple[object, ...]
    traces: frozenset[object]
    find: Callable[[], Awaitable[Receipt | None]]


@dataclass(slots=True)
class _Place:
    part: Part
    number: int = 0
    sending: asyncio.Task[Sequence[Outcome]] | None = None


class Line:
    """Where calls of one kind wait for one another.

    `attempt` raises what the contract would say to a call, without a transaction; `send` sends it;
    `sleep` takes seconds.
    """

    def __init__(
        self,
        attempt: Callable[[PrivateCall], Awaitable[None]],
        send: Callable[[PrivateCall], Awaitable[Receipt]],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._attempt = attempt
        self._send = send
        self._sleep = sleep
        self._coming = 0
        self._waiting: deque[_Place] = deque()
        self._complete = asyncio.Event()
        self._turn = asyncio.Lock()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """While a call is on its way to `pass_on`, or to its refusal."""
        self._coming += 1
        self._count()
        try:
            yield
        finally:
            self._coming -= 1
            self._count()

    async def pass_on(self, part: Part) -> Receipt:
        """Sends a call, alone or with others; the receipt is that of its own part.

        What is wrong with one of the calls is its sender's alone to hear: the others go without it.
        Who hands in what somebody else has put on the chain gets the receipt of that, with the gas
        of all its transaction.
        """
        place = _Place(part)
        self._waiting.append(place)
        self._count()
        try:
            async with self._turn:
                if place.sending is None:
                    await self._company()
                sending = place.sending or self._begin()
                # Whoever goes away takes nobody's transaction along.
                outcome = (await asyncio.shield(sending))[place.number]
        finally:
            if place.sending is None:
                self._waiting.remove(place)
                self._count()
        if isinstance(outcome, PeerwattError):
            raise outcome
        return outcome

    def _count(self) -> None:
        if self._coming == 0 or len(self._waiting) >= MAX_TOGETHER:
            self._complete.set()
        else:
            self._complete.clear()

    async def _company(self) -> None:
        """Waits for those that are coming, as long as there is room and patience."""
        if self._complete.is_set():
            return
        waits = [
            asyncio.ensure_future(self._sleep(PATIENCE_SECONDS)),
            asyncio.ensure_future(self._complete.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _begin(self) -> asyncio.Task[Sequence[Outcome]]:
        """Takes the first ones of the line: the turn is that of the very first."""
        count = together([place.part for place in self._waiting])
        places = [self._waiting.popleft() for _ in range(count)]
        self._count()
        sending = asyncio.create_task(self._outcomes([place.part for place in places]))
        for number, place in enumerate(places):
            place.number, place.sending = number, sending
        return sending

    async def _outcomes(self, parts: Sequence[Part]) -> Sequence[Outcome]:
        """What is refused by itself is left out when the others are joined again."""
        outcomes: dict[int, Outcome] = {}
        left = list(range(len(parts)))
        while len(left) > 1:
            group = [parts[number] for number in left]
            receipt = await self._joined(join(group))
            if receipt is not None:
                outcomes |= zip(left, shares(group, receipt), strict=True)
                break
            refused = {number: await self._refusal(parts[number]) for number in left}
            outcomes |= {number: each for number, each in refused.items() if each is not None}
            remaining = [number for number in left if number not in outcomes]
            if remaining == left:  # each is fine, but not with the others
                break
            left = remaining
        for number, part in enumerate(parts):
            if number not in outcomes:
                outcomes[number] = await self._alone(part)
        return [outcomes[number] for number in range(len(parts))]

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

    async def _alone(self, part: Part) -> Outcome:
        try:
            await self._attempt(part.call)
            return await self._send(part.call)
        except ContractRevertedError as error:
            return await self._found(part) or error
        except PeerwattError as error:
            return error

    async def _refusal(self, part: Part) -> Outcome | None:
        """What becomes of a call that the contract would refuse; None if it would not."""
        try:
            await self._attempt(part.call)
        except ContractRevertedError as error:
            return await self._found(part) or error
        except PeerwattError as error:
            return error
        return None

    async def _found(self, part: Part) -> Outcome | None:
        try:
            receipt = await part.find()
        except PeerwattError as error:
            return error
        return None if receipt is None else share_of(part, receipt, receipt.gas_used)


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
    return [share_of(part, receipt, gas + (number < rest)) for number, part in enumerate(parts)]


def share_of(part: Part, receipt: Receipt, gas: int) -> Receipt:
    """What a part has of a receipt, with so much of its gas."""
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
