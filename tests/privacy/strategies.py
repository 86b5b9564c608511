"""Random scalars and openings, and how many of them a busy machine bears."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from app.privacy.curve import N
from app.privacy.pedersen import Opening


def numbers_below(order: int) -> st.SearchStrategy[int]:
    """Of 32 random bytes: Hypothesis draws few of its own integers that are so long."""
    return st.binary(min_size=32, max_size=32).map(lambda raw: int.from_bytes(raw, "big") % order)


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


scalars = numbers_below(N)
nonzero_scalars = numbers_below(N - 1).map(lambda number: number + 1)
openings = st.builds(Opening, scalars, nonzero_scalars)
