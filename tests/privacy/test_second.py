"""What `docs/privacy.md` says suffices to verify our proofs."""

import copy
import json

import pytest

from tests.privacy.cases import CASES, VECTORS
from tests.privacy.second import VERIFIERS


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def test_there_is_a_second_verifier_for_every_kind():
    assert VERIFIERS.keys() == CASES.keys()


@pytest.mark.parametrize("name", VERIFIERS)
def test_the_second_verifier_accepts_the_vectors(name):
    assert VERIFIERS[name](load(name))


def with_another_context(vector):
    changed = copy.deepcopy(vector)
    place = changed["batch"][0][0] if "batch" in changed else changed
    place["context"] = "0x" + "ab" * 32
    return changed


@pytest.mark.parametrize("name", VERIFIERS)
def test_the_second_verifier_refuses_them_elsewhere(name):
    assert not VERIFIERS[name](with_another_context(load(name)))
