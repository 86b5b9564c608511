"""What becomes of private trades, whether or not all is delivered, across a restart."""

import stat
from dataclasses import replace

import pytest

from app.agents.private.books import paid_for
from app.agents.private.view import TradeSide, TradeState
from app.agents.reports import WindowReport
from app.agents.street import Street
from app.errors import ConfigurationError, ScenarioError
from app.ledger.private import PrivateAgreementState
from app.market.units import cost_down, cost_up
from app.privacy.pedersen import commit
from app.scenario.scenario import Scenario, load_profiles
from app.system import open_street
from tests.agents.private.conftest import SELLER, Life, Sale

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEPOSITS = {"H02": 1_200_000}
USUAL_DEPOSIT = 20_000_000


async def test_everybody_trades_in_time(life: Life) -> None:
    for report in life.windows:
        assert len(report.trades) == 4
        assert {trade.seller for trade in report.trades} == {SELLER}
        assert {trade.buyer for trade in report.trades} == {"H01", "H02", "H03", "H05"}
        assert report.misses == ()
        assert report.refused == ()


async def test_prices_are_what_was_haggled(life: Life) -> None:
    for report in life.windows:
        for trade in report.trades:
            assert 80_000 <= trade.price <= 320_000


async def test_full_part_and_nothing_is_delivered(life: Life) -> None:
    states = [trade.state for trade in life.trades(SELLER, 0)]
    first, second, *others = life.trades(SELLER, 0)

    assert states == [TradeState.SETTLED, TradeState.PARTLY, *[TradeState.CANCELLED] * 2]
    assert first.delivered_wh == first.energy.value
    assert second.delivered_wh == second.energy.value // 2
    assert [trade.delivered_wh for trade in others] == [0, 0]


async def test_both_sides_see_the_same(life: Life) -> None:
    for window in (0, 1):
        for sold in life.trades(SELLER, window):
            bought = life.bought(sold.agreement_id)
            assert (sold.side, bought.side) == (TradeSide.SOLD, TradeSide.BOUGHT)
            assert (sold.energy, sold.price, sold.cost) == (
                bought.energy,
                bought.price,
                bought.cost,
            )
            assert (sold.state, sold.delivered_wh) == (bought.state, bought.delivered_wh)


async def test_the_openings_open_what_is_on_the_chain(life: Life) -> None:
    for receipt in life.receipts:
        for event in receipt.events:
            if event.name == "TransactionAllowed":
                public = event.arguments["agreement"]
                trade = life.bought(event.arguments["agreementId"])
                openings = trade.energy, trade.price, trade.cost
                assert tuple(map(commit, openings)) == public[1:4]


async def test_money_is_conserved(life: Life) -> None:
    brought = {name: DEPOSITS.get(name, USUAL_DEPOSIT) for name in life.books}
    assert sum(books.balance for books in life.books.values()) == sum(brought.values())
    for name, books in life.books.items():
        received = sum(paid_for(each) for each in books.view.trades if each.side is TradeSide.SOLD)
        paid = sum(paid_for(each) for each in books.view.trades if each.side is TradeSide.BOUGHT)
        assert books.balance == brought[name] + received - paid, name


async def test_what_is_paid_is_rounded_as_in_the_open(life: Life) -> None:
    full, part, *_ = life.trades(SELLER, 0)
    assert paid_for(full) == cost_up(full.energy.value, full.price.value)
    assert paid_for(part) == cost_down(part.delivered_wh or 0, part.price.value)


async def test_no_more_is_sold_than_the_meter_saw(life: Life) -> None:
    for position in life.books[SELLER].positions:
        assert 0 < position.sold_wh <= position.exported_wh
    first, second = life.books[SELLER].positions
    assert first.sold_wh == first.exported_wh
    bought = [p for name, books in life.books.items() for p in books.positions if name != SELLER]
    assert sum(p.bought_wh for p in bought) == first.sold_wh + second.sold_wh


async def test_the_chain_agrees_with_all_of_them(life: Life) -> None:
    for window in (0, 1):
        for trade in life.trades(SELLER, window):
            state = await life.private.agreement_state(trade.agreement_id)
            cancelled = trade.state is TradeState.CANCELLED
            expected = (
                PrivateAgreementState.CANCELLED if cancelled else PrivateAgreementState.SETTLED
            )
            assert state is expected


# A restart


async def test_a_restart_forgets_nothing(life: Life) -> None:
    assert life.after_restart == life.at_restart
    assert all(
        trade.state is TradeState.OPEN for view in life.at_restart.values() for trade in view.trades
    )
    assert len(life.at_restart[SELLER].trades) == 8


async def test_journals_are_for_their_owners_alone(life: Life) -> None:
    journals = list((life.folder / "private").iterdir())
    assert {path.name for path in journals} >= {f"{SELLER}.jsonl", "H01.jsonl", "operator.jsonl"}
    for path in journals:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_enrolling_again_costs_nothing(life: Life) -> None:
    enrolled = [each.function for each in life.receipts if each.function == "publishInfo"]
    assert len(enrolled) == 2 * 5
    assert life.record.private_events["Deposited"] == 4 * 5


# What the owner sees, and who else


async def test_a_household_has_its_view(life: Life, scenario: Scenario) -> None:
    account = life.books[SELLER].view.account
    view = life.street.private_view(account)
    assert view is not None
    assert view.name == SELLER
    assert {offer.window for offer in view.offers} >= {scenario.first_window}
    assert "secret" not in repr(view)


async def test_nobody_else_has_one(life: Life) -> None:
    assert life.street.private_view("0x" + "11" * 20) is None


async def test_small_notes_are_joined_when_none_of_them_pays(life: Life) -> None:
    assert life.record.calls_by_function["transfer"] == 1
    assert [trade.buyer for trade in life.windows[0].trades].count("H02") == 1


# What cannot be private


async def test_prices_must_leave_room(life: Life, scenario: Scenario) -> None:
    cheap = replace(scenario.grid, floor=(10_000,) * 24, ceiling=(79_999,) * 24)
    with pytest.raises(ScenarioError, match="grid: must overlap with 80000 to 320000"):
        async with open_street(life.chain, replace(scenario, grid=cheap)):
            pass


async def test_a_chain_must_have_a_private_market(life: Life, scenario: Scenario) -> None:
    with pytest.raises(ConfigurationError, match="no private trading on this chain"):
        async with open_street(replace(life.chain, private=None), scenario):
            pass


async def test_a_street_needs_access_to_it(life: Life, scenario: Scenario) -> None:
    ledger, clock, directory = life.chain.ledger, life.chain.clock, life.street.directory
    with pytest.raises(ConfigurationError, match="asks for privacy"):
        Street(scenario, load_profiles(scenario), ledger, clock, directory)


# When an agreement is not paid


async def test_what_is_not_paid_holds_up_nobody_else(moody_hour: WindowReport) -> None:
    """What was to follow it on the same offer is proved anew, and counts."""
    assert len(moody_hour.trades) == 3
    (fault,) = moody_hour.refused
    assert "spent before" in fault.error
    assert fault.who not in {trade.buyer for trade in moody_hour.trades}


async def test_what_follows_takes_from_what_is_left(
    life: Life, moody_hour: WindowReport, sales: list[Sale]
) -> None:
    (offer,) = moody_hour.offers
    standing = await life.private.standing(offer.id)
    left = sales[0].offer.energy
    for sale in sales:
        left -= sale.trade.made.energy
    assert standing is not None
    assert commit(left) == standing.energy
