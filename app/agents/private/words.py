"""What a seller and a buyer say to each other after the negotiation, from their one-time mailboxes.

====================  ================  ===========================================================
`request-agreement`   buyer to seller   put what we have agreed on under proof; this is the note for
                                        what may come back to me
`inform-agreement`    seller to buyer   here it is, with all that opens it; pay it and it counts
====================  ================  ===========================================================

Both name what they speak of by the id of the agreement that the buyer has signed in the negotiation
(`reference`, 32 bytes). The form is that of `app.agents.private.wire`. `decode` takes anything and
raises InputError and nothing else. Whoever hears something believes nothing of it.
"""

from dataclasses import dataclass

from app.agents.private.wire import from_wire, to_wire
from app.errors import InputError
from app.privacy.curve import Point
from app.privacy.notes import SentNote
from app.privacy.trading import MadeAgreement

ONTOLOGY = "peerwatt-private"
VERSION = 1
REFERENCE_BYTES = 32


@dataclass(frozen=True, slots=True)
class AgreementRequest:
    """The buyer's note for what comes back: its amount is nothing yet."""

    reference: bytes
    refund: SentNote


@dataclass(frozen=True, slots=True)
class SealedAgreement:
    """The agreement as the seller has made it; `standing` is the offer's energy before it."""

    reference: bytes
    standing: Point
    made: MadeAgreement


Word = AgreementRequest | SealedAgreement

_KINDS: dict[str, type[AgreementRequest] | type[SealedAgreement]] = {
    "request-agreement": AgreementRequest,
    "inform-agreement": SealedAgreement,
}


def is_ours(content: object) -> bool:
    """Whether a message claims to be one of these."""
    return isinstance(content, dict) and content.get("ontology") == ONTOLOGY


def encode(word: Word) -> dict[str, object]:
    """A word as it travels."""
    name = next(name for name, kind in _KINDS.items() if isinstance(word, kind))
    return {
        "ontology": ONTOLOGY,
        "version": VERSION,
        "performative": name,
        "body": to_wire(word),
    }


def decode(content: object) -> Word:
    """A word from what came in; raises InputError."""
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise InputError("version", f"must be {VERSION}", type(content).__name__)
    kind = _KINDS.get(str(content.get("performative")))
    if kind is None:
        raise InputError("performative", f"must be one of {', '.join(_KINDS)}", "another")
    word = from_wire(kind, content.get("body"), "body")
    if len(word.reference) != REFERENCE_BYTES:
        rule = f"must have {REFERENCE_BYTES} bytes"
        raise InputError("reference", rule, len(word.reference))
    return word
