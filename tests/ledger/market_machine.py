"""A state machine of the market for hypothesis: it tries to break the conservation laws.

Where the random days (`random_day`) play whole weeks of a lively street, this one searches: short
stories of few people, shrunk to the shortest that breaks a law.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.ledger.fills import fill_agreements
from app.ledger.model import ModelLedger
from app.ledger.types import (
    Address,
    Agreement,
    AgreementState,
    Event,
    MeterKind,
    ParticipantInfo,
    Reading,
    Receipt,
    Side,
)
from app.market.auction import queue_of
from app.market.windows import commit_start, window_at, window_end, window_start
from tests.ledger.books import Books, Cast, assert_conserved
from tests.ledger.calls import Call
from tests.ledger.random_day import People, Resident

DEPOSIT = 1_200_000
FOR_EVER = 2**39


@dataclass(frozen=True, slots=True)
class Wish:
    """A neighbour (counted from the seller) wants a share of an offer, so much above its floor."""

    distance: int
    share: float
    above: int


@dataclass(frozen=True, slots=True)
class Sale:
    """What one resident offers, and who wants it; all together may want too much."""

    who: int
    energy_wh: int
    price: int
    wishes: tuple[Wish, ...]
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What a meter sees: a share of its owner's sales and more, imports, losses of a battery."""

    share: float
    more_wh: int
    imported_wh: int
    losses_wh: int


@dataclass(frozen=True, slots=True)
class Bid:
    """An order of a resident, for so many windows."""

    who: int
    side: Side
    energy_wh: int
    price: int
    windows: int


# What even few stories have to come across, lest they grow tame without anybody noticing.
MUST_SEE = {
    "DebtIncurred",
    "OrderFilled",
    "PositionClosed",
    "TransactionAllowed",
    "TransactionMade",
}

residents = st.integers(0, 3)
amounts = st.integers(0, 2 * DEPOSIT)
energies = st.integers(0, 5_000)
shares = st.sampled_from((1.0, 0.5, 0.99, 0.0, 1.01))
parts = st.sampled_from((0.3, 0.5, 1.0, 1.01))
wishes = st.builds(Wish, st.integers(1, 3), parts, st.integers(0, 160_000))
sales = st.builds(
    Sale,
    who=residents,
    energy_wh=st.integers(1, 2_500),
    price=st.integers(0, 160_000),
    wishes=st.lists(wishes, min_size=1, max_size=3).map(tuple),
    cancelled=st.integers(0, 9).map(lambda drawn: drawn == 7),
)
sights = st.builds(Sight, shares, st.integers(0, 500), energies, st.integers(0, 500))
bids = st.builds(
    Bid,
    who=residents,
    side=st.sampled_from(Side),
    energy_wh=st.integers(1, 2_500),
    price=st.sampled_from((80_000, 150_000, 200_000, 200_001, 250_000, 320_000)),
    windows=st.integers(1, 3),
)
all_sights = st.lists(st.one_of(sights, sights, sights, st.none()), min_size=4, max_size=4)


def move_in(people: People, market: Address) -> list[Call]:
    """Makes the residents participants with a little money; the treasury has less."""
    calls = [Call("Treasury", "attestReserve", people.auditors[0], (10**9, bytes(32)))]
    for number, resident in enumerate(people.residents):
        owner, reference = resident.owner, (number + 1).to_bytes(32, "big")
        info = ParticipantInfo("mango://street", bytes(32), resident.meter)
        calls += [
            Call(
                "MeterRegistry",
                "certify",
                people.auditors[0],
                (resident.meter, owner, resident.kind, FOR_EVER),
            ),
            *(
                Call("Treasury", "confirmDeposit", treasurer, (owner, 2 * DEPOSIT, reference))
                for treasurer in people.treasurers
            ),
            Call("PaymentToken", "approve", owner, (market, 2**256 - 1)),
            Call("EnergyMarket", "publishInfo", owner, (info,)),
            Call("EnergyMarket", "deposit", owner, (DEPOSIT,)),
        ]
    return calls


