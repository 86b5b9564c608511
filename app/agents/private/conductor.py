"""Private trading of a street, hour by hour: offers, agreements and payments through the relay."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coincurve import PrivateKey

from app.agents.diary import Diary
from app.agents.directory import Directory
from app.agents.negotiation.budget import Budget
from app.agents.negotiation.post import Post
from app.agents.negotiation.seat import Seat, Signatures
from app.agents.negotiation.timetable import Timetable
from app.agents.private.access import PrivateAccess
from app.agents.private.attestation import AttestingOperator
from app.agents.private.board import OneTimeTrader, PrivateBoard
from app.agents.private.buyer import PAYMENT_RING, PrivateBuyer
from app.agents.private.enrolment import enrol_in_private
from app.agents.private.household import PrivateHousehold
from app.agents.private.mailbox import Mailboxes
from app.agents.private.seller import PrivateSeller
from app.agents.private.view import PrivateView
from app.agents.randomness import rng_of
from app.agents.reports import TradeRecord
from app.agents.residents import Population
from app.agents.session import PassTime
from app.agents.trading.buyer import BuyerRole
from app.agents.trading.planning import Plan
from app.agents.trading.seller import SellerRole
from app.errors import (
    ConflictError,
    ContractRevertedError,
    NotFoundError,
    PeerwattError,
    ScenarioError,
    TooManyRequestsError,
    UnavailableError,
)
from app.ledger.private import NoteLog, PrivateAgreementState
from app.ledger.private_calls import transfer
from app.ledger.types import Address, Agreement, Receipt, SignedAgreement, Terms
from app.market.typed_data import (
    address_of,
    agreement_digest,
    is_agreement_signed,
    sign_agreement,
)
from app.market.units import cost_up
from app.market.windows import commit_start
from app.privacy.curve import Point
from app.privacy.notes import send_note
from app.privacy.spending import Purpose, spend_notes
from app.scenario.scenario import Scenario

# Sellers put up no bond here.
UNBOUND = 10**15

# Between the end of the negotiation and the commit margin, in market seconds.
SEALING_ROUNDS = 3
SEALING_STEP = 10

# With a relay that is too busy.
MOST_ATTEMPTS = 3


@dataclass(slots=True)
class PrivateHour:
    """One market hour of private trading."""

    window: int
    terms: Terms
    timetable: Timetable
    ring: Sequence[Point]
    traders: tuple[OneTimeTrader, ...]
    board: PrivateBoard
    trades: list[TradeRecord] = field(default_factory=list)
    attempts: Counter[bytes] = field(default_factory=Counter)

    def trader(self, name: str) -> OneTimeTrader:
        """A household's, by its name; raises NotFoundError."""
        for trader in self.traders:
            if trader.name == name:
                return trader
        raise NotFoundError(f"no household {name!r}")


