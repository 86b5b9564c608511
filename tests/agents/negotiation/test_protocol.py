"""Sellers and buyers together, over good lines and bad ones, without any agent around them."""

import heapq
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mango import CommunicationSimulation, MessagePackage

from app.agents.negotiation.budget import Budget
from app.agents.negotiation.buyer import BuyerDesk, Need, PurchaseState
from app.agents.negotiation.communication import UnreliableLines
from app.agents.negotiation.ontology import Message, NotUnderstood, Party
from app.agents.negotiation.seat import MIN_LOT_WH, Answer, Seat, Signatures
from app.agents.negotiation.seller import SellerDesk
from app.agents.negotiation.strategies import PriceRange, Setting, Strategy, make_strategy
from app.agents.negotiation.timetable import CLOSING_STEPS, timetable_of
from app.ledger.model import ModelClock, ModelLedger
from app.ledger.types import Address, Offer
from app.market.settlement import locks_of
from app.market.units import cost_up
from tests.agents.conftest import RICH, TERMS, WINDOW

STRATEGIES = ("boulware", "conceder", "linear", "zip")
TABLE = timetable_of(WINDOW, rounds=8, timeout=60)
LEDGER, _ = ModelLedger.for_development(ModelClock(0), default_terms=TERMS)
SIGNATURES = Signatures(LEDGER.sign_agreement, LEDGER.verify_agreement, LEDGER.agreement_id)


