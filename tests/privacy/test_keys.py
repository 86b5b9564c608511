"""One seed, a key for each purpose, and proof of having it."""

from itertools import combinations

import pytest

from app.errors import InputError
from app.privacy.curve import INFINITY, G, N, negate
from app.privacy.fast_curve import FAST
from app.privacy.keys import (
    MemberKey,
    Purpose,
    Wallet,
    hkdf_expand,
    hkdf_extract,
    prove_possession,
    verify_possession,
)
from app.privacy.secp256k1 import ORDER
from tests.privacy.cases import CONTEXT, MESSAGE, wallet

# RFC 5869, appendix A.1 and A.3
HKDF = [
    (
        bytes.fromhex("000102030405060708090a0b0c"),
        bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("salt", "label", "expected"), HKDF)
def test_keys_are_derived_as_in_rfc5869(salt, label, expected):
    key = hkdf_extract(salt, b"\x0b" * 22)

    assert hkdf_expand(key, label, 42).hex() == expected


def test_no_two_purposes_share_a_key():
    owner = wallet("household")
    secrets = [owner.secret(purpose, index) for purpose in Purpose for index in range(3)]

    assert len(set(secrets)) == len(secrets)


def test_a_seed_gives_the_same_keys_again():
    seed = bytes(range(32))

    assert Wallet(seed).secret(Purpose.MEMBER) == Wallet(seed).secret(Purpose.MEMBER)
    assert Wallet(seed).secret(Purpose.MEMBER) != Wallet(seed + b"\0").secret(Purpose.MEMBER)


def test_a_short_seed_is_refused():
    with pytest.raises(InputError, match="at least 32 bytes"):
        Wallet(bytes(31))


@pytest.mark.parametrize("purpose", Purpose)
def test_a_secret_belongs_to_its_group(purpose):
    assert purpose.order == (ORDER if "secp256k1" in purpose else N)
    assert 0 < wallet("household").secret(purpose) < purpose.order


def test_secrets_are_not_shown():
    owner = wallet("household")

    assert repr(owner) == "<Wallet>"
    assert str(owner.member.secret) not in repr(owner.member)


@pytest.mark.parametrize("secret", [0, N])
def test_a_member_key_needs_a_secret_of_the_group(secret):
    with pytest.raises(InputError, match="secret"):
        MemberKey.from_secret(secret)


def test_whoever_has_a_key_can_prove_it(ring):
    proof = prove_possession(ring[0], CONTEXT)

    assert verify_possession(ring[0].public, CONTEXT, proof)


def test_nobody_registers_anothers_key(ring):
    proof = prove_possession(ring[0], CONTEXT)

    assert not verify_possession(ring[1].public, CONTEXT, proof)
    assert not verify_possession(ring[0].public, MESSAGE, proof)


def test_a_key_made_of_others_cannot_be_registered(ring):
    own, victim = ring[:2]
    rogue = FAST.add(own.public, negate(victim.public))
    proof = prove_possession(MemberKey(own.secret, rogue), CONTEXT)

    assert not verify_possession(rogue, CONTEXT, proof)


def test_infinity_is_no_members_key(ring):
    proof = prove_possession(ring[0], CONTEXT)

    with pytest.raises(InputError, match="infinity"):
        verify_possession(INFINITY, CONTEXT, proof)


def test_two_proofs_of_one_key_have_different_nonces(ring):
    first, second = (prove_possession(ring[0], CONTEXT) for _ in range(2))

    assert first != second


def test_members_have_different_keys(ring):
    assert all(a.public != b.public for a, b in combinations(ring, 2))
    assert all(FAST.multiply(G, key.secret) == key.public for key in ring)
