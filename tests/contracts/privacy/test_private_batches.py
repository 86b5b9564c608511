"""Several agreements in one call: each holds by itself, and one that fails lets all fail."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from brownie import reverts

from app.privacy.clsag import note_image
from app.privacy.pedersen import Opening, commit
from tests.contracts.conftest import WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of, plain
from tests.contracts.privacy.abi import answer
from tests.contracts.privacy.trading import TERM_BITS, Trading, prove, wallet_note
from tests.contracts.signing import key as account_key
from tests.privacy.cases import entropy_of

FIRST, SECOND = WINDOW << 32, (WINDOW << 32) + 1
OPEN, SETTLED = 1, 2
PRICE = 200_001


def replaced(values, place, value):
    changed = list(values)
    changed[place] = value
    return tuple(changed)


@pytest.fixture(scope="module")
def offers(trade, member_keys, ring):
    """Offers of two members, of 5 kWh each."""
    return [trade.offer(key, ring, WINDOW) for key in member_keys[:2]]


@pytest.fixture(autouse=True)
def commit_margin(private_round, private_market, offers, relayer):
    """The offers are made, and agreements are written now."""
    private_market.makeOffers(
        [offer.terms for offer in offers], [offer.proofs for offer in offers], {"from": relayer}
    )
    travel_to(WINDOW * 3600 - 200)


@pytest.fixture(scope="module")
def agree(trade, payee, payer) -> Callable[..., Any]:
    def agree(offer, number, energy_wh=2_001, *, by=trade, **more):
        return by.agreement(
            offer, number, payee.keys, payer.keys, energy_wh=energy_wh, price=PRICE, **more
        )

    return agree


@pytest.fixture(scope="module")
def pay(trade, payer, decoys) -> Callable[..., Any]:
    """Pays an agreement by one of the payer's notes."""

    def pay(agreement, note, **changes):
        return trade.payment(agreement, payer.notes[note], decoys, payer.keys, **changes)

    return pay


@pytest.fixture(scope="module")
def agreements(offers, agree):
    """Parts of two offers."""
    return [agree(offers[0], FIRST), agree(offers[1], SECOND, 1_000)]


@pytest.fixture(scope="module")
def payments(agreements, pay):
    return [pay(agreements[0], 0), pay(agreements[1], 2)]


def arguments_of(agreements, payments):
    return [
        [agreement.struct for agreement in agreements],
        [agreement.proofs for agreement in agreements],
        [agreement.seller_signature for agreement in agreements],
        payments,
    ]


@pytest.fixture
def allow(private_market, relayer):
    """What becomes of agreements that are written together, without writing them."""

    def allow(agreements, payments):
        arguments = arguments_of(agreements, payments)
        outcome = answer(private_market.allowTransactions.call, *arguments, {"from": relayer})
        return outcome if isinstance(outcome, str) else plain(outcome)

    return allow


def test_writes_all(private_market, pool, offers, agreements, payments, payer, relayer):
    transaction = private_market.allowTransactions(
        *arguments_of(agreements, payments), {"from": relayer}
    )

    ids = [agreement.id for agreement in agreements]
    assert plain(transaction.return_value) == ids
    for name, field in (("TransactionAllowed", "agreementId"), ("EscrowLocked", "id")):
        assert [event[field] for event in events_of(transaction, name)] == ids
    assert all(private_market.agreementState(each) == OPEN for each in ids)
    assert all(pool.isSpent(note_image(payer.notes[note])[0]) for note in (0, 2))
    standing, _ = private_market.getOffers(WINDOW, 0, 2)
    for shown, offer, agreement in zip(standing, offers, agreements, strict=True):
        left = commit(offer.energy - agreement.energy)
        assert tuple(plain(shown)["energy"].values()) == left


