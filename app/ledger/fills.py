"""From the receipts of a cleared book to the agreements that it made."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from app.ledger.types import Agreement, Receipt


def fill_agreements(receipts: Iterable[Receipt]) -> list[Agreement]:
    """The agreements of all fills in the receipts of `Ledger.clear`, in their order.

    A fill is an agreement without a signature: its offer id is the auction's address, shifted by 96
    bits, and the sell order's id; its salt is the buy order's id; it has no deadline.
    """
    return [
        fill_agreement(allowed.arguments, filled.arguments)
        for receipt in receipts
        for allowed, filled in pairwise(receipt.events)
        if filled.name == "OrderFilled"
    ]


def fill_agreement(allowed: Mapping[str, Any], filled: Mapping[str, Any]) -> Agreement:
    """From the arguments of the market's TransactionAllowed and the OrderFilled that follows it."""
    return Agreement(
        offer_id=allowed["offerId"],
        seller=allowed["seller"],
        buyer=allowed["buyer"],
        window=allowed["window"],
        energy_wh=allowed["energyWh"],
        price=allowed["price"],
        deadline=0,
        salt=filled["buyId"],
    )
