"""The words of a negotiation: messages as frozen dataclasses, and as the JSON on the wire.

The performatives are FIPA's (SC00037J), the flow is written down in docs/negotiation.md. Energy in
Wh, prices in money per kWh, times in market seconds since the epoch. On the wire, numbers that may
exceed 2^53 are decimal strings. `decode` takes anything and raises InputError and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from eth_utils.address import to_checksum_address

from app.errors import InputError
from app.ledger.types import Address

ONTOLOGY = "peerwatt-negotiation"
VERSION = 1

MAX_TEXT = 128
MAX_SIGNATURE_BYTES = 4_096
Choice = TypeVar("Choice", bound=StrEnum)

_UINT32 = 2**32 - 1
_UINT53 = 2**53 - 1
_UINT256 = 2**256 - 1


class Party(StrEnum):
    """On which side of the negotiation somebody is."""

    BUYER = "buyer"
    SELLER = "seller"


class Performative(StrEnum):
    """What a message does, in FIPA's words."""

    CALL_FOR_PROPOSAL = "call-for-proposal"
    PROPOSE = "propose"
    ACCEPT_PROPOSAL = "accept-proposal"
    REJECT_PROPOSAL = "reject-proposal"
    REFUSE = "refuse"
    INFORM = "inform"
    FAILURE = "failure"
    NOT_UNDERSTOOD = "not-understood"


class Reason(StrEnum):
    """Why somebody refuses or rejects. Others may give reasons of their own."""

    BUSY = "busy"
    COVERED = "covered"
    FUNDS = "funds"
    OFFER_CLOSED = "offer-closed"
    OVER = "over"
    SIGNATURE = "signature"
    SOLD_OUT = "sold-out"
    TERMS = "terms"
    TOO_EARLY = "too-early"
    UNKNOWN_OFFER = "unknown-offer"


class Stage(StrEnum):
    """How far an agreement has come at its seller."""

    BOOKED = "booked"
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Header:
    """What every message of a conversation says.

    A conversation is between one buyer and one seller about one offer; the buyer names it. Each
    side numbers its own messages in it, from 0, rising. `reply_by` is the last second at which the
    sender looks for an answer; 0: it doesn't expect one.
    """

    conversation_id: str
    sequence: int
    sent_by: Party
    buyer: Address
    seller: Address
    window: int
    offer_id: int
    sent_at: int
    reply_by: int = 0


@dataclass(frozen=True, slots=True)
class CallForProposal:
    """A buyer asks what so much energy would cost."""

    energy_wh: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A bid of a buyer, or an ask of a seller, which later ones replace.

    A seller's `firm` proposal accepts a bid: the energy is set aside for this buyer until
    `reply_by`. A buyer's proposal is never firm.
    """

    energy_wh: int
    price: int
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A buyer takes a firm proposal: with the header, the agreement that it has signed.

    `signature` is what the contract EnergyMarket takes: EIP-712, 65 bytes r, s, v for a key.
    """

    energy_wh: int
    price: int
    deadline: int
    salt: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Rejection:
    """Somebody doesn't want what the other side has proposed last."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A seller will not sell, and has not booked what was asked or accepted last."""

    reason: str


