"""The offers of a round, as each of its members reads them with its own key."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mango import AgentAddress

from app.agents.negotiation.endpoint import address_of
from app.agents.private.buyer import PrivateBuyer
from app.agents.private.household import PrivateHousehold
from app.agents.private.offering import Details
from app.agents.private.seller import PrivateSeller
from app.agents.trading.buyer import BuyerRole
from app.agents.trading.seller import SellerRole
from app.ledger.private import PrivateLedger, SeenOffer
from app.ledger.types import Address, Lapses, Offer
from app.privacy.curve import Point


@dataclass(frozen=True, slots=True)
class OneTimeTrader:
    """A household in one window's negotiation, under accounts and names that say nothing."""

    selling: PrivateSeller
    buying: PrivateBuyer

    @property
    def household(self) -> PrivateHousehold:
        return self.buying.household

    @property
    def name(self) -> str:
        return self.household.name

    @property
    def seller(self) -> SellerRole:
        return self.selling.role

    @property
    def buyer(self) -> BuyerRole:
        return self.buying.role


class PrivateBoard:
    """What is on offer in private for one window."""

    def __init__(
        self,
        private: PrivateLedger,
        window: int,
        ring: Sequence[Point],
        readers: Sequence[OneTimeTrader],
    ) -> None:
        self._private = private
        self._window = window
        self._ring = ring
        self._readers = readers
        self._known: set[int] = set()
        self._offers: dict[int, Offer] = {}
        self._readable: dict[str, list[Offer]] = {reader.name: [] for reader in readers}
        self._endpoints: dict[Address, AgentAddress] = {}

    @property
    def endpoints(self) -> Mapping[Address, AgentAddress]:
        return self._endpoints

    async def look(self) -> Sequence[Offer]:
        if await self._private.offer_count(self._window) > len(self._known):
            for seen in await self._private.offers(self._window):
                if seen.id not in self._known:
                    self._known.add(seen.id)
                    await self._read(seen)
        return tuple(self._offers.values())

    def offers_for(self, reader: OneTimeTrader) -> Sequence[Offer]:
        return self._readable[reader.name]

    async def record_of(self, seller: Address, first: int, count: int) -> Lapses:
        """A one-time account has no past."""
        return Lapses()

    async def _read(self, seen: SeenOffer) -> None:
        for reader in self._readers:
            member = reader.household.wallet.member
            plain = await asyncio.to_thread(seen.details, self._ring, member)
            details = Details.unpack(plain) if plain is not None else None
            if details is None:
                continue
            address = address_of(details.endpoint)
            if address is not None:
                self._endpoints.setdefault(seen.terms.owner, address)
                offer = details.offer(seen)
                self._offers[seen.id] = offer
                self._readable[reader.name].append(offer)
