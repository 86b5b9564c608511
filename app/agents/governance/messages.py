"""What those who run the market say to each other, as dataclasses and as the JSON on the wire.

====================  =========================  ==================================================
`request-admission`   operator to a member       propose to admit this account
`request-batch`       auditor to a household     show the raw data of a window of your meter
`inform-batch`        household to auditor       here it is, as it was hashed (empty: there is none)
`inform-deposit`      household or treasurer     the bank has received money under this reference
`inform-payout`       treasurer to treasurers    the bank has paid a withdrawal under this reference
====================  =========================  ==================================================

Who hears something believes nothing of it: treasurers look it up in the bank's statement, auditors
hash what they are shown, and members vote. On the wire, numbers that may exceed 2^53 are decimal
strings. `decode` takes anything and raises InputError and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.agents.devices.batches import MAX_BATCH_BYTES
from app.agents.negotiation.ontology import Fields
from app.errors import InputError
from app.ledger.types import Address

ONTOLOGY = "peerwatt-consortium"
VERSION = 1

_UINT32 = 2**32 - 1
_UINT128 = 2**128 - 1


class Performative(StrEnum):
    """What a message does."""

    REQUEST_ADMISSION = "request-admission"
    REQUEST_BATCH = "request-batch"
    INFORM_BATCH = "inform-batch"
    INFORM_DEPOSIT = "inform-deposit"
    INFORM_PAYOUT = "inform-payout"


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """Only members may propose; the operator asks one to propose a newcomer (id of 32 bytes)."""

    account: Address
    household_id: bytes


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """An auditor wants to see the raw data behind a reading."""

    window: int


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The raw data in the canonical form, which is ASCII; empty where the meter has none."""

    owner: Address
    window: int
    content: str


@dataclass(frozen=True, slots=True)
class DepositNotice:
    """Money that the bank has received for an account; `reference` is the transfer's hash."""

    holder: Address
    amount: int
    reference: bytes


@dataclass(frozen=True, slots=True)
class PayoutNotice:
    """Money that the bank has paid for a withdrawal; `reference` is the transfer's hash."""

    withdrawal_id: int
    reference: bytes


Body = AdmissionRequest | BatchRequest | BatchAnswer | DepositNotice | PayoutNotice


@dataclass(frozen=True, slots=True)
class CouncilMessage:
    """A message; its sender numbers what it says under a name of its own."""

    sender: str
    sequence: int
    body: Body

    @property
    def performative(self) -> Performative:
        return _PERFORMATIVES[type(self.body)]


_PERFORMATIVES: Mapping[type[Body], Performative] = {
    AdmissionRequest: Performative.REQUEST_ADMISSION,
    BatchRequest: Performative.REQUEST_BATCH,
    BatchAnswer: Performative.INFORM_BATCH,
    DepositNotice: Performative.INFORM_DEPOSIT,
    PayoutNotice: Performative.INFORM_PAYOUT,
}


def is_ours(content: object) -> bool:
    """Whether something on the wire means to be one of these messages."""
    return isinstance(content, dict) and content.get("ontology") == ONTOLOGY


def encode(message: CouncilMessage) -> dict[str, object]:
    """A message as a JSON object."""
    return {
        "ontology": ONTOLOGY,
        "version": VERSION,
        "performative": message.performative.value,
        "sender": message.sender,
        "sequence": message.sequence,
        **_encode_body(message.body),
    }


def _encode_body(body: Body) -> dict[str, object]:
    match body:
        case AdmissionRequest(account, household_id):
            return {"account": account, "household_id": f"0x{household_id.hex()}"}
        case BatchRequest(window):
            return {"window": window}
        case BatchAnswer(owner, window, content):
            return {"owner": owner, "window": window, "content": content}
        case DepositNotice(holder, amount, reference):
            return {
                "holder": holder,
                "amount": str(amount),
                "reference": f"0x{reference.hex()}",
            }
        case PayoutNotice(withdrawal_id, reference):
            return {"withdrawal_id": str(withdrawal_id), "reference": f"0x{reference.hex()}"}


def decode(content: object) -> CouncilMessage:
    """The message that a JSON object is; raises InputError naming the field and its rule."""
    if not isinstance(content, dict):
        raise InputError("message", "must be an object", type(content).__name__)
    fields = Fields(content)
    fields.constant("ontology", ONTOLOGY)
    fields.constant("version", VERSION)
    performative = fields.choice("performative", Performative)
    sender = fields.text("sender", least=1)
    sequence = fields.whole("sequence", 0, _UINT32)
    body = _DECODERS[performative](fields)
    fields.check_all_read()
    return CouncilMessage(sender, sequence, body)


def _window(fields: Fields) -> int:
    return fields.whole("window", 0, _UINT32)


_DECODERS: Mapping[Performative, Callable[[Fields], Body]] = {
    Performative.REQUEST_ADMISSION: lambda fields: AdmissionRequest(
        fields.address("account"), fields.hexadecimal("household_id", 32, 32)
    ),
    Performative.REQUEST_BATCH: lambda fields: BatchRequest(_window(fields)),
    Performative.INFORM_BATCH: lambda fields: BatchAnswer(
        fields.address("owner"), _window(fields), fields.text("content", most=MAX_BATCH_BYTES)
    ),
    Performative.INFORM_DEPOSIT: lambda fields: DepositNotice(
        fields.address("holder"),
        fields.decimal("amount", _UINT128),
        fields.hexadecimal("reference", 32, 32),
    ),
    Performative.INFORM_PAYOUT: lambda fields: PayoutNotice(
        fields.decimal("withdrawal_id", _UINT128), fields.hexadecimal("reference", 32, 32)
    ),
}
