"""A buyer pays for what was agreed on, and for nothing else: each field falsified once."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from coincurve import PrivateKey

from app.agents.private.checking import check_proofs
from app.agents.private.words import SealedAgreement
from app.errors import InputError
from app.market.typed_data import private_agreement_digest, sign
from app.privacy import trading
from app.privacy.clsag import SpendableNote
from app.privacy.curve import G
from app.privacy.fast_curve import FAST
from app.privacy.notes import NoteKeys, SentNote, receive_note, send_note
from app.privacy.pedersen import Opening, commit
from app.privacy.spending import ring_of
from tests.agents.private.sealed import OFFER_ID, RULES, Case


def test_what_was_agreed_on_is_accepted(case: Case) -> None:
    case.check(case.sealed)


def other(sent: SentNote) -> SentNote:
    """A note like this one, for somebody else."""
    return send_note(NoteKeys(901, 902).address(), sent.opening.value)


def signed_anew(case: Case, **changed: object) -> SealedAgreement:
    """The agreement with something else in it, under the seller's signature all the same."""
    agreement = replace(case.sealed.made.agreement, **changed)
    agreement_id = RULES.agreement_id(agreement)
    digest = private_agreement_digest(RULES.domain, agreement_id)
    signature = sign(digest, case.offer.owner_key)
    made = replace(case.sealed.made, agreement=agreement, id=agreement_id, signature=signature)
    return replace(case.sealed, made=made)


def shifted(point: tuple[int, int]) -> tuple[int, int]:
    return FAST.add(point, G)


PUBLIC: dict[str, tuple[str, Callable[[Case], SealedAgreement]]] = {
    "another offer": ("offer_id", lambda c: signed_anew(c, offer_id=OFFER_ID + 1)),
    "more energy": (
        "energy",
        lambda c: signed_anew(c, energy=commit(c.sealed.made.energy + Opening(1, 0))),
    ),
    "another price": (
        "price",
        lambda c: signed_anew(c, price=commit(c.sealed.made.price + Opening(1, 0))),
    ),
    "a higher cost": (
        "cost",
        lambda c: signed_anew(c, cost=commit(c.sealed.made.payout.opening + Opening(1, 0))),
    ),
    "another payout key": (
        "payout",
        lambda c: signed_anew(c, payout_key=shifted(c.sealed.made.agreement.payout_key)),
    ),
    "another message": (
        "payout",
        lambda c: signed_anew(
            c, payout_message=replace(c.sealed.made.agreement.payout_message, encrypted_amount=7)
        ),
    ),
    "a refund to the seller": (
        "refund_key",
        lambda c: signed_anew(c, refund_key=other(c.refund).note.key),
    ),
    "a refund that nobody can open": (
        "refund_blinding",
        lambda c: signed_anew(c, refund_blinding=shifted(c.sealed.made.agreement.refund_blinding)),
    ),
}


@pytest.mark.parametrize("falsified", PUBLIC)
def test_nothing_else_is_paid_for(case: Case, falsified: str) -> None:
    field, make = PUBLIC[falsified]

    with pytest.raises(InputError) as caught:
        case.check(make(case))

    assert caught.value.field == field


OPENED: dict[str, tuple[str, Callable[[Case], dict[str, object]]]] = {
    "less energy": ("energy", lambda c: {"energy": c.sealed.made.energy - Opening(1, 0)}),
    "a blinding of the energy": (
        "energy",
        lambda c: {"energy": c.sealed.made.energy + Opening(0, 1)},
    ),
    "a lower price": ("price", lambda c: {"price": c.sealed.made.price - Opening(1, 0)}),
    "a blinding of the price": ("price", lambda c: {"price": c.sealed.made.price + Opening(0, 1)}),
    "another payout": ("cost", lambda c: {"payout": other(c.sealed.made.payout)}),
    "another refund": ("refund", lambda c: {"refund": other(c.refund)}),
    "another id": ("id", lambda c: {"id": bytes(32)}),
    "a signature of nobody": ("signature", lambda c: {"signature": bytes(65)}),
    "somebody else's signature": (
        "signature",
        lambda c: {
            "signature": sign(
                private_agreement_digest(RULES.domain, c.sealed.made.id), PrivateKey(b"\1" * 32)
            )
        },
    ),
}


@pytest.mark.parametrize("falsified", OPENED)
def test_what_it_is_told_must_open_what_it_pays_for(case: Case, falsified: str) -> None:
    field, changes = OPENED[falsified]
    sealed = replace(case.sealed, made=replace(case.sealed.made, **changes(case)))

    with pytest.raises(InputError) as caught:
        case.check(sealed)

    assert caught.value.field == field


def test_errors_tell_no_secret(case: Case) -> None:
    made = replace(case.sealed.made, energy=case.sealed.made.energy + Opening(0, 1))
    with pytest.raises(InputError) as caught:
        case.check(replace(case.sealed, made=made))
    assert str(made.energy.blinding) not in str(caught.value)


# Proofs


@pytest.fixture(scope="module")
def payment(case: Case) -> trading.Spend:
    own = send_note(case.purse.address(), 1_000_000)
    found = receive_note(
        own.note, own.message, case.purse.address().spend_public, case.purse.view_secret
    )
    assert found is not None
    spendable = SpendableNote(own.note, found.secret(case.purse.spend_secret), found.opening)
    decoys = [send_note(NoteKeys(501, 502).address(), 5).note for _ in range(2)]
    ring = ring_of([own.note, *decoys])
    return trading.pay_agreement(RULES, case.sealed.made, spendable, ring, case.purse.address())


def check(case: Case, sealed: SealedAgreement, payment: trading.Spend) -> None:
    check_proofs(RULES, case.offer.terms.owner, case.offer.terms.floor_price, sealed, payment)


def test_proofs_that_hold_are_accepted(case: Case, payment: trading.Spend) -> None:
    check(case, case.sealed, payment)


def test_an_offer_that_has_less_left_is_refused(case: Case, payment: trading.Spend) -> None:
    """The seller says that more is left than there is: the market would refuse it, too."""
    less = replace(case.sealed, standing=commit(case.offer.energy - Opening(9_000, 0)))
    with pytest.raises(InputError, match="proofs"):
        check(case, less, payment)


@pytest.mark.parametrize("name", ["energy_handle", "price_handle", "remainder"])
def test_what_the_auditors_could_not_open_is_refused(
    case: Case, payment: trading.Spend, name: str
) -> None:
    proofs = case.sealed.made.proofs
    proofs = replace(proofs, **{name: shifted(getattr(proofs, name))})
    sealed = replace(case.sealed, made=replace(case.sealed.made, proofs=proofs))
    with pytest.raises(InputError, match="proofs"):
        check(case, sealed, payment)
