"""Opens the parts of a market, innermost first, and closes them in reverse.

The one place that knows them all: node, contracts, ledger, clock, index, agents, gateway.
"""

import asyncio
import secrets
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import URL

from app.agents.devices.batches import anchored_reading
from app.agents.directory import Directory, Offices, directory_of
from app.agents.enrolment import bring_money
from app.agents.governance.council import Chamber
from app.agents.observer import NegotiationMessage, Observer, SilentObserver
from app.agents.private.access import PrivateAccess
from app.agents.street import Street, StreetOptions
from app.api.about import About
from app.api.app import private_relay
from app.api.services import GatewaySettings, Services
from app.chain.clock import ChainClock, MarketClock, PacedClock, WaitingClock
from app.chain.deployment import Deployment, Voting, deploy
from app.chain.keys import (
    AUDITORS,
    DEVELOPMENT_CHAINS,
    FIRST_HOUSEHOLD,
    KEEPER,
    MAX_HOUSEHOLDS,
    OPERATOR,
    RELAYER,
    TREASURERS,
    TREASURY,
    Keystore,
    development_address,
    development_wallet_seed,
    household_address,
    meter_address,
)
from app.chain.node import EmbeddedNode, NodeKind
from app.chain.reader import BlockReader
from app.chain.rpc import Rpc
from app.errors import ConfigurationError, ScenarioError
from app.index.journal import Message, MessageJournal
from app.index.market_index import MarketIndex
from app.ledger.anchors import recorded_reading
from app.ledger.chain import ChainLedger
from app.ledger.consortium import Consortium
from app.ledger.model import ModelClock, ModelLedger
from app.ledger.private import PrivateLedger
from app.ledger.private_calls import PRIVATE_MARKET
from app.ledger.private_relay import PrivateRelay
from app.ledger.relayer import Relayer
from app.ledger.types import Address, Reading, Receipt
from app.market.units import MONEY_UNIT
from app.privacy.keys import Wallet
from app.scenario.record import RunRecord
from app.scenario.scenario import Scenario, load_profiles

PURSE = 10 * MONEY_UNIT


@dataclass(frozen=True, slots=True)
class ChainOptions:
    """Which chain a market lives on.

    `rpc` is a node that runs already; without it one of kind `node` is started. With `data_dir` the
    chain stays there and goes on the next time. `speed` is market seconds per real second; None is
    as fast as the machine can. `voting` is how long the members' votes take where the contracts are
    deployed, and `private` says whether private trading is deployed with them.
    """

    node: NodeKind = "ganache"
    rpc: str | None = None
    data_dir: Path | None = None
    speed: float | None = None
    voting: Voting = "quick"
    private: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain with the market's contracts on it. `folder` lasts as long as the chain is open.

    `private` and its relay are None where private trading was not deployed, or where nobody's keys
    are here.
    """

    folder: Path
    ledger: ChainLedger
    clock: MarketClock
    keys: Keystore | None
    private: PrivateLedger | None = None
    private_relay: PrivateRelay | None = None


@asynccontextmanager
async def open_chain(options: ChainOptions, start_time: int) -> AsyncIterator[Chain]:
    """Starts or finds a node, deploys the contracts where they are not there, and connects.

    `start_time` is the time of a new chain. On a chain that is not for development the contracts
    have to be there, and no keys are: only users' own signatures count.
    """
    with _folder(options.data_dir) as folder:
        if options.rpc is not None:
            async with _connect(options, options.rpc, folder) as chain:
                yield chain
            return
        kept = options.data_dir
        async with (
            EmbeddedNode(options.node, data_dir=kept, start_time=start_time) as node,
            _connect(options, node.url, folder) as chain,
        ):
            yield chain


@asynccontextmanager
async def open_street(
    chain: Chain,
    scenario: Scenario,
    observer: Observer | None = None,
    folder: Path | None = None,
    *,
    governed: bool = False,
) -> AsyncIterator[Street]:
    """The agents of a scenario on a development chain.

    In a `governed` street members, treasurers and auditors do their part, too.
    """
    directory = development_directory(scenario)
    options = StreetOptions(
        folder=folder,
        chamber=chamber_of(chain.ledger) if governed else None,
        private=private_access(chain, directory) if scenario.privacy else None,
    )
    async with Street(
        scenario,
        load_profiles(scenario),
        chain.ledger,
        chain.clock,
        directory,
        observer,
        options,
    ) as street:
        yield street


@asynccontextmanager
async def open_model_street(scenario: Scenario, record: RunRecord) -> AsyncIterator[Street]:
    """The agents of a scenario on the model of the contracts: no chain, no gas."""
    clock = ModelClock(scenario.opening)
    ledger, accounts = ModelLedger.for_development(clock)
    directory = directory_of(
        scenario,
        Offices(
            operator=accounts.operator,
            auditors=accounts.auditors,
            treasurers=accounts.treasurers,
            treasury=accounts.treasury,
            keeper=accounts.keeper,
            members=accounts.members,
        ),
        account_of=lambda number: ledger.keys.account(f"household {number}"),
        meter_of=lambda number: ledger.keys.account(f"meter {number}"),
    )
    async with Street(
        scenario, load_profiles(scenario), ledger, clock, directory, ReceiptCounter(record)
    ) as street:
        yield street


@asynccontextmanager
async def open_index(chain: Chain, url: URL) -> AsyncIterator[MarketIndex]:
    """The chain's events in SQL, followed as they come."""
    ledger = chain.ledger
    reader = BlockReader(ledger.rpc, ledger.deployment, ledger.contracts)
    async with MarketIndex.open(url, reader) as index:
        yield index


