"""How long votes take is chosen where the contracts are deployed."""

from pathlib import Path

import pytest

from app.chain.deployment import deploy
from app.chain.keys import Keystore
from app.chain.node import EmbeddedNode
from app.ledger.chain import ChainLedger
from app.ledger.consortium import Consortium, VotingRules
from tests.nodes import NOON

HOUR = 3_600


@pytest.mark.asyncio(loop_scope="session")
async def test_members_of_a_street_to_look_at_have_hours_to_vote(tmp_path: Path) -> None:
    async with EmbeddedNode(start_time=NOON) as node:
        deployment = await deploy(node.url, tmp_path / "deployment.json", voting="demo")
        keys = Keystore.development(deployment.chain_id)
        async with await ChainLedger.connect(node.url, deployment, keys) as ledger:
            rules = await Consortium(ledger).rules()

    assert rules == VotingRules(
        voting_delay=0, voting_period=6 * HOUR, execution_delay=HOUR, quorum_percent=50
    )
