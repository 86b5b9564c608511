"""The consortium: members, their proposals and their votes."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from app.api.schemas.common import (
    UINT256,
    AddressText,
    Answer,
    Body,
    KeySignature,
    OnChain,
    PageFilter,
    Transactions,
    Write,
)
from app.index.records import ProposalState, Step

SupportName = Literal["against", "for", "abstain"]

MAX_CALLS = 10
MAX_DESCRIPTION = 2_000
MAX_REASON = 500


def _id(value: str) -> str:
    if int(value) > UINT256:
        raise PydanticCustomError("uint256", "is at most 2^256 - 1")
    return str(int(value))


def _printable(value: str) -> str:
    if any(not (each.isprintable() or each == "\n") for each in value):
        raise PydanticCustomError("printable", "has printable characters and line breaks only")
    return value


ProposalId = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,78}$", description="Id of a proposal: a decimal number"),
    AfterValidator(_id),
]
Description = Annotated[
    str, Field(min_length=1, max_length=MAX_DESCRIPTION), AfterValidator(_printable)
]
Reason = Annotated[str, Field(max_length=MAX_REASON), AfterValidator(_printable)]


class RulesAnswer(Answer):
    """How the members decide."""

    voting_delay_s: Annotated[int, Field(description="From a proposal to its vote")]
    voting_period_s: Annotated[int, Field(description="How long a vote lasts")]
    execution_delay_s: Annotated[int, Field(description="From queueing to execution")]
    quorum_percent: Annotated[
        int, Field(description="Of the members, who have to be for it or abstain")
    ]


class RolesAnswer(Answer):
    """Who holds which role. The members hold `admin`, and what else is theirs, by the consortium's
    address.
    """

    admin: list[str]
    operator: list[str]
    auditor: list[str]
    treasurer: list[str]
    minter: list[str]


class ThresholdsAnswer(Answer):
    """How many have to confirm the same thing."""

    auditors: int
    treasurers: int


class ConsortiumAnswer(Answer):
    """The members as a whole, and what they have laid down."""

    members: int
    rules: RulesAnswer
    delegation_allowed: bool
    roles: RolesAnswer
    thresholds: ThresholdsAnswer
    paused: Annotated[bool, Field(description="Whether trade is paused; settlement never is")]
    paused_until: Annotated[
        int | None, Field(description="When the pause ends by itself; null without one")
    ]


class MemberAnswer(OnChain):
    """Who was admitted. `development`: the gateway can sign for it."""

    account: str
    household_id: str
    household: Annotated[str | None, Field(description="Its name, if that is known")]
    since: int
    until: Annotated[int | None, Field(description="When it was expelled")]
    is_member: bool
    votes: Annotated[int, Field(description="Its own, and those that others have handed to it")]
    development: bool


class MemberFilter(PageFilter):
    """Which members: those of now, or those of once."""

    is_member: bool | None = None


class ProposalFilter(PageFilter):
    """Which proposals."""

    state: ProposalState | None = None


class CallAnswer(Answer):
    """A call that is made if the members want it. `function` is empty, and `contract` an address,
    where nobody here knows what is called.
    """

    contract: str
    function: str
    arguments: dict[str, Any]
    value: Annotated[str, Field(description="Wei that are sent with it")]
    sentence: str


class VotesAnswer(Answer):
    """How a vote stands. It passes with more votes for than against it, and the quorum."""

    in_favour: Annotated[int, Field(serialization_alias="for")]
    against: int
    abstain: int
    quorum: Annotated[int, Field(description="Votes for it or abstaining that it needs")]
    members: Annotated[int, Field(description="Votes that there are: members when it began")]


class BallotAnswer(OnChain):
    """What one member has said."""

    voter: str
    support: SupportName
    weight: int
    reason: str


class StepAnswer(OnChain):
    """What was done with a proposal."""

    step: Step


class ProposalAnswer(OnChain):
    """A proposal. `pending`: its vote has not begun. `active`: the members vote. `canceled`: by its
    proposer. `defeated`: rejected, or too few have voted. `succeeded`: waits to be queued.
    `queued`: can be executed from `eta` on.
    """

    id: str
    proposer: str
    description: str
    calls: list[CallAnswer]
    state: ProposalState
    vote_start: Annotated[int, Field(description="Members vote after this second")]
    vote_end: Annotated[int, Field(description="The last second in which they vote")]
    eta: int | None
    votes: VotesAnswer
    ballots: list[BallotAnswer]
    transactions: list[StepAnswer]


class Call(Body):
    """A call of a contract of this market, with its arguments by name."""

    contract: Annotated[str, Field(max_length=64)]
    function: Annotated[str, Field(max_length=200)]
    arguments: Annotated[dict[str, JsonValue], Field(default_factory=dict)]


class Propose(Write):
    """A member proposes calls that are made together. The same again needs another description."""

    description: Description
    calls: Annotated[list[Call], Field(min_length=1, max_length=MAX_CALLS)]


class ProposalWritten(Transactions):
    """The proposal that was made, or went on."""

    proposal_id: str


class CastVote(Body):
    """A member votes: by a development account (`from`), or as `voter` with the ballot that it has
    signed (see `/typed-data/vote`), which has no room for a reason.
    """

    sender: Annotated[AddressText | None, Field(alias="from")] = None
    voter: AddressText | None = None
    support: SupportName
    reason: Reason = ""
    signature: KeySignature | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "CastVote":
        signed = [self.voter is not None, self.signature is not None]
        is_sent = self.sender is not None and not any(signed)
        is_signed = self.sender is None and all(signed) and not self.reason
        if not (is_sent or is_signed):
            raise PydanticCustomError(
                "one_way", "has `from`, or `voter` and `signature` and no `reason`"
            )
        return self


class BallotTerms(Body):
    """A vote that is to be signed."""

    voter: AddressText
    proposal_id: ProposalId
    support: SupportName


class Advance(Write):
    """Takes a proposal to its next step. By anyone."""


class Cancel(Write):
    """Takes a proposal back. By its proposer, before the vote begins."""
