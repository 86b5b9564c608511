"""The market as a whole: windows, transactions, negotiations."""

from typing import Annotated

from pydantic import Field

from app.api.schemas.common import (
    AddressText,
    Answer,
    EnergyWh,
    Filter,
    PageFilter,
    Price,
    WindowNumber,
    Write,
)
from app.market.windows import Phase


class MarketAnswer(Answer):
    """What a client has to know to talk to this market."""

    chain_id: int
    contracts: dict[str, str]
    window_length: int
    commit_margin: int
    grace_windows: int
    horizon_windows: int
    treasury: str
    scenario: Annotated[str, Field(description="Name of the street's scenario, if it has one")]
    currency: str
    time_zone: str
    development: Annotated[bool, Field(description="Whether the gateway signs for accounts")]
    agents: Annotated[bool, Field(description="Whether agents trade in this process")]
    energy_injected_wh: int
    energy_withdrawn_wh: int
    energy_lost_wh: int


class ClockAnswer(Answer):
    """Market time, and what can be done now."""

    now: int
    current_window: Annotated[int, Field(description="The window in delivery")]
    window_start: int
    window_end: int
    next_window: Annotated[int, Field(description="The window after it")]
    next_phase: Annotated[Phase, Field(description="`trading`, or `commit` in its last minutes")]
    commit_start: Annotated[int, Field(description="When the next window's commit margin begins")]
    first_tradable_window: Annotated[int, Field(description="First one that takes offers")]
    speed: Annotated[float, Field(description="Market seconds in a real second")]
    running: Annotated[bool, Field(description="Whether time passes by itself")]


class WindowFilter(Filter):
    """Which windows: `first` to `last`, by default the latest 48."""

    first: WindowNumber | None = None
    last: WindowNumber | None = None


class WindowAnswer(Answer):
    """A window in figures. What a participant lacked or had left went through the grid."""

    window: int
    start: int
    end: int
    phase: Phase
    grid_floor: int | None
    grid_ceiling: int | None
    penalty_rate: int | None
    offers: int
    offered_wh: int
    orders: Annotated[int, Field(description="Placed for this window in the auction")]
    agreements: int
    agreed_wh: int
    mean_price: int | None
    settled: int
    delivered_wh: int
    paid: int
    penalties: int
    readings: int
    metered_export_wh: int
    metered_import_wh: int
    positions: int
    grid_import_wh: int
    grid_export_wh: int


class SummaryAnswer(Answer):
    """The market since its beginning. Savings and gains are against the grid's prices."""

    windows: Annotated[int, Field(description="Windows with closed positions")]
    participants: int
    offers: int
    orders: int
    agreements: int
    settled: int
    energy_traded_wh: int
    grid_import_wh: int
    grid_export_wh: int
    self_sufficiency: Annotated[
        float | None, Field(description="Share of what households drew that was not the grid's")
    ]
    buyers_saving_vs_grid: int
    sellers_gain_vs_grid: int
    penalties: int
    mean_price: int | None
    transactions: int
    gas_total: int
    gas_by_function: Annotated[
        dict[str, int], Field(description="Of private trading by contract and function")
    ]


class TransactionFilter(PageFilter):
    """Which transactions: of a function, of a sender or signer."""

    function: Annotated[str | None, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")] = None
    account: AddressText | None = None


class TransactionAnswer(Answer):
    """A transaction. `signer` differs from `sender` where the gateway relayed it."""

    block: int
    log_index: Annotated[int, Field(description="Its place in the block")]
    at: int
    hash: str
    sender: str
    signer: str
    contract: str
    function: str
    gas_used: int
    succeeded: bool


class MessageFilter(Filter):
    """Which messages of negotiations; newest first."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[int | None, Field(ge=1, le=2**53, description="`next` of before")] = None
    window: WindowNumber | None = None
    conversation_id: Annotated[str | None, Field(pattern=r"^[\x20-\x7e]{1,128}$")] = None
    household: AddressText | None = None


class MessageAnswer(Answer):
    """A message of a negotiation."""

    sequence: int
    conversation_id: str
    window: int
    sender: str
    receiver: str
    performative: str
    offer_id: int | None
    energy_wh: int | None
    price: int | None
    at: int


class MessageListing(Answer):
    """A page of messages."""

    items: list[MessageAnswer]
    next: int | None


class Want(Write):
    """Energy that a household wants to buy; without a window, in the negotiation that is on."""

    window: WindowNumber | None = None
    energy_wh: EnergyWh
    limit_price: Price


class WantAnswer(Answer):
    """What a household's agent was told."""

    household: str
    window: int
    energy_wh: int
    limit_price: int


class Health(Answer):
    """The process is alive."""

    status: str


class Readiness(Answer):
    """Whether the gateway can serve, and if not, why."""

    ready: bool
    node: str
    index: str
    indexed_block: int
    head_block: int
    agents: str
