"""Deploys what private trading needs, beside a system that `scripts.deploy` has deployed."""

from dataclasses import astuple, dataclass

from brownie.network.account import Account, LocalAccount
from brownie.network.contract import ProjectContract
from brownie.project.main import get_loaded_projects
from brownie.typing import ContractName

from app.privacy.bulletproofs import generators
from app.privacy.curve import Point
from app.privacy.transcript import pack
from scripts.deploy import DEFAULT_TERMS, DEPLOYMENT_GAS, Role, System

# Whoever may call these by the Authority's table says what was delivered.
ATTESTED = ("makeTransaction",)


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

    `attestation_calls` then lets the operator say what was delivered.

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


def attestation_calls(system: System, privacy: Privacy) -> list[tuple[ProjectContract, str]]:
    """The call to the Authority, for the members to decide, that lets the operator attest."""
    selectors = [getattr(privacy.market, function).signature for function in ATTESTED]
    data = system.authority.setTargetFunctionRole.encode_input(
        privacy.market, selectors, Role.OPERATOR
    )
    return [(system.authority, data)]


def _deploy(deployer: Account | LocalAccount, name: str, *args: object) -> ProjectContract:
    container = get_loaded_projects()[0][ContractName(name)]
    contract: ProjectContract = deployer.deploy(
        container, *args, gas_limit=DEPLOYMENT_GAS, silent=True
    )
    return contract
