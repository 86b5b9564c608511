"""Whom a note hides among when it is spent, and again because the first time came to nothing."""

import random

import pytest

from app.errors import ConflictError, InputError
from app.ledger.private import LoggedNote, NoteLog, Purse
from app.privacy.curve import G
from app.privacy.fast_curve import FAST
from app.privacy.notes import Note, SentNote, send_note
from app.privacy.pedersen import Opening, commit
from tests.privacy.cases import entropy_of, note_keys, spendable

NOTES = 30


@pytest.fixture
def log():
    log = NoteLog()
    log.notes = [LoggedNote(spendable(5, name=f"note {i}").note, None) for i in range(NOTES)]
    return log


@pytest.fixture
def own(log):
    return log.notes[7].note


def drawn(log, own, size=5, seed=0):
    return log.ring_for(own, size, random.Random(seed).sample)


def test_a_note_is_among_as_many_others_as_one_wants(log, own):
    ring = drawn(log, own)

    assert own in ring
    assert len(set(ring)) == 5
    assert list(ring) == sorted(ring, key=lambda note: note.key[0])


def test_a_note_hides_among_the_same_again(log, own):
    """Both rings show the note's image: what they have in common would be the note."""
    first = drawn(log, own)
    log.notes.append(LoggedNote(spendable(5, name="later").note, None))

    assert drawn(log, own, seed=1) == first


def test_other_notes_hide_among_others(log, own):
    rings = {drawn(log, logged.note, seed=number) for number, logged in enumerate(log.notes)}

    assert len(rings) == NOTES


def test_a_ring_needs_as_many_notes(log, own):
    with pytest.raises(ConflictError, match=f"the pool has {NOTES}"):
        drawn(log, own, size=NOTES + 1)


@pytest.fixture
def owner():
    return note_keys("owner")


@pytest.fixture
def known(owner):
    """What the owner has made for money that is to come, before it was known how much."""
    return send_note(owner.address(), 0, entropy=entropy_of("known"))


def test_a_note_with_a_useless_message_is_found_if_it_is_awaited(owner, known):
    """Whoever publishes it can write any message; what it hides is found by other means."""
    opening = Opening(500, known.opening.blinding)
    came = Note(known.note.key, commit(opening))
    log, purse, waiting = NoteLog(), Purse(owner), Purse(owner)
    log.notes = [LoggedNote(came, None)]

    waiting.watch(known, lambda note: SentNote(note, known.message, opening))
    for each in (purse, waiting):
        each.look(log)

    assert purse.balance == 0
    assert waiting.balance == 500
    assert FAST.multiply(G, waiting.notes[0].secret) == known.note.key


def test_an_awaited_note_that_hides_something_else_is_nothing(owner, known):
    log, purse = NoteLog(), Purse(owner)
    log.notes = [LoggedNote(Note(known.note.key, G), None)]

    purse.watch(known, lambda _: None)
    purse.look(log)

    assert purse.balance == 0


def test_nobody_waits_for_anothers_note(known):
    with pytest.raises(InputError, match="owner's"):
        Purse(note_keys("thief")).watch(known, lambda _: None)
