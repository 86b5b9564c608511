"""The operator's part in what the members decide: it asks, and carries out; it has no vote."""

from mango import AgentAddress

from app.agents.governance.correspondence import CouncilSpeaker
from app.agents.governance.messages import AdmissionRequest
from app.agents.negotiation.post import Post
from app.ledger.consortium import Consortium, Proposal, ProposalState
from app.ledger.types import Address, Receipt


class ClerkRole(CouncilSpeaker):
    """Asks members to propose newcomers, and queues and executes what has passed."""

    def __init__(self, post: Post, account: Address) -> None:
        super().__init__(post)
        self._account = account

    def ask_for_admission(self, member: AgentAddress, account: Address, household: bytes) -> None:
        """Asks a member to propose a newcomer, since only members may."""
        self.tell(member, AdmissionRequest(account, household))

    async def advance(
        self, consortium: Consortium, proposal: Proposal, state: ProposalState, now: int
    ) -> list[Receipt]:
        """Queues what has passed, and executes it when its delay is over.

        Raises ContractRevertedError.
        """
        if state is ProposalState.SUCCEEDED:
            return [await consortium.queue(self._account, proposal)]
        if state is ProposalState.QUEUED and now >= await consortium.executable_at(proposal.id):
            return [await consortium.execute(self._account, proposal)]
        return []
