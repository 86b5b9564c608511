"""What a household sees of its own private trades, and nobody else does.

Energy in Wh, prices in money per kWh, money in 1e-6; each with the blinding that opens its public
commitment.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from app.ledger.types import Address
from app.privacy.pedersen import Opening


class TradeSide(StrEnum):
    """On which side of a trade a household is."""

    SOLD = "sold"
    BOUGHT = "bought"


class TradeState(StrEnum):
    """What became of an agreement: PARTLY is settled for less than was agreed."""

    OPEN = "open"
    SETTLED = "settled"
    PARTLY = "partly"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PrivateOffer:
    """An offer that the household has made."""

    offer_id: int
    window: int
    energy: Opening
    floor_price: Opening


@dataclass(frozen=True, slots=True)
class PrivateTrade:
    """An agreement that it is a side of. `delivered_wh` is None until the trade is settled."""

    agreement_id: bytes
    offer_id: int
    window: int
    side: TradeSide
    energy: Opening
    price: Opening
    cost: Opening
    state: TradeState
    delivered_wh: int | None


@dataclass(frozen=True, slots=True)
class PrivateView:
    """A household's own view: its keys, offers and trades."""

    account: Address
    name: str
    member_secret: int = field(repr=False)
    note_view_secret: int = field(repr=False)
    note_spend_secret: int = field(repr=False)
    offers: tuple[PrivateOffer, ...]
    trades: tuple[PrivateTrade, ...]
