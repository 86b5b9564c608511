"""Who takes part, under which accounts."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.chain.keys import MAX_HOUSEHOLDS
from app.errors import ScenarioError
from app.scenario.scenario import Scenario, load_scenario
from app.system import development_directory

ROOT = Path(__file__).parents[2]


def street_of(count: int) -> Scenario:
    """The example with `count` homes and its community battery."""
    scenario = load_scenario(ROOT / "examples" / "street.yaml")
    homes = tuple(
        replace(scenario.participants[0], household=f"P{number}") for number in range(count)
    )
    return replace(scenario, participants=homes)


def test_everybody_has_an_account_and_a_meter_of_its_own() -> None:
    directory = development_directory(street_of(MAX_HOUSEHOLDS - 1))
    addresses = [a for member in directory.members for a in (member.account, member.meter)]
    assert len(set(addresses)) == 2 * MAX_HOUSEHOLDS


def test_a_chain_has_no_accounts_for_more() -> None:
    with pytest.raises(ScenarioError, match="must be at most 100 on a chain") as caught:
        development_directory(street_of(MAX_HOUSEHOLDS))
    assert caught.value.hint == "more run with --ledger model"
