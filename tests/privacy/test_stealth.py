"""One-time accounts as ERC-5564 has them, on coincurve and on py_ecc."""

import pytest
from coincurve import PrivateKey
from eth_hash.auto import keccak
from eth_utils import to_checksum_address
from hypothesis import given

from app.errors import InputError
from app.privacy.reference import REFERENCE_SECP256K1
from app.privacy.secp256k1 import COINCURVE, FIELD, ORDER, address_of_key, check_public_key
from app.privacy.stealth import (
    Announcement,
    MetaAddress,
    StealthKeys,
    announce,
    is_mine,
    one_time_secret,
    random_ephemeral,
)
from tests.privacy.strategies import examples, nonzero_scalars

# ScopeLift/stealth-address-sdk, src/utils/crypto/test/computeStealthKey.test.ts
URI = (
    "st:eth:0x033404e82cd2a92321d51e13064ec13a0fb0192a9fdaaca1cfb47b37bd27ec1397"
    "0390ad5eca026c05ab5cf4d620a2ac65241b11df004ddca360e954db1b26e3846e"
)
KEYS = StealthKeys(
    0x363721EB9E981558C748B824CB32A840DA2B3E8957C2FC3BCB8D9C86CB87456,
    0xB52A0555F6A8663D89F00365893B1EF9E38EAF2E8BC48A63319C9EA5CB4A27C5,
)
EPHEMERAL = 0x1F2E3D4C5B6A79880123456789ABCDEF1F2E3D4C5B6A79880123456789ABCDEF
ADDRESS = "0x18214A904Ef89ba48Af86B0BC1d8F75a4A29dac4"
EPHEMERAL_PUBLIC = "025478aa0915ef9d33e70ecf5542c58b901aa7a6448dcbe2e4577fb5eb447a0c64"
VIEW_TAG = 162


@pytest.fixture(params=[COINCURVE, REFERENCE_SECP256K1], ids=lambda backend: backend.name)
def backend(request):
    return request.param


@pytest.fixture
def stranger():
    return StealthKeys(11, 12)


def test_published_secrets_give_the_published_meta_address(backend):
    assert str(KEYS.meta_address(backend)) == URI
    assert MetaAddress.parse(URI) == KEYS.meta_address(backend)


def test_an_announcement_is_what_the_standard_says(backend):
    """Step by step on py_ecc's points, against both backends."""
    shared = REFERENCE_SECP256K1.multiply(KEYS.meta_address().view_public, EPHEMERAL)
    digest = keccak(shared)
    key = PrivateKey.from_int((KEYS.spend_secret + int.from_bytes(digest, "big")) % ORDER)
    account = to_checksum_address(keccak(key.public_key.format(compressed=False)[1:])[12:])

    found = announce(MetaAddress.parse(URI), EPHEMERAL, backend)

    assert found == Announcement(account, COINCURVE.public_key(EPHEMERAL), digest[0])


def test_an_announcement_stays_what_it_was(backend):
    assert announce(MetaAddress.parse(URI), EPHEMERAL, backend) == Announcement(
        ADDRESS, bytes.fromhex(EPHEMERAL_PUBLIC), VIEW_TAG
    )


def test_the_owner_finds_the_account_and_can_sign_for_it(backend):
    found = announce(KEYS.meta_address(), random_ephemeral(), backend)
    secret = one_time_secret(KEYS, found.ephemeral_public, backend)

    assert is_mine(found, KEYS.meta_address().spend_public, KEYS.view_secret, backend)
    assert address_of_key(backend.public_key(secret), backend) == found.address


def test_a_stranger_does_not(stranger, backend):
    found = announce(KEYS.meta_address(), EPHEMERAL)
    unlucky = Announcement(found.address, found.ephemeral_public, tag_of(found, stranger))

    assert not is_mine(found, stranger.meta_address().spend_public, stranger.view_secret, backend)
    assert not is_mine(unlucky, stranger.meta_address().spend_public, stranger.view_secret, backend)
    assert one_time_secret(stranger, found.ephemeral_public) != one_time_secret(
        KEYS, found.ephemeral_public
    )


