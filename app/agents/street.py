"""A street: all agents of a scenario in one mango container, over one ledger and one clock.

The street conducts: it says when it is whose turn, by market time alone. What an agent then does is
its own affair. Between two moments all messages that are due are delivered and read, so that the
outcome depends on seed and scenario and never on the speed of the machine.
"""

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from mango import (
    CommunicationSimulation,
    ExternalClock,
    activate,
    create_ec_container,
    create_tcp_container,
)

from app.agents.agent import NegotiationCodec
from app.agents.analytics.forecaster import ForecastError
from app.agents.analytics.history import WindowEnergy
from app.agents.devices.batches import BatchStore, MeterBatch
from app.agents.devices.panel import ProfileSource
from app.agents.directory import Directory
from app.agents.enrolment import enrol_members, fund_treasury
from app.agents.negotiation.budget import Budget
from app.agents.negotiation.buyer import Purchase
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
from app.agents.observer import Observer, Progress, SilentObserver
from app.agents.operator.microgrid import Credit, Settlement
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
    Operator,
    Resident,
    Storage,
    Surroundings,
    make_household,
    make_operator,
    make_storage,
)
from app.agents.session import Session
from app.agents.trading.planning import Plan, plan
from app.agents.writing import PHASE_ERRORS
from app.errors import ConflictError, ContractRevertedError, InputError
from app.ledger.protocol import Ledger
from app.ledger.types import Agreement, AgreementState, Offer, Receipt, Terms
from app.market.windows import GRACE_WINDOWS, commit_start, grace_end, window_at, window_start
from app.scenario.scenario import Scenario

HISTORY_WINDOWS = 24 * 7 * 2
MOST_WANTED_WH = 1_000_000


class MarketClock(Protocol):
    """Market time; `app.chain.clock` and the model ledger have such clocks."""

    def now(self) -> int: ...
    async def advance_to(self, timestamp: int) -> None: ...


