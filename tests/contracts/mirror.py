"""The deployed contracts behind the seams of the model's tests: the same calls, the same books."""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple, dataclass, is_dataclass
from enum import IntEnum
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from brownie import accounts, chain, web3
from eth_abi import decode
from eth_hash.auto import keccak
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address

from app.chain.keys import AUDITORS, TREASURERS
from app.errors import ContractRevertedError
from app.ledger.model import (
    Contracts,
    Genesis,
    ModelClock,
    ModelKeys,
    ModelLedger,
    TermLimits,
)
from app.ledger.model import Role as ModelRole
from app.ledger.model.contract import ZERO_ADDRESS
from app.ledger.types import (
    Account,
    Address,
    Agreement,
    AgreementState,
    Book,
    BookState,
    EnergyTotals,
    Event,
    Lapses,
    MeterKind,
    Offer,
    Order,
    Position,
    RecordedReading,
    Reserve,
    Side,
    Terms,
    Withdrawal,
    WithdrawalState,
)
from scripts.deploy import QUICK_RULES, Role, System, deploy_system
from scripts.deploy import People as Officers
from tests.contracts.conftest import entrust, founders
from tests.contracts.signing import key
from tests.ledger.books import Supplies
from tests.ledger.calls import Call
from tests.ledger.random_day import People, Resident

HOUSEHOLDS_FROM = 20
METERS_FROM = 120
GAS_LIMIT = 25_000_000


def chain_people(households: int = 5) -> People:
    """The development accounts in their roles; the last resident owns the battery."""

    def resident(number: int, kind: MeterKind = MeterKind.HOUSEHOLD) -> Resident:
        return Resident(
            accounts[HOUSEHOLDS_FROM + number].address, key(METERS_FROM + number).address, kind
        )

    return People(
        residents=(
            *(resident(number) for number in range(households)),
            resident(households, MeterKind.STORAGE),
        ),
        newcomer=resident(households + 1),
        outsider=accounts[HOUSEHOLDS_FROM + households + 2].address,
        members=accounts[0].address,
        operator=accounts[1].address,
        auditors=tuple(accounts[number].address for number in AUDITORS),
        treasurers=tuple(accounts[number].address for number in TREASURERS),
        treasury=accounts[4].address,
        keeper=accounts[6].address,
    )


def lively_system() -> System:
    """Contracts to which nothing has happened yet: the street moves in by itself.

    One account decides for the members, whose votes have tests of their own.
    """
    people = Officers(
        operator=accounts[1],
        auditors=[accounts[number] for number in AUDITORS],
        treasurers=[accounts[number] for number in TREASURERS],
        treasury=accounts[4],
        members=founders(),
    )
    system = deploy_system(accounts[0], people, rules=QUICK_RULES)
    # A member may propose from the second after its admission on.
    chain.mine(timestamp=int(chain[-1]["timestamp"]) + 1)
    entrust(system, Role.ADMIN, accounts[0])
    return system


