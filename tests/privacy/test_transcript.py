"""Challenges are what a contract would hash, and nothing fits into two of them."""

import importlib
import pkgutil

import pytest
from eth_abi import encode
from eth_hash.auto import keccak

import app.privacy
from app.errors import InputError
from app.privacy.curve import G, N
from app.privacy.transcript import Transcript, WordReader, context_of, hash_words, pack
from tests.privacy.cases import CHAIN_ID, CONTEXT, CONTRACT


def test_a_transcript_is_what_solidity_hashes():
    transcript = Transcript("peerwatt/test/1", CONTEXT, 5, G)
    state = keccak(
        encode(
            ["bytes32", "bytes32", "uint256", "uint256[2]"],
            [keccak(b"peerwatt/test/1"), CONTEXT, 5, G],
        )
    )
    assert transcript.state == state
    transcript.absorb(7)
    assert transcript.state == keccak(encode(["bytes32", "uint256"], [state, 7]))
    assert transcript.challenge() == int.from_bytes(transcript.state, "big") % N


def test_a_context_is_what_solidity_hashes():
    words = encode(
        ["bytes32", "uint256", "address", "uint256"],
        [keccak(b"peerwatt/test"), CHAIN_ID, CONTRACT, 7],
    )
    assert keccak(words) == CONTEXT


def test_every_purpose_has_a_tag_of_its_own():
    tags = [
        value if isinstance(value, bytes) else keccak(value.encode())
        for module in pkgutil.iter_modules(app.privacy.__path__, "app.privacy.")
        for name, value in vars(importlib.import_module(module.name)).items()
        if name.endswith("_TAG") and name[0] != "_" and not is_imported(module.name, name)
    ]
    assert len(tags) == len(set(tags)) > 10


def is_imported(module, name):
    return module == "app.privacy.bulletproofs" and name == "GENERATOR_TAG"


def test_every_part_of_a_context_matters():
    other = "0x" + "22" * 20
    contexts = {
        CONTEXT,
        context_of("peerwatt/other", CHAIN_ID, CONTRACT, 7),
        context_of("peerwatt/test", 1, CONTRACT, 7),
        context_of("peerwatt/test", CHAIN_ID, other, 7),
        context_of("peerwatt/test", CHAIN_ID, CONTRACT, 8),
        context_of("peerwatt/test", CHAIN_ID, CONTRACT, 7, 0),
    }
    assert len(contexts) == 6


@pytest.mark.parametrize("contract", ["", "0x", "0x1234", "0x" + "zz" * 20, "0x" + "11" * 21])
def test_a_context_needs_an_address(contract):
    with pytest.raises(InputError, match="contract"):
        context_of("peerwatt/test", 1, contract)


@pytest.mark.parametrize("context", [b"", bytes(31), bytes(33)])
def test_a_transcript_needs_a_context_of_32_bytes(context):
    with pytest.raises(InputError, match="context: must have 32 bytes"):
        Transcript("peerwatt/test/1", context)


def test_a_word_of_another_size_is_refused():
    with pytest.raises(InputError, match="word: must have 32 bytes"):
        hash_words([b"short"])
    with pytest.raises(OverflowError):
        pack([1 << 256])
    with pytest.raises(OverflowError):
        pack([-1])


@pytest.mark.parametrize(
    ("words", "field"),
    [([], "proof.point"), ([1], "proof.point"), ([1, 2], "proof.scalar"), ([1, 2, 3, 4], "proof")],
)
def test_a_proof_of_the_wrong_length_is_refused_by_name(words, field):
    reader = WordReader("proof", words)
    with pytest.raises(InputError) as caught:
        read(reader)
    assert caught.value.field == field


def read(reader):
    reader.point("point")
    reader.scalar("scalar")
    reader.end()
