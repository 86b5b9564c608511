"""A member acts once in a context, and nobody can tell which member."""

from dataclasses import replace

import pytest

from app.errors import InputError
from app.privacy.curve import INFINITY, G, N, P, negate
from app.privacy.fast_curve import FAST
from app.privacy.keys import MemberKey
from app.privacy.lsag import (
    RingSignature,
    key_image,
    sign_as_member,
    tag_base,
    verify_member,
)
from app.privacy.transcript import context_of
from tests.privacy.cases import CHAIN_ID, CONTEXT, CONTRACT, MESSAGE, entropy_of, members, publics

NEXT_SLOT = context_of("peerwatt/test", CHAIN_ID, CONTRACT, 8)


@pytest.mark.parametrize("position", range(4))
def test_any_member_can_sign(ring, position):
    signature = sign_as_member(ring[position], publics(ring), CONTEXT, MESSAGE)

    assert verify_member(signature, publics(ring), CONTEXT, MESSAGE)


def test_backends_sign_and_verify_alike(curve):
    keys = members(2)
    arguments = (publics(keys), CONTEXT, MESSAGE)
    signature = sign_as_member(keys[1], *arguments, entropy=entropy_of("same"), curve=curve)

    assert signature == sign_as_member(keys[1], *arguments, entropy=entropy_of("same"))
    assert verify_member(signature, *arguments, curve=curve)


def test_two_acts_in_one_context_leave_the_same_mark(ring):
    everybody, some = publics(ring), publics(ring[:3])
    first = sign_as_member(ring[1], everybody, CONTEXT, MESSAGE)
    second = sign_as_member(ring[1], some, CONTEXT, bytes(32))

    assert first.image == second.image == key_image(ring[1], CONTEXT)
    assert first.responses != second.responses[: len(first.responses)]


def test_acts_in_two_contexts_cannot_be_linked_by_their_marks(ring):
    images = {key_image(key, context) for key in ring for context in (CONTEXT, NEXT_SLOT)}

    assert len(images) == 2 * len(ring)


def test_a_signature_says_nothing_in_another_context_ring_or_message(ring, outsider):
    everybody = publics(ring)
    signature = sign_as_member(ring[1], everybody, CONTEXT, MESSAGE)
    foreign = [*everybody[:3], outsider.public]
    swapped = [everybody[1], everybody[0], *everybody[2:]]

    assert not verify_member(signature, everybody, NEXT_SLOT, MESSAGE)
    assert not verify_member(signature, everybody, CONTEXT, bytes(32))
    assert not verify_member(signature, foreign, CONTEXT, MESSAGE)
    assert not verify_member(signature, swapped, CONTEXT, MESSAGE)
    assert not verify_member(signature, everybody[:3], CONTEXT, MESSAGE)


def test_an_outsider_cannot_sign(ring, outsider):
    with pytest.raises(InputError, match="must have the signer's key"):
        sign_as_member(outsider, publics(ring), CONTEXT, MESSAGE)

    pretended = MemberKey(outsider.secret, ring[0].public)
    signature = sign_as_member(pretended, publics(ring), CONTEXT, MESSAGE)
    assert not verify_member(signature, publics(ring), CONTEXT, MESSAGE)


def test_a_member_cannot_leave_a_strangers_mark(ring):
    """Neither the mirrored image nor any other passes: a member has one act in a context."""
    signature = sign_as_member(ring[1], publics(ring), CONTEXT, MESSAGE)
    for image in (negate(signature.image), tag_base(CONTEXT), G, ring[1].public):
        forged = replace(signature, image=image)
        assert not verify_member(forged, publics(ring), CONTEXT, MESSAGE)


def test_the_same_signature_has_one_form_only(ring):
    words = sign_as_member(ring[1], publics(ring), CONTEXT, MESSAGE).words()
    for place in range(2, len(words)):
        with pytest.raises(InputError, match="below the group's order"):
            RingSignature.from_words([*words[:place], words[place] + N, *words[place + 1 :]])
    for place in range(2):
        with pytest.raises(InputError, match=r"signature\.image"):
            RingSignature.from_words([*words[:place], words[place] + P, *words[place + 1 :]])


def test_a_signature_survives_the_wire(ring):
    signature = sign_as_member(ring[1], publics(ring), CONTEXT, MESSAGE)

    assert RingSignature.from_words(signature.words()) == signature


@pytest.mark.parametrize("image", [INFINITY, (1, 3)])
def test_a_mark_that_is_no_point_is_refused(image):
    with pytest.raises(InputError, match=r"signature\.image"):
        RingSignature(image, 1, (1, 1))


def test_bad_rings_are_refused(ring):
    everybody = publics(ring)
    signature = sign_as_member(ring[1], everybody, CONTEXT, MESSAGE)
    for bad, rule in (
        (everybody[:1], "at least 2"),
        ([*everybody[:3], everybody[0]], "each key once"),
        ([*everybody[:3], INFINITY], r"ring\[3\].*infinity"),
        ([*everybody[:3], (1, 3)], r"ring\[3\].*on the curve"),
    ):
        with pytest.raises(InputError, match=rule):
            verify_member(signature, bad, CONTEXT, MESSAGE)
        with pytest.raises(InputError, match=rule):
            sign_as_member(ring[0], bad, CONTEXT, MESSAGE)


def test_swapping_who_signs_changes_nothing_that_can_be_counted(ring):
    """Forms and sizes are the same for each member; what differs is random to everybody else."""
    everybody = publics(ring)
    for key in ring:
        signature = sign_as_member(key, everybody, CONTEXT, MESSAGE)
        assert len(signature.words()) == 3 + len(ring)
        products = [FAST.multiply(tag_base(CONTEXT), r) for r in signature.responses]
        assert signature.image not in products
