import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_hash.auto import keccak

from app.agents.devices.batches import (
    BatchStore,
    MeterBatch,
    MeterStep,
    anchored_reading,
    check_batch,
    data_root,
    read_batch,
)
from app.agents.devices.meter import SmartMeterRole
from app.errors import InputError, NotFoundError
from app.ledger.model import DevelopmentAccounts, ModelClock, ModelLedger
from app.ledger.types import Event, MeterKind, Reading
from app.market.windows import window_end, window_start
from tests.agents.conftest import WINDOW

METER = "0x" + "ab" * 20


@pytest.fixture
def batch() -> MeterBatch:
    steps = (
        MeterStep(load_wh=300, pv_wh=900, exported_wh=600, imported_wh=0),
        MeterStep(load_wh=500, pv_wh=0, exported_wh=0, imported_wh=500),
    )
    return MeterBatch("H01", METER, WINDOW, 1_800, "00ff", steps)


@pytest.fixture
def reading(batch: MeterBatch) -> Reading:
    """What the ledger has recorded of the batch."""
    return Reading(METER, WINDOW, 600, 500, 0, data_root(batch.content()))


def test_the_canonical_form_is_sorted_dense_ascii_json(batch: MeterBatch) -> None:
    content = batch.content()

    assert content.startswith(b'{"household":"H01","meter":"0xabab')
    assert b" " not in content
    assert (
        json.dumps(json.loads(content), sort_keys=True, separators=(",", ":")).encode() == content
    )
    assert data_root(content) == keccak(content)


def test_a_batch_is_read_as_it_was_written(batch: MeterBatch) -> None:
    assert read_batch(batch.content()) == batch


def test_a_true_batch_proves_itself(batch: MeterBatch, reading: Reading) -> None:
    proof = check_batch(batch.content(), reading)

    assert proof.holds
    assert proof.root == proof.anchored_root


def test_one_changed_digit_is_found_out(batch: MeterBatch, reading: Reading) -> None:
    forged = batch.content().replace(b'"load_wh":300', b'"load_wh":301')
    proof = check_batch(forged, reading)

    assert not proof.holds
    assert any("the hash is 0x" in fault for fault in proof.faults)
    assert "step 0 does not balance" in proof.faults


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"meter": "0x" + "cd" * 20}, "meter is"),
        ({"window": WINDOW + 1}, f"window is {WINDOW}, the ledger has {WINDOW + 1}"),
        ({"exported_wh": 601}, "exported_wh is 600, the ledger has 601"),
        ({"imported_wh": 499}, "imported_wh is 500, the ledger has 499"),
        ({"losses_wh": 1}, "lost_wh is 0, the ledger has 1"),
        ({"data_root": bytes(32)}, "the hash is 0x"),
    ],
)
def test_a_reading_that_says_something_else_is_found_out(
    batch: MeterBatch, reading: Reading, change: dict[str, object], fault: str
) -> None:
    proof = check_batch(batch.content(), replace(reading, **change))  # type: ignore[arg-type]

    assert [one for one in proof.faults if fault in one]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"household":"H01"}',
    ],
)
def test_what_is_no_batch_is_no_proof(content: bytes, reading: Reading) -> None:
    assert not check_batch(content, reading).holds
    with pytest.raises(InputError):
        read_batch(content)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"window":500000', '"window":"500000"'),
        ('"window":500000', '"window":-1'),
        ('"load_wh":300', '"load_wh":true'),
        ('"load_wh":300', '"load_wh":300.0'),
        ('"steps":[', '"steps":[5,'),
        ('"salt":"00ff"', '"salt":7'),
        ('"version":1', '"version":2'),
        ('"version":1', '"version":1,"extra":0'),
        ('"version":1', '"version":1 '),
    ],
)
def test_a_batch_in_another_form_is_refused(batch: MeterBatch, old: str, new: str) -> None:
    text = batch.content().decode()
    assert old in text
    with pytest.raises(InputError):
        read_batch(text.replace(old, new, 1).encode())


@pytest.mark.parametrize("in_files", [True, False])
def test_a_store_gives_back_what_it_was_given(
    batch: MeterBatch, tmp_path: Path, in_files: bool
) -> None:
    store = BatchStore(tmp_path if in_files else None)
    later = replace(batch, window=WINDOW + 1)
    for one in (later, batch):
        store.put(one)

    assert store.content("H01", WINDOW) == batch.content()
    assert store.windows("H01") == [WINDOW, WINDOW + 1]
    assert list(store.batches("H01")) == [batch, later]
    assert store.windows("H02") == []
    assert store.find("H01", WINDOW + 2) is None
    with pytest.raises(NotFoundError):
        store.content("H02", WINDOW)


def test_another_process_finds_the_files(batch: MeterBatch, tmp_path: Path) -> None:
    BatchStore(tmp_path).put(batch)

    assert list(BatchStore(tmp_path).batches("H01")) == [batch]
    assert (tmp_path / "H01" / f"{WINDOW}.json").read_bytes() == batch.content()


async def test_a_stored_batch_is_proved_by_what_the_ledger_has_recorded(
    meter: SmartMeterRole,
    store: BatchStore,
    ledger: ModelLedger,
    offices_accounts: DevelopmentAccounts,
    clock: ModelClock,
) -> None:
    key = ledger.keys.account("meter")
    owner = ledger.keys.account("owner")
    valid_until = window_start(WINDOW + 100)
    auditor, *_ = offices_accounts.auditors
    await ledger.certify(auditor, key, owner, MeterKind.HOUSEHOLD, valid_until)
    clock.set(window_end(WINDOW))
    signed = meter.sign(meter.batch(WINDOW))
    (receipt,) = await ledger.submit_readings(offices_accounts.keeper, [signed])
    (event,) = [event for event in receipt.events if event.name == "ReadingRecorded"]

    anchored = anchored_reading(event)

    assert anchored == signed.reading
    assert check_batch(store.content("H01", WINDOW), anchored).holds


def test_an_event_of_another_kind_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        anchored_reading(Event("MeterRegistry", "ReadingRecorded", {"dataRoot": "0x"}))