@dataclass(slots=True)
class Market:
    """Desks, and the messages between them, by market time."""

    lines: CommunicationSimulation
    sellers: dict[Address, SellerDesk] = field(default_factory=dict)
    buyers: dict[Address, BuyerDesk] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    budgets: dict[Address, int] = field(default_factory=dict)
    complaints: list[NotUnderstood] = field(default_factory=list)
    twice: bool = False
    _waiting: list[tuple[float, int, Message]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def seat(self, name: str, free: int) -> Seat:
        account = LEDGER.keys.account(name)
        self.budgets[account] = free
        return Seat(account, TERMS, TABLE, Budget(free), SIGNATURES)

    def sell(self, energy_wh: int, floor: int, strategy: str, free: int = RICH) -> None:
        number = len(self.sellers)
        seat = self.seat(f"seller {number}", free)
        offer = Offer((WINDOW << 32) + number, seat.account, WINDOW, energy_wh, floor)
        self.offers.append(offer)
        self.sellers[seat.account] = SellerDesk(
            seat, lambda least: strategy_of(strategy, Party.SELLER, least, TERMS.grid_ceiling)
        )
        self.sellers[seat.account].list_offers([offer], 0)

    def buy(self, need_wh: int, limit: int, strategy: str, free: int = RICH) -> None:
        number = len(self.buyers)
        seat = self.seat(f"buyer {number}", free)
        prices = min(limit, TERMS.grid_floor), limit
        self.buyers[seat.account] = BuyerDesk(
            seat, Need(need_wh, limit, f"w-{number}"), strategy_of(strategy, Party.BUYER, *prices)
        )

    def negotiate(self) -> None:
        self._say(TABLE.opening, [])
        for desk in self.buyers.values():
            self._say(TABLE.opening, desk.contact(self.offers, TABLE.opening))
        for moment in TABLE.round_times:
            self._pass(moment)
            self._each_buyer_bids(moment)
            for seller in self.sellers.values():
                seller.haggle(moment)
        for step in range(CLOSING_STEPS):
            self._pass(TABLE.bidding(step))
            self._each_buyer_bids(TABLE.bidding(step))
            self._pass(TABLE.awarding(step))
            for seller in self.sellers.values():
                self._say(TABLE.awarding(step), seller.award(TABLE.awarding(step)))
            self._pass(TABLE.choosing(step))
            for buyer in self.buyers.values():
                self._say(TABLE.choosing(step), buyer.choose(TABLE.choosing(step)))
        self._pass(TABLE.end)
        for seller in self.sellers.values():
            self._say(TABLE.end, seller.finish(TABLE.end))
        self._pass(TABLE.writing)

    def _each_buyer_bids(self, now: int) -> None:
        for buyer in self.buyers.values():
            self._say(now, buyer.bid(now))

    def _say(self, now: int, answers: list[Answer] | list[Message]) -> None:
        for message in answers:
            if isinstance(message, NotUnderstood):
                self.complaints.append(message)
                continue
            package = MessagePackage(None, "", now, message)
            fate = self.lines.calculate_communication(now, [package]).package_results[0]
            if fate.reached:
                for _ in range(2 if self.twice else 1):
                    heapq.heappush(
                        self._waiting, (now + fate.delay_s, next(self._numbers), message)
                    )
        self._deliver(now)

    def _pass(self, moment: int) -> None:
        while self._waiting and self._waiting[0][0] <= moment:
            self._deliver(int(self._waiting[0][0]))

    def _deliver(self, now: int) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, _, message = heapq.heappop(self._waiting)
            header = message.header
            desk: SellerDesk | BuyerDesk = (
                self.sellers[header.seller]
                if header.sent_by is Party.BUYER
                else self.buyers[header.buyer]
            )
            self._say(now, desk.receive(message, now))
            self.check()

    def check(self) -> None:
        """What must hold at every moment."""
        for offer in self.offers:
            desk = self.sellers[offer.seller]
            assert desk.booked_wh(offer.id) + desk.firm_wh(offer.id) <= offer.energy_wh
        for buyer in self.buyers.values():
            assert buyer.committed_wh <= buyer.need_wh

    def check_end(self) -> None:
        """What must hold when all is said."""
        assert self.complaints == []
        signed = {
            purchase.agreement_id: purchase
            for buyer in self.buyers.values()
            for purchase in buyer.purchases
        }
        for account, buyer in self.buyers.items():
            escrow = [
                locks_of(p.signed.agreement.energy_wh, p.signed.agreement.price, TERMS).escrow
                for p in buyer.purchases
            ]
            assert sum(escrow) <= self.budgets[account]
        for account, seller in self.sellers.items():
            bonds = 0
            for booking in seller.bookings:
                agreement = booking.signed.agreement
                assert LEDGER.verify_agreement(booking.signed)
                assert signed[booking.agreement_id].state is not PurchaseState.REFUSED
                assert TERMS.grid_floor <= agreement.price <= TERMS.grid_ceiling
                bonds += locks_of(agreement.energy_wh, agreement.price, TERMS).bond
            assert bonds <= self.budgets[account]

    @property
    def sold_wh(self) -> int:
        return sum(self.sellers[offer.seller].booked_wh(offer.id) for offer in self.offers)


def strategy_of(name: str, party: Party, least: int, most: int) -> Strategy:
    return make_strategy(
        name, Setting(party, PriceRange(least, most), {}, np.random.default_rng(len(name)))
    )


energies = st.integers(1, 20_000)
strategies = st.sampled_from(STRATEGIES)
moneys = st.integers(0, 3_000_000) | st.just(RICH)
sellers = st.lists(
    st.tuples(energies, st.integers(80_000, 320_000), strategies, moneys), min_size=1, max_size=5
)
buyers = st.lists(
    st.tuples(energies, st.integers(80_000, 320_000), strategies, moneys), min_size=1, max_size=5
)


@given(
    sellers,
    buyers,
    st.integers(0, 1_000),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([0, 7, 25, 100]),
    st.sampled_from([0.0, 0.3]),
    st.booleans(),
)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_nobody_ever_promises_more_than_it_has(
    sold: list[tuple[int, int, str, int]],
    bought: list[tuple[int, int, str, int]],
    seed: int,
    loss: float,
    delay: int,
    late: float,
    twice: bool,
) -> None:
    lines = UnreliableLines(seed, loss=loss, delay=delay, late=late, late_delay=150)
    market = Market(lines, twice=twice)
    for seller in sold:
        market.sell(*seller)
    for buyer in bought:
        market.buy(*buyer)

    market.negotiate()

    market.check_end()


@pytest.mark.parametrize("selling", STRATEGIES)
@pytest.mark.parametrize("buying", STRATEGIES)
def test_no_buyer_goes_to_the_grid_while_a_neighbour_has_energy_left(
    selling: str, buying: str
) -> None:
    market = Market(UnreliableLines(1))
    for energy in (500, 2_000, 4_000, 700, 900):
        market.sell(energy, 100_000, selling)
    for need in (1_200, 300, 3_000, 800):
        market.buy(need, 300_000, buying)

    market.negotiate()

    assert market.sold_wh == 5_300
    assert all(buyer.left_wh == 0 for buyer in market.buyers.values())


@pytest.mark.parametrize("selling", STRATEGIES)
@pytest.mark.parametrize("buying", STRATEGIES)
def test_all_is_sold_while_somebody_lacks_energy(selling: str, buying: str) -> None:
    market = Market(UnreliableLines(1))
    for energy in (500, 2_000, 700):
        market.sell(energy, 100_000, selling)
    for need in (1_200, 300, 3_000, 800):
        market.buy(need, 300_000, buying)

    market.negotiate()

    assert market.sold_wh > 3_200 - 3 * MIN_LOT_WH


def test_seven_sellers_and_seven_buyers_of_one_size_all_find_each_other() -> None:
    market = Market(UnreliableLines(1))
    for number in range(7):
        market.sell(1_000, 100_000, STRATEGIES[number % 4])
        market.buy(1_000, 300_000, STRATEGIES[-number % 4])

    market.negotiate()

    assert market.sold_wh == 7_000


def mean_price(selling: str, buying: str) -> float:
    market = Market(UnreliableLines(1))
    for _ in range(3):
        market.sell(1_000, 80_000, selling)
        market.buy(1_000, 320_000, buying)
    market.negotiate()
    prices = [
        booking.signed.agreement.price
        for seller in market.sellers.values()
        for booking in seller.bookings
    ]
    return sum(prices) / len(prices)


def test_who_holds_out_longer_gets_the_better_price() -> None:
    boulware_sells = mean_price("boulware", "conceder")
    equals = mean_price("linear", "linear")
    boulware_buys = mean_price("conceder", "boulware")

    assert boulware_sells > 280_000 > equals > 120_000 > boulware_buys


def test_with_a_third_of_all_messages_lost_most_energy_is_sold_still() -> None:
    market = Market(UnreliableLines(3, loss=0.3, delay=5))
    for number in range(5):
        market.sell(1_000, 100_000, STRATEGIES[number % 4])
        market.buy(1_000, 300_000, STRATEGIES[-number % 4])

    market.negotiate()

    market.check_end()
    assert market.sold_wh >= 3_000


def test_when_every_message_is_lost_nobody_is_bound() -> None:
    market = Market(UnreliableLines(3, loss=1.0))
    market.sell(1_000, 100_000, "linear")
    market.buy(1_000, 300_000, "linear")

    market.negotiate()

    (buyer,) = market.buyers.values()
    assert (market.sold_wh, buyer.committed_wh, buyer.dropped) == (0, 0, 1)


def test_two_offers_of_one_seller_are_sold_apart() -> None:
    market = Market(UnreliableLines(1))
    market.sell(1_000, 100_000, "linear")
    (offer,) = market.offers
    second = replace(offer, id=offer.id + 9, energy_wh=600, floor_price=200_000)
    market.offers.append(second)
    market.sellers[offer.seller].list_offers([second], 0)
    market.buy(1_500, 300_000, "linear")

    market.negotiate()

    seller = market.sellers[offer.seller]
    assert (seller.booked_wh(offer.id), seller.booked_wh(second.id)) == (1_000, 500)
    assert all(
        booking.signed.agreement.price >= 200_000
        for booking in seller.bookings
        if booking.signed.agreement.offer_id == second.id
    )


def test_cost_rounding_is_the_buyers() -> None:
    """A budget of exactly the escrow suffices; one unit less buys less energy."""
    price = 300_000
    for free, expected in ((cost_up(777, price), 777), (cost_up(777, price) - 1, 776)):
        market = Market(UnreliableLines(1))
        market.sell(777, price, "linear")
        market.buy(777, price, "linear", free)
        market.negotiate()
        assert market.sold_wh == expected
