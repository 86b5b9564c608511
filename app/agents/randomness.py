"""Where agents take their random numbers from: the seed, who draws, and for which window."""

from collections.abc import Callable
from zlib import crc32

import numpy as np

RngOf = Callable[[int], np.random.Generator]


def rng_of(seed: int, name: str) -> RngOf:
    """The generators of one role of one agent, by window."""
    identity = crc32(name.encode())
    return lambda window: np.random.default_rng([seed, identity, window])
