"""What the members decide, on a chain: proposals, votes, and what comes of them.

The contract is an OpenZeppelin Governor that counts time in seconds.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from app.errors import ChainError, ForbiddenError, InputError, NotFoundError
from app.ledger.types import Address, Event, Receipt
from app.market.typed_data import Ballot, ballot_digest, recover, sign

if TYPE_CHECKING:
    from app.chain.contracts import Contracts
    from app.ledger.chain import ChainLedger

CONSORTIUM = "Consortium"
MEMBERSHIP = "Membership"

# Targets, values, inputs
_Action = tuple[list[Address], list[int], list[bytes]]


class Support(IntEnum):
    """What a member says to a proposal."""

    AGAINST = 0
    FOR = 1
    ABSTAIN = 2


class ProposalState(IntEnum):
    """How far a proposal has come. What has SUCCEEDED is queued, what is QUEUED has to wait."""

    PENDING = 0
    ACTIVE = 1
    CANCELED = 2
    DEFEATED = 3
    SUCCEEDED = 4
    QUEUED = 5
    EXPIRED = 6
    EXECUTED = 7


@dataclass(frozen=True, slots=True)
class ProposedCall:
    """A call that members decide on; structs are tuples.

    One that no ABI of the deployment explains has an address for `contract`, no `function`, and its
    input (bytes) for its only argument.
    """

    contract: str
    function: str
    arguments: tuple[object, ...] = ()
    value: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """Calls that are made together, or none of them. Members vote after the second `vote_start` up
    to the second `vote_end`.
    """

    id: int
    proposer: Address
    calls: tuple[ProposedCall, ...]
    description: str
    vote_start: int
    vote_end: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Votes so far; for and abstaining ones count for the quorum."""

    against: int
    for_: int
    abstain: int
    quorum: int


@dataclass(frozen=True, slots=True)
class VotingRules:
    """How the members decide: times in seconds, the quorum in percent of the members."""

    voting_delay: int
    voting_period: int
    execution_delay: int
    quorum_percent: int


@dataclass(frozen=True, slots=True)
class ConsortiumMember:
    """Who is a member now: of which household (32 bytes), admitted in which block."""

    account: Address
    household_id: bytes
    block_number: int


