"""What an auditor finds in the raw data behind a doubted reading."""

from dataclasses import replace

from app.agents.devices.batches import MeterBatch, MeterStep, data_root
from app.agents.governance.detection import Installation
from app.agents.governance.sun import GERMANY
from app.agents.governance.verdict import Verdict, judge
from app.ledger.types import Correction, Reading

NOON, NIGHT = 407_075, 407_063
PANELS = Installation("H01", panel_w=4_000)
STEPS = (MeterStep(100, 600, 500, 0), MeterStep(300, 100, 0, 200))
BATCH = MeterBatch("H01", "0xmeter", NOON, 900, "5a", STEPS)


def signed(batch: MeterBatch, exported_wh: int | None = None) -> Reading:
    """The reading of a batch, honest but for what is given."""
    exported = batch.exported_wh if exported_wh is None else exported_wh
    root = data_root(batch.content())
    return Reading(batch.meter, batch.window, exported, batch.imported_wh, 0, root)


def verdict(
    batch: MeterBatch, reading: Reading | None = None, installation: Installation = PANELS
) -> Verdict:
    return judge(batch.content(), reading or signed(batch), "0xowner", installation, GERMANY)


def test_an_honest_reading_is_confirmed() -> None:
    assert verdict(BATCH) == Verdict(confirms=True)


def test_a_reading_that_is_not_its_batch_is_corrected_to_it() -> None:
    root = data_root(BATCH.content())
    for claimed in (400, 50_000):
        assert verdict(BATCH, signed(BATCH, claimed)) == Verdict(
            confirms=False, correction=Correction("0xowner", NOON, 500, 200, 0, root)
        )


def test_what_physics_forbids_is_taken_off() -> None:
    night = replace(BATCH, window=NIGHT)
    found = verdict(night)
    assert found.correction is not None
    assert (found.correction.exported_wh, found.correction.imported_wh) == (0, 200)
    assert found.faults == ("energy-in-the-dark",)

    found = verdict(BATCH, installation=replace(PANELS, panel_w=1_000))
    assert found.correction is not None
    assert found.correction.exported_wh == 251
    assert found.faults == ("above-the-rating",)


def test_other_data_than_the_meter_has_hashed_proves_nothing() -> None:
    other = replace(BATCH, salt="5b")
    found = judge(other.content(), signed(BATCH), "0xowner", PANELS, GERMANY)
    assert (found.confirms, found.correction) == (False, None)
    assert "the ledger has" in found.faults[0]


def test_the_data_of_another_meter_or_window_proves_nothing() -> None:
    for changed in (replace(signed(BATCH), meter="0xother"), replace(signed(BATCH), window=1)):
        found = verdict(BATCH, changed)
        assert (found.confirms, found.correction) == (False, None)
        assert found.faults


def test_data_that_does_not_balance_proves_nothing() -> None:
    batch = replace(BATCH, steps=(STEPS[0], replace(STEPS[1], load_wh=299)))
    found = verdict(batch)
    assert found == Verdict(confirms=False, faults=("step 1 does not balance",))


def test_nothing_shown_proves_nothing() -> None:
    found = judge(b"", signed(BATCH), "0xowner", PANELS, GERMANY)
    assert (found.confirms, found.correction) == (False, None)
    assert "must be JSON" in found.faults[0]


def test_losses_count_for_a_storage_meter_alone() -> None:
    storage = Installation("community-battery", 0, 4_000, is_storage=True)
    step = MeterStep(0, 0, 0, 100, charged_wh=100, lost_wh=8, stored_wh=92)
    batch = MeterBatch("community-battery", "0xmeter", NIGHT, 900, "5a", (step,))
    reading = replace(signed(batch), losses_wh=8)
    assert verdict(batch, reading, storage) == Verdict(confirms=True)
    corrected = verdict(batch, replace(reading, losses_wh=7), storage).correction
    assert corrected is not None
    assert corrected.losses_wh == 8
