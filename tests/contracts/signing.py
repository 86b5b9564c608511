"""Development keys, and what they sign by EIP-712.

The signatures come from eth_account, which knows nothing of our contracts' own encoding.
"""

from functools import cache
from typing import Any, NamedTuple

from brownie import chain
from eth_account import Account
from eth_account.signers.local import LocalAccount

from scripts.deploy import MNEMONIC

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

AGREEMENT = {
    "Agreement": [
        {"name": "offerId", "type": "uint256"},
        {"name": "seller", "type": "address"},
        {"name": "buyer", "type": "address"},
        {"name": "window", "type": "uint64"},
        {"name": "energyWh", "type": "uint64"},
        {"name": "price", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
        {"name": "salt", "type": "uint256"},
    ]
}
READING = {
    "Reading": [
        {"name": "meter", "type": "address"},
        {"name": "window", "type": "uint64"},
        {"name": "exportedWh", "type": "uint64"},
        {"name": "importedWh", "type": "uint64"},
        {"name": "lossesWh", "type": "uint64"},
        {"name": "dataRoot", "type": "bytes32"},
    ]
}
PERMIT = {
    "Permit": [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ]
}
BALLOT = {
    "Ballot": [
        {"name": "proposalId", "type": "uint256"},
        {"name": "support", "type": "uint8"},
        {"name": "voter", "type": "address"},
        {"name": "nonce", "type": "uint256"},
    ]
}
FORWARD_REQUEST = {
    "ForwardRequest": [
        {"name": "from", "type": "address"},
        {"name": "to", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "gas", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint48"},
        {"name": "data", "type": "bytes"},
    ]
}


class Agreement(NamedTuple):
    """The contract's struct; `_replace` changes one thing."""

    offer_id: int
    seller: str
    buyer: str
    window: int
    energy_wh: int
    price: int
    deadline: int
    salt: int


class Reading(NamedTuple):
    """The contract's struct; `_replace` changes one thing."""

    meter: str
    window: int
    exported_wh: int
    imported_wh: int
    losses_wh: int
    data_root: bytes


class Correction(NamedTuple):
    """The contract's struct, which nobody signs; `_replace` changes one thing."""

    owner: str
    window: int
    exported_wh: int
    imported_wh: int
    losses_wh: int
    data_root: bytes


@cache
def key(index: int) -> LocalAccount:
    """The development key with this index, as Ganache and the deploy script derive it."""
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")


def signed(
    signer: LocalAccount, contract: Any, name: str, types: dict[str, Any], values: dict[str, Any]
) -> bytes:
    """An EIP-712 signature (r, s, v) under the domain `name` version 1 of `contract`."""
    domain = {
        "name": name,
        "version": "1",
        "chainId": chain.id,
        "verifyingContract": contract.address,
    }
    return bytes(signer.sign_typed_data(domain, types, values).signature)


def twin_of(signature: bytes) -> bytes:
    """The other signature that the curve accepts for the same message: (r, -s), flipped v."""
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


def values_of(struct: NamedTuple, types: dict[str, Any]) -> dict[str, Any]:
    """A struct under the field names of its only EIP-712 type."""
    (fields,) = types.values()
    return {field["name"]: value for field, value in zip(fields, struct, strict=True)}
