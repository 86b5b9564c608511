"""A street in the call auction: alone, after the negotiation, with each pricing rule and role."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest

from app.agents.auction.trader import cover_rate
from app.agents.reports import WindowReport
from app.agents.street import Street
from app.ledger.types import Address, AgreementState, Side
from app.market.clearing import PricingRule
from app.market.windows import commit_start, window_start
from app.scenario.profiles import Profiles
from app.scenario.scenario import COMMUNITY_BATTERY, Battery, Grid, Plugin, Scenario, Venue
from tests.agents.street.conftest import EventfulClock, Notebook, Run, World, live, world_of

SPECULATOR = Plugin("speculator", {"lookback": 3.0, "buy_threshold": 0.02, "sell_threshold": 0.02})


def in_auction(scenario: Scenario, **changes: object) -> Scenario:
    return replace(scenario, **{"venue": Venue.AUCTION, **changes})


def with_some_panels(scenario: Scenario, **changes: object) -> Scenario:
    """Every other home without panels, so that somebody always lacks what others have."""
    members = tuple(
        replace(
            each,
            scaling=replace(each.scaling, pv_permille=1_000 * (number % 2)),
            battery=each.battery if number % 2 else None,
            **changes,
        )
        for number, each in enumerate(scenario.participants)
    )
    return replace(scenario, participants=members)


def cheap_at_noon(grid: Grid) -> Grid:
    """A grid whose price falls until noon and rises after it, and so does the auction's."""
    return replace(grid, ceiling=tuple(200_000 + 20_000 * abs(12 - hour) for hour in range(24)))


async def lived(scenario: Scenario, profiles: Profiles, count: int) -> Run:
    world = world_of(scenario, profiles)
    async with world.street() as street:
        return await live(world, street, count)


def bought(window: WindowReport) -> dict[str, int]:
    energy: dict[str, int] = defaultdict(int)
    for trade in window.trades:
        energy[trade.buyer] += trade.energy_wh
    return energy


def sold(window: WindowReport) -> dict[str, int]:
    energy: dict[str, int] = defaultdict(int)
    for trade in window.trades:
        energy[trade.seller] += trade.energy_wh
    return energy


@dataclass(frozen=True, slots=True)
class Day:
    world: World
    run: Run
    notebook: Notebook


@pytest.fixture(scope="module")
async def day(example: Scenario, profiles: Profiles) -> AsyncIterator[Day]:
    """Twenty hours from before dawn on, in the auction alone."""
    dawn = replace(example, start=window_start(example.first_window + 4))
    world, notebook = world_of(in_auction(dawn), profiles), Notebook()
    async with world.street(notebook) as street:
        yield Day(world, await live(world, street, 20), notebook)


class TestDay:
    async def test_every_fill_is_settled(self, day: Day) -> None:
        trades = [trade for window in day.run.windows for trade in window.trades]
        assert len(trades) > 20
        for trade in trades:
            state = await day.world.ledger.agreement_state(trade.agreement_id)
            assert state is AgreementState.SETTLED

    async def test_nobody_negotiates_and_nothing_is_refused_or_late(self, day: Day) -> None:
        assert day.notebook.messages == []
        for window in day.run.windows:
            assert (window.messages, window.offers) == (0, ())
            assert (window.misses, window.refused) == ((), ())

    async def test_orders_are_what_is_left_over_or_lacking(self, day: Day) -> None:
        for window in day.run.windows:
            for order in window.orders:
                plan = window.plans[order.owner]
                most = plan.surplus_wh if order.side is Side.SELL else plan.lack_wh
                assert 0 < order.energy_wh <= most

    async def test_prices_lie_between_the_limits_of_both(self, day: Day) -> None:
        for window in day.run.windows:
            limits = {(o.owner, o.side): o.limit_price for o in window.orders}
            for trade in window.trades:
                low, high = limits[trade.seller, Side.SELL], limits[trade.buyer, Side.BUY]
                assert low <= trade.price <= high

    async def test_nothing_is_locked_or_owed_in_the_end(self, day: Day) -> None:
        for member in day.world.directory.members:
            account = await day.world.ledger.account_of(member.account)
            assert (account.locked, account.debt) == (0, 0)

    async def test_energy_tokens_are_conserved(self, day: Day) -> None:
        ledger, members = day.world.ledger, day.world.directory.members
        totals = await ledger.energy_totals()
        held = sum([await ledger.energy_balance_of(member.account) for member in members])
        assert totals.injected_wh - totals.withdrawn_wh - totals.lost_wh == held

    async def test_the_community_battery_trades_by_its_plan(self, day: Day) -> None:
        reasons = {
            order.reason
            for window in day.run.windows
            for order in window.orders
            if order.owner == COMMUNITY_BATTERY
        }
        assert reasons == {"sells by its plan", "buys by its plan"}


