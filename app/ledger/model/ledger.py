"""The model ledger: the contracts as plain Python, for speed and as a reference for their tests."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

from eth_hash.auto import keccak

from app.errors import ForbiddenError, PeerwattError
from app.ledger.model.access import AccessManager
from app.ledger.model.authority import Authority, Role
from app.ledger.model.call_auction import CallAuction
from app.ledger.model.contract import Clock, World
from app.ledger.model.genesis import (
    DEVELOPMENT_LIMITS,
    DEVELOPMENT_RESERVE,
    DEVELOPMENT_TERMS,
    Contracts,
    Genesis,
    TermLimits,
)
from app.ledger.model.journal import Journal
from app.ledger.model.keys import ModelKeys
from app.ledger.model.market import MAX_PAGE, EnergyMarket
from app.ledger.model.market_terms import MAX_BATCH
from app.ledger.model.registry import MeterRegistry
from app.ledger.model.tokens import UNLIMITED, EnergyToken, PaymentToken
from app.ledger.model.treasury import Treasury
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
from app.market.auction import queue_of
from app.market.clearing import PricingRule
from app.market.typed_data import recover, sign

T = TypeVar("T")
P = ParamSpec("P")


class ModelClock:
    """Time that stands still until it is moved; it never goes back."""

    def __init__(self, start_time: int) -> None:
        self._now = start_time

    def now(self) -> int:
        """Seconds since the epoch."""
        return self._now

    def set(self, timestamp: int) -> None:
        """Moves to a moment; one that has passed changes nothing."""
        self._now = max(self._now, timestamp)

    async def advance_to(self, timestamp: int) -> None:
        """Moves to a moment at once; one that has passed changes nothing."""
        self.set(timestamp)


@dataclass(frozen=True, slots=True)
class DevelopmentAccounts:
    """Who holds the roles of a model that `ModelLedger.for_development` made."""

    members: Address
    operator: Address
    auditors: tuple[Address, ...]
    treasurers: tuple[Address, ...]
    treasury: Address
    keeper: Address


@dataclass(slots=True)
class ModelLedger:
    """`Ledger` over models of the contracts; a refused call changes nothing.

    The models themselves (`energy_market`, `call_auction`, `meter_registry`, `energy_token`,
    `payment_token`, `bank`, `access`) can be read freely; what writes goes through `call`. Gas is
    always 0.
    """

    clock: Clock
    keys: ModelKeys
    genesis: Genesis
    energy_token: EnergyToken = field(init=False)
    payment_token: PaymentToken = field(init=False)
    meter_registry: MeterRegistry = field(init=False)
    energy_market: EnergyMarket = field(init=False)
    call_auction: CallAuction = field(init=False)
    bank: Treasury = field(init=False)
    access: AccessManager = field(init=False)
    _journal: Journal = field(init=False, default_factory=Journal)
    _block_number: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        genesis = self.genesis
        world = World(self.clock, Authority(dict(genesis.roles)), self._journal)
        self.access = AccessManager(world, genesis.contracts.authority)
        self.energy_token = EnergyToken(world, genesis)
        self.payment_token = PaymentToken(world, genesis)
        self.meter_registry = MeterRegistry(
            world,
            genesis,
            self.energy_token,
            self._position_of,
        )
        self.energy_market = EnergyMarket(
            world, genesis, self.payment_token, self.energy_token, self.meter_registry
        )
        self.call_auction = CallAuction(world, genesis, self.energy_market)
        self.bank = Treasury(world, genesis, self.payment_token)

    @classmethod
    def for_development(
        cls,
        clock: Clock,
        *,
        default_terms: Terms = DEVELOPMENT_TERMS,
        term_limits: TermLimits = DEVELOPMENT_LIMITS,
    ) -> tuple["ModelLedger", DevelopmentAccounts]:
        """A ledger whose roles development keys hold; more come from `keys.account(name)`.

        An auditor has seen DEVELOPMENT_RESERVE in the bank.
        """
        keys = ModelKeys()
        accounts = DevelopmentAccounts(
            members=keys.account("members"),
            operator=keys.account("operator"),
            auditors=tuple(keys.accounts(["auditor", "second auditor"])),
            treasurers=tuple(keys.accounts(["treasurer", "second treasurer"])),
            treasury=keys.account("treasury"),
            keeper=keys.account("keeper"),
        )
        contracts = Contracts(
            energy_token=keys.account("EnergyToken"),
            payment_token=keys.account("PaymentToken"),
            meter_registry=keys.account("MeterRegistry"),
            energy_market=keys.account("EnergyMarket"),
            call_auction=keys.account("CallAuction"),
            bank=keys.account("Treasury"),
            authority=keys.account("Authority"),
        )
        genesis = Genesis(
            contracts=contracts,
            roles={
                Role.MEMBERS: frozenset({accounts.members}),
                Role.OPERATOR: frozenset({accounts.operator}),
                Role.AUDITOR: frozenset(accounts.auditors),
                Role.TREASURER: frozenset(accounts.treasurers),
                Role.MINTER: frozenset({contracts.bank}),
            },
            treasury=accounts.treasury,
            default_terms=default_terms,
            term_limits=term_limits,
        )
        ledger = cls(clock, keys, genesis)
        ledger.call(
            "attestReserve",
            ledger.bank.attest_reserve,
            accounts.auditors[0],
            DEVELOPMENT_RESERVE,
            keccak(b"development"),
        )
        return ledger, accounts

    def call(
        self,
        function: str,
        action: Callable[Concatenate[Address, P], object],
        sender: Address,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Receipt:
        """Runs one transaction: all of `action(sender, ...)` or, if it is refused, nothing of it.

        `function` is the contract's name of what `action`, a method of a model, does.
        """
        if not self.keys.holds(sender):
            raise ForbiddenError(f"the model holds no key of {sender}")
        try:
            result = action(sender, *args, **kwargs)
        except PeerwattError:
            self._journal.roll_back()
            raise
        self._block_number += 1
        return Receipt(
            function=function,
            sender=sender,
            transaction_hash=f"0x{keccak(self._block_number.to_bytes(32, 'big')).hex()}",
            block_number=self._block_number,
            result=result,
            events=self._journal.commit(),
        )

    def _position_of(self, participant: Address, window: int) -> Position:
        """For the registry, which comes before the market."""
        return self.energy_market.position_of(participant, window)

    def now(self) -> int:
        """The ledger's time, in seconds since the epoch."""
        return self.clock.now()

    # People, meters, money

    async def certify(
        self, sender: Address, meter: Address, owner: Address, kind: MeterKind, valid_until: int
    ) -> Receipt:
        """Certifies a meter; `sender` is an auditor."""
        return self.call(
            "certify", self.meter_registry.certify, sender, meter, owner, kind, valid_until
        )

    async def revoke(self, sender: Address, meter: Address) -> Receipt:
        """Ends a certificate at once; `sender` is an auditor."""
        return self.call("revoke", self.meter_registry.revoke, sender, meter)

    async def publish_info(self, sender: Address, info: ParticipantInfo) -> Receipt:
        """Makes `sender` a participant, or updates it."""
        return self.call("publishInfo", self.energy_market.publish_info, sender, info)

    async def participant_info(self, participant: Address) -> ParticipantInfo:
        """What a participant has published; empty if it never did."""
        return self.energy_market.participant_info(participant)

    async def deposit(self, sender: Address, amount: int) -> Receipt:
        """Deposits payment tokens into the market, approving the market where it must."""
        self._approve(sender, self.energy_market.address, amount)
        return self.call("deposit", self.energy_market.deposit, sender, amount)

    async def withdraw(self, sender: Address, amount: int) -> Receipt:
        """Takes free money out of the market."""
        return self.call("withdraw", self.energy_market.withdraw, sender, amount)

    async def account_of(self, participant: Address) -> Account:
        """A participant's money in the market."""
        return self.energy_market.account_of(participant)

    async def claim_of(self, participant: Address) -> int:
        """What the treasury owes a participant."""
        return self.energy_market.claim_of(participant)

    async def pay_claim(self, sender: Address, participant: Address) -> Receipt:
        """The receipt's `result` is what was paid."""
        return self.call("payClaim", self.energy_market.pay_claim, sender, participant)

    async def payment_balance_of(self, holder: Address) -> int:
        """Payment tokens outside the market."""
        return self.payment_token.balance_of(holder)

    async def energy_balance_of(self, holder: Address) -> int:
        """Energy tokens in Wh."""
        return self.energy_token.balance_of(holder)

    async def energy_totals(self) -> EnergyTotals:
        """Wh injected, withdrawn and lost since the beginning."""
        return self.energy_token.energy_totals()

    # Money between the bank and the market

    async def confirm_deposit(
        self, sender: Address, holder: Address, amount: int, reference: bytes
    ) -> Receipt:
        """Says that the bank has received money; the `result` is whether tokens were made."""
        return self.call(
            "confirmDeposit", self.bank.confirm_deposit, sender, holder, amount, reference
        )

    async def request_withdrawal(self, sender: Address, amount: int, payout_hash: bytes) -> Receipt:
        """Locks payment tokens, approving the bank where it must; the `result` is the id."""
        self._approve(sender, self.bank.address, amount)
        return self.call(
            "requestWithdrawal", self.bank.request_withdrawal, sender, amount, payout_hash
        )

    async def confirm_payout(
        self, sender: Address, withdrawal_id: int, reference: bytes
    ) -> Receipt:
        """Says that the bank has paid; the `result` is whether the tokens ended."""
        return self.call(
            "confirmPayout", self.bank.confirm_payout, sender, withdrawal_id, reference
        )

    async def reject_withdrawal(self, sender: Address, withdrawal_id: int) -> Receipt:
        """Refuses to pay; the `result` is whether the tokens have returned."""
        return self.call("rejectWithdrawal", self.bank.reject_withdrawal, sender, withdrawal_id)

    async def return_withdrawal(self, sender: Address, withdrawal_id: int) -> Receipt:
        """Returns what was not paid in time."""
        return self.call("returnWithdrawal", self.bank.return_withdrawal, sender, withdrawal_id)

    async def attest_reserve(self, sender: Address, amount: int, statement_hash: bytes) -> Receipt:
        """Says what the bank's statement shows; `sender` is an auditor."""
        return self.call("attestReserve", self.bank.attest_reserve, sender, amount, statement_hash)

    async def withdrawal_of(self, withdrawal_id: int) -> Withdrawal:
        """One withdrawal."""
        return self.bank.withdrawal_of(withdrawal_id)

    async def reserve(self) -> Reserve:
        """What is in the bank against the tokens that there are."""
        return self.bank.statement()

    def _approve(self, sender: Address, spender: Address, amount: int) -> None:
        if self.payment_token.allowance(sender, spender) < amount:
            self.call("approve", self.payment_token.approve, sender, spender, UNLIMITED)

    # Terms

    async def publish_terms(
        self, sender: Address, first_window: int, terms: Sequence[Terms]
    ) -> list[Receipt]:
        """Sets the terms of consecutive windows; `sender` is an operator."""
        return [
            self.call(
                "publishTerms",
                self.energy_market.publish_terms,
                sender,
                first_window + start,
                batch,
            )
            for start, batch in _batches(terms)
        ]

    async def terms_of(self, window: int) -> Terms:
        """The terms of one window."""
        return self.energy_market.terms_of(window)

    async def treasury(self) -> Address:
        """Whose account trades for the grid."""
        return self.energy_market.treasury()

    # Offers

    async def make_offer(
        self, sender: Address, window: int, energy_wh: int, floor_price: int
    ) -> Receipt:
        """The receipt's `result` is the offer's id."""
        return self.call(
            "makeOffer", self.energy_market.make_offer, sender, window, energy_wh, floor_price
        )

    async def cancel_offer(self, sender: Address, offer_id: int) -> Receipt:
        """Takes an offer back."""
        return self.call("cancelOffer", self.energy_market.cancel_offer, sender, offer_id)

    async def offers(self, window: int) -> list[Offer]:
        """All offers of a window, in the order of their making."""
        offers: list[Offer] = []
        while True:
            page, total = self.energy_market.get_offers(window, len(offers), MAX_PAGE)
            offers += page
            if len(offers) == total:
                return offers

    async def offer(self, offer_id: int) -> Offer:
        """One offer."""
        return self.energy_market.offer_of(offer_id)

    # The call auction

    @property
    def auction_address(self) -> Address:
        """Where the call auction is."""
        return self.call_auction.address

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
        return self.call(
            "placeOrder",
            self.call_auction.place_order,
            sender,
            side,
            energy_wh,
            limit_price,
            window,
            expires_at,
        )

    async def cancel_order(self, sender: Address, order_id: int) -> Receipt:
        """Takes back what is left of an order."""
        return self.call("cancelOrder", self.call_auction.cancel_order, sender, order_id)

    async def release_orders(self, sender: Address, order_ids: Sequence[int]) -> list[Receipt]:
        """Ends orders that no book has any more."""
        return [
            self.call("releaseOrders", self.call_auction.release_orders, sender, batch)
            for _, batch in _batches(order_ids)
        ]

    async def order(self, order_id: int) -> Order:
        """What is left of one order."""
        return self.call_auction.order_of(order_id)

    async def orders(self, window: int) -> list[Order]:
        """The live orders of a window's book, by id."""
        return self.call_auction.orders_of(window)

    async def book_of(self, window: int) -> Book:
        """How many orders a book has, and how far it has come."""
        return self.call_auction.book_of(window)

    async def clear(self, sender: Address, window: int) -> list[Receipt]:
        """Sorts the book of a window and clears it, in a single call."""
        book = self.call_auction.orders_of(window)
        buy_ids, sell_ids = ([order.id for order in queue_of(book, side)] for side in Side)
        return [
            self.call("clear", self.call_auction.clear, sender, window, buy_ids, sell_ids),
        ]

    async def pricing_rule_of(self, window: int) -> PricingRule:
        """How the matches of a window are priced."""
        return self.call_auction.pricing_rule_of(window)

    async def set_pricing_rule(self, sender: Address, rule: PricingRule) -> Receipt:
        """From the window after the next on; `sender` is of the members."""
        return self.call("setPricingRule", self.call_auction.set_pricing_rule, sender, rule)

    # Agreements

    def sign_agreement(self, agreement: Agreement) -> SignedAgreement:
        """Signs with the key of `agreement.buyer`."""
        key = self.keys.key_of(agreement.buyer)
        return SignedAgreement(agreement, sign(self.agreement_id(agreement), key))

    def verify_agreement(self, signed: SignedAgreement) -> bool:
        """Whether the signature is the buyer's own."""
        agreement = signed.agreement
        return recover(self.agreement_id(agreement), signed.signature) == agreement.buyer

    def agreement_id(self, agreement: Agreement) -> bytes:
        """The agreement's EIP-712 digest."""
        return self.energy_market.hash_agreement(agreement)

    async def allow_transactions(
        self, sender: Address, agreements: Sequence[SignedAgreement]
    ) -> list[Receipt]:
        """Writes agreements; each receipt's `result` is the tuple of its agreements' ids."""
        return [
            self.call(
                "allowTransactions",
                self.energy_market.allow_transactions,
                sender,
                [signed.agreement for signed in batch],
                [signed.signature for signed in batch],
            )
            for _, batch in _batches(agreements)
        ]

    async def make_transactions(
        self, sender: Address, agreements: Sequence[Agreement]
    ) -> list[Receipt]:
        """Settles agreements, passing over what is settled already."""
        return [
            self.call("makeTransactions", self.energy_market.make_transactions, sender, batch)
            for _, batch in _batches(agreements)
        ]

    async def agreement_state(self, agreement_id: bytes) -> AgreementState:
        """How far an agreement has come."""
        return self.energy_market.agreement_state(agreement_id)

    # Readings and positions

    def sign_reading(self, reading: Reading) -> SignedReading:
        """Signs with the key of `reading.meter`."""
        digest = self.meter_registry.hash_reading(reading)
        return SignedReading(reading, sign(digest, self.keys.key_of(reading.meter)))

    async def submit_readings(
        self, sender: Address, readings: Sequence[SignedReading]
    ) -> list[Receipt]:
        """Records what meters have signed."""
        return [
            self.call(
                "submitReadings",
                self.meter_registry.submit_readings,
                sender,
                [signed.reading for signed in batch],
                [signed.signature for signed in batch],
            )
            for _, batch in _batches(readings)
        ]

    async def reading_of(self, owner: Address, window: int) -> RecordedReading:
        """What an owner's meter saw in a window."""
        return self.meter_registry.reading_of(owner, window)

    async def audit_threshold(self) -> int:
        """How many auditors have to confirm a reading, or correct it."""
        return self.meter_registry.threshold()

    async def doubt_reading(self, sender: Address, owner: Address, window: int) -> Receipt:
        """Holds up what is settled by a reading; `sender` is an auditor."""
        return self.call("doubtReading", self.meter_registry.doubt_reading, sender, owner, window)

    async def confirm_reading(self, sender: Address, owner: Address, window: int) -> Receipt:
        """Confirms a held reading; the `result` is whether it is held no longer."""
        return self.call(
            "confirmReading", self.meter_registry.confirm_reading, sender, owner, window
        )

    async def correct_reading(self, sender: Address, correction: Correction) -> Receipt:
        """Corrects a held reading; the `result` is whether the correction counts now."""
        return self.call("correctReading", self.meter_registry.correct_reading, sender, correction)

    async def close_positions(
        self, sender: Address, participants: Sequence[Address], window: int
    ) -> list[Receipt]:
        """Closes positions, passing over what is closed already."""
        return [
            self.call("closePositions", self.energy_market.close_positions, sender, batch, window)
            for _, batch in _batches(participants)
        ]

    async def position_of(self, participant: Address, window: int) -> Position:
        """What became of a participant's window so far."""
        return self.energy_market.position_of(participant, window)

    async def lapses_of(self, participant: Address, first_window: int, windows: int) -> Lapses:
        """The record of a participant."""
        return self.energy_market.lapses_of(participant, first_window, windows)


def _batches(items: Sequence[T]) -> Iterator[tuple[int, Sequence[T]]]:
    """Slices of at most MAX_BATCH items with the index of their first."""
    for start in range(0, len(items), MAX_BATCH):
        yield start, items[start : start + MAX_BATCH]
