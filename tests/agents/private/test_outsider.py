"""What anybody can see of a private street: that something happens, and nothing of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.agents.negotiation.endpoint import address_of
from app.agents.private.offering import Details
from app.chain.keys import RELAYER, development_address
from app.ledger.types import Receipt
from app.scenario.private_report import household_summary, note_households, outsider_summary
from app.scenario.record import RunRecord
from tests.agents.private.conftest import SELLER, Life

pytestmark = pytest.mark.asyncio(loop_scope="session")

RELAYED = {
    "makeOffer",
    "makeOffers",
    "allowTransaction",
    "allowTransactions",
    "makeTransaction",
    "makePartialTransaction",
    "cancelTransaction",
    "transfer",
}


def numbers_of_trades(life: Life) -> set[int]:
    """Energies, prices and amounts that only their owners know."""
    found = set()
    for books in life.books.values():
        for trade in books.view.trades:
            found |= {trade.energy.value, trade.price.value, trade.cost.value}
            found |= {trade.delivered_wh} if trade.delivered_wh else set()
        for offer in books.view.offers:
            found.add(offer.energy.value)
    return found


def leaves(value: Any) -> Iterator[Any]:
    """Everything in something, at the end of all nesting."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, tuple | list):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def relayed(life: Life) -> list[Receipt]:
    return [receipt for receipt in life.receipts if receipt.function in RELAYED]


async def test_nothing_relayed_shows_who_it_is_from(life: Life) -> None:
    accounts = {books.view.account.lower() for books in life.books.values()}
    for receipt in relayed(life):
        assert receipt.sender == development_address(RELAYER)
        for event in receipt.events:
            shown = {str(each).lower() for each in leaves(dict(event.arguments))}
            assert not shown & accounts, event.name


async def test_nothing_relayed_shows_a_number(life: Life) -> None:
    secret = numbers_of_trades(life)
    for receipt in relayed(life):
        for event in receipt.events:
            assert not secret & set(leaves(dict(event.arguments))), event.name


async def test_no_reading_is_on_the_chain(life: Life) -> None:
    assert not life.record.readings
    assert "submitReadings" not in life.record.calls_by_function


async def test_each_offer_has_an_account_of_its_own(life: Life) -> None:
    owners = [
        event.arguments["terms"][2]
        for receipt in life.receipts
        for event in receipt.events
        if event.name == "OfferMade"
    ]
    assert len(set(owners)) == len(owners) >= 2


async def test_nobody_watches_the_negotiation(life: Life) -> None:
    assert all(report.messages > 50 for report in life.windows)
    assert life.ear.heard == []


async def test_mailboxes_say_nothing_of_their_owners(life: Life) -> None:
    window = life.windows[0].window
    ring = await life.private.ring_of(window)
    key = life.access.wallet_of(life.books["H01"].view.account).member
    (seen,) = await life.private.offers(window)
    details = Details.unpack(seen.details(ring, key) or b"")
    assert details is not None
    address = address_of(details.endpoint)
    assert address is not None
    assert len(address.aid) == 32
    assert not any(name in address.aid for name in life.books)


# The summary of a run


@pytest.fixture
def terms(life: Life) -> dict:
    return {report.window: report.terms for report in life.windows}


async def test_the_outsiders_summary_has_counts_and_gas_alone(life: Life) -> None:
    summary = outsider_summary(life.record)
    said = set(leaves(json.loads(json.dumps(summary))))

    assert not said & numbers_of_trades(life)
    assert not said & set(life.books)
    assert not any(str(each).startswith("0x") for each in said)
    assert (summary["settled_in_full"], summary["settled_in_part"], summary["cancelled"]) == (
        5,
        1,
        2,
    )
    assert summary["offers"] == 2
    assert summary["agreements"] == 8
    assert summary["gas"] == sum(life.record.private_gas.values()) > 10_000_000


async def test_the_households_know_better(life: Life, terms: dict) -> None:
    summary = household_summary(life.books[SELLER], terms)
    sold = [*life.trades(SELLER, 0), *life.trades(SELLER, 1)]

    assert summary["sales"] == 8
    assert summary["sold_wh"] == sum(trade.delivered_wh or 0 for trade in sold)
    assert summary["purse"] == 20_000_000 + summary["earned"]
    assert summary["not_in_full"] == 3


async def test_a_runs_record_adds_up_what_they_know(life: Life, terms: dict) -> None:
    record = RunRecord()

    note_households(record, terms, list(life.books.values()))

    assert len(record.trades) == 8
    assert {trade.seller for trade in record.trades.values()} == {life.books[SELLER].view.account}
    for window, totals in ((each, record.windows[each]) for each in terms):
        positions = [
            p for books in life.books.values() for p in books.positions if p.window == window
        ]
        exported = sum(p.exported_wh for p in positions)
        imported = sum(p.imported_wh for p in positions)
        assert totals.grid_export_wh - totals.grid_import_wh == exported - imported
        assert totals.offers == 1
        assert totals.agreements == 4
