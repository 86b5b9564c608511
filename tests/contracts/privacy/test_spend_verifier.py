"""One of the notes is spent into the pseudo commitment, or none is."""

import pytest
from brownie import reverts

from app.privacy.clsag import sign_spend
from app.privacy.curve import INFINITY, G, N, P
from tests.contracts.errors import error
from tests.contracts.privacy.abi import REJECTED, answer, as_abi, from_json
from tests.privacy.cases import (
    CONTEXT,
    MESSAGE,
    encoded_case,
    opening,
    spend_signature,
    spendable,
)
from tests.privacy.encoding import encode, tampered

ORDER = ("ring", "context", "message", "signature")


@pytest.fixture(scope="module")
def spent():
    """What is verified, as JSON, by name."""
    _, arguments = encoded_case("spend-signature")
    return {name: arguments[name] for name in ORDER}


@pytest.fixture(scope="module")
def verify(verifiers):
    def verify(arguments):
        return answer(verifiers.spend.verify, *from_json(arguments))

    return verify


def test_an_owner_spends(verify, spent):
    assert verify(spent) is True


@pytest.mark.parametrize("own", range(3))
def test_every_place_in_the_ring_is_as_good(verifiers, own):
    notes = [spendable(amount) for amount in (5, 6, 7)]
    ring = [item.note for item in notes]
    pseudo = opening(5 + own, "pseudo")
    signature = sign_spend(notes[own], ring, pseudo, CONTEXT, MESSAGE)

    assert verifiers.spend.verify(as_abi(ring), CONTEXT, MESSAGE, as_abi(signature))


def test_whatever_is_altered_is_refused(verify, spent):
    twins = dict(tampered(spent))

    assert len(twins) > 30
    for place, twin in twins.items():
        assert verify(twin) in REJECTED, place


@pytest.mark.parametrize("place", ["image", "blinding_image", "pseudo", "key", "commitment"])
@pytest.mark.parametrize("point", [INFINITY, (1, 3), (G[0] + P, G[1]), (G[0], G[1] + P)], ids=str)
def test_what_is_no_point_is_refused(verify, spent, place, point):
    changed = dict(spent)
    if place in spent["signature"]:
        changed["signature"] = {**spent["signature"], place: encode(point)}
    else:
        changed["ring"] = [{**spent["ring"][0], place: encode(point)}, *spent["ring"][1:]]

    assert verify(changed) == "PointInvalid"


def test_each_signature_has_one_form_only(verify, spent):
    signature = spent["signature"]
    first, *others = signature["responses"]
    beyond = {**signature, "responses": [hex(int(first, 16) + N), *others]}
    challenge = {**signature, "challenge": hex(int(signature["challenge"], 16) + N)}

    assert verify({**spent, "signature": beyond}) == "ScalarTooLarge"
    assert verify({**spent, "signature": challenge}) == "ScalarTooLarge"


def test_a_foreign_note_changes_the_ring(verify, spent):
    foreign = encode(spendable(9, "somebody else").note)

    assert verify({**spent, "ring": [foreign, *spent["ring"][1:]]}) is False
    assert verify({**spent, "ring": [*spent["ring"], foreign]}) is False


def test_the_amount_is_that_of_the_note(verify, spent):
    _, arguments = spend_signature()
    other = spendable(250_001, "owner").note.commitment
    signature = {**spent["signature"], "pseudo": encode(other)}

    assert arguments["signature"].pseudo != other
    assert verify({**spent, "signature": signature}) is False


@pytest.mark.parametrize("size", [0, 1])
def test_a_ring_of_one_hides_nothing(verifiers, size):
    _, arguments = spend_signature()
    ring = as_abi(arguments["ring"][:size])

    with reverts(error("RingTooSmall", size)):
        verifiers.spend.verify(ring, CONTEXT, MESSAGE, as_abi(arguments["signature"]))
