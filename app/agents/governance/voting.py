"""How a household's agent votes: policies by name, each a pure function of what is proposed.

Its owner chooses one in the scenario (`vote`) and can always vote by hand before the agent does.
What a policy says of a proposal with several calls is what it says of the worst of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.agents.trading.policy import RECORD_WINDOWS
from app.errors import ConflictError, ScenarioError
from app.ledger.consortium import ProposedCall, Support
from app.ledger.types import Address, Lapses

MOST_LAPSED_WINDOWS = RECORD_WINDOWS // 2

# What belongs to how a market is run from day to day: numbers within bounds, and who may take part.
PARAMETERS = frozenset(
    {
        ("CallAuction", "setPricingRule"),
        ("Consortium", "setVotingDelay"),
        ("Consortium", "setVotingPeriod"),
        ("Consortium", "updateQuorumNumerator"),
        ("EnergyMarket", "publishTerms"),
        ("EnergyMarket", "setDefaultTerms"),
        ("EnergyMarket", "setTermLimits"),
        ("MeterRegistry", "certify"),
        ("MeterRegistry", "revoke"),
        ("MeterRegistry", "setThreshold"),
        ("Treasury", "setDailyLimit"),
        ("Treasury", "setThreshold"),
    }
)
PAUSES = frozenset({("EnergyMarket", "pause"), ("EnergyMarket", "unpause")})


@dataclass(frozen=True, slots=True)
class ProposalFacts:
    """What a member knows of a proposal when it votes.

    `participants` are those accounts named in its calls that have a certified meter at the market;
    `records` are the lapses of who is to be expelled, over the last `RECORD_WINDOWS` windows.
    """

    voter: Address
    calls: tuple[ProposedCall, ...]
    participants: frozenset[Address] = frozenset()
    records: Mapping[Address, Lapses] = field(default_factory=dict)


Policy = Callable[[ProposalFacts], Support | None]

_CallPolicy = Callable[[ProposalFacts, ProposedCall], Support]
_STRICTEST = (Support.AGAINST, Support.ABSTAIN, Support.FOR)
_POLICIES: dict[str, Policy] = {}


def register(name: str, policy: Policy) -> None:
    """Makes a policy known by a name; raises ConflictError if the name is taken."""
    if name in _POLICIES:
        raise ConflictError(f"there is a voting policy {name!r} already")
    _POLICIES[name] = policy


def policy_names() -> tuple[str, ...]:
    """The names that are known."""
    return tuple(sorted(_POLICIES))


def voting_policy(field_name: str, name: str) -> Policy:
    """The policy of a name; raises ScenarioError naming the scenario's field."""
    policy = _POLICIES.get(name)
    if policy is None:
        known = f"known: {', '.join(policy_names())}"
        raise ScenarioError(field_name, "must be a known voting policy", name, hint=known)
    return policy


def is_lapsed(record: Lapses) -> bool:
    """Whether a record is ground to expel: failed in most hours of a week, or could not pay."""
    return record.windows > MOST_LAPSED_WINDOWS or record.debt > 0


def _welcoming(facts: ProposalFacts, call: ProposedCall) -> Support:
    """For whoever wants to take part and for day-to-day rules; nobody goes without a reason."""
    named = call.contract, call.function
    if named == ("Membership", "admit") or named in PARAMETERS | PAUSES:
        return Support.FOR
    if named == ("Membership", "expel"):
        return _expulsion(facts, call, otherwise=Support.AGAINST)
    return Support.ABSTAIN


def _cautious(facts: ProposalFacts, call: ProposedCall) -> Support:
    """For neighbours with a meter, and for going on; against what changes who may do what."""
    named = call.contract, call.function
    if named == ("Membership", "admit"):
        is_known = _account_in(call) in facts.participants
        return Support.FOR if is_known else Support.AGAINST
    if named == ("Membership", "expel"):
        return _expulsion(facts, call, otherwise=Support.AGAINST)
    if named in PAUSES:
        return Support.FOR if call.function == "unpause" else Support.ABSTAIN
    return Support.ABSTAIN if named in PARAMETERS else Support.AGAINST


def _abstaining(_: ProposalFacts) -> Support:
    """Counts for the quorum, and leaves the decision to the others."""
    return Support.ABSTAIN


def _manual(_: ProposalFacts) -> None:
    """Leaves the vote to the owner, who casts it on the page."""


def _expulsion(facts: ProposalFacts, call: ProposedCall, *, otherwise: Support) -> Support:
    account = _account_in(call)
    if account == facts.voter:
        return Support.AGAINST
    record = facts.records.get(account, Lapses())
    return Support.FOR if is_lapsed(record) else otherwise


def _account_in(call: ProposedCall) -> Address:
    return str(call.arguments[0]) if call.arguments else ""


def _by_worst_call(of_call: _CallPolicy) -> Policy:
    def policy(facts: ProposalFacts) -> Support | None:
        votes = {of_call(facts, call) for call in facts.calls}
        return next((vote for vote in _STRICTEST if vote in votes), Support.ABSTAIN)

    return policy


register("welcoming", _by_worst_call(_welcoming))
register("cautious", _by_worst_call(_cautious))
register("abstaining", _abstaining)
register("manual", _manual)
