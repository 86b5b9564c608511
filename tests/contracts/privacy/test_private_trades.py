"""Agreements lock money, and deliveries move it on: what was locked, and not a unit more."""

from dataclasses import replace

import pytest
from brownie import accounts, reverts

from app.market.units import cost_down, cost_up
from app.privacy.audit import Handle, ValueFinder, open_handle
from app.privacy.curve import G, N
from app.privacy.notes import Note, receive_note
from app.privacy.pedersen import Opening, commit
from app.privacy.product import Cost, Rounding
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain
from tests.contracts.privacy.abi import answer
from tests.contracts.privacy.trading import ROUNDING_BITS, TERM_BITS, Trading, prove, wallet_note
from tests.contracts.signing import key as account_key

OPEN, SETTLED, CANCELLED = 1, 2, 3
GRACE_END = (WINDOW + 3) * 3600
COST = cost_up(2_001, 200_001)


def replaced(values, place, value):
    changed = list(values)
    changed[place] = value
    return tuple(changed)


@pytest.fixture
def allow(private_market, relayer):
    """What becomes of an agreement that is written, without writing it."""

    def allow(agreement, payment, **changes):
        arguments = {
            "struct": agreement.struct,
            "proofs": agreement.proofs,
            "signature": agreement.seller_signature,
            "payment": payment,
        }
        values = {**arguments, **changes}.values()
        return answer(private_market.allowTransaction.call, *values, {"from": relayer})

    return allow


# allowTransaction


def test_an_agreement_locks_its_cost(
    private_market,
    pool,
    trade,
    private_offer,
    private_agreement,
    payment,
    payer,
    relayer,
    auditors_key,
):
    agreement = private_agreement

    transaction = private_market.allowTransaction(
        agreement.struct,
        agreement.proofs,
        agreement.seller_signature,
        payment,
        {"from": relayer},
    )

    assert private_market.agreementState(agreement.id) == OPEN
    (offer,), _ = private_market.getOffers(WINDOW, 0, 1)
    left = commit(private_offer.energy - agreement.energy)
    assert tuple(plain(offer)["energy"].values()) == left
    assert event_of(transaction, "EscrowLocked")["holder"] == private_market.address
    (change,) = events_of(transaction, "NoteCreated")
    assert change["keyX"] == int(payment[1][0][0][0][0], 16)
    allowed = event_of(transaction, "TransactionAllowed")
    finder = ValueFinder(24)
    shown_values = (("energy", "energyHandle", 2_001), ("price", "priceHandle", 200_001))
    for commitment, handle, value in shown_values:
        point = tuple(allowed["agreement"][commitment].values())
        shown = Handle(point, tuple(allowed[handle].values()))
        assert open_handle(auditors_key, shown, finder) == value


def test_hashes_are_those_of_python(private_market, private_agreement):
    agreement = private_agreement

    assert bytes(private_market.hashAgreement(agreement.struct)) == agreement.id


def test_nothing_agreed_can_be_altered(private_agreement, payment, allow):
    struct = private_agreement.struct
    message = struct[5]
    others = {1: G, 2: G, 3: G, 4: G, 5: (message[0], message[1], 7), 6: G, 7: G}

    for place, other in others.items():
        outcome = allow(private_agreement, payment, struct=replaced(struct, place, other))
        assert outcome == "SignatureInvalid", place
    unknown = replaced(struct, 0, (WINDOW << 32) + 1)
    assert allow(private_agreement, payment, struct=unknown) == "OfferUnknown"


def test_every_proof_counts(trade, private_offer, private_agreement, payment, payer, payee, allow):
    other = trade.agreement(private_offer, WINDOW << 32, payee.keys, payer.keys)
    expected = ("HandlesInvalid",) * 2 + ("CostInvalid",) * 2 + ("HandlesInvalid",)
    expected += ("RangesInvalid",) * 2

    for place, outcome in enumerate(expected):
        changed = replaced(private_agreement.proofs, place, other.proofs[place])
        assert allow(private_agreement, payment, proofs=changed) == outcome, place


