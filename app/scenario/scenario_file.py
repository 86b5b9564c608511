"""The YAML form of a scenario: reading it, and the errors that say where it is wrong.

Numbers keep the digits that the file has: `0.32` is the decimal 0.32, never a binary fraction.
"""

import difflib
import re
import reprlib
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
import yaml

from app.errors import ScenarioError

MAX_FILE_BYTES = 1024 * 1024


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of the file that refuses fields it does not know."""


class DataSection(_Section, frozen=True, kw_only=True):
    """Where the meters' data comes from; paths are relative to the scenario file."""

    profiles: str
    households: str | None = None
    repeat: bool = False


class GridSection(_Section, frozen=True, kw_only=True):
    """The grid's prices per kWh: one number, or numbers by the hour that each holds from."""

    ceiling: Decimal | dict[int, Decimal]
    floor: Decimal | dict[int, Decimal]
    penalty: Decimal
    treasury: Decimal = Decimal(10_000)
    time_zone: str = "UTC"


class PluginSection(_Section, frozen=True, kw_only=True):
    """A strategy or a model by its name, with its parameters."""

    name: str
    parameters: dict[str, Decimal] = {}


class BatterySection(_Section, frozen=True, kw_only=True):
    """A battery; `efficiency` is energy out per energy in, `initial` the share stored at first."""

    capacity_kwh: Decimal
    power_kw: Decimal
    efficiency: Decimal
    initial: Decimal = Decimal("0.5")


class ParticipantSection(_Section, frozen=True, kw_only=True):
    """How one household trades; what is not said here stands in the section `default`."""

    seller: str | PluginSection | None = None
    buyer: str | PluginSection | None = None
    sell_orders: str | PluginSection | None = None
    buy_orders: str | PluginSection | None = None
    storage_orders: str | PluginSection | None = None
    forecaster: str | PluginSection | None = None
    battery: Literal["data", "none"] | BatterySection | None = None
    deposit: Decimal | None = None
    load_scale: Decimal | None = None
    pv_scale: Decimal | None = None
    deferrable_hours: int | None = None
    dispatchable: bool | None = None
    vote: str | None = None


class ParticipantsSection(_Section, frozen=True, kw_only=True):
    """Who trades: all households of the data, or a list of them.

    `households` has the mappings of single households as they are in the file, to be converted one
    by one: msgspec's errors don't name the key of a mapping.
    """

    members: Literal["data"] | list[str] = msgspec.field(name="from", default="data")
    default: ParticipantSection = ParticipantSection()
    households: dict[str, Any] = {}


class CommunityBatterySection(BatterySection, frozen=True, kw_only=True):
    """The battery that the street shares, with a meter and an account of its own."""

    deposit: Decimal
    seller: str | PluginSection
    buyer: str | PluginSection
    storage_orders: str | PluginSection = "plan"


class NegotiationSection(_Section, frozen=True, kw_only=True):
    """The agents' haggling: its rounds, and the market seconds that each waits for an answer."""

    rounds: int = 8
    timeout_s: int = 60


class CommunicationSection(_Section, frozen=True, kw_only=True):
    """How bad the lines are: share of messages lost, and market seconds that one takes."""

    loss: Decimal = Decimal(0)
    delay_s: int = 0


class ScenarioSection(_Section, frozen=True, kw_only=True):
    """The whole file."""

    name: str
    seed: int
    start: datetime
    windows: int = 24
    ledger: Literal["chain", "model"] = "chain"
    venue: Literal["negotiation", "auction", "both"] = "negotiation"
    pricing_rule: Literal["midpoint", "uniform", "pay_as_bid"] = "midpoint"
    privacy: bool = False
    notes: list[str] = []
    data: DataSection
    grid: GridSection
    participants: ParticipantsSection = ParticipantsSection()
    community_battery: CommunityBatterySection | None = None
    negotiation: NegotiationSection = NegotiationSection()
    communication: CommunicationSection = CommunicationSection()


Section = TypeVar("Section", bound=_Section)


