"""The ledger that agents and gateway use, whatever stands behind it."""

from collections.abc import Sequence
from typing import Protocol

from app.ledger.types import (
    Account,
    Address,
    Agreement,
    AgreementState,
    Book,
    Correction,
    EnergyTotals,
    Lapses,
    MeterKind,
    Offer,
    Order,
    ParticipantInfo,
    Position,
    Reading,
    Receipt,
    RecordedReading,
    Reserve,
    Side,
    SignedAgreement,
    SignedReading,
    Terms,
    Withdrawal,
)
from app.market.clearing import PricingRule


class Ledger(Protocol):
    """The workflow of the contracts; every refusal is a `ContractRevertedError`.

    A write is signed by `sender`, whose key the ledger's keystore holds, and returns when it is
    final for the ledger's purposes. Lists longer than the contracts' batch size are cut into
    batches; a write that takes a list returns one receipt a batch.
    """

    def now(self) -> int:
        """The ledger's time, in seconds since the epoch."""
        ...

    # People, meters, money
    async def certify(
        self, sender: Address, meter: Address, owner: Address, kind: MeterKind, valid_until: int
    ) -> Receipt: ...
    async def revoke(self, sender: Address, meter: Address) -> Receipt: ...
    async def publish_info(self, sender: Address, info: ParticipantInfo) -> Receipt: ...
    async def participant_info(self, participant: Address) -> ParticipantInfo: ...
    async def deposit(self, sender: Address, amount: int) -> Receipt:
        """Deposits payment tokens into the market, approving the market where it must."""
        ...

    async def withdraw(self, sender: Address, amount: int) -> Receipt: ...
    async def account_of(self, participant: Address) -> Account: ...
    async def claim_of(self, participant: Address) -> int: ...
    async def pay_claim(self, sender: Address, participant: Address) -> Receipt: ...
    async def payment_balance_of(self, holder: Address) -> int: ...
    async def energy_balance_of(self, holder: Address) -> int: ...
    async def energy_totals(self) -> EnergyTotals: ...

    # Money between the bank and the market
    async def confirm_deposit(
        self, sender: Address, holder: Address, amount: int, reference: bytes
    ) -> Receipt:
        """Says that the bank has received money under a reference (32 bytes); `sender` is a
        treasurer. The receipt's `result` is whether tokens were made: whether as many as have to
        have said this now.
        """
        ...

    async def request_withdrawal(self, sender: Address, amount: int, payout_hash: bytes) -> Receipt:
        """Locks payment tokens of `sender` until they are paid out or returned, approving the bank
        where it must. The receipt's `result` is the withdrawal's id.
        """
        ...

    async def confirm_payout(
        self, sender: Address, withdrawal_id: int, reference: bytes
    ) -> Receipt:
        """Says that the bank has paid a withdrawal; the `result` is whether its tokens ended."""
        ...

    async def reject_withdrawal(self, sender: Address, withdrawal_id: int) -> Receipt:
        """Refuses to pay; the receipt's `result` is whether the tokens have returned."""
        ...

    async def return_withdrawal(self, sender: Address, withdrawal_id: int) -> Receipt:
        """Returns what was not paid in time."""
        ...

    async def attest_reserve(self, sender: Address, amount: int, statement_hash: bytes) -> Receipt:
        """Says what the bank's statement shows; `sender` is an auditor."""
        ...

    async def withdrawal_of(self, withdrawal_id: int) -> Withdrawal: ...
    async def reserve(self) -> Reserve: ...

    # Terms
    async def publish_terms(
        self, sender: Address, first_window: int, terms: Sequence[Terms]
    ) -> list[Receipt]: ...
    async def terms_of(self, window: int) -> Terms: ...
    async def treasury(self) -> Address: ...

    # Offers
    async def make_offer(
        self, sender: Address, window: int, energy_wh: int, floor_price: int
    ) -> Receipt:
        """The receipt's `result` is the offer's id."""
        ...

    async def cancel_offer(self, sender: Address, offer_id: int) -> Receipt: ...
    async def offers(self, window: int) -> list[Offer]:
        """All offers of a window, in the order of their making (reads page by page)."""
        ...

    async def offer(self, offer_id: int) -> Offer: ...

    # The call auction
    @property
    def auction_address(self) -> Address:
        """Where the call auction is; part of the offer ids of its agreements."""
        ...

    async def place_order(
        self,
        sender: Address,
        side: Side,
        energy_wh: int,
        limit_price: int,
        window: int,
        expires_at: int,
    ) -> Receipt:
        """The receipt's `result` is the order's id."""
        ...

    async def cancel_order(self, sender: Address, order_id: int) -> Receipt: ...
    async def release_orders(self, sender: Address, order_ids: Sequence[int]) -> list[Receipt]:
        """Ends orders that no book has any more; their locks return to their owners."""
        ...

    async def order(self, order_id: int) -> Order: ...
    async def orders(self, window: int) -> list[Order]:
        """The live orders of a window's book, by id: those placed for it and those carried on."""
        ...

    async def book_of(self, window: int) -> Book: ...
    async def clear(self, sender: Address, window: int) -> list[Receipt]:
        """Sorts the book of a window and clears it, in as many calls as it takes.

        The agreements that came about are `app.ledger.fills.fill_agreements(receipts)`.
        """
        ...

    async def pricing_rule_of(self, window: int) -> PricingRule: ...
    async def set_pricing_rule(self, sender: Address, rule: PricingRule) -> Receipt:
        """From the window after the next on; `sender` is of the members."""
        ...

    # Agreements
    def sign_agreement(self, agreement: Agreement) -> SignedAgreement:
        """Signs with the key of `agreement.buyer`."""
        ...

    def verify_agreement(self, signed: SignedAgreement) -> bool:
        """Whether the signature is the buyer's own (EOA signatures only)."""
        ...

    def agreement_id(self, agreement: Agreement) -> bytes: ...
    async def allow_transactions(
        self, sender: Address, agreements: Sequence[SignedAgreement]
    ) -> list[Receipt]: ...
    async def make_transactions(
        self, sender: Address, agreements: Sequence[Agreement]
    ) -> list[Receipt]: ...
    async def agreement_state(self, agreement_id: bytes) -> AgreementState: ...

    # Readings and positions
    def sign_reading(self, reading: Reading) -> SignedReading:
        """Signs with the key of `reading.meter`."""
        ...

    async def submit_readings(
        self, sender: Address, readings: Sequence[SignedReading]
    ) -> list[Receipt]: ...
    async def reading_of(self, owner: Address, window: int) -> RecordedReading: ...
    async def audit_threshold(self) -> int:
        """How many auditors have to confirm a reading, or correct it."""
        ...

    async def doubt_reading(self, sender: Address, owner: Address, window: int) -> Receipt:
        """Holds up what is settled by a reading; `sender` is an auditor."""
        ...

    async def confirm_reading(self, sender: Address, owner: Address, window: int) -> Receipt:
        """Confirms a held reading; the receipt's `result` is whether it is held no longer."""
        ...

    async def correct_reading(self, sender: Address, correction: Correction) -> Receipt:
        """Corrects a held reading; the receipt's `result` is whether the correction counts now."""
        ...

    async def close_positions(
        self, sender: Address, participants: Sequence[Address], window: int
    ) -> list[Receipt]: ...
    async def position_of(self, participant: Address, window: int) -> Position: ...
    async def lapses_of(self, participant: Address, first_window: int, windows: int) -> Lapses:
        """The record of a participant over `windows` windows from `first_window` on."""
        ...
