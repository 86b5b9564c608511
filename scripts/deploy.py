"""Deploys Peerwatt: `brownie run deploy`, and `deploy_system` for tests.

    brownie run deploy                             to the testnet that runs on this machine
    brownie run deploy main <file>                 and saves the addresses elsewhere
    brownie run deploy --network <one of yours>    to a real chain; asks before it sends anything

On a real chain the deployer is the brownie account that `PEERWATT_DEPLOYER` names;
`PEERWATT_OPERATOR` and `PEERWATT_TREASURY` are addresses; `PEERWATT_AUDITORS`,
`PEERWATT_TREASURERS` and `PEERWATT_MEMBERS` (who found the consortium) are two or more, with commas
between them. On a chain for development `PEERWATT_VOTING` is `quick` or `demo`: how long a vote
takes.

`ACCESS` is the whole table of who may do what; `docs/access.md` says it in words.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import TypeAlias, cast

from brownie import accounts, chain
from brownie._config import CONFIG
from brownie.network.account import Account, LocalAccount
from brownie.network.contract import ProjectContract
from brownie.network.main import show_active
from brownie.project.main import get_loaded_projects
from brownie.typing import ContractName
from web3 import Web3

from app.chain.keys import (
    AUDITORS,
    DEPLOYER,
    FIRST_HOUSEHOLD,
    OPERATOR,
    TREASURERS,
    TREASURY,
    household_address,
)
from app.errors import NonceError
from app.ledger.consortium import VotingRules
from app.ledger.types import Terms

ROOT = Path(__file__).resolve().parents[1]
DEVELOPMENT_CHAINS = (1337, 31337)
MNEMONIC = "test test test test test test test test test test test junk"

# No contract that a chain accepts (24 kB) needs more; saves a slow estimate each.
DEPLOYMENT_GAS = 8_000_000

HOUR = 3600
DAY = 24 * HOUR
DEVELOPMENT_MEMBERS = 4

Holder: TypeAlias = Account | LocalAccount | ProjectContract | str


@dataclass(frozen=True, slots=True)
class People:
    """Who gets which role; `treasury` is the account that buys and sells for the grid."""

    operator: Holder
    auditors: Sequence[Holder]
    treasurers: Sequence[Holder]
    treasury: Holder
    members: Sequence[Holder]


class Role(IntEnum):
    """Roles of the Authority, by their ids."""

    ADMIN = 0  # the members, by vote
    OPERATOR = 1
    AUDITOR = 2
    TREASURER = 3
    MINTER = 4  # the treasury contract


# Role -> contract -> functions. What is restricted and not named here is the ADMIN's.
ACCESS: Mapping[Role, Mapping[str, tuple[str, ...]]] = {
    Role.ADMIN: {
        "EnergyMarket": ("setTermLimits", "setTreasury", "setVenue", "unpause"),
        "CallAuction": ("setPricingRule",),
        "Membership": ("admit", "expel", "setDelegationAllowed"),
        "MeterRegistry": ("setThreshold",),
        "Treasury": ("setThreshold", "setDailyLimit"),
    },
    Role.OPERATOR: {"EnergyMarket": ("publishTerms", "setDefaultTerms", "pause")},
    Role.AUDITOR: {
        "MeterRegistry": ("certify", "revoke", "doubtReading", "confirmReading", "correctReading"),
        "Treasury": ("attestReserve",),
    },
    Role.TREASURER: {"Treasury": ("confirmDeposit", "confirmPayout", "rejectWithdrawal")},
    Role.MINTER: {"PaymentToken": ("mint", "burn")},
}


# What the members may do by vote without asking the holder of the role.
MEMBERS_ROLES = (Role.ADMIN, Role.OPERATOR, Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class TermLimits:
    """Bounds for the operator's terms, in money per kWh."""

    min_grid_floor: int
    max_grid_ceiling: int
    max_penalty_rate: int


DEFAULT_TERMS = Terms(grid_floor=80_000, grid_ceiling=320_000, penalty_rate=50_000)
DEFAULT_LIMITS = TermLimits(
    min_grid_floor=10_000, max_grid_ceiling=1_000_000, max_penalty_rate=500_000
)


DEFAULT_RULES = VotingRules(
    voting_delay=DAY, voting_period=3 * DAY, execution_delay=DAY, quorum_percent=50
)
# For chains whose time is moved, or watched by somebody who waits.
QUICK_RULES = VotingRules(voting_delay=0, voting_period=60, execution_delay=30, quorum_percent=50)
# For streets that live through a day in some minutes, with members who are to see how it goes.
DEMO_RULES = VotingRules(
    voting_delay=0, voting_period=6 * HOUR, execution_delay=HOUR, quorum_percent=50
)
DEVELOPMENT_RULES: Mapping[str, VotingRules] = {"quick": QUICK_RULES, "demo": DEMO_RULES}


