"""Deploys Peerwatt with private trading, or private trading beside what there is already.

    brownie run deploy_privacy                     as `brownie run deploy`, with private trading
    brownie run deploy_privacy main <file>         and saves the addresses elsewhere

On a real chain `PEERWATT_AUDITOR_KEY` is the public key of the auditors' committee: its x and y on
bn254, 128 hexadecimal digits. Everybody knows the secret of the one on a development chain.
"""

import sys
from collections.abc import Mapping
from dataclasses import astuple, dataclass

from brownie import chain
from brownie.network.account import Account, LocalAccount
from brownie.network.contract import ProjectContract
from brownie.project.main import get_loaded_projects
from brownie.typing import ContractName

from app.chain.keys import development_auditor_key
from app.errors import InputError
from app.privacy.bulletproofs import generators
from app.privacy.curve import Point, check_point
from app.privacy.transcript import pack
from scripts.deploy import (
    DEFAULT_TERMS,
    DEPLOYMENT_GAS,
    DEVELOPMENT_CHAINS,
    Added,
    Role,
    System,
    deploy_and_save,
    setting,
)

# What the operator may do by the Authority's table. Whoever may call the first says what was
# delivered.
OPERATED = ("makeTransaction", "pause")


@dataclass(frozen=True, slots=True)
class Verifiers:
    """The contracts that check proofs. They have no state: any number of pools may share them."""

    ring: ProjectContract
    spend: ProjectContract
    sigma: ProjectContract
    ranges: ProjectContract


@dataclass(frozen=True, slots=True)
class Band:
    """Bounds of all prices, in money per kWh."""

    floor: int
    ceiling: int


DEFAULT_BAND = Band(DEFAULT_TERMS.grid_floor, DEFAULT_TERMS.grid_ceiling)


@dataclass(frozen=True, slots=True)
class Privacy:
    """The contracts of private trading; the registry holds stealth meta-addresses (ERC-6538)."""

    verifiers: Verifiers
    announcer: ProjectContract
    registry: ProjectContract
    pool: ProjectContract
    market: ProjectContract

    @property
    def contracts(self) -> Mapping[str, ProjectContract]:
        """The contracts by their Solidity names."""
        return {
            "RingVerifier": self.verifiers.ring,
            "SpendVerifier": self.verifiers.spend,
            "SigmaVerifier": self.verifiers.sigma,
            "RangeVerifier": self.verifiers.ranges,
            "ERC5564Announcer": self.announcer,
            "ERC6538Registry": self.registry,
            "NotePool": self.pool,
            "PrivateMarket": self.market,
        }


def deploy_verifiers(deployer: Account | LocalAccount) -> Verifiers:
    """Deploys the verifiers and the table of generators."""
    base = generators()
    table = _deploy(deployer, "RangeGenerators", pack([base.u, *base.g, *base.h]))
    return Verifiers(
        ring=_deploy(deployer, "RingVerifier"),
        spend=_deploy(deployer, "SpendVerifier"),
        sigma=_deploy(deployer, "SigmaVerifier"),
        ranges=_deploy(deployer, "RangeVerifier", table),
    )


def deploy_privacy(
    deployer: Account | LocalAccount,
    system: System,
    auditor_key: Point,
    *,
    band: Band = DEFAULT_BAND,
) -> Privacy:
    """Deploys the note pool and the private market of a system.

    `operator_calls` then lets the operator say what was delivered, and pause trade.

    Args:
        deployer: pays, and keeps no role.
        system: whose members, tokens and Authority these are.
        auditor_key: public key that the handles are for.
        band: bounds of all prices.
    """
    verifiers = deploy_verifiers(deployer)
    announcer = _deploy(deployer, "ERC5564Announcer")
    registry = _deploy(deployer, "ERC6538Registry")
    pool = _deploy(deployer, "NotePool", system.payment_token, verifiers.spend, verifiers.ranges)
    parts = (system.membership, pool, verifiers.ring, verifiers.sigma, verifiers.ranges, announcer)
    market = _deploy(
        deployer,
        "PrivateMarket",
        system.authority,
        system.forwarder,
        parts,
        astuple(band),
        auditor_key,
    )
    return Privacy(verifiers, announcer, registry, pool, market)


def operator_calls(system: System, privacy: Privacy) -> list[tuple[ProjectContract, str]]:
    """The call to the Authority, for the members to decide, that gives the operator its part."""
    selectors = [getattr(privacy.market, function).signature for function in OPERATED]
    data = system.authority.setTargetFunctionRole.encode_input(
        privacy.market, selectors, Role.OPERATOR
    )
    return [(system.authority, data)]


def main(path: str = "") -> System:
    """Deploys the whole system and private trading to the active network, and saves all addresses.

    The operator has its part from the beginning, which the members are handed over.
    """
    auditor_key = _auditor_key()

    def extension(deployer: Account | LocalAccount, system: System) -> Added:
        privacy = deploy_privacy(deployer, system, auditor_key)
        calls = [data for _, data in operator_calls(system, privacy)]
        return Added(privacy.contracts, calls)

    return deploy_and_save(path, extension)


def _auditor_key() -> Point:
    if chain.id in DEVELOPMENT_CHAINS:
        return development_auditor_key().public
    digits = setting("PEERWATT_AUDITOR_KEY").removeprefix("0x")
    try:
        raw = bytes.fromhex(digits)
        halves = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        return check_point("PEERWATT_AUDITOR_KEY", halves)
    except (ValueError, InputError) as error:
        sys.exit(f"PEERWATT_AUDITOR_KEY is no key: {error}")


def _deploy(deployer: Account | LocalAccount, name: str, *args: object) -> ProjectContract:
    container = get_loaded_projects()[0][ContractName(name)]
    contract: ProjectContract = deployer.deploy(
        container, *args, gas_limit=DEPLOYMENT_GAS, silent=True
    )
    return contract