def tag_of(announcement, keys):
    """The view tag that would make the keys' holder look closer."""
    return keccak(COINCURVE.multiply(announcement.ephemeral_public, keys.view_secret))[0]


def test_another_view_tag_hides_an_announcement():
    found = announce(KEYS.meta_address(), EPHEMERAL)
    wrong = Announcement(found.address, found.ephemeral_public, found.view_tag ^ 1)

    assert not is_mine(wrong, KEYS.meta_address().spend_public, KEYS.view_secret)


def test_the_papers_form_has_a_single_key(backend):
    """Mezquita et al. 2022, section 4.2: P = Hash(r S) G + S."""
    single = StealthKeys(KEYS.spend_secret, KEYS.spend_secret)
    meta_address = single.meta_address()
    spend = meta_address.spend_public
    shared = REFERENCE_SECP256K1.multiply(spend, EPHEMERAL)
    expected = REFERENCE_SECP256K1.tweak(spend, int.from_bytes(keccak(shared), "big") % ORDER)

    assert len(meta_address.to_bytes()) == 33
    assert MetaAddress.parse(str(meta_address)) == meta_address
    assert announce(meta_address, EPHEMERAL, backend).address == address_of_key(expected)


@examples(6)
@given(nonzero_scalars, nonzero_scalars)
def test_backends_agree(secret, scalar):
    public = COINCURVE.public_key(secret)

    assert REFERENCE_SECP256K1.public_key(secret) == public
    assert REFERENCE_SECP256K1.multiply(public, scalar) == COINCURVE.multiply(public, scalar)
    assert REFERENCE_SECP256K1.tweak(public, scalar) == COINCURVE.tweak(public, scalar)
    assert REFERENCE_SECP256K1.decompress(public) == COINCURVE.decompress(public)


def test_a_sum_at_infinity_is_refused(backend):
    with pytest.raises(ValueError, match=r"."):
        backend.tweak(backend.public_key(5), ORDER - 5)


@pytest.mark.parametrize(
    "public",
    [
        b"",
        bytes(33),
        b"\x02" + bytes(32),
        b"\x04" + (1).to_bytes(32, "big"),
        b"\x02" + (5).to_bytes(32, "big"),
        b"\x02" + FIELD.to_bytes(32, "big"),
        b"\x02" + (FIELD + 1).to_bytes(32, "big"),
        b"\x02" + (1).to_bytes(31, "big"),
    ],
)
def test_what_is_no_key_is_refused(public):
    with pytest.raises(InputError, match="view key"):
        check_public_key("view key", public)
    with pytest.raises(InputError, match="ephemeral key"):
        Announcement("0x" + "11" * 20, public, 0)


@pytest.mark.parametrize(
    "text", ["", "st:eth:0x", "st:eth:0xzz", URI[:-2], URI + "00", URI[9:], "st:abc:0x" + URI[9:]]
)
def test_what_is_no_meta_address_is_refused(text):
    with pytest.raises(InputError, match="meta-address"):
        MetaAddress.parse(text)


@pytest.mark.parametrize("secret", [0, ORDER])
def test_secrets_outside_the_group_are_refused(secret):
    with pytest.raises(InputError, match="spend secret"):
        StealthKeys(secret, 1)
    with pytest.raises(InputError, match="view secret"):
        StealthKeys(1, secret)
    with pytest.raises(InputError, match="ephemeral secret"):
        announce(KEYS.meta_address(), secret)


@pytest.mark.parametrize("view_tag", [-1, 256])
def test_a_view_tag_is_a_byte(view_tag):
    with pytest.raises(InputError, match="view tag"):
        Announcement("0x" + "11" * 20, COINCURVE.public_key(1), view_tag)