@dataclass(slots=True)
class _Hour:
    """What is gathered for the report of one market hour."""

    window: int
    terms: Terms
    plans: dict[str, Plan] = field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
    trades: list[TradeRecord] = field(default_factory=list)
    settled: list[SettlementReport] = field(default_factory=list)


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
    all). `communication` replaces the scenario's lines.
    """

    folder: Path | None = None
    listen: tuple[str, int] | None = None
    communication: CommunicationSimulation | None = None


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
        """Raises ScenarioError for a strategy, a forecaster or a parameter that is not known."""
        options = options or StreetOptions()
        folder, listen = options.folder, options.listen
        self._scenario = scenario
        self._profiles = profiles
        self._ledger = ledger
        self._clock = clock
        self._directory = directory
        self._observer = observer or SilentObserver()
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
        self._post = Post(self._container, lines, self._observer)
        self._batches = BatchStore(folder / "batches" if folder else None)
        around = Surroundings(scenario, profiles, ledger, self._post, self._batches)
        self._households = [
            make_household(around, participant, directory.member(participant.household))
            for participant in scenario.participants
        ]
        self._storage = (
            make_storage(around, scenario.community_battery, directory.members[-1])
            if scenario.community_battery
            else None
        )
        self._operator: Operator = make_operator(
            around, directory, folder / "agreements.jsonl" if folder else None
        )
        self._signatures = Signatures(
            sign=ledger.sign_agreement,
            verify=ledger.verify_agreement,
            identify=ledger.agreement_id,
        )
        self._running = activate(self._container)
        self._metered = scenario.first_window - 1
        self._former_data: dict[str, int] = {}
        self._unsettled: dict[int, None] = {}
        self._forecast_errors: list[ForecastError] = []
        self._misses: list[DeadlineMiss] = []
        self._refused: list[RefusedWrite] = []
        self._hour: _Hour | None = None
        self._timetable: Timetable | None = None
        self._wants: list[_Want] = []
        self._is_open = False

    # Life

    async def __aenter__(self) -> Self:
        residents = self._residents
        for resident in residents:
            self._container.register(resident.agent, suggested_aid=resident.name)
        self._container.register(self._operator.agent, suggested_aid=OPERATOR)
        self._post.serve(
            {resident.name: resident.agent for resident in residents}, self._directory.names
        )
        await self._running.__aenter__()
        self._restore()
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
        """Certifies meters, publishes who is who, mints and deposits; does only what is missing."""
        endpoints = {
            resident.name: endpoint_of(resident.agent.addr) for resident in self._residents
        }
        run = f"{self._scenario.name}-{self._scenario.seed}"
        receipts = [
            *await self._note_all(
                fund_treasury(self._ledger, self._directory, run, self._scenario.grid.treasury)
            ),
            *await self._note_all(enrol_members(self._ledger, self._directory, run, endpoints)),
        ]
        published = await self._operator.microgrid.publish_terms(self._first_open_window())
        return receipts + self._note(published.receipts)

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
        return self._timetable.window if self._timetable else None

    def want(self, household: str, window: int, energy_wh: int, limit_price: int) -> None:
        """Lets a household look for energy besides what it needs, in the present negotiation.

        Raises NotFoundError for an unknown household, InputError for an impossible amount or price,
        ConflictError if the window is not negotiated now.
        """
        self._directory.member(household)
        if not 0 < energy_wh <= MOST_WANTED_WH:
            raise InputError("energy_wh", f"must be from 1 to {MOST_WANTED_WH}", energy_wh)
        hour, table = self._hour, self._timetable
        if hour is None or table is None or hour.window != window:
            hint = f"window {hour.window} is" if hour else "none is at this moment"
            raise ConflictError(f"window {window} is not negotiated now", hint=hint)
        if self._clock.now() >= table.last_call:
            raise ConflictError(f"the negotiation for window {window} is over")
        least, most = hour.terms.grid_floor, hour.terms.grid_ceiling
        if not least <= limit_price <= most:
            raise InputError("limit_price", f"must be from {least} to {most}", limit_price)
        want = _Want(household, energy_wh, limit_price)
        if self._is_open:
            self._look_for(want)
        else:
            self._wants.append(want)

    def note_agreement(self, agreement: Agreement) -> None:
        """Lets the operator settle an agreement that was written by somebody else's hand."""
        self._operator.microgrid.book.add([agreement])
        self._note_storage_trade(agreement)
        self._unsettled.setdefault(agreement.window)

    # Figures

    @property
    def forecast_errors(self) -> tuple[ForecastError, ...]:
        """All errors since the start."""
        return tuple(self._forecast_errors)

    def forecast_score(self) -> ForecastScore | None:
        """The forecasters' mean errors beside those of persistence."""
        return score(self._forecast_errors)

    async def credit(self) -> Credit:
        """The operator's money and debts."""
        return await self._operator.microgrid.credit()

    @property
    def batches(self) -> BatchStore:
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
        start = window_start(window - 1)
        sent, lost = self._post.counts.sent, self._post.counts.lost
        self._post.forget()
        await self._pass_time(start)
        self._hour = _Hour(window, await self._ledger.terms_of(window))
        self._timetable = timetable_of(
            window, self._scenario.negotiation.rounds, self._scenario.negotiation.timeout_s
        )
        await self._settle_past(self._hour, start)
        self._note((await self._operator.microgrid.publish_terms(window + 1)).receipts)
        await self._offer(self._hour, self._timetable)
        await self._negotiate(self._hour, self._timetable)
        await self._write(self._hour, self._timetable)
        report = WindowReport(
            window=window,
            terms=self._hour.terms,
            plans=self._hour.plans,
            offers=self._hour.offers,
            trades=tuple(self._hour.trades),
            settled=tuple(self._hour.settled),
            misses=tuple(self._misses),
            refused=tuple(self._refused),
            messages=self._post.counts.sent - sent,
            messages_lost=self._post.counts.lost - lost,
            dropped=sum(resident.buyer.dropped for resident in self._residents),
            unserved_wh=sum(resident.buyer.left_wh for resident in self._residents),
        )
        self._misses, self._refused = [], []
        self._hour, self._timetable = None, None
        return report

    async def finish(self, last_window: int) -> list[SettlementReport]:
        """Settles all windows up to `last_window`.

        Waits for missing readings no longer than the ledger does.
        """
        reports: list[SettlementReport] = []
        for window in range(last_window - 1, last_window + 1):
            start = window_start(window + 1)
            await self._pass_time(start + READINGS_AT)
            reports += await self._settle(window, start)
        if self._unsettled:
            latest = grace_end(max(self._unsettled))
            await self._pass_time(latest)
            reports += await self._settle(last_window, latest)
        return reports

    # Steps of an hour

    async def _settle_past(self, hour: _Hour, start: int) -> None:
        self._say("readings")
        await self._pass_time(start + READINGS_AT)
        hour.settled += await self._settle(hour.window - 2, start)

    async def _settle(self, window: int, start: int) -> list[SettlementReport]:
        """Meters all windows up to one that is over, and settles what can be settled."""
        errors = await self._meter(window, start + SETTLEMENT_AT)
        await self._pass_time(start + SETTLEMENT_AT)
        self._say("settlement")
        reports = []
        for over in sorted(self._unsettled):
            if over > window:
                continue
            settlement = await self._operator.microgrid.settle(over, self._clock.now())
            reports.append(self._settlement_report(settlement, errors.get(over, ())))
            if settlement.is_complete:
                del self._unsettled[over]
        self._check_time("settlement", window, OPERATOR, start + OPENING_AT)
        return reports

    async def _meter(self, until: int, limit: int) -> dict[int, tuple[ForecastError, ...]]:
        """Reads all meters for the windows that are over and submits what they sign."""
        signed = []
        errors: dict[int, tuple[ForecastError, ...]] = {}
        for window in range(self._metered + 1, until + 1):
            self._unsettled.setdefault(window)
            batches = []
            for resident in self._residents:
                batch = resident.meter.batch(window)
                batches.append(batch)
                signed.append(resident.meter.sign(batch))
            errors[window] = tuple(self._learn(window, batches))
            self._operator.external_market.note(batches)
            self._metered = window
        result = await self._operator.microgrid.record(signed)
        self._note(result.receipts)
        owner_of = {resident.member.meter: resident.name for resident in self._residents}
        for reading, error in result.dropped:
            who = owner_of[reading.reading.meter]
            self._note_refusal("readings", reading.reading.window, who, limit, error)
        self._check_time("readings", until, OPERATOR, limit)
        return errors

    def _learn(self, window: int, batches: Sequence[MeterBatch]) -> list[ForecastError]:
        """Gives each household its new data; returns how far off its forecast was."""
        errors = []
        batch_of = {batch.household: batch for batch in batches}
        for household in self._households:
            batch = batch_of[household.name]
            household.reader.note([batch])
            metered = WindowEnergy(batch.load_wh, batch.pv_wh)
            error = household.forecaster.compare(window, metered)
            if error is not None:
                errors.append(error)
        self._forecast_errors += errors
        return errors

    async def _offer(self, hour: _Hour, table: Timetable) -> None:
        """Households forecast and offer; then the community battery, which looks at the offers."""
        self._say("forecasts")
        for household in self._households:
            self._note_former_data(household, hour.window)
            household.knowledge.train()
            hour.plans[household.name] = self._plan(household, hour.window)
        await self._pass_time(table.offers)
        self._say("offers")
        for resident in self._in_turn(hour.window):
            surplus = hour.plans[resident.name].surplus_wh if resident.name in hour.plans else 0
            await self._make_offer(resident, hour, resident.seller.policy.offered_wh(surplus))
        if self._storage:
            await self._pass_time(table.storage_offers)
            await self._offer_storage(self._storage, hour)
        self._check_time("offers", hour.window, "street", table.opening)

    async def _make_offer(
        self, resident: Resident, hour: _Hour, energy_wh: int, reserve: int = 0
    ) -> None:
        if energy_wh <= 0:
            return
        try:
            receipt = await resident.seller.offer(hour.window, energy_wh, hour.terms, reserve)
        except ContractRevertedError as error:
            limit = commit_start(hour.window)
            self._note_refusal("offers", hour.window, resident.name, limit, error)
        else:
            self._note([receipt])

    async def _offer_storage(self, storage: Storage, hour: _Hour) -> None:
        offers = await self._ledger.offers(hour.window)
        balance = self._operator.external_market.balance(hour.window - 2)
        decision = storage.state_of_charge.plan(
            hour.window,
            hour.terms,
            offered_wh=sum(offer.energy_wh for offer in offers),
            demand_wh=None if balance is None else balance.imported_wh,
            tokens_wh=await self._ledger.energy_balance_of(storage.member.account),
        )
        hour.plans[storage.name] = Plan(hour.window, decision.sell_wh, decision.buy_wh)
        await self._make_offer(storage, hour, decision.sell_wh, decision.reserve_price)
        if decision.buy_wh:
            self._wants.append(_Want(storage.name, decision.buy_wh, decision.limit_price))

    async def _negotiate(self, hour: _Hour, table: Timetable) -> None:
        for resident in self._residents:
            account = await self._ledger.account_of(resident.member.account)
            budget = Budget(0 if account.debt else account.free)
            seat = Seat(resident.member.account, hour.terms, table, budget, self._signatures)
            resident.seller.open(seat)
            resident.buyer.open(seat)
        for household in self._households:
            lack = household.buyer.policy.wanted_wh(hour.plans[household.name].lack_wh)
            if lack > 0:
                household.buyer.look_for(lack)
        self._is_open = True
        wants, self._wants = self._wants, []
        for want in wants:
            self._look_for(want)
        self._say("negotiation")
        residents = self._in_turn(hour.window)
        session = Session(self._ledger, self._post, table, residents, self._pass_time)
        await session.run()
        hour.offers = session.offers
        self._is_open = False

    async def _write(self, hour: _Hour, table: Timetable) -> None:
        """Sellers write what buyers have signed; the operator notes what there is to settle."""
        await self._pass_time(table.writing)
        self._say("agreements")
        for resident in self._in_turn(hour.window):
            result = await resident.seller.write()
            self._note(result.receipts)
            for booking in result.written:
                self._note_trade(hour, resident, booking.signed.agreement)
            for _, error in result.dropped:
                limit = table.deadline
                self._note_refusal("agreements", hour.window, resident.name, limit, error)
        await self._post.deliver()
        await self._note_foreign_trades(hour)
        self._check_time("agreements", hour.window, "street", table.deadline)

    # Notes

    def _note_trade(self, hour: _Hour, seller: Resident, agreement: Agreement) -> None:
        self.note_agreement(agreement)
        buyers = {resident.member.account: resident for resident in self._residents}
        buyer = buyers.get(agreement.buyer)
        hour.trades.append(
            TradeRecord(
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
        )

    async def _note_foreign_trades(self, hour: _Hour) -> None:
        """What our buyers have bought of sellers elsewhere, as the ledger has it."""
        ours = {trade.agreement_id for trade in hour.trades}
        for resident in self._residents:
            for purchase in resident.buyer.purchases:
                if purchase.agreement_id in ours or not await self._is_written(purchase):
                    continue
                agreement = purchase.signed.agreement
                self.note_agreement(agreement)
                hour.trades.append(
                    TradeRecord(
                        agreement_id=purchase.agreement_id,
                        window=agreement.window,
                        offer_id=agreement.offer_id,
                        seller=self._directory.names.get(agreement.seller, agreement.seller),
                        buyer=resident.name,
                        energy_wh=agreement.energy_wh,
                        price=agreement.price,
                        seller_strategy="",
                        buyer_strategy=resident.buyer.policy.strategy,
                    )
                )

    async def _is_written(self, purchase: Purchase) -> bool:
        state = await self._ledger.agreement_state(purchase.agreement_id)
        return state is not AgreementState.NONE

    def _note_storage_trade(self, agreement: Agreement) -> None:
        if self._storage is None:
            return
        account = self._storage.member.account
        sign = (agreement.buyer == account) - (agreement.seller == account)
        if sign:
            energy = sign * agreement.energy_wh
            self._storage.storage_meter.expect(agreement.window, energy)
            self._storage.state_of_charge.note_agreed(agreement.window, energy)

    def _settlement_report(
        self, settlement: Settlement, errors: Sequence[ForecastError]
    ) -> SettlementReport:
        self._note(settlement.receipts)
        for error in settlement.refused:
            self._refused.append(RefusedWrite(settlement.window, "settlement", OPERATOR, error))
        if self._storage:
            self._storage.state_of_charge.note_settled(settlement.events)
        window = settlement.window
        batches = [
            resident.meter.batch(window) for resident in self._residents if window <= self._metered
        ]
        return SettlementReport(
            window=window,
            settlement=settlement,
            grid=self._operator.external_market.exchange(window, settlement.events, batches),
            readings=len(batches),
            forecast_errors=tuple(errors),
        )

    def _note(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        for receipt in receipts:
            self._observer.receipt(receipt)
        return list(receipts)

    async def _note_all(self, receipts: AsyncIterator[Receipt]) -> list[Receipt]:
        return [self._note([receipt])[0] async for receipt in receipts]

    def _note_refusal(
        self, step: str, window: int, who: str, planned: int, error: ContractRevertedError
    ) -> None:
        if error.error in PHASE_ERRORS:
            now = self._clock.now()
            self._misses.append(DeadlineMiss(window, step, who, planned, now, error.error))
        else:
            self._refused.append(RefusedWrite(window, step, who, str(error)))

    def _check_time(self, step: str, window: int, who: str, planned: int) -> None:
        now = max(self._clock.now(), self._ledger.now())
        if now > planned:
            self._misses.append(DeadlineMiss(window, step, who, planned, now))

    def _say(self, step: str) -> None:
        window = self._hour.window if self._hour else self._metered + 1
        self._observer.progress(Progress(window, step, self._clock.now()))

    # Helpers

    @property
    def _residents(self) -> list[Resident]:
        return [*self._households, *([self._storage] if self._storage else [])]

    def _in_turn(self, window: int) -> list[Resident]:
        """All residents, each window another household first; the battery last."""
        first = window % len(self._households)
        turned = [*self._households[first:], *self._households[:first]]
        return [*turned, *([self._storage] if self._storage else [])]

    def _plan(self, household: Household, window: int) -> Plan:
        """Forecasts the hours until the end of the window, and runs the battery through them."""
        hours = [hour for hour in (window, window - 1) if hour >= self._scenario.first_window]
        forecasts = [household.forecaster.forecast(hour) for hour in hours]
        return plan(
            window,
            forecasts[::-1],
            household.battery.battery if household.battery else None,
            household.battery.stored_wh if household.battery else 0,
            self._profiles.step_seconds,
        )

    def _note_former_data(self, household: Household, window: int) -> None:
        """What the household's meter saw before the market began."""
        known = min(window - 1, self._scenario.first_window)
        if self._former_data.get(household.name, 0) < known:
            self._former_data[household.name] = known
            series = self._profiles.history_of(household.name, known, HISTORY_WINDOWS)
            household.reader.note_history(series, known)

    def _look_for(self, want: _Want) -> None:
        for resident in self._residents:
            if resident.name == want.household:
                resident.buyer.look_for(want.energy_wh, want.limit_price)

    async def _pass_time(self, moment: int) -> None:
        """Advances all clocks to a moment, or leaves them where they are if it has passed."""
        while True:
            due = self._post.next_due()
            stop = moment if due is None else min(moment, math.ceil(due))
            await self._clock.advance_to(stop)
            self._time.set_time(max(self._time.time, self._clock.now()))
            await self._post.deliver()
            if self._clock.now() >= moment and not self._is_due():
                return

    def _is_due(self) -> bool:
        due = self._post.next_due()
        return due is not None and due <= self._time.time

    def _first_open_window(self) -> int:
        return max(window_at(self._clock.now()) + 1, self._scenario.first_window)

    def _restore(self) -> None:
        """Takes up where a former process stopped, from the stored batches and the book."""
        for household in self._households:
            batches = list(self._batches.batches(household.name))
            household.reader.note(batches)
            if batches and household.battery:
                household.battery.restore(batches[-1].steps[-1].stored_wh)
        metered = self._batches.windows(self._households[0].name)
        if metered:
            self._metered = max(metered[-1] - GRACE_WINDOWS, self._metered)
        for window in self._operator.microgrid.book.windows():
            self._unsettled.setdefault(window)
            for agreement in self._operator.microgrid.book.open_agreements(window):
                if window > self._metered:
                    self._note_storage_trade(agreement)
        if self._storage:
            stored = list(self._batches.batches(self._storage.name))
            if stored:
                self._storage.battery.restore(stored[-1].steps[-1].stored_wh)
