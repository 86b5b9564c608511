"""A scenario: who trades, with what, at which grid prices, and when. One YAML file.

The file's form is in `scenario_file`; here it becomes what the market calculates with: Wh, W, money
in 1e-6 units, prices in money per kWh, windows and seconds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import structs

from app.errors import ScenarioError
from app.ledger.types import Terms
from app.market.clearing import PricingRule
from app.market.units import WH_PER_KWH
from app.market.windows import COMMIT_MARGIN, WINDOW_LENGTH, window_at, window_start
from app.scenario.households import MAX_BATTERY_WH, Household, read_households
from app.scenario.profiles import MAX_POWER_W, PERMILLE, Profiles, Scaling, read_profiles
from app.scenario.scenario_file import (
    BatterySection,
    CommunicationSection,
    CommunityBatterySection,
    GridSection,
    NegotiationSection,
    ParticipantSection,
    ParticipantsSection,
    PluginSection,
    ScenarioSection,
    convert,
    read_yaml,
)

COMMUNITY_BATTERY = "community-battery"
HOURS_PER_DAY = 24
MAX_MONEY = Decimal(10) ** 9
MAX_DEFERRABLE_HOURS = 24
MAX_NOTE = 1_000
MAX_PARTICIPANTS = 2_000
MAX_PRICE = Decimal(2**32 - 1).scaleb(-6)
MIN_PRIVATE, MAX_PRIVATE = 4, 32
MAX_PRIVATE_DEPOSIT = 2**32 - 1
MAX_ROUNDS = 100
MAX_SCALE = Decimal(10)
MAX_SEED = 2**63 - 1
MAX_WINDOWS = 8_784
INITIAL_RULE = PricingRule.MIDPOINT
TRADING_SECONDS = WINDOW_LENGTH - COMMIT_MARGIN

DEFAULTS = ParticipantSection(
    seller="boulware",
    buyer="conceder",
    sell_orders="truthful",
    buy_orders="truthful",
    storage_orders="none",
    forecaster="seasonal-naive",
    battery="data",
    deposit=Decimal(500),
    load_scale=Decimal(1),
    pv_scale=Decimal(1),
    deferrable_hours=0,
    dispatchable=False,
    vote="cautious",
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


class LedgerChoice(StrEnum):
    """Where a run lives: on a chain, or on the model of the contracts."""

    CHAIN = "chain"
    MODEL = "model"


class Venue(StrEnum):
    """Where a street trades; `BOTH` takes what negotiation has left to the auction."""

    NEGOTIATION = "negotiation"
    AUCTION = "auction"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A strategy or a forecasting model by its name, with its parameters."""

    name: str
    parameters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery: Wh, W, and energy out per energy in, in 1/1000. It starts with `initial_wh`."""

    capacity_wh: int
    power_w: int
    efficiency_permille: int
    initial_wh: int


@dataclass(frozen=True, slots=True)
class Participant:
    """A household and how it trades. `deposit` is the money that it brings to the market.

    `seller` and `buyer` negotiate, `sell_orders` and `buy_orders` order in the auction. With
    `storage_orders` its battery speculates there; without, it only covers the household's own lack.
    Its load can wait for `deferrable_hours`; `dispatchable` generation runs only for what is sold.
    `panel_w` is the rated power of its panels, None where no table of households says so. `vote` is
    the policy by which it votes as a member of the consortium.
    """

    household: str
    seller: Plugin
    buyer: Plugin
    sell_orders: Plugin
    buy_orders: Plugin
    storage_orders: Plugin | None
    forecaster: Plugin
    battery: Battery | None
    deposit: int
    scaling: Scaling
    deferrable_hours: int
    dispatchable: bool
    panel_w: int | None
    vote: str


@dataclass(frozen=True, slots=True)
class CommunityBattery:
    """The street's own battery, which trades as a participant with a storage meter."""

    battery: Battery
    deposit: int
    seller: Plugin
    buyer: Plugin
    storage_orders: Plugin


