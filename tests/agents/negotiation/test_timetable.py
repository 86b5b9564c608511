import pytest

from app.agents.negotiation.timetable import CLOSING_STEPS, Timetable, timetable_of
from app.market.windows import commit_start, window_start

WINDOW = 500_000


@pytest.mark.parametrize("rounds", [1, 8, 50, 100])
@pytest.mark.parametrize("timeout", [1, 30, 60, 600])
def test_every_moment_lies_in_its_order_before_the_commit_margin(rounds: int, timeout: int) -> None:
    table = timetable_of(WINDOW, rounds, timeout)

    steps = [
        moment
        for step in range(CLOSING_STEPS)
        for moment in (table.bidding(step), table.awarding(step), table.choosing(step))
    ]
    moments = [
        window_start(WINDOW - 1),
        table.offers,
        table.storage_offers,
        table.opening,
        *table.round_times,
        *steps,
        table.end,
        commit_start(WINDOW),
        table.writing,
        table.deadline,
        window_start(WINDOW),
    ]
    assert moments == sorted(moments)
    assert len(set(steps)) == len(steps)
    assert len(table.round_times) == rounds


def test_the_deadline_is_the_last_second_before_the_window(timetable: Timetable) -> None:
    assert timetable.deadline == window_start(WINDOW) - 1


def test_elapsed_runs_from_the_opening_to_the_last_call(timetable: Timetable) -> None:
    assert timetable.elapsed(timetable.opening - 10) == 0
    assert timetable.elapsed(timetable.opening) == 0
    assert 0 < timetable.elapsed(timetable.closing) < 1
    assert timetable.elapsed(timetable.last_call) == 1
    assert timetable.elapsed(timetable.end + 10) == 1


def test_sellers_wait_for_bids_until_awarding_and_buyers_for_proposals_until_choosing(
    timetable: Timetable,
) -> None:
    bidding, awarding, choosing = (
        timetable.bidding(1),
        timetable.awarding(1),
        timetable.choosing(1),
    )
    assert timetable.collects_bids(bidding)
    assert timetable.collects_bids(awarding - 1)
    assert not timetable.collects_bids(awarding)
    assert not timetable.collects_proposals(awarding - 1)
    assert timetable.collects_proposals(awarding)
    assert timetable.collects_proposals(choosing - 1)
    assert not timetable.collects_proposals(choosing)
    assert timetable.next_step(choosing) == timetable.bidding(2)


def test_outside_the_closing_sellers_collect_and_buyers_do_not(timetable: Timetable) -> None:
    assert timetable.collects_bids(timetable.opening)
    assert not timetable.collects_proposals(timetable.opening)
    assert not timetable.is_open(timetable.opening - 1)
    assert not timetable.is_open(timetable.end)
