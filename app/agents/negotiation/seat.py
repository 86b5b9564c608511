"""What an agent brings to the negotiation of a window, on either side."""

from collections.abc import Callable
from dataclasses import dataclass

from app.agents.negotiation.budget import Budget
from app.agents.negotiation.ontology import Message, NotUnderstood
from app.agents.negotiation.timetable import Timetable
from app.ledger.types import Address, Agreement, SignedAgreement, Terms

MIN_LOT_WH = 50

Answer = Message | NotUnderstood


@dataclass(frozen=True, slots=True)
class Signatures:
    """What the protocol needs to know of signatures; nothing here waits for anything."""

    sign: Callable[[Agreement], SignedAgreement]
    verify: Callable[[SignedAgreement], bool]
    identify: Callable[[Agreement], bytes]


@dataclass(frozen=True, slots=True)
class Seat:
    """Who negotiates, for which window and on which terms, with which money."""

    account: Address
    terms: Terms
    timetable: Timetable
    budget: Budget
    signatures: Signatures
