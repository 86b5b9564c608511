"""One of the ring signed, or nobody did."""

import pytest
from brownie import reverts

from app.privacy.curve import INFINITY, G, N, P
from app.privacy.fast_curve import FAST
from app.privacy.lsag import sign_as_member, tag_base
from tests.contracts.errors import error
from tests.contracts.privacy.abi import REJECTED, answer, as_abi, from_json
from tests.privacy.cases import CONTEXT, MESSAGE, encoded_case, member_signature, members, publics
from tests.privacy.encoding import encode, tampered

ORDER = ("ring", "context", "message", "base", "signature")


@pytest.fixture(scope="module")
def signed():
    """What is verified, as JSON, by name."""
    _, arguments = encoded_case("member-signature")
    arguments["base"] = encode(tag_base(CONTEXT))
    return {name: arguments[name] for name in ORDER}


@pytest.fixture(scope="module")
def verify(verifiers):
    def verify(arguments):
        return answer(verifiers.ring.verify, *from_json(arguments))

    return verify


def test_a_member_is_believed(verify, signed):
    assert verify(signed) is True


@pytest.mark.parametrize("own", range(3))
def test_every_place_in_the_ring_is_as_good(verifiers, own):
    keys = members(3)
    signature = sign_as_member(keys[own], publics(keys), CONTEXT, MESSAGE)
    arguments = (publics(keys), CONTEXT, MESSAGE, tag_base(CONTEXT), as_abi(signature))

    assert verifiers.ring.verify(*arguments)


def test_whatever_is_altered_is_refused(verify, signed):
    twins = dict(tampered(signed))

    assert len(twins) > 25
    for place, twin in twins.items():
        assert verify(twin) in REJECTED, place


@pytest.mark.parametrize("place", ["image", "ring", "base"])
@pytest.mark.parametrize(
    "point", [INFINITY, (1, 3), (G[0] + P, G[1]), (G[0], G[1] + P), (0, P)], ids=str
)
def test_what_is_no_point_is_refused(verify, signed, place, point):
    changed = dict(signed)
    if place == "image":
        changed["signature"] = {**signed["signature"], "image": encode(point)}
    elif place == "ring":
        changed["ring"] = [signed["ring"][0], encode(point), *signed["ring"][2:]]
    else:
        changed["base"] = encode(point)

    assert verify(changed) == "PointInvalid"


def test_each_signature_has_one_form_only(verify, signed):
    signature = signed["signature"]
    first, *others = signature["responses"]
    beyond = {**signature, "responses": [hex(int(first, 16) + N), *others]}
    challenge = {**signature, "challenge": hex(int(signature["challenge"], 16) + N)}

    assert verify({**signed, "signature": beyond}) == "ScalarTooLarge"
    assert verify({**signed, "signature": challenge}) == "ScalarTooLarge"


def test_a_foreign_key_changes_the_ring(verify, signed):
    foreign = publics(members(9))[8]

    assert verify({**signed, "ring": [*signed["ring"][:-1], encode(foreign)]}) is False
    assert verify({**signed, "ring": [*signed["ring"], encode(foreign)]}) is False


def test_an_image_of_another_member_is_refused(verify, signed):
    image = FAST.multiply(tag_base(CONTEXT), members(1)[0].secret)

    assert verify({**signed, "signature": {**signed["signature"], "image": encode(image)}}) is False


def test_the_other_base_of_another_context_is_refused(verify, signed):
    assert verify({**signed, "base": encode(tag_base(MESSAGE))}) is False


@pytest.mark.parametrize("size", [0, 1])
def test_a_ring_of_one_hides_nobody(verifiers, size):
    _, arguments = member_signature()
    ring = arguments["ring"][:size]

    with reverts(error("RingTooSmall", size)):
        verifiers.ring.verify(ring, CONTEXT, MESSAGE, G, as_abi(arguments["signature"]))
