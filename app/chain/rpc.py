"""JSON-RPC to one node: a provider for web3 that repeats reads, and nothing else."""

import asyncio
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

import aiohttp
import msgspec
from web3 import AsyncWeb3
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from app.errors import ChainError, NodeUnavailableError, ResponseLostError

ANSWER_TIMEOUT = 30.0
READ_ATTEMPTS = 3
CONNECTIONS = 64

_HEADERS = {"Content-Type": "application/json"}

# What web3 may ask twice. Its own list has eth_sendRawTransaction and evm_mine, too.
_REPEATABLE = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getCode",
        "eth_getTransactionCount",
    }
)

# Methods that make a node mine.
_MINING = frozenset({"eth_sendRawTransaction", "eth_sendTransaction", "evm_mine", "evm_revert"})

# One for each node, whoever talks to it; locks belong to an event loop.
_turns: WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], asyncio.Lock] = (
    WeakValueDictionary()
)


class RpcError(ChainError):
    """The node answered with an error; `app.chain.reverts` says what it means."""

    def __init__(self, method: str, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{method}: {message}")
        self.code = code
        self.node_message = message
        self.data = data


class _Failure(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Any = None


class _Answer(msgspec.Struct):
    result: Any = None
    error: _Failure | None = None


class Rpc(AsyncJSONBaseProvider):
    """Calls a node; a request times out after `timeout` seconds.

    `eth` is web3 over this connection: the same errors, the same care with what is sent twice.

    Two flaws of Ganache 7.9.2 are kept away from everybody here. Its miner stops for good when a
    transaction comes in at the wrong moment while it mines another: so these take turns. And it
    never answers a batch that holds a transaction and the question for its receipt: so there are no
    batches.

    web3's own AsyncHTTPProvider is not used: a request that is cancelled at the wrong moment leaves
    all of them in the process waiting for ever (ApeWorX/web3.py#3867).
    """

    def __init__(self, url: str, *, timeout: float = ANSWER_TIMEOUT) -> None:
        super().__init__()
        self.url = url
        self.eth = AsyncWeb3(self).eth
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self._takes_turns: bool | None = None
        self._turn: asyncio.Lock | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def read(self, method: str, *parameters: object) -> Any:
        """Calls a method that changes nothing, once more where an answer got lost.

        Raises NodeUnavailableError, or RpcError where the node answers with an error.
        """
        for _ in range(READ_ATTEMPTS - 1):
            try:
                return await self.call(method, *parameters)
            except ResponseLostError:
                continue
        return await self.call(method, *parameters)

    async def call(self, method: str, *parameters: object) -> Any:
        """Calls a method exactly once.

        Raises ResponseLostError where the node may have done what was asked and
        NodeUnavailableError where it cannot have; RpcError where it answers with an error.
        """
        if method not in _MINING:
            return await self._call(method, parameters)
        if self._takes_turns is None:
            client: str = await self._call("web3_clientVersion", ())
            self._takes_turns = client.startswith("Ganache/")
        if not self._takes_turns:
            return await self._call(method, parameters)
        async with self._whose_turn():
            return await self._call(method, parameters)

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Does what web3 asks for; raises as `read` and `call` do."""
        ask = self.read if method in _REPEATABLE else self.call
        return {"jsonrpc": "2.0", "id": 0, "result": await ask(method, *params)}

    async def _call(self, method: str, parameters: tuple[object, ...]) -> Any:
        request = self.encode_rpc_request(RPCEndpoint(method), parameters)
        try:
            async with self._connections().post(
                self.url, data=request, headers=_HEADERS
            ) as response:
                body = await response.read()
        except aiohttp.ClientConnectorError as error:
            raise NodeUnavailableError(
                f"no node at {self.url}", hint="is it running, and is this its address?"
            ) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ResponseLostError(f"{method}: no answer from {self.url}") from error
        try:
            answer = msgspec.convert(self.decode_rpc_response(body), _Answer)
        except (ValueError, msgspec.ValidationError) as error:
            raise ResponseLostError(
                f"{method}: {self.url} answered, but not in JSON-RPC (HTTP {response.status})"
            ) from error
        if answer.error is not None:
            failure = answer.error
            raise RpcError(method, failure.code, failure.message, failure.data)
        return answer.result

    def _whose_turn(self) -> asyncio.Lock:
        if self._turn is None:
            place = (asyncio.get_running_loop(), self.url)
            self._turn = _turns.setdefault(place, asyncio.Lock())
        return self._turn

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS), timeout=self._timeout
            )
        return self._session