def chamber_of(ledger: ChainLedger) -> Chamber:
    """What a street's council needs of a chain."""

    async def anchored(owner: Address, window: int) -> Reading | None:
        event = await recorded_reading(ledger, owner, window)
        return anchored_reading(event) if event is not None else None

    return Chamber(Consortium(ledger), anchored)


def private_access(chain: Chain, directory: Directory) -> PrivateAccess:
    """What a street's agents need to trade in private on a development chain.

    Raises ConfigurationError where private trading was not deployed.
    """
    if chain.private is None or chain.private_relay is None or chain.keys is None:
        raise ConfigurationError(
            "there is no private trading on this chain",
            hint="privacy: on needs a chain of its own, or one deployed by deploy_privacy",
        )
    numbers = {
        member.account: FIRST_HOUSEHOLD + number for number, member in enumerate(directory.members)
    }
    return PrivateAccess(
        chain.private,
        chain.private_relay,
        Consortium(chain.ledger),
        chain.keys,
        lambda account: Wallet(development_wallet_seed(numbers[account])),
    )


def services_of(
    chain: Chain,
    index: MarketIndex,
    *,
    street: Street | None = None,
    about: About | None = None,
    speed: float | None = None,
) -> Services:
    """What the gateway stands on."""
    if chain.keys is None:
        raise ConfigurationError(
            "the gateway has no account that pays for relayed calls on this chain",
            hint="run it on a development chain",
        )
    return Services(
        ledger=chain.ledger,
        index=index,
        clock=chain.clock,
        relayer=Relayer(chain.ledger, development_address(RELAYER)),
        development=chain.keys,
        street=street,
        private=chain.private,
        private_relay=chain.private_relay,
        about=about or About(),
        speed=speed or 0.0,
    )


async def fill_purses(chain: Chain, directory: Directory) -> None:
    """Gives the members some money outside the market, with which a visitor can try a deposit."""
    for member in directory.members:
        if await chain.ledger.payment_balance_of(member.account) == 0:
            treasurers, reference = directory.offices.treasurers, secrets.token_bytes(32)
            await bring_money(chain.ledger, treasurers, member.account, PURSE, reference)