def model_of(system: System, people: People) -> tuple[ModelLedger, ModelClock]:
    """A model of a system to which nothing has happened since its deployment."""
    keys = ModelKeys()
    for number in (*range(HOUSEHOLDS_FROM + 10), *range(METERS_FROM, METERS_FROM + 10)):
        keys.add(bytes(key(number).key))
    clock = ModelClock(chain.time())
    genesis = Genesis(
        contracts=Contracts(
            energy_token=system.energy_token.address,
            payment_token=system.payment_token.address,
            meter_registry=system.registry.address,
            energy_market=system.market.address,
            call_auction=system.auction.address,
            bank=system.treasury.address,
            authority=system.authority.address,
        ),
        roles={
            ModelRole.MEMBERS: frozenset({people.members}),
            ModelRole.OPERATOR: frozenset({people.operator}),
            ModelRole.AUDITOR: frozenset(people.auditors),
            ModelRole.TREASURER: frozenset(people.treasurers),
            ModelRole.MINTER: frozenset({system.treasury.address}),
        },
        treasury=people.treasury,
        default_terms=Terms(*system.market.defaultTerms()),
        term_limits=TermLimits(*system.market.termLimits()),
        chain_id=chain.id,
        deposit_threshold=system.treasury.threshold(),
        audit_threshold=system.registry.threshold(),
        daily_limit=system.treasury.dailyLimit(),
    )
    return ModelLedger(clock, keys, genesis), clock


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a transaction: its result and events, or its custom error."""

    timestamp: int
    block_number: int
    events: tuple[Event, ...] = ()
    refusal: ContractRevertedError | None = None


class Mirror:
    """Runs calls on the chain and tells what came of them in the model's words.

    It speaks to the node directly: brownie's own way takes several requests for each of ours.
    """

    def __init__(self, system: System) -> None:
        self._contracts = system.contracts
        self._names = {contract.address: name for name, contract in system.contracts.items()}
        self._events: dict[tuple[str, bytes], dict[str, Any]] = {}
        self._errors: dict[tuple[str, bytes], dict[str, Any]] = {}
        for name, contract in system.contracts.items():
            for entry in contract.abi:
                if entry["type"] == "event":
                    self._events[name, hash_of(entry)] = entry
                elif entry["type"] == "error":
                    self._errors[name, hash_of(entry)[:4]] = entry

    def send(self, call: Call) -> Outcome:
        """Sends a transaction, which is mined at once.

        Ganache keeps to itself why a transaction failed, but not why a call did: hence the replay.
        """
        answer = ask("eth_sendTransaction", self._request(call))
        failed = "error" in answer
        transaction_hash = answer["error"]["data"]["hash"] if failed else answer["result"]
        receipt = ask("eth_getTransactionReceipt", transaction_hash)["result"]
        block = ask("eth_getBlockByNumber", receipt["blockNumber"], False)["result"]
        block_number = int(receipt["blockNumber"], 16)
        return Outcome(
            timestamp=int(block["timestamp"], 16),
            block_number=block_number,
            events=tuple(self._event(log) for log in receipt["logs"]),
            refusal=self._refusal(call, block_number - 1) if failed else None,
        )

    def result_at(self, call: Call, block_number: int) -> object:
        """What a call returns, as if it were the first after a block."""
        answer = ask("eth_call", self._request(call), hex(block_number))
        return returned(self._function(call), answer)

    def _function(self, call: Call) -> Any:
        return getattr(self._contracts[call.contract], call.function)

    def _request(self, call: Call) -> dict[str, str]:
        return {
            "from": call.sender,
            "to": self._contracts[call.contract].address,
            "data": self._function(call).encode_input(*map(encoded, call.arguments)),
            "gas": hex(GAS_LIMIT),
            "gasPrice": hex(2 * 10**9),
        }

    def _refusal(self, call: Call, block_number: int) -> ContractRevertedError:
        answer = ask("eth_call", self._request(call), hex(block_number))
        raw = bytes.fromhex(answer["error"]["data"].removeprefix("0x"))
        # An error of the called contract itself, or of one that it called.
        contracts = (call.contract, *self._contracts)
        contract = next(name for name in contracts if (name, raw[:4]) in self._errors)
        entry = self._errors[contract, raw[:4]]
        arguments = decoded(entry["inputs"], raw[4:])
        return ContractRevertedError(entry["name"], arguments, contract=contract)

    def _event(self, log: dict[str, Any]) -> Event:
        topics = [bytes.fromhex(topic.removeprefix("0x")) for topic in log["topics"]]
        contract = self._names[to_checksum_address(log["address"])]
        entry = self._events[contract, topics[0]]
        indexed = [member for member in entry["inputs"] if member["indexed"]]
        others = [member for member in entry["inputs"] if not member["indexed"]]
        arguments = {
            **decoded(indexed, b"".join(topics[1:])),
            **decoded(others, bytes.fromhex(log["data"].removeprefix("0x"))),
        }
        return Event(contract, entry["name"], arguments, int(log["logIndex"], 16))


def ask(method: str, *parameters: object) -> Any:
    """The node's answer: a JSON-RPC response with `result` or `error`."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    # A connection a request: the node closes those that it finds idle, whoever means to use them.
    with closing(HTTPConnection(urlsplit(web3.provider.endpoint_uri).netloc, timeout=60)) as line:
        line.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(line.getresponse().read())


def read(function: Any, *arguments: object) -> Any:
    """What a view returns."""
    request = {"to": function._address, "data": function.encode_input(*arguments)}
    return returned(function, ask("eth_call", request, "latest"))