@dataclass(frozen=True, slots=True)
class Grid:
    """Prices of the grid in money per kWh, by hour of the day in `time_zone`; 24 entries each.

    `treasury` is the money that the operator's treasury has at first, to pay for what is exported.
    """

    ceiling: tuple[int, ...]
    floor: tuple[int, ...]
    penalty_rate: int
    treasury: int
    time_zone: tzinfo

    def terms_of(self, window: int) -> Terms:
        """What holds in one window; the hour of its first second decides."""
        hour = datetime.fromtimestamp(window_start(window), self.time_zone).hour
        return Terms(self.floor[hour], self.ceiling[hour], self.penalty_rate)


@dataclass(frozen=True, slots=True)
class Negotiation:
    """Rounds of haggling for a window, and the market seconds that each waits for an answer."""

    rounds: int
    timeout_s: int


@dataclass(frozen=True, slots=True)
class Communication:
    """Share of messages that are lost, and the market seconds that a message takes."""

    loss: float
    delay_s: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a run depends on. Same scenario and seed, same trades.

    `start` is the first second of the first delivery window; it is traded in the hour before.
    `participants` are in the order of the file's list, or of their ids. With `privacy` who trades,
    how much and at what price stays hidden. `notes` are sentences for the reader of a run's report.
    """

    name: str
    seed: int
    start: int
    windows: int
    ledger: LedgerChoice
    venue: Venue
    pricing_rule: PricingRule
    privacy: bool
    notes: tuple[str, ...]
    profiles: Path
    repeat: bool
    grid: Grid
    participants: tuple[Participant, ...]
    community_battery: CommunityBattery | None
    negotiation: Negotiation
    communication: Communication

    @property
    def first_window(self) -> int:
        """The first delivery window."""
        return window_at(self.start)

    @property
    def opening(self) -> int:
        """The first second of a run on a ledger of its own: the hour before the first window.

        A pricing rule that is not the market's first holds from the window after the next on, so
        that it is set an hour earlier.
        """
        is_set = self.venue is not Venue.NEGOTIATION and self.pricing_rule is not INITIAL_RULE
        return self.start - WINDOW_LENGTH * (2 if is_set else 1)

    @property
    def last_window(self) -> int:
        """The last delivery window of a run of `windows` windows."""
        return self.first_window + self.windows - 1


def with_overrides(
    scenario: Scenario,
    *,
    windows: int | None = None,
    seed: int | None = None,
    ledger: LedgerChoice | None = None,
) -> Scenario:
    """A scenario with what the command line says otherwise; errors as `load_scenario`."""
    changed = replace(
        scenario,
        windows=scenario.windows if windows is None else windows,
        seed=scenario.seed if seed is None else seed,
        ledger=scenario.ledger if ledger is None else ledger,
    )
    _check_range("windows", changed.windows, 1, MAX_WINDOWS)
    _check_range("seed", changed.seed, 0, MAX_SEED)
    _check_privacy(changed)
    load_profiles(changed)
    return changed


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file, and check it together with the data that it names.

    Raises ScenarioError naming the path in the file, the rule and the value; ProfileError where
    the fault lies in the data.
    """
    file = convert(read_yaml(path), ScenarioSection)
    if not _NAME.fullmatch(file.name):
        rule = "must be 1 to 64 letters, digits, dashes or underscores"
        raise ScenarioError("name", rule, file.name)
    _check_range("seed", file.seed, 0, MAX_SEED)
    _check_range("windows", file.windows, 1, MAX_WINDOWS)

    folder = path.parent
    table = read_households(folder / file.data.households) if file.data.households else None
    profiles_path = folder / file.data.profiles
    available = read_profiles(profiles_path, known=table).households
    scenario = Scenario(
        name=file.name,
        seed=file.seed,
        start=_start(file.start),
        windows=file.windows,
        ledger=LedgerChoice(file.ledger),
        venue=Venue(file.venue),
        pricing_rule=PricingRule[file.pricing_rule.upper()],
        privacy=file.privacy,
        notes=_notes(file.notes),
        profiles=profiles_path,
        repeat=file.data.repeat,
        grid=_grid(file.grid),
        participants=_participants(file.participants, available, table),
        community_battery=_community_battery(file.community_battery),
        negotiation=_negotiation(file.negotiation),
        communication=_communication(file.communication),
    )
    _check_privacy(scenario)
    load_profiles(scenario)
    return scenario


