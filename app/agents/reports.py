"""What a street says about its work. Energy in Wh, money in 1e-6, prices in money per kWh."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.agents.analytics.forecaster import ForecastError
from app.agents.auction.orders import RoundPrices
from app.agents.auction.trader import PlacedOrder
from app.agents.operator.external_market import GridExchange
from app.agents.operator.microgrid import Settlement
from app.agents.trading.planning import Plan
from app.ledger.types import Offer, Terms


@dataclass(frozen=True, slots=True)
class DeadlineMiss:
    """Something that came later than planned, or was refused because its phase was over.

    `planned` is the last market second at which it would have been in time, `at` when it was done.
    """

    window: int
    step: str
    who: str
    planned: int
    at: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class RefusedWrite:
    """A write that the ledger refused for another reason than its time."""

    window: int
    step: str
    who: str
    error: str


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """An agreement that was written, with the strategies that led to it."""

    agreement_id: bytes
    window: int
    offer_id: int
    seller: str
    buyer: str
    energy_wh: int
    price: int
    seller_strategy: str
    buyer_strategy: str


@dataclass(frozen=True, slots=True)
class SettlementReport:
    """A window that is over: what was settled, and what crossed the border of the microgrid."""

    window: int
    settlement: Settlement
    grid: GridExchange
    readings: int
    forecast_errors: tuple[ForecastError, ...]


@dataclass(frozen=True, slots=True)
class WindowReport:
    """One market hour: what was traded for the window `window`, and what was settled meanwhile.

    `unserved_wh` is what buyers still looked for at the end, `dropped` how many conversations were
    given up for want of an answer. `orders` were placed in the auction, and `round_prices` came of
    it, if anything was traded there. `council` are sentences on what members, treasurers and
    auditors did.
    """

    window: int
    terms: Terms
    plans: dict[str, Plan]
    offers: tuple[Offer, ...]
    trades: tuple[TradeRecord, ...]
    settled: tuple[SettlementReport, ...]
    misses: tuple[DeadlineMiss, ...]
    refused: tuple[RefusedWrite, ...]
    messages: int
    messages_lost: int
    dropped: int
    unserved_wh: int
    orders: tuple[PlacedOrder, ...] = ()
    round_prices: RoundPrices | None = None
    council: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """Mean absolute errors in Wh per household and hour, beside those of persistence."""

    count: int
    load_wh: float
    pv_wh: float
    net_wh: float
    persistence_load_wh: float
    persistence_pv_wh: float
    persistence_net_wh: float


def score(errors: Iterable[ForecastError]) -> ForecastScore | None:
    """The mean of forecast errors; None if there are none."""
    rows = list(errors)
    if not rows:
        return None

    def mean(values: Iterable[int]) -> float:
        return sum(values) / len(rows)

    return ForecastScore(
        count=len(rows),
        load_wh=mean(row.load_wh for row in rows),
        pv_wh=mean(row.pv_wh for row in rows),
        net_wh=mean(row.net_wh for row in rows),
        persistence_load_wh=mean(row.persistence_load_wh for row in rows),
        persistence_pv_wh=mean(row.persistence_pv_wh for row in rows),
        persistence_net_wh=mean(row.persistence_net_wh for row in rows),
    )
