"""Panels and loads: what a household generates and uses, step by step, from its profile.

A real inverter or load meter stands behind the same two methods.
"""

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

    def __init__(self, household: str, profiles: ProfileSource) -> None:
        super().__init__()
        self._household = household
        self._profiles = profiles

    def generated_wh(self, window: int) -> Sequence[int]:
        """Wh of each step of a window."""
        return [int(wh) for wh in self._profiles.steps_of(self._household, window).pv_wh]


class LoadRole(Role):  # type: ignore[misc] # mango has no types
    """Watches the loads of a household."""

    def __init__(self, household: str, profiles: ProfileSource) -> None:
        super().__init__()
        self._household = household
        self._profiles = profiles

    def used_wh(self, window: int) -> Sequence[int]:
        """Wh of each step of a window."""
        return [int(wh) for wh in self._profiles.steps_of(self._household, window).load_wh]
