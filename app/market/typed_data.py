"""What is signed in the market (EIP-712): digests, signatures, and the form that wallets read.

Pure. A signature is 65 bytes r, s, v with a low s and v 27 or 28, as the contracts demand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from app.errors import InputError
from app.ledger.types import Address, Agreement, Reading, SignedAgreement, SignedReading

MARKET_NAME = "Peerwatt EnergyMarket"
REGISTRY_NAME = "Peerwatt MeterRegistry"
CONSORTIUM_NAME = "Peerwatt Consortium"
FORWARDER_NAME = "Peerwatt Forwarder"
PAYMENT_NAME = "Peerwatt Payment"
PRIVATE_MARKET_NAME = "Peerwatt PrivateMarket"

SIGNATURE_LENGTH = 65

Members = tuple[tuple[str, str], ...]

DOMAIN_MEMBERS: Members = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
AGREEMENT_MEMBERS: Members = (
    ("offerId", "uint256"),
    ("seller", "address"),
    ("buyer", "address"),
    ("window", "uint64"),
    ("energyWh", "uint64"),
    ("price", "uint64"),
    ("deadline", "uint64"),
    ("salt", "uint256"),
)
READING_MEMBERS: Members = (
    ("meter", "address"),
    ("window", "uint64"),
    ("exportedWh", "uint64"),
    ("importedWh", "uint64"),
    ("lossesWh", "uint64"),
    ("dataRoot", "bytes32"),
)
BALLOT_MEMBERS: Members = (
    ("proposalId", "uint256"),
    ("support", "uint8"),
    ("voter", "address"),
    ("nonce", "uint256"),
)
PERMIT_MEMBERS: Members = (
    ("owner", "address"),
    ("spender", "address"),
    ("value", "uint256"),
    ("nonce", "uint256"),
    ("deadline", "uint256"),
)
FORWARD_REQUEST_MEMBERS: Members = (
    ("from", "address"),
    ("to", "address"),
    ("value", "uint256"),
    ("gas", "uint256"),
    ("nonce", "uint256"),
    ("deadline", "uint48"),
    ("data", "bytes"),
)
PRIVATE_AGREEMENT_MEMBERS: Members = (("id", "bytes32"),)
DELIVERY_MEMBERS: Members = (
    ("agreementId", "bytes32"),
    ("energyX", "uint256"),
    ("energyY", "uint256"),
)

_SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HALF_ORDER = _SECP256K1_ORDER // 2


def _type_hash(name: str, members: Members) -> bytes:
    listed = ",".join(f"{kind} {member}" for member, kind in members)
    return keccak(f"{name}({listed})".encode())


_DOMAIN_TYPE = _type_hash("EIP712Domain", DOMAIN_MEMBERS)
_AGREEMENT_TYPE = _type_hash("Agreement", AGREEMENT_MEMBERS)
_READING_TYPE = _type_hash("Reading", READING_MEMBERS)
_BALLOT_TYPE = _type_hash("Ballot", BALLOT_MEMBERS)
_PERMIT_TYPE = _type_hash("Permit", PERMIT_MEMBERS)
_FORWARD_REQUEST_TYPE = _type_hash("ForwardRequest", FORWARD_REQUEST_MEMBERS)
_PRIVATE_AGREEMENT_TYPE = _type_hash("Agreement", PRIVATE_AGREEMENT_MEMBERS)
_DELIVERY_TYPE = _type_hash("Delivery", DELIVERY_MEMBERS)


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a signature counts: one contract on one chain. `separator` is 32 bytes."""

    name: str
    chain_id: int
    contract: Address
    version: str = "1"
    separator: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        separator = keccak(
            _DOMAIN_TYPE
            + keccak(self.name.encode())
            + keccak(self.version.encode())
            + _uint("chainId", self.chain_id, 256)
            + _address("verifyingContract", self.contract)
        )
        object.__setattr__(self, "separator", separator)


@dataclass(frozen=True, slots=True)
class ForwardRequest:
    """What a user asks the forwarder to do in its name (OpenZeppelin's ERC2771Forwarder).

    `sender` is the request's `from`, `deadline` its last second, `gas` what the call may use.
    """

    sender: Address
    to: Address
    gas: int
    nonce: int
    deadline: int
    data: bytes
    value: int = 0