@dataclass(frozen=True, slots=True)
class Information:
    """A seller has booked an agreement, or written it on the ledger."""

    agreement_id: bytes
    stage: Stage
    transaction_hash: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A booked agreement could not be written: the error of the contract."""

    agreement_id: bytes
    error: str


Body = CallForProposal | Proposal | Acceptance | Rejection | Refusal | Information | Failure


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation."""

    header: Header
    body: Body

    @property
    def performative(self) -> Performative:
        return _PERFORMATIVES[type(self.body)]


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The answer to what is no message, or makes no sense. It is never answered.

    `conversation_id` is empty where the message named none.
    """

    conversation_id: str
    reason: str


_PERFORMATIVES: Mapping[type[Body], Performative] = {
    CallForProposal: Performative.CALL_FOR_PROPOSAL,
    Proposal: Performative.PROPOSE,
    Acceptance: Performative.ACCEPT_PROPOSAL,
    Rejection: Performative.REJECT_PROPOSAL,
    Refusal: Performative.REFUSE,
    Information: Performative.INFORM,
    Failure: Performative.FAILURE,
}


def encode(message: Message | NotUnderstood) -> dict[str, object]:
    """A message as a JSON object."""
    if isinstance(message, NotUnderstood):
        return {
            "ontology": ONTOLOGY,
            "version": VERSION,
            "performative": Performative.NOT_UNDERSTOOD.value,
            "conversation_id": message.conversation_id,
            "reason": message.reason,
        }
    header = message.header
    return {
        "ontology": ONTOLOGY,
        "version": VERSION,
        "performative": message.performative.value,
        "conversation_id": header.conversation_id,
        "sequence": header.sequence,
        "sent_by": header.sent_by.value,
        "buyer": header.buyer,
        "seller": header.seller,
        "window": header.window,
        "offer_id": str(header.offer_id),
        "sent_at": header.sent_at,
        "reply_by": header.reply_by,
        **_encode_body(message.body),
    }


def _encode_body(body: Body) -> dict[str, object]:
    match body:
        case CallForProposal(energy_wh):
            return {"energy_wh": energy_wh}
        case Proposal(energy_wh, price, firm):
            return {"energy_wh": energy_wh, "price": price, "firm": firm}
        case Acceptance(energy_wh, price, deadline, salt, signature):
            return {
                "energy_wh": energy_wh,
                "price": price,
                "deadline": deadline,
                "salt": str(salt),
                "signature": f"0x{signature.hex()}",
            }
        case Rejection(reason) | Refusal(reason):
            return {"reason": str(reason)}
        case Information(agreement_id, stage, transaction_hash):
            return {
                "agreement_id": f"0x{agreement_id.hex()}",
                "stage": stage.value,
                "transaction_hash": transaction_hash,
            }
        case Failure(agreement_id, error):
            return {"agreement_id": f"0x{agreement_id.hex()}", "error": error}


def decode(content: object) -> Message | NotUnderstood:
    """The message that a JSON object is; raises InputError naming the field and its rule."""
    if not isinstance(content, dict):
        raise InputError("message", "must be an object", type(content).__name__)
    fields = Fields(content)
    fields.constant("ontology", ONTOLOGY)
    fields.constant("version", VERSION)
    performative = fields.choice("performative", Performative)
    if performative is Performative.NOT_UNDERSTOOD:
        answer = NotUnderstood(fields.text("conversation_id"), fields.text("reason"))
        fields.check_all_read()
        return answer
    header = Header(
        conversation_id=fields.text("conversation_id", least=1),
        sequence=fields.whole("sequence", 0, _UINT53),
        sent_by=fields.choice("sent_by", Party),
        buyer=fields.address("buyer"),
        seller=fields.address("seller"),
        window=fields.whole("window", 0, _UINT32),
        offer_id=fields.decimal("offer_id", _UINT256),
        sent_at=fields.whole("sent_at", 0, _UINT53),
        reply_by=fields.whole("reply_by", 0, _UINT53),
    )
    body = _DECODERS[performative](fields)
    fields.check_all_read()
    return Message(header, body)


def conversation_of(content: object) -> str:
    """The conversation that a message names, whatever else is wrong with it; empty if none."""
    if isinstance(content, dict):
        named = content.get("conversation_id")
        if isinstance(named, str) and len(named) <= MAX_TEXT and named.isprintable():
            return named
    return ""


class Fields:
    """Reads fields of a JSON object one by one, and knows which are left."""

    def __init__(self, content: Mapping[object, object]) -> None:
        self._content = content
        self._read: set[str] = set()

    def check_all_read(self) -> None:
        for name in self._content:
            if name not in self._read:
                raise InputError(_shown(name), "is not a field of this message", "")

    def constant(self, name: str, expected: object) -> None:
        value = self._take(name)
        if type(value) is not type(expected) or value != expected:
            raise InputError(name, f"must be {expected!r}", _shown(value))

    def choice(self, name: str, of: type[Choice]) -> Choice:
        value = self._take(name)
        for member in of:
            if value == member.value:
                return member
        raise InputError(name, f"must be one of {', '.join(of)}", _shown(value))

    def text(self, name: str, *, least: int = 0, most: int = MAX_TEXT) -> str:
        value = self._take(name)
        if not (isinstance(value, str) and least <= len(value) <= most and value.isprintable()):
            rule = f"must be a text of {least} to {most} printable characters"
            raise InputError(name, rule, _shown(value))
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        value = self._take(name)
        if type(value) is not int or not least <= value <= most:
            raise InputError(name, f"must be a whole number from {least} to {most}", _shown(value))
        return value

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if not isinstance(value, bool):
            raise InputError(name, "must be true or false", _shown(value))
        return value

    def decimal(self, name: str, most: int) -> int:
        value = self._take(name)
        digits = len(str(most))
        if isinstance(value, str) and len(value) <= digits and value.isascii() and value.isdigit():
            number = int(value)
            if number <= most:
                return number
        raise InputError(name, f"must be a decimal string of at most {most}", _shown(value))

    def hexadecimal(self, name: str, least: int, most: int) -> bytes:
        """Bytes of a 0x string; `least` and `most` count bytes."""
        value = self._take(name)
        rule = f"must be a 0x string of {least} to {most} bytes"
        if not isinstance(value, str) or not value.startswith("0x") or len(value) > 2 + 2 * most:
            raise InputError(name, rule, _shown(value))
        digits = value[2:]
        if len(digits) % 2 or len(digits) < 2 * least or not _is_hex(digits):
            raise InputError(name, rule, _shown(value))
        return bytes.fromhex(digits)

    def address(self, name: str) -> Address:
        return _checksummed(self.hexadecimal(name, 20, 20))

    def _take(self, name: str) -> object:
        if name not in self._content:
            raise InputError(name, "is required", None)
        self._read.add(name)
        return self._content[name]


@lru_cache(maxsize=1_024)
def _checksummed(raw: bytes) -> Address:
    return to_checksum_address(raw)


def _is_hex(digits: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in digits)


def _shown(value: object) -> str:
    """A foreign value for an error of ours: shortened, and never more work than that."""
    if isinstance(value, str):
        return repr(value[:MAX_TEXT])
    if isinstance(value, int) and abs(value) <= _UINT256:
        return str(value)
    return type(value).__name__


def _energy(fields: Fields) -> int:
    return fields.whole("energy_wh", 1, _UINT32)


def _price(fields: Fields) -> int:
    return fields.whole("price", 0, _UINT32)


def _information(fields: Fields) -> Information:
    return Information(
        fields.hexadecimal("agreement_id", 32, 32),
        fields.choice("stage", Stage),
        fields.text("transaction_hash"),
    )


def _acceptance(fields: Fields) -> Acceptance:
    return Acceptance(
        energy_wh=_energy(fields),
        price=_price(fields),
        deadline=fields.whole("deadline", 0, _UINT53),
        salt=fields.decimal("salt", _UINT256),
        signature=fields.hexadecimal("signature", 1, MAX_SIGNATURE_BYTES),
    )


_DECODERS: Mapping[Performative, Callable[[Fields], Body]] = {
    Performative.CALL_FOR_PROPOSAL: lambda fields: CallForProposal(_energy(fields)),
    Performative.PROPOSE: lambda fields: Proposal(
        _energy(fields), _price(fields), fields.flag("firm")
    ),
    Performative.ACCEPT_PROPOSAL: _acceptance,
    Performative.REJECT_PROPOSAL: lambda fields: Rejection(fields.text("reason")),
    Performative.REFUSE: lambda fields: Refusal(fields.text("reason")),
    Performative.INFORM: _information,
    Performative.FAILURE: lambda fields: Failure(
        fields.hexadecimal("agreement_id", 32, 32), fields.text("error")
    ),
}
