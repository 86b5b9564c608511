"""Keys are their holders' own, costs are right, and handles open."""

import pytest

from app.privacy.curve import INFINITY, G, N, P
from app.privacy.pedersen import commit
from app.privacy.product import prove_product
from tests.contracts.privacy.abi import REJECTED, answer, as_abi, from_json
from tests.privacy.cases import CONTEXT, MESSAGE, encoded_case, opening
from tests.privacy.encoding import encode, tampered

FUNCTIONS = {
    "possession": ("verifyPossession", ("public", "context", "proof")),
    "cost-down": ("verifyCost", ("statement", "context", "proof")),
    "cost-up": ("verifyCost", ("statement", "context", "proof")),
    "handles": ("verifyHandles", ("handles", "auditor", "context", "proof")),
}


@pytest.fixture(scope="module", params=FUNCTIONS)
def case(request):
    """Its function, and what that is given, as JSON by name."""
    function, order = FUNCTIONS[request.param]
    _, arguments = encoded_case(request.param)
    return function, {name: arguments[name] for name in order}


@pytest.fixture(scope="module")
def verify(verifiers):
    def verify(function, arguments):
        return answer(getattr(verifiers.sigma, function), *from_json(arguments))

    return verify


def test_what_is_proved_is_believed(verify, case):
    assert verify(*case) is True


def test_whatever_is_altered_is_refused(verify, case):
    function, arguments = case
    twins = dict(tampered(arguments))

    assert len(twins) >= 6
    for place, twin in twins.items():
        assert verify(function, twin) in REJECTED, place


def test_a_proof_holds_in_its_own_context_only(verify, case):
    function, arguments = case

    assert verify(function, {**arguments, "context": encode(MESSAGE)}) is False


def test_each_proof_has_one_form_only(verify, case):
    function, arguments = case
    proof = arguments["proof"]
    beyond = [*proof["responses"][:-1], hex(int(proof["responses"][-1], 16) + N)]
    challenge = hex(int(proof["challenge"], 16) + N)

    for changed in ({**proof, "responses": beyond}, {**proof, "challenge": challenge}):
        assert verify(function, {**arguments, "proof": changed}) == "ScalarTooLarge"


def test_there_is_a_response_for_each_secret(verify, case):
    function, arguments = case
    proof = arguments["proof"]

    for responses in ([], proof["responses"][:-1], [*proof["responses"], "0x1"]):
        changed = {**proof, "responses": responses}
        assert verify(function, {**arguments, "proof": changed}) is False


@pytest.mark.parametrize("point", [INFINITY, (1, 3), (G[0] + P, G[1])], ids=str)
def test_what_is_no_point_is_refused(verify, case, point):
    function, arguments = case
    changed = dict(arguments)
    for name, value in arguments.items():
        if name in {"public", "auditor"}:
            changed[name] = encode(point)
        elif name == "handles":
            changed[name] = [{**value[0], "point": encode(point)}, *value[1:]]
        elif name == "statement":
            changed[name] = {**value, "remainder": encode(point)}

    assert verify(function, changed) == "PointInvalid"


def test_rounding_up_is_not_rounding_down(verify):
    for name, other in (("cost-down", "0x1"), ("cost-up", "0x0")):
        _, arguments = encoded_case(name)
        changed = {**arguments, "statement": {**arguments["statement"], "rounding": other}}
        assert verify("verifyCost", changed) is False


def test_products(verifiers):
    left, right, product = opening(6), opening(7), opening(42)
    points = tuple(map(commit, (left, right, product)))
    proof = as_abi(prove_product(points, left, right, product, CONTEXT))
    other = commit(opening(43))

    assert verifiers.sigma.verifyProduct(*points, CONTEXT, proof)
    assert not verifiers.sigma.verifyProduct(*points[:2], other, CONTEXT, proof)
    assert not verifiers.sigma.verifyProduct(points[1], points[0], points[2], CONTEXT, proof)
