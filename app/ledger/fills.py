"""From the receipts of a cleared book to the agreements that it made."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from app.ledger.types import Agreement, Event, Receipt


def fill_agreements(receipts: Iterable[Receipt]) -> list[Agreement]:
    """The agreements of all fills in the receipts of `Ledger.clear`, in their order.

    A fill is an agreement without a signature: its offer id is the auction's address, shifted by 96
    bits, and the sell order's id; its salt is the buy order's id; it has no deadline.
    """
    return [
        _agreement(allowed, filled)
        for receipt in receipts
        for allowed, filled in pairwise(receipt.events)
        if filled.name == "OrderFilled"
    ]


def _agreement(allowed: Event, filled: Event) -> Agreement:
    """From the market's TransactionAllowed and the OrderFilled that follows it."""
    said: Mapping[str, Any] = allowed.arguments
    order: Mapping[str, Any] = filled.arguments
    return Agreement(
        offer_id=said["offerId"],
        seller=said["seller"],
        buyer=said["buyer"],
        window=said["window"],
        energy_wh=said["energyWh"],
        price=said["price"],
        deadline=0,
        salt=order["buyId"],
    )
