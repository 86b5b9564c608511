"""`peerwatt`: run a market, let a scenario trade through its windows, look at what is there."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import structlog
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.agents.devices.batches import BatchStore, anchored_reading, check_batch
from app.agents.governance.detection import (
    Suspicion,
    installations_of,
    ranked,
    suspect_batches,
    suspect_streets,
)
from app.agents.governance.sun import GERMANY, Sun
from app.agents.operator.feeder import FILE_NAME as FEEDER_FILE
from app.agents.operator.feeder import FeederLog
from app.agents.reports import WindowReport
from app.agents.street import Street
from app.api.about import about_street
from app.api.app import create_app
from app.config import Settings
from app.errors import InputError, NotFoundError, PeerwattError, ScenarioError
from app.index.database import database_url
from app.ledger.anchors import recorded_reading
from app.ledger.types import Reading
from app.market.units import MONEY_UNIT, WH_PER_KWH
from app.market.windows import window_start
from app.scenario.comparison import VARIANTS, Variant, write_comparison
from app.scenario.record import RunRecord
from app.scenario.report import RunReport, write_report
from app.scenario.run import Run
from app.scenario.scenario import (
    LedgerChoice,
    Scenario,
    load_profiles,
    load_scenario,
    with_overrides,
)
from app.system import (
    ChainOptions,
    MessageWriter,
    development_directory,
    fill_purses,
    listen,
    open_chain,
    open_index,
    open_model_street,
    open_street,
    serve,
    services_of,
)

INTERRUPTED = 130

T = TypeVar("T")

log = structlog.get_logger()
console = Console()
errors = Console(stderr=True)
cli = typer.Typer(
    help="A peer-to-peer energy market that a neighbourhood can run itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


class NodeChoice(StrEnum):
    """Kinds of nodes that can be started."""

    GANACHE = "ganache"
    ANVIL = "anvil"


ScenarioArgument = Annotated[
    Path | None, typer.Argument(help="Scenario file; examples/street.yaml if none is given.")
]
WindowsOption = Annotated[
    int | None, typer.Option("--windows", min=1, help="Delivery hours to trade.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0)]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the figures here, too.")]
LedgerOption = Annotated[
    LedgerChoice | None,
    typer.Option("--ledger", help="The contracts, or their model (no gas), if not the scenario's."),
]
NodeOption = Annotated[
    NodeChoice | None, typer.Option("--node", help="Node to start (PEERWATT_NODE).")
]
RpcOption = Annotated[
    str | None, typer.Option("--rpc", help="A node that runs already (PEERWATT_RPC).")
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Keep chain and agents here, and go on the next time."),
]
HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen at.")]
PortOption = Annotated[int | None, typer.Option("--port", min=1, max=65_535)]


@cli.command()
def up(
    scenario: ScenarioArgument = None,
    speed: Annotated[
        float | None,
        typer.Option("--speed", min=0.001, help="Market seconds in a real second; 360 at first."),
    ] = None,
    node: NodeOption = None,
    rpc: RpcOption = None,
    data_dir: DataOption = None,
    host: HostOption = None,
    port: PortOption = None,
) -> None:
    """Let a street trade hour after hour, with gateway and page, until Ctrl-C."""
    settings = _settings(
        scenario=scenario,
        speed=speed,
        node=node and node.value,
        rpc=rpc,
        data_dir=data_dir,
        host=host,
        port=port,
    )
    _run(_up(settings))


@cli.command()
def run(
    scenario: ScenarioArgument = None,
    windows: WindowsOption = None,
    seed: SeedOption = None,
    ledger: LedgerOption = None,
    json_file: JsonOption = None,
    node: NodeOption = None,
    rpc: RpcOption = None,
    data_dir: DataOption = None,
) -> None:
    """Let a scenario trade as fast as it can, and report."""
    settings = _settings(scenario=scenario, node=node and node.value, rpc=rpc, data_dir=data_dir)
    chosen = with_overrides(
        load_scenario(settings.scenario), windows=windows, seed=seed, ledger=ledger
    )
    summary = _run(_headless(settings, chosen, time.monotonic()))
    if summary is None:
        raise typer.Exit(INTERRUPTED)
    if json_file is not None:
        json_file.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


@cli.command()
def compare(
    scenario: ScenarioArgument = None,
    windows: WindowsOption = None,
    seed: SeedOption = None,
    ledger: LedgerOption = None,
    json_file: JsonOption = None,
    node: NodeOption = None,
) -> None:
    """Compare negotiation, auction and both, with each pricing rule, on the same day and seed."""
    settings = _settings(scenario=scenario, node=node and node.value)
    chosen = with_overrides(
        load_scenario(settings.scenario), windows=windows, seed=seed, ledger=ledger
    )
    if chosen.privacy:
        hint = "only the negotiation can be private"
        raise ScenarioError("privacy", "must be off to compare venues", "on", hint=hint)
    summaries = _run(_compare(settings, chosen))
    if summaries is None:
        raise typer.Exit(INTERRUPTED)
    if json_file is not None:
        by_name = {variant.name: summary for variant, summary in summaries.items()}
        json_file.write_text(json.dumps(by_name, indent=2) + "\n", encoding="utf-8")


@cli.command()
def deploy(
    node: NodeOption = None,
    rpc: RpcOption = None,
    data_dir: DataOption = None,
) -> None:
    """Deploy the contracts to a development node, and print where they are."""
    settings = _settings(node=node and node.value, rpc=rpc, data_dir=data_dir)
    if settings.rpc is None and settings.data_dir is None:
        raise InputError(
            "--rpc", "is required, or --data-dir", None, hint="a chain has to outlive this command"
        )
    _run(_deploy(settings))


@cli.command("serve")
def serve_gateway(
    rpc: RpcOption = None,
    host: HostOption = None,
    port: PortOption = None,
    data_dir: DataOption = None,
) -> None:
    """Serve the gateway and the page over a chain, without agents, until Ctrl-C."""
    settings = _settings(rpc=rpc, host=host, port=port, data_dir=data_dir)
    _run(_serve(settings))


@cli.command("verify-batch")
def verify_batch(
    household: Annotated[str, typer.Argument(help="Household, as in the scenario.")],
    window: Annotated[int, typer.Argument(help="Delivery window.", min=0)],
    data_dir: Annotated[Path, typer.Option("--data-dir", help="Data folder of the market.")],
    scenario: Annotated[Path | None, typer.Option("--scenario", help="Its scenario file.")] = None,
    rpc: RpcOption = None,
) -> None:
    """Prove a meter's stored raw data against what its reading has anchored on the chain."""
    settings = _settings(scenario=scenario, rpc=rpc, data_dir=data_dir)
    content = BatchStore(data_dir / "street" / "batches").content(household, window)
    reading = _run(_anchored(settings, household, window))
    if reading is None:
        raise typer.Exit(INTERRUPTED)
    proof = check_batch(content, reading)
    for fault in proof.faults:
        console.print(fault, markup=False, highlight=False, soft_wrap=True)
    if not proof.holds:
        raise typer.Exit(1)
    console.print(f"0x{proof.root.hex()}", highlight=False, soft_wrap=True)
    console.print("is on the chain, and the batch adds up to its reading")


