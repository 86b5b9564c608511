"""The model of `EnergyMarket`: accounts, terms, offers, agreements, settlement, positions.

The caller of a function is always its first argument. Every check stands where the contract has it,
and amounts move in the contract's order, since buyer, seller and treasury may be the same account.
Integers are taken to fit the contract's types; what doesn't is refused where a call is encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.ledger.model.authority import Role
from app.ledger.model.contract import ZERO_ADDRESS, Contract, World
from app.ledger.model.genesis import Genesis
from app.ledger.model.market_accounts import MarketAccounts
from app.ledger.model.market_terms import MarketTerms
from app.ledger.model.registry import MeterRegistry
from app.ledger.model.tokens import EnergyToken, PaymentToken
from app.ledger.types import (
    Address,
    Agreement,
    AgreementState,
    Offer,
    ParticipantInfo,
    Position,
    RecordedReading,
    Side,
    Terms,
)
from app.market.auction import cover_rate
from app.market.settlement import (
    GridTrade,
    close_position,
    cover_cost,
    locks_of,
    settle_delivery,
)
from app.market.typed_data import MARKET_NAME, Domain, agreement_digest, recover
from app.market.windows import (
    MAX_HORIZON,
    commit_start,
    grace_end,
    hold_end,
    window_at,
    window_end,
    window_start,
)

MAX_PAGE = 256
MAX_ENERGY_WH = 2**32 - 1
MAX_ENDPOINT_BYTES = 256
MAX_META_ADDRESS_BYTES = 128
OFFER_INDEX_BITS = 32
LANES = 8
MAX_AGREED_WH = 2**48 - 1
VENUE_SHIFT = 96
PAUSE_LENGTH = 3 * 24 * 3600
PAUSE_REST = 4 * 24 * 3600


@dataclass(frozen=True, slots=True)
class _Trades:
    """What a participant trades in one window: agreed to sell, sold, bought, unsettled."""

    window: int
    agreed_wh: int = 0
    sold_wh: int = 0
    bought_wh: int = 0
    open_sales: int = 0
    open_purchases: int = 0


@dataclass(frozen=True, slots=True)
class VenueFill:
    """A match of two orders at a venue; covers were locked at their limits, and that of the sell
    at the terms of its window.
    """

    buy_id: int
    sell_id: int
    buyer: Address
    seller: Address
    window: int
    energy_wh: int
    price: int
    buy_limit: int
    sell_limit: int
    sell_window: int


_NO_INFO = ParticipantInfo(endpoint="", household_id=bytes(32), meter=ZERO_ADDRESS)
_NO_TRADES = _Trades(window=-1)


class EnergyMarket(MarketTerms, MarketAccounts):
    """Model of the contract `EnergyMarket`. Every refusal is a ContractRevertedError."""

    name = "EnergyMarket"

    def __init__(
        self,
        world: World,
        genesis: Genesis,
        payment_token: PaymentToken,
        energy_token: EnergyToken,
        meter_registry: MeterRegistry,
    ) -> None:
        Contract.__init__(self, world, genesis.contracts.energy_market)
        MarketTerms.__init__(self, genesis.default_terms, genesis.term_limits)
        MarketAccounts.__init__(self, payment_token, genesis.treasury)
        self._energy_token = energy_token
        self._meter_registry = meter_registry
        self._domain = Domain(MARKET_NAME, genesis.chain_id, self.address)
        self._infos: dict[Address, ParticipantInfo] = {}
        self._offers: dict[int, Offer] = {}
        self._offer_counts: dict[int, int] = {}
        self._states: dict[bytes, AgreementState] = {}
        self._lanes: dict[tuple[Address, int], _Trades] = {}
        self._closed: dict[tuple[Address, int], bool] = {}
        self._venues = {genesis.contracts.call_auction: True}
        self._paused = {"until": 0}

    # Views

    def is_participant(self, account: Address) -> bool:
        """Whether it has ever published itself."""
        return account in self._infos

    def participant_info(self, participant: Address) -> ParticipantInfo:
        """What it has published; empty if it never did."""
        return self._infos.get(participant, _NO_INFO)

    def paused(self) -> bool:
        """Whether new participants, offers and agreements are stopped."""
        return self._now() < self._paused["until"]

    def get_offers(self, window: int, offset: int, limit: int) -> tuple[list[Offer], int]:
        """A page of a window's offers and how many there are; at most MAX_PAGE."""
        total = self._offer_counts.get(window, 0)
        end = min(offset + min(limit, MAX_PAGE), total)
        return [self._offers[_offer_id(window, index)] for index in range(offset, end)], total

    def offer_of(self, offer_id: int) -> Offer:
        """One offer. Errors: OfferUnknown."""
        self._require(offer_id in self._offers, "OfferUnknown", offerId=offer_id)
        return self._offers[offer_id]

    def hash_agreement(self, agreement: Agreement) -> bytes:
        """Id of an agreement: the EIP-712 digest (32 bytes) that its buyer signs."""
        return agreement_digest(self._domain, agreement)

    def agreement_state(self, agreement_id: bytes) -> AgreementState:
        """How far an agreement has come."""
        return self._states.get(agreement_id, AgreementState.NONE)

    def position_of(self, participant: Address, window: int) -> Position:
        """What became of a participant's window; trades for as long as their lane is theirs."""
        trades = self._trades_of(participant, window)
        return Position(
            sold_wh=trades.sold_wh,
            bought_wh=trades.bought_wh,
            open_agreements=trades.open_sales + trades.open_purchases,
            closed=self._is_closed(participant, window),
        )

    # Who takes part

    def publish_info(self, caller: Address, info: ParticipantInfo) -> None:
        """Errors: EnforcedPause, NotCertified, MeterMismatch, InfoTooLong."""
        self._when_not_paused()
        meter = self._meter_registry.certificate_of(caller).meter
        self._require(self._meter_registry.is_certified(caller), "NotCertified", participant=caller)
        self._require(info.meter == meter, "MeterMismatch", meter=info.meter, certifiedMeter=meter)
        self._require_short(len(info.endpoint.encode()), MAX_ENDPOINT_BYTES)
        self._require_short(len(info.stealth_meta_address), MAX_META_ADDRESS_BYTES)

        self._journal.put(self._infos, caller, info)
        self._emit(
            "InfoPublished",
            participant=caller,
            meter=info.meter,
            householdId=info.household_id,
            endpoint=info.endpoint,
            stealthMetaAddress=info.stealth_meta_address,
        )

    # Offers

    def make_offer(self, caller: Address, window: int, energy_wh: int, floor_price: int) -> int:
        """Returns the offer's id. Errors: EnforcedPause, NotParticipant, DebtOutstanding,
        WindowClosed, WindowTooFar, EnergyZero, EnergyTooLarge, PriceOutOfRange.
        """
        self._when_not_paused()
        self._require_participant(caller)
        self._require_no_debt(caller)
        self._require_trading(window)
        last_window = window_at(self._now()) + MAX_HORIZON
        self._require(window <= last_window, "WindowTooFar", window=window, lastWindow=last_window)
        self._require(energy_wh > 0, "EnergyZero")
        self._require(
            energy_wh <= MAX_ENERGY_WH, "EnergyTooLarge", energyWh=energy_wh, maximum=MAX_ENERGY_WH
        )
        ceiling = self.terms_of(window).grid_ceiling
        self._require_price(floor_price, 0, ceiling)

        self._freeze_terms(window)
        index = self._offer_counts.get(window, 0)
        self._journal.put(self._offer_counts, window, index + 1)
        offer_id = _offer_id(window, index)
        self._journal.put(
            self._offers, offer_id, Offer(offer_id, caller, window, energy_wh, floor_price)
        )
        self._emit(
            "OfferMade",
            offerId=offer_id,
            seller=caller,
            window=window,
            energyWh=energy_wh,
            floorPrice=floor_price,
        )
        return offer_id

    def cancel_offer(self, caller: Address, offer_id: int) -> None:
        """Errors: OfferUnknown, NotSeller, OfferIsCancelled, WindowClosed."""
        offer = self.offer_of(offer_id)
        self._require(caller == offer.seller, "NotSeller", caller=caller, seller=offer.seller)
        self._require(not offer.cancelled, "OfferIsCancelled", offerId=offer_id)
        self._require_trading(offer.window)

        self._journal.put(self._offers, offer_id, replace(offer, energy_wh=0, cancelled=True))
        self._emit("OfferCancelled", offerId=offer_id, seller=caller, window=offer.window)

    # Agreements

    def allow_transaction(self, caller: Address, agreement: Agreement, signature: bytes) -> bytes:
        """Returns the agreement's id. Errors, in this order: EnforcedPause, NotSeller,
        OfferUnknown, SellerMismatch, WindowMismatch, OfferIsCancelled, CommitPhaseOnly,
        AgreementExpired, SelfTrade, NotParticipant, DebtOutstanding, PriceOutOfRange, EnergyZero,
        OfferExceeded, AgreementExists, SignatureInvalid, PositionOpen, EnergyTooLarge,
        FundsInsufficient.
        """
        self._when_not_paused()
        return self._allow(caller, agreement, signature)

    def allow_transactions(
        self, caller: Address, agreements: Sequence[Agreement], signatures: Sequence[bytes]
    ) -> tuple[bytes, ...]:
        """All or none. Errors: LengthMismatch, BatchTooLarge, those of `allow_transaction`."""
        self._when_not_paused()
        self._require(
            len(agreements) == len(signatures),
            "LengthMismatch",
            agreements=len(agreements),
            signatures=len(signatures),
        )
        self._require_batch(len(agreements))

        return tuple(
            self._allow(caller, agreement, signature)
            for agreement, signature in zip(agreements, signatures, strict=True)
        )

    def _allow(self, caller: Address, a: Agreement, signature: bytes) -> bytes:
        self._require(caller == a.seller, "NotSeller", caller=caller, seller=a.seller)
        offer = self._matching_offer(a)
        self._require_commit_phase(a.window)
        self._require(self._now() <= a.deadline, "AgreementExpired", deadline=a.deadline)
        self._require(a.buyer != a.seller, "SelfTrade", participant=a.buyer)
        self._require_participant(a.buyer)
        self._require_no_debt(a.buyer)
        self._require_no_debt(a.seller)
        terms = self.terms_of(a.window)
        self._require_price(a.price, max(offer.floor_price, terms.grid_floor), terms.grid_ceiling)
        self._require(a.energy_wh > 0, "EnergyZero")
        available_wh = offer.energy_wh - offer.agreed_wh
        self._require(
            a.energy_wh <= available_wh,
            "OfferExceeded",
            offerId=a.offer_id,
            energyWh=a.energy_wh,
            availableWh=available_wh,
        )
        agreement_id = self.hash_agreement(a)
        self._require(
            self.agreement_state(agreement_id) is AgreementState.NONE,
            "AgreementExists",
            agreementId=agreement_id,
        )
        self._require(
            recover(agreement_id, signature) == a.buyer, "SignatureInvalid", buyer=a.buyer
        )

        self._journal.put(self._states, agreement_id, AgreementState.OPEN)
        self._journal.put(
            self._offers, a.offer_id, replace(offer, agreed_wh=offer.agreed_wh + a.energy_wh)
        )
        self._open_sale(a.seller, a.window, a.energy_wh)
        self._open_purchase(a.buyer, a.window)
        locks = locks_of(a.energy_wh, a.price, terms)
        self._lock(a.buyer, locks.escrow)
        self._lock(a.seller, locks.bond)
        self._emit_allowed(agreement_id, a)
        return agreement_id

    def _emit_allowed(self, agreement_id: bytes, a: Agreement) -> None:
        self._emit(
            "TransactionAllowed",
            agreementId=agreement_id,
            seller=a.seller,
            buyer=a.buyer,
            offerId=a.offer_id,
            window=a.window,
            energyWh=a.energy_wh,
            price=a.price,
        )

    def _matching_offer(self, a: Agreement) -> Offer:
        offer = self.offer_of(a.offer_id)
        self._require(
            a.seller == offer.seller, "SellerMismatch", seller=a.seller, offerSeller=offer.seller
        )
        self._require(
            a.window == offer.window, "WindowMismatch", window=a.window, offerWindow=offer.window
        )
        self._require(not offer.cancelled, "OfferIsCancelled", offerId=a.offer_id)
        return offer

    def _open_sale(self, seller: Address, window: int, energy_wh: int) -> None:
        trades = self._open_lane(seller, window)
        agreed_wh = trades.agreed_wh + energy_wh
        self._require(
            agreed_wh <= MAX_AGREED_WH,
            "EnergyTooLarge",
            energyWh=agreed_wh,
            maximum=MAX_AGREED_WH,
        )

        self._put_trades(
            seller, replace(trades, agreed_wh=agreed_wh, open_sales=trades.open_sales + 1)
        )

    def _open_purchase(self, buyer: Address, window: int) -> None:
        trades = self._open_lane(buyer, window)
        self._put_trades(buyer, replace(trades, open_purchases=trades.open_purchases + 1))

    def _open_lane(self, participant: Address, window: int) -> _Trades:
        """A lane is free for a new window when the position of its former one is closed."""
        trades = self._lanes.get((participant, window % LANES))
        if trades is None:
            return _Trades(window)
        if trades.window == window:
            return trades
        self._require(
            self._is_closed(participant, trades.window),
            "PositionOpen",
            participant=participant,
            window=trades.window,
        )
        return _Trades(window)

    # Venues

    def set_venue(self, caller: Address, venue: Address, admitted: bool) -> None:
        """Whether a contract may lock money for orders and write agreements. By the members."""
        self._restrict(caller, Role.MEMBERS)

        self._journal.put(self._venues, venue, admitted)
        self._emit("VenueSet", venue=venue, admitted=admitted)

    def is_venue(self, account: Address) -> bool:
        """Whether it is admitted."""
        return self._venues.get(account, False)

    def cover_order(
        self,
        caller: Address,
        side: Side,
        owner: Address,
        window: int,
        energy_wh: int,
        limit_price: int,
    ) -> None:
        """Locks what an order needs. By a venue. Errors, in this order: NotVenue, EnforcedPause,
        NotParticipant, DebtOutstanding, PriceOutOfRange, FundsInsufficient.
        """
        self._require_venue(caller)
        self._when_not_paused()
        self._require_participant(owner)
        self._require_no_debt(owner)
        terms = self.terms_of(window)
        self._require_price(limit_price, terms.grid_floor, terms.grid_ceiling)

        self._freeze_terms(window)
        self._lock(owner, energy_wh * cover_rate(side, limit_price, terms))

    def release_order(
        self,
        caller: Address,
        side: Side,
        owner: Address,
        window: int,
        energy_wh: int,
        limit_price: int,
    ) -> None:
        """Returns the cover of an order's energy. By a venue. Errors: NotVenue."""
        self._require_venue(caller)

        amount = energy_wh * cover_rate(side, limit_price, self.terms_of(window))
        self._unlock(owner, amount, amount)

    def open_clearing(self, caller: Address, window: int) -> Terms:
        """The terms that the orders of a window are matched by. By a venue. Errors: NotVenue,
        EnforcedPause.
        """
        self._require_venue(caller)
        self._when_not_paused()

        self._freeze_terms(window)
        return self.terms_of(window)

    def record_fill(self, caller: Address, fill: VenueFill) -> bytes:
        """Returns the id of the agreement that a match comes to. By a venue. Errors: NotVenue,
        PositionOpen, EnergyTooLarge.
        """
        self._require_venue(caller)
        agreement = Agreement(
            offer_id=int(caller, 16) << VENUE_SHIFT | fill.sell_id,
            seller=fill.seller,
            buyer=fill.buyer,
            window=fill.window,
            energy_wh=fill.energy_wh,
            price=fill.price,
            deadline=0,
            salt=fill.buy_id,
        )
        agreement_id = self.hash_agreement(agreement)
        locks = locks_of(fill.energy_wh, fill.price, self.terms_of(fill.window))
        own_terms = self.terms_of(fill.sell_window)
        # The rate of a buy is its limit, whatever the terms are.
        buy_cover = fill.energy_wh * cover_rate(Side.BUY, fill.buy_limit, own_terms)
        sell_cover = fill.energy_wh * cover_rate(Side.SELL, fill.sell_limit, own_terms)

        self._journal.put(self._states, agreement_id, AgreementState.OPEN)
        self._open_sale(fill.seller, fill.window, fill.energy_wh)
        self._open_purchase(fill.buyer, fill.window)
        self._unlock(fill.buyer, buy_cover - locks.escrow, buy_cover - locks.escrow)
        self._unlock(fill.seller, sell_cover - locks.bond, sell_cover - locks.bond)
        self._emit_allowed(agreement_id, agreement)
        return agreement_id

    # Settlement

    def make_transaction(self, caller: Address, agreement: Agreement) -> None:
        """By anyone. Errors: AgreementSettled, WindowNotOver, ReadingIsHeld, ReadingMissing,
        AgreementUnknown.
        """
        agreement_id = self.hash_agreement(agreement)
        self._require(
            self.agreement_state(agreement_id) is not AgreementState.SETTLED,
            "AgreementSettled",
            agreementId=agreement_id,
        )

        self._settle(agreement, agreement_id)

    def make_transactions(self, caller: Address, agreements: Sequence[Agreement]) -> None:
        """Passes over what is settled. Errors: BatchTooLarge, those of `make_transaction`."""
        self._require_batch(len(agreements))

        for agreement in agreements:
            agreement_id = self.hash_agreement(agreement)
            if self.agreement_state(agreement_id) is not AgreementState.SETTLED:
                self._settle(agreement, agreement_id)

    def _settle(self, a: Agreement, agreement_id: bytes) -> None:
        self._require_over(a.window)
        exported_wh = self._reading_of(a.seller, a.window).exported_wh
        self._require(
            self.agreement_state(agreement_id) is AgreementState.OPEN,
            "AgreementUnknown",
            agreementId=agreement_id,
        )

        terms = self.terms_of(a.window)
        sales = self._trades_of(a.seller, a.window)
        delivery = settle_delivery(a.energy_wh, a.price, exported_wh, sales.agreed_wh, terms)
        delivered_wh = delivery.delivered_wh
        locks = locks_of(a.energy_wh, a.price, terms)

        self._journal.put(self._states, agreement_id, AgreementState.SETTLED)
        self._put_trades(
            a.seller,
            replace(sales, open_sales=sales.open_sales - 1, sold_wh=sales.sold_wh + delivered_wh),
        )
        purchases = self._trades_of(a.buyer, a.window)
        self._put_trades(
            a.buyer,
            replace(
                purchases,
                open_purchases=purchases.open_purchases - 1,
                bought_wh=purchases.bought_wh + delivered_wh,
            ),
        )
        self._unlock(a.buyer, locks.escrow, locks.escrow - delivery.charged + delivery.compensation)
        self._unlock(a.seller, locks.bond, locks.bond - delivery.forfeited + delivery.paid)
        if delivery.shortfall_wh > 0:
            self._note_shortfall(a.seller, a.window, delivery.shortfall_wh)
        if delivery.penalty > 0:
            self._add_to_treasury(delivery.penalty)
        self._emit(
            "TransactionMade",
            agreementId=agreement_id,
            seller=a.seller,
            buyer=a.buyer,
            deliveredWh=delivered_wh,
            paid=delivery.paid,
            compensation=delivery.compensation,
            penalty=delivery.penalty,
        )
        if delivered_wh > 0:
            covered_wh = self._energy_token.deliver(self.address, a.seller, a.buyer, delivered_wh)
            self._charge_covered(a.seller, a.window, covered_wh, terms)

    # Positions

    def close_position(self, caller: Address, participant: Address, window: int) -> None:
        """By anyone. Errors: PositionIsClosed, NotParticipant, WindowNotOver, ReadingIsHeld,
        ReadingMissing, AgreementsOpen.
        """
        self._require(
            not self._is_closed(participant, window),
            "PositionIsClosed",
            participant=participant,
            window=window,
        )

        self._close(participant, window)

    def close_positions(
        self, caller: Address, participants: Sequence[Address], window: int
    ) -> None:
        """Passes over what is closed. Errors: BatchTooLarge, those of `close_position`."""
        self._require_batch(len(participants))

        for participant in participants:
            if not self._is_closed(participant, window):
                self._close(participant, window)

    def _close(self, participant: Address, window: int) -> None:
        self._require_participant(participant)
        self._require_over(window)
        reading = self._reading_of(participant, window)
        trades = self._trades_of(participant, window)
        open_agreements = trades.open_sales + trades.open_purchases
        self._require(
            open_agreements == 0,
            "AgreementsOpen",
            participant=participant,
            window=window,
            count=open_agreements,
        )
        terms = self.terms_of(window)
        trade = close_position(reading, trades.sold_wh, trades.bought_wh, terms)

        self._journal.put(self._closed, (participant, window), True)
        covered_wh = self._move_energy(participant, trade)
        self._charge_covered(participant, window, covered_wh, terms)
        if trade.surplus_wh > 0:
            self._pay_from_treasury(participant, trade.amount)
        if trade.lack_wh > 0:
            self._charge(participant, window, trade.amount)
        self._emit(
            "PositionClosed",
            participant=participant,
            window=window,
            netWh=trade.net_wh,
            amount=trade.amount,
        )

    def _move_energy(self, participant: Address, trade: GridTrade) -> int:
        """Returns what had to be covered."""
        token, covered_wh = self._energy_token, 0
        if trade.lack_wh > 0:
            token.inject(self.address, participant, trade.lack_wh)
        if trade.withdrawn_wh > 0:
            covered_wh += token.withdraw(self.address, participant, trade.withdrawn_wh)
        if trade.lost_wh > 0:
            covered_wh += token.lose(self.address, participant, trade.lost_wh)
        if trade.retracted_wh > 0:
            covered_wh += token.retract(self.address, participant, trade.retracted_wh)
        return covered_wh

    def _charge_covered(
        self, participant: Address, window: int, covered_wh: int, terms: Terms
    ) -> None:
        """A participant may have given away energy that it owed; the grid has fed it in instead."""
        if covered_wh == 0:
            return
        amount = cover_cost(covered_wh, terms)

        self._charge(participant, window, amount)
        self._emit(
            "EnergyCovered",
            participant=participant,
            window=window,
            energyWh=covered_wh,
            amount=amount,
        )

    # Pausing

    def pause(self, caller: Address) -> None:
        """By the operator, for PAUSE_LENGTH seconds. Errors: EnforcedPause, PausedLately."""
        self._restrict(caller, Role.OPERATOR)
        self._when_not_paused()
        rest_end = self._paused["until"] + PAUSE_REST
        self._require(self._now() >= rest_end, "PausedLately", restEnd=rest_end)

        self._journal.put(self._paused, "until", self._now() + PAUSE_LENGTH)
        self._emit("Paused", account=caller)

    def unpause(self, caller: Address) -> None:
        """By the members. Errors: ExpectedPause."""
        self._restrict(caller, Role.MEMBERS)
        self._require(self.paused(), "ExpectedPause")

        self._journal.put(self._paused, "until", self._now())
        self._emit("Unpaused", account=caller)

    # Records

    def _reading_of(self, participant: Address, window: int) -> RecordedReading:
        """The reading, if it is there or no longer waited for. Errors: ReadingIsHeld,
        ReadingMissing.
        """
        reading = self._meter_registry.reading_of(participant, window)
        self._require(
            not reading.held,
            "ReadingIsHeld",
            participant=participant,
            window=window,
            until=hold_end(window),
        )
        wait_until = grace_end(window)
        self._require(
            reading.recorded or self._now() >= wait_until,
            "ReadingMissing",
            participant=participant,
            window=window,
            waitUntil=wait_until,
        )
        return reading

    def _trades_of(self, participant: Address, window: int) -> _Trades:
        """The trades of a window, none if its lane has another one."""
        trades = self._lanes.get((participant, window % LANES), _NO_TRADES)
        return trades if trades.window == window else _Trades(window)

    def _put_trades(self, participant: Address, trades: _Trades) -> None:
        self._journal.put(self._lanes, (participant, trades.window % LANES), trades)

    def _is_closed(self, participant: Address, window: int) -> bool:
        return self._closed.get((participant, window), False)

    # Rules

    def _when_not_paused(self) -> None:
        self._require(not self.paused(), "EnforcedPause")

    def _require_participant(self, account: Address) -> None:
        self._require(self.is_participant(account), "NotParticipant", account=account)

    def _require_venue(self, caller: Address) -> None:
        self._require(self.is_venue(caller), "NotVenue", caller=caller)

    def _require_trading(self, window: int) -> None:
        closed_since = max(commit_start(window), 0)
        self._require(
            self._now() < closed_since,
            "WindowClosed",
            window=window,
            closedSince=closed_since,
        )

    def _require_commit_phase(self, window: int) -> None:
        start, end = max(commit_start(window), 0), window_start(window)
        self._require(
            start <= self._now() < end,
            "CommitPhaseOnly",
            window=window,
            **{"from": start, "until": end},
        )

    def _require_over(self, window: int) -> None:
        end = window_end(window)
        self._require(self._now() >= end, "WindowNotOver", window=window, end=end)

    def _require_price(self, price: int, minimum: int, maximum: int) -> None:
        self._require(
            minimum <= price <= maximum,
            "PriceOutOfRange",
            price=price,
            minimum=minimum,
            maximum=maximum,
        )

    def _require_short(self, length: int, maximum: int) -> None:
        self._require(length <= maximum, "InfoTooLong", length=length, maximum=maximum)


def _offer_id(window: int, index: int) -> int:
    return (window << OFFER_INDEX_BITS) | index
