"""The selling side of a household in one window: an offer, and agreements under proof."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.agents.negotiation.seat import Seat
from app.agents.negotiation.seller import Booking
from app.agents.private.access import PrivateAccess
from app.agents.private.household import PrivateHousehold
from app.agents.private.journal import KeptOffer, KeptTrade
from app.agents.private.mailbox import Mailbox
from app.agents.private.offering import Details
from app.agents.private.view import TradeSide
from app.agents.private.words import AgreementRequest, SealedAgreement
from app.agents.trading.seller import SellerRole
from app.errors import InputError, NotFoundError
from app.ledger.private_calls import make_offer as offer_call
from app.ledger.types import Address, Receipt
from app.privacy import trading
from app.privacy.curve import Point
from app.privacy.details import seal_details
from app.privacy.notes import SentNote
from app.privacy.pedersen import commit
from app.privacy.rows import from_row
from app.privacy.trading import Deal, MadeOffer, OfferDraft, OfferTerms

SLOT = 0


class PrivateSeller:
    """Sells one offer of a household to buyers that it doesn't know."""

    def __init__(
        self, household: PrivateHousehold, access: PrivateAccess, role: SellerRole, mailbox: Mailbox
    ) -> None:
        self.household = household
        self.role = role
        self._access = access
        self._mailbox = mailbox
        self._offer: MadeOffer | None = None
        self._offer_id = 0
        self._sealed: dict[bytes, SealedAgreement] = {}
        self._paid: set[bytes] = set()
        self._failed: set[bytes] = set()

    @property
    def owner(self) -> Address | None:
        """The one-time account of the offer; None as long as none is published."""
        return self._made.terms.owner if self._offer_id else None

    async def prepare(
        self, ring: Sequence[Point], window: int, energy_wh: int, floor_price: int
    ) -> None:
        """Makes the offer with its proofs, for the members of the window's round."""
        details = Details(energy_wh, floor_price, self._mailbox.endpoint)
        household = self.household

        def make() -> MadeOffer:
            sealed = seal_details(details.pack(), ring)
            draft = OfferDraft(window, SLOT, energy_wh, floor_price, sealed)
            member = household.wallet.member
            return trading.make_offer(self._access.rules, member, ring, draft, household.stealth)

        self._offer = await asyncio.to_thread(make)

    async def publish(self) -> Receipt:
        """Lets the relay publish the offer; its errors."""
        made = self._made
        receipt = await self._access.send(offer_call(made.terms, made.proofs))
        self._offer_id = _offer_id(receipt, made.terms)
        self.household.journal.keep(
            KeptOffer(
                offer_id=self._offer_id,
                window=made.terms.window,
                owner=made.terms.owner,
                owner_secret=made.owner_secret,
                energy=made.energy,
                floor_price=made.floor_price,
            )
        )
        return receipt

    def open(self, seat: Seat) -> None:
        """Takes a seat at the negotiation."""
        self.role.open(seat)

    def sealed(self, reference: bytes) -> SealedAgreement:
        """What is under proof; KeyError for what is not."""
        return self._sealed[reference]

    @property
    def queue(self) -> list[bytes]:
        """What is under proof and waits for its payment, in the only order in which it holds."""
        return [reference for reference in self._sealed if reference not in self._paid]

    async def seal(self) -> bool:
        """Puts under proof what buyers ask for, and says it (again) to each that has asked.

        Returns whether there is anything new.
        """
        desk, before = self.role.desk, len(self._sealed)
        for booking in desk.bookings if desk else ():
            reference = booking.agreement_id
            buyer = self.role.buyer_at(booking.conversation_id)
            request = self._mailbox.words.word(reference, buyer)
            if reference in self._failed or not isinstance(request, AgreementRequest):
                continue
            if reference not in self._sealed:
                try:
                    await self._seal(booking, request.refund)
                except InputError:  # a note of a buyer can be anything
                    self._failed.add(reference)
                    continue
            if buyer is not None and reference not in self._paid:
                self._mailbox.words.say(buyer, self._sealed[reference])
        return len(self._sealed) > before

    def note_paid(self, reference: bytes) -> None:
        """An agreement counts from now on."""
        self._paid.add(reference)

    def note_failed(self, reference: bytes) -> None:
        """An agreement was not paid: what was to follow it must be put under proof anew.

        The journal keeps all of them while they could still be paid.
        """
        self._failed.add(reference)
        for unpaid in self.queue:
            del self._sealed[unpaid]

    async def _seal(self, booking: Booking, refund: SentNote) -> None:
        agreed = booking.signed.agreement
        remaining = self._made.energy
        for sealed in self._sealed.values():
            remaining -= sealed.made.energy
        made = await asyncio.to_thread(
            trading.make_agreement,
            self._access.rules,
            self._made,
            Deal(self._offer_id, remaining, agreed.energy_wh, agreed.price),
            self.household.purse.address,
            refund,
        )
        self.household.journal.keep(KeptTrade(agreed.window, TradeSide.SOLD, made))
        reference = booking.agreement_id
        self._sealed[reference] = SealedAgreement(reference, commit(remaining), made)

    @property
    def _made(self) -> MadeOffer:
        if self._offer is None:
            raise InputError("offer", "must be prepared first", None)
        return self._offer


def _offer_id(receipt: Receipt, terms: OfferTerms) -> int:
    """The market's number of an offer; a relay may have sent it together with others."""
    for event in receipt.events:
        found: Any = event.arguments
        if event.name == "OfferMade" and from_row(OfferTerms, found["terms"]) == terms:
            return int(found["offerId"])
    raise NotFoundError("the receipt of the relay does not show the offer")