@dataclass(frozen=True, slots=True)
class Permit:
    """An allowance that its owner signs instead of sending it (ERC-2612)."""

    owner: Address
    spender: Address
    value: int
    nonce: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote that a member signs instead of sending it (OpenZeppelin's Governor).

    `support` is 0 against, 1 for, 2 abstaining.
    """

    proposal_id: int
    support: int
    voter: Address
    nonce: int


def agreement_digest(domain: Domain, agreement: Agreement) -> bytes:
    """What a buyer signs: 32 bytes, which are also the agreement's id.

    Raises InputError where a member doesn't fit its Solidity type.
    """
    return _digest(
        domain,
        _AGREEMENT_TYPE
        + _uint("offerId", agreement.offer_id, 256)
        + _address("seller", agreement.seller)
        + _address("buyer", agreement.buyer)
        + _uint("window", agreement.window, 64)
        + _uint("energyWh", agreement.energy_wh, 64)
        + _uint("price", agreement.price, 64)
        + _uint("deadline", agreement.deadline, 64)
        + _uint("salt", agreement.salt, 256),
    )


def reading_digest(domain: Domain, reading: Reading) -> bytes:
    """What a meter signs. Raises InputError where a member doesn't fit its Solidity type."""
    return _digest(
        domain,
        _READING_TYPE
        + _address("meter", reading.meter)
        + _uint("window", reading.window, 64)
        + _uint("exportedWh", reading.exported_wh, 64)
        + _uint("importedWh", reading.imported_wh, 64)
        + _uint("lossesWh", reading.losses_wh, 64)
        + _bytes32("dataRoot", reading.data_root),
    )


def ballot_digest(domain: Domain, ballot: Ballot) -> bytes:
    """What a member of the consortium signs to vote."""
    return _digest(
        domain,
        _BALLOT_TYPE
        + _uint("proposalId", ballot.proposal_id, 256)
        + _uint("support", ballot.support, 8)
        + _address("voter", ballot.voter)
        + _uint("nonce", ballot.nonce, 256),
    )


def permit_digest(domain: Domain, permit: Permit) -> bytes:
    """What an owner of payment tokens signs."""
    return _digest(
        domain,
        _PERMIT_TYPE
        + _address("owner", permit.owner)
        + _address("spender", permit.spender)
        + _uint("value", permit.value, 256)
        + _uint("nonce", permit.nonce, 256)
        + _uint("deadline", permit.deadline, 256),
    )


def forward_request_digest(domain: Domain, request: ForwardRequest) -> bytes:
    """What a user of the forwarder signs."""
    return _digest(
        domain,
        _FORWARD_REQUEST_TYPE
        + _address("from", request.sender)
        + _address("to", request.to)
        + _uint("value", request.value, 256)
        + _uint("gas", request.gas, 256)
        + _uint("nonce", request.nonce, 256)
        + _uint("deadline", request.deadline, 48)
        + keccak(request.data),
    )


def private_agreement_digest(domain: Domain, agreement_id: bytes) -> bytes:
    """What the one-time account of a private offer signs to agree."""
    return _digest(domain, _PRIVATE_AGREEMENT_TYPE + _bytes32("id", agreement_id))


def delivery_digest(domain: Domain, agreement_id: bytes, delivered: tuple[int, int]) -> bytes:
    """What the operator signs: the commitment to what was delivered for a private agreement."""
    return _digest(
        domain,
        _DELIVERY_TYPE
        + _bytes32("agreementId", agreement_id)
        + _uint("energyX", delivered[0], 256)
        + _uint("energyY", delivered[1], 256),
    )


def sign(digest: bytes, key: PrivateKey) -> bytes:
    """Signs 32 bytes; deterministic (RFC 6979)."""
    signature = key.sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes((27 + signature[64],))


def sign_agreement(domain: Domain, agreement: Agreement, key: PrivateKey) -> SignedAgreement:
    return SignedAgreement(agreement, sign(agreement_digest(domain, agreement), key))


def sign_reading(domain: Domain, reading: Reading, key: PrivateKey) -> SignedReading:
    return SignedReading(reading, sign(reading_digest(domain, reading), key))


def recover(digest: bytes, signature: bytes) -> Address | None:
    """Who signed the 32 bytes; None where the contracts would not take the signature."""
    if len(signature) != SIGNATURE_LENGTH or signature[64] not in (27, 28):
        return None
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        return None
    recoverable = signature[:64] + bytes((signature[64] - 27,))
    try:
        key = PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except ValueError:
        return None
    return address_of(key)


def is_agreement_signed(domain: Domain, signed: SignedAgreement) -> bool:
    """Whether the buyer itself signed (not a contract in its place)."""
    agreement = signed.agreement
    return recover(agreement_digest(domain, agreement), signed.signature) == to_checksum_address(
        agreement.buyer
    )


def is_reading_signed(domain: Domain, signed: SignedReading) -> bool:
    """Whether the reading's meter signed it."""
    reading = signed.reading
    return recover(reading_digest(domain, reading), signed.signature) == to_checksum_address(
        reading.meter
    )


def address_of(key: PublicKey) -> Address:
    """The address that belongs to a public key."""
    return to_checksum_address(keccak(key.format(compressed=False)[1:])[-20:])


def agreement_typed_data(domain: Domain, agreement: Agreement) -> dict[str, object]:
    """An agreement as `eth_signTypedData_v4` takes it; big numbers are decimal strings."""
    values = (
        agreement.offer_id,
        agreement.seller,
        agreement.buyer,
        agreement.window,
        agreement.energy_wh,
        agreement.price,
        agreement.deadline,
        agreement.salt,
    )
    return _typed_data(domain, "Agreement", AGREEMENT_MEMBERS, values)


def reading_typed_data(domain: Domain, reading: Reading) -> dict[str, object]:
    """A reading as `eth_signTypedData_v4` takes it."""
    values = (
        reading.meter,
        reading.window,
        reading.exported_wh,
        reading.imported_wh,
        reading.losses_wh,
        reading.data_root,
    )
    return _typed_data(domain, "Reading", READING_MEMBERS, values)


def ballot_typed_data(domain: Domain, ballot: Ballot) -> dict[str, object]:
    """A ballot as `eth_signTypedData_v4` takes it."""
    values = (ballot.proposal_id, ballot.support, ballot.voter, ballot.nonce)
    return _typed_data(domain, "Ballot", BALLOT_MEMBERS, values)


def permit_typed_data(domain: Domain, permit: Permit) -> dict[str, object]:
    """A permit as `eth_signTypedData_v4` takes it."""
    values = (permit.owner, permit.spender, permit.value, permit.nonce, permit.deadline)
    return _typed_data(domain, "Permit", PERMIT_MEMBERS, values)


def forward_request_typed_data(domain: Domain, request: ForwardRequest) -> dict[str, object]:
    """A forward request as `eth_signTypedData_v4` takes it."""
    values = (
        request.sender,
        request.to,
        request.value,
        request.gas,
        request.nonce,
        request.deadline,
        request.data,
    )
    return _typed_data(domain, "ForwardRequest", FORWARD_REQUEST_MEMBERS, values)


def _typed_data(
    domain: Domain, name: str, members: Members, values: Sequence[int | str | bytes]
) -> dict[str, object]:
    return {
        "types": {"EIP712Domain": _listed(DOMAIN_MEMBERS), name: _listed(members)},
        "primaryType": name,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        "message": {
            member: _plain(value) for (member, _), value in zip(members, values, strict=True)
        },
    }


def _listed(members: Members) -> list[Mapping[str, str]]:
    return [{"name": member, "type": kind} for member, kind in members]


def _plain(value: int | str | bytes) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def _digest(domain: Domain, struct: bytes) -> bytes:
    return keccak(b"\x19\x01" + domain.separator + keccak(struct))


def _uint(name: str, value: int, bits: int) -> bytes:
    if not 0 <= value < 1 << bits:
        raise InputError(name, f"is a whole number from 0 to 2^{bits} - 1", value)
    return value.to_bytes(32, "big")


def _bytes32(name: str, value: bytes) -> bytes:
    if len(value) != 32:
        raise InputError(name, "has 32 bytes", value.hex())
    return value


def _address(name: str, value: Address) -> bytes:
    try:
        raw = bytes.fromhex(value[2:]) if value.startswith("0x") else b""
    except ValueError:
        raw = b""
    if len(raw) != 20:
        raise InputError(name, "is an address", value)
    return bytes(12) + raw
