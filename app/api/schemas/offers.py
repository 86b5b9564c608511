"""Offers."""

from typing import Annotated, Literal, Self

from pydantic import Field

from app.api.schemas.common import (
    AddressText,
    EnergyWh,
    OfferId,
    OnChain,
    PageFilter,
    Price,
    Transactions,
    WindowNumber,
    Write,
)
from app.index.queries import OfferState
from app.index.records import OfferRecord


class OfferFilter(PageFilter):
    """Which offers."""

    window: WindowNumber | None = None
    seller: AddressText | None = None
    state: Literal["open", "sold_out", "cancelled", "closed"] | None = None


class OfferAnswer(OnChain):
    """An offer. `closed`: its window's commit margin began before all of it was agreed on."""

    offer_id: int
    seller: str
    window: int
    energy_wh: int
    floor_price: int
    agreed_wh: int
    remaining_wh: int
    state: OfferState

    @classmethod
    def of(cls, record: OfferRecord, last_closed_window: int) -> Self:
        """An offer as it stands, where trading is over up to `last_closed_window`."""
        state: OfferState = "open" if record.window > last_closed_window else "closed"
        if record.remaining_wh == 0:
            state = "cancelled" if record.cancelled else "sold_out"
        return cls(
            block=record.block,
            log_index=record.log_index,
            transaction_hash=record.transaction_hash,
            at=record.at,
            offer_id=record.offer_id,
            seller=record.seller,
            window=record.window,
            energy_wh=record.energy_wh,
            floor_price=record.floor_price,
            agreed_wh=record.agreed_wh,
            remaining_wh=record.remaining_wh,
            state=state,
        )


class MakeOffer(Write):
    """Energy for a future window, at no less than `floor_price`."""

    window: WindowNumber
    energy_wh: EnergyWh
    floor_price: Price


class OfferWritten(Transactions):
    """The offer that was made or cancelled."""

    offer_id: OfferId


class CancelOffer(Write):
    """Takes an offer back, before its window's commit margin. By its seller."""


class CancelOfferRequest(CancelOffer):
    """Which offer to take back."""

    offer_id: Annotated[OfferId, Field()]
