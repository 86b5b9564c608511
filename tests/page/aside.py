"""Runs a market in a thread of its own, as the browser has the one of the tests."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

import structlog

T = TypeVar("T")


@contextmanager
def aside(opening: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """What `opening` opens, until the context is left."""
    ready: Future[T] = Future()
    over = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def live() -> None:
        async with opening() as market:
            ready.set_result(market)
            await over.wait()

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    thread = threading.Thread(target=loop.run_forever, name="market beside a test")
    thread.start()
    life = asyncio.run_coroutine_threadsafe(live(), loop)
    try:
        wait([ready, life], return_when=FIRST_COMPLETED)
        if life.done():
            life.result()
        yield ready.result()
    finally:
        loop.call_soon_threadsafe(over.set)
        wait([life])
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        structlog.reset_defaults()
