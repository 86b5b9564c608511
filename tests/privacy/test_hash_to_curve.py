"""Published vectors of the hash to the curve, and its cheaper sibling."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.privacy.curve import G, P, is_on_curve
from app.privacy.fast_curve import FAST
from app.privacy.hash_to_curve import expand_message, hash_to_curve, key_base, map_to_curve
from tests.privacy.strategies import numbers_below

SHA256_BLOCK = 64

# RFC 9380, appendix K.1
EXPANDED = {
    b"": "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235",
    b"abc": "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615",
}

# drand/kyber, pairing/bn254/point_test.go at 94dae51d
DRAND_TAG = b"domain_separation_tag_test_12345"
DRAND = {
    b"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks": (
        0x13AF4ACE8FEBC1EC800F7D33D66868310516BCE9CB1B7F7C68607F9BA6DBA92C,
        0x1823B8F13FEEB8DAD6B152EB2BBEFBE59452F9519C88230B55D0B699498DB6F1,
    ),
    bytes.fromhex("e0a05cbb37fd6c159732a8c57b981773f7480695328b674d8a9cc083377f1811"): (
        0x07ABD743DC93DFA3A8EE4AB449B1657DC6232C589612B23A54EA461C7232101E,
        0x2533BADBEE56E8457731FC35BB7630236623E4614E4F8ACB4A0C3282DF58A289,
    ),
}

# Consensys/gnark-crypto, ecc/bn254/hash_vectors_test.go at 21087f25
GNARK_TAG = b"QUUX-V01-CS02-with-BN254G1_XMD:SHA-256_SVDW_RO_"
GNARK = {
    b"": (
        0x0A976AB906170DB1F9638D376514DBF8C42AEF256A54BBD48521F20749E59E86,
        0x02925EAD66B9E68BFC309B014398640AB55F6619AB59BC1FAB2210AD4C4D53D5,
    ),
    b"abc": (
        0x23F717BEE89B1003957139F193E6BE7DA1DF5F1374B26A4643B0378B5BAF53D1,
        0x04142F826B71EE574452DBC47E05BC3E1A647478403A7BA38B7B93948F4E151D,
    ),
    b"abcdef0123456789": (
        0x187DBF1C3C89ACECEEF254D6548D7163FDFA43084145F92C4C91C85C21442D4A,
        0x0ABD99D5B0000910B56058F9CC3B0AB0A22D47CF27615F588924FAC1E5C63B4D,
    ),
}

KEY_BASE_OF_G = (
    0x2B60788ADE00F185D163BD3ABE87DA8134527BA8A93B9BD6B432B9C57A6C04DA,
    0x137A5FE40C966904B996696818A1B2116465EADD28ACFA9A3BC4BAA12D115EB8,
)


def sha256(data):
    return hashlib.sha256(data).digest()


@pytest.mark.parametrize("message", EXPANDED)
def test_messages_expand_as_in_rfc9380(message):
    tag = b"QUUX-V01-CS02-with-expander-SHA256-128"

    expanded = expand_message(message, tag, 32, sha256, SHA256_BLOCK)

    assert expanded.hex() == EXPANDED[message]


@pytest.mark.parametrize("message", DRAND)
def test_drand_hashes_to_the_same_points(message, curve):
    assert hash_to_curve(message, DRAND_TAG, curve=curve) == DRAND[message]


@pytest.mark.parametrize("message", GNARK)
def test_gnark_hashes_to_the_same_points(message, curve):
    found = hash_to_curve(message, GNARK_TAG, curve=curve, hash_function=sha256, block=SHA256_BLOCK)
    assert found == GNARK[message]


@given(st.one_of(st.sampled_from([0, 1, P - 1, 2]), numbers_below(P)))
def test_every_field_element_maps_to_the_curve(u):
    x, y = map_to_curve(u)

    assert is_on_curve((x, y))
    assert y % 2 == u % 2


@given(st.integers(1, 2**64))
def test_each_key_has_a_base_of_its_own(logarithm):
    key, other = FAST.multiply(G, logarithm), FAST.multiply(G, logarithm + 1)

    assert is_on_curve(key_base(key))
    assert key_base(key)[1] % 2 == 0
    assert key_base(key) != key_base(other)


def test_the_base_of_a_key_stays_what_it_was():
    assert key_base(G) == KEY_BASE_OF_G