# How much money treasurers may make in a day: a million of the currency.
DEFAULT_DAILY_LIMIT = 1_000_000_000_000
DEVELOPMENT_RESERVE = 1_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class System:
    """The contracts of one deployment, and the block that it began in.

    `more` are those of an extension, by their Solidity names.
    """

    authority: ProjectContract
    forwarder: ProjectContract
    payment_token: ProjectContract
    energy_token: ProjectContract
    registry: ProjectContract
    market: ProjectContract
    auction: ProjectContract
    membership: ProjectContract
    consortium: ProjectContract
    treasury: ProjectContract
    first_block: int
    more: Mapping[str, ProjectContract] = field(default_factory=dict)

    @property
    def contracts(self) -> dict[str, ProjectContract]:
        """The contracts by their Solidity names."""
        return {
            "Authority": self.authority,
            "Forwarder": self.forwarder,
            "PaymentToken": self.payment_token,
            "EnergyToken": self.energy_token,
            "MeterRegistry": self.registry,
            "EnergyMarket": self.market,
            "CallAuction": self.auction,
            "Membership": self.membership,
            "Consortium": self.consortium,
            "Treasury": self.treasury,
            **self.more,
        }


@dataclass(frozen=True, slots=True)
class Added:
    """What an extension has deployed, and the calls to the Authority that open it."""

    contracts: Mapping[str, ProjectContract]
    authority_calls: Sequence[str]


Extension: TypeAlias = Callable[[Account | LocalAccount, System], Added]


def deploy_system(
    deployer: Account | LocalAccount,
    people: People,
    *,
    terms: Terms = DEFAULT_TERMS,
    limits: TermLimits = DEFAULT_LIMITS,
    rules: VotingRules = DEFAULT_RULES,
    daily_limit: int = DEFAULT_DAILY_LIMIT,
    extension: Extension | None = None,
) -> System:
    """Deploys all contracts, and hands them over to the founding members in one last transaction.

    `deployer` pays, and keeps no role. More than half of the auditors, and of the treasurers, have
    to confirm what needs several. An `extension` deploys what else there is to be before that.
    """
    containers = get_loaded_projects()[0]
    nonce = deployer.nonce
    # The tokens are linked for good to contracts that come after them.
    registry_address = deployer.get_deployment_address(nonce + 4)
    market_address = deployer.get_deployment_address(nonce + 5)

    def deploy(name: str, *args: object) -> ProjectContract:
        contract: ProjectContract = deployer.deploy(
            containers[ContractName(name)], *args, gas_limit=DEPLOYMENT_GAS, silent=True
        )
        return contract

    authority = deploy("Authority", deployer)
    first_block = chain.height
    forwarder = deploy("Forwarder")
    payment_token = deploy("PaymentToken", authority)
    energy_token = deploy("EnergyToken", registry_address, market_address)
    registry = deploy("MeterRegistry", authority, energy_token, majority_of(people.auditors))
    market = deploy(
        "EnergyMarket",
        authority,
        forwarder,
        payment_token,
        energy_token,
        registry,
        people.treasury,
        astuple(terms),
        astuple(limits),
    )
    auction = deploy("CallAuction", authority, forwarder, market)
    membership = deploy("Membership", authority)
    consortium = deploy("Consortium", authority, forwarder, membership, astuple(rules))
    treasury = deploy(
        "Treasury",
        authority,
        forwarder,
        payment_token,
        majority_of(people.treasurers),
        daily_limit,
    )
    if registry != registry_address or market != market_address:
        raise NonceError("the deployer sent something else meanwhile", hint="deploy again")

    system = System(
        authority,
        forwarder,
        payment_token,
        energy_token,
        registry,
        market,
        auction,
        membership,
        consortium,
        treasury,
        first_block,
    )
    opening: Sequence[str] = ()
    if extension is not None:
        added = extension(deployer, system)
        system, opening = replace(system, more=added.contracts), added.authority_calls
    holders: Mapping[Role, Sequence[Holder]] = {
        Role.OPERATOR: (people.operator,),
        Role.AUDITOR: people.auditors,
        Role.TREASURER: people.treasurers,
        Role.MINTER: (treasury,),
    }
    calls = [
        *access_calls(system, holders),
        *founding_calls(system, people.members),
        *opening,
        authority.renounceRole.encode_input(Role.ADMIN, deployer),
    ]
    deployer.transfer(
        cast(Account, authority),
        data=authority.multicall.encode_input(calls),
        gas_limit=DEPLOYMENT_GAS,
        silent=True,
    )
    return system


def majority_of(holders: Sequence[Holder]) -> int:
    """More than half of them, so that no two groups decide against each other."""
    return len(holders) // 2 + 1


