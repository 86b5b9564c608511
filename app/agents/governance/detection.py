"""Readings that break physics, for auditors to look at. Pure: it knows nothing of the ledger.

What everybody sees, the reading, is checked by itself; the raw batch, where its owner shows it,
step by step; and all meters of a window together against the street's own connection to the grid. A
suspicion is no proof: an auditor asks for the raw data, and decides.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.agents.devices.batches import MeterBatch, MeterStep
from app.agents.governance.sun import Sun
from app.ledger.types import Reading
from app.market.windows import WINDOW_LENGTH, window_start
from app.scenario.scenario import COMMUNITY_BATTERY, Scenario

STREET = "street"
TOLERANCE_PERMILLE = 20
TOLERANCE_WH = 100


class Rule(StrEnum):
    """What a reading or a batch can break."""

    DARK = "energy-in-the-dark"
    RATING = "above-the-rating"
    STEP_BALANCE = "step-out-of-balance"
    STORE = "battery-out-of-balance"
    SUM = "sum-is-not-the-reading"
    STREET_BALANCE = "street-out-of-balance"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Who is to be asked about which window, and why: Wh that were seen, and what can be at most.

    `owner` is the name of a household, or `STREET` where nobody can be told from the others. In the
    rules of balance and sum `bound` is what should have been seen.
    """

    owner: str
    window: int
    rule: Rule
    seen: int
    bound: int

    @property
    def excess(self) -> int:
        """How far off it is, in Wh."""
        return abs(self.seen - self.bound)


