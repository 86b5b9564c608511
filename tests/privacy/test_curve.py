"""The backends of bn254 agree, and bad points and scalars stop at the edge."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InputError
from app.privacy.curve import (
    GENERATOR_TAG,
    INFINITY,
    REFUND_BASE,
    VALUE_BASE,
    G,
    N,
    P,
    check_point,
    check_scalar,
    check_secret,
    is_on_curve,
    negate,
)
from app.privacy.fast_curve import FAST, LAMBDA, signed_digits, split_scalar, wnaf
from app.privacy.hash_to_curve import hash_to_curve
from app.privacy.reference import REFERENCE
from tests.privacy.conftest import PLAIN
from tests.privacy.strategies import examples, scalars

EDGES = [0, 1, 2, 3, LAMBDA - 1, LAMBDA, LAMBDA + 1, N - 2, N - 1, N, N + 1, -1, 2**256 - 1]
factors = st.one_of(st.sampled_from(EDGES), scalars)


@pytest.mark.parametrize("scalar", EDGES)
@pytest.mark.parametrize("point", [G, VALUE_BASE, REFERENCE.multiply(G, 12_345)])
def test_products_with_scalars_at_the_edges_agree(point, scalar):
    expected = REFERENCE.multiply(point, scalar)

    assert FAST.multiply(point, scalar) == expected
    assert PLAIN.multiply(point, scalar) == expected


@examples(12)
@given(st.lists(st.tuples(factors, factors), max_size=4))
def test_sums_agree(terms):
    points = [FAST.multiply(G, logarithm) for logarithm, _ in terms]
    multipliers = [factor for _, factor in terms]
    expected = REFERENCE.combine(points, multipliers)

    assert FAST.combine(points, multipliers) == expected
    assert PLAIN.combine(points, multipliers) == expected
    assert expected == REFERENCE.multiply(G, sum(a * b for a, b in terms))


@examples(10)
@given(st.lists(st.tuples(factors, factors), min_size=10, max_size=60))
def test_long_sums_come_out_as_their_logarithms_say(terms):
    points = [PLAIN.multiply(G, logarithm) for logarithm, _ in terms]
    expected = PLAIN.multiply(G, sum(a * b for a, b in terms))

    assert PLAIN.combine(points, [factor for _, factor in terms]) == expected


@pytest.mark.parametrize("size", [130, 400])
def test_sums_of_hundreds_of_points_come_out_as_their_logarithms_say(size):
    logarithms = [pow(3, i, N) for i in range(size)]
    points = PLAIN.walk(G, VALUE_BASE, 2) * (size // 2)
    multipliers = [value * pow(5, i, N) for i, value in enumerate(logarithms)]
    even, odd = sum(multipliers[::2]), sum(multipliers[1::2])

    assert PLAIN.combine(points, multipliers) == PLAIN.combine(points[:2], [even, odd])


def test_a_point_and_its_opposite_cancel(curve):
    point = FAST.multiply(G, 5)

    assert curve.add(point, negate(point)) == INFINITY
    assert curve.combine([point, point], [7, -7]) == INFINITY
    assert curve.add(point, point) == FAST.multiply(G, 10)
    assert curve.add(INFINITY, point) == curve.add(point, INFINITY) == point


def test_infinity_times_anything_is_infinity(curve):
    assert curve.multiply(INFINITY, 5) == INFINITY
    assert curve.combine([INFINITY, G], [5, 0]) == INFINITY
    assert curve.combine([], []) == INFINITY


def test_a_sum_needs_as_many_scalars_as_points(curve):
    with pytest.raises(ValueError, match="zip"):
        curve.combine([G, G], [1])


def test_a_walk_goes_through_infinity(curve):
    start = FAST.multiply(G, -2)

    assert curve.walk(start, G, 5) == [start, negate(G), INFINITY, G, FAST.multiply(G, 2)]


@given(scalars)
def test_a_scalar_splits_into_halves(scalar):
    first, second = split_scalar(scalar)

    assert (first + second * LAMBDA - scalar) % N == 0
    assert max(abs(first), abs(second)) < 1 << 128


@given(scalars, st.integers(2, 10))
def test_digits_add_up_to_the_scalar(scalar, width):
    digits = signed_digits(scalar, width)

    assert sum(digit << width * i for i, digit in enumerate(digits)) == scalar
    assert sum(digit << position for position, digit in wnaf(scalar)) == scalar
    assert all(abs(digit) <= 1 << (width - 1) for digit in digits)


def test_the_bases_of_values_and_refunds_are_hashes():
    assert hash_to_curve(b"value base", GENERATOR_TAG) == VALUE_BASE
    assert hash_to_curve(b"refund base", GENERATOR_TAG) == REFUND_BASE


@pytest.mark.parametrize(
    ("point", "rule"),
    [
        (INFINITY, "infinity"),
        ((1, 3), "on the curve"),
        ((P, 2), "below the field"),
        ((1, 2 + P), "below the field"),
        ((1 + P, 2), "below the field"),
        ((-1, 2), "below the field"),
        ((1, P), "below the field"),
    ],
)
def test_what_is_no_point_is_refused_by_name(point, rule):
    assert not is_on_curve(point)
    with pytest.raises(InputError, match=f"image: .*{rule}"):
        check_point("image", point)


@pytest.mark.parametrize("value", [-1, N, N + 1, 2**256])
def test_what_is_no_scalar_is_refused_by_name(value):
    with pytest.raises(InputError, match="response"):
        check_scalar("response", value)


@pytest.mark.parametrize("value", [0, N - 1])
def test_scalars_at_the_limits_pass(value):
    assert check_scalar("response", value) == value


@pytest.mark.parametrize("value", [0, -1, N])
def test_a_secret_that_is_refused_is_not_shown(value):
    with pytest.raises(InputError, match="'a secret'"):
        check_secret("secret", value)


def test_the_reference_leaves_the_depth_of_recursion_alone():
    script = (
        "import sys; before = sys.getrecursionlimit(); import app.privacy.reference; "
        "sys.exit(before != sys.getrecursionlimit())"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
