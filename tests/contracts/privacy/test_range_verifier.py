"""Committed numbers lie in their ranges, one claim or several at once."""

import pytest
from brownie import RangeGenerators, RangeVerifier, accounts, reverts

from app.privacy.bulletproofs import RangeStatement, generators, prove_ranges
from app.privacy.curve import INFINITY, G, N, P
from app.privacy.pedersen import commit
from app.privacy.transcript import pack
from tests.contracts.errors import error
from tests.contracts.privacy.abi import REJECTED, answer, claim_of, from_json
from tests.privacy.cases import CONTEXT, MESSAGE, entropy_of, opening
from tests.privacy.encoding import encode, tampered


def proved(values, bits, context=CONTEXT):
    openings = [opening(value) for value in values]
    statement = RangeStatement(context, bits, tuple(map(commit, openings)))
    return statement, prove_ranges(statement, openings, entropy=entropy_of(f"ranges {bits}"))


def as_json(values, bits):
    """A claim as JSON, by name, in the contract's order."""
    statement, proof = proved(values, bits)
    return {**encode(statement), "proof": encode(proof)}


@pytest.fixture(scope="module")
def claims():
    """Two small claims of different lengths."""
    return [as_json((9, 3), (5, 3)), as_json((15,), (4,))]


@pytest.fixture(scope="module")
def verify(verifiers):
    def verify(claims):
        return answer(verifiers.ranges.verify, from_json(claims))

    return verify


@pytest.mark.parametrize(
    ("values", "bits"),
    [
        ((0,), (4,)),
        ((15,), (4,)),
        ((255,), (8,)),
        ((1, 0, 1, 1), (1, 1, 1, 1)),
        ((9, 3, 1), (5, 2, 1)),
        ((40_000,), (16,)),
        ((1_000_000, 1023), (22, 10)),
        ((2**64 - 1,), (64,)),
        ((1, 2, 3, 4), (22, 22, 10, 10)),
        ((2**64 - 1, 0), (64, 64)),
    ],
    ids=str,
)
def test_numbers_in_their_ranges_are_believed(verifiers, values, bits):
    assert verifiers.ranges.verify([claim_of(*proved(values, bits))])


def test_claims_are_believed_together(verifiers, claims):
    assert verifiers.ranges.verify(from_json(claims))
    assert verifiers.ranges.verify(from_json(claims[::-1]))
    assert verifiers.ranges.verify([])


def test_one_wrong_claim_spoils_all(verify, claims):
    first, second = claims
    wrong = {**second, "context": encode(MESSAGE)}

    assert verify([first, wrong]) is False
    assert verify([wrong, first]) is False
    assert verify([wrong, wrong]) is False


def test_whatever_is_altered_is_refused(verify, claims):
    # a and b have four numbers each: of another number of them the ABI knows nothing
    fixed = ("proof.a (one less)", "proof.b (one less)")
    twins = {place: twin for place, twin in tampered(claims) if not place.endswith(fixed)}

    assert len(twins) > 60
    for place, twin in twins.items():
        assert verify(twin) in {*REJECTED, "VectorLengthInvalid", "LengthMismatch"}, place


def test_a_number_beyond_its_range_is_refused(verify):
    claim = as_json((9,), (4,))

    for beyond in (16, N - 1):
        commitment = encode(commit(opening(beyond, "beyond")))
        assert verify([{**claim, "commitments": [commitment]}]) is False


def test_widths_are_part_of_what_is_proved(verify):
    claim = as_json((3, 3), (4, 4))

    assert verify([{**claim, "bits": ["0x5", "0x3"]}]) is False


@pytest.mark.parametrize("place", ["bits", "masks", "t1", "t2", "commitment", "left", "right"])
@pytest.mark.parametrize("point", [INFINITY, (1, 3), (G[0] + P, G[1])], ids=str)
def test_what_is_no_point_is_refused(verify, claims, place, point):
    claim = claims[0]
    proof = claim["proof"]
    if place == "commitment":
        changed = {**claim, "commitments": [encode(point), claim["commitments"][1]]}
    elif place in proof:
        changed = {**claim, "proof": {**proof, place: encode(point)}}
    else:
        left, right = proof["rounds"][0]
        pair = [encode(point), right] if place == "left" else [left, encode(point)]
        changed = {**claim, "proof": {**proof, "rounds": [pair]}}

    assert verify([changed]) == "PointInvalid"


@pytest.mark.parametrize("place", ["tau_x", "mu", "t", "a", "b"])
def test_each_proof_has_one_form_only(verify, claims, place):
    proof = claims[0]["proof"]
    value = proof[place]
    if isinstance(value, list):
        beyond = [*value[:-1], hex(int(value[-1], 16) + N)]
    else:
        beyond = hex(int(value, 16) + N)

    assert verify([{**claims[0], "proof": {**proof, place: beyond}}]) == "ScalarTooLarge"


def test_rounds_are_as_many_as_the_length_wants(verify, claims):
    claim = claims[0]
    rounds = claim["proof"]["rounds"]

    assert verify([{**claim, "proof": {**claim["proof"], "rounds": []}}]) is False
    assert verify([{**claim, "proof": {**claim["proof"], "rounds": rounds * 2}}]) is False


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ([], "VectorLengthInvalid"),
        ([3], "VectorLengthInvalid"),
        ([6], "VectorLengthInvalid"),
        ([64, 64, 64, 64], "VectorLengthInvalid"),
        ([0], "WidthInvalid"),
        ([65], "WidthInvalid"),
        ([2**255], "WidthInvalid"),
    ],
    ids=str,
)
def test_widths_that_nothing_can_be_proved_of(verifiers, bits, expected):
    statement, proof = proved((9,), (4,))
    context, _, commitments, sent = claim_of(statement, proof)
    claim = (context, bits, commitments * len(bits), sent)

    assert answer(verifiers.ranges.verify, [claim]) == expected


def test_every_commitment_has_a_width(verifiers):
    context, bits, commitments, proof = claim_of(*proved((9, 3), (4, 4)))

    with reverts(error("LengthMismatch", 2, 1)):
        verifiers.ranges.verify([(context, bits, commitments[:1], proof)])


def test_generators_are_the_right_ones():
    base = generators()
    table = accounts[0].deploy(
        RangeGenerators, pack([base.u, *base.h, *base.g]), gas_limit=8_000_000, silent=True
    )

    with reverts(error("GeneratorsForeign", table)):
        accounts[0].deploy(RangeVerifier, table, silent=True)
