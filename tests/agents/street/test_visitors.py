"""What people do by hand while the agents trade, and what goes wrong meanwhile."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.agents.street import Street
from app.errors import ConflictError, InputError, NotFoundError
from app.ledger.types import Agreement, Side
from app.market.windows import commit_start, window_start
from app.scenario.profiles import Profiles
from app.scenario.scenario import COMMUNITY_BATTERY, Scenario
from tests.agents.street.conftest import EventfulClock, Notebook, World, world_of


@pytest.fixture
def noon(example: Scenario) -> Scenario:
    """Noon, when everybody has energy and nobody lacks any."""
    return replace(example, start=window_start(example.first_window + 12), community_battery=None)


@pytest.fixture
def world(noon: Scenario, profiles: Profiles) -> World:
    return world_of(noon, profiles)


@pytest.fixture
def clock(world: World) -> EventfulClock:
    return EventfulClock(world.clock)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
async def street(world: World, clock: EventfulClock, notebook: Notebook) -> AsyncIterator[Street]:
    async with world.street(notebook, clock=clock) as street:
        await street.enrol()
        yield street


def hour(world: World) -> int:
    return window_start(world.scenario.first_window - 1)


@pytest.mark.parametrize("second", [10, 700, 1_000, 2_900, 3_100])
async def test_a_visitor_can_let_a_household_buy(
    street: Street, world: World, clock: EventfulClock, second: int
) -> None:
    window = world.scenario.first_window

    async def visit() -> None:
        street.want("H08", window, 1_234, 250_000)

    clock.at(hour(world) + second, visit)
    report = await street.run_window(window)

    assert [trade.buyer for trade in report.trades] == ["H08"]
    assert [trade.energy_wh for trade in report.trades] == [1_234]
    assert report.trades[0].price <= 250_000
    (settled, *_) = [r for r in await street.finish(window) if r.window == window]
    assert settled.settlement.settled == 1


async def test_the_operator_clears_what_visitors_order_where_agents_only_negotiate(
    street: Street, world: World, clock: EventfulClock
) -> None:
    window = world.scenario.first_window
    accounts = {name: world.directory.member(name).account for name in ("H06", "H08")}

    async def visit() -> None:
        for name, side, limit in (("H06", Side.SELL, 100_000), ("H08", Side.BUY, 200_000)):
            await world.ledger.place_order(
                accounts[name], side, 700, limit, window, window_start(window)
            )

    clock.at(hour(world) + 1_000, visit)
    report = await street.run_window(window)

    made = [(trade.seller, trade.buyer, trade.energy_wh, trade.price) for trade in report.trades]
    assert made == [("H06", "H08", 700, 150_000)]
    (settled, *_) = [r for r in await street.finish(window) if r.window == window]
    assert settled.settlement.settled == 1


async def test_two_wants_of_one_household_are_both_served(
    street: Street, world: World, clock: EventfulClock
) -> None:
    window = world.scenario.first_window

    async def visit() -> None:
        street.want("H08", window, 1_000, 250_000)
        street.want("H08", window, 500, 90_000)

    clock.at(hour(world) + 1_000, visit)
    report = await street.run_window(window)

    assert sum(trade.energy_wh for trade in report.trades) == 1_500
    assert min(trade.price for trade in report.trades) <= 90_000


@pytest.mark.parametrize(
    ("energy_wh", "limit", "field"),
    [
        (0, 200_000, "energy_wh"),
        (-5, 200_000, "energy_wh"),
        (1_000_001, 200_000, "energy_wh"),
        (100, 79_999, "limit_price"),
        (100, 320_001, "limit_price"),
    ],
)
async def test_an_impossible_want_is_refused(
    street: Street,
    world: World,
    clock: EventfulClock,
    energy_wh: int,
    limit: int,
    field: str,
) -> None:
    seen: list[str] = []

    async def visit() -> None:
        with pytest.raises(InputError) as caught:
            street.want("H08", world.scenario.first_window, energy_wh, limit)
        seen.append(caught.value.field)

    clock.at(hour(world) + 1_000, visit)
    await street.run_window(world.scenario.first_window)

    assert seen == [field]


async def test_a_want_at_the_wrong_time_or_of_a_stranger_is_refused(
    street: Street, world: World, clock: EventfulClock
) -> None:
    window = world.scenario.first_window
    with pytest.raises(ConflictError):
        street.want("H08", window, 100, 200_000)

    seen: list[str] = []

    async def visit() -> None:
        with pytest.raises(ConflictError, match=f"window {window + 1} is not negotiated now"):
            street.want("H08", window + 1, 100, 200_000)
        with pytest.raises(NotFoundError):
            street.want("H99", window, 100, 200_000)
        seen.append("early")

    async def late_visit() -> None:
        with pytest.raises(ConflictError, match="is over"):
            street.want("H08", window, 100, 200_000)
        seen.append("late")

    clock.at(hour(world) + 1_000, visit)
    clock.at(commit_start(window) - 10, late_visit)
    await street.run_window(window)

    assert seen == ["early", "late"]


async def test_an_offer_made_by_hand_is_sold_by_the_households_seller(
    street: Street, world: World, clock: EventfulClock
) -> None:
    window, ledger = world.scenario.first_window, world.ledger
    seller = world.directory.member("H02").account
    made: list[object] = []

    async def visit() -> None:
        for offer in await ledger.offers(window):
            await ledger.cancel_offer(offer.seller, offer.id)
        receipt = await ledger.make_offer(seller, window, 700, 90_000)
        made.append(receipt.result)
        street.want("H08", window, 700, 300_000)

    clock.at(hour(world) + 1_200, visit)
    report = await street.run_window(window)

    assert [(trade.offer_id, trade.seller) for trade in report.trades] == [(made[0], "H02")]
    assert all(offer.cancelled for offer in report.offers if offer.id != made[0])


async def test_an_agreement_that_somebody_else_wrote_is_settled_too(
    street: Street, world: World, clock: EventfulClock
) -> None:
    window, ledger = world.scenario.first_window, world.ledger
    seller, buyer = (world.directory.member(name).account for name in ("H01", "H08"))
    written: list[Agreement] = []

    async def visit() -> None:
        (offer,) = [o for o in await ledger.offers(window) if o.seller == seller]
        agreement = Agreement(
            offer.id, seller, buyer, window, 500, 200_000, window_start(window) - 1, 42
        )
        await ledger.allow_transactions(seller, [ledger.sign_agreement(agreement)])
        street.note_agreement(agreement)
        written.append(agreement)

    clock.at(commit_start(window), visit)
    report = await street.run_window(window)
    reports = await street.finish(window)

    assert report.trades == ()
    assert [r.settlement.settled for r in reports if r.window == window] == [1]
    assert written


async def test_a_buyer_without_money_is_dropped_and_told_and_the_rest_goes_through(
    street: Street, world: World, clock: EventfulClock, notebook: Notebook
) -> None:
    window, ledger = world.scenario.first_window, world.ledger
    poor = world.directory.member("H08").account

    async def visit() -> None:
        for name in ("H07", "H08", "H13"):
            street.want(name, window, 800, 300_000)

    async def withdraw() -> None:
        await ledger.withdraw(poor, (await ledger.account_of(poor)).free)

    clock.at(hour(world) + 1_000, visit)
    clock.at(commit_start(window), withdraw)
    report = await street.run_window(window)

    assert sorted(trade.buyer for trade in report.trades) == ["H07", "H13"]
    (refusal,) = report.refused
    assert (refusal.step, refusal.error.split("(")[0]) == ("agreements", "FundsInsufficient")
    failures = [m.receiver for m in notebook.messages if m.performative == "failure"]
    assert failures == ["H08"]


async def test_who_has_no_money_promises_nothing(
    noon: Scenario, profiles: Profiles, notebook: Notebook
) -> None:
    poor = tuple(
        replace(each, deposit=0) if each.household == "H08" else each for each in noon.participants
    )
    world = world_of(replace(noon, participants=poor), profiles)
    clock = EventfulClock(world.clock)
    window = noon.first_window
    async with world.street(notebook, clock=clock) as street:
        await street.enrol()

        async def visit() -> None:
            street.want("H08", window, 800, 300_000)

        clock.at(hour(world) + 1_000, visit)
        report = await street.run_window(window)

    assert (report.trades, report.refused) == ((), ())
    assert "accept-proposal" not in {message.performative for message in notebook.messages}


async def test_a_clock_that_oversleeps_is_reported_and_holds_up_nobody(
    street: Street, world: World, clock: EventfulClock
) -> None:
    window = world.scenario.first_window

    async def visit() -> None:
        street.want("H08", window, 800, 300_000)

    async def oversleep() -> None:
        world.clock.set(window_start(window) + 5)

    clock.at(hour(world) + 1_000, visit)
    clock.at(commit_start(window), oversleep)
    report = await street.run_window(window)

    assert report.trades == ()
    refused, late = report.misses
    assert (refused.step, refused.error) == ("agreements", "CommitPhaseOnly")
    assert (late.step, late.error) == ("agreements", "")
    assert late.at - late.planned == 6

    following = await street.run_window(window + 1)
    assert following.misses == ()


async def test_a_window_whose_hour_is_over_cannot_be_traded(street: Street, world: World) -> None:
    window = world.scenario.first_window
    world.clock.set(commit_start(window))

    with pytest.raises(ConflictError, match="is over"):
        await street.run_window(window)
    assert street.next_window() == window + 1


async def test_the_next_window_is_one_whose_hour_can_be_used_from_the_opening_on(
    street: Street, world: World
) -> None:
    window = world.scenario.first_window
    assert street.next_window() == window
    world.clock.set(hour(world) + 899)
    assert street.next_window() == window
    world.clock.set(hour(world) + 900)
    assert street.next_window() == window + 1


async def test_a_household_in_debt_neither_sells_nor_buys(
    noon: Scenario, profiles: Profiles
) -> None:
    poor = tuple(
        replace(each, deposit=1) if each.household == "H08" else each for each in noon.participants
    )
    night = replace(noon, participants=poor, start=window_start(noon.first_window - 11))
    world = world_of(night, profiles)
    async with world.street() as street:
        await street.enrol()
        for window in range(night.first_window, night.first_window + 3):
            await street.run_window(window)
        account = await world.ledger.account_of(world.directory.member("H08").account)
        assert account.debt > 0

        reports = [
            await street.run_window(window)
            for window in range(night.first_window + 3, night.first_window + 12)
        ]

    refused = [refusal for report in reports for refusal in report.refused]
    assert {refusal.who for refusal in refused} == {"H08"}
    assert all("DebtOutstanding" in refusal.error for refusal in refused)
    indebted = {refusal.window for refusal in refused}
    parties = [
        (trade.seller, trade.buyer)
        for report in reports
        for trade in report.trades
        if report.window <= max(indebted)
    ]
    assert not [pair for pair in parties if "H08" in pair]


async def test_the_directory_knows_its_members_and_no_others(
    example: Scenario, profiles: Profiles
) -> None:
    directory = world_of(example, profiles).directory

    assert directory.member("H01").name == "H01"
    assert directory.members[-1].name == COMMUNITY_BATTERY
    with pytest.raises(NotFoundError, match="no member 'H99'"):
        directory.member("H99")
