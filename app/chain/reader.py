"""Reads blocks for the index: headers, the market's transactions and its events, decoded."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.hexadecimal import decode_hex, encode_hex

from app.chain.contracts import Contract, Contracts
from app.chain.deployment import Deployment
from app.chain.rpc import Rpc
from app.errors import ChainError
from app.index.source import BlockHeader, ChainBlock, ChainEvent, ChainTransaction
from app.ledger.types import Address, Agreement
from app.market.typed_data import MARKET_NAME, Domain, agreement_digest

Raw = Mapping[str, Any]

_MARKET = "EnergyMarket"
_FORWARDER = "Forwarder"
_UNREAD = ("PrivateMarket", "NotePool")
"""Of calls of these the function alone is read: events tell the rest, and the lists in a short
input may share what they point to, so that it would be a very long one when decoded.
"""


class BlockReader:
    """The `ChainReader` of one deployment."""

    def __init__(self, rpc: Rpc, deployment: Deployment, contracts: Contracts) -> None:
        self._rpc = rpc
        self._deployment = deployment
        self._contracts = contracts
        self._addresses = [contract.address for contract in contracts.values()]
        self._domain = Domain(MARKET_NAME, deployment.chain_id, contracts[_MARKET].address)

    @property
    def identity(self) -> str:
        """Chain id and contract addresses."""
        return f"{self._deployment.chain_id}:{','.join(sorted(self._addresses))}"

    @property
    def first_block(self) -> int:
        """The block that the deployment began in."""
        return self._deployment.block

    async def head(self) -> BlockHeader:
        """The header of the latest block."""
        return _header(await self._rpc.read("eth_getBlockByNumber", "latest", False))

    async def header(self, number: int) -> BlockHeader | None:
        """The header of a block of the present chain; None above its head."""
        raw = await self._rpc.read("eth_getBlockByNumber", hex(number), False)
        return None if raw is None else _header(raw)

    async def blocks(self, first: int, last: int) -> Sequence[ChainBlock]:
        """Blocks `first` to `last` (inclusive), as far as they are of one and the same chain."""
        logs, *raw_blocks = await asyncio.gather(
            self._rpc.read("eth_getLogs", self._filter(first, last)),
            *(
                self._rpc.read("eth_getBlockByNumber", hex(number), True)
                for number in range(first, last + 1)
            ),
        )
        by_block = {
            block: list(each) for block, each in groupby(logs, key=lambda log: log["blockHash"])
        }
        chain = _connected(raw_blocks)
        if not by_block.keys() <= {raw["hash"] for raw in chain}:
            return []
        found = await asyncio.gather(
            *(self._block(raw, by_block.get(raw["hash"], [])) for raw in chain)
        )
        return [] if None in found else [block for block in found if block is not None]

    def agreement_id(self, agreement: Agreement) -> str:
        """The digest of an agreement."""
        return encode_hex(agreement_digest(self._domain, agreement))

    def _filter(self, first: int, last: int) -> dict[str, object]:
        return {"fromBlock": hex(first), "toBlock": hex(last), "address": self._addresses}

    async def _block(self, raw: Raw, logs: Sequence[Raw]) -> ChainBlock | None:
        """A block with its receipts; None where the chain has another one by now."""
        logged = {log["transactionHash"] for log in logs}
        concerned = [
            each
            for each in raw["transactions"]
            if each["hash"] in logged or self._contracts.at(each["to"] or "")
        ]
        receipts = await asyncio.gather(
            *(self._rpc.read("eth_getTransactionReceipt", each["hash"]) for each in concerned)
        )
        if any(each is None or each["blockHash"] != raw["hash"] for each in receipts):
            return None
        transactions = map(self._transaction, concerned, receipts)
        return ChainBlock(_header(raw), tuple(transactions), tuple(self._events(logs)))

    def _events(self, logs: Iterable[Raw]) -> Iterable[ChainEvent]:
        for log in logs:
            contract = self._contracts.at(log["address"])
            event = contract.event(log) if contract else None
            if event is not None:
                yield ChainEvent(
                    event.log_index,
                    log["transactionHash"],
                    event.contract,
                    event.name,
                    event.arguments,
                )

    def _transaction(self, raw: Raw, receipt: Raw) -> ChainTransaction:
        sender = to_checksum_address(raw["from"])
        called, function, arguments, signer = self._call(
            self._contracts.at(raw["to"] or ""), decode_hex(raw["input"]), sender
        )
        return ChainTransaction(
            hash=raw["hash"],
            index=int(raw["transactionIndex"], 16),
            sender=sender,
            signer=signer,
            contract=called,
            function=function,
            gas_used=int(receipt["gasUsed"], 16),
            succeeded=int(receipt["status"], 16) == 1,
            agreements=agreements_in(function, arguments) if called == _MARKET else (),
        )

    def _call(
        self, contract: Contract | None, data: bytes, sender: Address
    ) -> tuple[str, str, Mapping[str, Any], Address]:
        """Contract, function and arguments that a call comes to, and who wanted it."""
        if contract is None:
            return "", "", {}, sender
        if contract.name in _UNREAD:
            return contract.name, contract.function_at(data), {}, sender
        try:
            read = contract.read_input(data)
        except ChainError:  # anybody can send anything
            read = None
        if read is None:
            return contract.name, "", {}, sender
        function, arguments = read[0], dict[str, Any](read[1])
        if contract.name == _FORWARDER and function == "execute":
            request: tuple[Any, ...] = arguments["request"]
            return self._call(self._contracts.at(request[1]), request[5], request[0])
        return contract.name, function, arguments, sender


def agreements_in(function: str, arguments: Mapping[str, Any]) -> tuple[Agreement, ...]:
    """The agreements that a call of the market writes."""
    if function == "allowTransaction":
        return (Agreement(*arguments["agreement"]),)
    if function == "allowTransactions":
        return tuple(Agreement(*each) for each in arguments["agreements"])
    return ()


def _connected(raw_blocks: Iterable[Raw | None]) -> list[Raw]:
    """Blocks from the first one on, each of which is the parent of the next."""
    chain: list[Raw] = []
    for raw in raw_blocks:
        if raw is None or (chain and raw["parentHash"] != chain[-1]["hash"]):
            break
        chain.append(raw)
    return chain


def _header(raw: Raw) -> BlockHeader:
    return BlockHeader(
        int(raw["number"], 16), raw["hash"], raw["parentHash"], int(raw["timestamp"], 16)
    )