async def test_orders_are_what_there_is_money_for(dawn: Scenario, profiles: Profiles) -> None:
    """All is locked that was brought, to the last Wh that it pays for; nothing is refused."""
    deposit = 100_000
    members = tuple(replace(each, deposit=deposit) for each in with_some_panels(dawn).participants)
    scenario = in_auction(dawn, participants=members, community_battery=None)
    world = world_of(scenario, profiles)
    clock = EventfulClock(world.clock)
    accounts = {}

    async def look() -> None:
        for member in world.directory.members:
            accounts[member.name] = await world.ledger.account_of(member.account)

    clock.at(commit_start(scenario.first_window) - 1, look)
    async with world.street(clock=clock) as street:
        await street.enrol()
        report = await street.run_window(scenario.first_window)
    assert (report.refused, report.misses) == ((), ())
    poor = 0
    for order in report.orders:
        rate = cover_rate(order.side, order.limit_price, report.terms)
        locked = accounts[order.owner].locked
        assert locked == order.energy_wh * rate <= deposit
        if order.side is Side.BUY and order.energy_wh < report.plans[order.owner].lack_wh:
            assert locked > deposit - rate
            poor += 1
    assert poor > 3


@pytest.mark.parametrize("rule", list(PricingRule))
async def test_pricing_rule_of_the_scenario_holds_from_the_first_window_on(
    dawn: Scenario, profiles: Profiles, rule: PricingRule
) -> None:
    scenario = with_some_panels(in_auction(dawn, pricing_rule=rule))
    world = world_of(scenario, profiles)
    async with world.street() as street:
        run = await live(world, street, 2)

    for window in run.windows:
        assert await world.ledger.pricing_rule_of(window.window) is rule
        limits = {(o.owner, o.side): o.limit_price for o in window.orders}
        found = {trade.price for trade in window.trades}
        if rule is PricingRule.UNIFORM:
            assert len(found) == 1
        for trade in window.trades:
            if rule is PricingRule.PAY_AS_BID:
                assert trade.price == limits[trade.buyer, Side.BUY]
            if rule is PricingRule.MIDPOINT:
                both = limits[trade.buyer, Side.BUY] + limits[trade.seller, Side.SELL]
                assert trade.price == both // 2
    assert any(window.trades for window in run.windows)


class TestBoth:
    @pytest.fixture
    def haggling(self, dawn: Scenario) -> Scenario:
        """So few rounds and so stubborn traders that something is left over."""
        stubborn = Plugin("boulware", {"beta": 0.02})
        members = tuple(
            replace(each, seller=replace(stubborn, parameters={"beta": 0.02, "reserve_price": 0.3}))
            for each in with_some_panels(dawn).participants
        )
        return replace(dawn, venue=Venue.BOTH, participants=members, community_battery=None)

    async def test_auction_gets_what_negotiation_has_left(
        self, haggling: Scenario, profiles: Profiles
    ) -> None:
        limited = replace(
            haggling,
            participants=tuple(
                replace(each, buyer=Plugin("boulware", {"limit_price": 0.2}))
                for each in haggling.participants
            ),
        )
        run = await lived(limited, profiles, 4)
        assert all(trade.seller_strategy == "truthful" for w in run.windows for trade in w.trades)
        assert len(run.trades) > 5
        assert all(window.offers for window in run.windows)

    async def test_together_nobody_trades_more_than_it_has_or_needs(
        self, dawn: Scenario, profiles: Profiles
    ) -> None:
        scenario = replace(with_some_panels(dawn), venue=Venue.BOTH)
        run = await lived(scenario, profiles, 4)
        strategies = {trade.seller_strategy for w in run.windows for trade in w.trades}
        assert "boulware" in strategies
        for window in run.windows:
            assert (window.misses, window.refused) == ((), ())
            for name, energy_wh in bought(window).items():
                assert energy_wh <= window.plans[name].lack_wh
            for name, energy_wh in sold(window).items():
                assert energy_wh <= window.plans[name].surplus_wh

    async def test_negotiation_alone_trades_as_it_did_with_order_strategies_set(
        self, dawn: Scenario, profiles: Profiles
    ) -> None:
        """What is said of orders changes nothing where there is no auction."""
        plain = await lived(dawn, profiles, 3)
        members = tuple(
            replace(each, sell_orders=Plugin("truthful", {"reserve_price": 0.2}))
            for each in dawn.participants
        )
        other = await lived(replace(dawn, participants=members), profiles, 3)
        assert plain.trades == other.trades


