"""What the index answers with. Energy in Wh, money in 1e-6, prices per kWh, times in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from app.ledger.types import Address, Order, Side, Terms
from app.market.clearing import PricingRule

R = TypeVar("R")

OrderState = Literal["open", "closed", "dropped", "filled", "served", "cancelled", "expired"]
"""`open`: its book takes orders. `closed`: its book waits for its clearing. `dropped`: its book was
not cleared in time, so that it is in none and can be cancelled at any time. The others are over:
bought or sold in full, served by the grid, cancelled by its owner, expired.
"""

ProposalState = Literal[
    "pending", "active", "canceled", "defeated", "succeeded", "queued", "executed"
]
"""`pending`: its vote has not begun. `active`: the members vote. `canceled`: by its proposer,
before the vote. `defeated`: rejected, or too few have voted. `succeeded`: accepted, to be queued.
`queued`: to be executed once its time has come.
"""

Step = Literal["proposed", "queued", "executed", "canceled"]
WithdrawalStep = Literal["requested", "paid", "returned"]
AuditState = Literal["held", "confirmed", "corrected", "lapsed"]
"""`held`: nothing is settled by the reading. `confirmed`, `corrected`: by enough auditors.
`lapsed`: the auditors had their time, and the reading counts as it is.
"""

BookState = Literal["open", "closed", "clearing", "cleared"]
OrderStep = Literal["placed", "filled", "carried", "served", "cancelled", "expired"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something happened; what pages are cut by."""

    block: int
    log_index: int


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows, and the place after which the next ones follow (None: there are no more)."""

    items: tuple[R, ...]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What every row of the chain has: its place, its transaction, its time on the chain."""

    block: int
    log_index: int
    transaction_hash: str
    at: int


@dataclass(frozen=True, slots=True)
class ParticipantRecord(Recorded):
    """The latest that a participant has published of itself."""

    participant: Address
    meter: Address
    household_id: str
    endpoint: str
    stealth_meta_address: str
    is_storage: bool


@dataclass(frozen=True, slots=True)
class OfferRecord(Recorded):
    """An offer and how much of it is agreed on. `remaining_wh` is 0 once it is cancelled."""

    offer_id: int
    seller: Address
    window: int
    energy_wh: int
    floor_price: int
    agreed_wh: int
    remaining_wh: int
    cancelled: bool


@dataclass(frozen=True, slots=True)
class SettlementRecord(Recorded):
    """The settlement of an agreement, with its orders if it is an auction's fill."""

    agreement_id: str
    offer_id: int
    buy_id: int | None
    sell_id: int | None
    seller: Address
    buyer: Address
    window: int
    energy_wh: int
    price: int
    delivered_wh: int
    paid: int
    compensation: int
    penalty: int


@dataclass(frozen=True, slots=True)
class AgreementRecord(Recorded):
    """An agreement; `deadline` and `salt` are None where no input has shown them.

    Of an auction's fill `buy_id` and `sell_id` are its orders, and `offer_id` is what the auction
    gives for one.
    """

    agreement_id: str
    offer_id: int
    buy_id: int | None
    sell_id: int | None
    seller: Address
    buyer: Address
    window: int
    energy_wh: int
    price: int
    deadline: int | None
    salt: int | None
    settled: bool
    delivered_wh: int | None


@dataclass(frozen=True, slots=True)
class OrderRecord(Recorded):
    """An order of the auction and how much of it was filled; `remaining_wh` is 0 once it is over.

    `window` is the one that it was placed for, `book` the one in whose book it stands now (None: in
    no book), `last_window` the last one in whose book it can stand.
    """

    order_id: int
    owner: Address
    side: Side
    window: int
    last_window: int
    book: int | None
    energy_wh: int
    limit_price: int
    expires_at: int
    filled_wh: int
    remaining_wh: int
    state: OrderState