def load_profiles(scenario: Scenario) -> Profiles:
    """The participants' load and generation, scaled as the scenario says, in its order.

    Raises ScenarioError if the data doesn't cover the run; ProfileError if it is faulty.
    """
    profiles = read_profiles(
        scenario.profiles,
        households=[participant.household for participant in scenario.participants],
        scaling={
            participant.household: participant.scaling for participant in scenario.participants
        },
        repeats=scenario.repeat,
    )
    covered = f"{_utc(profiles.start)} and has {profiles.window_count} windows"
    if not profiles.covers(scenario.first_window):
        rule = "must lie within the data"
        hint = f"the data starts at {covered}"
        raise ScenarioError("start", rule, _utc(scenario.start), hint=hint)
    if not profiles.covers(scenario.last_window):
        hint = f"the data starts at {covered}; data.repeat: true lets it follow itself"
        raise ScenarioError("windows", "must lie within the data", scenario.windows, hint=hint)
    return profiles


def _check_privacy(scenario: Scenario) -> None:
    """What private trading asks for: people to hide among, a chain to prove things to."""
    if not scenario.privacy:
        return
    if scenario.venue is not Venue.NEGOTIATION:
        hint = "orders of the auction are public: set venue: negotiation, or privacy: off"
        rule = "must be negotiation with privacy: on"
        raise ScenarioError("venue", rule, scenario.venue.value, hint=hint)
    if scenario.ledger is not LedgerChoice.CHAIN:
        hint = "the model verifies no proofs: set ledger: chain, or privacy: off"
        rule = "must be chain with privacy: on"
        raise ScenarioError("ledger", rule, scenario.ledger.value, hint=hint)
    if scenario.community_battery is not None:
        hint = "everybody would know its trades: remove it, or set privacy: off"
        rule = "must not be there with privacy: on"
        raise ScenarioError("community_battery", rule, "a battery", hint=hint)
    count = len(scenario.participants)
    if not MIN_PRIVATE <= count <= MAX_PRIVATE:
        rule = f"must be {MIN_PRIVATE} to {MAX_PRIVATE} households with privacy: on"
        hint = "fewer have nobody to hide among, more cost too much to hide among: list some, or"
        raise ScenarioError("participants.from", rule, count, hint=f"{hint} set privacy: off")
    for participant in scenario.participants:
        if participant.deposit > MAX_PRIVATE_DEPOSIT:
            field = f"participants.households.{participant.household}.deposit"
            most = Decimal(MAX_PRIVATE_DEPOSIT).scaleb(-6)
            said = f"{Decimal(participant.deposit).scaleb(-6).normalize():f}"
            hint = "lower it, or set privacy: off"
            raise ScenarioError(field, f"must be at most {most} with privacy: on", said, hint=hint)


def _notes(notes: Sequence[str]) -> tuple[str, ...]:
    for position, note in enumerate(notes):
        if not 1 <= len(note.strip()) <= MAX_NOTE:
            rule = f"must have 1 to {MAX_NOTE} characters"
            raise ScenarioError(f"notes[{position}]", rule, f"{len(note)} characters")
    return tuple(note.strip() for note in notes)


def _start(time: datetime) -> int:
    if time.tzinfo is None:
        hint = "add Z for UTC, or an offset such as +02:00"
        raise ScenarioError("start", "must have a time zone", time.isoformat(), hint=hint)
    seconds = (time - datetime.fromtimestamp(0, UTC)).total_seconds()
    if seconds < WINDOW_LENGTH or seconds % WINDOW_LENGTH:
        raise ScenarioError("start", "must be a full hour (UTC) after 1970", time.isoformat())
    return int(seconds)


def _grid(section: GridSection) -> Grid:
    ceiling = _prices("grid.ceiling", section.ceiling)
    floor = _prices("grid.floor", section.floor)
    for hour, (low, high) in enumerate(zip(floor, ceiling, strict=True)):
        if low > high:
            rule = f"must be at most the ceiling in hour {hour}"
            raise ScenarioError("grid.floor", rule, f"{Decimal(low).scaleb(-6).normalize():f}")
    return Grid(
        ceiling=ceiling,
        floor=floor,
        penalty_rate=_money("grid.penalty", section.penalty, MAX_PRICE),
        treasury=_money("grid.treasury", section.treasury, MAX_MONEY),
        time_zone=_time_zone(section.time_zone),
    )


