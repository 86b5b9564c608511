import pytest

from app.api.limits import RateLimit
from app.errors import TooManyRequestsError


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


def test_a_burst_and_then_the_rate(watch: Stopwatch) -> None:
    limit = RateLimit(watch, burst=2, per_second=0.5)
    limit.take("a")
    limit.take("a")
    with pytest.raises(TooManyRequestsError):
        limit.take("a")
    watch.seconds = 1.9
    with pytest.raises(TooManyRequestsError):
        limit.take("a")
    watch.seconds = 2.0
    limit.take("a")


def test_callers_do_not_share(watch: Stopwatch) -> None:
    limit = RateLimit(watch, burst=1, per_second=1)
    limit.take("a")
    limit.take("b")
    with pytest.raises(TooManyRequestsError):
        limit.take("a")


def test_only_so_many_callers_are_remembered(watch: Stopwatch) -> None:
    limit = RateLimit(watch, burst=1, per_second=1, callers=2)
    for caller in "abc":
        limit.take(caller)
    limit.take("a")  # was forgotten
    with pytest.raises(TooManyRequestsError):
        limit.take("c")
