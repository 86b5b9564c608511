"""Money that an agent may still promise."""

from app.market.units import WH_PER_KWH


class Budget:
    """Free money of one account, from which promises are locked and released.

    Buyer and seller of one household share it, so that together they never promise more than the
    account has.
    """

    def __init__(self, free: int) -> None:
        self._available = free

    @property
    def available(self) -> int:
        return self._available

    def lock(self, amount: int) -> None:
        """Sets money aside; raises ValueError if there isn't so much."""
        if amount > self._available:
            raise ValueError(f"{amount} is more than {self._available}")
        self._available -= amount

    def release(self, amount: int) -> None:
        """Money that was locked is free again."""
        self._available += amount

    def affordable_wh(self, price_per_kwh: int) -> int:
        """Most energy whose cost, rounded up, is available."""
        return self._available * WH_PER_KWH // price_per_kwh if price_per_kwh else 2**32 - 1
