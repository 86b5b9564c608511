"""Auditors: what they hold up, whom they ask, and what they make of the answer."""

import pytest

from app.agents.devices.batches import MeterBatch
from app.agents.governance.auditor import AuditorRole
from app.agents.governance.detection import Rule, Sight
from app.agents.governance.messages import BatchAnswer, BatchRequest
from app.agents.governance.sun import GERMANY
from app.errors import ContractRevertedError
from app.ledger.types import Address, Reading
from tests.agents.governance.conftest import NOON, STEPS, Room


async def decide(room: Room, auditor: AuditorRole, reading: Reading | None) -> tuple[bool, str]:
    """Whether there was a verdict, and what the auditor wrote."""

    async def anchored(owner: Address, window: int) -> Reading | None:
        assert (owner, window) == (room.account("H01"), NOON)
        return reading

    verdict, receipts = await auditor.decide(room.held("H01"), anchored)
    return verdict is not None, ", ".join(receipt.function for receipt in receipts)


async def doubted(room: Room, *, claimed_wh: int | None = None) -> Reading:
    await room.enrol()
    reading = await room.record("H01", claimed_wh=claimed_wh)
    (receipt,) = await room.auditors[0].doubt(room.account("H01"), NOON)
    assert receipt.function == "doubtReading"
    return reading


async def ask(room: Room) -> None:
    for auditor in room.auditors:
        auditor.ask([room.held("H01")])
    await room.post.deliver()


async def test_an_honest_reading_is_confirmed_by_both(room: Room) -> None:
    reading = await doubted(room)
    await ask(room)

    assert await decide(room, room.auditors[0], reading) == (True, "confirmReading")
    assert (await room.ledger.reading_of(room.account("H01"), NOON)).held
    assert await decide(room, room.auditors[1], reading) == (True, "confirmReading")

    recorded = await room.ledger.reading_of(room.account("H01"), NOON)
    assert (recorded.held, recorded.exported_wh) == (False, 500)


async def test_a_false_reading_is_corrected_from_the_raw_data(room: Room) -> None:
    reading = await doubted(room, claimed_wh=3_000)
    await ask(room)
    for auditor in room.auditors:
        assert await decide(room, auditor, reading) == (True, "correctReading")

    recorded = await room.ledger.reading_of(room.account("H01"), NOON)
    assert (recorded.held, recorded.exported_wh, recorded.retracted_wh) == (False, 500, 2_500)


async def test_without_an_answer_there_is_no_verdict(room: Room) -> None:
    reading = await doubted(room)
    assert await decide(room, room.auditors[0], reading) == (False, "")
    await ask(room)
    assert await decide(room, room.auditors[0], None) == (False, "")


async def test_raw_data_that_is_gone_confirms_nothing(room: Room) -> None:
    reading = await doubted(room)
    other = MeterBatch("H01", reading.meter, NOON, 900, "other salt", STEPS)
    room.batches.put(other)
    await ask(room)
    for auditor in room.auditors:
        assert await decide(room, auditor, reading) == (True, "")
    assert (await room.ledger.reading_of(room.account("H01"), NOON)).held


async def test_who_is_no_auditor_is_shown_nothing(room: Room) -> None:
    await doubted(room)
    room.households["H02"].tell(room.households["H01"].address, BatchRequest(NOON))
    before = room.post.counts.sent
    await room.post.deliver()
    assert room.post.counts.sent == before


async def test_an_answer_of_somebody_else_does_not_count(room: Room) -> None:
    reading = await doubted(room)
    forged = BatchAnswer(room.account("H01"), NOON, "{}")
    room.households["H02"].tell(room.auditors[0].address, forged)
    await ask(room)
    room.households["H02"].tell(room.auditors[0].address, forged)
    await room.post.deliver()
    assert await decide(room, room.auditors[0], reading) == (True, "confirmReading")


async def test_to_doubt_twice_is_once(room: Room) -> None:
    await doubted(room)
    assert await room.auditors[1].doubt(room.account("H01"), NOON) == []


async def test_who_has_no_office_cannot_doubt(room: Room) -> None:
    await room.enrol()
    await room.record("H01")
    intruder = AuditorRole(room.post, room.account("H02"), room.ledger, {}, GERMANY)
    with pytest.raises(ContractRevertedError):
        await intruder.doubt(room.account("H01"), NOON)


async def test_what_everybody_sees_is_ranked(room: Room) -> None:
    sights = [Sight("H01", NOON, 4_500, 0), Sight("H02", NOON, 9_000, 0), Sight("H03", NOON, 1, 0)]
    found = room.auditors[0].suspects(sights)
    assert [(each.owner, each.rule) for each in found] == [
        ("H02", Rule.RATING),
        ("H01", Rule.RATING),
    ]
