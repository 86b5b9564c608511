"""News for many listeners, none of which can hold up the others."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable

from app.errors import UnavailableError
from app.index.records import FeedEntry


class Subscription:
    """One listener's queue. Iteration ends when the listener was too slow, or all is over."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._entries: deque[FeedEntry] = deque()
        self._news = asyncio.Event()
        self._ended = False

    def offer(self, entry: FeedEntry) -> bool:
        """Adds an entry; false, and the end of the subscription, where the queue is full."""
        if len(self._entries) >= self._length:
            self.end()
            return False
        self._entries.append(entry)
        self._news.set()
        return True

    def end(self) -> None:
        """Lets the listener read what it has, and then no more."""
        self._ended = True
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[FeedEntry]:
        while True:
            while self._entries:
                yield self._entries.popleft()
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()


class Broadcast:
    """Hands every entry to every listener. A listener whose queue is full is dropped: it comes
    back with the number of the last entry that it saw and reads the rest from the database.
    """

    def __init__(self, *, queue_length: int = 4_096, listeners: int = 64) -> None:
        self._queue_length = queue_length
        self._limit = listeners
        self._subscriptions: set[Subscription] = set()
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._subscriptions)

    def subscribe(self) -> Subscription:
        """A new subscription; `unsubscribe` it in the end."""
        if len(self._subscriptions) >= self._limit:
            raise UnavailableError(f"{self._limit} listeners are connected", hint="try again later")
        subscription = Subscription(self._queue_length)
        if self._closed:
            subscription.end()
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forgets a subscription."""
        self._subscriptions.discard(subscription)

    def publish(self, entries: Iterable[FeedEntry]) -> None:
        """Hands entries to all listeners, without waiting for any."""
        for entry in entries:
            for subscription in tuple(self._subscriptions):
                if not subscription.offer(entry):
                    self._subscriptions.discard(subscription)

    def close(self) -> None:
        """Ends all subscriptions, present and to come, so that their connections can close."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end()
