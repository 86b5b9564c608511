"""The deployed system, the people of a street, and the defaults of a trade."""

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from brownie import accounts, chain, web3
from brownie.network.account import Account
from web3.middleware import Web3Middleware

from app.ledger.types import MeterKind, Terms
from app.market.windows import commit_start, grace_end, window_at, window_end
from scripts.decide import Call, call_of, decide
from scripts.deploy import (
    DEVELOPMENT_MEMBERS,
    DEVELOPMENT_RESERVE,
    QUICK_RULES,
    People,
    Role,
    System,
    TermLimits,
    attest_reserve,
    deploy_system,
)
from tests.contracts.plain import plain
from tests.contracts.signing import (
    AGREEMENT,
    READING,
    Agreement,
    Correction,
    Reading,
    key,
    signed,
    values_of,
)

# Every test begins at this moment: ten past midnight, 2100-01-01.
NOW = 4_102_445_400
# Who the members put in office, by fixture.
OFFICES = ("admin", "minter", "treasurers", "auditors")
# The window that is traded, which begins fifty minutes later.
WINDOW = window_at(NOW) + 1
# The window that has just ended.
LAST_WINDOW = WINDOW - 2

FLOOR = 80_000
CEILING = 320_000
PENALTY = 50_000
LIMITS = TermLimits(min_grid_floor=10_000, max_grid_ceiling=1_000_000, max_penalty_rate=500_000)

DEPOSIT = 100_000_000
VALID_UNTIL = NOW + 365 * 24 * 3600

HOUSEHOLDS_FROM = 20
METERS_FROM = 120


# The system


@pytest.fixture(scope="session")
def system() -> System:
    system = deploy_system(
        accounts[0],
        people_of_the_street(),
        terms=Terms(FLOOR, CEILING, PENALTY),
        limits=LIMITS,
        rules=QUICK_RULES,
    )
    attest_reserve(system, accounts[2], DEVELOPMENT_RESERVE)
    # A member may propose from the second after its admission on.
    travel_to(int(chain[-1]["timestamp"]) + 1)
    return system


def people_of_the_street() -> People:
    """One person an office, so that a test of one function needs no second confirmation."""
    return People(
        operator=accounts[1],
        auditors=[accounts[2]],
        treasurers=[accounts[3]],
        treasury=accounts[4],
        members=founders(),
    )


def founders() -> list[Account]:
    """The first households, who are members from the deployment on."""
    return list(accounts[HOUSEHOLDS_FROM : HOUSEHOLDS_FROM + DEVELOPMENT_MEMBERS])


def entrust(system: System, role: Role, holder: Account) -> None:
    """Lets the members decide that somebody has a role, too."""
    grant = call_of(system.authority, "grantRole", role, holder, 0)
    decide(system, [grant], founders(), f"Let {holder} be {role.name}")


@pytest.fixture(scope="session")
def authority(system: System) -> Any:
    return system.authority


@pytest.fixture(scope="session")
def forwarder(system: System) -> Any:
    return system.forwarder


@pytest.fixture(scope="session")
def payment_token(system: System) -> Any:
    return system.payment_token


@pytest.fixture(scope="session")
def energy_token(system: System) -> Any:
    return system.energy_token


@pytest.fixture(scope="session")
def registry(system: System) -> Any:
    return system.registry


@pytest.fixture(scope="session")
def market(system: System) -> Any:
    return system.market


@pytest.fixture(scope="session")
def auction(system: System) -> Any:
    return system.auction


@pytest.fixture(scope="session")
def bank(system: System) -> Any:
    """The treasury contract, which is not the account that buys and sells for the grid."""
    return system.treasury


@pytest.fixture(scope="session")
def membership(system: System) -> Any:
    return system.membership


@pytest.fixture(scope="session")
def consortium(system: System) -> Any:
    return system.consortium


# People: who is who on a development chain


@pytest.fixture(scope="session")
def deployer() -> Account:
    """Who has deployed the system, and has no say in it."""
    return accounts[0]


@pytest.fixture
def admin(system: System) -> Account:
    """Somebody whom the members have entrusted with their own role, for this test.

    Thus a test of one function needs no vote for each call; the votes have tests of their own.
    """
    entrust(system, Role.ADMIN, accounts[9])
    return accounts[9]


@pytest.fixture
def minter(system: System) -> Account:
    """Somebody whom the members have let make and end tokens, in place of the treasury."""
    entrust(system, Role.MINTER, accounts[10])
    return accounts[10]


@pytest.fixture
def treasurers(system: System, treasurer: Account) -> list[Account]:
    """Three, of whom two have to confirm."""
    return [treasurer, *appoint(system, Role.TREASURER, system.treasury)]


