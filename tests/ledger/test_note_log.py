"""Whom a note hides among when it is spent, and again because the first time came to nothing."""

import random

import pytest

from app.errors import ConflictError
from app.ledger.private import LoggedNote, NoteLog
from tests.privacy.cases import spendable

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
