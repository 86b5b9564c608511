"""Random days of a street: calls of all kinds, most of them sensible, many of them not.

A day reads the model to know what is sensible, and yields calls and moments; whoever drives it runs
them on the model (and elsewhere) before asking for the next. The same seed makes the same day.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from app.ledger.fills import fill_agreements
from app.ledger.model import ModelLedger, Role, TermLimits
from app.ledger.model.treasury import PAYOUT_TIME
from app.ledger.types import (
    Address,
    Agreement,
    Correction,
    MeterKind,
    Offer,
    Order,
    ParticipantInfo,
    Reading,
    Receipt,
    Side,
    Terms,
    WithdrawalState,
)
from app.market.auction import earliest_expiry, latest_expiry, queue_of
from app.market.clearing import PricingRule
from app.market.windows import commit_start, hold_end, window_at, window_end, window_start
from tests.ledger.books import Cast
from tests.ledger.calls import Call

T = TypeVar("T")

DAY = 24 * 3_600
UNLIMITED = 2**256 - 1
ZERO_ADDRESS = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Resident:
    """A household, or the owner of the community battery, with its meter."""

    owner: Address
    meter: Address
    kind: MeterKind = MeterKind.HOUSEHOLD


@dataclass(frozen=True, slots=True)
class People:
    """Who lives and works in the street. The newcomer has not published itself yet."""

    residents: tuple[Resident, ...]
    newcomer: Resident
    outsider: Address
    members: Address
    operator: Address
    auditors: tuple[Address, ...]
    treasurers: tuple[Address, ...]
    treasury: Address
    keeper: Address

    @property
    def holders(self) -> list[Address]:
        """All who can hold money or energy."""
        owners = [resident.owner for resident in (*self.residents, self.newcomer)]
        return [*owners, self.outsider, self.members, self.treasury]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing happens until this moment."""

    until: int


def model_people(ledger: ModelLedger, households: int = 5) -> People:
    """A street of development keys; the last of its residents owns the battery."""
    named = ledger.keys.account
    residents = [Resident(named(f"household {i}"), named(f"meter {i}")) for i in range(households)]
    battery = Resident(named("battery"), named("battery meter"), MeterKind.STORAGE)
    return People(
        residents=(*residents, battery),
        newcomer=Resident(named("newcomer"), named("newcomer's meter")),
        outsider=named("outsider"),
        members=named("members"),
        operator=named("operator"),
        auditors=tuple(ledger.keys.accounts(["auditor", "second auditor"])),
        treasurers=tuple(ledger.keys.accounts(["treasurer", "second treasurer"])),
        treasury=named("treasury"),
        keeper=named("keeper"),
    )