def development_directory(scenario: Scenario) -> Directory:
    """The development accounts under which a scenario's members and offices act.

    Raises ScenarioError for more members than there are such accounts.
    """
    count = len(scenario.participants) + (scenario.community_battery is not None)
    if count > MAX_HOUSEHOLDS:
        rule = f"must be at most {MAX_HOUSEHOLDS} on a chain, with the battery"
        raise ScenarioError("participants.from", rule, count, hint="more run with --ledger model")
    offices = Offices(
        operator=development_address(OPERATOR),
        auditors=tuple(map(development_address, AUDITORS)),
        treasurers=tuple(map(development_address, TREASURERS)),
        treasury=development_address(TREASURY),
        keeper=development_address(KEEPER),
        members=household_address(0),
    )
    return directory_of(scenario, offices, household_address, meter_address)


class ReceiptCounter(SilentObserver):
    """Counts the street's own writes, on a ledger that tells nobody of them."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    def receipt(self, receipt: Receipt) -> None:
        self._record.observe(receipt)


class MessageWriter(SilentObserver):
    """Puts what agents say into the index's journal, under the accounts that the page knows."""

    def __init__(self, journal: MessageJournal, directory: Directory) -> None:
        self._journal = journal
        self._accounts = {member.name: member.account for member in directory.members}

    def message(self, message: NegotiationMessage) -> None:
        self._journal.record(
            Message(
                conversation_id=message.conversation_id,
                window=message.window,
                sender=self._accounts.get(message.sender, message.sender),
                receiver=self._accounts.get(message.receiver, message.receiver),
                performative=message.performative,
                offer_id=message.offer_id,
                energy_wh=message.energy_wh,
                price=message.price,
                at=message.at,
            )
        )


class GatewayServer(uvicorn.Server):
    """Serves the gateway until it is cancelled. Signals are left to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; raises ConfigurationError where the port is taken."""
    try:
        return socket.create_server((host, port), backlog=128, reuse_port=False)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen at {host}:{port}: {error.strerror}",
            hint="end what listens there, or choose another --port",
        ) from error


async def serve(app: FastAPI, server_socket: socket.socket) -> None:
    """Serves until cancelled; then open connections have a second to end."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="on"
    )
    server = GatewayServer(config)
    serving = asyncio.create_task(server.serve(sockets=[server_socket]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


@asynccontextmanager
async def _connect(options: ChainOptions, url: str, folder: Path) -> AsyncIterator[Chain]:
    rpc = Rpc(url)
    try:
        chain_id = int(await rpc.read("eth_chainId"), 16)
        is_development = chain_id in DEVELOPMENT_CHAINS
        deployment = await _deployment(options, rpc, url, chain_id, folder)
        keys = Keystore.development(chain_id) if is_development else None
        clock: MarketClock = await ChainClock.start(rpc) if is_development else WaitingClock()
        if options.speed is not None and is_development:
            clock = PacedClock(clock, options.speed)
        ledger = await ChainLedger.connect(url, deployment, keys or Keystore(()), clock=clock)
        async with ledger:
            is_private = PRIVATE_MARKET in ledger.contracts
            private = await PrivateLedger.connect(ledger) if is_private else None
            yield Chain(folder, ledger, clock, keys, private, _private_relay(private, keys))
    finally:
        await rpc.close()


def _private_relay(private: PrivateLedger | None, keys: Keystore | None) -> PrivateRelay | None:
    """One for gateway and agents, so that what comes at the same time can go together."""
    if private is None or keys is None:
        return None
    return private_relay(private, development_address(RELAYER), GatewaySettings(), time.monotonic)


async def _deployment(
    options: ChainOptions, rpc: Rpc, url: str, chain_id: int, folder: Path
) -> Deployment:
    """The contracts that are there, or, on a development chain, new ones."""
    path = folder / "deployment.json"
    if options.rpc is not None:
        try:
            saved = Deployment.of_chain(chain_id)
            await saved.check(rpc)
            return saved
        except ConfigurationError:
            if chain_id not in DEVELOPMENT_CHAINS:
                raise
    elif path.exists():
        return Deployment.load(path)
    return await deploy(url, path, voting=options.voting, private=options.private)


@contextmanager
def _folder(data_dir: Path | None) -> Iterator[Path]:
    """The data folder, or one that lasts as long as the process."""
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True)
        yield data_dir
        return
    with tempfile.TemporaryDirectory(prefix="peerwatt-") as name:
        yield Path(name)
