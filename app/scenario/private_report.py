"""The report of a private run: what anybody can see of it, and what each household sees.

The first comes from receipts, as everything else of a run does; the second from the households'
own books, which nobody but the one who simulates them all has together.
"""

from collections.abc import Mapping, Sequence

from app.agents.private.books import HouseholdBooks, paid_for
from app.agents.private.view import PrivateTrade, TradeSide, TradeState
from app.ledger.types import Terms
from app.market.units import cost_down, cost_up
from app.scenario.record import RunRecord, Trade

_SETTLED = (TradeState.SETTLED, TradeState.PARTLY)


def note_households(
    record: RunRecord, terms: Mapping[int, Terms], books: Sequence[HouseholdBooks]
) -> None:
    """Adds to a run's record what households know of the windows in `terms`, and nobody else."""
    buyers = {
        trade.agreement_id: each
        for each in books
        for trade in each.view.trades
        if trade.side is TradeSide.BOUGHT
    }
    for each in books:
        _note_offers(record, terms, each)
        for trade in each.view.trades:
            if (
                trade.agreement_id in buyers
                and trade.side is TradeSide.SOLD
                and trade.window in terms
            ):
                _note_trade(record, each, trade, buyers[trade.agreement_id])
        _note_positions(record, terms, each)


def outsider_summary(record: RunRecord) -> dict[str, object]:
    """What anybody can see: how much was done, and what gas it took."""
    seen = record.private_events
    return {
        "members": seen["InfoPublished"],
        "rounds": seen["RoundOpened"],
        "offers": seen["OfferMade"],
        "agreements": seen["TransactionAllowed"],
        "settled_in_full": seen["TransactionMade in full"],
        "settled_in_part": seen["TransactionMade in part"],
        "cancelled": seen["TransactionCancelled"],
        "deposits": seen["Deposited"],
        "withdrawals": seen["Withdrawn"],
        "notes": seen["NoteCreated"],
        "notes_spent": seen["NoteSpent"],
        "gas": sum(record.private_gas.values()),
        "gas_by_function": dict(record.private_gas.most_common()),
    }


def household_summary(books: HouseholdBooks, terms: Mapping[int, Terms]) -> dict[str, object]:
    """What one household sees: energy in Wh, money in 1e-6."""
    trades = books.view.trades
    sold = [each for each in trades if each.side is TradeSide.SOLD]
    bought = [each for each in trades if each.side is TradeSide.BOUGHT]
    nets = [each.net_wh for each in books.positions if each.window in terms]
    return {
        "offers": len(books.view.offers),
        "offered_wh": sum(each.energy.value for each in books.view.offers),
        "sales": len(sold),
        "sold_wh": sum(each.delivered_wh or 0 for each in sold),
        "earned": sum(map(paid_for, sold)),
        "purchases": len(bought),
        "bought_wh": sum(each.delivered_wh or 0 for each in bought),
        "paid": sum(map(paid_for, bought)),
        "not_in_full": sum(
            each.state in (TradeState.PARTLY, TradeState.CANCELLED) for each in trades
        ),
        "from_supplier_wh": -sum(net for net in nets if net < 0),
        "to_supplier_wh": sum(net for net in nets if net > 0),
        "purse": books.balance,
    }


def _note_offers(record: RunRecord, terms: Mapping[int, Terms], books: HouseholdBooks) -> None:
    for offer in books.view.offers:
        if offer.window in terms:
            totals = record.window(offer.window)
            totals.offers += 1
            totals.offered_wh += offer.energy.value


def _note_trade(
    record: RunRecord, seller: HouseholdBooks, trade: PrivateTrade, buyer: HouseholdBooks
) -> None:
    noted = Trade(
        agreement_id=f"0x{trade.agreement_id.hex()}",
        window=trade.window,
        seller=seller.view.account,
        buyer=buyer.view.account,
        energy_wh=trade.energy.value,
        price=trade.price.value,
        settled=trade.state in _SETTLED,
        delivered_wh=trade.delivered_wh or 0,
        paid=paid_for(trade),
    )
    record.trades[noted.agreement_id] = noted
    totals = record.window(trade.window)
    totals.agreements += 1
    totals.agreed_wh += noted.energy_wh
    totals.settled += noted.settled
    totals.traded_wh += noted.delivered_wh
    totals.traded_value += noted.delivered_wh * noted.price


def _note_positions(record: RunRecord, terms: Mapping[int, Terms], books: HouseholdBooks) -> None:
    for position in books.positions:
        if position.window not in terms:
            continue
        energy = position.exported_wh, position.imported_wh
        record.readings[books.view.account, position.window] = energy
        totals, of_window = record.window(position.window), terms[position.window]
        if position.net_wh > 0:
            totals.grid_export_wh += position.net_wh
            totals.grid_revenue += cost_down(position.net_wh, of_window.grid_floor)
        else:
            totals.grid_import_wh -= position.net_wh
            totals.grid_cost += cost_up(-position.net_wh, of_window.grid_ceiling)
