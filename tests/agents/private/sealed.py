"""An agreement that a seller has put under proof, without a chain."""

from dataclasses import dataclass

from app.agents.private.checking import check_sealed
from app.agents.private.words import SealedAgreement
from app.chain.keys import development_auditor_key
from app.ledger.types import Agreement
from app.privacy import trading
from app.privacy.keys import MemberKey
from app.privacy.notes import NoteKeys, SentNote, send_note
from app.privacy.spending import Pool
from app.privacy.stealth import StealthKeys
from app.privacy.trading import Band, Deal, MadeOffer, OfferDraft, Rules

WINDOW, OFFER_ID, ENERGY_WH, PRICE = 407_072, 407_072 << 32, 1_603, 200_001

RULES = Rules(
    1337,
    "0x00000000000000000000000000000000000000C5",
    Pool(1337, "0x00000000000000000000000000000000000000C6"),
    development_auditor_key().public,
    Band(80_000, 320_000),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What a buyer has: what it agreed on, its refund note, and what the seller has sent."""

    agreed: Agreement
    offer: MadeOffer
    refund: SentNote
    sealed: SealedAgreement
    purse: NoteKeys

    def check(self, sealed: SealedAgreement) -> None:
        check_sealed(RULES, self.agreed, self.offer.terms.owner, self.refund, sealed)


def sealed_case() -> Case:
    """A sale of a part of an offer, made by its seller."""
    seller, buyer = NoteKeys(101, 102), NoteKeys(201, 202)
    members = [MemberKey.from_secret(number) for number in range(11, 15)]
    offer = trading.make_offer(
        RULES,
        members[0],
        [member.public for member in members],
        OfferDraft(WINDOW, 0, 9_000, 80_000),
        StealthKeys(301, 302),
    )
    refund = send_note(buyer.address(), 0)
    deal = Deal(OFFER_ID, offer.energy, ENERGY_WH, PRICE)
    made = trading.make_agreement(RULES, offer, deal, seller.address(), refund)
    agreed = Agreement(
        offer_id=OFFER_ID,
        seller=offer.terms.owner,
        buyer="0x00000000000000000000000000000000000000b1",
        window=WINDOW,
        energy_wh=ENERGY_WH,
        price=PRICE,
        deadline=0,
        salt=1,
    )
    return Case(agreed, offer, refund, SealedAgreement(bytes(32), offer.terms.energy, made), buyer)
