"""How often somebody may do what costs the gateway gas."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from app.errors import TooManyRequestsError


class RateLimit:
    """A bucket of `burst` tokens a caller, refilled by `per_second`; one request takes one token.

    At most `callers` are remembered. Who was not seen for longest is forgotten, which gives it no
    more than its full bucket back.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        burst: int,
        per_second: float,
        callers: int = 10_000,
    ) -> None:
        self._clock = clock
        self._burst = burst
        self._per_second = per_second
        self._callers = callers
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, caller: Hashable) -> None:
        """Takes a token of `caller`; raises TooManyRequestsError if it has none left."""
        now = self._clock()
        tokens, seen = self._buckets.pop(caller, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - seen) * self._per_second)
        if tokens < 1:
            self._buckets[caller] = (tokens, now)
            raise TooManyRequestsError(
                f"no more than {self._burst} at once and {self._per_second:g} a second",
                hint="slow down",
            )
        self._buckets[caller] = (tokens - 1, now)
        while len(self._buckets) > self._callers:
            self._buckets.popitem(last=False)
