"""EIP-712 against eth_account, which encodes by the JSON form that wallets read."""

from dataclasses import replace
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InputError
from app.ledger.types import Agreement, Reading, SignedAgreement, SignedReading
from app.market.typed_data import (
    CONSORTIUM_NAME,
    FORWARDER_NAME,
    MARKET_NAME,
    PAYMENT_NAME,
    REGISTRY_NAME,
    Ballot,
    Domain,
    ForwardRequest,
    Permit,
    address_of,
    agreement_digest,
    agreement_typed_data,
    ballot_digest,
    ballot_typed_data,
    forward_request_digest,
    forward_request_typed_data,
    is_agreement_signed,
    is_reading_signed,
    permit_digest,
    permit_typed_data,
    reading_digest,
    reading_typed_data,
    recover,
    sign,
    sign_agreement,
    sign_reading,
)
from tests.reference import ecdsa_raw_recover

CONTRACT = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

uint = {bits: st.integers(0, (1 << bits) - 1) for bits in (32, 48, 64, 256)}
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}")
agreements = st.builds(
    Agreement,
    uint[256],
    addresses,
    addresses,
    uint[64],
    uint[64],
    uint[64],
    uint[64],
    uint[256],
)
readings = st.builds(
    Reading,
    addresses,
    uint[64],
    uint[64],
    uint[64],
    uint[64],
    st.binary(min_size=32, max_size=32),
)
requests = st.builds(
    ForwardRequest,
    sender=addresses,
    to=addresses,
    gas=uint[256],
    nonce=uint[256],
    deadline=uint[48],
    data=st.binary(max_size=200),
    value=uint[256],
)
ballots = st.builds(Ballot, uint[256], st.integers(0, 2), addresses, uint[256])
permits = st.builds(Permit, addresses, addresses, uint[256], uint[256], uint[256])
chains = uint[32]


@pytest.fixture(scope="module")
def buyer() -> PrivateKey:
    return PrivateKey(b"\x11" * 32)


@pytest.fixture(scope="module")
def outsider() -> PrivateKey:
    return PrivateKey(b"\x22" * 32)


@pytest.fixture
def domain() -> Domain:
    return Domain(MARKET_NAME, 1337, CONTRACT)


@pytest.fixture
def agreement(buyer: PrivateKey) -> Agreement:
    return Agreement(
        offer_id=(464_617 << 32) | 3,
        seller="0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        buyer=address_of(buyer.public_key),
        window=464_617,
        energy_wh=1_500,
        price=180_000,
        deadline=1_672_621_200,
        salt=1 << 255,
    )


@pytest.fixture
def reading(buyer: PrivateKey) -> Reading:
    return Reading(address_of(buyer.public_key), 464_617, 1_500, 20, 0, keccak(b"raw batch"))


def digest_by_eth_account(typed_data: dict[str, Any]) -> bytes:
    message = encode_typed_data(full_message=typed_data)
    return keccak(b"\x19" + message.version + message.header + message.body)


@given(agreement=agreements, chain_id=chains, contract=addresses)
def test_agreements_have_the_digest_of_their_json_form(
    agreement: Agreement, chain_id: int, contract: str
) -> None:
    domain = Domain(MARKET_NAME, chain_id, contract)

    assert agreement_digest(domain, agreement) == digest_by_eth_account(
        agreement_typed_data(domain, agreement)
    )


@given(reading=readings, chain_id=chains, contract=addresses)
def test_readings_have_the_digest_of_their_json_form(
    reading: Reading, chain_id: int, contract: str
) -> None:
    domain = Domain(REGISTRY_NAME, chain_id, contract)

    assert reading_digest(domain, reading) == digest_by_eth_account(
        reading_typed_data(domain, reading)
    )


@given(request_=requests, chain_id=chains, contract=addresses)
def test_forward_requests_have_the_digest_of_their_json_form(
    request_: ForwardRequest, chain_id: int, contract: str
) -> None:
    domain = Domain(FORWARDER_NAME, chain_id, contract)

    assert forward_request_digest(domain, request_) == digest_by_eth_account(
        forward_request_typed_data(domain, request_)
    )


@given(ballot=ballots, chain_id=chains, contract=addresses)
def test_ballots_have_the_digest_of_their_json_form(
    ballot: Ballot, chain_id: int, contract: str
) -> None:
    domain = Domain(CONSORTIUM_NAME, chain_id, contract)

    assert ballot_digest(domain, ballot) == digest_by_eth_account(ballot_typed_data(domain, ballot))


@given(permit=permits, chain_id=chains, contract=addresses)
def test_permits_have_the_digest_of_their_json_form(
    permit: Permit, chain_id: int, contract: str
) -> None:
    domain = Domain(PAYMENT_NAME, chain_id, contract)

    assert permit_digest(domain, permit) == digest_by_eth_account(permit_typed_data(domain, permit))