def test_each_is_settled_by_itself(
    private_market, trade, agreements, payments, payee, operator_key, relayer, keeper
):
    private_market.allowTransactions(*arguments_of(agreements, payments), {"from": relayer})
    travel_to((WINDOW + 1) * 3600)
    first, second = agreements

    word = trade.attestation(operator_key, second, commit(second.energy))
    transaction = private_market.makeTransaction(second.struct, word, {"from": keeper})

    assert event_of(transaction, "NoteCreated")["keyX"] == second.payout.note.key[0]
    assert wallet_note(payee.keys, second.payout).opening.value == 200_001
    assert private_market.agreementState(second.id) == SETTLED
    assert private_market.agreementState(first.id) == OPEN


def test_an_offer_serves_several_in_one_batch(private_market, offers, agree, pay, relayer):
    first = agree(offers[0], FIRST, 4_000)
    left = offers[0].energy - first.energy
    second = agree(offers[0], FIRST, 1_000, remaining=left)
    payments = [pay(first, 0), pay(second, 2)]

    private_market.allowTransactions(*arguments_of([first, second], payments), {"from": relayer})

    (standing, *_), _ = private_market.getOffers(WINDOW, 0, 1)
    assert tuple(plain(standing)["energy"].values()) == commit(left - second.energy)


class Liar(Trading):
    """Proves ranges of other numbers, as nobody can prove its own."""

    def term_ranges(self, context, openings):
        return prove(context, TERM_BITS, [Opening.of(1)] * 3)


def test_several_take_no_more_than_there_is(offers, trade, agree, pay, allow):
    """Each of them alone would fit, and proves so."""
    first = agree(offers[0], FIRST, 3_000)
    second = agree(offers[0], FIRST, 2_001)
    left = offers[0].energy - first.energy
    liar = agree(offers[0], FIRST, 2_001, by=Liar(**vars(trade)), remaining=left)
    note = pay(first, 0)

    assert allow([second], [pay(second, 2)]) == [second.id]
    assert allow([first, second], [note, pay(second, 2)]) == "RangesInvalid"
    assert allow([first, liar], [note, pay(liar, 2)]) == "RangesInvalid"


def test_of_the_same_offer_each_takes_what_is_left(offers, agree, pay, allow):
    """The second one's ranges are of what the first leaves, and say nothing without it."""
    first = agree(offers[0], FIRST, 4_000)
    second = agree(offers[0], FIRST, 1_000, remaining=offers[0].energy - first.energy)
    payments = [pay(first, 0), pay(second, 2)]

    assert allow([first, second], payments) == [first.id, second.id]
    assert allow([second, first], payments[::-1]) == "RangesInvalid"


def test_writes_nothing_of_an_empty_batch(private_market, relayer):
    transaction = private_market.allowTransactions([], [], [], [], {"from": relayer})

    assert plain(transaction.return_value) == []
    assert not transaction.events


def test_each_has_proofs_a_signature_and_a_payment(private_market, agreements, payments, relayer):
    for place, length in product((1, 2, 3), (0, 1, 3)):
        arguments = arguments_of(agreements, payments)
        arguments[place] = (arguments[place] * 2)[:length]
        with reverts(error("LengthMismatch", 2, length)):
            private_market.allowTransactions.call(*arguments, {"from": relayer})


def test_nothing_is_written_without_agreements(private_market, agreements, payments, relayer):
    arguments = arguments_of(agreements, payments)

    with reverts(error("LengthMismatch", 0, 2)):
        private_market.allowTransactions.call([], *arguments[1:], {"from": relayer})


def test_the_same_agreement_is_written_once(private_market, agreements, payments, pay, relayer):
    first = agreements[0]
    arguments = arguments_of([first, first], [payments[0], pay(first, 2)])

    with reverts(error("AgreementExists", first.id)):
        private_market.allowTransactions.call(*arguments, {"from": relayer})


def test_a_note_pays_for_one_of_them(private_market, agreements, payments, payer, pay, relayer):
    arguments = arguments_of(agreements, [payments[0], pay(agreements[1], 0)])

    with reverts(error("NoteSpentBefore", note_image(payer.notes[0])[0])):
        private_market.allowTransactions.call(*arguments, {"from": relayer})


