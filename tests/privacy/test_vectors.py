"""Committed proofs verify on every backend; with any one thing changed, none does."""

import json

import pytest

from app.errors import InputError
from tests.privacy.cases import CASES, VECTORS, encoded_case
from tests.privacy.encoding import call, tampered


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_a_vector_is_what_the_prover_gives(name):
    assert encoded_case(name)[1] == load(name)


@pytest.mark.parametrize("name", CASES)
def test_a_vector_verifies_on_every_backend(name, curve):
    assert call(CASES[name]()[0], load(name), curve=curve)


def refused(verify, arguments):
    try:
        return not call(verify, arguments)
    except InputError as error:
        return bool(error.field)


@pytest.mark.parametrize("name", CASES)
def test_a_vector_with_one_thing_changed_is_refused(name):
    verify, vector = CASES[name]()[0], load(name)
    twins = list(tampered(vector))
    accepted = [place for place, twin in twins if not refused(verify, twin)]

    assert len(twins) > 5
    # Whoever takes a statement away has proved the others all the same.
    assert accepted in ([], [".batch (one less)"])


@pytest.mark.parametrize("name", CASES)
def test_every_field_of_a_vector_is_changed_once(name):
    vector = load(name)
    places = {place for place, _ in tampered(vector)}

    assert all(any(place.startswith(f".{field}") for place in places) for field in vector)
