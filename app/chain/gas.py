"""How much gas a call is sent with: an estimate would make Ganache several times slower.

The bounds are about twice what the functions use at most. That costs nothing, as unused gas is not
paid for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

BLOCK_GAS_LIMIT = 30_000_000

# Some space in a block for the transactions of others.
_BATCH_GAS_LIMIT = 27_000_000


@dataclass(frozen=True, slots=True)
class GasBound:
    """Gas of a call with `items` items in its lists; never more than a block has."""

    base: int
    per_item: int = 0

    def of(self, items: int = 0) -> int:
        return min(self.base + self.per_item * items, BLOCK_GAS_LIMIT)

    def items(self, maximum: int) -> int:
        """How many items fit into one block, at most `maximum`."""
        return min(maximum, (_BATCH_GAS_LIMIT - self.base) // self.per_item)


_BOUNDS: Mapping[str, GasBound] = {
    "publishInfo": GasBound(1_000_000),
    "publishTerms": GasBound(100_000, 60_000),
    "allowTransactions": GasBound(200_000, 200_000),
    "makeTransactions": GasBound(200_000, 250_000),
    "submitReadings": GasBound(150_000, 150_000),
    "closePositions": GasBound(150_000, 250_000),
    "clear": GasBound(500_000, 200_000),
    "releaseOrders": GasBound(150_000, 100_000),
    "propose": GasBound(1_000_000, 200_000),
    "queue": GasBound(400_000, 100_000),
    "execute": GasBound(400_000, 500_000),
    "cancel": GasBound(400_000, 100_000),
}
_OTHERS = GasBound(400_000)

# What the forwarder itself needs on top of the call that it makes.
RELAY_OVERHEAD = 150_000
MAX_RELAYED_GAS = 2_000_000


def bound_of(function: str) -> GasBound:
    """The bound of a contract's function by its name."""
    return _BOUNDS.get(function, _OTHERS)
