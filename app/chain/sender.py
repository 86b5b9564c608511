"""One sender an account: it signs, counts nonces, and sends each transaction exactly once.

What nodes do that makes this hard (all of it seen):

- An answer can get lost after the node has accepted. So nothing is sent a second time before its
  hash was looked up, and what is sent again is the very same signed transaction.
- Ganache executes a transaction with nonce 0 as often as it is sent. So an account's first
  transaction is an empty one to itself.
- A transaction behind a nonce gap is taken, not executed, and executed when the gap fills; Ganache
  does not answer until then. So a gap below an accepted transaction is filled with empty ones.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import Any, Literal

from coincurve import PrivateKey
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.hexadecimal import decode_hex, encode_hex

from app.chain.reverts import ErrorTable
from app.chain.rpc import Rpc, RpcError
from app.errors import (
    ChainError,
    NodeUnavailableError,
    NonceError,
    ResponseLostError,
    TransactionLostError,
)
from app.ledger.types import Address

ATTEMPTS = 5
PATIENCE_SECONDS = 120.0
MAX_GAP = 64
EMPTY_GAS = 21_000

_FIRST_POLL = 0.002
_LONGEST_POLL = 0.5
_FIRST_RETRY = 0.2
_LONGEST_RETRY = 2.0

Sleep = Callable[[float], Awaitable[None]]
RawLog = Mapping[str, Any]


class _Fate(Enum):
    """What the node knows of a transaction."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    MINED = "mined"


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction does. `contract` names who is called, for errors; gas is explicit."""

    to: Address
    data: bytes
    gas: int
    value: int = 0
    contract: str = ""


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction that has succeeded; `logs` are as the node has them."""

    hash: str
    block_number: int
    gas_used: int
    logs: tuple[RawLog, ...]


@dataclass(frozen=True, slots=True)
class _Signed:
    nonce: int
    hash: str
    raw: str


