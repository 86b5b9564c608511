"""The street's own meter: what neighbours give each other does not go through it."""

from pathlib import Path

import pytest

from app.agents.devices.batches import MeterBatch, MeterStep
from app.agents.governance.detection import Feeder
from app.agents.operator.feeder import FeederLog
from app.errors import InputError

WINDOW = 407_075


def batch(name: str, *net_wh: int) -> MeterBatch:
    steps = tuple(MeterStep(0, 0, max(net, 0), max(-net, 0)) for net in net_wh)
    return MeterBatch(name, "0xmeter", WINDOW, 1_800, "00", steps)


def test_only_what_is_left_over_in_a_step_crosses_the_border(tmp_path: Path) -> None:
    path = tmp_path / "street" / "feeder.csv"
    log = FeederLog(path)
    log.note(WINDOW, [batch("H01", 500, 100), batch("H02", -200, -400)])
    assert log.find(WINDOW) == Feeder(imported_wh=300, exported_wh=300)
    assert log.find(WINDOW + 1) is None

    log.note(WINDOW, [batch("H01", 0, 0)])
    again = FeederLog(path)
    again.note(WINDOW + 1, [batch("H01", -7, -7)])
    assert path.read_text() == (
        f"window,imported_wh,exported_wh\n{WINDOW},300,300\n{WINDOW + 1},14,0\n"
    )


def test_without_a_file_it_remembers() -> None:
    log = FeederLog()
    log.note(WINDOW, [batch("H01", 5)])
    assert log.find(WINDOW) == Feeder(0, 5)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "feeder.csv"
    path.write_text("window,imported_wh,exported_wh\n1,2,3\n1,-2,3\n")
    with pytest.raises(InputError) as caught:
        FeederLog(path)
    assert caught.value.field == f"{path}:3"
