"""What goes into a ledger and what comes out. Mirrors of the contracts' structs.

Energy in Wh, money in 1e-6 units, prices in money per kWh, addresses as checksummed hex strings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

Address = str

ZERO_ADDRESS: Address = "0x" + "0" * 40


class MeterKind(IntEnum):
    """What a meter measures: the boundary of a home, or a battery inside the microgrid."""

    HOUSEHOLD = 0
    STORAGE = 1


class Side(IntEnum):
    """What an order wants."""

    BUY = 0
    SELL = 1


class BookState(IntEnum):
    """How far the order book of a window has come; while it is CLEARING nobody can read it."""

    OPEN = 0
    CLOSED = 1
    CLEARING = 2
    CLEARED = 3


class AgreementState(IntEnum):
    """How far an agreement has come."""

    NONE = 0
    OPEN = 1
    SETTLED = 2


class WithdrawalState(IntEnum):
    """How far a request for money from the bank has come."""

    NONE = 0
    REQUESTED = 1
    PAID = 2
    RETURNED = 3


@dataclass(frozen=True, slots=True)
class ParticipantInfo:
    """What a participant publishes about itself."""

    endpoint: str
    household_id: bytes
    meter: Address
    stealth_meta_address: bytes = b""


@dataclass(frozen=True, slots=True)
class Offer:
    """A seller's public statement: energy for one window at no less than a floor price."""

    id: int
    seller: Address
    window: int
    energy_wh: int
    floor_price: int
    agreed_wh: int = 0
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A buy or sell order in the call auction; `energy_wh` is what is left of it.

    It is for its `window` and, with its residual, for those that follow up to `last_window`. Ids
    count up from 1 in the order of their issue.
    """

    id: int
    owner: Address
    side: Side
    energy_wh: int
    limit_price: int
    window: int
    last_window: int


@dataclass(frozen=True, slots=True)
class Book:
    """How many orders the book of a window has, and how far it has come."""

    buys: int
    sells: int
    state: BookState


@dataclass(frozen=True, slots=True)
class Agreement:
    """Energy and price for one window; the buyer signs it, the seller submits it."""

    offer_id: int
    seller: Address
    buyer: Address
    window: int
    energy_wh: int
    price: int
    deadline: int
    salt: int


@dataclass(frozen=True, slots=True)
class SignedAgreement:
    """An agreement with its buyer's EIP-712 signature (65 bytes r, s, v)."""

    agreement: Agreement
    signature: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """What one meter saw in one window; `data_root` is the hash of its raw batch (32 bytes)."""

    meter: Address
    window: int
    exported_wh: int
    imported_wh: int
    losses_wh: int = 0
    data_root: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class SignedReading:
    """A reading with its meter's EIP-712 signature (65 bytes r, s, v)."""

    reading: Reading
    signature: bytes


@dataclass(frozen=True, slots=True)
class RecordedReading:
    """A reading as the market uses it; all zero while there is none.

    While it is `held` an auditor doubts it, and nothing is settled by it. `retracted_wh` are tokens
    for an export that there was not, which the owner gives back when its position closes.
    """

    recorded: bool = False
    is_storage: bool = False
    held: bool = False
    exported_wh: int = 0
    imported_wh: int = 0
    losses_wh: int = 0
    retracted_wh: int = 0


@dataclass(frozen=True, slots=True)
class Correction:
    """What auditors read in the raw batch in place of what a meter has signed.

    `data_root` is the hash of the batch that they read (32 bytes).
    """

    owner: Address
    window: int
    exported_wh: int
    imported_wh: int
    losses_wh: int = 0
    data_root: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class Lapses:
    """What a participant has failed to do, in some windows: in how many of them it failed, energy
    that it had sold and did not deliver, money that it could not pay when it was due.
    """

    windows: int = 0
    shortfall_wh: int = 0
    debt: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A participant's money in the market."""

    free: int = 0
    locked: int = 0
    debt: int = 0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A request to pay money out of the bank; all zero while there is none.

    `payout_hash` is the hash of where to pay to (32 bytes), which the treasurers know.
    """

    holder: Address = ZERO_ADDRESS
    requested_at: int = 0
    state: WithdrawalState = WithdrawalState.NONE
    amount: int = 0
    payout_hash: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is in the bank against the tokens that there are.

    The `amount` was seen at `attested_at` (0: never), less what was paid out since. `threshold`
    treasurers have to confirm a deposit; `left_today` of the `daily_limit` can still be made.
    """

    amount: int
    attested_at: int
    supply: int
    threshold: int
    daily_limit: int
    left_today: int


@dataclass(frozen=True, slots=True)
class Position:
    """What became of a participant's window, as far as it is known."""

    sold_wh: int = 0
    bought_wh: int = 0
    open_agreements: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds in one window: the grid's prices and the penalty, in money per kWh."""

    grid_floor: int
    grid_ceiling: int
    penalty_rate: int


@dataclass(frozen=True, slots=True)
class EnergyTotals:
    """Wh that came into being, went out and were lost; the supply is what is left."""

    injected_wh: int
    withdrawn_wh: int
    lost_wh: int


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a contract: its name and arguments under the contract's own names."""

    contract: str
    name: str
    arguments: Mapping[str, object]
    log_index: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a write has done. `function` is the contract's function name, for gas statistics."""

    function: str
    sender: Address
    transaction_hash: str = ""
    block_number: int = 0
    gas_used: int = 0
    result: object = None
    events: tuple[Event, ...] = field(default=())