def test_payments_belong_to_their_agreements(agreements, payments, allow):
    assert allow(agreements, payments[::-1]) == "SpendSignatureInvalid"


def test_keys_are_kept_for_one_of_them(
    private_market, trade, offers, agree, payments, pay, relayer
):
    """Two notes of the same key: one of them could never be spent."""
    first, second = (
        agree(offer, number, by=replace(trade, entropy=entropy_of("the same")))
        for offer, number in zip(offers, (FIRST, SECOND), strict=True)
    )
    assert first.id != second.id
    assert first.payout.note.key == second.payout.note.key
    arguments = arguments_of([first, second], [pay(first, 0), pay(second, 2)])

    with reverts(error("KeyTaken", first.payout.note.key[0])):
        private_market.allowTransactions.call(*arguments, {"from": relayer})


# One that fails lets all fail, and is named


def test_the_one_without_a_proof_is_named(
    private_market, offers, agree, agreements, payments, relayer
):
    second = agreements[1]
    other = agree(offers[1], SECOND)
    expected = ("HandlesInvalid",) * 2 + ("CostInvalid",) * 2 + ("HandlesInvalid",)

    for place, name in enumerate(expected):
        changed = replaced(second.proofs, place, other.proofs[place])
        arguments = arguments_of([agreements[0], replace(second, proofs=changed)], payments)
        with reverts(error(name, second.id)):
            private_market.allowTransactions.call(*arguments, {"from": relayer})


@pytest.mark.parametrize("place", [5, 6], ids=["terms", "rounding"])
def test_one_wrong_range_spoils_all(offers, agree, agreements, payments, allow, place):
    second, other = agreements[1], agree(offers[1], SECOND, 1_000)
    changed = replaced(second.proofs, place, other.proofs[place])

    assert allow([agreements[0], replace(second, proofs=changed)], payments) == "RangesInvalid"


def test_one_wrong_range_of_a_payment_spoils_all(agreements, payments, pay, allow):
    foreign = pay(agreements[1], 2, deadline=2**40)
    changed = replaced(payments[1], 2, foreign[2])

    assert allow(agreements, [payments[0], changed]) == "RangesInvalid"


def test_the_one_that_its_owner_has_not_signed_is_named(
    private_market, trade, agreements, payments, relayer
):
    first, second = agreements
    domain = {"Agreement": [("id", "bytes32")]}
    foreign = trade.typed(account_key(6), domain, {"id": second.id})

    for other in (foreign, first.seller_signature, b""):
        arguments = arguments_of([first, replace(second, seller_signature=other)], payments)
        with reverts(error("SignatureInvalid", second.id)):
            private_market.allowTransactions.call(*arguments, {"from": relayer})


def test_the_one_that_was_altered_is_named(private_market, agreements, payments, relayer):
    first, second = agreements
    altered = replaced(second.struct, 4, first.struct[4])
    arguments = arguments_of([first, replace(second, struct=altered)], payments)
    context = bytes(private_market.hashAgreement(altered))

    with reverts(error("SignatureInvalid", context)):
        private_market.allowTransactions.call(*arguments, {"from": relayer})


def test_the_payment_that_is_over_is_named(private_market, agreements, payments, pay, relayer):
    late = pay(agreements[1], 2, deadline=1)
    arguments = arguments_of(agreements, [payments[0], late])

    with reverts(error("SpendExpired", 1)):
        private_market.allowTransactions.call(*arguments, {"from": relayer})


def test_nobody_locks_what_was_paid_to_the_market(pool, agreements, payments, outsider):
    """An outsider who has seen the call names itself as the holder."""
    escrows = [
        (each.id, commit(each.payout.opening), (each.struct[4], each.struct[6]))
        for each in agreements
    ]

    outcome = answer(pool.lockAll.call, payments, escrows, [], {"from": outsider})

    assert outcome == "SpendSignatureInvalid"


def test_nothing_is_written_when_the_window_begins(agreements, payments, allow):
    travel_to(WINDOW * 3600)

    assert allow(agreements, payments) == "NotCommitPhase"