@pytest.fixture
def auditors(system: System, auditor: Account) -> list[Account]:
    """Three, of whom two have to confirm."""
    return [auditor, *appoint(system, Role.AUDITOR, system.registry)]


def appoint(system: System, role: Role, contract: Any) -> list[Account]:
    """Lets the members give an office two people more, and two of the three confirm."""
    others = list(accounts[11:13])
    grants = [call_of(system.authority, "grantRole", role, one, 0) for one in others]
    decide(system, [*grants, call_of(contract, "setThreshold", 2)], founders())
    return others


@pytest.fixture(scope="session")
def members() -> list[Account]:
    """All members, among them the seller and the buyer."""
    return founders()


@pytest.fixture(scope="session")
def resolve(system: System, members: list[Account]) -> Callable[..., Any]:
    """Lets the members decide on calls; the receipt of their execution."""

    def resolve(*calls: Call, by: Sequence[Account] = members, description: str = "") -> Any:
        return decide(system, calls, by, description)

    return resolve


@pytest.fixture(scope="session")
def operator() -> Account:
    return accounts[1]


@pytest.fixture(scope="session")
def auditor() -> Account:
    return accounts[2]


@pytest.fixture(scope="session")
def treasurer() -> Account:
    return accounts[3]


@pytest.fixture(scope="session")
def treasury() -> Account:
    return accounts[4]


@pytest.fixture(scope="session")
def relayer() -> Account:
    return accounts[5]


@pytest.fixture(scope="session")
def keeper() -> Account:
    """Anybody, who submits readings and settles."""
    return accounts[6]


@pytest.fixture(scope="session")
def seller() -> Account:
    return accounts[HOUSEHOLDS_FROM]


@pytest.fixture(scope="session")
def buyer() -> Account:
    return accounts[HOUSEHOLDS_FROM + 1]


@pytest.fixture(scope="session")
def other_seller() -> Account:
    return accounts[HOUSEHOLDS_FROM + 2]


@pytest.fixture(scope="session")
def other_buyer() -> Account:
    return accounts[HOUSEHOLDS_FROM + 3]


@pytest.fixture(scope="session")
def battery() -> Account:
    """The owner of the community battery, whose meter is a storage's."""
    return accounts[HOUSEHOLDS_FROM + 4]


@pytest.fixture(scope="session")
def newcomer() -> Account:
    """A household with a certified meter and money in the bank that takes no part yet."""
    return accounts[HOUSEHOLDS_FROM + 5]


@pytest.fixture(scope="session")
def outsider() -> Account:
    """Somebody without a meter, a role or money."""
    return accounts[HOUSEHOLDS_FROM + 6]


# What has happened before every test


@pytest.fixture(scope="session")
def certify(registry: Any, auditor: Account) -> Callable[..., Any]:
    """Certifies the meter of a household."""

    def certify(
        owner: Account, kind: MeterKind = MeterKind.HOUSEHOLD, valid_until: int = VALID_UNTIL
    ) -> None:
        post(registry, "certify", meter_of(owner).address, owner, kind, valid_until, by=auditor)

    return certify


@pytest.fixture(scope="session")
def fund(payment_token: Any, bank: Any, market: Any, treasurer: Account) -> Callable[..., Any]:
    """Gives somebody payment tokens, which the market may take."""

    def fund(holder: Account, amount: int = DEPOSIT) -> None:
        reference = payment_token.depositedTotal().to_bytes(31, "big") + b"\x01"
        post(bank, "confirmDeposit", holder, amount, reference, by=treasurer)
        post(payment_token, "approve", market, 2**256 - 1, by=holder)

    return fund


