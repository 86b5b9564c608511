"""Commitments add up, and hide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InputError
from app.privacy.curve import BLINDING_BASE, VALUE_BASE, N
from app.privacy.fast_curve import FAST
from app.privacy.pedersen import Opening, commit, subtract
from tests.privacy.strategies import examples, openings


@examples(20)
@given(openings, openings)
def test_commitments_add_up(left, right):
    if (left.blinding - right.blinding) % N == 0 or (left.blinding + right.blinding) % N == 0:
        return
    assert FAST.add(commit(left), commit(right)) == commit(left + right)
    assert subtract(commit(left), commit(right)) == commit(left - right)


@examples(20)
@given(openings, st.integers(1, 2**64))
def test_commitments_scale(opening, factor):
    assert FAST.multiply(commit(opening), factor) == commit(opening.scaled(factor))


def test_backends_agree(curve):
    opening = Opening(5, 7)

    assert commit(opening, curve) == FAST.combine([VALUE_BASE, BLINDING_BASE], [5, 7])
    assert subtract(commit(opening, curve), BLINDING_BASE, curve) == commit(Opening(5, 6))


def test_one_value_has_many_commitments():
    assert commit(Opening.of(5)) != commit(Opening.of(5))


def test_nothing_at_all_is_no_commitment():
    with pytest.raises(InputError, match="blinding"):
        commit(Opening(0, 0))


@pytest.mark.parametrize("value", [-1, N])
def test_openings_are_scalars_and_stay_secret(value):
    with pytest.raises(InputError, match=r"value: .*'a secret'"):
        Opening(value, 1)
    with pytest.raises(InputError, match=r"blinding: .*'a secret'"):
        Opening(1, value)


def test_blindings_are_not_shown():
    assert repr(Opening(987654321, 123456789)) == "Opening()"
