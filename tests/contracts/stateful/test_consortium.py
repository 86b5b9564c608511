"""Hypothesis tries to break what members, treasurers and households rely on: few stories, on chain.

`PEERWATT_CHAIN_EXAMPLES` is the number of stories, `PEERWATT_CHAIN_STEPS` their length.
"""

import os
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from brownie import accounts, chain
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from web3 import Web3

from app.errors import ContractRevertedError
from app.ledger.types import WithdrawalState
from app.market.windows import commit_start, grace_end, window_at, window_start
from scripts.decide import call_of, decide
from scripts.deploy import People, System, VotingRules, deploy_system
from tests.contracts.conftest import (
    CEILING,
    HOUSEHOLDS_FROM,
    WINDOW,
    agreement_on,
    info_of,
    meter_of,
    travel_to,
)
from tests.contracts.mirror import Mirror, ask, read
from tests.contracts.signing import AGREEMENT, key, signed, values_of
from tests.ledger.calls import Call

EXAMPLES = int(os.environ.get("PEERWATT_CHAIN_EXAMPLES", "16"))
STEPS = int(os.environ.get("PEERWATT_CHAIN_STEPS", "30"))

FOUNDERS = 4
HOUSEHOLDS = 6
TREASURERS = 3
MONEY = 1_000_000
RULES = VotingRules(voting_delay=0, voting_period=6 * 3600, execution_delay=600, quorum_percent=50)
START = window_start(WINDOW)
FOR = 1

# What even few stories have to come across, lest they grow tame without anybody noticing.
MUST_SEE = {
    "DelegateChanged",
    "DepositMinted",
    "MemberAdmitted",
    "MemberExpelled",
    "TransactionAllowed",
    "TransactionMade",
    "VoteCast",
    "WithdrawalPaid",
    "WithdrawalReturned",
}

households = st.integers(0, HOUSEHOLDS - 1)
groups = st.sampled_from(((0, 1), (1, 2), (0, 1, 2), (0,), (1,), (2, 2)))
supports = st.sampled_from((FOR, FOR, FOR, FOR, 0, 2))
ballots = st.lists(st.tuples(households, supports), min_size=3, max_size=2 * HOUSEHOLDS)
references = st.integers(1, 4).map(lambda number: bytes([number]) * 32)


@dataclass
class Proposal:
    """One that was made, and who has voted on it."""

    number: int
    action: tuple
    voters: set = field(default_factory=set)


@pytest.fixture(scope="module")
def community():
    """Four members, two neighbours who are none, three treasurers, of whom two have to confirm."""
    system = deploy_system(
        accounts[0],
        People(
            operator=accounts[1],
            auditors=[accounts[2]],
            treasurers=accounts[11 : 11 + TREASURERS],
            treasury=accounts[4],
            members=accounts[HOUSEHOLDS_FROM : HOUSEHOLDS_FROM + FOUNDERS],
        ),
        rules=RULES,
    )
    assert system.treasury.threshold() == 2
    # A member may propose from the second after its admission on.
    travel_to(chain.time() + 1)
    allowed = call_of(system.membership, "setDelegationAllowed", True)
    decide(system, [allowed], accounts[HOUSEHOLDS_FROM : HOUSEHOLDS_FROM + FOUNDERS])
    return system


class Listener(Mirror):
    """Does not ask why something was refused: a second later it might not be."""

    def _refusal(self, call, block_number):
        return ContractRevertedError("refused", {}, contract=call.contract)


def move_in(system, mirror):
    """All six take part in the market; each has as much money in the market as in its pocket."""
    auditor, treasurers = accounts[2], accounts[11:13]
    calls = [Call("Treasury", "attestReserve", auditor.address, (100 * MONEY, bytes(32)))]
    for number in range(HOUSEHOLDS):
        owner = accounts[HOUSEHOLDS_FROM + number]
        meter = meter_of(owner).address
        deposit = (owner.address, 2 * MONEY, bytes([100 + number]) * 32)
        calls += [
            Call("MeterRegistry", "certify", auditor.address, (meter, owner.address, 0, 2**39)),
            *(Call("Treasury", "confirmDeposit", one.address, deposit) for one in treasurers),
            Call("PaymentToken", "approve", owner.address, (system.market.address, 2**255)),
            Call("PaymentToken", "approve", owner.address, (system.treasury.address, 2**255)),
            Call("EnergyMarket", "publishInfo", owner.address, (info_of(owner),)),
            Call("EnergyMarket", "deposit", owner.address, (MONEY,)),
        ]
    for call in calls:
        assert mirror.send(call).refusal is None, call


