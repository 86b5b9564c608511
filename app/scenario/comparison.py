"""Compares venues and pricing rules on one scenario: the same day and seed, once for each variant.

`comparison.csv` and `comparison.json` have the figures, `report.html` one table and one figure.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.market.clearing import PricingRule
from app.market.units import MONEY_UNIT, WH_PER_KWH
from app.scenario.report import TEMPLATES, Summary, csv_text, svg
from app.scenario.scenario import Scenario, Venue

COLUMNS = (
    "variant",
    "agreements",
    "energy_traded_wh",
    "welfare",
    "buyers_saving_vs_grid",
    "sellers_gain_vs_grid",
    "penalties",
    "self_sufficiency",
    "mean_price",
    "grid_import_wh",
    "grid_export_wh",
    "messages",
    "transactions",
    "gas_total",
    "deadline_misses",
    "wall_seconds",
)
_COLOURS = {Venue.NEGOTIATION: "#1f5f8b", Venue.AUCTION: "#2f8f5b", Venue.BOTH: "#d9a441"}


@dataclass(frozen=True, slots=True)
class Variant:
    """A venue, with the auction's pricing rule where it has one."""

    venue: Venue
    rule: PricingRule = PricingRule.MIDPOINT

    @property
    def name(self) -> str:
        """Names a folder, too."""
        if self.venue is Venue.NEGOTIATION:
            return self.venue.value
        return f"{self.venue.value}-{self.rule.name.lower().replace('_', '-')}"

    def of(self, scenario: Scenario) -> Scenario:
        """A scenario as this variant; all else stays."""
        return replace(scenario, venue=self.venue, pricing_rule=self.rule)


VARIANTS = (
    Variant(Venue.NEGOTIATION),
    *(Variant(Venue.AUCTION, rule) for rule in PricingRule),
    Variant(Venue.BOTH),
)


def write_comparison(summaries: Mapping[Variant, Summary], folder: Path) -> None:
    """Write the three files into `folder`; each summary is one of `app.scenario.run`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [_row(variant, summary) for variant, summary in summaries.items()]
    by_name = {variant.name: summary for variant, summary in summaries.items()}
    (folder / "comparison.json").write_text(json.dumps(by_name, indent=2) + "\n", encoding="utf-8")
    text = csv_text(COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
    (folder / "comparison.csv").write_text(text, encoding="utf-8")
    html = TEMPLATES.get_template("comparison.html.j2").render(
        summary=next(iter(summaries.values())),
        rows=rows,
        figure=_figure(summaries),
        money=lambda amount: f"{int(amount) / MONEY_UNIT:,.2f}",
        kwh=lambda energy_wh: f"{int(energy_wh) / WH_PER_KWH:,.1f}",
        price=lambda value: "none" if value is None else f"{int(value) / MONEY_UNIT:.4f}",
        share=lambda value: "none used" if value is None else f"{value:.1%}",
    )
    (folder / "report.html").write_text(html, encoding="utf-8")


def _row(variant: Variant, summary: Summary) -> dict[str, object]:
    return {name: summary[name] for name in COLUMNS[1:]} | {"variant": variant.name}


def _figure(summaries: Mapping[Variant, Summary]) -> str:
    """Bars for each variant: welfare, self-sufficiency, mean price, and gas where there is any."""
    panels: list[tuple[str, list[float]]] = [
        ("welfare", _values(summaries, "welfare", MONEY_UNIT)),
        ("self-sufficiency, %", _values(summaries, "self_sufficiency", 0.01)),
        ("mean price per kWh", _values(summaries, "mean_price", MONEY_UNIT)),
        ("million gas", _values(summaries, "gas_total", 10**6)),
    ]
    shown = [panel for panel in panels if any(panel[1])]
    figure = Figure(figsize=(9, 0.9 + 0.35 * len(summaries)), layout="constrained")
    all_axes = figure.subplots(1, max(len(shown), 1), sharey=True, squeeze=False)[0]
    for axes, (title, values) in zip(all_axes, shown, strict=False):
        _bars(axes, title, values, list(summaries))
    return svg(figure)


def _bars(axes: Axes, title: str, values: Sequence[float], variants: Sequence[Variant]) -> None:
    names = [variant.name for variant in variants]
    bars = axes.barh(names, values, color=[_COLOURS[variant.venue] for variant in variants])
    axes.bar_label(bars, fmt="%.3g", padding=3, fontsize=8)
    axes.set_title(title, fontsize=9)
    axes.margins(x=0.25)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _values(summaries: Mapping[Variant, Summary], name: str, unit: float) -> list[float]:
    found = (summary[name] for summary in summaries.values())
    return [float(str(value)) / unit if value is not None else 0.0 for value in found]
