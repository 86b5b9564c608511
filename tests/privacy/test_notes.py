"""Notes reach their owner, and only their owner."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InputError
from app.privacy.curve import INFINITY, G
from app.privacy.fast_curve import FAST
from app.privacy.notes import Note, NoteAddress, NoteKeys, NoteMessage, receive_note, send_note
from app.privacy.pedersen import commit
from tests.privacy.cases import entropy_of, note_keys
from tests.privacy.strategies import examples


@pytest.fixture
def owner():
    return note_keys("owner")


@pytest.fixture
def stranger():
    return note_keys("stranger")


def receive(sent, keys):
    return receive_note(sent.note, sent.message, keys.address().spend_public, keys.view_secret)


@examples(10)
@given(st.integers(0, 2**64 - 1))
def test_the_owner_reads_the_amount(amount):
    keys = note_keys("owner")
    sent = send_note(keys.address(), amount)
    received = receive(sent, keys)

    assert received.opening == sent.opening
    assert received.opening.value == amount
    assert FAST.multiply(G, received.secret(keys.spend_secret)) == sent.note.key


def test_backends_agree(owner, curve):
    sent = send_note(owner.address(curve), 5, entropy=entropy_of("same"), curve=curve)

    assert sent == send_note(owner.address(), 5, entropy=entropy_of("same"))
    assert (
        receive_note(
            sent.note,
            sent.message,
            owner.address().spend_public,
            owner.view_secret,
            curve=curve,
        )
        is not None
    )


def test_a_stranger_reads_nothing(owner, stranger):
    sent = [send_note(owner.address(), amount) for amount in range(5)]

    assert all(receive(item, stranger) is None for item in sent)


def test_the_view_key_reads_but_does_not_spend(owner, stranger):
    sent = send_note(owner.address(), 5)
    received = receive_note(
        sent.note, sent.message, owner.address().spend_public, owner.view_secret
    )

    assert received.opening.value == 5
    assert FAST.multiply(G, received.secret(stranger.spend_secret)) != sent.note.key


def test_notes_for_one_owner_look_unrelated(owner):
    first, second = (send_note(owner.address(), 5) for _ in range(2))

    assert first.note.key != second.note.key
    assert first.note.commitment != second.note.commitment
    assert first.message.ephemeral != second.message.ephemeral


def test_a_note_that_says_another_amount_than_it_hides_is_no_note(owner):
    sent = send_note(owner.address(), 5)
    lied = replace(sent.message, encrypted_amount=sent.message.encrypted_amount ^ 1)
    moved = Note(sent.note.key, commit(replace(sent.opening, value=6)))
    alien = Note(send_note(owner.address(), 5).note.key, sent.note.commitment)

    assert receive(replace(sent, message=lied), owner) is None
    assert receive(replace(sent, note=moved), owner) is None
    assert receive(replace(sent, note=alien), owner) is None


def test_another_view_tag_hides_a_note(owner):
    sent = send_note(owner.address(), 5)
    wrong = replace(sent.message, view_tag=sent.message.view_tag ^ 1)

    assert receive(replace(sent, message=wrong), owner) is None


@pytest.mark.parametrize("amount", [-1, 2**64])
def test_amounts_fit_eight_bytes(owner, amount):
    with pytest.raises(InputError, match="amount"):
        send_note(owner.address(), amount)


def test_bad_points_and_numbers_are_refused_by_name():
    with pytest.raises(InputError, match="view key"):
        NoteAddress(G, INFINITY)
    with pytest.raises(InputError, match="spend key"):
        NoteAddress((1, 3), G)
    with pytest.raises(InputError, match=r"note\.commitment"):
        Note(G, INFINITY)
    with pytest.raises(InputError, match=r"message\.ephemeral"):
        NoteMessage(INFINITY, 0, 0)
    with pytest.raises(InputError, match=r"message\.view_tag"):
        NoteMessage(G, 256, 0)
    with pytest.raises(InputError, match=r"message\.encrypted_amount"):
        NoteMessage(G, 0, 2**64)
    with pytest.raises(InputError, match="spend secret"):
        NoteKeys(0, 1)