@dataclass(frozen=True, slots=True)
class Installation:
    """What is known to stand behind a meter, from its certificate.

    `panel_w` is the rated power of what generates; None: nobody knows. `battery_w` is that of its
    battery. What does not need the sun can run at night.
    """

    household: str
    panel_w: int | None
    battery_w: int = 0
    is_storage: bool = False
    needs_sun: bool = True

    def most_wh(self, seconds: int) -> int | None:
        """Most that can go out within so long; 1 Wh is for rounding between steps."""
        if self.panel_w is None:
            return None
        power_w = self.panel_w + self.battery_w
        return -(-power_w * seconds // WINDOW_LENGTH) + (1 if power_w else 0)

    @property
    def sleeps_at_night(self) -> bool:
        """Whether nothing can come from it in the dark."""
        return self.needs_sun and not self.battery_w and not self.is_storage


@dataclass(frozen=True, slots=True)
class Sight:
    """What everybody can see of a meter's window, in Wh."""

    household: str
    window: int
    exported_wh: int
    imported_wh: int


@dataclass(frozen=True, slots=True)
class Feeder:
    """What the street's own meter saw come in from the grid and go out to it, in Wh."""

    imported_wh: int
    exported_wh: int


def installations_of(scenario: Scenario) -> dict[str, Installation]:
    """What stands behind the meters of a scenario, by household."""
    homes = {
        each.household: Installation(
            household=each.household,
            panel_w=each.panel_w,
            battery_w=each.battery.power_w if each.battery else 0,
            needs_sun=not each.dispatchable,
        )
        for each in scenario.participants
    }
    if scenario.community_battery is None:
        return homes
    battery = scenario.community_battery.battery
    storage = Installation(COMMUNITY_BATTERY, 0, battery.power_w, is_storage=True)
    return {**homes, COMMUNITY_BATTERY: storage}


def suspect_sight(sight: Sight, installation: Installation, sun: Sun) -> list[Suspicion]:
    """What is wrong with a reading by itself."""
    found = []
    is_dark = sun.is_dark(window_start(sight.window), WINDOW_LENGTH)
    if is_dark and installation.sleeps_at_night and sight.exported_wh:
        found.append(Suspicion(sight.household, sight.window, Rule.DARK, sight.exported_wh, 0))
    most = installation.most_wh(WINDOW_LENGTH)
    if most is not None and sight.exported_wh > most:
        found.append(Suspicion(sight.household, sight.window, Rule.RATING, sight.exported_wh, most))
    return found


def suspect_batch(batch: MeterBatch, installation: Installation, sun: Sun) -> list[Suspicion]:
    """What is wrong with the raw data of a window: for each rule the step that breaks it most."""
    worst: dict[Rule, Suspicion] = {}
    for number in range(len(batch.steps)):
        for rule, seen, bound in _faults(batch, number, installation, sun):
            suspicion = Suspicion(batch.household, batch.window, rule, seen, bound)
            if rule not in worst or suspicion.excess > worst[rule].excess:
                worst[rule] = suspicion
    return list(worst.values())


def suspect_sums(batch: MeterBatch, reading: Reading) -> list[Suspicion]:
    """Whether a batch sums up to the reading that was signed."""
    pairs = [
        (reading.exported_wh, batch.exported_wh),
        (reading.imported_wh, batch.imported_wh),
    ]
    if reading.losses_wh:
        pairs.append((reading.losses_wh, batch.lost_wh))
    return [
        Suspicion(batch.household, batch.window, Rule.SUM, signed, summed)
        for signed, summed in pairs
        if signed != summed
    ]


def suspect_street(
    sights: Sequence[Sight], feeder: Feeder, tolerance_permille: int = TOLERANCE_PERMILLE
) -> list[Suspicion]:
    """Whether all that came into the wires of a street in a window went out of them.

    Wires lose some: what came in may exceed what went out by a share of it, and meters err a
    little in both directions. All `sights` are of one window.
    """
    if not sights:
        return []
    came = sum(each.exported_wh for each in sights) + feeder.imported_wh
    went = sum(each.imported_wh for each in sights) + feeder.exported_wh
    lost_at_most = came * tolerance_permille // 1_000 + TOLERANCE_WH
    if -TOLERANCE_WH <= came - went <= lost_at_most:
        return []
    return [Suspicion(STREET, sights[0].window, Rule.STREET_BALANCE, came, went)]


def suspect_streets(
    batches: Iterable[MeterBatch],
    households: Collection[str],
    feeder_of: Callable[[int], Feeder | None],
) -> list[Suspicion]:
    """Whether a street is in balance, in those windows of which everybody's raw data is there."""
    by_window: dict[int, list[Sight]] = {}
    for batch in batches:
        sight = Sight(batch.household, batch.window, batch.exported_wh, batch.imported_wh)
        by_window.setdefault(batch.window, []).append(sight)
    found: list[Suspicion] = []
    for window, sights in by_window.items():
        feeder = feeder_of(window)
        if feeder is not None and {each.household for each in sights} == set(households):
            found += suspect_street(sights, feeder)
    return found


def suspect_batches(
    batches: Iterable[MeterBatch], installations: Mapping[str, Installation], sun: Sun
) -> list[Suspicion]:
    """All suspicions over raw data, ranked; of who is not known only what needs no knowledge."""
    found: list[Suspicion] = []
    for batch in batches:
        unknown = Installation(batch.household, None, needs_sun=False)
        found += suspect_batch(batch, installations.get(batch.household, unknown), sun)
    return ranked(found)


def ranked(suspicions: Iterable[Suspicion]) -> list[Suspicion]:
    """The largest first; equal ones by window and name, so that everybody has the same list."""
    return sorted(suspicions, key=lambda each: (-each.excess, each.window, each.owner, each.rule))


def credible_wh(batch: MeterBatch, installation: Installation, sun: Sun) -> int:
    """What physics lets pass of a batch's export."""
    return sum(
        min(step.exported_wh, _most_exported(batch, number, installation, sun))
        for number, step in enumerate(batch.steps)
    )


def _faults(
    batch: MeterBatch, number: int, installation: Installation, sun: Sun
) -> Iterator[tuple[Rule, int, int]]:
    """The rules that a step breaks, with what was seen and what could be at most."""
    step = batch.steps[number]
    if _is_dark(batch, number, sun) and installation.needs_sun:
        seen = max(step.pv_wh, step.exported_wh if installation.sleeps_at_night else 0)
        if seen:
            yield Rule.DARK, seen, 0
    most = installation.most_wh(batch.step_seconds)
    if most is not None and step.exported_wh > most:
        yield Rule.RATING, step.exported_wh, most
    came = step.pv_wh + step.imported_wh + step.discharged_wh
    went = step.load_wh + step.exported_wh + step.charged_wh
    if came != went:
        yield Rule.STEP_BALANCE, came, went
    if number:
        stored = _stored_after(batch.steps[number - 1], step)
        if stored != step.stored_wh:
            yield Rule.STORE, step.stored_wh, stored


def _most_exported(batch: MeterBatch, number: int, installation: Installation, sun: Sun) -> int:
    if _is_dark(batch, number, sun) and installation.sleeps_at_night:
        return 0
    most = installation.most_wh(batch.step_seconds)
    return batch.steps[number].exported_wh if most is None else most


def _is_dark(batch: MeterBatch, number: int, sun: Sun) -> bool:
    start = window_start(batch.window) + number * batch.step_seconds
    return sun.is_dark(start, batch.step_seconds)


def _stored_after(before: MeterStep, step: MeterStep) -> int:
    return before.stored_wh + step.charged_wh - step.lost_wh - step.discharged_wh