class MarketMachine(RuleBasedStateMachine):
    """Rules of the market's workflow; a subclass says where they are carried out."""

    people: People
    books: Books
    signer: ModelLedger
    seen: ClassVar[set[str]]

    def __init__(self) -> None:
        super().__init__()
        self.cast = Cast([r.owner for r in self.people.residents])
        self.cast.holders += [self.people.treasury, self.people.outsider]
        self.window = window_at(self.now()) + 1
        self.cast.windows.append(self.window)
        self.carried: tuple[int, list[int]] = (0, [])

    @abstractmethod
    def now(self) -> int:
        """The present moment."""

    @abstractmethod
    def wait(self, until: int) -> None:
        """Lets time pass."""

    @abstractmethod
    def run(self, call: Call) -> tuple[Event, ...] | None:
        """The events of the call; None if it was refused."""

    def do(self, call: Call) -> bool:
        """Whether the call was carried out, not refused."""
        events = self.run(call)
        self.seen.update(event.name for event in events or ())
        return events is not None

    # Trade

    @rule(sales=st.lists(sales, min_size=1, max_size=2), seen=all_sights, diligent=st.booleans())
    def trade_for_an_hour(
        self, sales: list[Sale], seen: list[Sight | None], diligent: bool
    ) -> None:
        """Offers are made, and agreements on them written in the commit margin."""
        wanted = [agreement for sale in sales for agreement in self.make_offer(sale)]
        self.wait(commit_start(self.window))
        for agreement in wanted:
            signature = self.signer.sign_agreement(agreement).signature
            if self.market("allowTransaction", agreement.seller, agreement, signature):
                self.cast.agreements.append(agreement)
        self.begin_hour(self.window, seen)
        if diligent:
            self.settle_and_close(self.window - 2)

    @rule(
        placed=st.lists(bids, min_size=2, max_size=6),
        cancelled=st.lists(st.integers(0, 5), max_size=2),
        seen=all_sights,
        diligent=st.booleans(),
    )
    def auction_for_an_hour(
        self,
        placed: list[Bid],
        cancelled: list[int],
        seen: list[Sight | None],
        diligent: bool,
    ) -> None:
        """Orders are placed, some cancelled, and the book is cleared in the commit margin."""
        for bid in placed:
            self.place_order(bid)
        for order in self.books.orders([*self.cast.orders]):
            if order.id % 6 in cancelled:
                self.auction("cancelOrder", order.owner, order.id)
        self.wait(commit_start(self.window))
        self.clear_book()
        self.begin_hour(self.window, seen)
        if diligent:
            self.settle_and_close(self.window - 2)

    def place_order(self, bid: Bid) -> None:
        expires_at = commit_start(self.window + bid.windows)
        events = self.run(
            Call(
                "CallAuction",
                "placeOrder",
                self.resident(bid.who).owner,
                (bid.side, bid.energy_wh, bid.price, self.window, expires_at),
            )
        )
        for event in events or ():
            self.cast.orders.append(event.arguments["orderId"])

    def clear_book(self) -> None:
        """The orders of this window and those that the last clearing left over."""
        carried_to, carried = self.carried
        book = [
            order
            for order in self.books.orders(self.cast.orders)
            if order.window == self.window or (carried_to == self.window and order.id in carried)
        ]
        lists = (tuple(order.id for order in queue_of(book, side)) for side in Side)
        events = self.run(Call("CallAuction", "clear", self.people.keeper, (self.window, *lists)))
        if events is None:
            return
        self.seen.update(event.name for event in events)
        self.cast.agreements += fill_agreements([Receipt("clear", "", events=events)])
        left = self.books.orders([order.id for order in book])
        assert all(order.last_window > self.window for order in left)
        self.carried = (self.window + 1, [order.id for order in left])

    @rule(hours=st.integers(1, 4), seen=all_sights)
    def let_hours_pass(self, hours: int, seen: list[Sight | None]) -> None:
        self.begin_hour(self.window - 1 + hours, seen)

    def make_offer(self, sale: Sale) -> list[Agreement]:
        """What the neighbours want of it; nothing if the offer was refused."""
        seller = self.resident(sale.who).owner
        terms = self.books.terms(self.window)
        offer_id = (self.window << 32) | len(self.books.offers(self.window))
        if not self.market("makeOffer", seller, self.window, sale.energy_wh, sale.price):
            return []
        if sale.cancelled:
            self.market("cancelOffer", seller, offer_id)
        return [
            Agreement(
                offer_id=offer_id,
                seller=seller,
                buyer=self.resident(sale.who + wish.distance).owner,
                window=self.window,
                energy_wh=int(sale.energy_wh * wish.share),
                price=max(sale.price, terms.grid_floor) + wish.above,
                deadline=window_start(self.window),
                salt=salt,
            )
            for salt, wish in enumerate(sale.wishes)
        ]

    def begin_hour(self, hour: int, seen: list[Sight | None]) -> None:
        """A new hour begins, and with it the trade for the next; the last one's meters are read."""
        self.wait(window_start(hour))
        self.window = hour + 1
        self.cast.windows.append(self.window)
        self.forget_what_is_done()
        for resident, sight in zip(self.people.residents, seen, strict=True):
            if sight is not None:
                self.read_meter(resident, hour - 1, sight)

    def settle_and_close(self, window: int) -> None:
        due = tuple(a for a in self.cast.agreements if a.window == window)
        self.market("makeTransactions", self.people.keeper, due)
        for resident in self.people.residents:
            self.market("closePosition", self.people.keeper, resident.owner, window)

    def forget_what_is_done(self) -> None:
        """Windows that nothing can happen to any more need no watching, which costs time."""
        kept = {self.window - ago for ago in range(4)}
        kept |= {
            a.window
            for a in self.cast.agreements
            if self.books.state(a) is not AgreementState.SETTLED
        }
        self.cast.windows = [window for window in self.cast.windows if window in kept]
        self.cast.agreements = [a for a in self.cast.agreements if a.window in kept]
        self.cast.orders = [order.id for order in self.books.orders(self.cast.orders)]

    def read_meter(self, resident: Resident, window: int, sight: Sight) -> None:
        sold_wh = sum(
            a.energy_wh
            for a in self.cast.agreements
            if a.window == window and a.seller == resident.owner
        )
        reading = Reading(
            meter=resident.meter,
            window=window,
            exported_wh=int(sold_wh * sight.share) + sight.more_wh,
            imported_wh=sight.imported_wh,
            losses_wh=sight.losses_wh if resident.kind is MeterKind.STORAGE else 0,
        )
        arguments = (reading, self.signer.sign_reading(reading).signature)
        assert self.do(Call("MeterRegistry", "submitReading", self.people.keeper, arguments))

    # Settlement

    @precondition(lambda self: self.settleable())
    @rule(first=st.integers(0, 5), count=st.integers(1, 6))
    def settle(self, first: int, count: int) -> None:
        """Some agreements whose window is over, the latest first; settled ones among them."""
        due = self.settleable()[::-1]
        for i in range(count):
            agreement = due[(first + i) % len(due)]
            self.market("makeTransactions", self.people.keeper, (agreement,))

    @rule(ago=st.sampled_from((2, 2, 3, 4, 1)))
    def close_positions(self, ago: int) -> None:
        """One by one, whoever can."""
        for resident in self.people.residents:
            self.market("closePosition", self.people.keeper, resident.owner, self.window - ago)

    def settleable(self) -> list[Agreement]:
        return [a for a in self.cast.agreements if window_end(a.window) <= self.now()]

    # Money and energy

    @rule(who=residents, amount=amounts, share=shares)
    def pay_in_or_out(self, who: int, amount: int, share: float) -> None:
        owner = self.resident(who).owner
        if amount % 2:
            self.market("deposit", owner, amount)
        else:
            self.market("withdraw", owner, int(self.books.account(owner).free * share))

    @rule()
    def pay_claims(self) -> None:
        for resident in self.people.residents:
            if self.books.claim(resident.owner):
                self.market("payClaim", self.people.keeper, resident.owner)

    @rule()
    def release_orders(self) -> None:
        """Those that are in no book any more; all or none."""
        carried_to, carried = self.carried
        lost = [
            order.id
            for order in self.books.orders(self.cast.orders)
            if order.window < self.window
            and not (carried_to == self.window and order.id in carried)
        ]
        if lost:
            assert self.auction("releaseOrders", self.people.keeper, tuple(lost))

    @rule(share=parts)
    def give_energy_away(self, share: float) -> None:
        """Those who have energy do, though they may owe it."""
        for resident in self.people.residents:
            held_wh = self.books.energy(resident.owner)
            if held_wh:
                arguments = (self.people.outsider, int(held_wh * share))
                self.do(Call("EnergyToken", "transfer", resident.owner, arguments))

    # Laws

    @invariant()
    def nothing_appears_or_vanishes(self) -> None:
        assert_conserved(self.books, self.cast)

    @invariant()
    def who_owes_has_nothing_free(self) -> None:
        for resident in self.people.residents:
            account = self.books.account(resident.owner)
            assert account.debt == 0 or account.free == 0

    def resident(self, number: int) -> Resident:
        return self.people.residents[number % len(self.people.residents)]

    def auction(self, function: str, sender: Address, *arguments: object) -> bool:
        return self.do(Call("CallAuction", function, sender, arguments))

    def market(self, function: str, sender: Address, *arguments: object) -> bool:
        return self.do(Call("EnergyMarket", function, sender, arguments))
