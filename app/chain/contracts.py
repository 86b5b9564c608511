"""The contracts of a deployment, bound by the ABIs that brownie has built. Pure, once loaded."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from eth_typing import ABI, ABIComponent, ABIEvent, ABIFunction
from eth_utils.abi import (
    abi_to_signature,
    event_abi_to_log_topic,
    function_abi_to_4byte_selector,
    get_abi_output_types,
)
from eth_utils.address import to_checksum_address
from eth_utils.hexadecimal import decode_hex

from app.chain.abi import Signature, decode
from app.chain.deployment import ROOT, Deployment
from app.chain.reverts import ErrorTable
from app.errors import ConfigurationError
from app.ledger.types import Address, Event

BUILD = ROOT / "build" / "contracts"


class _Artifact(msgspec.Struct):
    abi: list[Any]


class Contract:
    """One contract: encodes calls to it, decodes its results and events."""

    def __init__(self, name: str, address: Address, abi: ABI) -> None:
        self.name = name
        self.address: Address = to_checksum_address(address)
        self._functions: dict[str, _Function] = {}
        self._by_selector: dict[bytes, _Function] = {}
        self._events: dict[bytes, _EventType] = {}
        for entry in abi:
            if entry["type"] == "function":
                function = _Function(entry)
                # Of functions with the same name, the first has the name to itself.
                self._functions.setdefault(function.signature.name, function)
                self._functions[abi_to_signature(entry)] = function
                self._by_selector[function.selector] = function
            elif entry["type"] == "event" and not entry["anonymous"]:
                self._events[event_abi_to_log_topic(entry)] = _EventType(entry)

    def encode(self, function: str, *arguments: object) -> bytes:
        """Input of a call; structs are tuples. Raises InputError where an argument doesn't fit.

        A function is called by its name, or by name and types where the name is taken twice.
        """
        found = self._function(function)
        return found.selector + found.signature.encode(arguments)

    def decode(self, function: str, data: bytes) -> Any:
        """Result of a call: a value, or a tuple where there are several; structs are tuples."""
        values = decode(self._function(function).outputs, data)
        return values[0] if len(values) == 1 else values

    def inputs(self, function: str) -> Sequence[ABIComponent]:
        """Parameters of a function, as the ABI has them; structs with their members."""
        return self._function(function).inputs

    @property
    def functions(self) -> Collection[str]:
        """The names that functions can be called by."""
        return self._functions.keys()

    def read_input(self, data: bytes) -> tuple[str, dict[str, object]] | None:
        """Function and arguments by name of a call's input; None if it is no call of this ABI."""
        found = self._by_selector.get(data[:4])
        if found is None:
            return None
        return found.signature.name, found.signature.decode(data[4:])

    def function_at(self, data: bytes) -> str:
        """Name of the function that a call's input begins with; empty if there is none."""
        found = self._by_selector.get(data[:4])
        return "" if found is None else found.signature.name

    def topic_of(self, event: str) -> bytes:
        """The first topic of an event's logs."""
        for topic, known in self._events.items():
            if known.signature.name == event:
                return topic
        raise ConfigurationError(
            f"{self.name} has no event {event}", hint="are the contracts built anew?"
        )

    def event(self, log: Mapping[str, Any]) -> Event | None:
        """Decodes a log as the node has it; None if it is no event of this ABI."""
        topics = [decode_hex(topic) for topic in log["topics"]]
        found = self._events.get(topics[0]) if topics else None
        if found is None:
            return None
        arguments = found.arguments(topics[1:], decode_hex(log["data"]))
        return Event(self.name, found.signature.name, arguments, int(log["logIndex"], 16))

    def _function(self, name: str) -> "_Function":
        try:
            return self._functions[name]
        except KeyError:
            raise ConfigurationError(
                f"{self.name} has no function {name}", hint="are the contracts built anew?"
            ) from None


class Contracts(Mapping[str, Contract]):
    """The contracts of a deployment by name, and the errors of all of them."""

    def __init__(self, contracts: Iterable[Contract], errors: ErrorTable) -> None:
        self._contracts = {contract.name: contract for contract in contracts}
        self._by_address = {contract.address.lower(): contract for contract in self.values()}
        self.errors = errors

    @classmethod
    def load(cls, deployment: Deployment, build: Path = BUILD) -> "Contracts":
        """Binds what is deployed; ConfigurationError where the build artifacts are missing."""
        abis = {name: _read_abi(build / f"{name}.json") for name in deployment.addresses}
        contracts = [Contract(name, deployment.addresses[name], abi) for name, abi in abis.items()]
        return cls(contracts, ErrorTable(abis))

    def __getitem__(self, name: str) -> Contract:
        return self._contracts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._contracts)

    def __len__(self) -> int:
        return len(self._contracts)

    def at(self, address: Address) -> Contract | None:
        """The contract at an address, if it is one of these."""
        return self._by_address.get(address.lower())

    def events(self, logs: Iterable[Mapping[str, Any]]) -> tuple[Event, ...]:
        """Decodes logs in their order; passes over those of other contracts."""
        found = []
        for log in logs:
            contract = self.at(log["address"])
            event = contract.event(log) if contract else None
            if event:
                found.append(event)
        return tuple(found)


class _Function:
    __slots__ = ("inputs", "outputs", "selector", "signature")

    def __init__(self, entry: ABIFunction) -> None:
        self.signature = Signature.of(entry)
        self.selector = function_abi_to_4byte_selector(entry)
        self.inputs = tuple(entry["inputs"])
        self.outputs = tuple(get_abi_output_types(entry))


class _EventType:
    __slots__ = ("_data_types", "_indexed", "signature")

    def __init__(self, entry: ABIEvent) -> None:
        self.signature = Signature.of(entry)
        self._indexed = [parameter["indexed"] for parameter in entry["inputs"]]
        self._data_types = tuple(
            kind
            for kind, indexed in zip(self.signature.types, self._indexed, strict=True)
            if not indexed
        )

    def arguments(self, topics: list[bytes], data: bytes) -> dict[str, object]:
        in_topics = iter(topics)
        in_data = iter(decode(self._data_types, data))
        return {
            name: _from_topic(kind, next(in_topics)) if indexed else next(in_data)
            for name, kind, indexed in zip(
                self.signature.names, self.signature.types, self._indexed, strict=True
            )
        }


def _from_topic(kind: str, topic: bytes) -> object:
    if kind in ("string", "bytes") or kind.endswith(("]", ")")):
        return topic  # what doesn't fit a word stands there as its hash
    return decode((kind,), topic)[0]


def _read_abi(path: Path) -> ABI:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Artifact).abi
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path} is missing", hint="build the contracts: brownie compile"
        ) from error
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{path}: {error}", hint="delete build/, compile again") from error