class TestRoles:
    async def test_a_community_battery_speculates_within_its_storage(
        self, dawn: Scenario, profiles: Profiles
    ) -> None:
        assert dawn.community_battery is not None
        battery = Battery(20_000, 10_000, 920, 10_000)
        community = replace(dawn.community_battery, battery=battery, storage_orders=SPECULATOR)
        scenario = with_some_panels(
            in_auction(dawn, community_battery=community, grid=cheap_at_noon(dawn.grid))
        )
        world = world_of(scenario, profiles)
        async with world.street() as street:
            run = await live(world, street, 18)
            batches = list(street.batches.batches(COMMUNITY_BATTERY))
        orders = [o for w in run.windows for o in w.orders if o.owner == COMMUNITY_BATTERY]
        assert {order.side for order in orders} == {Side.BUY, Side.SELL}
        traded = {name for w in run.windows for name in (*bought(w), *sold(w))}
        assert COMMUNITY_BATTERY in traded
        for batch in batches:
            assert all(0 <= step.stored_wh <= battery.capacity_wh for step in batch.steps)
            agreed = next(w for w in run.windows if w.window == batch.window)
            assert batch.exported_wh == sold(agreed).get(COMMUNITY_BATTERY, 0)
            assert batch.imported_wh == bought(agreed).get(COMMUNITY_BATTERY, 0)

    async def test_a_homes_battery_speculates_and_delivers_what_it_sold(
        self, dawn: Scenario, profiles: Profiles
    ) -> None:
        battery = Battery(30_000, 10_000, 950, 15_000)
        members = tuple(
            replace(each, battery=battery, storage_orders=SPECULATOR)
            if each.household == "H05"
            else replace(each, battery=None)
            for each in with_some_panels(dawn).participants
        )
        grid = cheap_at_noon(dawn.grid)
        scenario = in_auction(dawn, participants=members, community_battery=None, grid=grid)
        world = world_of(scenario, profiles)
        async with world.street() as street:
            run = await live(world, street, 14)
            batches = {batch.window: batch for batch in street.batches.batches("H05")}
        speculated = [
            trade
            for w in run.windows
            for trade in w.trades
            if "speculator" in (trade.seller_strategy, trade.buyer_strategy)
        ]
        assert speculated
        for trade in speculated:
            batch = batches[trade.window]
            assert all(0 <= step.stored_wh <= battery.capacity_wh for step in batch.steps)
            if trade.seller == "H05":
                assert batch.exported_wh >= trade.energy_wh


@pytest.fixture
def clock(world: World) -> EventfulClock:
    return EventfulClock(world.clock)


@pytest.fixture
def world(dawn: Scenario, profiles: Profiles) -> World:
    return world_of(in_auction(with_some_panels(dawn), community_battery=None), profiles)


@pytest.fixture
async def street(world: World, clock: EventfulClock) -> AsyncIterator[Street]:
    async with world.street(clock=clock) as street:
        await street.enrol()
        yield street


@pytest.mark.parametrize("second", [10, 700, 3_000])
async def test_a_visitors_want_becomes_an_order(
    street: Street, world: World, clock: EventfulClock, second: int
) -> None:
    window = world.scenario.first_window
    hour = window_start(window - 1)

    async def visit() -> None:
        street.want("H02", window, 321, 250_000)

    clock.at(hour + second, visit)
    report = await street.run_window(window)
    orders = [order for order in report.orders if order.strategy == "visitor"]
    assert [(o.owner, o.energy_wh, o.limit_price) for o in orders] == [("H02", 321, 250_000)]


async def test_a_book_that_cannot_be_cleared_costs_nobody_its_money(
    street: Street, world: World, clock: EventfulClock
) -> None:
    window, market = world.scenario.first_window, world.ledger.energy_market
    offices = world.directory.offices

    def told(function: str, action: Callable[..., object], caller: Address) -> Callable[[], object]:
        async def tell() -> None:
            world.ledger.call(function, action, caller)

        return tell

    pause = told("pause", market.pause, offices.operator)  # type: ignore[arg-type]
    unpause = told("unpause", market.unpause, offices.members)  # type: ignore[arg-type]
    clock.at(commit_start(window) + 1, pause)
    clock.at(window_start(window) - 1, unpause)
    report = await street.run_window(window)
    assert report.trades == ()
    assert [refused.step for refused in report.refused] == ["clearing"]
    assert report.orders

    later = await street.run_window(window + 1)
    assert later.refused == ()
    ours = {order.order_id for order in report.orders}
    live_orders = {order.id for order in await world.ledger.orders(window + 1)}
    assert not ours & live_orders
    await street.finish(window + 1)
    for member in world.directory.members:
        assert (await world.ledger.account_of(member.account)).locked == 0