def test_the_offers_owner_has_signed(trade, private_agreement, payment, allow):
    signature = private_agreement.seller_signature
    domain = {"Agreement": [("id", "bytes32")]}
    foreign = trade.typed(account_key(6), domain, {"id": private_agreement.id})

    for other in (foreign, b"", signature[:-1], signature[:32] + bytes(33)):
        assert allow(private_agreement, payment, signature=other) == "SignatureInvalid"


def test_the_payment_is_for_this_agreement(
    trade, private_offer, private_agreement, payer, payee, decoys, allow
):
    other = trade.agreement(private_offer, WINDOW << 32, payee.keys, payer.keys)
    elsewhere = trade.payment(other, payer.notes[0], decoys, payer.keys)
    late = trade.payment(private_agreement, payer.notes[0], decoys, payer.keys, deadline=1)

    assert allow(private_agreement, elsewhere) == "SpendSignatureInvalid"
    assert allow(private_agreement, late) == "SpendExpired"


class Liar(Trading):
    """Proves ranges of other numbers, as nobody can prove its own."""

    def term_ranges(self, context, openings):
        return prove(context, TERM_BITS, [Opening.of(1)] * 3)


@pytest.mark.parametrize(
    ("energy_wh", "price"),
    [(5_001, 200_000), (2_000, 99_999), (2_000, 320_001)],
    ids=["more than is offered", "below the offer's price", "too dear"],
)
def test_bounds_of_an_agreement(
    trade, private_offer, payer, payee, decoys, allow, energy_wh, price
):
    travel_to(WINDOW * 3600 - 200)
    liar = Liar(**vars(trade))
    lie = liar.agreement(
        private_offer, WINDOW << 32, payee.keys, payer.keys, energy_wh=energy_wh, price=price
    )
    payment = trade.payment(lie, payer.notes[0], decoys, payer.keys)

    assert allow(lie, payment) == "RangesInvalid"


class Taker(Trading):
    """Agrees to take an energy below zero, which costs nothing and lets the offer grow.

    Everything holds but one range: the remainder is not below a thousand.
    """

    def cost_of(self, energy, price):
        return Cost(energy, price, Opening(0, 1), Opening.of(price.value), Rounding.UP)

    def rounding_ranges(self, context, openings):
        return prove(context, ROUNDING_BITS, [Opening.of(1)] * 2)


def test_energy_is_not_negative(trade, private_offer, payer, payee, decoys, allow):
    travel_to(WINDOW * 3600 - 200)
    taker = Taker(**vars(trade))
    lie = taker.agreement(
        private_offer, WINDOW << 32, payee.keys, payer.keys, energy_wh=N - 1, price=200_000
    )
    payment = trade.payment(lie, payer.notes[0], decoys, payer.keys)

    assert allow(lie, payment) == "RangesInvalid"


def test_an_offer_serves_several_until_it_is_used_up(
    private_market, private_offer, trade, payer, payee, decoys, allow, relayer
):
    travel_to(WINDOW * 3600 - 200)
    first = trade.agreement(
        private_offer, WINDOW << 32, payee.keys, payer.keys, energy_wh=4_000, price=100_000
    )
    private_market.allowTransaction(
        first.struct,
        first.proofs,
        first.seller_signature,
        trade.payment(first, payer.notes[0], decoys, payer.keys),
        {"from": relayer},
    )
    left = private_offer.energy - first.energy
    parties = (payee.keys, payer.keys)
    fits = trade.agreement(
        private_offer, WINDOW << 32, *parties, energy_wh=1_000, price=100_000, remaining=left
    )
    too_much = Liar(**vars(trade)).agreement(
        private_offer, WINDOW << 32, *parties, energy_wh=1_001, price=100_000, remaining=left
    )

    assert left.value == 1_000
    paid = [
        trade.payment(agreement, payer.notes[2], decoys, payer.keys)
        for agreement in (fits, too_much)
    ]
    assert bytes(allow(fits, paid[0])) == fits.id
    assert allow(too_much, paid[1]) == "RangesInvalid"


