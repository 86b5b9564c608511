import pytest

from app.errors import UnavailableError
from app.index.broadcast import Broadcast, Subscription
from app.index.records import FeedEntry


def entry(number: int) -> FeedEntry:
    return FeedEntry(number, "offer", "{}")


async def read(subscription: Subscription) -> list[int]:
    return [each.sequence async for each in subscription]


async def test_everybody_hears_everything_in_order() -> None:
    broadcast = Broadcast()
    listeners = [broadcast.subscribe() for _ in range(3)]
    broadcast.publish(map(entry, (1, 2)))
    broadcast.publish([entry(3)])
    broadcast.close()
    assert [await read(each) for each in listeners] == [[1, 2, 3]] * 3


async def test_who_is_too_slow_is_dropped_and_the_others_are_not() -> None:
    broadcast = Broadcast(queue_length=2)
    slow, quick = broadcast.subscribe(), broadcast.subscribe()
    stream = aiter(quick)
    heard = []
    for number in (1, 2, 3):
        broadcast.publish([entry(number)])
        heard.append((await anext(stream)).sequence)
    assert heard == [1, 2, 3]
    assert await read(slow) == [1, 2]
    assert broadcast.listeners == 1


async def test_only_so_many_listen() -> None:
    broadcast = Broadcast(listeners=2)
    first = broadcast.subscribe()
    broadcast.subscribe()
    with pytest.raises(UnavailableError):
        broadcast.subscribe()
    broadcast.unsubscribe(first)
    broadcast.subscribe()


async def test_who_comes_after_the_end_hears_nothing() -> None:
    broadcast = Broadcast()
    broadcast.close()
    assert await read(broadcast.subscribe()) == []
