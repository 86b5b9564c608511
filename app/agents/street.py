"""A street: all agents of a scenario in one mango container, over one ledger and one clock.

The street conducts: it says when it is whose turn, by market time alone. What an agent then does is
its own affair. Between two moments all messages that are due are delivered and read, so that the
outcome depends on seed and scenario and never on the speed of the machine.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from mango import (
    CommunicationSimulation,
    ExternalClock,
    activate,
    create_ec_container,
    create_tcp_container,
)

from app.agents.agent import NegotiationCodec
from app.agents.analytics.forecaster import ForecastError
from app.agents.auction.conductor import AuctionConductor, Rest, Round, unmet_wh
from app.agents.auction.results import RoundResult
from app.agents.devices.batches import BatchStore
from app.agents.devices.panel import ProfileSource
from app.agents.diary import Diary, MarketClock
from app.agents.directory import Directory
from app.agents.enrolment import enrol_members, fund_treasury
from app.agents.governance.council import AUDIT_AT, MEETING_AT, Chamber, Council
from app.agents.negotiation.budget import Budget
from app.agents.negotiation.communication import UnreliableLines
from app.agents.negotiation.endpoint import endpoint_of
from app.agents.negotiation.post import Post
from app.agents.negotiation.seat import Seat, Signatures
from app.agents.negotiation.timetable import (
    OPENING_AT,
    READINGS_AT,
    SETTLEMENT_AT,
    Timetable,
    timetable_of,
)
from app.agents.observer import Observer, SilentObserver
from app.agents.operator.feeder import FILE_NAME as FEEDER_FILE
from app.agents.operator.feeder import FeederLog
from app.agents.operator.microgrid import Credit
from app.agents.operator.state_of_charge import StoragePlan
from app.agents.private.access import PrivateAccess
from app.agents.private.books import HouseholdBooks, books_of
from app.agents.private.conductor import PrivateConductor, PrivateHour
from app.agents.private.mailbox import Mailboxes
from app.agents.private.office import PrivateOffice
from app.agents.private.view import PrivateView
from app.agents.reports import (
    DeadlineMiss,
    ForecastScore,
    RefusedWrite,
    SettlementReport,
    TradeRecord,
    WindowReport,
    score,
)
from app.agents.residents import (
    OPERATOR,
    Household,
    Resident,
    Storage,
    Surroundings,
    make_bench,
    make_population,
)
from app.agents.session import PublicBoard, Session
from app.agents.settling import Settling
from app.agents.trading.buyer import BuyerRole
from app.agents.trading.planning import Plan, plan
from app.errors import ConfigurationError, ConflictError, ContractRevertedError, InputError
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Agreement, AgreementState, Offer, Receipt, Terms
from app.market.windows import commit_start, grace_end, hold_end, window_at, window_start
from app.scenario.scenario import Scenario, Venue

HISTORY_WINDOWS = 24 * 7 * 2
MOST_WANTED_WH = 1_000_000


@dataclass(slots=True)
class _Hour:
    """What is gathered for the report of one market hour."""

    window: int
    terms: Terms
    timetable: Timetable
    settled: list[SettlementReport]
    plans: dict[str, Plan] = field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
    trades: list[TradeRecord] = field(default_factory=list)
    is_open: bool = False
    ahead: dict[str, int] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    storage_plan: StoragePlan | None = None
    round: Round | None = None
    result: RoundResult | None = None
    private: PrivateHour | None = None

    @property
    def unserved_wh(self) -> int:
        """What buyers did not get in the auction."""
        if self.round is None or self.result is None:
            return 0
        return unmet_wh(self.round.placed, self.result)


@dataclass(frozen=True, slots=True)
class _Want:
    """What a visitor wants a household to buy."""

    household: str
    energy_wh: int
    limit_price: int


@dataclass(frozen=True, slots=True)
class StreetOptions:
    """Where a street keeps things, and how it talks.

    `folder` is for the meters' batches and the operator's book (default: in memory). `listen` is a
    host and port (0: any) at which agents in other processes reach this street's (default: not at
    all). `communication` replaces the scenario's lines. With a `chamber` members, treasurers and
    auditors do their part, too (default: the street only trades). A scenario with privacy needs
    access to `private` trading.
    """

    folder: Path | None = None
    listen: tuple[str, int] | None = None
    communication: CommunicationSimulation | None = None
    chamber: Chamber | None = None
    private: PrivateAccess | None = None


class Street:
    """All agents of a scenario.

    Use it as `async with`: entering starts the agents. `enrol` brings its members to the market,
    `run_window` lives through one market hour after the other, `finish` settles what is left.
    """

    def __init__(
        self,
        scenario: Scenario,
        profiles: ProfileSource,
        ledger: Ledger,
        clock: MarketClock,
        directory: Directory,
        observer: Observer | None = None,
        options: StreetOptions | None = None,
    ) -> None:
        """Raises ScenarioError for a strategy, a forecaster or a parameter that is not known,
        ConfigurationError where a scenario asks for privacy and there is no access to it.
        """
        options = options or StreetOptions()
        folder, listen = options.folder, options.listen
        self._scenario = scenario
        self._profiles = profiles
        self._ledger = ledger
        self._clock = clock
        self._directory = directory
        observer = observer or SilentObserver()
        self._time = ExternalClock(clock.now())
        self._container = (
            create_tcp_container(
                listen, codec=NegotiationCodec(), clock=self._time, auto_port=listen[1] == 0
            )
            if listen
            else create_ec_container(addr="street", clock=self._time)
        )
        lines = options.communication or UnreliableLines(
            scenario.seed,
            loss=scenario.communication.loss,
            delay=scenario.communication.delay_s,
        )
        # What is said in private, nobody watches.
        watching = SilentObserver() if scenario.privacy else observer
        self._post = Post(self._container, lines, watching)
        self._batches = BatchStore(folder / "batches" if folder else None)
        around = Surroundings(scenario, profiles, ledger, self._post, self._batches)
        self._population = make_population(
            around, directory, folder / "agreements.jsonl" if folder else None
        )
        self._signatures = Signatures(
            sign=ledger.sign_agreement,
            verify=ledger.verify_agreement,
            identify=ledger.agreement_id,
        )
        self._running = activate(self._container)
        self._diary = Diary(ledger, clock, observer)
        feeder = FeederLog(folder / FEEDER_FILE if folder else None)
        self._private, self._office = self._make_private(scenario, options)
        self._settling = Settling(
            self._population,
            self._batches,
            self._diary,
            feeder,
            scenario.first_window,
            self._office,
        )
        self._auction = AuctionConductor(ledger, self._population, self._diary)
        self._bench = make_bench(around, directory, _run_of(scenario)) if options.chamber else None
        self._council = (
            Council(
                scenario,
                options.chamber,
                ledger,
                self._population,
                self._bench,
                feeder,
                self._post,
                self._diary,
            )
            if options.chamber and self._bench
            else None
        )
        self._former_data: dict[str, int] = {}
        self._hour: _Hour | None = None
        self._wants: list[_Want] = []

    # Life

    async def __aenter__(self) -> Self:
        residents = self._population.all
        for resident in residents:
            self._container.register(resident.agent, suggested_aid=resident.name)
        self._container.register(self._population.operator.agent, suggested_aid=OPERATOR)
        served = {resident.name: resident.agent for resident in residents}
        if self._bench and self._council:
            for name, agent in self._bench.agents.items():
                self._container.register(agent, suggested_aid=name)
            served |= {OPERATOR: self._population.operator.agent} | self._bench.agents
            self._council.open()
        self._post.serve(served, self._directory.names)
        self._settling.restore()
        if self._office:
            self._settling.resume(self._office.open_windows())
        await self._running.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._post.close()
        await self._running.__aexit__(kind, error, trace)

    async def enrol(self) -> list[Receipt]:
        """Certifies meters, publishes who is who, mints and deposits; does only what is missing.

        Raises ContractRevertedError if the market's limits don't allow the scenario's terms.
        """
        endpoints = {
            resident.name: endpoint_of(resident.agent.addr) for resident in self._population.all
        }
        run = _run_of(self._scenario)
        if self._private:
            receipts = await self._private.enrol(run, endpoints)
            first = max(window_at(self._clock.now()) + 1, self._scenario.first_window)
            return receipts + await self._publish_terms(first)
        note_all = self._diary.note_all
        receipts = await note_all(
            fund_treasury(self._ledger, self._directory, run, self._scenario.grid.treasury)
        )
        receipts += await note_all(enrol_members(self._ledger, self._directory, run, endpoints))
        first = max(window_at(self._clock.now()) + 1, self._scenario.first_window)
        if self._has_auction:
            microgrid = self._population.operator.microgrid
            rule = await microgrid.set_pricing_rule(self._scenario.pricing_rule, first)
            receipts += self._diary.note(rule)
        return receipts + await self._publish_terms(first)

    def next_window(self) -> int:
        """The next delivery window whose trading hour can still be used as planned."""
        now = self._clock.now()
        hour = window_at(now)
        begun = now >= window_start(hour) + OPENING_AT
        return max(hour + (2 if begun else 1), self._scenario.first_window)

    # Visitors

    @property
    def trading_window(self) -> int | None:
        """The window that is traded at this moment; None between two market hours."""
        return self._hour.window if self._hour else None

    def want(self, household: str, window: int, energy_wh: int, limit_price: int) -> None:
        """Lets a household look for energy besides what it needs, in the present negotiation.

        Raises NotFoundError for an unknown household, InputError for an impossible amount or price,
        ConflictError if the window is not negotiated now.
        """
        self._directory.member(household)
        if not 0 < energy_wh <= MOST_WANTED_WH:
            raise InputError("energy_wh", f"must be from 1 to {MOST_WANTED_WH}", energy_wh)
        hour = self._hour
        if hour is None or hour.window != window:
            hint = f"window {hour.window} is" if hour else "none is at this moment"
            raise ConflictError(f"window {window} is not negotiated now", hint=hint)
        if self._clock.now() >= hour.timetable.last_call:
            raise ConflictError(f"the negotiation for window {window} is over")
        least, most = hour.terms.grid_floor, hour.terms.grid_ceiling
        if not least <= limit_price <= most:
            raise InputError("limit_price", f"must be from {least} to {most}", limit_price)
        self._wants.append(_Want(household, energy_wh, limit_price))
        if hour.is_open:
            self._serve_wants()

    def note_agreement(self, agreement: Agreement) -> None:
        """Lets the operator settle an agreement that was written by somebody else's hand."""
        self._settling.note_agreement(agreement)

    def private_view(self, account: Address) -> PrivateView | None:
        """What a household sees of its own private trades; None where there is nothing private."""
        return self._private.view(account) if self._private else None

    # Figures

    def private_books(self) -> tuple[HouseholdBooks, ...]:
        """What all households know together of their private trades; empty where there are none."""
        if self._private is None or self._office is None:
            return ()
        return tuple(books_of(each, self._office) for each in self._private.households)

    @property
    def forecast_errors(self) -> tuple[ForecastError, ...]:
        """All errors since the start."""
        return tuple(self._settling.forecast_errors)

    def forecast_score(self) -> ForecastScore | None:
        """The forecasters' mean errors beside those of persistence."""
        return score(self._settling.forecast_errors)

    async def credit(self) -> Credit:
        """The operator's money and debts."""
        return await self._population.operator.microgrid.credit()

    def take_faults(self) -> tuple[tuple[DeadlineMiss, ...], tuple[RefusedWrite, ...]]:
        """What came too late or was refused since the last report: after `finish`, in it."""
        return self._diary.take()

    @property
    def batches(self) -> BatchStore:
        """The meters' raw data."""
        return self._batches

    @property
    def directory(self) -> Directory:
        """Who takes part."""
        return self._directory

    # Market hours

    async def run_window(self, window: int) -> WindowReport:
        """Lives through market hour `window - 1`: settles what is over, trades for `window`.

        Returns when the agreements are written. Raises ConflictError if the hour is over.
        """
        if self._clock.now() >= commit_start(window):
            raise ConflictError(f"the trading of window {window} is over")
        sent, lost = self._post.counts.sent, self._post.counts.lost
        try:
            hour = await self._begin(window)
            if self._council:
                await self._pass_time(window_start(window - 1) + MEETING_AT)
                await self._council.meet(window, self._settling.unsettled)
            await self._publish_terms(window + 1)
            self._forecast(hour)
            if self._private:
                await self._trade_in_private(hour, self._private)
            else:
                await self._trade_openly(hour)
        finally:
            self._hour = None
            self._wants = []
        misses, refused = self._diary.take()
        return WindowReport(
            window=window,
            terms=hour.terms,
            plans=hour.plans,
            offers=hour.offers,
            trades=tuple(hour.trades),
            settled=tuple(hour.settled),
            misses=misses,
            refused=refused,
            messages=self._post.counts.sent - sent,
            messages_lost=self._post.counts.lost - lost,
            dropped=sum(buyer.dropped for buyer in self._buyers(hour)),
            unserved_wh=hour.unserved_wh
            if self._has_auction
            else sum(buyer.left_wh for buyer in self._buyers(hour)),
            orders=tuple(hour.round.placed) if hour.round else (),
            round_prices=hour.result.prices if hour.result else None,
            council=self._council.take_notes() if self._council else (),
        )

    async def finish(self, last_window: int) -> list[SettlementReport]:
        """Settles all windows up to `last_window`.

        Waits for missing readings, and for those that auditors hold, no longer than the ledger
        does.
        """
        reports: list[SettlementReport] = []
        for window in range(last_window - 1, last_window + 1):
            reports += await self._settle_until(window)
        for end_of_waiting in (grace_end, hold_end):
            unsettled = self._settling.latest_unsettled
            if unsettled is not None:
                await self._pass_time(end_of_waiting(unsettled))
                now = self._clock.now()
                reports += await self._settling.settle(unsettled, now, now)
        return reports

    # Venues

    @property
    def _negotiates(self) -> bool:
        return self._scenario.venue is not Venue.AUCTION

    @property
    def _has_auction(self) -> bool:
        return self._scenario.venue is not Venue.NEGOTIATION

    # Steps of an hour

    async def _trade_openly(self, hour: _Hour) -> None:
        """Everything in the open, at the venues of the scenario."""
        if self._negotiates:
            await self._offer(hour)
            await self._negotiate(hour)
        if self._has_auction:
            await self._order(hour)
        await self._write(hour)
        if hour.round is not None:
            await self._clear(hour, hour.round)
        else:
            await self._clear_for_visitors(hour)

    async def _trade_in_private(self, hour: _Hour, private: PrivateConductor) -> None:
        """The same agents under one-time accounts, and proofs in the place of numbers."""
        window, table = hour.window, hour.timetable
        await self._pass_time(table.offers)
        self._diary.say(window, "offers")
        current = await private.open(window, hour.terms, table)
        await private.offer(current, hour.plans)
        self._diary.check_time("offers", window, table.opening)
        await private.negotiate(current, hour.plans)
        hour.private, hour.is_open = current, True
        self._serve_wants()
        self._diary.say(window, "negotiation")
        session = Session(current.board, self._post, table, current.traders, self._pass_time)
        await session.run()
        hour.offers = session.offers
        hour.is_open = False
        await private.seal(current, self._pass_time)
        await self._pass_time(table.writing)
        self._diary.say(window, "agreements")
        hour.trades += await private.pay(current, self._pass_time)
        self._diary.check_time("agreements", window, table.deadline)

    async def _begin(self, window: int) -> _Hour:
        """Settles what is over; from here on visitors can want something."""
        await self._pass_time(window_start(window - 1))
        negotiation = self._scenario.negotiation
        self._hour = _Hour(
            window=window,
            terms=await self._ledger.terms_of(window),
            timetable=timetable_of(
                window,
                negotiation.rounds,
                negotiation.timeout_s,
                then_auction=self._scenario.venue is Venue.BOTH,
            ),
            settled=[],
        )
        await self._auction.release_stale()
        await self._note_foreign_trades()
        self._hour.settled += await self._settle_until(window - 2)
        return self._hour

    async def _settle_until(self, window: int) -> list[SettlementReport]:
        """Meters and settles up to a window, in the hour after it."""
        start = window_start(window + 1)
        traded = self._hour.window if self._hour else window
        self._diary.say(traded, "readings")
        await self._pass_time(start + READINGS_AT)
        await self._settling.read_meters(window, start + SETTLEMENT_AT)
        if self._council and self._hour:
            await self._pass_time(start + AUDIT_AT)
            await self._council.inspect(window)
        await self._pass_time(start + SETTLEMENT_AT)
        self._diary.say(traded, "settlement")
        return await self._settling.settle(window, self._clock.now(), start + OPENING_AT)

    async def _publish_terms(self, window: int) -> list[Receipt]:
        published = await self._population.operator.microgrid.publish_terms(window)
        for _, error in published.dropped:
            raise error
        return self._diary.note(published.receipts)

    def _forecast(self, hour: _Hour) -> None:
        """Households forecast what they will have too much of, or lack."""
        self._diary.say(hour.window, "forecasts")
        for household in self._population.households:
            self._note_former_data(household, hour.window)
            household.knowledge.train()
            hour.plans[household.name] = self._plan(household, hour)

    async def _offer(self, hour: _Hour) -> None:
        """Households offer; then the community battery, which looks at the offers."""
        await self._pass_time(hour.timetable.offers)
        self._diary.say(hour.window, "offers")
        for resident in self._population.in_turn(hour.window):
            surplus = hour.plans[resident.name].surplus_wh if resident.name in hour.plans else 0
            await self._make_offer(resident, hour, resident.seller.policy.offered_wh(surplus))
        storage = self._population.storage
        if storage and storage.auction.storage.speculator is None:
            await self._pass_time(hour.timetable.storage_offers)
            await self._offer_storage(storage, hour)
        self._diary.check_time("offers", hour.window, hour.timetable.opening)

    async def _make_offer(
        self, resident: Resident, hour: _Hour, energy_wh: int, reserve: int = 0
    ) -> None:
        if energy_wh <= 0:
            return
        try:
            receipt = await resident.seller.offer(hour.window, energy_wh, hour.terms, reserve)
        except ContractRevertedError as error:
            limit = commit_start(hour.window) - 1
            self._diary.refuse("offers", hour.window, resident.name, limit, error)
        else:
            self._diary.note([receipt])

    async def _offer_storage(self, storage: Storage, hour: _Hour) -> None:
        offers = await self._ledger.offers(hour.window)
        offered_wh = sum(offer.energy_wh for offer in offers)
        decision = await self._plan_storage(storage, hour, offered_wh)
        await self._make_offer(storage, hour, decision.sell_wh, decision.reserve_price)
        if decision.buy_wh:
            self._wants.append(_Want(storage.name, decision.buy_wh, decision.limit_price))

    async def _plan_storage(self, storage: Storage, hour: _Hour, offered_wh: int) -> StoragePlan:
        balance = self._population.operator.external_market.balance(hour.window - 2)
        decision = storage.state_of_charge.plan(
            hour.window,
            hour.terms,
            offered_wh=offered_wh,
            demand_wh=None if balance is None else balance.imported_wh,
            tokens_wh=await self._ledger.energy_balance_of(storage.member.account),
        )
        hour.plans[storage.name] = Plan(hour.window, decision.sell_wh, decision.buy_wh)
        hour.storage_plan = decision
        return decision

    async def _negotiate(self, hour: _Hour) -> None:
        """Everybody takes a seat; buyers look for what they lack, and for what visitors want."""
        for resident in self._population.all:
            seat = Seat(
                account=resident.member.account,
                terms=hour.terms,
                timetable=hour.timetable,
                budget=await self._budget(hour, resident),
                signatures=self._signatures,
            )
            resident.seller.open(seat)
            resident.buyer.open(seat)
        for household in self._population.households:
            lack = household.buyer.policy.wanted_wh(hour.plans[household.name].lack_wh)
            if lack > 0:
                household.buyer.look_for(lack)
        hour.is_open = True
        self._serve_wants()
        self._diary.say(hour.window, "negotiation")
        residents = self._population.in_turn(hour.window)
        board = PublicBoard(self._ledger, hour.window)
        session = Session(board, self._post, hour.timetable, residents, self._pass_time)
        await session.run()
        hour.offers = session.offers
        hour.is_open = False

    async def _order(self, hour: _Hour) -> None:
        """Everybody orders what is left to sell, or still lacking; visitors' wants come last."""
        if not self._negotiates:
            await self._pass_time(hour.timetable.offers)
        self._diary.say(hour.window, "orders")
        for resident in self._population.all:
            await self._budget(hour, resident)
        hour.round = Round(hour.window, hour.terms, hour.budgets)
        for household in self._in_turn(hour.window):
            await self._auction.order(hour.round, household, self._rest(household, hour))
            await self._auction.speculate(hour.round, household, hour.ahead.get(household.name, 0))
        if self._population.storage:
            await self._order_storage(self._population.storage, hour, hour.round)
        await self._order_for_visitors(hour, hour.round)
        self._diary.check_time("orders", hour.window, commit_start(hour.window) - 1)

    async def _order_storage(self, storage: Storage, hour: _Hour, current: Round) -> None:
        """The community battery orders when it has seen what the others sell."""
        decision = hour.storage_plan
        if self._negotiates and decision is not None:
            unmet = sum(energy_wh for energy_wh, _ in storage.buyer.unmet)
            decision = replace(
                decision,
                sell_wh=max(decision.sell_wh - storage.seller.booked_wh, 0),
                buy_wh=min(decision.buy_wh, unmet),
            )
        elif storage.auction.storage.speculator is None:
            await self._pass_time(hour.timetable.storage_offers)
            offered_wh = await self._auction.offered_wh(hour.window)
            decision = await self._plan_storage(storage, hour, offered_wh)
        await self._auction.order_storage(current, storage, decision)

    async def _order_for_visitors(self, hour: _Hour, current: Round) -> None:
        """What visitors want until the last orders, and what the negotiation did not find them."""
        await self._pass_time(hour.timetable.last_orders)
        wants, self._wants = self._wants, []
        if self._negotiates:
            wants += [
                _Want(household.name, energy_wh, limit)
                for household in self._population.households
                for energy_wh, limit in household.buyer.unmet
                if energy_wh and limit is not None
            ]
        for want in wants:
            resident = self._population.resident(want.household)
            await self._auction.order_for_visitor(
                current, resident, want.energy_wh, want.limit_price
            )

    async def _clear(self, hour: _Hour, current: Round) -> None:
        """The operator clears the book, within the commit margin, and everybody learns of it."""
        await self._pass_time(hour.timetable.writing)
        self._diary.say(hour.window, "clearing")
        hour.result = await self._auction.clear(current, hour.timetable.deadline)
        hour.trades += self._auction.trades(hour.result)
        for agreement in hour.result.agreements:
            self._settling.note_agreement(agreement)
        self._auction.learn(hour.result)
        self._diary.check_time("clearing", hour.window, hour.timetable.deadline)

    async def _clear_for_visitors(self, hour: _Hour) -> None:
        """Where the street only negotiates, the operator clears what visitors have ordered."""
        current = Round(hour.window, hour.terms, {})
        result = await self._auction.clear(current, hour.timetable.deadline)
        hour.trades += self._auction.trades(result)
        for agreement in result.agreements:
            self._settling.note_agreement(agreement)

    async def _write(self, hour: _Hour) -> None:
        """Sellers write what buyers have signed, within the commit margin."""
        await self._pass_time(hour.timetable.writing)
        self._diary.say(hour.window, "agreements")
        deadline = hour.timetable.deadline
        for resident in self._population.in_turn(hour.window):
            result = await resident.seller.write()
            self._diary.note(result.receipts)
            for booking in result.written:
                self._settling.note_agreement(booking.signed.agreement)
                hour.trades.append(self._trade(resident, booking.signed.agreement))
            for _, error in result.dropped:
                self._diary.refuse("agreements", hour.window, resident.name, deadline, error)
        await self._post.deliver()
        self._diary.check_time("agreements", hour.window, deadline)

    # Helpers

    def _make_private(
        self, scenario: Scenario, options: StreetOptions
    ) -> tuple[PrivateConductor | None, PrivateOffice | None]:
        """Who conducts private trading, and settles it; nobody where there is none."""
        if not scenario.privacy:
            return None, None
        if options.private is None:
            raise ConfigurationError(
                "the scenario asks for privacy, and there is no private market here",
                hint="set privacy: off, or run it on a chain of its own",
            )
        conductor = PrivateConductor(
            options.private,
            scenario,
            self._population,
            self._directory,
            Mailboxes(self._container, self._post),
            self._post,
            self._diary,
            options.folder / "private" if options.folder else None,
        )
        return conductor, PrivateOffice(conductor, self._diary)

    def _in_turn(self, window: int) -> tuple[Household, ...]:
        """The homes, each window another one first."""
        households = self._population.households
        first = window % len(households)
        return (*households[first:], *households[:first])

    async def _budget(self, hour: _Hour, resident: Resident) -> Budget:
        """What a resident may still promise this hour."""
        if resident.name not in hour.budgets:
            account = await self._ledger.account_of(resident.member.account)
            hour.budgets[resident.name] = Budget(account.free)
        return hour.budgets[resident.name]

    def _rest(self, household: Household, hour: _Hour) -> Rest:
        """What a home has to sell or lacks, less what it has negotiated already."""
        planned, role = hour.plans[household.name], household.auction
        surplus = role.selling.ordered_wh(planned.surplus_wh)
        lack = role.buying.ordered_wh(planned.lack_wh)
        if self._negotiates:
            surplus = max(surplus - household.seller.booked_wh, 0)
            unmet = sum(energy_wh for energy_wh, limit in household.buyer.unmet if limit is None)
            lack = min(lack, unmet)
        return Rest(surplus, lack)

    def _trade(self, seller: Resident, agreement: Agreement) -> TradeRecord:
        buyers = {resident.member.account: resident for resident in self._population.all}
        buyer = buyers.get(agreement.buyer)
        return TradeRecord(
            agreement_id=self._ledger.agreement_id(agreement),
            window=agreement.window,
            offer_id=agreement.offer_id,
            seller=seller.name,
            buyer=buyer.name if buyer else agreement.buyer,
            energy_wh=agreement.energy_wh,
            price=agreement.price,
            seller_strategy=seller.seller.policy.strategy,
            buyer_strategy=buyer.buyer.policy.strategy if buyer else "",
        )

    async def _note_foreign_trades(self) -> None:
        """What our buyers have bought last from sellers elsewhere, as the ledger has it."""
        ours = {resident.member.account for resident in self._population.all}
        for resident in self._population.all:
            for purchase in resident.buyer.purchases:
                if purchase.signed.agreement.seller in ours:
                    continue
                state = await self._ledger.agreement_state(purchase.agreement_id)
                if state is not AgreementState.NONE:
                    self._settling.note_agreement(purchase.signed.agreement)

    def _serve_wants(self) -> None:
        wants, self._wants = self._wants, []
        for want in wants:
            self._buyer(want.household).look_for(want.energy_wh, want.limit_price)

    def _buyer(self, household: str) -> BuyerRole:
        """Who buys for a household this hour."""
        if self._hour and self._hour.private:
            return self._hour.private.trader(household).buyer
        return self._population.resident(household).buyer

    def _buyers(self, hour: _Hour) -> list[BuyerRole]:
        """All who buy this hour."""
        traders = hour.private.traders if hour.private else self._population.all
        return [trader.buyer for trader in traders]

    def _plan(self, household: Household, hour: _Hour) -> Plan:
        """Forecasts the hours until the end of the window, and runs the battery through them.

        A battery that speculates is due to take in what its home has too much of until then.
        """
        window, first = hour.window, self._scenario.first_window
        hours = [each for each in (window, window - 1) if each >= first]
        forecasts = [household.forecaster.forecast(each) for each in hours]
        battery = household.battery
        if battery is None or not household.plans_with_battery:
            before = forecasts[1:]
            agreed = household.meter.agreed_wh(window - 1)
            hour.ahead[household.name] = agreed + sum(e.pv_wh - e.load_wh for e in before)
            return plan(window, forecasts[::-1], None, 0, self._profiles.step_seconds)
        return plan(
            window,
            forecasts[::-1],
            battery.battery,
            battery.stored_wh,
            self._profiles.step_seconds,
        )

    def _note_former_data(self, household: Household, window: int) -> None:
        """What the household's meter saw before the market began."""
        known = min(window - 1, self._scenario.first_window)
        if self._former_data.get(household.name, 0) < known:
            self._former_data[household.name] = known
            series = self._profiles.history_of(household.name, known, HISTORY_WINDOWS)
            household.reader.note_history(series, known)

    async def _pass_time(self, moment: int) -> None:
        """Advances all clocks to a moment, or leaves them where they are if it has passed.

        On the way, every message is delivered when it is due.
        """
        while True:
            due = self._post.next_due()
            stop = moment if due is None else min(moment, math.ceil(due))
            await self._clock.advance_to(stop)
            self._time.set_time(max(self._time.time, self._clock.now()))
            await self._post.deliver()
            due = self._post.next_due()
            if self._clock.now() >= moment and (due is None or due > self._time.time):
                return


def _run_of(scenario: Scenario) -> str:
    """What the bank's transfers of a run are named by."""
    return f"{scenario.name}-{scenario.seed}"