class Community(RuleBasedStateMachine):
    """What people do; a subclass says on which system, where all have moved in."""

    system: System
    mirror: Mirror
    seen: ClassVar[set[str]]

    def __init__(self):
        super().__init__()
        # Inside the snapshot of fn_isolation; brownie itself keeps no more than one.
        self.snapshot = ask("evm_snapshot")["result"]
        self.membership, self.consortium = self.system.membership, self.system.consortium
        self.market, self.bank = self.system.market, self.system.treasury
        self.token = self.system.payment_token
        self.time = chain.time()
        self.people = list(accounts[HOUSEHOLDS_FROM : HOUSEHOLDS_FROM + HOUSEHOLDS])
        self.members = {one.address for one in self.people[:FOUNDERS]}
        self.expelled = set()
        self.proposals = []
        self.withdrawals = 0
        self.agreements = []
        self.trades = {}

    def send(self, contract, function, sender, *arguments):
        """The names of the events, None if it was refused."""
        sender = getattr(sender, "address", sender)
        outcome = self.mirror.send(Call(contract, function, sender, arguments))
        self.time = outcome.timestamp
        if outcome.refusal:
            return None
        for event in outcome.events:
            if event.name == "MemberAdmitted":
                self.members.add(event.arguments["member"])
                self.expelled.discard(event.arguments["member"])
            elif event.name == "MemberExpelled":
                self.members.remove(event.arguments["member"])
                self.expelled.add(event.arguments["member"])
        names = [event.name for event in outcome.events]
        self.seen.update(names)
        return names

    def wait_until(self, timestamp):
        if timestamp > self.time:
            travel_to(timestamp)
            self.time = timestamp

    # The members decide

    def propose(self, ballots, at_once, data):
        """The first who votes proposes it; what is not concluded at once may be so later."""
        target, proposer = "Membership", self.people[ballots[0][0]]
        contract = self.system.contracts[target].address
        description = str(len(self.proposals))
        action = (contract,), (0,), (data,)
        if self.send("Consortium", "propose", proposer, *action, description) is None:
            return
        described = *action, bytes(Web3.keccak(text=description))
        number = read(self.consortium.hashProposal, *map(list, action), described[-1])
        self.proposals.append(Proposal(number, described))
        self.cast(self.proposals[-1], ballots)
        if at_once:
            self.conclude(0)

    def cast(self, proposal, ballots):
        self.wait_until(self.time + 1)
        for who, support in ballots:
            account = self.people[who].address
            if self.send("Consortium", "castVote", account, proposal.number, support):
                assert account in self.members
                assert account not in proposal.voters
                proposal.voters.add(account)

    @rule(who=households, household=st.integers(1, 8), ballots=ballots, at_once=st.booleans())
    def propose_to_admit_or_expel(self, who, household, ballots, at_once):
        account = self.people[who].address
        data = (
            self.membership.expel.encode_input(account)
            if account in self.members
            else self.membership.admit.encode_input(account, household.to_bytes(32, "big"))
        )
        self.propose(ballots, at_once, data)

    @rule(allowed=st.booleans(), ballots=ballots, at_once=st.booleans())
    def propose_delegation(self, allowed, ballots, at_once):
        self.propose(ballots, at_once, self.membership.setDelegationAllowed.encode_input(allowed))

    @precondition(lambda self: self.proposals)
    @rule(back=st.integers(0, 2), ballots=ballots)
    def vote(self, back, ballots):
        self.cast(self.proposals[-1 - min(back, len(self.proposals) - 1)], ballots)

    @precondition(lambda self: self.proposals)
    @rule(back=st.integers(0, 2))
    def conclude(self, back):
        proposal = self.proposals[-1 - min(back, len(self.proposals) - 1)]
        self.wait_until(read(self.consortium.proposalDeadline, proposal.number) + 1)
        self.send("Consortium", "queue", accounts[9], *proposal.action)
        self.wait_until(read(self.consortium.proposalEta, proposal.number))
        self.send("Consortium", "execute", accounts[9], *proposal.action)

    @rule(who=households, other=households)
    def delegate(self, who, other):
        self.send("Membership", "delegate", self.people[who], self.people[other].address)

    @rule(who=households)
    def return_vote(self, who):
        self.send("Membership", "returnVote", accounts[9], self.people[who].address)

    # Money comes in and goes out

    def reserve(self):
        return read(self.bank.reserve)[0]

    def supply(self):
        return read(self.token.totalSupply)

    @rule(above=st.integers(-500, 2_000))
    def attest(self, above):
        amount = max(0, self.supply() + above)
        self.send("Treasury", "attestReserve", accounts[2], amount, bytes(32))

    @rule(
        who=households,
        amount=st.sampled_from((0, 100, 700)),
        reference=references,
        treasurers=groups,
    )
    def deposit(self, who, amount, reference, treasurers):
        for number in treasurers:
            deposit = (self.people[who].address, amount, reference)
            names = self.send("Treasury", "confirmDeposit", accounts[11 + number], *deposit)
            if names and "DepositMinted" in names:
                assert self.supply() <= self.reserve()

    @rule(who=households, amount=st.sampled_from((50, MONEY, 0)))
    def request(self, who, amount):
        if self.send("Treasury", "requestWithdrawal", self.people[who], amount, bytes(32)):
            self.withdrawals += 1

    @precondition(lambda self: self.withdrawals)
    @rule(back=st.integers(0, 2), reference=references, treasurers=groups)
    def pay_out(self, back, reference, treasurers):
        number = self.last_but(back)
        within = self.supply() <= self.reserve()
        for treasurer in treasurers:
            self.send("Treasury", "confirmPayout", accounts[11 + treasurer], number, reference)
        assert self.supply() <= self.reserve() or not within

    @precondition(lambda self: self.withdrawals)
    @rule(back=st.integers(0, 2), treasurers=groups)
    def reject(self, back, treasurers):
        for treasurer in treasurers:
            account = accounts[11 + treasurer]
            self.send("Treasury", "rejectWithdrawal", account, self.last_but(back))

    @precondition(lambda self: self.withdrawals)
    @rule(back=st.integers(0, 2), late=st.booleans())
    def give_back(self, back, late):
        if late:
            self.wait_until(self.time + read(self.bank.PAYOUT_TIME))
        self.send("Treasury", "returnWithdrawal", accounts[9], self.last_but(back))

    def last_but(self, back):
        """The number of a withdrawal that was requested lately."""
        return max(1, self.withdrawals - back)

    # Households trade

    @rule(seller=households, distance=st.integers(1, HOUSEHOLDS - 1))
    def agree(self, seller, distance):
        one, other = self.people[seller], self.people[(seller + distance) % HOUSEHOLDS]
        window = window_at(self.time) + 2
        if self.send("EnergyMarket", "makeOffer", one, window, 1_000, 100_000) is None:
            return
        offer = (window << 32) + len(self.trades.get(window, []))
        self.trades.setdefault(window, []).append(offer)
        agreement = agreement_on(offer, one, other, energy_wh=1_000)
        signature = signed(
            key(HOUSEHOLDS_FROM + self.people.index(other)),
            self.market,
            "Peerwatt EnergyMarket",
            AGREEMENT,
            values_of(agreement, AGREEMENT),
        )
        self.wait_until(commit_start(window))
        if self.send("EnergyMarket", "allowTransaction", one, tuple(agreement), signature):
            self.agreements.append(agreement)

    @rule(hours=st.integers(1, 30))
    def wait(self, hours):
        self.wait_until(self.time + hours * 3600)

    @precondition(lambda self: self.agreements)
    @rule()
    def settle(self):
        """No meter has sent anything: nothing is delivered, and the sellers pay for it."""
        for agreement in self.agreements:
            self.wait_until(grace_end(agreement.window))
            assert self.send("EnergyMarket", "makeTransaction", accounts[9], tuple(agreement))
            for one in (agreement.seller, agreement.buyer):
                self.send("EnergyMarket", "closePosition", accounts[9], one, agreement.window)
        self.agreements = []

    # What always holds

    @invariant()
    def every_member_is_one_vote(self):
        votes = [read(self.membership.getVotes, one.address) for one in self.people]
        assert sum(votes) == read(self.membership.memberCount) == len(self.members)
        for one in self.people:
            assert read(self.membership.isMember, one.address) == (one.address in self.members)

    @invariant()
    def no_more_votes_are_cast_than_there_were_members(self):
        for proposal in self.proposals:
            snapshot = read(self.consortium.proposalSnapshot, proposal.number)
            if snapshot < self.time:
                cast = sum(read(self.consortium.proposalVotes, proposal.number))
                assert cast <= read(self.membership.getPastTotalSupply, snapshot)

    @invariant()
    def the_bank_holds_what_is_requested(self):
        records = [read(self.bank.withdrawalOf, 1 + one) for one in range(self.withdrawals)]
        assert read(self.token.balanceOf, self.bank.address) == sum(
            amount for _, _, state, amount, _ in records if state == WithdrawalState.REQUESTED
        )

    @invariant()
    def money_comes_and_goes_with_a_reference_alone(self):
        assert self.supply() == read(self.token.depositedTotal) - read(self.token.withdrawnTotal)

    def teardown(self):
        """In the end whoever was expelled has nothing locked, and takes its money along."""
        try:
            self.settle()
            for account in self.expelled:
                free, locked, debt = read(self.market.accountOf, account)
                assert locked == 0
                assert debt <= sum(map(len, self.trades.values())) * CEILING
                pocket = read(self.token.balanceOf, account)
                if free:
                    assert self.send("EnergyMarket", "withdraw", account, free)
                assert read(self.token.balanceOf, account) == pocket + free
        finally:
            ask("evm_revert", self.snapshot)


@pytest.fixture
def machine(community):
    """A community that decides, pays and trades; each story leaves no trace."""
    mirror = Listener(community)
    travel_to(START)
    move_in(community, mirror)
    return type("Here", (Community,), {"system": community, "mirror": mirror, "seen": set()})


def test_no_story_breaks_the_rules_of_the_community(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=HealthCheck.all(),
        ),
    )
    assert machine.seen >= MUST_SEE
