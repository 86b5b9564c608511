import pytest

from app.chain.clock import (
    MAX_LAG_SECONDS,
    ChainClock,
    PacedClock,
    WaitingClock,
    latest_timestamp,
)
from app.chain.rpc import Rpc
from app.chain.sender import Call, Sender
from tests.nodes import NOON

on_a_node = pytest.mark.asyncio(loop_scope="session")


class ModelClock:
    """A clock that jumps, and remembers where to."""

    def __init__(self, now: int) -> None:
        self.visited = [now]

    def now(self) -> int:
        return self.visited[-1]

    async def advance_to(self, timestamp: int) -> None:
        self.visited.append(timestamp)


class RealTime:
    """Seconds that pass only where somebody sleeps or works."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def real() -> RealTime:
    return RealTime()


@pytest.fixture
def chain() -> ModelClock:
    return ModelClock(NOON)


@pytest.fixture
def paced(chain: ModelClock, real: RealTime) -> PacedClock:
    return PacedClock(chain, 360, monotonic=real, sleep=real.sleep)


@on_a_node
async def test_the_next_block_has_the_time_that_was_set(
    rpc: Rpc, sender: Sender, count: Call
) -> None:
    clock = await ChainClock.start(rpc)
    target = clock.now() + 3_600

    await clock.advance_to(target)
    mined = await sender.send(count)

    block = await rpc.read("eth_getBlockByNumber", hex(mined.block_number), False)
    assert int(block["timestamp"], 16) == target
    assert clock.now() == target


@on_a_node
async def test_calls_see_the_time_that_was_set(rpc: Rpc) -> None:
    clock = await ChainClock.start(rpc)

    await clock.advance_to(clock.now() + 55)

    assert await latest_timestamp(rpc) == clock.now()


@on_a_node
async def test_chain_time_never_goes_back(rpc: Rpc) -> None:
    clock = await ChainClock.start(rpc)
    other = await ChainClock.start(rpc)
    start = clock.now()
    await other.advance_to(start + 500)

    await clock.advance_to(start + 100)

    assert await latest_timestamp(rpc) == start + 500
    assert clock.now() == start + 500


@on_a_node
async def test_a_moment_that_has_passed_is_no_reason_to_mine(rpc: Rpc) -> None:
    clock = await ChainClock.start(rpc)
    height = await rpc.read("eth_blockNumber")

    await clock.advance_to(clock.now())
    await clock.advance_to(clock.now() - 1_000)

    assert await rpc.read("eth_blockNumber") == height


async def test_market_time_passes_at_its_pace(paced: PacedClock, real: RealTime) -> None:
    await paced.advance_to(NOON + 3_600)

    assert real.seconds == pytest.approx(1_010.0)
    assert paced.now() == NOON + 3_600


async def test_the_chain_follows_in_slices_of_half_a_second(
    paced: PacedClock, chain: ModelClock
) -> None:
    await paced.advance_to(NOON + 500)

    assert chain.visited == [NOON, NOON + 180, NOON + 360, NOON + 500]


async def test_time_runs_smoothly_within_a_slice(chain: ModelClock, real: RealTime) -> None:
    seen = []

    async def look(seconds: float) -> None:
        for _ in range(4):
            real.seconds += seconds / 4
            seen.append(paced.now() - NOON)

    paced = PacedClock(chain, 400, monotonic=real, sleep=look)
    await paced.advance_to(NOON + 200)

    assert seen == pytest.approx([50, 100, 150, 200], abs=1)
    assert seen == sorted(seen)


async def test_time_stands_still_while_work_is_done(paced: PacedClock, real: RealTime) -> None:
    await paced.advance_to(NOON + 3_300)

    real.seconds += 2.0

    assert paced.now() == NOON + 3_300


async def test_the_pace_makes_up_for_the_time_that_work_took(
    paced: PacedClock, real: RealTime
) -> None:
    await paced.advance_to(NOON + 3_300)
    real.seconds += 2.0

    await paced.advance_to(NOON + 7_200)

    assert real.seconds == pytest.approx(1_020.0)


async def test_a_long_pause_is_not_made_up_for(paced: PacedClock, real: RealTime) -> None:
    await paced.advance_to(NOON + 3_600)
    real.seconds += 600.0

    await paced.advance_to(NOON + 7_200)

    assert real.seconds == pytest.approx(1_610.0 + 10.0 - MAX_LAG_SECONDS)


async def test_a_slow_pace_moves_by_whole_seconds(chain: ModelClock, real: RealTime) -> None:
    paced = PacedClock(chain, 1, monotonic=real, sleep=real.sleep)

    await paced.advance_to(NOON + 3)

    assert chain.visited == [NOON, NOON + 1, NOON + 2, NOON + 3]
    assert real.seconds == pytest.approx(1_003.0)


async def test_a_real_network_is_waited_for(real: RealTime) -> None:
    clock = WaitingClock(wall=real, sleep=real.sleep)

    await clock.advance_to(1_200)

    assert real.seconds == pytest.approx(1_200.0)
    assert clock.now() == 1_200


async def test_what_has_passed_is_not_waited_for(real: RealTime) -> None:
    clock = WaitingClock(wall=real, sleep=real.sleep)

    await clock.advance_to(999)

    assert real.seconds == 1_000.0
