"""A day of the example street: what it comes to, and that nothing is lost or made on the way."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from app.agents.operator.microgrid import Credit
from app.agents.reports import ForecastScore
from app.ledger.types import AgreementState
from app.market.windows import commit_start, window_start
from app.scenario.profiles import Profiles
from app.scenario.scenario import COMMUNITY_BATTERY, Scenario, load_profiles
from tests.agents.street.conftest import Notebook, Run, World, live, world_of

UNITS = 10**6


@dataclass(frozen=True, slots=True)
class Day:
    world: World
    run: Run
    notebook: Notebook
    score: ForecastScore
    credit: Credit


@pytest.fixture(scope="module")
async def day(example: Scenario, profiles: Profiles) -> AsyncIterator[Day]:
    world = world_of(example, profiles)
    notebook = Notebook()
    async with world.street(notebook) as street:
        lived = await live(world, street)
        score = street.forecast_score()
        assert score is not None
        yield Day(world, lived, notebook, score, await street.credit())


async def test_neighbours_trade_and_every_agreement_is_settled(day: Day) -> None:
    trades = [trade for window in day.run.windows for trade in window.trades]

    assert len(trades) > 30
    for trade in trades:
        state = await day.world.ledger.agreement_state(trade.agreement_id)
        assert state is AgreementState.SETTLED
    assert sum(report.settlement.settled for report in day.run.settlements) == len(trades)


async def test_every_window_is_settled_and_every_position_closed(day: Day) -> None:
    windows = [report.window for report in day.run.settlements]
    members = day.world.directory.members

    assert windows == [report.window for report in day.run.windows]
    assert all(report.settlement.is_complete for report in day.run.settlements)
    assert all(report.settlement.closed == len(members) for report in day.run.settlements)
    assert all(report.readings == len(members) for report in day.run.settlements)


async def test_nothing_was_refused_or_came_too_late(day: Day) -> None:
    assert [miss for window in day.run.windows for miss in window.misses] == []
    assert [refusal for window in day.run.windows for refusal in window.refused] == []


async def test_energy_tokens_are_conserved(day: Day) -> None:
    ledger, members = day.world.ledger, day.world.directory.members
    totals = await ledger.energy_totals()
    held = sum([await ledger.energy_balance_of(member.account) for member in members])

    assert totals.injected_wh - totals.withdrawn_wh - totals.lost_wh == held
    assert totals.lost_wh > 0


async def test_what_the_community_battery_holds_is_its_tokens_and_nothing_else(day: Day) -> None:
    ledger = day.world.ledger
    battery = day.world.directory.member(COMMUNITY_BATTERY)
    others = [member for member in day.world.directory.members if member is not battery]

    assert [await ledger.energy_balance_of(member.account) for member in others] == [0] * 13


async def test_money_is_conserved(day: Day) -> None:
    ledger, scenario = day.world.ledger, day.world.scenario
    brought = scenario.grid.treasury + sum(m.deposit for m in day.world.directory.members)
    accounts = [await ledger.account_of(m.account) for m in day.world.directory.members]

    assert all(account.locked == 0 and account.debt == 0 for account in accounts)
    assert sum(account.free for account in accounts) + day.credit.treasury.free == brought
    assert day.credit.claims == 0


async def test_the_grid_is_paid_for_what_it_gave_and_pays_for_what_it_took(day: Day) -> None:
    exchanges = [report.grid for report in day.run.settlements]
    penalties = sum(
        int(str(event.arguments["penalty"]))
        for report in day.run.settlements
        for event in report.settlement.events
        if event.name == "TransactionMade"
    )
    earned = sum(each.import_cost - each.export_revenue for each in exchanges) + penalties

    assert day.credit.treasury.free == day.world.scenario.grid.treasury + earned


async def test_the_border_sees_what_meters_and_batteries_leave(day: Day) -> None:
    """Physically: load and losses and what is stored = generation and what came over the border."""
    batches = day.world.profiles
    for report in day.run.settlements:
        load = pv = 0
        for household in batches.households:
            steps = batches.steps_of(household, report.window)
            load += int(steps.load_wh.sum())
            pv += int(steps.pv_wh.sum())
        border = report.grid.feeder_export_wh - report.grid.feeder_import_wh
        batteries = pv - load - border
        assert abs(batteries) <= (18_300 + 33_500 + 50_200 + 73_400 + 30_600) + 50_000


async def test_prices_lie_between_the_grids(day: Day) -> None:
    for window in day.run.windows:
        for trade in window.trades:
            assert window.terms.grid_floor <= trade.price <= window.terms.grid_ceiling


async def test_no_offer_is_sold_beyond_its_energy(day: Day) -> None:
    for window in day.run.windows:
        sold: dict[int, int] = {}
        for trade in window.trades:
            sold[trade.offer_id] = sold.get(trade.offer_id, 0) + trade.energy_wh
        for offer in window.offers:
            assert sold.get(offer.id, 0) <= offer.energy_wh


async def test_nobody_buys_more_than_it_lacks(day: Day) -> None:
    for window in day.run.windows:
        bought: dict[str, int] = {}
        for trade in window.trades:
            bought[trade.buyer] = bought.get(trade.buyer, 0) + trade.energy_wh
        for buyer, energy in bought.items():
            assert energy <= window.plans[buyer].lack_wh


async def test_no_buyer_is_left_without_while_energy_is_on_offer(day: Day) -> None:
    for window in day.run.windows:
        offered = sum(offer.energy_wh for offer in window.offers)
        sold = sum(trade.energy_wh for trade in window.trades)
        assert window.unserved_wh == 0 or offered - sold <= 50 * len(window.offers)


async def test_who_holds_out_sells_dearer_and_buys_cheaper(day: Day) -> None:
    prices: dict[tuple[str, str], list[int]] = {}
    for window in day.run.windows:
        for trade in window.trades:
            key = trade.seller_strategy, trade.buyer_strategy
            prices.setdefault(key, []).append(trade.price)
    mean = {key: sum(values) / len(values) for key, values in prices.items()}

    assert mean["boulware", "conceder"] > mean["conceder", "conceder"]
    assert mean["conceder", "conceder"] > mean["conceder", "boulware"]
    assert mean["boulware", "conceder"] > mean["boulware", "boulware"]


async def test_the_battery_buys_at_day_and_sells_in_the_evening(day: Day) -> None:
    hours = {
        side: [
            (trade.window - day.world.scenario.first_window)
            for window in day.run.windows
            for trade in window.trades
            if getattr(trade, side) == COMMUNITY_BATTERY
        ]
        for side in ("buyer", "seller")
    }
    assert hours["buyer"]
    assert max(hours["buyer"]) < min(hours["seller"])


async def test_forecasts_beat_persistence_on_this_day(day: Day) -> None:
    assert day.score.count == 24 * 13
    assert day.score.load_wh < 0.8 * day.score.persistence_load_wh
    assert day.score.pv_wh < 0.5 * day.score.persistence_pv_wh
    assert day.score.net_wh < 0.5 * day.score.persistence_net_wh


async def test_an_observer_sees_every_message_in_the_order_of_time(day: Day) -> None:
    messages = day.notebook.messages
    moments = [message.at for message in messages]

    assert len(messages) == sum(window.messages for window in day.run.windows)
    assert moments == sorted(moments)
    for message in messages:
        hour = window_start(message.window - 1)
        assert hour <= message.at < window_start(message.window)
        assert {message.sender, message.receiver} <= {m.name for m in day.world.directory.members}
    talked = {message.performative for message in messages}
    assert talked == {
        "call-for-proposal",
        "propose",
        "accept-proposal",
        "reject-proposal",
        "refuse",
        "inform",
    }


async def test_nobody_haggles_in_the_commit_margin(day: Day) -> None:
    late = [m for m in day.notebook.messages if m.at >= commit_start(m.window)]

    assert {message.performative for message in late} == {"inform"}


async def test_an_observer_sees_every_write_and_step(day: Day) -> None:
    functions = {receipt.function for receipt in day.notebook.receipts}

    assert functions == {
        "certify",
        "confirmDeposit",
        "deposit",
        "publishInfo",
        "publishTerms",
        "makeOffer",
        "allowTransactions",
        "submitReadings",
        "makeTransactions",
        "closePositions",
    }
    steps = [step.step for step in day.notebook.steps if step.window == day.run.windows[5].window]
    assert steps == [
        "readings",
        "settlement",
        "forecasts",
        "offers",
        "negotiation",
        "agreements",
    ]


async def test_nobody_misunderstands_anybody_on_a_busy_market(example: Scenario) -> None:
    """In the evening of a street where some have roofs and others buy, lists are long."""
    roofless = {"H01", "H02", "H03", "H05", "H10", "H12", "H14"}
    participants = tuple(
        replace(each, scaling=replace(each.scaling, pv_permille=0), battery=None)
        if each.household in roofless
        else each
        for each in example.participants
    )
    scenario = replace(example, participants=participants, start=example.start + 16 * 3_600)
    world = world_of(scenario, load_profiles(scenario))
    notebook = Notebook()
    async with world.street(notebook) as street:
        lived = await live(world, street, 4)

    assert len(lived.trades) > 30
    assert len(notebook.messages) == sum(window.messages for window in lived.windows)