def access_calls(system: System, holders: Mapping[Role, Sequence[Holder]]) -> list[str]:
    """The calls to the Authority that write `ACCESS` and give the roles to their `holders`."""
    authority = system.authority
    calls: list[str] = []
    for role, contracts in ACCESS.items():
        if role is not Role.ADMIN:  # the Authority lets nobody label it
            calls.append(authority.labelRole.encode_input(role, role.name))
        for name, functions in contracts.items():
            target = system.contracts[name]
            selectors = [getattr(target, function).signature for function in functions]
            calls.append(authority.setTargetFunctionRole.encode_input(target, selectors, role))
    for role, people in holders.items():
        calls += [authority.grantRole.encode_input(role, person, 0) for person in people]
    return calls


def founding_calls(system: System, members: Sequence[Holder]) -> list[str]:
    """The calls to the Authority that admit the founding members and the auction, and let the
    members decide.

    The founders' households are numbered from 1.
    """
    authority = system.authority
    admissions = [
        system.membership.admit.encode_input(member, number.to_bytes(32, "big"))
        for number, member in enumerate(members, 1)
    ]
    venue = system.market.setVenue.encode_input(system.auction, True)
    return [
        *(authority.execute.encode_input(system.membership, each) for each in admissions),
        authority.execute.encode_input(system.market, venue),
        *(authority.grantRole.encode_input(role, system.consortium, 0) for role in MEMBERS_ROLES),
    ]


def attest_reserve(system: System, auditor: Account | LocalAccount, amount: int) -> None:
    """Lets an auditor say what is in the bank. On a development chain nobody else would."""
    system.treasury.attestReserve(
        amount, Web3.keccak(text="development"), {"from": auditor, "silent": True}
    )


def save(system: System, path: Path) -> None:
    """Writes the addresses for whoever wants to talk to the contracts."""
    record = {
        "chainId": chain.id,
        "block": system.first_block,
        "contracts": {
            name: {"address": contract.address} for name, contract in system.contracts.items()
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n")


def main(path: str = "") -> System:
    """Deploys to the active network; saves to `deployments/<chain id>.json` or to `path`."""
    return deploy_and_save(path)


def deploy_and_save(path: str, extension: Extension | None = None) -> System:
    """Deploys to the active network, with an extension or without one, and saves the addresses."""
    print(f"Network {show_active()}, chain id {chain.id}, at {CONFIG.active_network['host']}")
    is_development = chain.id in DEVELOPMENT_CHAINS
    deployer, people = _development_people() if is_development else _named_people()
    system = deploy_system(
        deployer,
        people,
        rules=_development_rules() if is_development else DEFAULT_RULES,
        extension=extension,
    )
    if is_development:
        attest_reserve(system, cast(LocalAccount, people.auditors[0]), DEVELOPMENT_RESERVE)
    target = Path(path) if path else ROOT / f"deployments/{chain.id}.json"
    save(system, target)
    for name, contract in system.contracts.items():
        print(f"{name:<14} {contract.address}")
    print(f"Saved to {target}")
    return system


def _development_rules() -> VotingRules:
    chosen = os.environ.get("PEERWATT_VOTING", "quick")
    if chosen not in DEVELOPMENT_RULES:
        sys.exit(f"PEERWATT_VOTING is one of {', '.join(DEVELOPMENT_RULES)}, not {chosen}")
    return DEVELOPMENT_RULES[chosen]


def _development_people() -> tuple[LocalAccount, People]:
    known = cast(list[LocalAccount], accounts.from_mnemonic(MNEMONIC, count=FIRST_HOUSEHOLD))
    return known[DEPLOYER], People(
        operator=known[OPERATOR],
        auditors=[known[number] for number in AUDITORS],
        treasurers=[known[number] for number in TREASURERS],
        treasury=known[TREASURY],
        members=[household_address(number) for number in range(DEVELOPMENT_MEMBERS)],
    )


def _named_people() -> tuple[LocalAccount, People]:
    deployer = cast(LocalAccount, accounts.load(setting("PEERWATT_DEPLOYER")))
    people = People(
        operator=setting("PEERWATT_OPERATOR"),
        auditors=several("PEERWATT_AUDITORS"),
        treasurers=several("PEERWATT_TREASURERS"),
        treasury=setting("PEERWATT_TREASURY"),
        members=several("PEERWATT_MEMBERS"),
    )
    if input(f"Deploy from {deployer}? Type yes: ") != "yes":
        sys.exit("Nothing was deployed")
    return deployer, people


def several(name: str) -> list[str]:
    """The addresses that a setting names, at least two: one key alone shall decide nothing."""
    people = [Web3.to_checksum_address(person.strip()) for person in setting(name).split(",")]
    if len(people) < 2 or len(set(people)) < len(people):
        sys.exit(f"{name} has to name two or more, each of them once")
    return list(people)


def setting(name: str) -> str:
    """What a variable of the environment says; ends the script where it says nothing."""
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set: a chain that is not for development needs it")
    return value
