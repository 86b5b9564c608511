"""`peerwatt audit`: raw data that breaks physics is listed, honest data is not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.agents.devices.batches import read_batch
from tests.cli.conftest import STREET, peerwatt

NOON = 407_075


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a morning and a noon on a street that is honest."""
    folder = tmp_path_factory.mktemp("honest")
    text = STREET.read_text().replace("../data", str(STREET.parents[1] / "data"))
    (folder / "street.yaml").write_text(text.replace("T04:00:00Z", "T10:00:00Z"))
    words = ("run", "street.yaml", "--windows", 3, "--data-dir", "data")
    done = peerwatt(*words, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "data"


@pytest.fixture
def forged(data: Path, tmp_path: Path) -> Path:
    """A copy in which H07 claims ten times its panels at noon, and H09 power from nowhere."""
    copy = tmp_path / "data"
    shutil.copytree(data / "street", copy / "street")
    for household, factor in (("H07", 10), ("H09", 2)):
        path = copy / "street" / "batches" / household / f"{NOON}.json"
        batch = read_batch(path.read_bytes())
        first = batch.steps[0]
        more = first.pv_wh * (factor - 1)
        claimed = replace(
            first,
            exported_wh=first.exported_wh + more,
            pv_wh=first.pv_wh + (more if household == "H07" else 0),
        )
        path.write_bytes(replace(batch, steps=(claimed, *batch.steps[1:])).content())
    return copy


def test_an_honest_day_is_not_suspicious(data: Path, tmp_path: Path) -> None:
    for folder in (data, data / "street", data / "street" / "batches"):
        done = peerwatt("audit", folder, "--scenario", STREET, folder=tmp_path)
        assert (done.returncode, done.stdout) == (0, "42 batches, nothing suspicious\n")


def test_what_breaks_physics_is_listed_the_largest_first(forged: Path, tmp_path: Path) -> None:
    done = peerwatt("audit", forged, "--scenario", STREET, "--json", folder=tmp_path)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [(each["owner"], each["window"], each["rule"]) for each in found] == [
        ("street", NOON, "street-out-of-balance"),
        ("H07", NOON, "above-the-rating"),
        ("H09", NOON, "step-out-of-balance"),
    ]
    assert found[1]["seen"] > found[1]["bound"] == 10_001

    table = peerwatt("audit", forged, "--scenario", STREET, folder=tmp_path)
    assert table.returncode == 1
    assert "2016-06-09 11:00 UTC" in table.stdout
    assert "3 suspicions in 42 batches" in table.stdout


def test_elsewhere_it_is_night(data: Path, tmp_path: Path) -> None:
    words = ("audit", data, "--scenario", STREET, "--longitude", "-170", "--json")
    found = json.loads(peerwatt(*words, folder=tmp_path).stdout)
    assert {each["rule"] for each in found} == {"energy-in-the-dark"}


def test_a_folder_without_batches_is_named(tmp_path: Path) -> None:
    done = peerwatt("audit", tmp_path, folder=tmp_path)
    assert done.returncode == 1
    assert f"no batches in {tmp_path}" in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