@cli.command("audit")
def audit_batches(
    folder: Annotated[
        Path, typer.Argument(help="Batches of meters, or the data folder of a market or a run.")
    ],
    scenario: Annotated[Path | None, typer.Option("--scenario", help="Its scenario file.")] = None,
    latitude: Annotated[
        float, typer.Option(min=-90, max=90, help="Where the street is, in degrees north.")
    ] = GERMANY.latitude,
    longitude: Annotated[
        float, typer.Option(min=-180, max=180, help="And in degrees east.")
    ] = GERMANY.longitude,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """List what breaks physics in meters' raw data; exit code 1 if anything does."""
    settings = _settings(scenario=scenario)
    installations = installations_of(load_scenario(settings.scenario))
    place = _batches_folder(folder)
    stored = BatchStore(place)
    batches = [batch for each in stored.households() for batch in stored.batches(each)]
    feeder = FeederLog(place.parent / FEEDER_FILE)
    sun = Sun(latitude, longitude)
    found = ranked(
        [
            *suspect_batches(batches, installations, sun),
            *suspect_streets(batches, installations, feeder.find),
        ]
    )
    if as_json:
        print(json.dumps([asdict(each) for each in found], indent=2))  # noqa: T201 - for programs
    else:
        _show_suspicions(found, len(batches))
    if found:
        raise typer.Exit(1)


@cli.command()
def status(
    url: Annotated[str, typer.Option("--url", help="A gateway.")] = "http://127.0.0.1:8000",
) -> None:
    """Say how a running market is."""
    try:
        ready = httpx.get(f"{url}/ready", timeout=5)
        window = httpx.get(f"{url}/api/v1/windows/current", timeout=5)
    except httpx.HTTPError as error:
        raise InputError(
            "--url", "must be a gateway that answers", url, hint="start one: peerwatt up"
        ) from error
    table = Table(show_header=False, box=None)
    for name, value in {**ready.json(), **window.json()}.items():
        table.add_row(name, json.dumps(value) if isinstance(value, dict | list) else str(value))
    console.print(table)
    if ready.is_error:
        raise typer.Exit(1)


def main() -> None:
    """Runs a command; every error on purpose is one line that says what to do next."""
    try:
        cli()
    except PeerwattError as error:
        errors.print(f"[bold red]{error.title}:[/] ", end="")
        errors.print(str(error), markup=False, highlight=False)
        sys.exit(1)


def _settings(**given: Any) -> Settings:
    """The settings, with what the command line gives in front; sets up the log, too."""
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(field, first["msg"], first["input"]) from error
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False),
            # The default one shows all local variables, which takes half a minute for a gateway.
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T | None:
    """Runs to the end, or until Ctrl-C or SIGTERM, which close all that was opened: then None."""

    async def until_told() -> T | None:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            return None

    return asyncio.run(until_told())


