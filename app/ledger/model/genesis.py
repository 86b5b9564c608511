"""What the deployment of the contracts decides."""

from dataclasses import dataclass

from app.ledger.model.authority import Role
from app.ledger.types import Address, Terms

MODEL_CHAIN_ID = 1337
DEVELOPMENT_TERMS = Terms(grid_floor=80_000, grid_ceiling=320_000, penalty_rate=50_000)


@dataclass(frozen=True, slots=True)
class TermLimits:
    """Bounds of the operator's terms, in money per kWh."""

    min_grid_floor: int
    max_grid_ceiling: int
    max_penalty_rate: int


DEVELOPMENT_LIMITS = TermLimits(
    min_grid_floor=0, max_grid_ceiling=2_000_000, max_penalty_rate=1_000_000
)

# How much money treasurers may make in a day, and what is in the bank of a development ledger.
DEVELOPMENT_DAILY_LIMIT = 1_000_000_000_000
DEVELOPMENT_RESERVE = 1_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Contracts:
    """Where the contracts stand; part of what is signed. `bank` is the contract `Treasury`."""

    energy_token: Address
    payment_token: Address
    meter_registry: Address
    energy_market: Address
    call_auction: Address
    bank: Address
    authority: Address


@dataclass(frozen=True, slots=True)
class Genesis:
    """Addresses, roles, the market's first treasury, terms and limits, and how many have to confirm
    a deposit, and an audit.

    The call auction is admitted to the market, the bank makes the payment tokens.
    """

    contracts: Contracts
    roles: dict[Role, frozenset[Address]]
    treasury: Address
    default_terms: Terms = DEVELOPMENT_TERMS
    term_limits: TermLimits = DEVELOPMENT_LIMITS
    chain_id: int = MODEL_CHAIN_ID
    deposit_threshold: int = 2
    audit_threshold: int = 2
    daily_limit: int = DEVELOPMENT_DAILY_LIMIT