class Sender:
    """Sends the transactions of one account, in the order of the calls to `send`.

    There must be no other sender of that account at work. `patience` is how long, in seconds, a
    transaction may take into a block.
    """

    def __init__(
        self,
        rpc: Rpc,
        key: PrivateKey,
        *,
        chain_id: int,
        errors: ErrorTable,
        gas_price: int = 0,
        patience: float = PATIENCE_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        account: LocalAccount = Account.from_key(key.secret)
        self.address: Address = account.address
        self._rpc = rpc
        self._account = account
        self._chain_id = chain_id
        self._errors = errors
        self._gas_price = gas_price
        self._patience = patience
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._next_nonce: int | None = None  # None: only the node knows

    async def send(self, call: Call) -> Mined:
        """Returns when the transaction is in a block.

        Raises ContractRevertedError if it failed there, OutOfFundsError or NonceError if the node
        refused it, NodeUnavailableError if it never got to the node, and TransactionLostError with
        its hash if nobody can say yet what became of it.
        """
        async with self._turn:
            signed = await self._submit(call)
        receipt = await self._receipt_of(signed)
        mined = Mined(
            hash=signed.hash,
            block_number=int(receipt["blockNumber"], 16),
            gas_used=int(receipt["gasUsed"], 16),
            logs=tuple(receipt["logs"]),
        )
        if int(receipt["status"], 16) == 0:
            raise await self._why_it_failed(call, mined)
        return mined

    def resync(self) -> None:
        """Asks the node for the nonce before the next transaction, after the chain was set back."""
        self._next_nonce = None

    async def _submit(self, call: Call) -> _Signed:
        nonce = await self._first_nonce() if self._next_nonce is None else self._next_nonce
        # If this is cut short, only the node knows whether the nonce was used.
        self._next_nonce = None
        for _ in range(ATTEMPTS):
            signed = self._sign(call, nonce)
            try:
                await self._deliver(signed)
            except NonceError:
                nonce = await self._count("pending")
                continue
            self._next_nonce = nonce + 1
            return signed
        raise NonceError(
            f"{self.address}: no nonce was right in {ATTEMPTS} attempts",
            hint="does somebody else send from this account?",
        )

    async def _first_nonce(self) -> int:
        if await self._count("pending") == 0:
            first = self._sign(self._empty_call(), 0)
            await self._deliver(first)
            await self._receipt_of(first)
        return await self._count("pending")

    async def _deliver(self, signed: _Signed) -> None:
        """Hands a transaction to the node; returns when the node has it.

        Raises what the node refused it for; it can then never be executed.
        """
        may_be_there = False
        for delay in _delays(_FIRST_RETRY, _LONGEST_RETRY, ATTEMPTS):
            try:
                if may_be_there and await self._is_with_node(signed):
                    return
                await self._rpc.call("eth_sendRawTransaction", signed.raw)
            except RpcError as error:
                with suppress(NodeUnavailableError):
                    # Nodes also refuse what they have already.
                    if await self._is_with_node(signed):
                        return
                    raise await self._refusal(signed, error, may_be_there) from error
                may_be_there = True
            except ResponseLostError:
                may_be_there = True
            except NodeUnavailableError:
                pass
            else:
                return
            await self._sleep(delay)
        if not may_be_there:
            raise NodeUnavailableError(f"{self._rpc.url} took nothing in {ATTEMPTS} attempts")
        with suppress(NodeUnavailableError):
            if await self._is_with_node(signed):
                return
        raise _lost(signed, "the node does not answer")

    async def _refusal(self, signed: _Signed, error: RpcError, may_be_there: bool) -> ChainError:
        refusal = self._errors.translate(error, transaction_hash=signed.hash)
        if may_be_there and await self._count("latest") <= signed.nonce:
            # An earlier copy, whose answer got lost, may still be on its way.
            return _lost(signed, refusal.message)
        return refusal

    async def _is_with_node(self, signed: _Signed) -> bool:
        """Whether the node has it; sees to it that nothing is missing below it."""
        fate = await self._fate_of(signed.hash)
        if fate is _Fate.PENDING:
            await self._fill_gap(signed.nonce)
        return fate is not _Fate.UNKNOWN

    async def _fill_gap(self, nonce: int) -> None:
        first = await self._count("pending")
        if nonce - first > MAX_GAP:
            raise NonceError(f"{self.address}: nonces {first} to {nonce - 1} are missing")
        for missing in range(first, nonce):
            with suppress(NonceError):
                await self._deliver(self._sign(self._empty_call(), missing))

    async def _receipt_of(self, signed: _Signed) -> Mapping[str, Any]:
        """Waits for a transaction's receipt, and helps where it does not come."""
        waited = 0.0
        help_left = ATTEMPTS
        for delay in _delays(_FIRST_POLL, _LONGEST_POLL):
            with suppress(NodeUnavailableError):
                receipt = await self._rpc.read("eth_getTransactionReceipt", signed.hash)
                if receipt is not None:
                    found: Mapping[str, Any] = receipt
                    return found
                if delay == _LONGEST_POLL and help_left:
                    help_left -= await self._help_along(signed)
            if waited > self._patience:
                break
            await self._sleep(delay)
            waited += delay
        raise _lost(signed, f"in no block after {self._patience:.0f} s")

    async def _help_along(self, signed: _Signed) -> bool:
        """Sends what the node has dropped, as after a restart; whether it had to."""
        if await self._is_with_node(signed):
            return False
        try:
            await self._rpc.call("eth_sendRawTransaction", signed.raw)
        except RpcError as error:
            if not await self._is_with_node(signed):
                raise _lost(signed, error.message) from error
        return True

    async def _why_it_failed(self, call: Call, mined: Mined) -> ChainError:
        request = {
            "from": self.address,
            "to": call.to,
            "data": encode_hex(call.data),
            "gas": hex(call.gas),
            "value": hex(call.value),
        }
        try:
            await self._rpc.read("eth_call", request, hex(mined.block_number))
        except RpcError as error:
            return self._errors.translate(
                error, contract=call.contract, transaction_hash=mined.hash
            )
        # It would succeed by now: what stood before it in its block has changed since.
        return self._errors.revert(b"", contract=call.contract, transaction_hash=mined.hash)

    async def _fate_of(self, transaction_hash: str) -> _Fate:
        found = await self._rpc.read("eth_getTransactionByHash", transaction_hash)
        if found is None:
            return _Fate.UNKNOWN
        return _Fate.PENDING if found.get("blockNumber") is None else _Fate.MINED

    async def _count(self, block: Literal["latest", "pending"]) -> int:
        return await self._rpc.eth.get_transaction_count(self._account.address, block)

    def _sign(self, call: Call, nonce: int) -> _Signed:
        signed = self._account.sign_transaction(
            {
                "nonce": nonce,
                "gasPrice": self._gas_price,
                "gas": call.gas,
                "to": decode_hex(call.to),
                "value": call.value,
                "data": call.data,
                "chainId": self._chain_id,
            }
        )
        return _Signed(nonce, encode_hex(signed.hash), encode_hex(signed.raw_transaction))

    def _empty_call(self) -> Call:
        return Call(self.address, b"", EMPTY_GAS)


def _lost(signed: _Signed, what: str) -> TransactionLostError:
    return TransactionLostError(
        f"transaction {signed.hash}: {what}",
        transaction_hash=signed.hash,
        hint="look it up before you try again",
    )


def _delays(first: float, longest: float, attempts: int | None = None) -> Iterator[float]:
    """Seconds to wait after each attempt: twice as long every time, up to `longest`."""
    delay = first
    for _ in count() if attempts is None else range(attempts):
        yield delay
        delay = min(2 * delay, longest)
