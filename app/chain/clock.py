"""Market time: seconds since the epoch that only go forward. Injected, so that tests own it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, Self

from app.chain.rpc import Rpc
from app.errors import ChainError, ResponseLostError

SLICE_SECONDS = 0.5
MAX_LAG_SECONDS = 5.0

_ATTEMPTS = 3
_LONGEST_WAIT = 60.0

Monotonic = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class MarketClock(Protocol):
    """The time that a market lives by."""

    def now(self) -> int: ...

    async def advance_to(self, timestamp: int) -> None:
        """Returns when it is `timestamp` or later on the chain, too."""
        ...


class ChainClock:
    """Moves the time of a node that allows it: it jumps, and then stands still.

    On an embedded node the next blocks have exactly the time that `advance_to` has set; on a node
    whose time runs, that or a little more.
    """

    def __init__(self, rpc: Rpc, now: int) -> None:
        self._rpc = rpc
        self._now = now

    @classmethod
    async def start(cls, rpc: Rpc) -> Self:
        """Takes the time of the latest block."""
        return cls(rpc, await latest_timestamp(rpc))

    def now(self) -> int:
        return self._now

    async def advance_to(self, timestamp: int) -> None:
        for _ in range(_ATTEMPTS):
            # Nodes take orders to go back, and somebody else may have moved on.
            latest = await latest_timestamp(self._rpc)
            if latest >= timestamp:
                self._now = max(self._now, latest)
                return
            try:
                await self._rpc.call("evm_mine", timestamp)
            except ResponseLostError:
                continue
            self._now = max(self._now, timestamp)
            return
        raise ChainError(f"the node's time cannot be set to {timestamp}")

    async def resync(self) -> None:
        """Takes the chain's time again, after the chain was set back."""
        self._now = await latest_timestamp(self._rpc)


class PacedClock:
    """Lets market time pass at `speed` market seconds a real second, for people to watch.

    Time passes within `advance_to` only, so that work that is due at a moment never comes too late
    because the machine is slow; the pace makes up for it afterwards, for at most some seconds. The
    chain's time follows in slices of half a real second; `now` runs smoothly in between.
    """

    def __init__(
        self,
        inner: MarketClock,
        speed: float,
        *,
        monotonic: Monotonic = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._inner = inner
        self._speed = speed
        self._monotonic = monotonic
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._slice_due = monotonic()  # when the present slice is over
        self._slice_end = inner.now()  # market time at that moment

    def now(self) -> int:
        ahead = max(0.0, self._slice_due - self._monotonic()) * self._speed
        return max(self._inner.now(), int(self._slice_end - ahead))

    async def advance_to(self, timestamp: int) -> None:
        while self._inner.now() < timestamp:
            async with self._turn:
                await self._pass_slice(timestamp)

    async def _pass_slice(self, timestamp: int) -> None:
        start = self._inner.now()
        length = min(timestamp - start, max(1, int(self._speed * SLICE_SECONDS)))
        if length <= 0:
            return
        begun = max(self._slice_due, self._monotonic() - MAX_LAG_SECONDS)
        self._slice_due = begun + length / self._speed
        self._slice_end = start + length
        await self._sleep(max(0.0, self._slice_due - self._monotonic()))
        await self._inner.advance_to(self._slice_end)


class WaitingClock:
    """The time of a real network, where nothing but waiting helps."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._wall = wall
        self._sleep = sleep

    def now(self) -> int:
        return int(self._wall())

    async def advance_to(self, timestamp: int) -> None:
        while (left := timestamp - self._wall()) > 0:
            await self._sleep(min(left, _LONGEST_WAIT))


async def latest_timestamp(rpc: Rpc) -> int:
    """The time of the latest block."""
    block = await rpc.read("eth_getBlockByNumber", "latest", False)
    return int(block["timestamp"], 16)
