"""Readings and positions."""

from typing import Annotated

from pydantic import Field

from app.api.schemas.common import (
    AddressText,
    Body,
    Hash,
    KeySignature,
    MeteredWh,
    OnChain,
    PageFilter,
    WindowNumber,
    Write,
)
from app.ledger.types import Reading, SignedReading

MAX_BATCH = 100
NO_DATA = "0x" + "00" * 32


class ReadingFilter(PageFilter):
    """Which readings."""

    window: WindowNumber | None = None
    owner: AddressText | None = None


class PositionFilter(PageFilter):
    """Which positions."""

    window: WindowNumber | None = None
    participant: AddressText | None = None


class ReadingAnswer(OnChain):
    """What a meter saw in a window."""

    owner: str
    window: int
    meter: str
    exported_wh: int
    imported_wh: int
    losses_wh: int
    data_root: str


class Metered(Body):
    """What a meter saw in a window."""

    window: WindowNumber
    exported_wh: MeteredWh
    imported_wh: MeteredWh
    losses_wh: Annotated[MeteredWh, Field(description="Only of storages")] = 0
    data_root: Annotated[Hash, Field(description="Hash of the window's raw data")] = NO_DATA

    def of_meter(self, meter: str) -> Reading:
        """The same for the ledger."""
        return Reading(
            meter=meter,
            window=self.window,
            exported_wh=self.exported_wh,
            imported_wh=self.imported_wh,
            losses_wh=self.losses_wh,
            data_root=bytes.fromhex(self.data_root[2:]),
        )


class MeterReading(Metered):
    """What a meter saw in a window, and which one."""

    meter: AddressText


class MeterSigned(MeterReading):
    """A reading with its meter's signature."""

    signature: KeySignature

    def unpacked(self) -> SignedReading:
        """The same for the ledger."""
        return SignedReading(self.of_meter(self.meter), bytes.fromhex(self.signature[2:]))


class SubmitReadings(Body):
    """Readings that their meters have signed; anyone may send them. All or none."""

    readings: Annotated[list[MeterSigned], Field(min_length=1, max_length=MAX_BATCH)]


class SignReading(Write, Metered):
    """Lets a development meter (`from`) sign what it saw."""


class PositionAnswer(OnChain):
    """A closed position: energy sold to the grid, or (negative) bought from it, and its money."""

    participant: str
    window: int
    net_wh: int
    amount: int


class ClosePositions(Write):
    """Closes positions of a window that is over. Those that are closed are passed over."""

    window: WindowNumber
    participants: Annotated[list[AddressText], Field(min_length=1, max_length=MAX_BATCH)]
