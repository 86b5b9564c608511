"""Deploys Peerwatt: `brownie run deploy`, and `deploy_system` for tests.

    brownie run deploy                             to the testnet that runs on this machine
    brownie run deploy main <file>                 and saves the addresses elsewhere
    brownie run deploy --network <one of yours>    to a real chain; asks before it sends anything

On a real chain the deployer is the brownie account that `PEERWATT_DEPLOYER` names, and
`PEERWATT_OPERATOR`, `PEERWATT_AUDITOR`, `PEERWATT_TREASURER` and `PEERWATT_TREASURY` are addresses.

`ACCESS` is the whole table of who may do what; `docs/access.md` says it in words.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import astuple, dataclass
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

from app.errors import NonceError
from app.ledger.types import Terms

ROOT = Path(__file__).resolve().parents[1]
DEVELOPMENT_CHAINS = (1337, 31337)
MNEMONIC = "test test test test test test test test test test test junk"

# No contract that a chain accepts (24 kB) needs more; saves a slow estimate each.
DEPLOYMENT_GAS = 8_000_000


Holder: TypeAlias = Account | LocalAccount | str

# Deployer, operator, auditor, treasurer, treasury
People: TypeAlias = tuple[LocalAccount, Holder, Holder, Holder, Holder]


class Role(IntEnum):
    """Roles of the Authority, by their ids."""

    ADMIN = 0  # the consortium; until it exists, the deployer
    OPERATOR = 1
    AUDITOR = 2
    TREASURER = 3


# Role -> contract -> functions. What is restricted and not named here is the ADMIN's.
ACCESS: Mapping[Role, Mapping[str, tuple[str, ...]]] = {
    Role.ADMIN: {
        "EnergyMarket": ("setTermLimits", "setTreasury", "setVenue"),
        "CallAuction": ("setPricingRule",),
    },
    Role.OPERATOR: {"EnergyMarket": ("publishTerms", "setDefaultTerms", "pause", "unpause")},
    Role.AUDITOR: {"MeterRegistry": ("certify", "revoke")},
    Role.TREASURER: {"PaymentToken": ("mint", "burn")},
}


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


@dataclass(frozen=True, slots=True)
class System:
    """The contracts of one deployment, and the block that it began in."""

    authority: ProjectContract
    forwarder: ProjectContract
    payment_token: ProjectContract
    energy_token: ProjectContract
    registry: ProjectContract
    market: ProjectContract
    auction: ProjectContract
    first_block: int

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
        }


def deploy_system(
    deployer: Account | LocalAccount,
    *,
    operator: Holder,
    auditor: Holder,
    treasurer: Holder,
    treasury: Holder,
    terms: Terms = DEFAULT_TERMS,
    limits: TermLimits = DEFAULT_LIMITS,
) -> System:
    """Deploys all contracts, writes the access table and admits the auction: in eight transactions.

    `treasury` is the account that buys and sells for the grid; the others are who gets the role of
    that name. `deployer` pays, and keeps the ADMIN role.
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
    registry = deploy("MeterRegistry", authority, energy_token)
    market = deploy(
        "EnergyMarket",
        authority,
        forwarder,
        payment_token,
        energy_token,
        registry,
        treasury,
        astuple(terms),
        astuple(limits),
    )
    auction = deploy("CallAuction", authority, forwarder, market)
    if registry != registry_address or market != market_address:
        raise NonceError("the deployer sent something else meanwhile", hint="deploy again")

    system = System(
        authority, forwarder, payment_token, energy_token, registry, market, auction, first_block
    )
    holders = {Role.OPERATOR: operator, Role.AUDITOR: auditor, Role.TREASURER: treasurer}
    deployer.transfer(
        cast(Account, authority),
        data=authority.multicall.encode_input([*access_calls(system, holders), venue_call(system)]),
        gas_limit=DEPLOYMENT_GAS,
        silent=True,
    )
    return system


def access_calls(system: System, holders: Mapping[Role, Holder]) -> list[str]:
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
    for role, holder in holders.items():
        calls.append(authority.grantRole.encode_input(role, holder, 0))
    return calls


def venue_call(system: System) -> str:
    """The call to the Authority that lets the market take the auction's fills."""
    admission = system.market.setVenue.encode_input(system.auction, True)
    call: str = system.authority.execute.encode_input(system.market, admission)
    return call


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
    print(f"Network {show_active()}, chain id {chain.id}, at {CONFIG.active_network['host']}")
    deployer, operator, auditor, treasurer, treasury = (
        _development_people() if chain.id in DEVELOPMENT_CHAINS else _named_people()
    )
    system = deploy_system(
        deployer, operator=operator, auditor=auditor, treasurer=treasurer, treasury=treasury
    )
    target = Path(path) if path else ROOT / f"deployments/{chain.id}.json"
    save(system, target)
    for name, contract in system.contracts.items():
        print(f"{name:<14} {contract.address}")
    print(f"Saved to {target}")
    return system


def _development_people() -> People:
    first, *others = cast(list[LocalAccount], accounts.from_mnemonic(MNEMONIC, count=5))
    operator, auditor, treasurer, treasury = others
    return first, operator, auditor, treasurer, treasury


def _named_people() -> People:
    deployer = cast(LocalAccount, accounts.load(_setting("PEERWATT_DEPLOYER")))
    people = (
        deployer,
        _setting("PEERWATT_OPERATOR"),
        _setting("PEERWATT_AUDITOR"),
        _setting("PEERWATT_TREASURER"),
        _setting("PEERWATT_TREASURY"),
    )
    if input(f"Deploy from {deployer}, who will be ADMIN? Type yes: ") != "yes":
        sys.exit("Nothing was deployed")
    return people


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set: a chain that is not for development needs it")
    return value