@given(agreement=agreements)
def test_the_json_form_has_no_number_that_javascript_would_round(agreement: Agreement) -> None:
    message = agreement_typed_data(Domain(MARKET_NAME, 1337, CONTRACT), agreement)["message"]

    assert isinstance(message, dict)
    assert all(isinstance(value, str) for value in message.values())


@given(digest=st.binary(min_size=32, max_size=32))
def test_signatures_are_those_of_eth_account(digest: bytes) -> None:
    key = b"\x11" * 32

    assert sign(digest, PrivateKey(key)) == Account.unsafe_sign_hash(digest, key).signature


@given(digest=st.binary(min_size=32, max_size=32))
def test_every_signature_is_low_and_leads_back_to_its_signer(digest: bytes) -> None:
    key = PrivateKey(b"\x11" * 32)
    signature = sign(digest, key)

    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2
    assert recover(digest, signature) == address_of(key.public_key)


@pytest.mark.parametrize("digest", [bytes(31) + b"\1", keccak(b"one"), b"\xff" * 32])
def test_an_independent_curve_recovers_the_same_key(digest: bytes) -> None:
    key = PrivateKey(b"\7" * 32)
    signature = sign(digest, key)
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:64]))
    x, y = ecdsa_raw_recover(digest, (signature[64], r, s))
    assert (x, y) == key.public_key.point()


def test_a_buyers_agreement_is_its_own(
    domain: Domain, agreement: Agreement, buyer: PrivateKey
) -> None:
    assert is_agreement_signed(domain, sign_agreement(domain, agreement, buyer))


def test_an_agreement_that_somebody_else_signed_is_not(
    domain: Domain, agreement: Agreement, outsider: PrivateKey
) -> None:
    assert not is_agreement_signed(domain, sign_agreement(domain, agreement, outsider))


def test_a_meters_reading_is_its_own(domain: Domain, reading: Reading, buyer: PrivateKey) -> None:
    assert is_reading_signed(domain, sign_reading(domain, reading, buyer))


def test_a_reading_that_was_changed_is_not(
    domain: Domain, reading: Reading, buyer: PrivateKey
) -> None:
    signed = sign_reading(domain, reading, buyer)
    changed = Reading(
        reading.meter, reading.window, reading.exported_wh + 1, 20, 0, reading.data_root
    )

    assert not is_reading_signed(domain, SignedReading(changed, signed.signature))


@pytest.mark.parametrize(
    "elsewhere",
    [
        Domain(MARKET_NAME, 31337, CONTRACT),
        Domain(REGISTRY_NAME, 1337, CONTRACT),
        Domain(MARKET_NAME, 1337, "0x" + "01" * 20),
        Domain(MARKET_NAME, 1337, CONTRACT, version="2"),
    ],
)
def test_a_signature_counts_in_its_own_domain_only(
    domain: Domain, elsewhere: Domain, agreement: Agreement, buyer: PrivateKey
) -> None:
    assert not is_agreement_signed(elsewhere, sign_agreement(domain, agreement, buyer))


def test_signatures_that_the_contracts_refuse_are_nobodys(
    domain: Domain, agreement: Agreement, buyer: PrivateKey
) -> None:
    signature = sign_agreement(domain, agreement, buyer).signature
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    high = r + (ORDER - s).to_bytes(32, "big") + bytes((55 - v,))
    refused = [
        high,  # the same signer, but malleable
        signature[:64] + bytes((v - 27,)),
        signature[:64] + bytes((29,)),
        signature[:64],
        signature + b"\x00",
        b"",
        bytes(65),
        bytes(64) + bytes((27,)),
        b"\xff" * 32 + signature[32:],
    ]

    assert [is_agreement_signed(domain, SignedAgreement(agreement, each)) for each in refused] == [
        False
    ] * len(refused)


@pytest.mark.parametrize(
    ("field", "member", "value"),
    [
        ("energy_wh", "energyWh", 1 << 64),
        ("window", "window", -1),
        ("price", "price", 1 << 64),
        ("deadline", "deadline", 1 << 64),
        ("salt", "salt", 1 << 256),
        ("offer_id", "offerId", -1),
        ("seller", "seller", "0x1234"),
        ("seller", "seller", "70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        ("buyer", "buyer", "0x" + "zz" * 20),
        ("buyer", "buyer", ""),
    ],
)
def test_what_does_not_fit_its_type_is_named(
    domain: Domain, agreement: Agreement, field: str, member: str, value: object
) -> None:
    with pytest.raises(InputError) as caught:
        agreement_digest(domain, replace(agreement, **{field: value}))

    assert caught.value.field == member


def test_a_data_root_has_32_bytes(domain: Domain) -> None:
    with pytest.raises(InputError, match="dataRoot"):
        reading_digest(domain, Reading(CONTRACT, 1, 2, 3, 0, b"short"))