def read_yaml(path: Path) -> object:
    """The content of a YAML file; raises ScenarioError with the line where it is not YAML."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ScenarioError(str(path), f"must be at most {MAX_FILE_BYTES} bytes", size)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(str(path), "must be a readable file", error.strerror) from error
    except UnicodeDecodeError as error:
        raise ScenarioError(str(path), "must be UTF-8", error.object[error.start]) from error
    try:
        return yaml.load(text, Loader=_ExactLoader)  # noqa: S506 - derived from SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise ScenarioError(where, "must be valid YAML", error.problem, hint=str(path)) from error
    except (yaml.YAMLError, ValueError) as error:
        raise ScenarioError(str(path), "must be valid YAML", str(error)) from error
    except RecursionError:
        raise ScenarioError(str(path), "must not nest so deeply", f"{size} bytes") from None


def convert(raw: object, section: type[Section], within: str = "") -> Section:
    """A mapping of the file as its section, which lies at `within` in the file.

    Raises ScenarioError naming the path, the rule and the value.
    """
    try:
        return msgspec.convert(raw, section)
    except msgspec.ValidationError as error:
        raise _explained(str(error), raw, section, within) from error


class _ExactLoader(yaml.SafeLoader):
    """Decimals instead of binary fractions; no key twice in a mapping."""

    def construct_decimal(self, node: yaml.ScalarNode) -> Decimal:
        text = str(self.construct_scalar(node))
        try:
            return Decimal(text.replace("_", ""))
        except InvalidOperation:
            raise yaml.constructor.ConstructorError(
                None, None, f"{text!r} is not a finite decimal number", node.start_mark
            ) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _ExactLoader.construct_decimal)

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>.*)`)?", re.DOTALL)
_KEY = "key` in"
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_FIELD = re.compile(r"Object (?P<problem>missing required|contains unknown) field `(?P<name>.*)`")
_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]*)`, got .*")
_KINDS = {
    "array": "a list",
    "bool": "true or false",
    "datetime": "a date and time",
    "decimal": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a section",
    "str": "a text",
}


def _explained(
    message: str, raw: object, section: type[msgspec.Struct], within: str
) -> ScenarioError:
    """Turn msgspec's message into the path, the rule and the value."""
    parts = _MESSAGE.fullmatch(message)
    what, path = (parts["what"], parts["path"] or "") if parts else (message, "")
    steps = [name or int(position) for name, position in _STEP.findall(path)]
    where = within
    for step in steps:
        where = f"{where}[{step}]" if isinstance(step, int) else f"{where}.{step}"
    where = where.removeprefix(".")
    value: Any = raw
    for step in steps:
        value = value[step]

    field = _FIELD.fullmatch(what)
    if field is None:
        rule = _rule(what, section, steps)
        if _KEY in path:
            rule = f"{rule.replace('be', 'have', 1)} as each key"
        return ScenarioError(where or "scenario", rule, _shown(value))
    where = f"{where}.{field['name']}".removeprefix(".")
    if field["problem"] == "missing required":
        return ScenarioError(where, "is required", None)
    known = _fields(_section_at(section, steps))
    near = difflib.get_close_matches(field["name"], known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    return ScenarioError(where, "is not a known field", _shown(value[field["name"]]), hint=hint)


def _rule(what: str, section: type[msgspec.Struct], steps: list[str | int]) -> str:
    """What msgspec complains of as a rule, in the words of the rest of the project."""
    if what == "Invalid decimal string":
        return "must be a number"
    if what.startswith("Invalid enum value"):
        kind = _fields(_section_at(section, steps[:-1]))[str(steps[-1])]
        literals = [part for part in get_args(kind) if get_origin(part) is Literal]
        words = [word for literal in literals for word in get_args(literal)]
        if get_origin(kind) is Literal:
            words = [str(word) for word in get_args(kind)]
            return f"must be {', '.join(words[:-1])} or {words[-1]}"
        others = "a list" if "list" in str(kind) else "a section"
        return f"must be {', '.join(words)} or {others}"
    expected = _EXPECTED.fullmatch(what)
    if expected is None:
        return what
    kinds = expected["kinds"].split(" | ")
    return f"must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds if kind != 'null')}"


def _section_at(section: type[msgspec.Struct], steps: list[str | int]) -> type[msgspec.Struct]:
    """The section that lies at a path of field names."""
    for step in steps:
        kind = _fields(section)[str(step)]
        section = next(
            part
            for part in (kind, *get_args(kind))
            if isinstance(part, type) and issubclass(part, msgspec.Struct)
        )
    return section


def _fields(section: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields that a section may have, with their types."""
    return {field.encode_name: field.type for field in msgspec.structs.fields(section)}


def _shown(value: object) -> object:
    """A value as an error shows it: cut short, since a file may have anything there."""
    if isinstance(value, Decimal | datetime | date):
        return str(value)
    return value if isinstance(value, int | None) else reprlib.repr(value).strip("'")
