"""What a run leaves behind: `summary.json`, `windows.csv`, `trades.csv`, `report.html`.

With an auction also `orders.csv`, and in the report the counterparts of figures 8 and 9 of Huang et
al. 2022: what was traded beside what was wanted, and the prices.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jinja2
import matplotlib as mpl
from matplotlib.figure import Figure

from app.agents.auction.trader import PlacedOrder
from app.ledger.types import Address, Terms
from app.market.units import MONEY_UNIT, WH_PER_KWH
from app.market.windows import window_start
from app.scenario.record import OrderTotals, RunRecord, Trade, WindowTotals

Summary = Mapping[str, object]

WINDOW_COLUMNS = (
    "window",
    "start",
    "offers",
    "offered_wh",
    "agreements",
    "agreed_wh",
    "settled",
    "traded_wh",
    "grid_import_wh",
    "grid_export_wh",
    "mean_price",
    "grid_floor",
    "grid_ceiling",
    "penalties",
    "bids",
    "bid_wh",
    "mean_bid",
    "asks",
    "ask_wh",
    "mean_ask",
    "fills",
    "filled_wh",
    "mean_fill",
)
ORDER_COLUMNS = (
    "order_id",
    "window",
    "start",
    "owner",
    "side",
    "energy_wh",
    "limit_price",
    "strategy",
    "reason",
)
TRADE_COLUMNS = (
    "window",
    "start",
    "seller",
    "buyer",
    "energy_wh",
    "delivered_wh",
    "price",
    "paid",
    "compensation",
    "penalty",
    "settled",
    "agreement_id",
)

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("app.scenario", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)
_LOCAL, _IMPORT, _EXPORT, _PRICE, _GRID = "#2f8f5b", "#b9573a", "#d9a441", "#1f5f8b", "#8a8f98"


@dataclass(frozen=True, slots=True)
class RunReport:
    """All that the files of a run are made from. `names` tell the households' addresses apart."""

    summary: Summary
    record: RunRecord
    terms: Mapping[int, Terms]
    names: Mapping[Address, str]
    orders: Sequence[PlacedOrder] = ()
    notes: Sequence[str] = ()


