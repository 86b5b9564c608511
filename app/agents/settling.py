"""What a street does with a window that is over: read meters, learn, settle."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from app.agents.analytics.forecaster import ForecastError
from app.agents.analytics.history import KEPT_WINDOWS
from app.agents.devices.batches import BatchStore, MeterBatch, read_batch
from app.agents.devices.battery import BatteryStateRole
from app.agents.diary import Diary
from app.agents.operator.feeder import FeederLog
from app.agents.operator.microgrid import Settlement
from app.agents.reports import SettlementReport
from app.agents.residents import OPERATOR, Population
from app.agents.writing import Written
from app.ledger.types import Agreement, SignedReading
from app.market.windows import GRACE_WINDOWS


class Office(Protocol):
    """Where readings go, and where windows are settled."""

    async def record(self, signed: Sequence[SignedReading]) -> Written[SignedReading]:
        """Takes what meters have signed."""
        ...

    async def settle(self, window: int, now: int) -> Settlement:
        """Settles of a window what can be settled."""
        ...


class Settling:
    """Reads meters window by window, and keeps at it until every window is settled."""

    def __init__(
        self,
        population: Population,
        batches: BatchStore,
        diary: Diary,
        feeder: FeederLog,
        first_window: int,
        office: Office | None = None,
    ) -> None:
        """`office` takes readings and settles; by default the microgrid operator does."""
        self._population = population
        self._residents = {resident.member.account: resident for resident in population.all}
        self._batches = batches
        self._diary = diary
        self._feeder = feeder
        self._office = office or population.operator.microgrid
        self._metered = first_window - 1
        self._unsettled: dict[int, None] = {}
        self._errors: list[ForecastError] = []
        self._read: dict[int, list[MeterBatch]] = {}

    @property
    def forecast_errors(self) -> Sequence[ForecastError]:
        """All errors since the start."""
        return self._errors

    @property
    def metered(self) -> int:
        """The last window whose meters were read."""
        return self._metered

    @property
    def latest_unsettled(self) -> int | None:
        """The last window that something is left to settle of."""
        return max(self._unsettled, default=None)

    @property
    def unsettled(self) -> tuple[int, ...]:
        """The windows that something is left to settle of, and that are metered."""
        return tuple(window for window in sorted(self._unsettled) if window <= self._metered)

    def note_agreement(self, agreement: Agreement) -> None:
        """An agreement is on the ledger; it is settled when its window is over."""
        if self._population.operator.microgrid.book.add([agreement]):
            self._note_trade(agreement)
            self._unsettled.setdefault(agreement.window)

    async def read_meters(self, until: int, limit: int) -> None:
        """Reads all meters up to a window that is over and submits what they sign, by `limit`."""
        signed = []
        for window in range(self._metered + 1, until + 1):
            self._unsettled.setdefault(window)
            batches = []
            for resident in self._population.all:
                batch = resident.meter.batch(window)
                batches.append(batch)
                signed.append(resident.meter.sign(batch))
            self._learn(batches)
            self._feeder.note(window, batches)
            self._read[window] = batches
            self._metered = window
        result = await self._office.record(signed)
        self._diary.note(result.receipts)
        names = {resident.member.meter: resident.name for resident in self._population.all}
        for refused, error in result.dropped:
            reading = refused.reading
            self._diary.refuse("readings", reading.window, names[reading.meter], limit, error)
        self._diary.check_time("readings", until, limit)

    async def settle(self, until: int, now: int, limit: int) -> list[SettlementReport]:
        """Settles what can be settled of all windows up to one, by `limit`."""
        reports = []
        for window in sorted(self._unsettled):
            if window > until:
                continue
            settlement = await self._office.settle(window, now)
            reports.append(self._report(settlement))
            if settlement.is_complete:
                del self._unsettled[window]
        self._diary.check_time("settlement", until, limit)
        return reports

    def restore(self) -> None:
        """Takes up where a former process stopped, from the stored batches and the book."""
        last = [
            self._restore_household(household.name) for household in self._population.households
        ]
        storage = self._population.storage
        if storage:
            self._restore_battery(storage.battery, self._recent(storage.name))
        if last[0] is not None:
            self._metered = max(last[0] - GRACE_WINDOWS, self._metered)
        book = self._population.operator.microgrid.book
        for window in book.windows():
            self._unsettled.setdefault(window)
            for agreement in book.open_agreements(window):
                if window > (last[0] or 0):
                    self._note_trade(agreement)

    def resume(self, windows: Iterable[int]) -> None:
        """Windows of which somebody else knows that something is left to settle."""
        for window in windows:
            self._unsettled.setdefault(window)

    def _restore_household(self, name: str) -> int | None:
        """Gives a household its data back; returns the last window of it."""
        household = self._population.household(name)
        batches = self._recent(name)
        for batch in batches:
            household.reader.note(batch.window, household.energy_of(batch))
            household.load.restore(batch.window, batch.load_wh)
        if household.battery:
            self._restore_battery(household.battery, batches)
        return batches[-1].window if batches else None

    def _restore_battery(self, battery: BatteryStateRole, batches: Sequence[MeterBatch]) -> None:
        if batches:
            battery.restore(batches[-1].steps[-1].stored_wh)

    def _recent(self, name: str) -> list[MeterBatch]:
        windows = self._batches.windows(name)[-KEPT_WINDOWS:]
        return [read_batch(self._batches.content(name, window)) for window in windows]

    def _learn(self, batches: Sequence[MeterBatch]) -> None:
        """Gives each household its new data, and asks how far off its forecast was."""
        by_name = {batch.household: batch for batch in batches}
        homes = [by_name[household.name] for household in self._population.households]
        for household, batch in zip(self._population.households, homes, strict=True):
            metered = household.energy_of(batch)
            household.reader.note(batch.window, metered)
            error = household.forecaster.compare(batch.window, metered)
            if error is not None:
                self._errors.append(error)
        self._population.operator.external_market.note(homes)

    def _note_trade(self, agreement: Agreement) -> None:
        """Lets devices know that act on what was bought or sold."""
        window, energy_wh = agreement.window, agreement.energy_wh
        buyer = self._residents.get(agreement.buyer)
        seller = self._residents.get(agreement.seller)
        if buyer is not None:
            buyer.meter.expect(window, bought_wh=energy_wh)
        if seller is not None:
            seller.meter.expect(window, sold_wh=energy_wh)
        storage = self._population.storage
        if storage is not None:
            sign = (buyer is storage) - (seller is storage)
            if sign:
                storage.state_of_charge.note_agreed(window, sign * energy_wh)

    def _batches_of(self, window: int) -> list[MeterBatch]:
        """All meters' data of a window; from the store if a former process has read them."""
        if window in self._read:
            return self._read[window]
        contents = [self._batches.find(each.name, window) for each in self._population.all]
        return [read_batch(content) for content in contents if content is not None]

    def _report(self, settlement: Settlement) -> SettlementReport:
        window = settlement.window
        self._diary.note(settlement.receipts)
        for error in settlement.refused:
            self._diary.refuse("settlement", window, OPERATOR, 0, error)
        if self._population.storage:
            self._population.storage.state_of_charge.note_settled(settlement.events)
        batches = self._batches_of(window)
        if settlement.is_complete:
            self._read.pop(window, None)
        external_market = self._population.operator.external_market
        return SettlementReport(
            window=window,
            settlement=settlement,
            grid=external_market.exchange(window, settlement.events, batches),
            readings=len(batches),
            forecast_errors=tuple(error for error in self._errors if error.window == window),
        )
