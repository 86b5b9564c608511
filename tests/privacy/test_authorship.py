"""A member can show that an anonymous act was its own, or was not, and cannot lie."""

import pytest

from app.errors import InputError
from app.privacy.authorship import Act, Denial, claim, deny, verify_claim, verify_denial
from app.privacy.curve import INFINITY, negate
from app.privacy.keys import MemberKey
from app.privacy.lsag import key_image
from tests.privacy.cases import CONTEXT, MESSAGE, entropy_of


@pytest.fixture
def author(ring):
    return ring[1]


@pytest.fixture
def bystander(ring):
    return ring[0]


@pytest.fixture
def act(author):
    return Act(CONTEXT, key_image(author, CONTEXT))


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


def test_the_author_cannot_deny(author, act):
    with pytest.raises(InputError, match="must not be the member's own"):
        deny(author, act, MESSAGE)

    mirrored = Act(act.context, negate(act.image))
    denial = deny(author, mirrored, MESSAGE)
    assert not verify_denial(author.public, act, MESSAGE, denial)
    with pytest.raises(InputError, match=r"denial\.difference.*infinity"):
        Denial(INFINITY, denial.proof)


def test_the_author_cannot_deny_with_anothers_secret(author, bystander, act):
    pretended = MemberKey(bystander.secret, author.public)
    denial = deny(pretended, act, MESSAGE)

    assert not verify_denial(author.public, act, MESSAGE, denial)


def test_proofs_are_for_one_reader_and_one_act(author, bystander, act):
    proof, denial = claim(author, act, MESSAGE), deny(bystander, act, MESSAGE)
    elsewhere = Act(MESSAGE, act.image)

    assert not verify_claim(author.public, act, CONTEXT, proof)
    assert not verify_claim(author.public, elsewhere, MESSAGE, proof)
    assert not verify_denial(bystander.public, act, CONTEXT, denial)
    assert not verify_denial(bystander.public, elsewhere, MESSAGE, denial)


def test_bad_points_are_refused_by_name(author, act):
    proof = claim(author, act, MESSAGE)
    with pytest.raises(InputError, match="key"):
        verify_claim(INFINITY, act, MESSAGE, proof)
    with pytest.raises(InputError, match=r"act\.image"):
        Act(CONTEXT, INFINITY)
