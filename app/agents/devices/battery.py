"""Batteries: the physics, and the agents that watch the state of one (Mezquita et al. 2022, BSA).

All losses arise while charging: of each Wh taken in, `efficiency_permille` / 1000 is stored, in
whole Wh per step, rounded down. What is stored comes out in full.
"""

from dataclasses import dataclass

from mango import Role

from app.market.windows import WINDOW_LENGTH
from app.scenario.profiles import PERMILLE
from app.scenario.scenario import Battery


@dataclass(frozen=True, slots=True)
class BatteryFlow:
    """One step: `stored` is what is in the battery afterwards. All in Wh."""

    charged_wh: int
    discharged_wh: int
    lost_wh: int
    stored_wh: int


def operate(battery: Battery, stored_wh: int, surplus_wh: int, seconds: int) -> BatteryFlow:
    """Takes in a surplus, or gives out for a lack (a negative surplus), as far as it can."""
    limit_wh = battery.power_w * seconds // WINDOW_LENGTH
    if surplus_wh < 0:
        discharged = min(-surplus_wh, limit_wh, stored_wh)
        return BatteryFlow(0, discharged, 0, stored_wh - discharged)
    charged = min(surplus_wh, limit_wh, _intake_wh(battery, stored_wh))
    kept = charged * battery.efficiency_permille // PERMILLE
    return BatteryFlow(charged, 0, charged - kept, stored_wh + kept)


def _intake_wh(battery: Battery, stored_wh: int) -> int:
    """Most that can be taken in until the battery is full."""
    room = battery.capacity_wh - stored_wh
    return (room * PERMILLE) // battery.efficiency_permille


class BatteryStateRole(Role):  # type: ignore[misc] # mango has no types
    """Knows a battery's state of charge and runs it behind the meter.

    A household's battery stores every surplus and covers every lack; it never feeds the microgrid.
    """

    def __init__(self, battery: Battery) -> None:
        super().__init__()
        self._battery = battery
        self._stored_wh = battery.initial_wh

    @property
    def battery(self) -> Battery:
        return self._battery

    @property
    def stored_wh(self) -> int:
        return self._stored_wh

    def kept_wh(self, charged_wh: int) -> int:
        """What is stored of energy that is taken in at once."""
        return charged_wh * self._battery.efficiency_permille // PERMILLE

    def restore(self, stored_wh: int) -> None:
        """Takes up where a former process stopped."""
        self._stored_wh = stored_wh

    def step(self, surplus_wh: int, seconds: int) -> BatteryFlow:
        """One step of operation."""
        flow = operate(self._battery, self._stored_wh, surplus_wh, seconds)
        self._stored_wh = flow.stored_wh
        return flow