async def _up(settings: Settings) -> None:
    scenario = load_scenario(settings.scenario)
    if scenario.ledger is not LedgerChoice.CHAIN:
        hint = "peerwatt run trades on the model"
        raise ScenarioError("ledger", "must be chain, which the page shows", "model", hint=hint)
    async with AsyncExitStack() as stack:
        sock = stack.enter_context(listen(settings.host, settings.port))
        with console.status("starting the chain and deploying the contracts"):
            chain = await stack.enter_async_context(
                open_chain(_options(settings, paced=True, scenario=scenario), scenario.opening)
            )
        url = database_url(settings.database_url, settings.data_dir or chain.folder)
        index = await stack.enter_async_context(open_index(chain, url))
        directory = development_directory(scenario)
        street = await stack.enter_async_context(
            open_street(
                chain,
                scenario,
                MessageWriter(index.journal, directory),
                settings.data_dir and settings.data_dir / "street",
                governed=not scenario.privacy,
            )
        )
        about = about_street(scenario, directory, load_profiles(scenario))
        app = create_app(
            services_of(chain, index, street=street, about=about, speed=settings.speed)
        )
        with console.status("bringing the households to the market"):
            await street.enrol()
            await fill_purses(chain, directory)
        console.print(f"[bold]http://{settings.host}:{settings.port}[/]  (Ctrl-C ends it)")
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(app, sock))
            group.create_task(_trade(street))


async def _trade(street: Street) -> None:
    while True:
        report = await street.run_window(street.next_window())
        console.print(_line(report), highlight=False)
        for sentence in report.council:
            console.print(f"    {sentence}", highlight=False, markup=False, soft_wrap=True)
        for fault in report.refused:
            log.warning("refused", step=fault.step, who=fault.who, error=fault.error)


