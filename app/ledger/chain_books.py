"""Finds on a chain what the call auction itself does not list: the orders of a book."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eth_utils.hexadecimal import decode_hex, encode_hex

from app.chain.contracts import Contract, Contracts
from app.chain.rpc import Rpc
from app.errors import ChainError, ConflictError

# Blocks that are read again, lest a short reorganisation hide an order.
_OVERLAP = 64


class OrderFinder:
    """Ids of orders by the window that they were placed for, from the logs of the auction.

    Every search reads only the blocks that have come since the last one, and finds no order again
    that is known to be gone.
    """

    def __init__(self, rpc: Rpc, contracts: Contracts, first_block: int) -> None:
        self._rpc = rpc
        self._contracts = contracts
        self._first_block = first_block
        self._next_block = first_block
        self._ids: dict[int, set[int]] = {}
        self._reading = asyncio.Lock()

    @property
    def _auction(self) -> Contract:
        return self._contracts["CallAuction"]

    def forget(self) -> None:
        """Begins anew, after the chain was set back."""
        self._next_block = self._first_block
        self._ids.clear()

    async def placed_for(self, windows: Iterable[int]) -> list[int]:
        """Ids of the orders that were placed for some windows, in ascending order."""
        async with self._reading:
            await self._read_on()
        return sorted(number for window in windows for number in self._ids.get(window, ()))

    def drop(self, windows: Iterable[int], order_ids: Iterable[int]) -> None:
        """Orders for some windows that are gone: they are not found again."""
        gone = set(order_ids)
        for window in windows:
            if window in self._ids:
                self._ids[window] -= gone

    async def lists_of_clearing(self, window: int) -> tuple[list[int], list[int]]:
        """Buys and sells that the clearing of a window, which is not done yet, was begun with.

        Raises ConflictError where it was begun in a way that is not to be seen from outside.
        """
        logs = await self._logs(
            ("OrderFilled", "OrderServed", "OrderExpired"), self._first_block, "latest"
        )
        for log in reversed(logs):
            transaction = await self._rpc.read("eth_getTransactionByHash", log["transactionHash"])
            called = self._call_of(transaction)
            if called is not None and called["window"] == window:
                return list(called["buyIds"]), list(called["sellIds"])
        raise ConflictError(
            f"the clearing of window {window} was begun by another contract",
            hint="go on with the lists that it was begun with",
        )

    async def _read_on(self) -> None:
        head = int(await self._rpc.read("eth_blockNumber"), 16)
        first = max(self._first_block, self._next_block - _OVERLAP)
        for log in await self._logs(("OrderPlaced",), first, hex(head)):
            event = self._auction.event(log)
            if event is not None:
                placed: Mapping[str, Any] = event.arguments
                self._ids.setdefault(placed["window"], set()).add(placed["orderId"])
        self._next_block = head + 1

    async def _logs(
        self, events: Sequence[str], first: int, last: str
    ) -> Sequence[Mapping[str, Any]]:
        logs: Sequence[Mapping[str, Any]] = await self._rpc.read(
            "eth_getLogs",
            {
                "fromBlock": hex(first),
                "toBlock": last,
                "address": self._auction.address,
                "topics": [[encode_hex(self._auction.topic_of(event)) for event in events]],
            },
        )
        return logs

    def _call_of(self, transaction: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The arguments of a direct call of `clear`; None for any other transaction."""
        try:
            read = self._auction.read_input(decode_hex(transaction["input"]))
        except ChainError:  # anybody can send anything
            return None
        return read[1] if read is not None and read[0] == "clear" else None
