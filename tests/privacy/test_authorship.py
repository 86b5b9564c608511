"""A member can show that an anonymous act was its own, or was not, and cannot lie."""

from dataclasses import replace

import pytest

from app.errors import InputError
from app.privacy.authorship import (
    DENIAL_TAG,
    Act,
    Denial,
    claim,
    deny,
    verify_claim,
    verify_denial,
)
from app.privacy.curve import INFINITY, G, N, P, negate
from app.privacy.fast_curve import FAST
from app.privacy.keys import MemberKey
from app.privacy.lsag import key_image, tag_base
from app.privacy.sigma import Equation, prove_equations
from app.privacy.transcript import Transcript
from tests.privacy.cases import CONTEXT, MESSAGE, entropy_of


@pytest.fixture
def author(ring):
    return ring[1]


@pytest.fixture
def bystander(ring):
    return ring[0]


@pytest.fixture
def act(author):
    """As much of it as an event on the chain tells."""
    return Act(CONTEXT, key_image(author, CONTEXT)[0])


def test_the_author_claims_its_act(author, act, curve):
    proof = claim(author, act, MESSAGE, entropy=entropy_of("same"), curve=curve)

    assert proof == claim(author, act, MESSAGE, entropy=entropy_of("same"))
    assert verify_claim(author.public, act, MESSAGE, proof, curve=curve)


def test_a_bystander_denies_it(bystander, act, curve):
    denial = deny(bystander, act, MESSAGE, entropy=entropy_of("same"), curve=curve)

    assert denial == deny(bystander, act, MESSAGE, entropy=entropy_of("same"))
    assert verify_denial(bystander.public, act, MESSAGE, denial, curve=curve)


def test_nobody_claims_anothers_act(bystander, author, act):
    with pytest.raises(InputError, match="member's own to be claimed"):
        claim(bystander, act, MESSAGE)

    proof = claim(author, act, MESSAGE)
    assert not verify_claim(bystander.public, act, MESSAGE, proof)


@pytest.fixture(params=["even", "odd"])
def author_of_each_sign(request, ring):
    """Members whose images have an even and an odd y."""
    parity = ("even", "odd").index(request.param)
    return next(key for key in ring if key_image(key, CONTEXT)[1] % 2 == parity)


def test_the_sign_of_an_image_changes_nothing(author_of_each_sign, bystander):
    """The chain tells the x alone, which two points have."""
    author = author_of_each_sign
    act = Act(CONTEXT, key_image(author, CONTEXT)[0])

    assert verify_claim(author.public, act, MESSAGE, claim(author, act, MESSAGE))
    with pytest.raises(InputError, match="must not be the member's own"):
        deny(author, act, MESSAGE)
    if author != bystander:
        assert verify_denial(bystander.public, act, MESSAGE, deny(bystander, act, MESSAGE))


def denial_of_one_point(author, act, context):
    """What an author can prove: that one of the two points is not its image."""
    base, image = tag_base(act.context), key_image(author, act.context)
    differences, secrets = [], []
    for number, point in enumerate(act.images):
        factor = 7 + number
        secrets += [factor * author.secret % N, factor]
        found = FAST.combine([base, negate(point)], secrets[-2:])
        differences.append(G if point == image else found)
    even, odd = differences
    known = Transcript(DENIAL_TAG, context, author.public, base, act.images[0], even, odd)
    equations = []
    for number, (point, found) in enumerate(zip(act.images, differences, strict=True)):
        equations += [
            Equation(found, ((2 * number, base), (2 * number + 1, negate(point)))),
            Equation(INFINITY, ((2 * number, G), (2 * number + 1, negate(author.public)))),
        ]
    return Denial(even, odd, prove_equations(known, equations, secrets, entropy_of("x"), FAST))


def test_the_author_cannot_deny(author, bystander, act):
    assert verify_denial(
        bystander.public, act, MESSAGE, denial_of_one_point(bystander, act, MESSAGE)
    )

    denial = denial_of_one_point(author, act, MESSAGE)

    assert not verify_denial(author.public, act, MESSAGE, denial)
    for field in ("even", "odd"):
        with pytest.raises(InputError, match=rf"denial\.{field}.*infinity"):
            replace(denial, **{field: INFINITY})


def test_a_denial_reads_its_own_words(bystander, act):
    denial = deny(bystander, act, MESSAGE)

    assert Denial.from_words(denial.words()) == denial
    with pytest.raises(InputError, match=r"proof.*no further words"):
        Denial.from_words([*denial.words(), 1])


def test_the_author_cannot_deny_with_anothers_secret(author, bystander, act):
    pretended = MemberKey(bystander.secret, author.public)
    denial = deny(pretended, act, MESSAGE)

    assert not verify_denial(author.public, act, MESSAGE, denial)


def test_proofs_are_for_one_reader_and_one_act(author, bystander, act):
    proof, denial = claim(author, act, MESSAGE), deny(bystander, act, MESSAGE)
    elsewhere = Act(MESSAGE, act.image_x)

    assert not verify_claim(author.public, act, CONTEXT, proof)
    assert not verify_claim(author.public, elsewhere, MESSAGE, proof)
    assert not verify_denial(bystander.public, act, CONTEXT, denial)
    assert not verify_denial(bystander.public, elsewhere, MESSAGE, denial)


def test_bad_points_are_refused_by_name(author, act):
    proof = claim(author, act, MESSAGE)
    with pytest.raises(InputError, match="key"):
        verify_claim(INFINITY, act, MESSAGE, proof)
    for x in (0, 4, P):  # the curve has no points with the first two
        with pytest.raises(InputError, match=r"act\.image_x"):
            Act(CONTEXT, x)
