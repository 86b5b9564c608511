"""Models that forecast an hour's energy from the hours before. Pure functions of the history.

A history maps windows to Wh; a forecast for window `w` uses what it holds before `w` and nothing
else. All forecasts are whole Wh, never negative.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.errors import ScenarioError

History = Mapping[int, int]
Naive = Sequence[tuple[str, float]]

DAY = 24
WEEK = 7 * DAY
RECENT_DAYS = 3
TRAINING_WINDOWS = 3 * DAY


class Model(Protocol):
    """A way to forecast; `train` makes it from what is known."""

    def train(self, history: History) -> None: ...
    def predict(self, history: History, window: int) -> int: ...


class Persistence:
    """The next hour will be as the last one that was metered; the yardstick for other models."""

    def train(self, history: History) -> None:
        """There is nothing to learn."""

    def predict(self, history: History, window: int) -> int:
        known = [known for known in history if known < window]
        return history[max(known)] if known else 0


@dataclass(frozen=True, slots=True)
class Blend:
    """What training has found: the parts of the naive forecasts, and how far an error persists."""

    weights: Mapping[str, float]
    carry: float


class SeasonalNaive:
    """A blend of what was metered at the same hour before, moved by the latest error.

    The naive forecasts are the same hour yesterday, its mean over three days, and the same hour a
    week ago. Each counts by the inverse of its mean squared error over the last days; and of the
    blend's error in the last metered hour, the share `carry` is taken to persist (the regression of
    errors on those two hours earlier). With no day of history it is persistence.
    """

    def __init__(self) -> None:
        self._blend = Blend({}, 0.0)

    @property
    def blend(self) -> Blend:
        return self._blend

    def train(self, history: History) -> None:
        if not any(history.values()):
            return  # whatever the weights, the forecast of nothing is nothing
        last = max(history)
        windows = [w for w in range(last - TRAINING_WINDOWS + 1, last + 1) if w in history]
        naive = {window: _naive(history, window) for window in windows}
        squares: dict[str, list[float]] = {}
        for window, forecasts in naive.items():
            for name, value in forecasts:
                squares.setdefault(name, []).append((value - history[window]) ** 2)
        weights = {
            name: len(errors) / (sum(errors) + len(errors)) for name, errors in squares.items()
        }
        self._blend = Blend(weights, _carry(history, naive, weights))

    def predict(self, history: History, window: int) -> int:
        base = _blended(_naive(history, window), self._blend.weights)
        if base is None:
            return Persistence().predict(history, window)
        last = max(known for known in history if known < window)
        usual = _blended(_naive(history, last), self._blend.weights)
        if usual is not None:
            base += self._blend.carry * (history[last] - usual)
        return max(0, round(base))


LEAD = 2


def _naive(history: History, window: int) -> Naive:
    """The naive forecasts that the history allows."""
    naive: list[tuple[str, float]] = []
    yesterday = history.get(window - DAY)
    if yesterday is not None:
        known = [yesterday]
        for back in range(2, RECENT_DAYS + 1):
            value = history.get(window - DAY * back)
            if value is not None:
                known.append(value)
        naive.append(("yesterday", float(yesterday)))
        naive.append(("recent days", sum(known) / len(known)))
    last_week = history.get(window - WEEK)
    if last_week is not None:
        naive.append(("last week", float(last_week)))
    return naive


def _blended(naive: Naive, weights: Mapping[str, float]) -> float | None:
    """The weighted mean of the naive forecasts; equal weights while none are known."""
    if not naive:
        return None
    shares = [weights.get(name, 0.0) for name, _ in naive]
    if not any(shares):
        shares = [1.0] * len(naive)
    total = sum(share * value for share, (_, value) in zip(shares, naive, strict=True))
    return total / sum(shares)


def _carry(history: History, naive: Mapping[int, Naive], weights: Mapping[str, float]) -> float:
    """The regression of the blend's error on its error two hours earlier, within 0 and 1."""
    errors = {}
    for window, forecasts in naive.items():
        base = _blended(forecasts, weights)
        if base is not None:
            errors[window] = history[window] - base
    pairs = [(errors[w - LEAD], error) for w, error in errors.items() if w - LEAD in errors]
    squares = sum(before * before for before, _ in pairs)
    if not squares:
        return 0.0
    return min(1.0, max(0.0, sum(before * after for before, after in pairs) / squares))


MODELS: Mapping[str, type[Persistence] | type[SeasonalNaive]] = {
    "persistence": Persistence,
    "seasonal-naive": SeasonalNaive,
}


def make_model(field: str, name: str, parameters: Mapping[str, float]) -> Model:
    """A model by its name; raises ScenarioError naming `field`."""
    if name not in MODELS:
        known = f"known: {', '.join(MODELS)}"
        raise ScenarioError(field, "must be a known forecaster", name, hint=known)
    for parameter, value in parameters.items():
        raise ScenarioError(f"{field}.parameters.{parameter}", "is not a known parameter", value)
    return MODELS[name]()
