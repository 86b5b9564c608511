"""The agent that forecasts, and owns up to its errors (Mezquita et al. 2022, FA)."""

from dataclasses import dataclass

from mango import Role

from app.agents.analytics.history import DataReaderRole, WindowEnergy
from app.agents.analytics.knowledge import KnowledgeExtractorRole
from app.agents.analytics.models import Persistence


@dataclass(frozen=True, slots=True)
class ForecastError:
    """How far a forecast was from what was metered, and how far persistence would have been.

    Absolute errors in Wh, of one household in one window; `net` is load less generation.
    """

    household: str
    window: int
    load_wh: int
    pv_wh: int
    net_wh: int
    persistence_load_wh: int
    persistence_pv_wh: int
    persistence_net_wh: int


class ForecasterRole(Role):  # type: ignore[misc] # mango has no types
    """Forecasts load and generation of the hours to come from the hours that were metered."""

    def __init__(self, household: str) -> None:
        super().__init__()
        self._household = household
        self._made: dict[int, tuple[WindowEnergy, WindowEnergy]] = {}

    def forecast(self, window: int) -> WindowEnergy:
        """Load and generation of a window that is not over.

        The first forecast for a window, which trading is based on, is the one that is compared.
        """
        data = self.context.get_role(DataReaderRole)
        knowledge = self.context.get_role(KnowledgeExtractorRole)
        loads, generation = data.loads, data.generation
        forecast = WindowEnergy(
            knowledge.load_model.predict(loads, window),
            knowledge.pv_model.predict(generation, window),
        )
        yardstick = WindowEnergy(
            Persistence().predict(loads, window), Persistence().predict(generation, window)
        )
        self._made.setdefault(window, (forecast, yardstick))
        return forecast

    def compare(self, window: int, metered: WindowEnergy) -> ForecastError | None:
        """The error of the first forecast that was made for a window; None if there was none."""
        made = self._made.pop(window, None)
        if made is None:
            return None
        forecast, yardstick = made
        return ForecastError(
            household=self._household,
            window=window,
            load_wh=abs(forecast.load_wh - metered.load_wh),
            pv_wh=abs(forecast.pv_wh - metered.pv_wh),
            net_wh=abs(_net(forecast) - _net(metered)),
            persistence_load_wh=abs(yardstick.load_wh - metered.load_wh),
            persistence_pv_wh=abs(yardstick.pv_wh - metered.pv_wh),
            persistence_net_wh=abs(_net(yardstick) - _net(metered)),
        )


def _net(energy: WindowEnergy) -> int:
    return energy.load_wh - energy.pv_wh
