"""What a household has metered, hour by hour: the data that its forecasts may use."""

from dataclasses import dataclass

from mango import Role

from app.scenario.profiles import EnergySeries

KEPT_WINDOWS = 24 * 7 * 3


@dataclass(frozen=True, slots=True)
class WindowEnergy:
    """Load and generation of one household in one window, in Wh."""

    load_wh: int
    pv_wh: int


class DataReaderRole(Role):  # type: ignore[misc] # mango has no types
    """Collects a household's own data from its meter (Mezquita et al. 2022, DRA)."""

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[int, WindowEnergy] = {}

    def note_history(self, series: EnergySeries, before_window: int) -> None:
        """Takes what was metered before the market began: the last entry is the window before."""
        first = before_window - len(series.load_wh)
        for offset, (load, pv) in enumerate(zip(series.load_wh, series.pv_wh, strict=True)):
            self._windows[first + offset] = WindowEnergy(int(load), int(pv))

    def note(self, window: int, energy: WindowEnergy) -> None:
        """Takes the energy of a window that is over."""
        self._windows[window] = energy
        while len(self._windows) > KEPT_WINDOWS:
            del self._windows[min(self._windows)]

    @property
    def loads(self) -> dict[int, int]:
        """Wh used, by window."""
        return {window: energy.load_wh for window, energy in self._windows.items()}

    @property
    def generation(self) -> dict[int, int]:
        """Wh generated, by window."""
        return {window: energy.pv_wh for window, energy in self._windows.items()}