class RandomDay:
    """A seeded day; `cast` fills with what has come about."""

    def __init__(self, ledger: ModelLedger, people: People, seed: int) -> None:
        self.cast = Cast(people.holders)
        self._ledger = ledger
        self._market = ledger.energy_market
        self._people = people
        self._random = Random(seed)
        self._references = 0
        self._auction = ledger.call_auction
        self._bank = ledger.bank
        self._transfers: list[tuple[Address, int, bytes]] = []
        self._corrections: list[Correction] = []
        self._officers = {Role.AUDITOR: people.auditors, Role.TREASURER: people.treasurers}
        self._maybe_agreed: tuple[Agreement, ...] = ()
        self._submitted: list[tuple[Reading, bytes]] = []

    def steps(self, hours: int) -> Iterator[Call | Wait]:
        """The street moves in; then so many hours of trade; then all that is left is settled."""
        yield from self._move_in()
        first = window_at(self._ledger.now()) + 1
        self.cast.windows.extend(range(first - 1, first + hours + 2))
        for hour in range(first, first + hours):
            yield Wait(window_start(hour) + self._random.randrange(600))
            yield from self._some(self._settling(), 4, 9)
            yield from self._some(self._trading(), 6, 12)
            yield Wait(
                commit_start(hour + 1)
                + self._mostly(self._random.choice((0, 30, 200)), lambda: -40, odds=0.9)
            )
            yield from self._some(self._committing(), 4, 8)
        yield from self._aftermath(first, first + hours)

    # The parts of a day

    def _move_in(self) -> Iterator[Call]:
        people = self._people
        yield self._on_bank("attestReserve", people.auditors[0], 10**9, self._reference())
        for resident in (*people.residents, people.newcomer):
            yield self._certify(resident, self._ledger.now() + 30 * DAY)
            yield from self._bring(resident.owner, self._random.randrange(2_000_000, 6_000_000))
            yield self._approve(resident.owner, self._market.address)
            if self._random.random() < 0.7:
                yield self._approve(resident.owner, self._bank.address)
        for resident in people.residents:
            yield self._on_market("publishInfo", resident.owner, self._info(resident))
            yield self._on_market("deposit", resident.owner, self._random.randrange(1, 2_000_000))
        yield from self._bring(people.treasury, 1_000_000)
        yield self._approve(people.treasury, self._market.address)
        yield self._on_market("deposit", people.treasury, 200_000)

    def _settling(self) -> list[Callable[[], Call]]:
        return [
            self._submit_readings,
            self._submit_readings,
            self._submit_readings,
            self._submit_reading,
            self._make_transactions,
            self._make_transactions,
            self._make_transaction,
            self._close_positions,
            self._close_positions,
            self._close_position,
            *[self._doubt_reading] * 2,
            *[self._confirm_reading] * 2,
            *[self._correct_reading] * 4,
        ]

    def _trading(self) -> list[Callable[[], Call]]:
        return [
            *[self._make_offer] * 16,
            *[self._cancel_offer] * 2,
            *[self._place_order] * 20,
            *[self._cancel_order] * 2,
            self._release_orders,
            self._set_pricing_rule,
            self._use_venue,
            *[self._deposit] * 4,
            *[self._withdraw] * 2,
            *[self._pay_claim] * 2,
            *[self._transfer_energy] * 3,
            self._transfer_payment,
            *[self._confirm_deposit] * 4,
            *[self._request_withdrawal] * 2,
            *[self._decide_withdrawal] * 4,
            self._attest_reserve,
            self._set_bank_rules,
            self._appoint,
            self._mint_or_burn,
            self._publish_info,
            self._certify_or_revoke,
            self._publish_terms,
            self._set_terms,
            self._set_treasury,
            self._pause_or_unpause,
        ]

    def _committing(self) -> list[Callable[[], Call]]:
        return [
            *[self._allow_transactions] * 12,
            *[self._allow_transaction] * 10,
            *[self._clear] * 8,
            self._place_order,
            self._cancel_order,
            self._release_orders,
            self._make_offer,
            self._cancel_offer,
            self._deposit,
            self._withdraw,
            self._confirm_deposit,
            self._decide_withdrawal,
            self._doubt_reading,
            self._confirm_reading,
            self._correct_reading,
            self._pause_or_unpause,
        ]

    def _some(self, actions: list[Callable[[], Call]], least: int, most: int) -> Iterator[Call]:
        for _ in range(self._random.randint(least, most)):
            yield self._random.choice(actions)()
        if self._market.paused() and self._random.random() < 0.8:
            yield self._on_market("unpause", self._people.members)
        for role, officers in self._officers.items():
            for officer in officers:
                if not self._ledger.access.has_role(role, officer) and self._random.random() < 0.5:
                    yield self._on_authority("grantRole", self._people.members, role, officer, 0)

    def _aftermath(self, first: int, last: int) -> Iterator[Call | Wait]:
        """When no reading is held any more everything can be settled and closed, with or without
        readings, and no order has to stay. A week later no withdrawal has to.
        """
        yield Wait(hold_end(last))
        for order in self._auction.get_orders(self.cast.orders):
            yield self._on_auction("cancelOrder", order.owner, order.id)
        for window in range(first, last + 1):
            due = [a for a in self.cast.agreements if a.window == window]
            yield self._on_market("makeTransactions", self._people.outsider, tuple(due))
            owners = [
                resident.owner
                for resident in self._people.residents
                if self._market.is_participant(resident.owner)
            ]
            yield self._on_market("closePositions", self._people.outsider, tuple(owners), window)
        yield Wait(self._ledger.now() + PAYOUT_TIME)
        for number in self._requested():
            payout = (number, self._reference())
            yield self._on_bank("confirmPayout", self._people.treasurers[0], *payout)
            yield self._on_bank("returnWithdrawal", self._people.outsider, number)

    # Offers

    def _make_offer(self) -> Call:
        seller = self._anyone()
        window = window_at(self._ledger.now()) + self._mostly(
            1, lambda: self._random.choice((-1, 0, 2, 168, 169))
        )
        self._watch(window)
        energy_wh = self._mostly(
            self._random.randrange(100, 3_000),
            lambda: self._random.choice((0, 1, 2**32 - 1, 2**32)),
        )
        terms = self._market.terms_of(window)
        price = self._mostly(
            self._random.randint(0, terms.grid_ceiling // 2),
            lambda: self._random.choice((terms.grid_ceiling, terms.grid_ceiling + 1)),
        )
        return self._on_market("makeOffer", seller, window, energy_wh, price)

    def _cancel_offer(self) -> Call:
        offer = self._some_offer(window_at(self._ledger.now()) + 1)
        caller = self._mostly(offer.seller, self._anyone)
        offer_id = self._mostly(offer.id, lambda: offer.id + 1_000, odds=0.95)
        return self._on_market("cancelOffer", caller, offer_id)

    # Agreements

    def _allow_transaction(self) -> Call:
        agreement, signature = self._signed(self._agreement())
        seller = self._mostly(agreement.seller, self._anyone, odds=0.95)
        return self._note_agreements(
            self._on_market("allowTransaction", seller, agreement, signature), (agreement,)
        )

    def _allow_transactions(self) -> Call:
        first = self._agreement()
        alike = [
            replace(first, energy_wh=max(1, first.energy_wh // 2), salt=self._salt())
            for _ in range(self._random.randrange(4))
        ]
        signed = [self._signed(a) for a in (first, *alike)]
        if self._random.random() < 0.02:
            signed *= 101
        agreements = tuple(agreement for agreement, _ in signed)
        signatures = tuple(signature for _, signature in signed)
        if self._random.random() < 0.03:
            signatures = signatures[1:]
        return self._note_agreements(
            self._on_market("allowTransactions", first.seller, agreements, signatures), agreements
        )

    def _note_agreements(self, call: Call, agreements: tuple[Agreement, ...]) -> Call:
        self._maybe_agreed = agreements
        return call

    def note_success(self, receipt: Receipt) -> None:
        """Told by the driver when the call that it got last has succeeded on the model."""
        self.cast.agreements.extend(self._maybe_agreed)
        self.cast.agreements.extend(fill_agreements([receipt]))
        self._maybe_agreed = ()
        match receipt.result:
            case int() as number if receipt.function == "placeOrder":
                self.cast.orders.append(number)
            case int() as number if receipt.function == "requestWithdrawal":
                self.cast.withdrawals.append(number)

    def note_refusal(self) -> None:
        """Told by the driver when the call that it got last was refused."""
        self._maybe_agreed = ()

    def _agreement(self) -> Agreement:
        window = window_at(self._ledger.now()) + 1
        offer = self._some_offer(window)
        terms = self._market.terms_of(window)
        left_wh = max(1, offer.energy_wh - offer.agreed_wh)
        lowest = max(terms.grid_floor, offer.floor_price)
        buyer = self._mostly(self._buyer_for(offer), self._anyone)
        price = self._random.randint(min(lowest, terms.grid_ceiling), terms.grid_ceiling)
        affordable_wh = self._market.account_of(buyer).free * 1_000 // (price + 1)
        most_wh = self._mostly(max(1, min(left_wh, affordable_wh)), lambda: left_wh)
        valid = Agreement(
            offer_id=offer.id,
            seller=offer.seller,
            buyer=buyer,
            window=window,
            energy_wh=self._random.randint(1, most_wh),
            price=price,
            deadline=window_start(window),
            salt=self._salt(),
        )
        changes: list[dict[str, int | str]] = [
            {"offer_id": offer.id + 1_000},
            {"seller": self._resident().owner},
            {"buyer": offer.seller},
            {"window": window + 1},
            {"energy_wh": 0},
            {"energy_wh": left_wh + 1},
            {"price": lowest - 1 if lowest else 0},
            {"price": terms.grid_ceiling + 1},
            {"deadline": self._ledger.now() - 1},
        ]
        if self.cast.agreements and self._random.random() < 0.05:
            return self._random.choice(self.cast.agreements)
        return self._mostly(valid, lambda: replace(valid, **self._random.choice(changes)))

    def _signed(self, agreement: Agreement) -> tuple[Agreement, bytes]:
        signature = self._ledger.sign_agreement(agreement).signature
        return agreement, self._mostly(signature, lambda: self._spoiled(signature), odds=0.96)

    # Settlement

    def _make_transaction(self) -> Call:
        agreement = self._past_agreement()
        return self._on_market("makeTransaction", self._anyone(), agreement)

    def _make_transactions(self) -> Call:
        now = self._ledger.now()
        due = [a for a in self.cast.agreements if window_end(a.window) <= now]
        due = self._random.sample(due, min(len(due), self._random.randrange(1, 12)))
        if self._random.random() < 0.1:
            due.append(self._past_agreement())
        if self._random.random() < 0.02 and due:
            due *= 101
        return self._on_market("makeTransactions", self._people.keeper, tuple(due))

    def _past_agreement(self) -> Agreement:
        if not self.cast.agreements:
            return self._agreement()
        agreement = self._random.choice(self.cast.agreements[-12:])
        return self._mostly(agreement, lambda: replace(agreement, salt=self._salt()))

    # The call auction

    def _place_order(self) -> Call:
        owner = self._mostly(self._rich_resident(), self._anyone)
        side = self._random.choice(tuple(Side))
        window = window_at(self._ledger.now()) + self._mostly(
            1, lambda: self._random.choice((-1, 0, 2, 2, 3, 168, 169))
        )
        self._watch(window)
        terms = self._market.terms_of(window)
        floor, ceiling = terms.grid_floor, terms.grid_ceiling
        eager = max if side is Side.BUY else min
        limit_price = self._mostly(
            eager(self._random.randint(floor, ceiling), (floor + ceiling) // 2),
            lambda: self._random.choice((ceiling, ceiling, floor, ceiling + 1, max(floor - 1, 0))),
            odds=0.75,
        )
        affordable_wh = self._market.account_of(owner).free // (ceiling // 1_000 + 60)
        energy_wh = self._mostly(
            self._random.randint(1, max(1, min(affordable_wh, 2_000))),
            lambda: self._random.choice((0, 1, 3_000, 2**32 - 1, 2**32)),
            odds=0.9,
        )
        first, last = earliest_expiry(window), latest_expiry(window)
        expires_at = self._mostly(
            first + self._random.choice((0, 1, 3_599, 3_600, 4 * 3_600, 4 * 3_600)),
            lambda: self._random.choice((0, first - 1, last, last, last + 1)),
            odds=0.9,
        )
        return self._on_auction(
            "placeOrder", owner, side, energy_wh, limit_price, window, max(expires_at, 0)
        )

    def _cancel_order(self) -> Call:
        order = self._some_order()
        caller = self._mostly(order.owner, self._anyone)
        return self._on_auction("cancelOrder", caller, order.id)

    def _release_orders(self) -> Call:
        now = self._ledger.now()
        live = self._auction.get_orders(self.cast.orders)
        late = [order.id for order in live if window_start(order.window) <= now]
        ids = self._mostly(late, lambda: self.cast.orders, odds=0.7)
        chosen = self._random.sample(ids, min(len(ids), self._random.randrange(1, 5)))
        return self._on_auction("releaseOrders", self._anyone(), (*chosen, 2**40))

    def _clear(self) -> Call:
        """Mostly the book that has to be cleared now, and mostly as it has to be."""
        window = window_at(self._ledger.now()) + self._mostly(
            1, lambda: self._random.choice((-1, 0, 2)), odds=0.95
        )
        book = self._auction.orders_of(window)
        buy_ids, sell_ids = ([order.id for order in queue_of(book, side)] for side in Side)
        buy_ids = self._mostly(buy_ids, lambda: self._misplaced(buy_ids), odds=0.9)
        sell_ids = self._mostly(sell_ids, lambda: self._misplaced(sell_ids), odds=0.9)
        return self._on_auction("clear", self._anyone(), window, tuple(buy_ids), tuple(sell_ids))

    def _misplaced(self, ids: list[int]) -> list[int]:
        changes: list[Callable[[], list[int]]] = [
            lambda: ids[::-1],
            lambda: ids[1:],
            lambda: ids[:-1],
            lambda: [*ids[:1], *ids],
            lambda: [*ids, self._some_order().id],
            lambda: [*ids[:-1], 2**40],
        ]
        return self._random.choice(changes)()

    def _set_pricing_rule(self) -> Call:
        members = self._mostly(self._people.members, self._anyone)
        return self._on_auction("setPricingRule", members, self._random.choice(list(PricingRule)))

    def _use_venue(self) -> Call:
        """Nobody but the auction is a venue, except for an outsider, who doesn't use it."""
        if self._random.random() < 0.5:
            members = self._mostly(self._people.members, self._anyone)
            admitted = self._random.choice((True, False))
            return self._on_market("setVenue", members, self._people.outsider, admitted)
        owner, window = self._resident().owner, window_at(self._ledger.now()) + 1
        function = self._random.choice(("coverOrder", "releaseOrder"))
        return self._on_market(function, owner, Side.BUY, owner, window, 1, 100_000)

    def _some_order(self) -> Order:
        """An order with energy left, or one that nobody placed."""
        live = self._auction.get_orders(self.cast.orders)
        nobodys = Order(2**40, self._resident().owner, Side.BUY, 1, 1, 0, 0)
        return self._mostly(self._random.choice(live or [nobodys]), lambda: nobodys, odds=0.95)

    def _rich_resident(self) -> Address:
        able = [
            resident.owner
            for resident in self._people.residents
            if self._market.account_of(resident.owner).free > 50_000
        ]
        return self._random.choice(able or [self._resident().owner])

    # Readings

    def _submit_readings(self) -> Call:
        window = window_at(self._ledger.now()) - 1
        readings = [
            self._reading(resident, window)
            for resident in self._people.residents
            if self._random.random() < 0.7
            and self._mostly(self._may_read(resident, window), lambda: True, odds=0.95)
        ]
        signed = [self._signed_reading(reading) for reading in readings]
        if self._random.random() < 0.02:
            signed *= 101
        signatures = tuple(signature for _, signature in signed)
        if self._random.random() < 0.03:
            signatures = signatures[1:]
        return Call(
            "MeterRegistry",
            "submitReadings",
            self._people.keeper,
            (tuple(reading for reading, _ in signed), signatures),
        )

    def _may_read(self, resident: Resident, window: int) -> bool:
        """Whether its meter is certified for the window and has not been read."""
        registry = self._ledger.meter_registry
        certificate = registry.certificate_of(resident.owner)
        return (
            certificate.meter == resident.meter
            and certificate.valid_until >= window_end(window)
            and not registry.reading_of(resident.owner, window).recorded
        )

    def _submit_reading(self) -> Call:
        if self._submitted and self._random.random() < 0.2:
            reading, signature = self._random.choice(self._submitted[-8:])
            return Call("MeterRegistry", "submitReading", self._anyone(), (reading, signature))
        window = window_at(self._ledger.now()) - self._random.choice((0, 1, 1, 1, 2, 2, 3, 4))
        resident = self._mostly(self._resident(), lambda: self._people.newcomer)
        valid = self._reading(resident, window)
        changes: list[dict[str, int | str]] = [
            {"exported_wh": 2**30},
            {"imported_wh": 2**30 - 1},
            {"losses_wh": 7},
            {"losses_wh": 2**30},
            {"meter": self._people.outsider},
        ]
        reading = self._mostly(valid, lambda: replace(valid, **self._random.choice(changes)))
        reading, signature = self._signed_reading(reading)
        signature = self._mostly(signature, lambda: self._spoiled(signature))
        return Call("MeterRegistry", "submitReading", self._anyone(), (reading, signature))

    def _reading(self, resident: Resident, window: int) -> Reading:
        """Exports and imports near what was agreed, so that some fall short and some don't."""
        agreed = [
            a
            for a in self.cast.agreements
            if a.window == window and resident.owner in {a.seller, a.buyer}
        ]
        sold_wh = sum(a.energy_wh for a in agreed if a.seller == resident.owner)
        bought_wh = sum(a.energy_wh for a in agreed if a.buyer == resident.owner)
        is_storage = resident.kind is MeterKind.STORAGE
        return Reading(
            meter=resident.meter,
            window=window,
            exported_wh=int(sold_wh * self._random.choice((0, 0.5, 0.99, 1, 1, 1.2)))
            + self._random.choice((0, 0, 1, 400, 2_000)),
            imported_wh=int(bought_wh * self._random.choice((0, 0.5, 1, 1, 1.3)))
            + self._random.choice((0, 0, 1, 400, 400, 3_000)),
            losses_wh=self._random.choice((0, 3, 50)) if is_storage else 0,
            data_root=self._random.getrandbits(256).to_bytes(32, "big"),
        )

    def _signed_reading(self, reading: Reading) -> tuple[Reading, bytes]:
        signed = (reading, self._ledger.sign_reading(reading).signature)
        self._submitted.append(signed)
        return signed

    # Positions

    def _close_position(self) -> Call:
        window = window_at(self._ledger.now()) - self._random.choice((0, 1, 1, 2, 3, 4))
        return self._on_market(
            "closePosition",
            self._anyone(),
            self._mostly(self._resident().owner, self._anyone),
            window,
        )

    def _close_positions(self) -> Call:
        window = window_at(self._ledger.now()) - self._random.choice((1, 1, 2, 3))
        owners = [resident.owner for resident in self._people.residents]
        owners = self._random.sample(owners, self._random.randint(1, len(owners)))
        if self._random.random() < 0.02:
            owners *= 101
        return self._on_market("closePositions", self._people.keeper, tuple(owners), window)

    # Money and energy

    def _deposit(self) -> Call:
        indebted = [h for h in self.cast.holders if self._market.account_of(h).debt > 0]
        holder = self._mostly(
            self._holder(), lambda: self._random.choice(indebted or [self._holder()]), odds=0.5
        )
        held = self._ledger.payment_token.balance_of(holder)
        usual = self._random.choice((held // 4, held // 2, held))
        amount = self._mostly(usual, lambda: self._random.choice((0, 1, held + 1, 2**64)))
        return self._on_market("deposit", holder, amount)

    def _withdraw(self) -> Call:
        holder = self._mostly(self._holder(), self._market.treasury, odds=0.7)
        free = self._market.account_of(holder).free
        usual = self._random.choice((free // 8, free // 2))
        amount = self._mostly(usual, lambda: self._random.choice((0, 1, free + 1)))
        if holder == self._market.treasury():
            amount = free
        return self._on_market("withdraw", holder, amount)

    def _pay_claim(self) -> Call:
        owing = [holder for holder in self.cast.holders if self._market.claim_of(holder) > 0]
        if not owing and self._random.random() < 0.8:
            return self._deposit()
        return self._on_market(
            "payClaim", self._anyone(), self._random.choice(owing or [self._holder()])
        )

    def _transfer_energy(self) -> Call:
        token = self._ledger.energy_token
        rich = [holder for holder in self.cast.holders if token.balance_of(holder) > 0]
        holder = self._random.choice(rich or self.cast.holders)
        held = token.balance_of(holder)
        amount = self._random.choice((0, held // 2, held, held + 1))
        return Call("EnergyToken", "transfer", holder, (self._receiver(), amount))

    def _transfer_payment(self) -> Call:
        holder = self._holder()
        held = self._ledger.payment_token.balance_of(holder)
        amount = self._random.choice((0, held // 3, held + 1))
        return Call("PaymentToken", "transfer", holder, (self._receiver(), amount))

    def _mint_or_burn(self) -> Call:
        """Nobody but the bank makes tokens or ends them."""
        sender = self._random.choice((*self._people.treasurers, self._people.members))
        arguments = (self._holder(), self._random.randrange(1_000_000), self._reference())
        return Call("PaymentToken", self._random.choice(("mint", "burn")), sender, arguments)

    # The bank

    def _confirm_deposit(self) -> Call:
        """A new transfer, or more often one that somebody has confirmed already."""
        new = (self._holder(), self._random.randrange(1, 2_000_000), self._reference())
        holder, amount, reference = self._random.choice([new, *self._transfers[-2:]])
        amount = self._mostly(
            amount, lambda: self._random.choice((0, amount + 1, 10**9, 10**10)), odds=0.85
        )
        holder = self._mostly(holder, lambda: ZERO_ADDRESS, odds=0.97)
        reference = self._mostly(
            reference,
            lambda: self._random.choice((bytes(32), (2).to_bytes(32, "big"))),
            odds=0.9,
        )
        self._transfers.append((holder, amount, reference))
        return self._on_bank("confirmDeposit", self._treasurer(), holder, amount, reference)

    def _request_withdrawal(self) -> Call:
        holder = self._holder()
        held = self._ledger.payment_token.balance_of(holder)
        amount = self._mostly(
            held // self._random.randint(2, 9), lambda: self._random.choice((0, held + 1))
        )
        if self._random.random() < 0.2:
            amount = self._random.randrange(1_000_000)
            arguments = (self._bank.address, amount)
            return Call("PaymentToken", "approve", holder, arguments)
        return self._on_bank("requestWithdrawal", holder, amount, self._reference())

    def _decide_withdrawal(self) -> Call:
        open_ids = self._requested()
        number = self._mostly(
            self._random.choice(open_ids or [1]),
            lambda: self._random.choice([*self.cast.withdrawals, 0, 2**200]),
            odds=0.9,
        )
        match self._random.randrange(10):
            case 0:
                return self._on_bank("returnWithdrawal", self._anyone(), number)
            case 1 | 2 | 3:
                return self._on_bank("rejectWithdrawal", self._treasurer(), number)
        # Treasurers mostly speak of the same transfer of the bank.
        reference = self._mostly(
            (2**100 + number % 2**90).to_bytes(32, "big"),
            lambda: self._random.choice((bytes(32), self._reference(), (3).to_bytes(32, "big"))),
        )
        return self._on_bank("confirmPayout", self._treasurer(), number, reference)

    def _attest_reserve(self) -> Call:
        """Never less than there are tokens: the bank has not been robbed."""
        supply = self._ledger.payment_token.total_supply()
        more = self._random.choice((0, 1_000, 1_000_000, 10**9, 10**9, 2**200))
        auditor = self._mostly(self._random.choice(self._people.auditors), self._anyone)
        return self._on_bank("attestReserve", auditor, supply + more, self._reference())

    def _set_bank_rules(self) -> Call:
        members = self._mostly(self._people.members, self._anyone)
        if self._random.random() < 0.4:
            limit = self._random.choice((0, 2_000_000, 10**9, 10**12, 10**12))
            return self._on_bank("setDailyLimit", members, limit)
        contract = self._random.choice(("Treasury", "MeterRegistry"))
        threshold = self._random.choice((0, 1, 2, 2, 2, 2))
        return Call(contract, "setThreshold", members, (threshold,))

    def _appoint(self) -> Call:
        members = self._mostly(self._people.members, self._anyone)
        role = self._random.choice(tuple(self._officers))
        officer = self._random.choice(self._officers[role])
        if self._random.random() < 0.2:
            return self._on_authority("grantRole", members, role, officer, 0)
        return self._on_authority("revokeRole", members, role, officer)

    def _treasurer(self) -> Address:
        return self._mostly(self._random.choice(self._people.treasurers), self._anyone, odds=0.95)

    def _requested(self) -> list[int]:
        return [
            number
            for number in self.cast.withdrawals
            if self._bank.withdrawal_of(number).state is WithdrawalState.REQUESTED
        ]

    # Audits

    def _doubt_reading(self) -> Call:
        window = window_at(self._ledger.now()) - self._random.choice((-1, 0, 1, 1, 1, 2, 3, 6, 7))
        owner = self._mostly(self._resident().owner, self._anyone)
        if self._random.random() < 0.5 and self._submitted:
            reading, _ = self._random.choice(self._submitted[-6:])
            owner = self._ledger.meter_registry.owner_of(reading.meter)
            window = reading.window
        return self._on_registry("doubtReading", self._auditor(), owner, window)

    def _confirm_reading(self) -> Call:
        owner, window = self._doubted()
        return self._on_registry("confirmReading", self._auditor(), owner, window)

    def _correct_reading(self) -> Call:
        """What somebody has confirmed already, or something else."""
        owner, window = self._doubted()
        seen = self._ledger.meter_registry.reading_of(owner, window)
        new = Correction(
            owner=owner,
            window=window,
            exported_wh=self._mostly(
                int(seen.exported_wh * self._random.choice((0, 0.5, 1, 1.5))),
                lambda: self._random.choice((700, 2**30)),
            ),
            imported_wh=self._mostly(seen.imported_wh, lambda: seen.imported_wh // 2),
            losses_wh=self._mostly(seen.losses_wh, lambda: 9),
            data_root=self._reference(),
        )
        same = [each for each in self._corrections if (each.owner, each.window) == (owner, window)]
        correction = self._random.choice([new, *same[-1:] * 3])
        self._corrections.append(correction)
        return self._on_registry("correctReading", self._auditor(), correction)

    def _doubted(self) -> tuple[Address, int]:
        """A reading that is held, if there is one."""
        now = window_at(self._ledger.now())
        registry = self._ledger.meter_registry
        held = [
            (resident.owner, window)
            for resident in self._people.residents
            for window in range(now - 7, now + 1)
            if registry.reading_of(resident.owner, window).held
        ]
        other = (self._resident().owner, now - self._random.choice((1, 2, 7)))
        return self._mostly(self._random.choice(held or [other]), lambda: other, odds=0.9)

    def _auditor(self) -> Address:
        return self._mostly(self._random.choice(self._people.auditors), self._anyone, odds=0.95)

    # People

    def _publish_info(self) -> Call:
        resident = self._random.choice((*self._people.residents, self._people.newcomer))
        valid = self._info(resident)
        changes: list[dict[str, object]] = [
            {"meter": self._people.outsider},
            {"endpoint": "x" * 257},
            {"stealth_meta_address": bytes(129)},
            {"endpoint": "mango://straße", "stealth_meta_address": bytes(66)},
        ]
        info = self._mostly(
            valid,
            lambda: replace(valid, **self._random.choice(changes)),
            odds=0.5,
        )
        return self._on_market(
            "publishInfo", self._mostly(resident.owner, lambda: self._people.outsider), info
        )

    def _certify_or_revoke(self) -> Call:
        resident = self._resident()
        auditor = self._mostly(self._people.auditors[0], self._anyone)
        now = self._ledger.now()
        new_meter = self._mostly(resident.meter, lambda: self._resident().meter, odds=0.7)
        kind = self._mostly(resident.kind, lambda: MeterKind.STORAGE)
        valid_until = self._random.choice((now - 1, now + 1_800, now + 7_200, now + 30 * DAY))
        if self._random.random() < 0.25:
            return Call("MeterRegistry", "revoke", auditor, (new_meter,))
        if self._random.random() < 0.1:
            new_meter = ZERO_ADDRESS
        return Call(
            "MeterRegistry", "certify", auditor, (new_meter, resident.owner, kind, valid_until)
        )

    # Terms and control

    def _publish_terms(self) -> Call:
        operator = self._mostly(self._people.operator, self._anyone)
        first = window_at(self._ledger.now()) + self._random.choice((0, 1, 2, 2, 2, 3))
        length = self._mostly(self._random.randrange(4), lambda: 101, odds=0.95)
        terms = tuple(self._terms() for _ in range(length))
        return self._on_market("publishTerms", operator, first, terms)

    def _set_terms(self) -> Call:
        if self._random.random() < 0.6:
            operator = self._mostly(self._people.operator, self._anyone)
            return self._on_market("setDefaultTerms", operator, self._terms())
        members = self._mostly(self._people.members, self._anyone)
        limits = self._random.choice(
            (
                TermLimits(10_000, 1_000_000, 500_000),
                TermLimits(0, 2**32 - 1, 2**32 - 1),
                TermLimits(0, 2**32, 0),
                TermLimits(90_000, 300_000, 500_000),
                TermLimits(2, 1, 0),
            )
        )
        return self._on_market("setTermLimits", members, limits)

    def _set_treasury(self) -> Call:
        members = self._mostly(self._people.members, self._anyone)
        treasury = self._random.choice(
            (self._people.treasury, self._people.treasury, self._holder(), ZERO_ADDRESS)
        )
        return self._on_market("setTreasury", members, treasury)

    def _pause_or_unpause(self) -> Call:
        people = self._people
        function, usual = self._random.choice(
            (("pause", people.operator), ("unpause", people.members), ("unpause", people.members))
        )
        return self._on_market(function, self._mostly(usual, self._anyone))

    def _terms(self) -> Terms:
        floor = self._random.randrange(40_000, 120_000)
        valid = Terms(floor, self._random.randrange(200_000, 400_000), 50_000)
        return self._mostly(
            valid,
            lambda: self._random.choice(
                (
                    Terms(floor, floor - 1, 0),
                    Terms(0, 2**32 - 1, 2**32 - 1),
                    Terms(floor, floor, 0),
                    Terms(5, 2**40, 0),
                )
            ),
        )

    # Choices

    def _mostly(self, usual: T, unusual: Callable[[], T], odds: float = 0.85) -> T:
        return usual if self._random.random() < odds else unusual()

    def _resident(self) -> Resident:
        return self._random.choice(self._people.residents)

    def _holder(self) -> Address:
        return self._random.choice(self.cast.holders)

    def _anyone(self) -> Address:
        people = self._people
        return self._mostly(
            self._resident().owner,
            lambda: self._random.choice(
                (people.outsider, people.newcomer.owner, people.operator, people.treasury)
            ),
        )

    def _receiver(self) -> Address:
        return self._mostly(self._holder(), lambda: ZERO_ADDRESS, odds=0.95)

    def _some_offer(self, window: int) -> Offer:
        """An offer of the window, or one that nobody made."""
        offers, _ = self._market.get_offers(window, 0, 256)
        live = [offer for offer in offers if offer.agreed_wh < offer.energy_wh]
        nobodys = Offer(window << 32, self._resident().owner, window, 1_000, 100_000)
        chosen = self._mostly(live or offers, lambda: offers, odds=0.9)
        return self._random.choice(chosen or [nobodys])

    def _buyer_for(self, offer: Offer) -> Address:
        """Somebody else than the seller, with money and without debt if there is one."""
        owners = [r.owner for r in self._people.residents if r.owner != offer.seller]
        able = [owner for owner in owners if self._market.account_of(owner).free > 10_000]
        return self._random.choice(able or owners)

    def _spoiled(self, signature: bytes) -> bytes:
        return self._random.choice(
            (
                b"",
                signature[:64],
                bytes([signature[0] ^ 1]) + signature[1:],
                signature[:64] + b"\x00",
                bytes(65),
            )
        )

    def _salt(self) -> int:
        return self._random.getrandbits(64)

    def _reference(self) -> bytes:
        self._references += 1
        return self._references.to_bytes(32, "big")

    def _watch(self, window: int) -> None:
        if window not in self.cast.windows:
            self.cast.windows.append(window)

    # Calls

    def _on_market(self, function: str, sender: Address, *arguments: object) -> Call:
        return Call("EnergyMarket", function, sender, arguments)

    def _on_authority(self, function: str, sender: Address, *arguments: object) -> Call:
        return Call("Authority", function, sender, arguments)

    def _on_bank(self, function: str, sender: Address, *arguments: object) -> Call:
        return Call("Treasury", function, sender, arguments)

    def _on_registry(self, function: str, sender: Address, *arguments: object) -> Call:
        return Call("MeterRegistry", function, sender, arguments)

    def _on_auction(self, function: str, sender: Address, *arguments: object) -> Call:
        return Call("CallAuction", function, sender, arguments)

    def _certify(self, resident: Resident, valid_until: int) -> Call:
        arguments = (resident.meter, resident.owner, resident.kind, valid_until)
        return Call("MeterRegistry", "certify", self._people.auditors[0], arguments)

    def _bring(self, holder: Address, amount: int) -> Iterator[Call]:
        transfer = (holder, amount, self._reference())
        for treasurer in self._people.treasurers:
            yield self._on_bank("confirmDeposit", treasurer, *transfer)

    def _approve(self, holder: Address, spender: Address) -> Call:
        return Call("PaymentToken", "approve", holder, (spender, UNLIMITED))

    def _info(self, resident: Resident) -> ParticipantInfo:
        return ParticipantInfo("mango://street", resident.meter.encode()[:32], resident.meter)