def _time_zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        rule = "must be a time zone of the IANA database"
        hint = "for example Europe/Berlin"
        raise ScenarioError("grid.time_zone", rule, name, hint=hint) from None


def _prices(field: str, value: Decimal | Mapping[int, Decimal]) -> tuple[int, ...]:
    """Prices of the 24 hours; a price holds from its hour until the next that is named."""
    from_hour = {0: value} if isinstance(value, Decimal) else value
    if 0 not in from_hour:
        raise ScenarioError(field, "must name the price from hour 0", sorted(from_hour))
    for hour in from_hour:
        _check_range(f"{field} from hour {hour}", hour, 0, HOURS_PER_DAY - 1)
    prices = []
    for hour in range(HOURS_PER_DAY):
        since = max(named for named in from_hour if named <= hour)
        where = field if isinstance(value, Decimal) else f"{field}.{since}"
        prices.append(_money(where, from_hour[since], MAX_PRICE))
    return tuple(prices)


def _participants(
    section: ParticipantsSection,
    available: Sequence[str],
    table: Mapping[str, Household] | None,
) -> tuple[Participant, ...]:
    members = available if section.members == "data" else section.members
    for position, household in enumerate(members):
        field = f"participants.from[{position}]"
        if household not in available:
            hint = f"the data has {', '.join(available)}"
            raise ScenarioError(field, "must be a household of the data", household, hint=hint)
        if household in members[:position]:
            raise ScenarioError(field, "must be there once", household)
    if not 2 <= len(members) <= MAX_PARTICIPANTS:
        rule = f"must be 2 to {MAX_PARTICIPANTS} households"
        raise ScenarioError("participants.from", rule, len(members))

    own = {}
    for household, raw in section.households.items():
        field = f"participants.households.{household}"
        if household not in members:
            raise ScenarioError(field, "must be one of the participants", household)
        own[household] = convert(raw, ParticipantSection, field)
    built_in = DEFAULTS if table else structs.replace(DEFAULTS, battery="none")
    return tuple(
        _participant(
            household,
            (
                (f"participants.households.{household}", own.get(household, ParticipantSection())),
                ("participants.default", section.default),
                ("participants.default", built_in),
            ),
            table[household] if table else None,
        )
        for household in members
    )


def _participant(
    household: str,
    layers: Sequence[tuple[str, ParticipantSection]],
    row: Household | None,
) -> Participant:
    """A household by the first of the layers that says something, field by field."""

    def pick(name: str) -> tuple[str, Any]:
        said = ((f"{where}.{name}", getattr(section, name)) for where, section in layers)
        return next((field, value) for field, value in said if value is not None)

    battery = _own_battery(*pick("battery"), row)
    scaling = Scaling(
        _scaled(*pick("load_scale"), 3, MAX_SCALE),
        _scaled(*pick("pv_scale"), 3, MAX_SCALE),
    )
    return Participant(
        household=household,
        seller=_plugin(*pick("seller")),
        buyer=_plugin(*pick("buyer")),
        sell_orders=_plugin(*pick("sell_orders")),
        buy_orders=_plugin(*pick("buy_orders")),
        storage_orders=_storage_orders(*pick("storage_orders"), battery),
        forecaster=_plugin(*pick("forecaster")),
        battery=battery,
        deposit=_money(*pick("deposit"), MAX_MONEY),
        scaling=scaling,
        deferrable_hours=_whole(*pick("deferrable_hours"), MAX_DEFERRABLE_HOURS),
        dispatchable=pick("dispatchable")[1],
        panel_w=row.pv_peak_w * scaling.pv_permille // PERMILLE if row else None,
        vote=_vote(*pick("vote")),
    )


def _storage_orders(
    field: str, choice: str | PluginSection, battery: Battery | None
) -> Plugin | None:
    """How a household's battery trades in the auction; `none` for one that doesn't."""
    if choice == "none":
        return None
    plugin = _plugin(field, choice)
    if plugin.name != "speculator":
        raise ScenarioError(field, "must be none or speculator", plugin.name)
    if battery is None:
        raise ScenarioError(field, "needs a battery", plugin.name)
    return plugin