def test_agreements_are_written_in_the_commit_margin(early_agreement, payment, allow):
    for moment in (WINDOW * 3600 - 301, WINDOW * 3600):
        travel_to(moment)
        assert allow(early_agreement, payment) == "NotCommitPhase"


def test_an_agreement_is_written_once(written, payment, allow):
    assert allow(written, payment) == "AgreementExists"


# makeTransaction


def test_full_delivery_pays_what_was_agreed(
    private_market, pool, trade, allowed, operator_key, payee, keeper
):
    attestation = trade.attestation(operator_key, allowed, commit(allowed.energy))

    transaction = private_market.makeTransaction(allowed.struct, attestation, {"from": keeper})

    assert private_market.agreementState(allowed.id) == SETTLED
    assert event_of(transaction, "TransactionMade")["inFull"] is True
    created = event_of(transaction, "NoteCreated")
    assert created["keyX"] == allowed.payout.note.key[0]
    assert wallet_note(payee.keys, allowed.payout).opening.value == COST
    for call in (
        (private_market.makeTransaction.call, allowed.struct, attestation),
        (private_market.cancelTransaction.call, allowed.struct),
    ):
        assert answer(*call, {"from": keeper}) == "AgreementNotOpen"


def test_partial_delivery_pays_a_part_and_returns_the_rest(
    private_market, trade, allowed, operator_key, payer, keeper
):
    delivered = Opening.of(1_234)
    attestation = trade.attestation(operator_key, allowed, commit(delivered))
    settlement, refund, payout = trade.settlement(allowed, delivered)

    transaction = private_market.makePartialTransaction(
        allowed.struct, commit(delivered), attestation, settlement, {"from": keeper}
    )

    assert payout.value == cost_down(1_234, 200_001)
    assert payout.value + refund.opening.value == COST
    assert event_of(transaction, "TransactionMade")["inFull"] is False
    paid, returned = events_of(transaction, "NoteCreated")
    assert tuple(paid["note"]["commitment"].values()) == commit(payout)
    assert tuple(returned["note"]["commitment"].values()) == refund.note.commitment
    keys = payer.keys
    public = keys.address().spend_public
    found = receive_note(refund.note, refund.message, public, keys.view_secret)
    assert found is not None
    assert found.opening.value == refund.opening.value


def test_a_settlement_cannot_be_bent(private_market, trade, allowed, operator_key, keeper):
    """Neither side can pay itself more, or make the other a note that doesn't open."""
    delivered = Opening.of(1_234)
    attestation = trade.attestation(operator_key, allowed, commit(delivered))
    good, _, payout = trade.settlement(allowed, delivered)
    more, _, _ = trade.settlement(allowed, Opening.of(1_240))
    spoiled = Opening.of(allowed.payout.opening.value - payout.value)
    closed = list(good)
    closed[0], closed[1] = commit(allowed.payout.opening - spoiled), commit(spoiled)
    bent = {
        "payout of a larger delivery": (more, "CostInvalid"),
        "another payout": (replaced(good, 0, more[0]), "CostInvalid"),
        "another refund": (replaced(good, 1, more[1]), "HandlesInvalid"),
        "another message": (replaced(good, 2, more[2]), "CostInvalid"),
        "another remainder": (replaced(good, 3, more[3]), "CostInvalid"),
        "other costs": (replaced(good, 4, more[4]), "CostInvalid"),
        "other blinding": (replaced(good, 5, more[5]), "HandlesInvalid"),
        "other amounts": (replaced(good, 6, more[6]), "RangesInvalid"),
        "other rounding": (replaced(good, 7, more[7]), "RangesInvalid"),
        "a refund that nobody can open": (tuple(closed), "CostInvalid"),
    }

    for what, (settlement, expected) in bent.items():
        outcome = answer(
            private_market.makePartialTransaction.call,
            allowed.struct,
            commit(delivered),
            attestation,
            settlement,
            {"from": keeper},
        )
        assert outcome == expected, what


