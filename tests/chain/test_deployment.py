"""Files of the deploy script; deploying itself is shown by the tests of the chain ledger."""

import json
from pathlib import Path

import pytest

from app.chain.deployment import Deployment, deploy
from app.chain.rpc import Rpc
from app.errors import ConfigurationError
from tests.chain.conftest import ADDRESS

SAVED = {"chainId": 1337, "block": 4, "contracts": {"EnergyMarket": {"address": ADDRESS}}}

on_a_node = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "1337.json"
    path.write_text(json.dumps(SAVED))
    return path


def test_a_saved_deployment_is_read(saved: Path) -> None:
    assert Deployment.load(saved) == Deployment(1337, 4, {"EnergyMarket": ADDRESS})


def test_a_missing_file_says_how_to_deploy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="brownie run deploy"):
        Deployment.load(tmp_path / "none.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"chainId": "x"}'])
def test_a_file_that_is_no_deployment_is_named(saved: Path, text: str) -> None:
    saved.write_text(text)

    with pytest.raises(ConfigurationError, match=r"1337\.json"):
        Deployment.load(saved)


@on_a_node
async def test_contracts_that_are_there_pass_the_check(rpc: Rpc, counter: str) -> None:
    await Deployment(1337, 1, {"Counter": counter}).check(rpc)


@on_a_node
async def test_contracts_of_an_older_chain_are_noticed(rpc: Rpc, saved: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no EnergyMarket"):
        await Deployment.load(saved).check(rpc)


@on_a_node
async def test_a_deployment_of_another_chain_is_noticed(rpc: Rpc, counter: str) -> None:
    with pytest.raises(ConfigurationError, match=r"chain 5, the node of chain 1337"):
        await Deployment(5, 1, {"Counter": counter}).check(rpc)


async def test_a_deployment_without_a_node_shows_what_the_script_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"(?is)brownie run deploy failed.*127\.0\.0\.1:9"):
        await deploy("http://127.0.0.1:9", tmp_path / "out.json")