def _vote(field: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ScenarioError(field, "must be the name of a voting policy", name)
    return name


def _own_battery(
    field: str, choice: Literal["data", "none"] | BatterySection, row: Household | None
) -> Battery | None:
    if isinstance(choice, BatterySection):
        return _battery(field, choice)
    if choice == "none":
        return None
    if row is None:
        hint = "name the table in data.households"
        raise ScenarioError(field, "needs a table of households", choice, hint=hint)
    if not row.battery_wh:
        return None
    return Battery(
        capacity_wh=row.battery_wh,
        power_w=row.battery_w,
        efficiency_permille=row.battery_efficiency_permille,
        initial_wh=row.battery_wh // 2,
    )


def _battery(field: str, section: BatterySection) -> Battery:
    capacity_kwh = Decimal(MAX_BATTERY_WH // WH_PER_KWH)
    power_kw = Decimal(MAX_POWER_W // 1_000)
    capacity_wh = _scaled(f"{field}.capacity_kwh", section.capacity_kwh, 3, capacity_kwh, least=1)
    initial = _scaled(f"{field}.initial", section.initial, 3, Decimal(1))
    return Battery(
        capacity_wh=capacity_wh,
        power_w=_scaled(f"{field}.power_kw", section.power_kw, 3, power_kw, least=1),
        efficiency_permille=_scaled(
            f"{field}.efficiency", section.efficiency, 3, Decimal(1), least=1
        ),
        initial_wh=capacity_wh * initial // PERMILLE,
    )


def _community_battery(section: CommunityBatterySection | None) -> CommunityBattery | None:
    if section is None:
        return None
    return CommunityBattery(
        battery=_battery("community_battery", section),
        deposit=_money("community_battery.deposit", section.deposit, MAX_MONEY),
        seller=_plugin("community_battery.seller", section.seller),
        buyer=_plugin("community_battery.buyer", section.buyer),
        storage_orders=_plugin("community_battery.storage_orders", section.storage_orders),
    )


def _plugin(field: str, choice: str | PluginSection) -> Plugin:
    section = PluginSection(name=choice) if isinstance(choice, str) else choice
    if not _NAME.fullmatch(section.name):
        raise ScenarioError(field, "must be the name of a strategy or a model", section.name)
    for name, value in section.parameters.items():
        if not value.is_finite():
            raise ScenarioError(f"{field}.parameters.{name}", "must be finite", str(value))
    return Plugin(section.name, {name: float(v) for name, v in section.parameters.items()})


def _negotiation(section: NegotiationSection) -> Negotiation:
    _check_range("negotiation.rounds", section.rounds, 1, MAX_ROUNDS)
    longest = TRADING_SECONDS // section.rounds
    _check_range("negotiation.timeout_s", section.timeout_s, 1, longest)
    return Negotiation(section.rounds, section.timeout_s)


def _communication(section: CommunicationSection) -> Communication:
    if not (section.loss.is_finite() and 0 <= section.loss < 1):
        rule = "must be from 0 to less than 1"
        raise ScenarioError("communication.loss", rule, str(section.loss))
    _check_range("communication.delay_s", section.delay_s, 0, TRADING_SECONDS)
    return Communication(float(section.loss), section.delay_s)


def _whole(field: str, value: int, most: int) -> int:
    _check_range(field, value, 0, most)
    return value


def _check_range(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ScenarioError(field, f"must be from {least} to {most}", value)


def _money(field: str, value: Decimal, most: Decimal) -> int:
    return _scaled(field, value, 6, most)


def _scaled(field: str, value: Decimal, decimals: int, most: Decimal, *, least: int = 0) -> int:
    """A decimal number as the exact integer in units of 10**-decimals, at least `least` of them."""
    low = Decimal(least).scaleb(-decimals)
    if not (value.is_finite() and low <= value <= most):
        raise ScenarioError(field, f"must be from {low.normalize():f} to {most:f}", str(value))
    number = value.as_tuple()
    beyond = -int(number.exponent) - decimals
    if beyond > 0 and any(number.digits[-beyond:]):
        raise ScenarioError(field, f"must have at most {decimals} decimals", str(value))
    return int(value.scaleb(decimals))


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