class PrivateConductor:
    """Conducts a street's private trading. What everybody can read, it leaves in no order that
    would tell who is who.
    """

    def __init__(
        self,
        access: PrivateAccess,
        scenario: Scenario,
        population: Population,
        directory: Directory,
        mailboxes: Mailboxes,
        post: Post,
        diary: Diary,
        folder: Path | None,
    ) -> None:
        """`folder` has the journals. Raises ScenarioError where the grid's prices leave no room."""
        self.access = access
        self._scenario = scenario
        self._directory = directory
        self._mailboxes = mailboxes
        self._post = post
        self._diary = diary
        self.log = NoteLog()
        self.households = tuple(
            PrivateHousehold(
                home,
                access.wallet_of(home.member.account),
                folder / f"{home.name}.jsonl" if folder else None,
            )
            for home in population.households
        )
        operator_key = access.keys.key_of(directory.offices.operator)
        meters = {member.account: member.meter for member in directory.members}
        self.operator = AttestingOperator(
            access.private, operator_key, meters, folder / "operator.jsonl" if folder else None
        )
        _check_prices(scenario, access)

    # The owner's view

    def view(self, account: Address) -> PrivateView | None:
        """What a household sees; None where there is none of this account."""
        return next((each.view() for each in self.households if each.account == account), None)

    # Coming to the market

    async def enrol(self, run: str, endpoints: Mapping[str, str]) -> list[Receipt]:
        """Brings all households to private trading; does only what is missing."""
        steps = enrol_in_private(self.access, self._directory, run, endpoints, self.households)
        return await self._diary.note_all(steps)

    async def look(self) -> None:
        """Lets all households find their notes."""
        await self.access.private.new_notes(self.log)

        def look() -> None:
            for household in self.households:
                household.purse.look(self.log)

        await asyncio.to_thread(look)

    # An hour

    async def open(self, window: int, terms: Terms, timetable: Timetable) -> PrivateHour:
        """Opens the round of a window and gives each household its one-time mailboxes."""
        private = self.access.private
        await private.renew()
        await self.look()
        ring = await self._ring(window)
        traders = tuple(self._trader(window, each) for each in self.households)
        board = PrivateBoard(private, window, ring, traders)
        band = self.access.rules.band
        within = Terms(
            grid_floor=max(terms.grid_floor, band.floor),
            grid_ceiling=min(terms.grid_ceiling, band.ceiling),
            penalty_rate=0,
        )
        return PrivateHour(window, within, timetable, ring, traders, board)

    async def offer(self, hour: PrivateHour, plans: Mapping[str, Plan]) -> None:
        """Lets all households with a surplus offer it, at once and in no order of theirs."""
        made = []
        for trader in hour.traders:
            policy = trader.seller.policy
            energy_wh = policy.offered_wh(plans[trader.name].surplus_wh)
            if energy_wh > 0 and hour.ring:
                floor = max(hour.terms.grid_floor, policy.reserve_price)
                floor = min(floor, hour.terms.grid_ceiling)
                await trader.selling.prepare(hour.ring, hour.window, energy_wh, floor)
                made.append(trader)
        await asyncio.gather(*(self._publish(hour, trader) for trader in self.access.mixed(made)))

    async def negotiate(self, hour: PrivateHour, plans: Mapping[str, Plan]) -> None:
        """Gives everybody a seat; buyers look for what they lack."""
        for trader in hour.traders:
            lack_wh = trader.buyer.policy.wanted_wh(plans[trader.name].lack_wh)
            await self._join(hour, trader, cost_up(lack_wh, hour.terms.grid_ceiling))
            if trader.selling.owner is not None:
                trader.selling.open(self._seat(hour, trader.selling.owner, None, Budget(UNBOUND)))
            key = PrivateKey()
            budget = trader.household.purse.budget()
            trader.buying.open(self._seat(hour, address_of(key.public_key), key, budget))
            if lack_wh > 0:
                trader.buyer.look_for(lack_wh)

    async def seal(self, hour: PrivateHour, pass_time: PassTime) -> None:
        """Buyers ask for agreements and sellers prove them, before the commit margin begins."""
        moment = hour.timetable.end
        for _ in range(SEALING_ROUNDS):
            for trader in hour.traders:
                trader.buying.ask()
            await pass_time(moment := moment + SEALING_STEP)
            for trader in hour.traders:
                await trader.selling.seal()
            await pass_time(moment := moment + SEALING_STEP)
        for selling, reference in self._queued(hour):
            buyer = _buyer_of(hour, reference)
            if buyer is not None:
                await self._prepare(hour, selling, buyer, reference)

    async def pay(self, hour: PrivateHour, pass_time: PassTime) -> list[TradeRecord]:
        """Buyers pay, all at once but for agreements that follow one another on one offer.

        What follows one that was not paid is proved anew, which takes the time of a message.
        """
        moment = hour.timetable.writing
        while True:
            if any([await trader.selling.seal() for trader in hour.traders]):
                moment = min(moment + SEALING_STEP, hour.timetable.deadline)
                await pass_time(moment)
            wave = []
            for trader in hour.traders:
                for reference in trader.selling.queue[:1]:
                    buyer = _buyer_of(hour, reference)
                    if buyer is None:
                        trader.selling.note_failed(reference)
                    elif await self._prepare(hour, trader.selling, buyer, reference):
                        wave.append((trader.selling, buyer, reference))
            if not wave:
                break
            await asyncio.gather(*(self._pay(hour, *each) for each in self.access.mixed(wave)))
            await self.look()
        for _, reference in self._queued(hour):
            buyer = _buyer_of(hour, reference)
            error = ConflictError("no note was left that pays for it")
            name = buyer.name if buyer else ""
            self._refuse("agreements", hour, name, hour.timetable.deadline, error)
        await self._mailboxes.close(hour.window)
        return hour.trades

    # Steps

    async def _ring(self, window: int) -> Sequence[Point]:
        """The keys of a window's round, which is opened if nobody has; none if it cannot be."""
        private = self.access.private
        if not await private.is_round_open(window):
            try:
                keeper = self._directory.offices.keeper
                self._diary.note([await private.open_round(keeper, window)])
            except ContractRevertedError as error:
                if error.error != "RoundExists":
                    limit = commit_start(window) - 1
                    self._diary.refuse("offers", window, "street", limit, error)
                    return ()
        return await private.ring_of(window)

    def _trader(self, window: int, household: PrivateHousehold) -> OneTimeTrader:
        home, seed = household.home, self._scenario.seed
        ledger = self.access.private.ledger
        selling = SellerRole(
            household.account,
            ledger,
            self._post,
            home.seller.policy,
            rng_of(seed, f"{home.name}/seller"),
        )
        buying = BuyerRole(
            household.account, self._post, home.buyer.policy, rng_of(seed, f"{home.name}/buyer")
        )
        return OneTimeTrader(
            PrivateSeller(household, self.access, selling, self._mailboxes.open(window, selling)),
            PrivateBuyer(household, self.access, buying, self._mailboxes.open(window, buying)),
        )

    async def _publish(self, hour: PrivateHour, trader: OneTimeTrader) -> None:
        try:
            receipt = await trader.selling.publish()
        except PeerwattError as error:
            self._refuse("offers", hour, trader.name, commit_start(hour.window) - 1, error)
        else:
            self._diary.note([receipt])

    def _seat(
        self, hour: PrivateHour, account: Address, key: PrivateKey | None, budget: Budget
    ) -> Seat:
        """A seat under a one-time account, which signs with its own key alone."""
        domain = self.access.rules.domain

        def sign(agreement: Agreement) -> SignedAgreement:
            if key is None or agreement.buyer != account:
                raise NotFoundError(f"no key of {agreement.buyer} is here")
            return sign_agreement(domain, agreement, key)

        signatures = Signatures(
            sign=sign,
            verify=lambda signed: is_agreement_signed(domain, signed),
            identify=lambda agreement: agreement_digest(domain, agreement),
        )
        return Seat(account, hour.terms, hour.timetable, budget, signatures)

    async def _join(self, hour: PrivateHour, trader: OneTimeTrader, amount: int) -> None:
        """Makes one note of several, where none of them pays for what a household lacks."""
        purse = trader.household.purse
        notes = purse.scattered(amount)
        if not notes:
            return

        size = min(PAYMENT_RING, len(self.log.notes))
        rings = [self.log.ring_for(each.note, size, self.access.draw) for each in notes]
        whole = send_note(purse.address, sum(each.opening.value for each in notes))
        spend = await asyncio.to_thread(
            spend_notes,
            self.access.rules.pool,
            list(zip(notes, rings, strict=True)),
            [whole],
            Purpose.transfer(),
        )
        try:
            self._diary.note([await self.access.send(transfer(spend))])
        except PeerwattError as error:
            self._refuse("notes", hour, trader.name, hour.timetable.opening, error)
        await self.look()

    async def _prepare(
        self, hour: PrivateHour, selling: PrivateSeller, buyer: OneTimeTrader, reference: bytes
    ) -> bool:
        """Whether an agreement can be paid now; one that is not as agreed on is given up."""
        try:
            return await buyer.buying.prepare(reference, self.log)
        except PeerwattError as error:
            selling.note_failed(reference)
            self._refuse("agreements", hour, buyer.name, hour.timetable.deadline, error)
            return False

    async def _pay(
        self, hour: PrivateHour, selling: PrivateSeller, buyer: OneTimeTrader, reference: bytes
    ) -> None:
        made = selling.sealed(reference).made
        hour.attempts[reference] += 1
        try:
            self._diary.note([await buyer.buying.pay(reference)])
        except (UnavailableError, TooManyRequestsError) as error:
            if hour.attempts[reference] >= MOST_ATTEMPTS:
                selling.note_failed(reference)
                self._refuse("agreements", hour, buyer.name, hour.timetable.deadline, error)
            return
        except PeerwattError as error:
            # An answer can be lost on its way: what counts is what is on the chain.
            state = await self.access.private.agreement_state(made.id)
            if state is PrivateAgreementState.NONE:
                selling.note_failed(reference)
                self._refuse("agreements", hour, buyer.name, hour.timetable.deadline, error)
                return
        selling.note_paid(reference)
        energy_wh = made.energy.value
        selling.household.home.meter.expect(hour.window, sold_wh=energy_wh)
        buyer.household.home.meter.expect(hour.window, bought_wh=energy_wh)
        hour.trades.append(
            TradeRecord(
                agreement_id=made.id,
                window=hour.window,
                offer_id=made.agreement.offer_id,
                seller=selling.household.name,
                buyer=buyer.name,
                energy_wh=energy_wh,
                price=made.price.value,
                seller_strategy=selling.role.policy.strategy,
                buyer_strategy=buyer.buyer.policy.strategy,
            )
        )

    def _queued(self, hour: PrivateHour) -> Iterator[tuple[PrivateSeller, bytes]]:
        for trader in hour.traders:
            for reference in trader.selling.queue:
                yield trader.selling, reference

    def _refuse(
        self, step: str, hour: PrivateHour, who: str, planned: int, error: PeerwattError
    ) -> None:
        if isinstance(error, ContractRevertedError):
            self._diary.refuse(step, hour.window, who, planned, error)
        else:
            self._diary.refuse_otherwise(step, hour.window, who, error)


def _buyer_of(hour: PrivateHour, reference: bytes) -> OneTimeTrader | None:
    """Whose purchase an agreement is."""
    return next((each for each in hour.traders if reference in each.buying.purchases), None)


def _check_prices(scenario: Scenario, access: PrivateAccess) -> None:
    """The grid's prices must leave room within what the private market allows."""
    band = access.rules.band
    for hour, (floor, ceiling) in enumerate(
        zip(scenario.grid.floor, scenario.grid.ceiling, strict=True)
    ):
        if max(floor, band.floor) > min(ceiling, band.ceiling):
            rule = f"must overlap with {band.floor} to {band.ceiling} (1e-6) in hour {hour}"
            hint = "these are the least and the highest price of this private market"
            raise ScenarioError("grid", rule, f"{floor} to {ceiling}", hint=hint)