def test_all_of_it_is_no_part(private_market, trade, allowed, operator_key, keeper):
    """Or the buyer could go before the seller, for the unit that rounding takes from a part."""
    full = commit(allowed.energy)
    attestation = trade.attestation(operator_key, allowed, full)
    settlement, _, payout = trade.settlement(allowed, allowed.energy)

    assert payout.value == COST - 1
    with reverts(error("DeliveredInFull", allowed.id)):
        private_market.makePartialTransaction.call(
            allowed.struct, full, attestation, settlement, {"from": keeper}
        )


def test_only_the_operator_says_what_came(
    private_market, trade, private_offer, allowed, operator_key, outsider, payer, payee, keeper
):
    stranger = account_key(6)
    full = commit(allowed.energy)
    other = replace(allowed, id=b"\x01" * 32)
    for attestation in (
        trade.attestation(stranger, allowed, full),
        trade.attestation(operator_key, other, full),
        trade.attestation(operator_key, allowed, commit(Opening.of(1))),
        replace(trade, chain_id=1).attestation(operator_key, allowed, full),
        replace(trade, market=outsider.address).attestation(operator_key, allowed, full),
    ):
        outcome = answer(
            private_market.makeTransaction.call, allowed.struct, attestation, {"from": keeper}
        )
        assert outcome == "AttestationInvalid"
    for attestation in (b"", b"\x01" * 65):
        outcome = answer(
            private_market.makeTransaction.call, allowed.struct, attestation, {"from": keeper}
        )
        assert outcome in {"SignatureInvalid", "AttestationInvalid"}


def test_nothing_is_settled_before_the_window_ends(
    private_market, trade, written, operator_key, keeper
):
    travel_to((WINDOW + 1) * 3600 - 1)
    attestation = trade.attestation(operator_key, written, commit(written.energy))

    with reverts(error("WindowOpen", WINDOW, (WINDOW + 1) * 3600)):
        private_market.makeTransaction.call(written.struct, attestation, {"from": keeper})


def test_what_was_never_agreed_is_not_settled(
    private_market, trade, private_agreement, operator_key, keeper
):
    travel_to((WINDOW + 1) * 3600)
    attestation = trade.attestation(
        operator_key, private_agreement, commit(private_agreement.energy)
    )

    with reverts(error("AgreementNotOpen", private_agreement.id)):
        private_market.makeTransaction.call(private_agreement.struct, attestation, {"from": keeper})


# cancelTransaction


def test_without_a_word_all_returns(private_market, pool, allowed, keeper):
    travel_to(GRACE_END)

    transaction = private_market.cancelTransaction(allowed.struct, {"from": keeper})

    assert private_market.agreementState(allowed.id) == CANCELLED
    created = event_of(transaction, "NoteCreated")
    assert created["keyX"] == allowed.refund.note.key[0]
    note = Note(allowed.refund.note.key, allowed.payout.note.commitment)
    assert tuple(created["note"]["commitment"].values()) == note.commitment


def test_nothing_returns_before_the_grace_is_over(private_market, allowed, keeper):
    travel_to(GRACE_END - 1)

    with reverts(error("WindowOpen", WINDOW, GRACE_END)):
        private_market.cancelTransaction.call(allowed.struct, {"from": keeper})


# Rules


def test_members_change_the_auditors_key(private_market, admin, keeper):
    private_market.setAuditor(G, {"from": admin})

    assert tuple(plain(private_market.auditorKey()).values()) == G
    with reverts(error("PointInvalid", 1, 3)):
        private_market.setAuditor.call((1, 3), {"from": admin})
    with reverts(error("AccessManagedUnauthorized", accounts[6])):
        private_market.setAuditor.call(G, {"from": keeper})