@dataclass(frozen=True, slots=True)
class OrderEventRecord(Recorded):
    """What happened to an order: `energy_wh` of it was placed, filled, carried to the next book ...

    `window` is that of the book; None where its owner cancelled it. `price`, `other_id` (the order
    on the other side) and `agreement_id` are those of a fill.
    """

    step: OrderStep
    window: int | None
    energy_wh: int
    price: int | None = None
    other_id: int | None = None
    agreement_id: str | None = None


@dataclass(frozen=True, slots=True)
class FillRecord(Recorded):
    """What two orders have traded with each other."""

    buy_id: int
    sell_id: int
    buyer: Address
    seller: Address
    window: int
    energy_wh: int
    price: int
    agreement_id: str | None


@dataclass(frozen=True, slots=True)
class ClearingRecord(Recorded):
    """What came of a book. The marginal limits are 0 where members traded nothing."""

    window: int
    rule: int
    traded_wh: int
    served_wh: int
    marginal_buy: int
    marginal_sell: int
    fills: int


@dataclass(frozen=True, slots=True)
class BookRecord:
    """The book of a window as it is, or as it was when it closed; `terms` None where none are set.

    `orders` are those in it, by id, each with what earlier books had left of it. `passed_over` are
    sells of earlier windows among them whose money set aside does not suffice for this one.
    """

    window: int
    state: BookState
    rule: PricingRule
    terms: Terms | None
    orders: tuple[Order, ...]
    passed_over: frozenset[int]
    fills: tuple[FillRecord, ...]
    clearing: ClearingRecord | None

    @property
    def taking_part(self) -> list[Order]:
        """The orders that its clearing matches."""
        return [order for order in self.orders if order.id not in self.passed_over]


@dataclass(frozen=True, slots=True)
class ReadingRecord(Recorded):
    """What one meter saw in one window."""

    owner: Address
    window: int
    meter: Address
    exported_wh: int
    imported_wh: int
    losses_wh: int
    data_root: str


@dataclass(frozen=True, slots=True)
class PositionRecord(Recorded):
    """A closed position: energy sold to the grid (net positive) or bought from it (negative)."""

    participant: Address
    window: int
    net_wh: int
    amount: int


@dataclass(frozen=True, slots=True)
class MovementRecord(Recorded):
    """Money that came into an account or left it, or became or ceased to be a debt or a claim."""

    participant: Address
    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class MemberRecord(Recorded):
    """An account that was admitted; `until` says when it was expelled. Its place is that of its
    latest admission. `votes` are its own and those that others have handed to it.
    """

    account: Address
    household_id: str
    is_member: bool
    until: int | None
    votes: int


@dataclass(frozen=True, slots=True)
class ProposalRecord(Recorded):
    """A proposal of the consortium, and how its vote stands.

    `targets`, `wei` and `calldatas` are its calls, as texts. `members` and `quorum` are those of
    the moment in which its vote begins: how many may vote, and how many votes for it or abstaining
    it needs. `eta` is when a queued one can be executed.
    """

    proposal_id: int
    proposer: Address
    targets: tuple[str, ...]
    wei: tuple[str, ...]
    calldatas: tuple[str, ...]
    description: str
    vote_start: int
    vote_end: int
    eta: int | None
    votes_for: int
    votes_against: int
    votes_abstain: int
    quorum: int
    members: int
    state: ProposalState


@dataclass(frozen=True, slots=True)
class BallotRecord(Recorded):
    """A vote: `support` is 0 against, 1 for, 2 abstaining."""

    proposal_id: int
    voter: Address
    support: int
    weight: int
    reason: str


@dataclass(frozen=True, slots=True)
class ProposalStepRecord(Recorded):
    """What was done with a proposal."""

    proposal_id: int
    step: Step


@dataclass(frozen=True, slots=True)
class DepositRecord(Recorded):
    """Money that treasurers say the bank has received; its place is that of the first of them.

    `void`: the same reference was used for something else, so that it never becomes tokens.
    """

    reference: str
    holder: Address
    amount: int
    minted: bool
    void: bool


