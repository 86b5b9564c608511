"""What agents let others see of their work: messages, writes, progress."""

from dataclasses import dataclass
from typing import Protocol

from app.ledger.types import Receipt


@dataclass(frozen=True, slots=True)
class NegotiationMessage:
    """A message as an observer sees it; sender and receiver are names of households.

    Energy in Wh, price in money per kWh, `at` in market seconds. None where a performative has no
    such thing.
    """

    conversation_id: str
    window: int
    sender: str
    receiver: str
    performative: str
    offer_id: int | None
    energy_wh: int | None
    price: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What the street does at a moment (market seconds) for a delivery window."""

    window: int
    step: str
    at: int


class Observer(Protocol):
    """Watches a street; must not wait for anything."""

    def message(self, message: NegotiationMessage) -> None: ...
    def receipt(self, receipt: Receipt) -> None: ...
    def progress(self, progress: Progress) -> None: ...


class SilentObserver:
    """Watches nothing."""

    def message(self, message: NegotiationMessage) -> None: ...
    def receipt(self, receipt: Receipt) -> None: ...
    def progress(self, progress: Progress) -> None: ...
