"""Committed numbers are shown to lie in their ranges, and no others can be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InputError
from app.privacy.bulletproofs import (
    MAX_LENGTH,
    RangeProof,
    RangeStatement,
    generators,
    powers,
    prove_ranges,
    verify_ranges,
)
from app.privacy.curve import BLINDING_BASE, INFINITY, VALUE_BASE, G, N, P, is_on_curve
from app.privacy.fast_curve import FAST
from app.privacy.pedersen import Opening, commit
from tests.privacy.cases import CONTEXT, MESSAGE, entropy_of, opening
from tests.privacy.strategies import examples


def statement_of(openings, bits, context=CONTEXT):
    return RangeStatement(context, tuple(bits), tuple(map(commit, openings)))


def proved(values, bits, **more):
    openings = [opening(value, str(i)) for i, value in enumerate(values)]
    statement = statement_of(openings, bits)
    return statement, prove_ranges(statement, openings, **more)


WIDTHS = st.sampled_from([(4,), (8,), (1, 3), (5, 2, 1), (1, 1, 1, 1), (7, 9), (10, 22), (32, 32)])


@examples(12)
@given(WIDTHS, st.data())
def test_whatever_lies_in_range_can_be_proved(bits, data):
    values = [data.draw(st.integers(0, 2**width - 1)) for width in bits]

    assert verify_ranges([proved(values, bits)])


@pytest.mark.parametrize("bits", [(4,), (64,), (64, 64), (22, 22, 10, 10)])
def test_the_limits_of_a_range_lie_in_it(bits):
    assert verify_ranges([proved([0] * len(bits), bits)])
    assert verify_ranges([proved([2**width - 1 for width in bits], bits)])


def test_backends_prove_and_verify_alike(curve):
    statement, proof = proved([9, 3, 1], (5, 2, 1), entropy=entropy_of("same"), curve=curve)

    assert proof == proved([9, 3, 1], (5, 2, 1), entropy=entropy_of("same"))[1]
    assert verify_ranges([(statement, proof)], curve=curve)


@pytest.mark.parametrize("value", [256, 2**64, N - 1, N - 256])
def test_what_lies_outside_is_refused_by_the_prover(value):
    with pytest.raises(InputError, match=r"openings\[0\]: must be below 2\^8"):
        proved([value], (8,))


@pytest.mark.parametrize("value", [256, 257, N - 1])
def test_and_by_the_verifier(value):
    """The proof of another value, brought for a commitment whose value is out of range."""
    good = opening(value % 256)
    bad = Opening(value, good.blinding)
    proof = prove_ranges(statement_of([good], (8,)), [good])

    assert verify_ranges([(statement_of([good], (8,)), proof)])
    assert not verify_ranges([(statement_of([bad], (8,)), proof)])


def test_a_proof_for_wide_ranges_says_nothing_of_narrow_ones():
    openings = [opening(9), opening(3)]
    statement = statement_of(openings, (4, 4))
    proof = prove_ranges(statement, openings)

    assert not verify_ranges([(statement_of(openings, (5, 3)), proof)])
    assert not verify_ranges([(statement_of(openings, (8, 8)), proof)])
    assert not verify_ranges([(statement_of(openings[::-1], (4, 4)), proof)])
    assert not verify_ranges([(statement_of(openings, (4, 4), MESSAGE), proof)])


def test_openings_must_be_those_of_the_commitments():
    with pytest.raises(InputError, match=r"openings\[1\]: must open its commitment"):
        prove_ranges(statement_of([opening(1), opening(2)], (4, 4)), [opening(1), opening(3)])
    with pytest.raises(InputError, match="as many as commitments"):
        prove_ranges(statement_of([opening(1), opening(2)], (4, 4)), [opening(1)])


def test_many_proofs_verify_at_once():
    batch = [proved([i], (8,)) for i in range(5)] + [proved([3, 4], (20, 12))]

    assert verify_ranges(batch)
    assert verify_ranges([])


@pytest.mark.parametrize("place", range(4))
def test_one_bad_proof_spoils_the_batch(place):
    batch = [proved([i], (8,)) for i in range(4)]
    statement, proof = batch[place]
    batch[place] = (statement, replace(proof, tau_x=(proof.tau_x + 1) % N))

    assert not verify_ranges(batch)


def test_errors_of_two_proofs_do_not_cancel():
    first, second = (proved([i], (8,)) for i in range(2))
    for name in ("tau_x", "mu", "t"):
        plus = replace(first[1], **{name: (getattr(first[1], name) + 1) % N})
        minus = replace(second[1], **{name: (getattr(second[1], name) - 1) % N})
        assert not verify_ranges([(first[0], plus), (second[0], minus)])


@pytest.mark.parametrize(
    ("bits", "rule"),
    [
        ((), "add up"),
        ((3,), "add up"),
        ((5,), "add up"),
        ((8, 4), "add up"),
        ((64, 64, 64, 64), "add up"),
        ((65, 63), r"bits\[0\]"),
        ((0, 4), r"bits\[0\]"),
        ((-4, 8), r"bits\[0\]"),
    ],
)
def test_bad_widths_are_refused(bits, rule):
    with pytest.raises(InputError, match=rule):
        RangeStatement(CONTEXT, bits, (G,) * len(bits))


def test_a_statement_has_a_width_for_each_point():
    with pytest.raises(InputError, match="as many as commitments"):
        RangeStatement(CONTEXT, (4, 4), (G,))
    with pytest.raises(InputError, match=r"commitments\[1\].*infinity"):
        RangeStatement(CONTEXT, (4, 4), (G, INFINITY))
    with pytest.raises(InputError, match="context"):
        RangeStatement(b"", (4,), (G,))


def test_a_proof_has_one_form_only():
    words = proved([9], (8,))[1].words()
    points = {*range(8), *range(19, len(words))}
    for place in range(len(words)):
        limit = P if place in points else N
        with pytest.raises(InputError, match="below the"):
            RangeProof.from_words([*words[:place], words[place] + limit, *words[place + 1 :]])


def test_a_proof_survives_the_wire():
    proof = proved([9, 1000], (16, 16))[1]

    assert RangeProof.from_words(proof.words()) == proof
    assert len(proof.words()) == 19 + 4 * 3
    with pytest.raises(InputError, match=r"rounds\[3\]\.left"):
        RangeProof.from_words([*proof.words(), 1])
    with pytest.raises(InputError, match=r"proof\.a"):
        replace(proof, a=proof.a[:3])


def test_rounds_must_be_as_many_as_the_length_asks_for():
    statement, proof = proved([9], (8,))

    assert not verify_ranges([(statement, replace(proof, rounds=()))])
    assert not verify_ranges([(statement, replace(proof, rounds=proof.rounds * 2))])


def test_two_proofs_of_one_statement_differ():
    assert proved([9], (8,))[1] != proved([9], (8,))[1]


def test_generators_are_all_different_points():
    base = generators()
    points = {*base.g, *base.h, base.u, VALUE_BASE, BLINDING_BASE}

    assert len(points) == 2 * MAX_LENGTH + 3
    assert all(map(is_on_curve, points))


def test_powers():
    assert powers(3, 4) == [1, 3, 9, 27]
    assert powers(2, 3, start=5) == [5, 10, 20]
    assert powers(2, 0) == []
    assert powers(N - 1, 3) == [1, N - 1, 1]


def test_sums_of_many_commitments_cannot_wrap():
    """2^32 values of 64 bits add up to less than the group's order."""
    total = opening(2**64 - 1).scaled(2**32)

    assert total.value == (2**64 - 1) * 2**32 < N
    assert FAST.multiply(commit(opening(2**64 - 1)), 2**32) == commit(total)