def returned(function: Any, answer: Any) -> Any:
    """What a call returned, decoded; a tuple if it is more than one thing."""
    data = bytes.fromhex(answer["result"].removeprefix("0x"))
    values = tuple(decoded(function.abi["outputs"], data).values())
    return values[0] if len(values) == 1 else values


def hash_of(entry: dict[str, Any]) -> bytes:
    """Hash of an ABI entry's signature."""
    types = ",".join(collapse_if_tuple(member) for member in entry["inputs"])
    return keccak(f"{entry['name']}({types})".encode())


def decoded(members: list[dict[str, Any]], data: bytes) -> dict[str, Any]:
    """ABI-encoded members by their names (or numbers), addresses checksummed."""
    types = [collapse_if_tuple(member) for member in members]
    return {
        member["name"] or str(number): checksummed(value)
        for number, (member, value) in enumerate(zip(members, decode(types, data), strict=True))
    }


def checksummed(value: Any) -> Any:
    """The value with the addresses in it checksummed."""
    if isinstance(value, tuple):
        return tuple(checksummed(item) for item in value)
    if isinstance(value, str) and len(value) == 42 and value.startswith("0x"):
        return to_checksum_address(value)
    return value


def encoded(value: object) -> object:
    """An argument as brownie takes it."""
    if isinstance(value, IntEnum):
        return int(value)
    if is_dataclass(value) and not isinstance(value, type):
        return tuple(encoded(member) for member in astuple(value))
    if isinstance(value, tuple):
        return [encoded(item) for item in value]
    return value


class ChainBooks:
    """The books of the deployed contracts."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.market: Address = system.market.address
        self.bank: Address = system.treasury.address

    def account(self, holder: Address) -> Account:
        return Account(*read(self._system.market.accountOf, holder))

    def claim(self, holder: Address) -> int:
        return int(read(self._system.market.claimOf, holder))

    def energy(self, holder: Address) -> int:
        return int(read(self._system.energy_token.balanceOf, holder))

    def payment(self, holder: Address) -> int:
        return int(read(self._system.payment_token.balanceOf, holder))

    def supplies(self) -> Supplies:
        energy, payment = self._system.energy_token, self._system.payment_token
        return Supplies(
            read(energy.totalSupply),
            EnergyTotals(*read(energy.energyTotals)),
            read(payment.totalSupply),
            read(payment.depositedTotal),
            read(payment.withdrawnTotal),
        )

    def terms(self, window: int) -> Terms:
        return Terms(*read(self._system.market.termsOf, window))

    def offers(self, window: int) -> list[Offer]:
        return [Offer(*offer) for offer in read(self._system.market.getOffers, window, 0, 256)[0]]

    def orders(self, order_ids: Sequence[int]) -> list[Order]:
        records = read(self._system.auction.getOrders, list(order_ids))
        return [
            Order(number, owner, Side(side), *rest)
            for number, owner, side, *rest in records
            if owner != ZERO_ADDRESS
        ]

    def book(self, window: int) -> Book:
        buys, sells, state = read(self._system.auction.bookOf, window)
        return Book(buys, sells, BookState(state))

    def state(self, agreement: Agreement) -> AgreementState:
        market = self._system.market
        digest = read(market.hashAgreement, astuple(agreement))
        return AgreementState(read(market.agreementState, digest))

    def position(self, participant: Address, window: int) -> Position:
        return Position(*read(self._system.market.positionOf, participant, window))

    def reading(self, owner: Address, window: int) -> RecordedReading:
        return RecordedReading(*read(self._system.registry.readingOf, owner, window))

    def lapses(self, participant: Address, window: int) -> Lapses:
        return Lapses(*read(self._system.market.lapsesOf, participant, window, 1))

    def reserve(self) -> Reserve:
        bank = self._system.treasury
        return Reserve(
            *read(bank.reserve),
            read(self._system.payment_token.totalSupply),
            read(bank.threshold),
            read(bank.dailyLimit),
            read(bank.leftToday),
        )

    def withdrawal(self, withdrawal_id: int) -> Withdrawal:
        found = read(self._system.treasury.withdrawalOf, withdrawal_id)
        holder, requested_at, state, *rest = found
        return Withdrawal(holder, requested_at, WithdrawalState(state), *rest)
