"""What became of a round of the auction, order by order, from the receipts of its clearing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.agents.auction.orders import Fill, RoundPrices, round_prices
from app.ledger.fills import fill_agreements
from app.ledger.types import Agreement, Receipt, Terms

_SELL_ID = 2**96 - 1


def sell_order_of(agreement: Agreement) -> int:
    """The sell order behind an agreement of the auction; its offer id ends in it."""
    return agreement.offer_id & _SELL_ID


def buy_order_of(agreement: Agreement) -> int:
    """The buy order behind an agreement of the auction: its salt."""
    return agreement.salt


@dataclass(frozen=True, slots=True)
class RoundResult:
    """A round: its agreements, and by order what was filled and what has ended unfilled (Wh).

    `unfilled` has what the grid serves and what has expired; what lives on is in neither.
    """

    window: int
    terms: Terms
    agreements: tuple[Agreement, ...]
    fills: Mapping[int, tuple[Fill, ...]]
    unfilled: Mapping[int, int]
    prices: RoundPrices | None


def round_result(window: int, terms: Terms, receipts: Iterable[Receipt]) -> RoundResult:
    """The result of a round; an empty one if there are no receipts."""
    kept = list(receipts)
    agreements = fill_agreements(kept)
    fills: dict[int, list[Fill]] = {}
    for agreement in agreements:
        fill = Fill(agreement.energy_wh, agreement.price)
        fills.setdefault(buy_order_of(agreement), []).append(fill)
        fills.setdefault(sell_order_of(agreement), []).append(fill)
    unfilled: dict[int, int] = {}
    served_wh = 0
    for receipt in kept:
        for event in receipt.events:
            if event.name in ("OrderServed", "OrderExpired"):
                order_id = int(str(event.arguments["orderId"]))
                energy_wh = int(str(event.arguments["energyWh"]))
                unfilled[order_id] = unfilled.get(order_id, 0) + energy_wh
                served_wh += energy_wh if event.name == "OrderServed" else 0
    return RoundResult(
        window=window,
        terms=terms,
        agreements=tuple(agreements),
        fills={order_id: tuple(each) for order_id, each in fills.items()},
        unfilled=unfilled,
        prices=round_prices(
            window,
            (Fill(agreement.energy_wh, agreement.price) for agreement in agreements),
            Fill(served_wh, terms.grid_ceiling),
        ),
    )
