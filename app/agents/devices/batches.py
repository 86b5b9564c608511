"""The raw data of a meter, window by window: kept by its owner, anchored on the ledger by its hash.

A batch is one JSON object in canonical form (keys sorted, no blanks, ASCII), whose keccak-256 is
the reading's data root (Mezquita et al. 2022, section 4.3). In every step

    pv + imported + discharged = load + exported + charged

`salt` keeps others from guessing a batch by its root. All energies in whole Wh.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from eth_hash.auto import keccak
from pydantic_core import from_json

from app.errors import InputError, NotFoundError
from app.ledger.types import Address, Event, Reading

VERSION = 1
MAX_BATCH_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class MeterStep:
    """One step of a window; `stored_wh` is the state of the battery at its end."""

    load_wh: int
    pv_wh: int
    exported_wh: int
    imported_wh: int
    charged_wh: int = 0
    discharged_wh: int = 0
    lost_wh: int = 0
    stored_wh: int = 0

    @property
    def is_balanced(self) -> bool:
        came = self.pv_wh + self.imported_wh + self.discharged_wh
        return came == self.load_wh + self.exported_wh + self.charged_wh


_STEP_FIELDS = tuple(field.name for field in fields(MeterStep))


@dataclass(frozen=True, slots=True)
class MeterBatch:
    """All steps of one meter in one window."""

    household: str
    meter: Address
    window: int
    step_seconds: int
    salt: str
    steps: tuple[MeterStep, ...]

    @property
    def exported_wh(self) -> int:
        return sum(step.exported_wh for step in self.steps)

    @property
    def imported_wh(self) -> int:
        return sum(step.imported_wh for step in self.steps)

    @property
    def lost_wh(self) -> int:
        return sum(step.lost_wh for step in self.steps)

    @property
    def load_wh(self) -> int:
        return sum(step.load_wh for step in self.steps)

    @property
    def pv_wh(self) -> int:
        return sum(step.pv_wh for step in self.steps)

    def content(self) -> bytes:
        """The canonical form, in bytes."""
        return _canonical(
            {
                "version": VERSION,
                "household": self.household,
                "meter": self.meter,
                "window": self.window,
                "step_seconds": self.step_seconds,
                "salt": self.salt,
                "steps": [
                    {name: getattr(step, name) for name in _STEP_FIELDS} for step in self.steps
                ],
            }
        )


def data_root(content: bytes) -> bytes:
    """The hash (32 bytes) that a reading carries."""
    return keccak(content)


def read_batch(content: bytes) -> MeterBatch:
    """The batch in its canonical form; raises InputError naming the rule that it breaks."""
    if len(content) > MAX_BATCH_BYTES:
        raise InputError("batch", f"must be at most {MAX_BATCH_BYTES} bytes", len(content))
    try:
        raw = from_json(content)  # bounds the depth itself, whatever the interpreter's limit is
    except ValueError as error:
        raise InputError("batch", "must be JSON", str(error)[:100]) from error
    names = {"version"} | {field.name for field in fields(MeterBatch)}
    if not isinstance(raw, dict) or set(raw) != names or raw["version"] != VERSION:
        raise InputError("batch", f"must be an object with {', '.join(sorted(names))}", "another")
    for name in ("household", "meter", "salt"):
        if not isinstance(raw[name], str):
            raise InputError(f"batch.{name}", "must be a text", type(raw[name]).__name__)
    for name in ("window", "step_seconds"):
        _check_whole(f"batch.{name}", raw[name])
    if not isinstance(raw["steps"], list):
        raise InputError("batch.steps", "must be a list", type(raw["steps"]).__name__)
    batch = MeterBatch(
        household=raw["household"],
        meter=raw["meter"],
        window=raw["window"],
        step_seconds=raw["step_seconds"],
        salt=raw["salt"],
        steps=tuple(_read_step(number, step) for number, step in enumerate(raw["steps"])),
    )
    if batch.content() != content:
        raise InputError("batch", "must be in canonical form", "another form")
    return batch


def _read_step(number: int, raw: object) -> MeterStep:
    names = {field.name for field in fields(MeterStep)}
    if not isinstance(raw, dict) or set(raw) != names:
        rule = f"must be an object with {', '.join(sorted(names))}"
        raise InputError(f"batch.steps.[{number}]", rule, "another")
    for name, value in raw.items():
        _check_whole(f"batch.steps.[{number}].{name}", value)
    return MeterStep(**raw)


def _check_whole(field: str, value: object) -> None:
    if type(value) is not int or not 0 <= value < 2**63:
        raise InputError(field, "must be a whole number, not negative", type(value).__name__)


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


@dataclass(frozen=True, slots=True)
class BatchProof:
    """What a check of a stored batch against the ledger has shown."""

    root: bytes
    anchored_root: bytes
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.faults


def check_batch(content: bytes, anchored: Reading) -> BatchProof:
    """Whether a stored batch is the one behind a reading that the ledger has recorded.

    It is if its hash is the reading's root. The other checks show that the meter summed up right.
    Faults are sentences for people; nothing is raised for a bad batch.
    """
    root = data_root(content)
    faults = []
    if root != anchored.data_root:
        faults.append(f"the hash is 0x{root.hex()}, the ledger has 0x{anchored.data_root.hex()}")
    try:
        batch = read_batch(content)
    except InputError as error:
        return BatchProof(root, anchored.data_root, (*faults, str(error)))
    recorded = {
        "meter": (batch.meter, anchored.meter),
        "window": (batch.window, anchored.window),
        "exported_wh": (batch.exported_wh, anchored.exported_wh),
        "imported_wh": (batch.imported_wh, anchored.imported_wh),
    }
    if anchored.losses_wh:
        recorded["lost_wh"] = (batch.lost_wh, anchored.losses_wh)
    for name, (ours, theirs) in recorded.items():
        if ours != theirs:
            faults.append(f"{name} is {ours}, the ledger has {theirs}")
    for number, step in enumerate(batch.steps):
        if not step.is_balanced:
            faults.append(f"step {number} does not balance")
    return BatchProof(root, anchored.data_root, tuple(faults))


def anchored_reading(event: Event) -> Reading:
    """The reading that an event `ReadingRecorded` tells of."""
    arguments = event.arguments
    root = arguments["dataRoot"]
    if not isinstance(root, bytes):
        raise TypeError(f"{event.name} has no data root")
    return Reading(
        meter=str(arguments["meter"]),
        window=_whole(arguments["window"]),
        exported_wh=_whole(arguments["exportedWh"]),
        imported_wh=_whole(arguments["importedWh"]),
        losses_wh=_whole(arguments["lossesWh"]),
        data_root=root,
    )


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


class BatchStore:
    """Batches by household and window: files of a folder, or in memory where there is none."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._contents: dict[tuple[str, int], bytes] = {}

    def put(self, batch: MeterBatch) -> bytes:
        """Keeps a batch; returns its canonical form."""
        content = batch.content()
        if self._folder is None:
            self._contents[batch.household, batch.window] = content
            return content
        path = self._path(self._folder, batch.household, batch.window)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(content)
        unfinished.replace(path)
        return content

    def find(self, household: str, window: int) -> bytes | None:
        """A stored batch as it was hashed, or None."""
        if self._folder is None:
            return self._contents.get((household, window))
        path = self._path(self._folder, household, window)
        return path.read_bytes() if path.is_file() else None

    def content(self, household: str, window: int) -> bytes:
        """A stored batch as it was hashed; raises NotFoundError."""
        content = self.find(household, window)
        if content is None:
            raise NotFoundError(f"no batch of {household} for window {window}")
        return content

    def households(self) -> list[str]:
        """The households of which there are batches."""
        if self._folder is None:
            return sorted({name for name, _ in self._contents})
        found = {path.parent.name for path in self._folder.glob("*/*.json") if path.stem.isdigit()}
        return sorted(found)

    def windows(self, household: str) -> list[int]:
        """The windows of which there are batches, rising."""
        if self._folder is None:
            return sorted(window for name, window in self._contents if name == household)
        folder = self._folder / household
        return sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit())

    def batches(self, household: str) -> Iterator[MeterBatch]:
        """All batches of a household, oldest first; raises InputError for one that is damaged."""
        for window in self.windows(household):
            yield read_batch(self.content(household, window))

    @staticmethod
    def _path(folder: Path, household: str, window: int) -> Path:
        return folder / household / f"{window}.json"
