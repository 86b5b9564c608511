"""Runs a scenario from its first window to its last, as fast as the ledger can."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.agents.auction.trader import PlacedOrder
from app.agents.reports import SettlementReport, WindowReport
from app.agents.street import Street
from app.ledger.types import MeterKind, Terms
from app.scenario.private_report import household_summary, note_households, outsider_summary
from app.scenario.profiles import Profiles
from app.scenario.record import RunRecord
from app.scenario.scenario import Scenario, Venue

WindowListener = Callable[[WindowReport], None]


@dataclass(slots=True)
class Run:
    """A run under way: what the street says of it, hour by hour.

    `record` hears of the receipts elsewhere (from the ledger, or from the street's observer).
    """

    scenario: Scenario
    profiles: Profiles
    record: RunRecord
    terms: dict[int, Terms] = field(default_factory=dict)
    orders: list[PlacedOrder] = field(default_factory=list)
    deadline_misses: int = 0
    refused: int = 0
    messages: int = 0
    feeder_import_wh: int = 0
    feeder_export_wh: int = 0

    async def complete(self, street: Street, on_window: WindowListener) -> None:
        """Lives through all windows of the scenario and settles them."""
        await street.enrol()
        first = street.next_window()
        last = first + self.scenario.windows - 1
        for window in range(first, last + 1):
            report = await street.run_window(window)
            self._count(report)
            on_window(report)
        self._count_settled(await street.finish(last))
        misses, refused = street.take_faults()
        self.deadline_misses += len(misses)
        self.refused += len(refused)
        note_households(self.record, self.terms, street.private_books())

    def summary(self, street: Street, *, wall_seconds: float) -> dict[str, object]:
        """The fields of `summary.json`: energy in Wh, money in 1e-6, prices in money per kWh."""
        record = self.record
        windows = [record.window(window) for window in self.terms]
        traded_wh = sum(totals.traded_wh for totals in windows)
        value = sum(totals.traded_value for totals in windows)
        load_wh = self._load_wh()
        import_wh = sum(totals.grid_import_wh for totals in windows)
        score = street.forecast_score()
        homes = {
            member.account
            for member in street.directory.members
            if member.kind is MeterKind.HOUSEHOLD
        }
        bill, bill_alone = record.bill(self.terms), record.bill_alone(self.terms, homes)
        return {
            "scenario": self.scenario.name,
            "seed": self.scenario.seed,
            "venue": self.scenario.venue.value,
            "pricing_rule": self._pricing_rule(),
            "ledger": self.scenario.ledger.value,
            "windows": len(self.terms),
            "participants": len(street.directory.members),
            "offers": sum(totals.offers for totals in windows),
            "orders": sum(totals.bids.count + totals.asks.count for totals in windows),
            "auction_wh": sum(totals.fills.energy_wh for totals in windows),
            "agreements": sum(totals.agreements for totals in windows),
            "settled": sum(totals.settled for totals in windows),
            "energy_traded_wh": traded_wh,
            "load_wh": load_wh,
            "grid_import_wh": import_wh,
            "grid_export_wh": sum(totals.grid_export_wh for totals in windows),
            "feeder_import_wh": self.feeder_import_wh,
            "feeder_export_wh": self.feeder_export_wh,
            "self_sufficiency": round(1 - import_wh / load_wh, 4) if load_wh else None,
            "buyers_saving_vs_grid": record.buyers_saving(self.terms),
            "sellers_gain_vs_grid": record.sellers_gain(self.terms),
            "bill": bill,
            "bill_alone": bill_alone,
            "welfare": bill_alone - bill,
            "penalties": sum(totals.penalties for totals in windows),
            "debts": record.debts,
            "mean_price": round(value / traded_wh) if traded_wh else None,
            "messages": self.messages,
            "refused_writes": self.refused,
            "deadline_misses": self.deadline_misses,
            "forecast_mae_wh": round(score.net_wh, 1) if score else None,
            "persistence_mae_wh": round(score.persistence_net_wh, 1) if score else None,
            "transactions": record.transactions,
            "gas_total": sum(record.gas_by_function.values()),
            "gas_by_function": dict(record.gas_by_function.most_common()),
            "calls_by_function": dict(record.calls_by_function.most_common()),
            "wall_seconds": round(wall_seconds, 2),
            **self._privacy(street),
        }

    def _privacy(self, street: Street) -> dict[str, object]:
        """The part of a private run: what anybody can see, and what each household sees."""
        if not self.scenario.privacy:
            return {}
        households = {
            books.view.name: household_summary(books, self.terms)
            for books in street.private_books()
        }
        return {"privacy": {"outsider": outsider_summary(self.record), "households": households}}

    def _pricing_rule(self) -> str | None:
        if self.scenario.venue is Venue.NEGOTIATION:
            return None
        return self.scenario.pricing_rule.name.lower()

    def _count(self, report: WindowReport) -> None:
        self.terms[report.window] = report.terms
        self.deadline_misses += len(report.misses)
        self.refused += len(report.refused)
        self.messages += report.messages
        self.orders += report.orders
        self._count_settled(report.settled)

    def _count_settled(self, reports: Iterable[SettlementReport]) -> None:
        for report in reports:
            self.feeder_import_wh += report.grid.feeder_import_wh
            self.feeder_export_wh += report.grid.feeder_export_wh

    def _load_wh(self) -> int:
        return sum(
            int(self.profiles.steps_of(participant.household, window).load_wh.sum())
            for participant in self.scenario.participants
            for window in self.terms
        )