async def _serve(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        sock = stack.enter_context(listen(settings.host, settings.port))
        if settings.rpc is None and settings.data_dir is None:
            raise InputError("--rpc", "is required, or --data-dir", None)
        chain = await stack.enter_async_context(open_chain(_options(settings), int(time.time())))
        url = database_url(settings.database_url, settings.data_dir or chain.folder)
        index = await stack.enter_async_context(open_index(chain, url))
        console.print(f"[bold]http://{settings.host}:{settings.port}[/]  (Ctrl-C ends it)")
        await serve(create_app(services_of(chain, index)), sock)


async def _deploy(settings: Settings) -> None:
    async with open_chain(_options(settings), int(time.time())) as chain:
        table = Table("contract", "address", box=None)
        for name, address in chain.ledger.deployment.addresses.items():
            table.add_row(name, address)
        console.print(table)


async def _anchored(settings: Settings, household: str, window: int) -> Reading:
    """The reading of a household's meter that the chain has recorded for a window."""
    scenario = load_scenario(settings.scenario)
    owner = development_directory(scenario).member(household).account
    async with open_chain(_options(settings), scenario.opening) as chain:
        event = await recorded_reading(chain.ledger, owner, window)
    if event is None:
        raise NotFoundError(f"the chain has no reading of {household} for window {window}")
    return anchored_reading(event)


def _batches_folder(folder: Path) -> Path:
    """Where a market keeps its batches in or below a folder; raises NotFoundError."""
    for place in (folder / "street" / "batches", folder / "batches", folder):
        if BatchStore(place).households():
            return place
    raise NotFoundError(
        f"no batches in {folder}", hint="peerwatt run --data-dir FOLDER leaves some"
    )


async def _headless(settings: Settings, scenario: Scenario, begun: float) -> Mapping[str, object]:
    report = await _live(settings, scenario, begun)
    folder = _run_folder(settings, scenario.name)
    write_report(report, folder)
    _show(report.summary, folder)
    return report.summary


async def _compare(
    settings: Settings, scenario: Scenario
) -> Mapping[Variant, Mapping[str, object]]:
    folder, summaries = _run_folder(settings, f"{scenario.name}-compared"), {}
    for variant in VARIANTS:
        console.print(f"[bold]{variant.name}[/]")
        report = await _live(settings, variant.of(scenario), time.monotonic())
        write_report(report, folder / variant.name)
        summaries[variant] = report.summary
    write_comparison(summaries, folder)
    _show_comparison(summaries, folder)
    return summaries


async def _live(settings: Settings, scenario: Scenario, begun: float) -> RunReport:
    """Lets a scenario trade from its first window to its last, on a ledger of its own."""
    run_state = Run(scenario, load_profiles(scenario), RunRecord())
    async with AsyncExitStack() as stack:
        if scenario.ledger is LedgerChoice.MODEL:
            street = await stack.enter_async_context(open_model_street(scenario, run_state.record))
        else:
            chain = await stack.enter_async_context(
                open_chain(_options(settings, scenario=scenario), scenario.opening)
            )
            chain.ledger.on_receipt = run_state.record.observe
            folder = settings.data_dir and settings.data_dir / "street"
            street = await stack.enter_async_context(open_street(chain, scenario, folder=folder))
        with _progress(scenario.windows) as step:
            await run_state.complete(street, step)
        seconds = time.monotonic() - begun
        return RunReport(
            summary=run_state.summary(street, wall_seconds=seconds),
            record=run_state.record,
            terms=run_state.terms,
            names=street.directory.names,
            orders=run_state.orders,
            notes=scenario.notes,
        )


def _run_folder(settings: Settings, name: str) -> Path:
    return settings.runs / f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _options(
    settings: Settings, *, paced: bool = False, scenario: Scenario | None = None
) -> ChainOptions:
    is_private = scenario is not None and scenario.privacy
    return ChainOptions(
        node=settings.node,
        rpc=settings.rpc,
        data_dir=settings.data_dir,
        speed=settings.speed if paced else None,
        voting="demo" if paced and not is_private else "quick",
        private=is_private,
    )


@contextmanager
def _progress(windows: int) -> Iterator[Callable[[WindowReport], None]]:
    """A bar on a terminal, a line for each window elsewhere."""
    if not console.is_terminal:
        yield lambda report: console.print(_line(report), highlight=False)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("opening the market", total=windows)

        def step(report: WindowReport) -> None:
            bar.update(task, advance=1, description=_line(report))

        yield step


def _line(report: WindowReport) -> str:
    """One market hour in one line."""
    start = datetime.fromtimestamp(window_start(report.window), UTC)
    energy_wh = sum(trade.energy_wh for trade in report.trades)
    said = f"{len(report.offers):2} offers" if report.offers else f"{len(report.orders):2} orders"
    line = f"{start:%a %H:%M} UTC  {said}  {len(report.trades):3} agreements"
    if energy_wh:
        value = sum(trade.energy_wh * trade.price for trade in report.trades)
        line += f"  {energy_wh / WH_PER_KWH:7.2f} kWh at {value / energy_wh / MONEY_UNIT:.4f}"
    if report.misses:
        line += f"  {len(report.misses)} deadlines missed"
    return line


def _show(summary: Mapping[str, Any], folder: Path) -> None:
    """The summary for people."""

    def kwh(name: str) -> str:
        return f"{summary[name] / WH_PER_KWH:,.1f} kWh"

    def money(name: str) -> str:
        return f"{summary[name] / MONEY_UNIT:,.2f}"

    price = summary["mean_price"]
    share = summary["self_sufficiency"]
    table = Table(show_header=False, box=None, title=f"{summary['scenario']}", title_justify="left")
    rows = {
        "windows": summary["windows"],
        "participants": summary["participants"],
        "offers, orders": f"{summary['offers']}, {summary['orders']}",
        "agreements (settled)": f"{summary['agreements']} ({summary['settled']})",
        "traded between neighbours": kwh("energy_traded_wh"),
        "from the grid": kwh("grid_import_wh"),
        "to the grid": kwh("grid_export_wh"),
        "self-sufficiency": "none used" if share is None else f"{share:.1%}",
        "mean price per kWh": "nothing traded" if price is None else f"{price / MONEY_UNIT:.4f}",
        "buyers saved": money("buyers_saving_vs_grid"),
        "sellers gained": money("sellers_gain_vs_grid"),
        "penalties": money("penalties"),
        "forecast error, persistence": f"{summary['forecast_mae_wh']} Wh, "
        f"{summary['persistence_mae_wh']} Wh",
        "deadlines missed": summary["deadline_misses"],
        "transactions, gas": f"{summary['transactions']:,}, {summary['gas_total']:,}",
        "seconds": summary["wall_seconds"],
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    console.print(table)
    if "privacy" in summary:
        _show_privacy(summary["privacy"])
    console.print(f"{folder / 'report.html'}", highlight=False, markup=False, soft_wrap=True)


def _show_privacy(privacy: Mapping[str, Mapping[str, Any]]) -> None:
    """What anybody can see of a private run, and below it what each household sees."""
    outsider = Table(
        show_header=False, box=None, title="What anybody can see", title_justify="left"
    )
    for name, value in privacy["outsider"].items():
        if not isinstance(value, dict):
            outsider.add_row(name.replace("_", " "), f"{value:,}")
    inside = Table(box=None, title="What each household sees", title_justify="left")
    inside.add_column("household", no_wrap=True)
    for name in ("sold, kWh", "for", "bought, kWh", "for", "not in full", "purse"):
        inside.add_column(name, justify="right")
    for household, seen in privacy["households"].items():
        inside.add_row(
            household,
            f"{seen['sold_wh'] / WH_PER_KWH:,.2f}",
            f"{seen['earned'] / MONEY_UNIT:,.2f}",
            f"{seen['bought_wh'] / WH_PER_KWH:,.2f}",
            f"{seen['paid'] / MONEY_UNIT:,.2f}",
            str(seen["not_in_full"]),
            f"{seen['purse'] / MONEY_UNIT:,.2f}",
        )
    for table in (outsider, inside):
        console.print()
        console.print(table)


def _show_suspicions(found: Sequence[Suspicion], batches: int) -> None:
    """A table of what auditors should look at, the largest first."""
    if not found:
        console.print(f"{batches} batches, nothing suspicious")
        return
    table = Table(box=None)
    for name in ("household", "window", "start", "rule"):
        table.add_column(name, no_wrap=True)
    for name in ("seen, Wh", "bound, Wh"):
        table.add_column(name, justify="right")
    for each in found:
        start = datetime.fromtimestamp(window_start(each.window), UTC)
        table.add_row(
            each.owner,
            str(each.window),
            f"{start:%Y-%m-%d %H:%M} UTC",
            each.rule,
            f"{each.seen:,}",
            f"{each.bound:,}",
        )
    console.print(table)
    console.print(f"{len(found)} suspicions in {batches} batches")


def _show_comparison(summaries: Mapping[Variant, Mapping[str, Any]], folder: Path) -> None:
    """The table of a comparison, for people."""
    table = Table(box=None)
    table.add_column("variant", no_wrap=True)
    for name in ("kWh traded", "welfare", "self-sufficiency", "mean price", "gas"):
        table.add_column(name, justify="right", overflow="fold")
    for variant, summary in summaries.items():
        price, share = summary["mean_price"], summary["self_sufficiency"]
        table.add_row(
            variant.name,
            f"{summary['energy_traded_wh'] / WH_PER_KWH:,.1f}",
            f"{summary['welfare'] / MONEY_UNIT:,.2f}",
            "none used" if share is None else f"{share:.1%}",
            "nothing traded" if price is None else f"{price / MONEY_UNIT:.4f}",
            f"{summary['gas_total']:,}",
        )
    console.print(table)
    console.print(f"{folder / 'report.html'}", highlight=False, markup=False, soft_wrap=True)