def write_report(report: RunReport, folder: Path) -> None:
    """Write the files into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = json.dumps(report.summary, indent=2) + "\n"
    (folder / "summary.json").write_text(summary, encoding="utf-8")
    windows = [_window_row(totals, report.terms) for totals in _windows(report)]
    (folder / "windows.csv").write_text(csv_text(WINDOW_COLUMNS, windows), encoding="utf-8")
    trades = [_trade_row(trade, report.names) for trade in _trades(report)]
    (folder / "trades.csv").write_text(csv_text(TRADE_COLUMNS, trades), encoding="utf-8")
    if report.orders:
        orders = map(_order_row, report.orders)
        (folder / "orders.csv").write_text(csv_text(ORDER_COLUMNS, orders), encoding="utf-8")
    (folder / "report.html").write_text(_html(report), encoding="utf-8")


def _windows(report: RunReport) -> list[WindowTotals]:
    """The windows that were traded; the first may have positions only of what went before."""
    return [report.record.windows[number] for number in sorted(report.terms)]


def _trades(report: RunReport) -> list[Trade]:
    return sorted(
        report.record.trades.values(),
        key=lambda trade: (trade.window, trade.seller, trade.buyer, trade.agreement_id),
    )


def _start(window: int) -> str:
    return datetime.fromtimestamp(window_start(window), UTC).isoformat().replace("+00:00", "Z")


def _window_row(totals: WindowTotals, terms: Mapping[int, Terms]) -> list[object]:
    of_window = terms[totals.window]
    mean_price = totals.mean_price
    return [
        totals.window,
        _start(totals.window),
        totals.offers,
        totals.offered_wh,
        totals.agreements,
        totals.agreed_wh,
        totals.settled,
        totals.traded_wh,
        totals.grid_import_wh,
        totals.grid_export_wh,
        "" if mean_price is None else mean_price,
        of_window.grid_floor,
        of_window.grid_ceiling,
        totals.penalties,
        *_order_cells(totals.bids),
        *_order_cells(totals.asks),
        *_order_cells(totals.fills),
    ]


def _order_cells(totals: OrderTotals) -> list[object]:
    mean_price = totals.mean_price
    return [totals.count, totals.energy_wh, "" if mean_price is None else mean_price]


def _order_row(order: PlacedOrder) -> list[object]:
    return [
        order.order_id,
        order.window,
        _start(order.window),
        order.owner,
        order.side.name.lower(),
        order.energy_wh,
        order.limit_price,
        order.strategy,
        order.reason,
    ]


def _trade_row(trade: Trade, names: Mapping[Address, str]) -> list[object]:
    return [
        trade.window,
        _start(trade.window),
        names.get(trade.seller, trade.seller),
        names.get(trade.buyer, trade.buyer),
        trade.energy_wh,
        trade.delivered_wh,
        trade.price,
        trade.paid,
        trade.compensation,
        trade.penalty,
        str(trade.settled).lower(),
        trade.agreement_id,
    ]


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _html(report: RunReport) -> str:
    windows = _windows(report)
    return TEMPLATES.get_template("report.html.j2").render(
        summary=report.summary,
        windows=[
            dict(zip(WINDOW_COLUMNS, _window_row(w, report.terms), strict=True)) for w in windows
        ],
        prices=_prices(windows, report.terms),
        energy=_energy(windows),
        gas=_gas(report.record),
        notes=report.notes,
        auction=_auction(windows) if any(w.bids.count or w.asks.count for w in windows) else None,
        money=lambda amount: f"{int(amount) / MONEY_UNIT:,.2f}",
        kwh=lambda energy_wh: f"{int(energy_wh) / WH_PER_KWH:,.1f}",
        price=lambda value: f"{int(value) / MONEY_UNIT:.4f}",
    )


def _prices(windows: Sequence[WindowTotals], terms: Mapping[int, Terms]) -> str:
    """Mean price of each window between what the grid pays and what it asks."""
    figure, hours = Figure(figsize=(9, 3.2), layout="constrained"), _hours(windows)
    axes = figure.subplots()
    floors = [terms[w.window].grid_floor / MONEY_UNIT for w in windows]
    ceilings = [terms[w.window].grid_ceiling / MONEY_UNIT for w in windows]
    axes.fill_between(hours, floors, ceilings, step="mid", color=_GRID, alpha=0.12)
    axes.step(hours, ceilings, where="mid", color=_GRID, label="the grid asks")
    axes.step(hours, floors, where="mid", color=_GRID, linestyle="--", label="the grid pays")
    traded = [
        (hour, w.mean_price / MONEY_UNIT)
        for hour, w in zip(hours, windows, strict=True)
        if w.mean_price is not None
    ]
    axes.plot(
        *zip(*traded, strict=True) if traded else ((), ()), "o-", color=_PRICE, label="neighbours"
    )
    axes.set(ylabel="per kWh", ylim=(0, None))
    return _finish(figure, windows)


def _energy(windows: Sequence[WindowTotals]) -> str:
    """Energy of each window: traded locally, bought from the grid, sold to it."""
    figure, hours = Figure(figsize=(9, 3.2), layout="constrained"), _hours(windows)
    axes = figure.subplots()
    local = [w.traded_wh / WH_PER_KWH for w in windows]
    bought = [w.grid_import_wh / WH_PER_KWH for w in windows]
    sold = [-w.grid_export_wh / WH_PER_KWH for w in windows]
    axes.bar(hours, local, color=_LOCAL, label="between neighbours")
    axes.bar(hours, bought, bottom=local, color=_IMPORT, label="from the grid")
    axes.bar(hours, sold, color=_EXPORT, label="to the grid")
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set(ylabel="kWh")
    return _finish(figure, windows)


def _auction(windows: Sequence[WindowTotals]) -> dict[str, str]:
    return {"traded": _traded_and_wanted(windows), "prices": _auction_prices(windows)}


def _traded_and_wanted(windows: Sequence[WindowTotals]) -> str:
    """What the auction traded, between what was wanted and what was on sale (figure 8)."""
    figure, hours = Figure(figsize=(9, 3.2), layout="constrained"), _hours(windows)
    axes = figure.subplots()
    wanted = [w.bids.energy_wh / WH_PER_KWH for w in windows]
    offered = [w.asks.energy_wh / WH_PER_KWH for w in windows]
    traded = [w.fills.energy_wh / WH_PER_KWH for w in windows]
    axes.bar(hours, traded, color=_LOCAL, label="traded")
    axes.step(hours, wanted, where="mid", color=_IMPORT, label="demand: new bids")
    axes.step(hours, offered, where="mid", color=_GRID, linestyle="--", label="supply: new asks")
    axes.set(ylabel="kWh", ylim=(0, None))
    return _finish(figure, windows)


def _auction_prices(windows: Sequence[WindowTotals]) -> str:
    """The mean price of all trades of a round, between what was asked and bid (figure 9)."""
    figure, hours = Figure(figsize=(9, 3.2), layout="constrained"), _hours(windows)
    axes = figure.subplots()
    for style, color, label, prices in (
        ("o-", _PRICE, "mean price of trades", [w.fills.mean_price for w in windows]),
        ("--", _IMPORT, "mean bid", [w.bids.mean_price for w in windows]),
        ("--", _LOCAL, "mean ask", [w.asks.mean_price for w in windows]),
    ):
        known = [
            (hour, price / MONEY_UNIT)
            for hour, price in zip(hours, prices, strict=True)
            if price is not None
        ]
        points = zip(*known, strict=True) if known else ((), ())
        axes.plot(*points, style, color=color, markersize=4, label=label)
    axes.set(ylabel="per kWh")
    return _finish(figure, windows)


def _gas(record: RunRecord) -> str:
    """Gas that each function has taken in all; empty on a ledger that takes none."""
    rows = [(name, gas) for name, gas in record.gas_by_function.most_common() if gas > 0]
    if not rows:
        return ""
    names, gas = zip(*reversed(rows), strict=True)
    figure = Figure(figsize=(9, 0.5 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, [amount / 1e6 for amount in gas], color=_PRICE)
    axes.set(xlabel="million gas")
    axes.spines[["top", "right"]].set_visible(False)
    return svg(figure)


def _hours(windows: Sequence[WindowTotals]) -> list[int]:
    return [w.window - windows[0].window for w in windows]


def _finish(figure: Figure, windows: Sequence[WindowTotals]) -> str:
    """Label the hours, at most a dozen of them, and draw."""
    axes = figure.axes[0]
    every = max(1, -(-len(windows) // 12))
    axes.set_xticks(
        range(0, len(windows), every),
        [_start(w.window)[11:16] for w in windows[::every]],
    )
    axes.set(xlabel="delivery hour (UTC)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, 1.16))
    return svg(figure)


def svg(figure: Figure) -> str:
    """A figure as SVG that is the same for the same run."""
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "peerwatt", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    drawing = text.getvalue()
    return drawing[drawing.index("<svg") :]
