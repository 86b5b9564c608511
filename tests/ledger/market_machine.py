"""A state machine of the market for hypothesis: it tries to break the conservation laws.

Where the random days (`random_day`) play whole weeks of a lively street, this one searches: short
stories of few people, shrunk to the shortest that breaks a law.
"""

from abc import abstractmethod

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.ledger.model import ModelLedger
from app.ledger.types import Address, Agreement, MeterKind, ParticipantInfo, Reading
from app.market.windows import commit_start, grace_end, window_at, window_end, window_start
from tests.ledger.books import Books, Cast, assert_conserved
from tests.ledger.calls import Call
from tests.ledger.random_day import People, Resident

DEPOSIT = 1_000_000
FOR_EVER = 2**39

residents = st.integers(0, 3)
amounts = st.integers(0, 2 * DEPOSIT)
energies = st.integers(0, 5_000)
shares = st.integers(0, 110).map(lambda percent: percent / 100)


def move_in(people: People, market: Address) -> list[Call]:
    """Makes the residents participants with a little money; the treasury has less."""
    calls = []
    for number, resident in enumerate(people.residents):
        owner, reference = resident.owner, (number + 1).to_bytes(32, "big")
        info = ParticipantInfo("mango://street", bytes(32), resident.meter)
        calls += [
            Call(
                "MeterRegistry",
                "certify",
                people.auditor,
                (resident.meter, owner, resident.kind, FOR_EVER),
            ),
            Call("PaymentToken", "mint", people.treasurer, (owner, 2 * DEPOSIT, reference)),
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

    def __init__(self) -> None:
        super().__init__()
        self.cast = Cast([r.owner for r in self.people.residents])
        self.cast.holders += [self.people.treasury, self.people.outsider]
        self.window = window_at(self.now()) + 1
        self.cast.windows.append(self.window)
        self.read: set[tuple[Address, int]] = set()
        self.salt = 0

    @abstractmethod
    def now(self) -> int:
        """The present moment."""

    @abstractmethod
    def wait(self, until: int) -> None:
        """Lets time pass."""

    @abstractmethod
    def run(self, call: Call) -> bool:
        """Whether the call was carried out, not refused."""

    # Time

    @rule(hours=st.integers(1, 4))
    def let_hours_pass(self, hours: int) -> None:
        """A new hour begins, and with it the trade for the next window."""
        self.window += hours
        self.wait(window_start(self.window - 1))
        self.cast.windows.append(self.window)

    def in_margin(self) -> bool:
        return commit_start(self.window) <= self.now() < window_start(self.window)

    def settleable(self) -> list[Agreement]:
        return [a for a in self.cast.agreements if window_end(a.window) <= self.now()]

    # Trade

    @precondition(lambda self: not self.in_margin())
    @rule(who=residents, energy_wh=st.integers(1, 5_000), price=st.integers(0, 320_000))
    def make_offer(self, who: int, energy_wh: int, price: int) -> None:
        seller = self.resident(who).owner
        self.market("makeOffer", seller, self.window, energy_wh, price)

    @rule(which=st.integers(0, 9))
    def cancel_offer(self, which: int) -> None:
        offers = self.books.offers(self.window)
        if offers:
            offer = offers[which % len(offers)]
            self.market("cancelOffer", offer.seller, offer.id)

    @rule(which=st.integers(0, 9), who=residents, share=shares, above=st.integers(0, 200_000))
    def agree(self, which: int, who: int, share: float, above: int) -> None:
        """Waits for the commit margin and agrees on a share of an offer, sometimes too much."""
        offers = self.books.offers(self.window)
        if not offers:
            return
        if not self.in_margin():
            self.wait(commit_start(self.window))
        offer = offers[which % len(offers)]
        self.salt += 1
        agreement = Agreement(
            offer_id=offer.id,
            seller=offer.seller,
            buyer=self.resident(who).owner,
            window=self.window,
            energy_wh=int(offer.energy_wh * share),
            price=max(offer.floor_price, self.books.terms(self.window).grid_floor) + above,
            deadline=window_start(self.window),
            salt=self.salt,
        )
        signature = self.signer.sign_agreement(agreement).signature
        if self.market("allowTransaction", offer.seller, agreement, signature):
            self.cast.agreements.append(agreement)

    # Settlement

    @rule(who=residents, share=shares, more_wh=energies, imported_wh=energies, losses_wh=energies)
    def read_meter(
        self, who: int, share: float, more_wh: int, imported_wh: int, losses_wh: int
    ) -> None:
        """The oldest window that a meter can be read for: a share of its sales, or more."""
        resident, now = self.resident(who), self.now()
        windows = [
            window
            for window in self.cast.windows
            if window_end(window) <= now < grace_end(window)
            and (resident.owner, window) not in self.read
        ]
        if not windows:
            return
        sold_wh = sum(
            a.energy_wh
            for a in self.cast.agreements
            if a.window == windows[0] and a.seller == resident.owner
        )
        reading = Reading(
            meter=resident.meter,
            window=windows[0],
            exported_wh=int(sold_wh * share) + more_wh // 8,
            imported_wh=imported_wh,
            losses_wh=losses_wh // 8 if resident.kind is MeterKind.STORAGE else 0,
        )
        signature = self.signer.sign_reading(reading).signature
        call = Call("MeterRegistry", "submitReading", self.people.keeper, (reading, signature))
        if self.run(call):
            self.read.add((resident.owner, windows[0]))

    @precondition(lambda self: self.settleable())
    @rule(which=st.integers(0, 9), count=st.integers(1, 4))
    def settle(self, which: int, count: int) -> None:
        """Some agreements whose window is over; settled ones and repetitions among them."""
        due = self.settleable()
        batch = tuple(due[(which + i) % len(due)] for i in range(count))
        self.market("makeTransactions", self.people.keeper, batch)

    @rule(who=residents, ago=st.integers(1, 5))
    def close_position(self, who: int, ago: int) -> None:
        owner = self.resident(who).owner
        self.market("closePosition", self.people.keeper, owner, self.window - ago)

    # Money and energy

    @rule(who=residents, amount=amounts)
    def deposit(self, who: int, amount: int) -> None:
        self.market("deposit", self.resident(who).owner, amount)

    @rule(who=residents, amount=amounts)
    def withdraw(self, who: int, amount: int) -> None:
        self.market("withdraw", self.resident(who).owner, amount)

    @rule(who=residents)
    def pay_claim(self, who: int) -> None:
        self.market("payClaim", self.people.keeper, self.resident(who).owner)

    @rule(who=residents, share=shares)
    def give_energy_away(self, who: int, share: float) -> None:
        owner = self.resident(who).owner
        energy_wh = int(self.books.energy(owner) * share)
        self.run(Call("EnergyToken", "transfer", owner, (self.people.outsider, energy_wh)))

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

    def market(self, function: str, sender: Address, *arguments: object) -> bool:
        return self.run(Call("EnergyMarket", function, sender, arguments))
