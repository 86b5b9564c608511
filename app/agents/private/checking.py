"""What a buyer checks of an agreement before it pays: everything. Pure."""

from app.agents.private.words import SealedAgreement
from app.errors import InputError
from app.ledger.types import Address, Agreement
from app.market.typed_data import private_agreement_digest, recover
from app.market.units import cost_up
from app.privacy.curve import Point
from app.privacy.notes import Note, SentNote
from app.privacy.pedersen import Opening, commit
from app.privacy.spending import Spend
from app.privacy.trading import Rules, StandingOffer, refund_mark, verify_agreement


def check_sealed(
    rules: Rules, agreed: Agreement, owner: Address, refund: SentNote, sealed: SealedAgreement
) -> None:
    """Whether a seller has put under proof what was agreed on.

    Args:
        rules: of the market.
        agreed: what the buyer has signed in the negotiation.
        owner: the one-time account that has made the offer.
        refund: the buyer's own note for what comes back.
        sealed: what the seller has made of it.

    Raises:
        InputError: names what is not as agreed.
    """
    made, agreement = sealed.made, sealed.made.agreement
    _require("offer_id", agreement.offer_id == agreed.offer_id, "must be the offer's")
    _require("id", made.id == rules.agreement_id(agreement), "must be the agreement's")
    _check_opening("energy", made.energy, agreed.energy_wh, agreement.energy)
    _check_opening("price", made.price, agreed.price, agreement.price)
    cost = cost_up(agreed.energy_wh, agreed.price)
    _check_opening("cost", made.payout.opening, cost, agreement.cost)
    payout = Note(agreement.payout_key, agreement.cost)
    _require("payout", made.payout.note == payout, "must be the agreement's note")
    _require("payout", made.payout.message == agreement.payout_message, "must have its message")
    _require("refund", made.refund == refund, "must be the buyer's note")
    _require("refund_key", agreement.refund_key == refund.note.key, "must be the buyer's")
    _require(
        "refund_blinding", agreement.refund_blinding == refund_mark(refund), "must be the buyer's"
    )
    signer = recover(private_agreement_digest(rules.domain, made.id), made.signature)
    _require("signature", signer == owner, "must be by the offer's owner")


def check_proofs(
    rules: Rules, owner: Address, floor_price: Point, sealed: SealedAgreement, payment: Spend
) -> None:
    """Whether all proofs hold that the market will look at; InputError where one doesn't."""
    offer = StandingOffer(owner, sealed.standing, floor_price)
    made = sealed.made
    holds = verify_agreement(rules, offer, made.agreement, made.proofs, payment)
    _require("proofs", holds, "must hold")


def _check_opening(name: str, opening: Opening, value: int, commitment: Point) -> None:
    _require(name, opening.value == value, "must be what was agreed on")
    _require(name, commit(opening) == commitment, "must open its commitment")


def _require(field: str, holds: bool, rule: str) -> None:
    if not holds:
        raise InputError(field, rule, "something else")