@dataclass(frozen=True, slots=True)
class ConfirmationRecord(Recorded):
    """What a treasurer has said: of a deposit or a payout under a reference, or a rejection."""

    treasurer: Address
    reference: str | None


@dataclass(frozen=True, slots=True)
class WithdrawalRecord(Recorded):
    """A request for money from the bank; `reference` is that of the payout."""

    withdrawal_id: int
    holder: Address
    amount: int
    payout_hash: str
    state: WithdrawalStep
    reference: str | None


@dataclass(frozen=True, slots=True)
class AttestationRecord(Recorded):
    """What an auditor has seen in the bank."""

    reserve: int
    statement_hash: str
    auditor: Address


@dataclass(frozen=True, slots=True)
class AuditRecord(Recorded):
    """A reading that an auditor doubts, or has doubted; it is held until `until` at most."""

    participant: Address
    window: int
    auditor: Address
    until: int
    state: AuditState


@dataclass(frozen=True, slots=True)
class ReadingConfirmationRecord(Recorded):
    """An auditor who finds that a reading is right."""

    participant: Address
    window: int
    auditor: Address


@dataclass(frozen=True, slots=True)
class CorrectionRecord(Recorded):
    """What an auditor has read in place of a reading."""

    participant: Address
    window: int
    auditor: Address
    exported_wh: int
    imported_wh: int
    losses_wh: int
    data_root: str


@dataclass(frozen=True, slots=True)
class StatementRecord:
    """What a day (of UTC) has done to an account of the market.

    Energy that was `sold` and `bought` was traded with neighbours; what the grid paid for energy
    and asked for it is apart. `debts` is what could not be paid when it was due, and
    `balance_change` what free and locked money, less debt, have gained.
    """

    day: int
    deposited: int = 0
    withdrawn: int = 0
    sold_wh: int = 0
    earned: int = 0
    bought_wh: int = 0
    paid: int = 0
    compensation_received: int = 0
    compensation_paid: int = 0
    penalties: int = 0
    grid_sold_wh: int = 0
    grid_earned: int = 0
    grid_bought_wh: int = 0
    grid_paid: int = 0
    debts: int = 0
    exported_wh: int = 0
    imported_wh: int = 0

    @property
    def balance_change(self) -> int:
        """What came in, less what went out."""
        came = self.deposited + self.earned + self.compensation_received + self.grid_earned
        went = self.withdrawn + self.paid + self.compensation_paid + self.penalties + self.grid_paid
        return came - went


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """A transaction. `signer` differs from `sender` where a request was relayed."""

    block: int
    log_index: int
    at: int
    hash: str
    sender: Address
    signer: Address
    contract: str
    function: str
    gas_used: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """One window in figures; prices are None where none was set or agreed.

    `grid_import_wh` is all that participants bought from the grid when their positions closed, and
    `grid_export_wh` all that they sold to it. `mean_price` is weighted by energy: by what was
    delivered once something is, else by what was agreed.
    """

    window: int
    grid_floor: int | None
    grid_ceiling: int | None
    penalty_rate: int | None
    offers: int
    offered_wh: int
    orders: int
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


@dataclass(frozen=True, slots=True)
class SummaryRecord:
    """The market since its beginning, in the words of a run's summary.

    `self_sufficiency` is the share of what households drew that did not come from the grid, over
    all closed positions; None while there are none. `buyers_saving_vs_grid` is what buyers paid
    less than at the grid's retail price for what they got, and `sellers_gain_vs_grid` what sellers
    got more than at its feed-in price, before penalties.
    """

    windows: int
    participants: int
    offers: int
    orders: int
    agreements: int
    settled: int
    energy_traded_wh: int
    grid_import_wh: int
    grid_export_wh: int
    self_sufficiency: float | None
    buyers_saving_vs_grid: int
    sellers_gain_vs_grid: int
    penalties: int
    mean_price: int | None
    transactions: int
    gas_total: int
    gas_by_function: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message of a negotiation, as an observer of the agents saw it."""

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


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry of the live feed; `data` is JSON."""

    sequence: int
    kind: str
    data: str