@pytest.fixture(scope="session")
def enrol(market: Any, certify: Callable[..., Any], fund: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a household a participant with money in its account."""

    def enrol(
        household: Account, kind: MeterKind = MeterKind.HOUSEHOLD, deposit: int = DEPOSIT
    ) -> None:
        certify(household, kind)
        post(market, "publishInfo", info_of(household), by=household)
        fund(household, deposit)
        post(market, "deposit", deposit, by=household)

    return enrol


@pytest.fixture(scope="session")
def street(market, enrol, certify, fund, battery, newcomer, treasury):
    """Four households and a battery take part; the treasury has money."""
    for household in accounts[HOUSEHOLDS_FROM : HOUSEHOLDS_FROM + 4]:
        enrol(household)
    enrol(battery, MeterKind.STORAGE)
    certify(newcomer)
    fund(newcomer)
    fund(treasury, 10 * DEPOSIT)
    post(market, "deposit", 10 * DEPOSIT, by=treasury)


@pytest.fixture(scope="session")
def settled_memory(street: None) -> None:
    """Brownie collects garbage at every revert: let it not look at what is there to stay."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def fn_isolation(settled_memory: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test begins with the street at `NOW`, and leaves no trace.

    What members decide takes them a while: whoever a test needs is in office before that.
    Brownie's own fixture of this name would undo the deployment, too.
    """
    chain.snapshot()
    chosen = request.node.callspec.params.values() if hasattr(request.node, "callspec") else ()
    needed = [name for name in OFFICES if name in request.fixturenames or name in chosen]
    if needed and int(chain[-1]["timestamp"]) >= NOW:  # other systems have lived here before
        travel_to(NOW - 24 * 3600)
    for name in needed:
        request.getfixturevalue(name)
    travel_to(NOW)
    yield
    chain.revert()


# Time, keys, and the defaults of a trade


@pytest.fixture(scope="session", autouse=True)
def receipts_at_once() -> None:
    """Anvil names a transaction before it has mined it, and brownie looks again a second later."""
    if is_anvil():
        web3.middleware_onion.add(MinedMiddleware)


@pytest.fixture(scope="session")
def gas_of_ganache() -> None:
    """Anvil refunds less for slots that are cleared; the figures are Ganache's."""
    if is_anvil():
        pytest.skip("gas is counted on Ganache")


def is_anvil() -> bool:
    return bool(web3.client_version.startswith("anvil"))


class MinedMiddleware(Web3Middleware):
    """Waits for the receipt of what was sent."""

    def wrap_make_request(self, make_request: Callable[..., Any]) -> Callable[..., Any]:
        def make(method: str, parameters: Any) -> Any:
            answer = make_request(method, parameters)
            if method in ("eth_sendTransaction", "eth_sendRawTransaction") and "result" in answer:
                sent = [answer["result"]]
                while make_request("eth_getTransactionReceipt", sent)["result"] is None:
                    pass
            return answer

        return make


def travel_to(timestamp: int) -> None:
    """Mines a block at `timestamp`. Calls see this very second, transactions a later one."""
    chain.mine(timestamp=timestamp)


def post(contract: Any, function: str, *arguments: Any, by: Account) -> None:
    """Sends a transaction and asks for nothing more: for set-ups of hundreds."""
    web3.eth.send_transaction(
        {
            "from": by.address,
            "to": contract.address,
            "data": getattr(contract, function).encode_input(*arguments),
            "gas": 500_000,
        }
    )


def index_of(account: Account) -> int:
    """The number of a development account."""
    return list(accounts).index(account)


def meter_of(owner: Account) -> Any:
    """The key of a household's meter."""
    return key(index_of(owner) - HOUSEHOLDS_FROM + METERS_FROM)


def info_of(household: Account) -> tuple[str, bytes, str, bytes]:
    """What a household publishes about itself."""
    number = index_of(household) - HOUSEHOLDS_FROM
    return (
        f"mango://household-{number}",
        number.to_bytes(32, "big"),
        meter_of(household).address,
        b"",
    )


def reading_of(
    owner: Account,
    exported_wh: int = 0,
    imported_wh: int = 0,
    losses_wh: int = 0,
    *,
    window: int = WINDOW,
    data_root: bytes = b"\x0d" * 32,
) -> Reading:
    """What a household's meter has seen."""
    meter = meter_of(owner).address
    return Reading(meter, window, exported_wh, imported_wh, losses_wh, data_root)


@pytest.fixture(scope="session")
def sign_reading(registry: Any) -> Callable[..., bytes]:
    """The signature of the reading's meter, or of another key."""

    def sign(reading: Reading, signer: Any = None) -> bytes:
        meters = (key(METERS_FROM + i) for i in range(100))
        signer = signer or next(meter for meter in meters if meter.address == reading.meter)
        values = values_of(reading, READING)
        return signed(signer, registry, "Peerwatt MeterRegistry", READING, values)

    return sign


@pytest.fixture(scope="session")
def record(
    registry: Any, keeper: Account, sign_reading: Callable[..., bytes]
) -> Callable[..., Any]:
    """Submits what a household's meter has seen in a window that is over."""

    def record(owner: Account, *energies_wh: int, window: int = WINDOW) -> Any:
        reading = reading_of(owner, *energies_wh, window=window)
        return registry.submitReading(reading, sign_reading(reading), {"from": keeper})

    return record


@pytest.fixture
def doubt(registry: Any, auditors: list[Account]) -> Callable[..., Any]:
    """An auditor doubts the reading of a household."""

    def doubt(owner: Account, window: int = LAST_WINDOW, *, by: Account = auditors[0]) -> Any:
        return registry.doubtReading(owner, window, {"from": by})

    return doubt


@pytest.fixture
def confirm(registry: Any, auditors: list[Account]) -> Callable[..., Any]:
    """Auditors, by their numbers, confirm a held reading; the last transaction."""

    def confirm(owner: Account, *numbers: int, window: int = LAST_WINDOW) -> Any:
        for number in numbers:
            transaction = registry.confirmReading(owner, window, {"from": auditors[number]})
        return transaction

    return confirm


@pytest.fixture
def correct(registry: Any, auditors: list[Account]) -> Callable[..., Any]:
    """Auditors, by their numbers, correct a held reading alike; the last transaction."""

    def correct(correction: Correction, *numbers: int) -> Any:
        for number in numbers:
            transaction = registry.correctReading(correction, {"from": auditors[number]})
        return transaction

    return correct


def correction_of(
    owner: Account,
    exported_wh: int,
    imported_wh: int = 0,
    losses_wh: int = 0,
    *,
    window: int = LAST_WINDOW,
) -> Correction:
    """What the raw data batch of a window says in place of the meter."""
    return Correction(owner.address, window, exported_wh, imported_wh, losses_wh, b"\x0e" * 32)


@pytest.fixture(scope="session")
def sign(market: Any) -> Callable[..., bytes]:
    """The signature of the agreement's buyer, or of another key."""

    def sign(agreement: Agreement, signer: Any = None) -> bytes:
        signer = signer or key(index_of(accounts.at(agreement.buyer)))
        values = values_of(agreement, AGREEMENT)
        return signed(signer, market, "Peerwatt EnergyMarket", AGREEMENT, values)

    return sign


@pytest.fixture(scope="session")
def make_offer(market: Any, seller: Account) -> Callable[..., int]:
    """Makes an offer and returns its id."""

    def make_offer(
        energy_wh: int = 5_000,
        floor_price: int = 100_000,
        *,
        window: int = WINDOW,
        by: Account = seller,
    ) -> int:
        transaction = market.makeOffer(window, energy_wh, floor_price, {"from": by})
        return int(transaction.events["OfferMade"]["offerId"])

    return make_offer


@pytest.fixture(scope="session")
def account_of(market: Any) -> Callable[[Any], dict[str, int]]:
    """Somebody's money in the market: free, locked, debt."""

    def account_of(account: Any) -> dict[str, int]:
        return plain(market.accountOf(account))

    return account_of


@pytest.fixture(scope="session")
def indebt(market: Any, record: Callable[..., Any], keeper: Account) -> Callable[..., int]:
    """Lets a household consume in the last window more than it can pay; returns its debt."""

    def indebt(household: Account) -> int:
        record(household, 0, 1_000_000, window=LAST_WINDOW)
        market.closePosition(household, LAST_WINDOW, {"from": keeper})
        return int(market.accountOf(household)["debt"])

    return indebt


@pytest.fixture
def paused(market: Any, operator: Account) -> None:
    market.pause({"from": operator})


@pytest.fixture
def offer(make_offer: Callable[..., int]) -> int:
    """The seller's offer of 5 kWh for at least 0.10 a kWh."""
    return make_offer()


@pytest.fixture
def commit_phase(offer: int) -> None:
    """The margin before the window has begun."""
    travel_to(commit_start(WINDOW))


def agreement_on(offer_id: int, seller: Account, buyer: Account, **changes: Any) -> Agreement:
    """2 kWh of an offer for 0.20 a kWh."""
    window = offer_id >> 32
    agreement = Agreement(
        offer_id=offer_id,
        seller=seller.address,
        buyer=buyer.address,
        window=window,
        energy_wh=2_000,
        price=200_000,
        deadline=window * 3600,
        salt=1,
    )
    return agreement._replace(**changes)


@pytest.fixture
def agreement(offer: int, seller: Account, buyer: Account) -> Agreement:
    return agreement_on(offer, seller, buyer)


@pytest.fixture(scope="session")
def allow(market: Any, sign: Callable[..., bytes]) -> Callable[..., Any]:
    """Writes an agreement, in the commit margin."""

    def allow(agreement: Agreement) -> Any:
        seller = accounts.at(agreement.seller)
        return market.allowTransaction(agreement, sign(agreement), {"from": seller})

    return allow


@pytest.fixture
def open_agreement(
    agreement: Agreement, commit_phase: None, allow: Callable[..., Any]
) -> Agreement:
    """The agreement of seller and buyer, written; the window is about to begin."""
    allow(agreement)
    return agreement


@pytest.fixture
def window_over(open_agreement: Agreement) -> None:
    """The window of the agreement has ended; no reading is in."""
    travel_to(window_end(WINDOW))


@pytest.fixture
def grace_over(open_agreement: Agreement) -> None:
    """Nobody waits for readings of the window any longer."""
    travel_to(grace_end(WINDOW))