class Consortium:
    """The members' decisions on a ledger's chain."""

    def __init__(self, ledger: "ChainLedger") -> None:
        self._ledger = ledger

    # Deciding

    async def propose(
        self, sender: Address, calls: Sequence[ProposedCall], description: str
    ) -> Receipt:
        """By a member; the receipt's `result` is the proposal's id.

        The same calls can be proposed again with another description. Raises InputError where a
        call doesn't fit the ABIs.
        """
        action = action_of(self._ledger.contracts, calls)
        return await self._write(sender, "propose", calls, *action, description)

    async def vote(
        self, sender: Address, proposal_id: int, support: Support, reason: str = ""
    ) -> Receipt:
        """By a member that was one when the vote began."""
        if reason:
            return await self._ledger.write(
                sender, CONSORTIUM, "castVoteWithReason", proposal_id, int(support), reason
            )
        return await self._ledger.write(sender, CONSORTIUM, "castVote", proposal_id, int(support))

    async def ballot(self, voter: Address, proposal_id: int, support: Support) -> Ballot:
        """What `voter` has to sign so that somebody else can cast its vote."""
        nonce = int(await self._ledger.read(CONSORTIUM, "nonces", voter))
        return Ballot(proposal_id, int(support), voter, nonce)

    def sign_ballot(self, ballot: Ballot) -> bytes:
        """Signs with the key of `ballot.voter`."""
        ledger = self._ledger
        return sign(
            ballot_digest(ledger.consortium_domain, ballot), ledger.keys.key_of(ballot.voter)
        )

    async def vote_by_signature(self, sender: Address, ballot: Ballot, signature: bytes) -> Receipt:
        """Casts the vote of `ballot.voter`, by anybody.

        ForbiddenError where the signature is not the voter's own; what else a ballot lacks is a
        ContractRevertedError.
        """
        digest = ballot_digest(self._ledger.consortium_domain, ballot)
        if recover(digest, signature) != ballot.voter:
            raise ForbiddenError(
                f"the ballot is not signed by {ballot.voter}",
                hint="each vote needs a new ballot: ask for one and sign that",
            )
        return await self._ledger.write(
            sender,
            CONSORTIUM,
            "castVoteBySig",
            ballot.proposal_id,
            ballot.support,
            ballot.voter,
            signature,
        )

    async def queue(self, sender: Address, proposal: Proposal) -> Receipt:
        """Begins the delay of what has passed. By anybody."""
        return await self._write(sender, "queue", proposal.calls, *self._described(proposal))

    async def execute(self, sender: Address, proposal: Proposal) -> Receipt:
        """Makes the calls when the delay is over. By anybody."""
        return await self._write(sender, "execute", proposal.calls, *self._described(proposal))

    async def cancel(self, sender: Address, proposal: Proposal) -> Receipt:
        """Takes a proposal back; by its proposer, before the vote begins."""
        return await self._write(sender, "cancel", proposal.calls, *self._described(proposal))

    # Looking

    async def state_of(self, proposal_id: int) -> ProposalState:
        return ProposalState(await self._ledger.read(CONSORTIUM, "state", proposal_id))

    async def tally_of(self, proposal_id: int) -> Tally:
        """The votes; before the vote has begun, the quorum is that of the members by now."""
        against, for_, abstain = await self._ledger.read(CONSORTIUM, "proposalVotes", proposal_id)
        snapshot = await self._ledger.read(CONSORTIUM, "proposalSnapshot", proposal_id)
        now = await self._ledger.read(CONSORTIUM, "clock")
        quorum = await self._ledger.read(CONSORTIUM, "quorum", min(snapshot, now - 1))
        return Tally(against, for_, abstain, quorum)

    async def executable_at(self, proposal_id: int) -> int:
        """When the delay of a queued proposal is over; 0 while it is not queued."""
        return int(await self._ledger.read(CONSORTIUM, "proposalEta", proposal_id))

    async def has_voted(self, proposal_id: int, account: Address) -> bool:
        voted: bool = await self._ledger.read(CONSORTIUM, "hasVoted", proposal_id, account)
        return voted

    async def may_vote(self, account: Address, proposal: Proposal) -> bool:
        """Whether somebody had a vote when the vote on a proposal began, and has not cast it."""
        if await self.has_voted(proposal.id, account):
            return False
        votes = await self._ledger.read(MEMBERSHIP, "getPastVotes", account, proposal.vote_start)
        return int(votes) > 0

    async def is_member(self, account: Address) -> bool:
        member: bool = await self._ledger.read(MEMBERSHIP, "isMember", account)
        return member

    async def rules(self) -> VotingRules:
        read = self._ledger.read
        return VotingRules(
            voting_delay=await read(CONSORTIUM, "votingDelay"),
            voting_period=await read(CONSORTIUM, "votingPeriod"),
            execution_delay=await read(CONSORTIUM, "baseDelaySeconds"),
            quorum_percent=await read(CONSORTIUM, "quorumNumerator()"),
        )

    async def members(self) -> list[ConsortiumMember]:
        """Who is a member now, in the order of their admission."""
        members: dict[Address, ConsortiumMember] = {}
        names = ("MemberAdmitted", "MemberExpelled")
        async for block_number, event in self._events(MEMBERSHIP, *names):
            found: Mapping[str, Any] = event.arguments
            account = found["member"]
            if event.name == "MemberExpelled":
                del members[account]
            else:
                members[account] = ConsortiumMember(account, found["householdId"], block_number)
        return list(members.values())

    async def proposals(self) -> list[Proposal]:
        """All that was ever proposed, the oldest first."""
        return [
            self.proposal_from(event)
            async for _, event in self._events(CONSORTIUM, "ProposalCreated")
        ]

    async def proposal(self, proposal_id: int) -> Proposal:
        """One proposal; raises NotFoundError."""
        for proposal in await self.proposals():
            if proposal.id == proposal_id:
                return proposal
        raise NotFoundError(f"no proposal {proposal_id}")

    def proposal_from(self, event: Event) -> Proposal:
        """A proposal as its ProposalCreated event tells it."""
        found: Mapping[str, Any] = event.arguments
        return Proposal(
            id=found["proposalId"],
            proposer=found["proposer"],
            calls=calls_of(
                self._ledger.contracts, found["targets"], found["values"], found["calldatas"]
            ),
            description=found["description"],
            vote_start=found["voteStart"],
            vote_end=found["voteEnd"],
        )

    def _described(self, proposal: Proposal) -> tuple[object, ...]:
        action = action_of(self._ledger.contracts, proposal.calls)
        return *action, keccak(text=proposal.description)

    async def _write(
        self, sender: Address, function: str, calls: Sequence[ProposedCall], *arguments: object
    ) -> Receipt:
        return await self._ledger.write(sender, CONSORTIUM, function, *arguments, items=len(calls))

    async def _events(self, contract: str, *names: str) -> AsyncIterator[tuple[int, Event]]:
        """Events of a contract with the numbers of their blocks."""
        bound = self._ledger.contracts[contract]
        logs = await self._ledger.rpc.read(
            "eth_getLogs",
            {
                "fromBlock": hex(self._ledger.deployment.block),
                "toBlock": "latest",
                "address": bound.address,
                "topics": [[f"0x{bound.topic_of(name).hex()}" for name in names]],
            },
        )
        for log in logs:
            event = bound.event(log)
            if event is not None:
                yield int(log["blockNumber"], 16), event


