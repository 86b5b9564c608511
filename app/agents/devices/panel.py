"""Panels and loads: what a household generates and uses, step by step, from its profile.

A real inverter or load meter stands behind the same two methods. A generator that can be dispatched
runs only for what is asked of it; a load that can be deferred waits for energy, but not for long.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from mango import Role

from app.scenario.profiles import EnergySeries


class ProfileSource(Protocol):
    """Energy by household and step, in whole Wh (`app.scenario.profiles.Profiles`)."""

    @property
    def step_seconds(self) -> int: ...
    def steps_of(self, household: str, window: int) -> EnergySeries: ...
    def history_of(self, household: str, before_window: int, count: int) -> EnergySeries: ...


class PanelRole(Role):  # type: ignore[misc] # mango has no types
    """Watches the panels of a household (Mezquita et al. 2022, PVA)."""

    def __init__(
        self, household: str, profiles: ProfileSource, *, dispatchable: bool = False
    ) -> None:
        super().__init__()
        self._household = household
        self._profiles = profiles
        self._dispatchable = dispatchable

    @property
    def is_dispatchable(self) -> bool:
        return self._dispatchable

    def available_wh(self, window: int) -> Sequence[int]:
        """Wh of each step of a window, if all is generated that can be."""
        return [int(wh) for wh in self._profiles.steps_of(self._household, window).pv_wh]

    def generated_wh(self, window: int, asked_wh: int) -> Sequence[int]:
        """Wh of each step of a window; of what can be dispatched no more than is asked for."""
        available = self.available_wh(window)
        if not self._dispatchable:
            return available
        generated, so_far = [], 0
        for number, most in enumerate(available, 1):
            wanted = max(asked_wh, 0) * number // len(available) - so_far
            generated.append(min(most, wanted))
            so_far += generated[-1]
        return generated


class LoadRole(Role):  # type: ignore[misc] # mango has no types
    """Watches the loads of a household.

    With `deferrable_hours` the profile is when energy is wanted; it is used when there is some, and
    at the latest so many hours after that.
    """

    def __init__(
        self, household: str, profiles: ProfileSource, *, deferrable_hours: int = 0
    ) -> None:
        super().__init__()
        self._household = household
        self._profiles = profiles
        self._deferrable_hours = deferrable_hours
        self._waiting: deque[tuple[int, int]] = deque()

    @property
    def is_deferrable(self) -> bool:
        return self._deferrable_hours > 0

    def wanted_wh(self, window: int) -> Sequence[int]:
        """Wh of each step of a window, as they are wanted."""
        return [int(wh) for wh in self._profiles.steps_of(self._household, window).load_wh]

    def used_wh(self, window: int, available_wh: int) -> Sequence[int]:
        """Wh of each step of a window, the next after the one asked for before.

        What can wait does, unless there is energy for it.
        """
        wanted = self.wanted_wh(window)
        if not self._deferrable_hours:
            return wanted
        self._waiting.append((window + self._deferrable_hours, sum(wanted)))
        due = sum(energy_wh for latest, energy_wh in self._waiting if latest <= window)
        used = max(due, min(sum(energy_wh for _, energy_wh in self._waiting), available_wh))
        self._take(used)
        count = len(wanted)
        return [used * (number + 1) // count - used * number // count for number in range(count)]

    def restore(self, window: int, used_wh: int) -> None:
        """Takes up where a former process stopped: what was used in a window, oldest first."""
        if self._deferrable_hours:
            latest = window + self._deferrable_hours
            self._waiting.append((latest, sum(self.wanted_wh(window))))
            self._take(used_wh)

    def _take(self, energy_wh: int) -> None:
        """Strikes out what has waited longest."""
        while self._waiting and energy_wh >= self._waiting[0][1]:
            energy_wh -= self._waiting.popleft()[1]
        if self._waiting and energy_wh:
            latest, left = self._waiting[0]
            self._waiting[0] = (latest, left - energy_wh)
