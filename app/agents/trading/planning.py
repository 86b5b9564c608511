"""What a household will have too much or too little of in the window that is traded."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.agents.analytics.history import WindowEnergy
from app.agents.devices.battery import operate
from app.market.windows import WINDOW_LENGTH
from app.scenario.scenario import Battery


@dataclass(frozen=True, slots=True)
class Plan:
    """Net energy of a household in a window, after its battery: one of the two is 0."""

    window: int
    surplus_wh: int
    lack_wh: int


def plan(
    window: int,
    forecasts: Sequence[WindowEnergy],
    battery: Battery | None,
    stored_wh: int,
    step_seconds: int,
) -> Plan:
    """Runs the battery through the forecast hours, of which the last is the traded window.

    `stored_wh` is its state before the first of them; energy is taken as even over each hour.
    """
    net = 0
    count = WINDOW_LENGTH // step_seconds
    for energy in forecasts:
        net = 0
        for number in range(count):
            surplus = _part(energy.pv_wh, number, count) - _part(energy.load_wh, number, count)
            if battery is not None:
                flow = operate(battery, stored_wh, surplus, step_seconds)
                stored_wh = flow.stored_wh
                surplus += flow.discharged_wh - flow.charged_wh
            net += surplus
    return Plan(window, max(net, 0), max(-net, 0))


def _part(energy_wh: int, number: int, count: int) -> int:
    """The part of an hour's energy that falls on one of `count` steps; the parts sum up to it."""
    return energy_wh * (number + 1) // count - energy_wh * number // count