def action_of(contracts: "Contracts", calls: Sequence[ProposedCall]) -> _Action:
    """Calls as the contract takes them: targets, values, inputs."""
    if not calls:
        raise InputError("calls", "has at least one call", [])
    targets, data = [], []
    for call in calls:
        if call.contract in contracts:
            target = contracts[call.contract]
            targets.append(target.address)
            data.append(target.encode(call.function, *call.arguments))
        elif call.function:
            known = ", ".join(contracts)
            raise InputError("contract", f"is one of {known}", call.contract)
        else:
            targets.append(call.contract)
            data.append(_raw_input(call))
    return targets, [call.value for call in calls], data


def calls_of(
    contracts: "Contracts",
    targets: Sequence[Address],
    values: Sequence[int],
    inputs: Sequence[bytes],
) -> tuple[ProposedCall, ...]:
    """The reverse of `action_of`, for whatever somebody has proposed."""
    return tuple(_calls(contracts, targets, values, inputs))


def _calls(
    contracts: "Contracts",
    targets: Sequence[Address],
    values: Sequence[int],
    inputs: Sequence[bytes],
) -> Iterator[ProposedCall]:
    for target, value, data in zip(targets, values, inputs, strict=True):
        yield _known_call(contracts, target, value, data) or ProposedCall(
            target, "", (data,), value
        )


def _known_call(
    contracts: "Contracts", target: Address, value: int, data: bytes
) -> ProposedCall | None:
    """A call by name, if encoding it gives exactly the same input again."""
    contract = contracts.at(target)
    if contract is None:
        return None
    try:
        read = contract.read_input(data)
    except ChainError:  # anybody can propose anything
        return None
    if read is None:
        return None
    call = ProposedCall(contract.name, read[0], tuple(read[1].values()), value)
    return call if contract.encode(call.function, *call.arguments) == data else None


def _raw_input(call: ProposedCall) -> bytes:
    match call.arguments:
        case (bytes() as data,):
            return data
    raise InputError("arguments", "is the input of a call without a function", call.arguments)


async def decide(
    ledger: "ChainLedger", proposer: Address, contract: str, function: str, *arguments: object
) -> Receipt:
    """Proposes a call, lets the members decide, and executes it: `decide_all` of one call."""
    call = ProposedCall(contract, function, arguments)
    return await decide_all(ledger, proposer, [call])


async def decide_all(
    ledger: "ChainLedger", proposer: Address, calls: Sequence[ProposedCall]
) -> Receipt:
    """Proposes calls, lets all members whose keys are here vote for them, and executes them.

    The clock goes on to the end of the vote and of the delay. Returns the receipt of the execution.
    Raises ForbiddenError where no member's key is here, ContractRevertedError where the members who
    vote are too few.
    """
    consortium = Consortium(ledger)
    members = [member.account for member in await consortium.members()]
    voters = [member for member in members if member in ledger.keys]
    if not voters:
        raise ForbiddenError("no member's key is here", hint="the members have to vote themselves")
    # The same decision can be made again, at another time.
    description = f"{calls[0].function}, decided at {ledger.now()}"
    # Who was admitted this very second may propose in the next one.
    await ledger.clock.advance_to(ledger.now() + 1)
    proposed = await consortium.propose(proposer, calls, description)

    proposal = next(
        consortium.proposal_from(event)
        for event in proposed.events
        if event.name == "ProposalCreated"
    )
    await ledger.clock.advance_to(proposal.vote_start + 1)
    for voter in voters:
        await consortium.vote(voter, proposal.id, Support.FOR)
    await ledger.clock.advance_to(proposal.vote_end + 1)
    await consortium.queue(proposer, proposal)
    await ledger.clock.advance_to(await consortium.executable_at(proposal.id))
    return await consortium.execute(proposer, proposal)
