"""The chain computes what `app.privacy` computes: points, hashes, contexts."""

import hashlib

import pytest
from brownie import chain
from eth_hash.auto import keccak

from app.privacy.curve import INFINITY, VALUE_BASE, G, N, P, negate
from app.privacy.fast_curve import FAST
from app.privacy.hash_to_curve import key_base
from app.privacy.lsag import tag_base
from app.privacy.transcript import Transcript, context_of, hash_words, pack
from tests.contracts.plain import plain
from tests.contracts.privacy.abi import as_abi
from tests.privacy.cases import CONTEXT, members, publics, spendable

TAG = "peerwatt/test"


def point_of(value):
    return tuple(plain(value).values())


@pytest.mark.parametrize("number", range(4))
def test_tag_bases_are_those_of_python(verifiers, number):
    context = hashlib.sha256(str(number).encode()).digest()

    assert point_of(verifiers.ring.tagBase(context)) == tag_base(context)


def test_key_bases_are_those_of_python(probe):
    for key in publics(members(12)):
        assert point_of(probe.keyBase(key)) == key_base(key)


@pytest.mark.parametrize(
    ("points", "scalars"),
    [
        ([G, VALUE_BASE], [7, N - 1]),
        ([G, G], [N, 5]),
        ([G, negate(G)], [1, 1]),
        ([G, negate(G)], [3, 3]),
        ([G], [0]),
        ([G], [2**256 - 1]),
        ([INFINITY, G], [4, 1]),
        ([], []),
    ],
)
def test_sums_are_those_of_python(probe, points, scalars):
    expected = FAST.combine(points, scalars) if points else INFINITY

    assert point_of(probe.combine(points, scalars)) == expected


@pytest.mark.parametrize("prime", [P, N], ids=["field", "order"])
def test_inverses(probe, prime):
    assert probe.inverse(12345, prime) == pow(12345, -1, prime)
    assert probe.inverse(0, prime) == 0


@pytest.mark.parametrize("words", [[], [1], [2**256 - 1, b"\x07" * 32, G]], ids=len)
def test_transcripts_are_those_of_python(probe, words):
    transcript = Transcript(TAG, CONTEXT, *words)
    state = probe.begin(keccak(TAG.encode()), CONTEXT, pack(words))
    assert bytes(state) == transcript.state

    transcript.absorb(*words)
    state = probe.absorb(state, pack(words))
    assert bytes(state) == transcript.state
    assert probe.challenge(state) == transcript.challenge()


def test_contexts_name_chain_and_contract(probe):
    expected = context_of(TAG, chain.id, probe.address, 5, G)

    assert bytes(probe.contextOf(keccak(TAG.encode()), pack([5, G]))) == expected
    assert expected != context_of(TAG, chain.id + 1, probe.address, 5, G)


def test_hashes_of_lists_are_those_of_python(probe):
    points = publics(members(3))
    notes = [spendable(amount).note for amount in (1, 2)]
    words = [point for note in notes for point in (note.key, note.commitment)]

    assert bytes(probe.hashPoints(points)) == hash_words(points)
    assert bytes(probe.hashPoints([])) == keccak(b"")
    assert bytes(probe.hashNumbers([1, 2, 3])) == hash_words([1, 2, 3])
    assert bytes(probe.hashNotes(as_abi(notes))) == hash_words(words)
