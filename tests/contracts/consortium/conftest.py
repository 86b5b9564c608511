"""A proposal to admit the newcomer, and its life in steps."""

import pytest

from scripts.decide import call_of, execute, propose, vote
from tests.contracts.conftest import index_of
from tests.contracts.signing import BALLOT, key, signed


@pytest.fixture
def admission(membership, newcomer):
    """What is proposed."""
    return [call_of(membership, "admit", newcomer, b"number 7".ljust(32, b"\0"))]


@pytest.fixture
def proposal(system, admission, seller):
    """The id of a proposal that nobody has voted on."""
    return propose(system, admission, seller)


@pytest.fixture
def open_vote(system, proposal):
    """The same, when the vote has begun."""
    vote(system, proposal, [])
    return proposal


@pytest.fixture
def conclude(system, admission, outsider):
    """Executes the proposal when its time has come, as anybody may."""

    def conclude():
        return execute(system, admission, outsider)

    return conclude


@pytest.fixture
def ballot(consortium):
    """A signed vote, as anybody may submit it."""

    def ballot(proposal_id, voter, support=1, nonce=0, signer=None, contract=consortium):
        values = {
            "proposalId": proposal_id,
            "support": support,
            "voter": voter.address,
            "nonce": nonce,
        }
        signer = key(index_of(signer or voter))
        return (
            proposal_id,
            support,
            voter,
            signed(signer, contract, "Peerwatt Consortium", BALLOT, values),
        )

    return ballot
