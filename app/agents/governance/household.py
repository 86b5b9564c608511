"""A household in its community: it votes, shows auditors its raw data, and moves its money."""

from eth_hash.auto import keccak
from mango import AgentAddress

from app.agents.devices.batches import BatchStore
from app.agents.governance.bank import Bank
from app.agents.governance.correspondence import CouncilSide
from app.agents.governance.messages import (
    AdmissionRequest,
    BatchAnswer,
    BatchRequest,
    CouncilMessage,
    DepositNotice,
)
from app.agents.governance.voting import Policy, ProposalFacts
from app.agents.negotiation.post import Post
from app.ledger.consortium import Consortium, Proposal, ProposedCall, Support
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Receipt


class NeighbourRole(CouncilSide):
    """What everybody with a meter and an account does: it shows auditors, and nobody else, the raw
    data of its meter, brings money to the market, and takes some out of it.
    """

    def __init__(self, post: Post, name: str, account: Address, batches: BatchStore) -> None:
        super().__init__(post)
        self._name = name
        self._account = account
        self._batches = batches
        self._arrived = 0

    @property
    def account(self) -> Address:
        return self._account

    def take(self, message: CouncilMessage, origin: AgentAddress) -> None:
        if self._doors is None:
            return
        match message.body:
            case BatchRequest(window) if origin in self._doors.auditors:
                content = self._batches.find(self._name, window) or b""
                self.tell(origin, BatchAnswer(self._account, window, content.decode("ascii")))
            case DepositNotice(self._account, amount, _) if origin in self._doors.treasurers:
                self._arrived += amount

    def bring(self, bank: Bank, amount: int, purpose: str) -> None:
        """Transfers money to the community's bank account, and tells the treasurer on duty."""
        if self._doors is not None:
            reference = bank.receive(self._account, amount, purpose)
            self.tell(self._doors.treasurers[0], DepositNotice(self._account, amount, reference))

    async def deposit(self, ledger: Ledger) -> list[Receipt]:
        """Puts into the market what treasurers say has become tokens."""
        arrived, self._arrived = self._arrived, 0
        amount = min(arrived, await ledger.payment_balance_of(self._account))
        return [await ledger.deposit(self._account, amount)] if amount else []

    async def cash_out(self, ledger: Ledger, amount: int) -> list[Receipt]:
        """Asks for money to be paid to its bank account, as much of it as it has free.

        What is in its wallet goes first. Raises ContractRevertedError.
        """
        receipts = []
        wallet = await ledger.payment_balance_of(self._account)
        if wallet < amount:
            free = (await ledger.account_of(self._account)).free
            from_market = min(amount - wallet, free)
            if from_market:
                receipts.append(await ledger.withdraw(self._account, from_market))
            amount = wallet + from_market
        if amount:
            payout_hash = keccak(f"bank account of {self._name}".encode())
            receipts.append(await ledger.request_withdrawal(self._account, amount, payout_hash))
        return receipts


class VoterRole(NeighbourRole):
    """A household that is or may become a member, with its own idea of how to vote."""

    def __init__(
        self, post: Post, name: str, account: Address, batches: BatchStore, policy: Policy
    ) -> None:
        super().__init__(post, name, account, batches)
        self._policy = policy
        self._asked: list[AdmissionRequest] = []

    def take(self, message: CouncilMessage, origin: AgentAddress) -> None:
        super().take(message, origin)
        if self._doors is None or origin != self._doors.operator:
            return
        if isinstance(message.body, AdmissionRequest):
            self._asked.append(message.body)

    async def propose(self, consortium: Consortium, names: dict[Address, str]) -> list[Receipt]:
        """Proposes what the operator has asked for; raises ContractRevertedError."""
        asked, self._asked = self._asked, []
        receipts = []
        for request in asked:
            call = ProposedCall("Membership", "admit", (request.account, request.household_id))
            description = f"Admit {names.get(request.account, request.account)}"
            receipts.append(await consortium.propose(self._account, [call], description))
        return receipts

    def opinion(self, facts: ProposalFacts) -> Support | None:
        """What it votes; None where its owner votes by hand."""
        return self._policy(facts)

    async def vote(
        self, consortium: Consortium, proposal: Proposal, support: Support
    ) -> list[Receipt]:
        """Casts its vote; raises ContractRevertedError."""
        return [await consortium.vote(self._account, proposal.id, support)]
