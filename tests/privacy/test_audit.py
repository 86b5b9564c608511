"""The auditor opens what members commit to, alone or k of n together; nobody else does."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ForbiddenError, InputError
from app.privacy.audit import (
    AuditorKey,
    Handle,
    ValueFinder,
    make_handle,
    open_handle,
    prove_handles,
    reveal,
    verify_handles,
)
from app.privacy.committee import (
    Committee,
    Share,
    combine_partials,
    deal,
    open_partially,
    verify_partial,
    verify_share,
)
from app.privacy.curve import BLINDING_BASE, INFINITY, G, N
from app.privacy.fast_curve import FAST
from app.privacy.pedersen import Opening
from app.privacy.reference import REFERENCE
from tests.privacy.cases import CONTEXT, MESSAGE, auditor, entropy_of, opening
from tests.privacy.strategies import examples


@pytest.fixture(scope="module")
def finder():
    return ValueFinder(16)


@pytest.fixture
def key():
    return auditor()


@pytest.fixture
def handle(key):
    return make_handle(opening(1_234), key.public)


@pytest.fixture
def committee_of_three_in_five(key):
    return deal(key, 3, 5, entropy=entropy_of("shares"))


@examples(15)
@given(st.one_of(st.sampled_from([0, 1, 255, 256, 257, 65_534, 65_535]), st.integers(0, 65_535)))
def test_the_auditor_reads_every_value(finder, value):
    key = auditor()

    assert open_handle(key, make_handle(Opening.of(value), key.public), finder) == value


def test_values_of_32_bits_are_found(key):
    finder = ValueFinder()
    for value in (0, 4_200_000, 2**32 - 1):
        assert open_handle(key, make_handle(Opening.of(value), key.public), finder) == value


def test_backends_find_the_same(key):
    handle = make_handle(opening(77), key.public)

    assert open_handle(key, handle, ValueFinder(8, REFERENCE), curve=REFERENCE) == 77


@pytest.mark.parametrize("value", [65_536, N - 1])
def test_a_value_beyond_the_range_is_not_found(key, finder, value):
    with pytest.raises(InputError, match="below 2\\^16"):
        open_handle(key, make_handle(Opening.of(value), key.public), finder)


def test_another_key_opens_nothing(handle, finder):
    with pytest.raises(InputError, match="must hide a value"):
        open_handle(AuditorKey.generate(), handle, finder)


def test_handles_are_proved_to_open_their_commitments(key, curve):
    openings = [opening(5), opening(0)]
    handles, proof = prove_handles(
        openings, key.public, CONTEXT, entropy=entropy_of("same"), curve=curve
    )

    assert verify_handles(handles, key.public, CONTEXT, proof, curve=curve)
    assert (handles, proof) == prove_handles(
        openings, key.public, CONTEXT, entropy=entropy_of("same")
    )


def test_a_handle_that_does_not_open_is_refused(key, outsider):
    handles, proof = prove_handles([opening(5)], key.public, CONTEXT)
    moved = Handle(handles[0].commitment, FAST.add(handles[0].point, G))
    foreign = AuditorKey.from_secret(outsider.secret).public

    assert not verify_handles([moved], key.public, CONTEXT, proof)
    assert not verify_handles(handles, foreign, CONTEXT, proof)
    assert not verify_handles(handles, key.public, MESSAGE, proof)
    assert not verify_handles([], key.public, CONTEXT, proof)


def test_bad_points_are_refused_by_name(key):
    handles, proof = prove_handles([opening(5)], key.public, CONTEXT)
    with pytest.raises(InputError, match="auditor"):
        verify_handles(handles, INFINITY, CONTEXT, proof)
    with pytest.raises(InputError, match="auditor"):
        prove_handles([opening(5)], (1, 3), CONTEXT)
    with pytest.raises(InputError, match=r"handle\.point"):
        make_handle(Opening(5, 0), key.public)


def test_any_three_of_five_auditors_open_a_handle(committee_of_three_in_five, handle, finder):
    committee, shares = committee_of_three_in_five
    for chosen in combinations(shares, 3):
        partials = [open_partially(committee, share, handle.point, CONTEXT) for share in chosen]
        point = combine_partials(committee, handle.point, partials, CONTEXT)
        assert reveal(handle, point, finder) == 1_234


def test_two_do_not(committee_of_three_in_five, handle):
    committee, shares = committee_of_three_in_five
    partials = [open_partially(committee, share, handle.point, CONTEXT) for share in shares[:2]]

    with pytest.raises(ForbiddenError, match="takes 3 auditors"):
        combine_partials(committee, handle.point, partials, CONTEXT)
    with pytest.raises(ForbiddenError, match="takes 3 auditors"):
        combine_partials(committee, handle.point, [*partials, partials[0]], CONTEXT)


def test_a_false_contribution_is_named(committee_of_three_in_five, handle):
    committee, shares = committee_of_three_in_five
    partials = [open_partially(committee, share, handle.point, CONTEXT) for share in shares[:3]]
    false = replace(partials[1], point=FAST.add(partials[1].point, G))
    posing = replace(partials[1], index=5)

    assert not verify_partial(committee, handle.point, false, CONTEXT)
    with pytest.raises(ForbiddenError, match="auditor 2"):
        combine_partials(committee, handle.point, [partials[0], false, partials[2]], CONTEXT)
    with pytest.raises(ForbiddenError, match="auditor 5"):
        combine_partials(committee, handle.point, [partials[0], posing, partials[2]], CONTEXT)


def test_who_contributes_nonsense_stops_nobody(committee_of_three_in_five, handle, finder):
    """Not even in the name of another auditor, before or after it."""
    committee, shares = committee_of_three_in_five
    good = [open_partially(committee, share, handle.point, CONTEXT) for share in shares]
    false = [replace(each, point=FAST.add(each.point, G)) for each in good]

    for partials in ([false[0], *good[1:4]], [*false[:3], *good[:3]], [*good[:3], *false[:3]]):
        point = combine_partials(committee, handle.point, partials, CONTEXT)
        assert reveal(handle, point, finder) == 1_234


def test_auditors_have_one_number_each(committee_of_three_in_five, handle):
    committee, shares = committee_of_three_in_five
    partial = open_partially(committee, shares[0], handle.point, CONTEXT)

    for index in (0, -1, N, partial.index + N):
        with pytest.raises(InputError, match=r"partial\.index"):
            replace(partial, index=index)


def test_a_contribution_serves_one_handle_and_one_purpose(committee_of_three_in_five, handle, key):
    committee, shares = committee_of_three_in_five
    partial = open_partially(committee, shares[0], handle.point, CONTEXT)
    other = make_handle(opening(9), key.public)

    assert verify_partial(committee, handle.point, partial, CONTEXT)
    assert not verify_partial(committee, other.point, partial, CONTEXT)
    assert not verify_partial(committee, handle.point, partial, MESSAGE)


def test_auditors_check_their_shares(committee_of_three_in_five):
    committee, shares = committee_of_three_in_five

    assert all(verify_share(committee, share) for share in shares)
    assert not verify_share(committee, Share(1, shares[1].secret))
    assert not verify_share(committee, replace(shares[0], secret=(shares[0].secret + 1) % N))


def test_a_dealer_cannot_share_another_key(committee_of_three_in_five, key):
    committee, _ = committee_of_three_in_five
    with pytest.raises(InputError, match="must be the base point"):
        Committee(committee.public, committee.coefficients[1:])
    assert committee.coefficients[0] == FAST.multiply(key.public, key.secret) == BLINDING_BASE


@pytest.mark.parametrize(("threshold", "count"), [(0, 5), (6, 5), (-1, 5)])
def test_a_threshold_lies_between_one_and_all(key, threshold, count):
    with pytest.raises(InputError, match="threshold"):
        deal(key, threshold, count)


def test_shares_count_from_one():
    with pytest.raises(InputError, match=r"share\.index"):
        Share(0, 1)
