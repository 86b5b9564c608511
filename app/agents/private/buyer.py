"""The buying side of a household in one window: it checks everything, then it pays."""

import asyncio
from dataclasses import dataclass

from app.agents.negotiation.buyer import Purchase, PurchaseState
from app.agents.negotiation.seat import Seat
from app.agents.private.access import PrivateAccess
from app.agents.private.checking import check_proofs, check_sealed
from app.agents.private.household import PrivateHousehold
from app.agents.private.journal import KeptTrade
from app.agents.private.mailbox import Mailbox
from app.agents.private.view import TradeSide
from app.agents.private.words import AgreementRequest, SealedAgreement
from app.agents.trading.buyer import BuyerRole
from app.errors import ConflictError, NotFoundError
from app.ledger.private import NoteLog
from app.ledger.private_calls import allow_transaction
from app.ledger.types import Receipt
from app.privacy.clsag import SpendableNote
from app.privacy.notes import SentNote, send_note
from app.privacy.spending import Spend
from app.privacy.trading import StandingOffer, pay_agreement

PAYMENT_RING = 11

_LOST = (PurchaseState.REFUSED, PurchaseState.FAILED)


@dataclass(frozen=True, slots=True)
class _Payment:
    sealed: SealedAgreement
    note: SpendableNote
    spend: Spend


class PrivateBuyer:
    """Buys for a household from sellers that it doesn't know."""

    def __init__(
        self, household: PrivateHousehold, access: PrivateAccess, role: BuyerRole, mailbox: Mailbox
    ) -> None:
        self.household = household
        self.role = role
        self._access = access
        self._mailbox = mailbox
        self._refunds: dict[bytes, SentNote] = {}
        self._payments: dict[bytes, _Payment] = {}
        self._offers: dict[int, StandingOffer] = {}

    def open(self, seat: Seat) -> None:
        """Takes a seat at the negotiation."""
        self.role.open(seat)

    @property
    def purchases(self) -> dict[bytes, Purchase]:
        """What was signed for and not refused, by its reference."""
        return {each.agreement_id: each for each in self.role.purchases if each.state not in _LOST}

    def ask(self) -> None:
        """Asks for each agreement that did not come yet, with a note for what may come back."""
        for reference, purchase in self.purchases.items():
            seller = self.role.seller_at(purchase.conversation_id)
            if seller is None or self._sealed(purchase) is not None:
                continue
            if reference not in self._refunds:
                self._refunds[reference] = send_note(self.household.purse.address, 0)
            request = AgreementRequest(reference, self._refunds[reference])
            self._mailbox.words.say(seller, request)

    async def prepare(self, reference: bytes, log: NoteLog) -> bool:
        """Checks an agreement, and proves its payment; nothing is paid yet.

        Returns whether it can be paid now: not where the change of other payments has to come
        first. Raises InputError for what is not as agreed on, NotFoundError where there is nothing
        to pay.
        """
        purchase = self.purchases.get(reference)
        sealed = self._sealed(purchase) if purchase else None
        if purchase is None or sealed is None:
            raise NotFoundError("no agreement came from the seller")
        former = self._payments.pop(reference, None)
        if former is not None:
            if former.sealed == sealed:
                self._payments[reference] = former
                return True
            self.household.purse.release(former.note)
        offer = await self._offer(sealed.made.agreement.offer_id)
        rules, agreed = self._access.rules, purchase.signed.agreement
        check_sealed(rules, agreed, offer.owner, self._refunds[reference], sealed)
        purse = self.household.purse
        note = purse.reserve(sealed.made.cost)
        if note is None:
            return False

        def prove() -> Spend:
            size = min(PAYMENT_RING, len(log.notes))
            ring = log.ring_for(note.note, size, self._access.draw)
            spend = pay_agreement(rules, sealed.made, note, ring, purse.address)
            check_proofs(rules, offer.owner, offer.floor_price, sealed, spend)
            return spend

        try:
            spend = await asyncio.to_thread(prove)
        except BaseException:
            purse.release(note)
            raise
        self._payments[reference] = _Payment(sealed, note, spend)
        return True

    async def pay(self, reference: bytes) -> Receipt:
        """Lets the relay write an agreement with its payment; its errors."""
        payment = self._payments.pop(reference, None)
        if payment is None:
            raise NotFoundError("nothing was prepared to be paid")
        made = payment.sealed.made
        now = await self._access.private.standing(made.agreement.offer_id)
        try:
            if now is None or now.energy != payment.sealed.standing:
                raise ConflictError("the offer has not left what the agreement takes from")
            window = self.purchases[reference].signed.agreement.window
            self.household.journal.keep(KeptTrade(window, TradeSide.BOUGHT, made))
            return await self._access.send(
                allow_transaction(made.agreement, made.proofs, made.signature, payment.spend)
            )
        except BaseException:
            self.household.purse.release(payment.note)
            raise

    def sealed(self, reference: bytes) -> SealedAgreement | None:
        """What the seller has said of an agreement."""
        purchase = self.purchases.get(reference)
        return self._sealed(purchase) if purchase else None

    def _sealed(self, purchase: Purchase) -> SealedAgreement | None:
        seller = self.role.seller_at(purchase.conversation_id)
        word = self._mailbox.words.word(purchase.agreement_id, seller)
        return word if isinstance(word, SealedAgreement) else None

    async def _offer(self, offer_id: int) -> StandingOffer:
        if offer_id not in self._offers:
            found = await self._access.private.standing(offer_id)
            if found is None:
                raise NotFoundError(f"there is no offer {offer_id}")
            self._offers[offer_id] = found
        return self._offers[offer_id]
