"""What a private offer tells the members of its round, and nobody else: its details, sealed.

On the wire, before sealing: the energy in Wh and the least price, in money per kWh, as four bytes
each, then the endpoint of a one-time mailbox in ASCII.
"""

import struct
from dataclasses import dataclass

from app.agents.negotiation.endpoint import address_of
from app.ledger.private import SeenOffer
from app.ledger.types import Offer

_NUMBERS = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Details:
    """What an offer is, and where its maker negotiates."""

    energy_wh: int
    floor_price: int
    endpoint: str

    def pack(self) -> bytes:
        """For `seal_details`."""
        return _NUMBERS.pack(self.energy_wh, self.floor_price) + self.endpoint.encode("ascii")

    @classmethod
    def unpack(cls, plain: bytes) -> "Details | None":
        """None for what makes no sense: any member can seal anything."""
        if len(plain) < _NUMBERS.size:
            return None
        energy_wh, floor_price = _NUMBERS.unpack_from(plain)
        endpoint = plain[_NUMBERS.size :].decode("ascii", errors="replace")
        if energy_wh == 0 or address_of(endpoint) is None:
            return None
        return cls(energy_wh, floor_price, endpoint)

    def offer(self, seen: SeenOffer) -> Offer:
        """The offer as the negotiation knows offers; its seller is the one-time account."""
        return Offer(
            id=seen.id,
            seller=seen.terms.owner,
            window=seen.terms.window,
            energy_wh=self.energy_wh,
            floor_price=self.floor_price,
            agreed_wh=0,
            cancelled=False,
        )
