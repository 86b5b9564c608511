"""A note is spent once, for its own amount, and nobody can tell which note."""

from dataclasses import replace

import pytest

from app.errors import InputError
from app.privacy.clsag import SpendSignature, note_image, sign_spend, verify_spend
from app.privacy.curve import INFINITY, G, N, P, negate
from app.privacy.fast_curve import FAST
from app.privacy.hash_to_curve import key_base
from app.privacy.pedersen import Opening, commit
from app.privacy.transcript import context_of
from tests.privacy.cases import CHAIN_ID, CONTEXT, CONTRACT, MESSAGE, entropy_of, opening, spendable

AMOUNT = 250_000


@pytest.fixture
def notes():
    return [spendable(amount) for amount in (5, AMOUNT, 17)]


@pytest.fixture
def own(notes):
    return notes[1]


@pytest.fixture
def ring(notes):
    return [item.note for item in notes]


@pytest.fixture
def signature(own, ring):
    return sign_spend(own, ring, opening(AMOUNT), CONTEXT, MESSAGE)


@pytest.mark.parametrize("position", range(3))
def test_any_note_can_be_spent(notes, ring, position):
    item = notes[position]
    signature = sign_spend(item, ring, Opening.of(item.opening.value), CONTEXT, MESSAGE)

    assert verify_spend(signature, ring, CONTEXT, MESSAGE)


def test_backends_sign_and_verify_alike(own, ring, curve):
    pseudo = opening(AMOUNT, "pseudo")
    arguments = (ring[:2], CONTEXT, MESSAGE)
    found = sign_spend(
        own, ring[:2], pseudo, CONTEXT, MESSAGE, entropy=entropy_of("same"), curve=curve
    )

    assert found == sign_spend(own, ring[:2], pseudo, CONTEXT, MESSAGE, entropy=entropy_of("same"))
    assert verify_spend(found, *arguments, curve=curve)


def test_spending_twice_shows(own, ring, signature):
    again = sign_spend(own, ring[1:], opening(AMOUNT, "again"), bytes(32), bytes(32))

    assert signature.image == again.image == note_image(own)
    assert signature.pseudo != again.pseudo


def test_amounts_cannot_change_on_the_way(own, ring):
    with pytest.raises(InputError, match="must have the note's amount"):
        sign_spend(own, ring, opening(AMOUNT + 1), CONTEXT, MESSAGE)

    richer = replace(own, opening=Opening(AMOUNT + 1, own.opening.blinding))
    signature = sign_spend(richer, ring, opening(AMOUNT + 1), CONTEXT, MESSAGE)
    assert not verify_spend(signature, ring, CONTEXT, MESSAGE)


def test_a_note_needs_its_own_secret(notes, own, ring):
    stolen = replace(own, secret=notes[0].secret)
    signature = sign_spend(stolen, ring, opening(AMOUNT), CONTEXT, MESSAGE)

    assert not verify_spend(signature, ring, CONTEXT, MESSAGE)


def test_a_note_outside_the_ring_cannot_be_spent(own, ring):
    with pytest.raises(InputError, match="must have the note"):
        sign_spend(own, [ring[0], ring[2]], opening(AMOUNT), CONTEXT, MESSAGE)


def test_a_signature_says_nothing_elsewhere(ring, signature):
    chain = context_of("peerwatt/test", CHAIN_ID + 1, CONTRACT, 7)
    contract = context_of("peerwatt/test", CHAIN_ID, "0x" + "22" * 20, 7)
    foreign = [*ring[:2], spendable(17, "stranger").note]

    assert not verify_spend(signature, ring, chain, MESSAGE)
    assert not verify_spend(signature, ring, contract, MESSAGE)
    assert not verify_spend(signature, ring, CONTEXT, bytes(32))
    assert not verify_spend(signature, foreign, CONTEXT, MESSAGE)
    assert not verify_spend(signature, ring[:2], CONTEXT, MESSAGE)
    assert not verify_spend(signature, ring[::-1], CONTEXT, MESSAGE)


def test_no_other_mark_passes(own, ring, signature):
    for image in (negate(signature.image), key_base(own.note.key), G, own.note.key):
        forged = replace(signature, image=image)
        assert not verify_spend(forged, ring, CONTEXT, MESSAGE)


def test_a_key_image_belongs_to_the_note_and_not_to_the_owner():
    images = {note_image(spendable(5, name=f"note {i}")) for i in range(4)}

    assert len(images) == 4


def test_a_pseudo_commitment_that_shows_the_note_is_refused(own, ring):
    with pytest.raises(InputError, match=r"blinding_image.*infinity"):
        sign_spend(own, ring, own.opening, CONTEXT, MESSAGE)


def test_what_goes_in_and_comes_out_balances_as_commitments(own, ring):
    paid, change = opening(100_000), opening(150_000)
    signature = sign_spend(own, ring, paid + change, CONTEXT, MESSAGE)

    assert verify_spend(signature, ring, CONTEXT, MESSAGE)
    assert FAST.add(commit(paid), commit(change)) == signature.pseudo


def test_the_same_signature_has_one_form_only(signature):
    words = signature.words()
    for place in range(6, len(words)):
        with pytest.raises(InputError, match="below the group's order"):
            SpendSignature.from_words([*words[:place], words[place] + N, *words[place + 1 :]])
    for place in range(6):
        with pytest.raises(InputError, match="below the field's prime"):
            SpendSignature.from_words([*words[:place], words[place] + P, *words[place + 1 :]])
    assert SpendSignature.from_words(words) == signature


def test_infinity_is_refused(signature):
    for name in ("image", "blinding_image", "pseudo"):
        with pytest.raises(InputError, match=f"signature.{name}.*infinity"):
            replace(signature, **{name: INFINITY})


def test_a_ring_has_two_notes_or_more_each_once(ring, signature):
    with pytest.raises(InputError, match="at least 2"):
        verify_spend(signature, ring[:1], CONTEXT, MESSAGE)
    with pytest.raises(InputError, match="each key once"):
        verify_spend(signature, [*ring, ring[0]], CONTEXT, MESSAGE)
