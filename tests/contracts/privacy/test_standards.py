"""ERC-5564 and ERC-6538: the standards' own functions, events and typed data."""

import pytest
from brownie import ContractWallet, chain, reverts
from eth_hash.auto import keccak

from tests.contracts.conftest import index_of
from tests.contracts.errors import error
from tests.contracts.plain import event_of
from tests.contracts.signing import key

META_ADDRESS = b"\x02" + b"\x11" * 32 + b"\x03" + b"\x22" * 32
ENTRY = {
    "Erc6538RegistryEntry": [
        {"name": "schemeId", "type": "uint256"},
        {"name": "stealthMetaAddress", "type": "bytes"},
        {"name": "nonce", "type": "uint256"},
    ]
}
ANNOUNCER_ABI = {"announce(uint256,address,bytes,bytes)"}
REGISTRY_ABI = {
    "registerKeys(uint256,bytes)",
    "registerKeysOnBehalf(address,uint256,bytes,bytes)",
    "incrementNonce()",
    "stealthMetaAddressOf(address,uint256)",
    "nonceOf(address)",
    "DOMAIN_SEPARATOR()",
    "ERC6538REGISTRY_ENTRY_TYPE_HASH()",
}


@pytest.fixture
def announcer(privacy):
    return privacy.announcer


@pytest.fixture
def stealth_registry(privacy):
    return privacy.registry


@pytest.fixture
def sign_entry(stealth_registry, seller):
    """The seller's signature, by the standard's own domain."""

    def sign_entry(scheme_id=1, meta_address=META_ADDRESS, nonce=0, by=None):
        values = {"schemeId": scheme_id, "stealthMetaAddress": meta_address, "nonce": nonce}
        domain = {
            "name": "ERC6538Registry",
            "version": "1.0",
            "chainId": chain.id,
            "verifyingContract": stealth_registry.address,
        }
        signer = key(index_of(by or seller))
        return bytes(signer.sign_typed_data(domain, ENTRY, values).signature)

    return sign_entry


def functions_of(contract):
    return {
        f"{item['name']}({','.join(part['type'] for part in item['inputs'])})"
        for item in contract.abi
        if item["type"] == "function"
    }


def test_the_functions_are_the_standards(announcer, stealth_registry):
    assert functions_of(announcer) == ANNOUNCER_ABI
    assert functions_of(stealth_registry) == REGISTRY_ABI


def test_an_announcement_is_the_standards_event(announcer, seller, buyer):
    transaction = announcer.announce(1, buyer, b"\x02" * 33, b"\x2a\x01", {"from": seller})

    (log,) = transaction.logs
    name = b"Announcement(uint256,address,address,bytes,bytes)"
    assert bytes(log["topics"][0]) == keccak(name)
    assert len(log["topics"]) == 4
    assert event_of(transaction, "Announcement") == {
        "schemeId": 1,
        "stealthAddress": buyer.address,
        "caller": seller.address,
        "ephemeralPubKey": b"\x02" * 33,
        "metadata": b"\x2a\x01",
    }


def test_a_registrant_sets_its_own(stealth_registry, seller):
    transaction = stealth_registry.registerKeys(1, META_ADDRESS, {"from": seller})

    assert event_of(transaction, "StealthMetaAddressSet") == {
        "registrant": seller.address,
        "schemeId": 1,
        "stealthMetaAddress": META_ADDRESS,
    }
    assert bytes(stealth_registry.stealthMetaAddressOf(seller, 1)) == META_ADDRESS
    assert bytes(stealth_registry.stealthMetaAddressOf(seller, 2)) == b""


def test_anybody_submits_what_a_registrant_signed(stealth_registry, sign_entry, seller, relayer):
    stealth_registry.registerKeysOnBehalf(seller, 1, sign_entry(), META_ADDRESS, {"from": relayer})

    assert bytes(stealth_registry.stealthMetaAddressOf(seller, 1)) == META_ADDRESS
    assert stealth_registry.nonceOf(seller) == 1
    with reverts(error("ERC6538Registry__InvalidSignature")):
        stealth_registry.registerKeysOnBehalf(
            seller, 1, sign_entry(), META_ADDRESS, {"from": relayer}
        )


def test_other_signatures_are_refused(stealth_registry, sign_entry, seller, buyer, relayer):
    for signature in (
        sign_entry(scheme_id=2),
        sign_entry(meta_address=META_ADDRESS[:33]),
        sign_entry(nonce=1),
        sign_entry(by=buyer),
        b"",
    ):
        with reverts(error("ERC6538Registry__InvalidSignature")):
            stealth_registry.registerKeysOnBehalf(
                seller, 1, signature, META_ADDRESS, {"from": relayer}
            )


def test_a_contract_registers_by_its_owners_signature(
    stealth_registry, sign_entry, seller, relayer
):
    wallet = seller.deploy(ContractWallet, seller, silent=True)

    stealth_registry.registerKeysOnBehalf(wallet, 1, sign_entry(), META_ADDRESS, {"from": relayer})

    assert bytes(stealth_registry.stealthMetaAddressOf(wallet, 1)) == META_ADDRESS


def test_a_new_nonce_voids_signatures(stealth_registry, sign_entry, seller, relayer):
    transaction = stealth_registry.incrementNonce({"from": seller})

    assert event_of(transaction, "NonceIncremented") == {
        "registrant": seller.address,
        "newNonce": 1,
    }
    with reverts(error("ERC6538Registry__InvalidSignature")):
        stealth_registry.registerKeysOnBehalf(
            seller, 1, sign_entry(), META_ADDRESS, {"from": relayer}
        )
    stealth_registry.registerKeysOnBehalf(
        seller, 1, sign_entry(nonce=1), META_ADDRESS, {"from": relayer}
    )


def test_the_domain_is_the_standards(stealth_registry):
    words = [
        keccak(
            b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        ),
        keccak(b"ERC6538Registry"),
        keccak(b"1.0"),
        chain.id.to_bytes(32, "big"),
        bytes(12) + bytes.fromhex(stealth_registry.address[2:]),
    ]

    assert bytes(stealth_registry.DOMAIN_SEPARATOR()) == keccak(b"".join(words))
