"""The speculator with storage (Huang et al. 2022, section 2.2, role 3).

It watches how the price has changed within a time window tau: where it fell by more than a
threshold it buys, where it rose by more than another it sells, and never more than its storage has
room for, or holds. (The paper's sentence on the two thresholds names the directions the other way
round; that it buys low and sells high is what the paper argues for.)
"""

from collections import deque
from dataclasses import dataclass

from app.agents.auction.orders import Draft, RoundPrices
from app.ledger.types import Side, Terms
from app.scenario.profiles import PERMILLE
from app.scenario.scenario import Battery

LEAST_TRADE_WH = 100


@dataclass(frozen=True, slots=True)
class SpeculatorSetting:
    """`lookback` is tau in rounds; the thresholds (TH) are relative changes of the price."""

    lookback: int
    buy_threshold: float
    sell_threshold: float


@dataclass(frozen=True, slots=True)
class StorageOutlook:
    """What a storage can do in a round: sell so much at most, or take in so much at most (Wh)."""

    terms: Terms
    sellable_wh: int
    room_wh: int


class Speculator:
    """Buys after prices have fallen, sells after they have risen.

    Its limit is the price at which that would just still be so: the one that the change is measured
    from, less (or plus) the threshold. It never buys at the ceiling, where the grid would serve it.
    """

    def __init__(self, setting: SpeculatorSetting) -> None:
        self._setting = setting
        self._prices: deque[RoundPrices] = deque(maxlen=setting.lookback + 1)

    @property
    def change(self) -> float | None:
        """Relative change of the mean price over the last tau rounds; None while there is none."""
        if len(self._prices) < 2 or self._prices[0].mean == 0:
            return None
        return self._prices[-1].mean / self._prices[0].mean - 1

    def draft(self, outlook: StorageOutlook) -> Draft | None:
        """The order for a round, or None for no order."""
        change = self.change
        if change is None:
            return None
        reference, latest = self._prices[0].mean, self._prices[-1].mean
        cheap = round(reference * (1 - self._setting.buy_threshold))
        dear = round(reference * (1 + self._setting.sell_threshold))
        low, high = outlook.terms.grid_floor, outlook.terms.grid_ceiling
        if latest < cheap and outlook.room_wh >= LEAST_TRADE_WH and cheap >= low:
            words = f"buys: the price fell by {-change:.1%}"
            return Draft(Side.BUY, outlook.room_wh, min(cheap, high - 1), words)
        if latest > dear and outlook.sellable_wh >= LEAST_TRADE_WH and dear <= high:
            words = f"sells: the price rose by {change:.1%}"
            return Draft(Side.SELL, outlook.sellable_wh, max(dear, low), words)
        return None

    def learn(self, prices: RoundPrices | None) -> None:
        """Takes note of a round's prices; one in which nothing was traded has none."""
        if prices is None:
            return
        self._prices.append(prices)
        while self._prices[0].window < prices.window - self._setting.lookback:
            self._prices.popleft()


def storage_outlook(
    terms: Terms, battery: Battery, *, stored_wh: int, tokens_wh: int | None = None
) -> StorageOutlook:
    """What a storage that will hold `stored_wh` when the window begins can do within the window.

    A storage inside the microgrid sells no more than its energy tokens (`tokens_wh`), either.
    """
    sellable = min(stored_wh, battery.power_w)
    room = max(battery.capacity_wh - stored_wh, 0) * PERMILLE // battery.efficiency_permille
    return StorageOutlook(
        terms=terms,
        sellable_wh=max(sellable if tokens_wh is None else min(sellable, tokens_wh), 0),
        room_wh=min(room, battery.power_w),
    )
