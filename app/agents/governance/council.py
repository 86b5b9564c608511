"""Those who run the market, hour by hour: auditors look at readings before these are settled, then
all meet. What happens when is by market time and the seed alone.

The second 90 of an hour: readings are in and nothing is settled by them, so that they can be held.
The second 300: held readings are judged, money moves, proposals go on by a step each.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from app.agents.diary import Diary
from app.agents.governance.auditor import Anchored, AuditorRole, Held
from app.agents.governance.correspondence import Doors
from app.agents.governance.detection import Sight, suspect_street
from app.agents.governance.voting import ProposalFacts
from app.agents.negotiation.post import Post
from app.agents.operator.feeder import FeederLog
from app.agents.randomness import rng_of
from app.agents.residents import OPERATOR, Bench, Officer, Population
from app.agents.trading.policy import RECORD_WINDOWS
from app.errors import ContractRevertedError
from app.ledger.consortium import Consortium, Proposal, ProposalState
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Receipt
from app.market.units import MONEY_UNIT
from app.market.windows import window_at, window_start
from app.scenario.scenario import HOURS_PER_DAY, Scenario

AUDIT_AT = 90
MEETING_AT = 300

# Hours of a market day from which on something happens in it, once
DEPOSIT_HOUR = 1
WITHDRAWAL_HOUR = 2
SAMPLE_HOUR = 4

NEW_MONEY = 50 * MONEY_UNIT
CASH = 25 * MONEY_UNIT

_OVER = frozenset(
    {
        ProposalState.CANCELED,
        ProposalState.DEFEATED,
        ProposalState.EXPIRED,
        ProposalState.EXECUTED,
    }
)


@dataclass(frozen=True, slots=True)
class Chamber:
    """What a council needs besides the ledger; there is such a thing on a chain only."""

    consortium: Consortium
    anchored: Anchored


class Council:
    """Conducts what members, treasurers, auditors and the operator do together in a street."""

    def __init__(
        self,
        scenario: Scenario,
        chamber: Chamber,
        ledger: Ledger,
        population: Population,
        bench: Bench,
        feeder: FeederLog,
        post: Post,
        diary: Diary,
    ) -> None:
        self._first_window = scenario.first_window
        self._chamber = chamber
        self._consortium = chamber.consortium
        self._ledger = ledger
        self._population = population
        self._bench = bench
        self._feeder = feeder
        self._post = post
        self._diary = diary
        self._rng_of = rng_of(scenario.seed, "council")
        self._last_day: dict[str, int] = {}
        self._over: set[int] = set()
        self._stuck: set[int] = set()
        self._notes: list[str] = []
        self._names = {each.member.account: each.name for each in population.all}

    def open(self) -> None:
        """Introduces all to each other, once their agents have addresses."""
        doors = Doors(
            operator=self._population.operator.agent.addr,
            auditors=tuple(each.agent.addr for each in self._bench.auditors),
            treasurers=tuple(each.agent.addr for each in self._bench.treasurers),
        )
        for resident in self._population.all:
            resident.neighbour.introduce(doors)
        for officer in (*self._bench.auditors, *self._bench.treasurers):
            officer.role.introduce(doors)

    def take_notes(self) -> tuple[str, ...]:
        """What was done since this was last asked, in sentences."""
        taken, self._notes = tuple(self._notes), []
        return taken

    # Before settlement

    async def inspect(self, window: int) -> None:
        """The auditor on duty holds up what breaks physics, and once a day one at random."""
        auditor = self._bench.auditors[0]
        sights = await self._sights(window)
        seen = self._feeder.find(window)
        if seen is not None and len(sights) == len(self._population.all):
            for each in suspect_street(sights, seen):
                self._note(f"{each.rule}: {each.seen} Wh came, {each.bound} Wh went")
        suspicions = auditor.role.suspects(sights)
        doubted = dict.fromkeys(each.owner for each in suspicions)
        is_due = self._is_due("audit", window + 2, SAMPLE_HOUR)
        if is_due and not doubted and sights:
            sample = [each.household for each in sights if each.exported_wh]
            names = sample or [each.household for each in sights]
            doubted[names[int(self._rng_of(window).integers(len(names)))]] = None
        for name in doubted:
            account = self._population.resident(name).member.account
            if await self._try(auditor.name, window, auditor.role.doubt(account, window)):
                rules = sorted({each.rule for each in suspicions if each.owner == name})
                because = f": {', '.join(rules)}" if rules else ", to see that all is well"
                self._note(f"{auditor.name} doubts the reading of {name}{because}")
                self._mark("audit", window + 2)

    async def _sights(self, window: int) -> list[Sight]:
        """What everybody sees of a window's readings, of those that are not held."""
        sights = []
        for resident in self._population.all:
            reading = await self._ledger.reading_of(resident.member.account, window)
            if reading.recorded and not reading.held:
                energies = reading.exported_wh, reading.imported_wh
                sights.append(Sight(resident.name, window, *energies))
        return sights

    # The meeting

    async def meet(self, window: int, unsettled: Sequence[int]) -> None:
        """The meeting in the hour in which `window` is traded; `unsettled` may have held readings.

        What somebody is asked for comes when its answer does: where messages take long, at the next
        meeting.
        """
        self._diary.say(window, "council")
        await self._judge(window, unsettled)
        await self._move_money(window)
        await self._decide(window)

    async def _judge(self, window: int, unsettled: Sequence[int]) -> None:
        held = [
            Held(resident.name, resident.member.account, each, resident.agent.addr)
            for each in unsettled
            for resident in self._population.all
            if (await self._ledger.reading_of(resident.member.account, each)).held
        ]
        if not held:
            return
        for auditor in self._bench.auditors:
            auditor.role.ask(held)
        await self._post.deliver()
        for each in held:
            for auditor in self._bench.auditors:
                await self._judge_one(window, auditor, each)

    async def _judge_one(self, window: int, auditor: Officer[AuditorRole], held: Held) -> None:
        try:
            verdict, receipts = await auditor.role.decide(held, self._chamber.anchored)
        except ContractRevertedError as error:
            self._refuse(auditor.name, window, error)
            return
        self._diary.note(receipts)
        if verdict is None:
            return
        done = "confirms" if verdict.confirms else "corrects" if verdict.correction else "cannot"
        faults = f" ({'; '.join(verdict.faults)})" if verdict.faults else ""
        if done == "cannot":
            self._note(f"{auditor.name} cannot confirm the reading of {held.name}{faults}")
        elif receipts:
            self._note(f"{auditor.name} {done} the reading of {held.name}{faults}")

    async def _move_money(self, window: int) -> None:
        households = self._population.households
        first = int(self._rng_of(window).integers(len(households)))
        saver, spender = households[first], households[first - 1]
        if self._is_due("deposit", window, DEPOSIT_HOUR):
            saver.neighbour.bring(self._bench.bank, NEW_MONEY, f"deposit in window {window}")
            self._mark("deposit", window)
            self._note(f"{saver.name} brings {NEW_MONEY // MONEY_UNIT} to the bank")
        if self._is_due("withdrawal", window, WITHDRAWAL_HOUR):
            asked = await self._try(
                spender.name, window, spender.neighbour.cash_out(self._ledger, CASH)
            )
            self._mark("withdrawal", window)
            if asked:
                self._note(f"{spender.name} asks for {CASH // MONEY_UNIT} back")
        await self._post.deliver()
        paid = await self._bench.treasurers[0].role.pay_requests()
        if paid:
            self._note(f"{self._bench.treasurers[0].name} pays {paid} withdrawal{'s'[: paid - 1]}")
        await self._post.deliver()
        for treasurer in self._bench.treasurers:
            receipts, refused = await treasurer.role.confirm()
            self._diary.note(receipts)
            for receipt in receipts:
                what = "a deposit" if receipt.function == "confirmDeposit" else "a payout"
                self._note(f"{treasurer.name} confirms {what}{', the last' * bool(receipt.result)}")
            for error in refused:
                self._refuse(treasurer.name, window, error)
        await self._post.deliver()
        for resident in self._population.all:
            await self._try(resident.name, window, resident.neighbour.deposit(self._ledger))

    # Proposals

    async def _decide(self, window: int) -> None:
        """Every proposal goes on by a step: it is made, voted on, queued, carried out."""
        members = [each.account for each in await self._consortium.members()]
        proposals = await self._consortium.proposals()
        for proposal in proposals:
            if proposal.id not in self._over:
                await self._go_on(window, proposal, members)
        await self._ask_for_admission(window, members, proposals)
        await self._post.deliver()
        for household in self._population.households:
            receipts = await self._try(
                household.name, window, household.voter.propose(self._consortium, self._names)
            )
            self._note_proposals(household.name, receipts)

    async def _go_on(self, window: int, proposal: Proposal, members: Sequence[Address]) -> None:
        state = await self._consortium.state_of(proposal.id)
        if state in _OVER:
            self._over.add(proposal.id)
            if state is not ProposalState.EXECUTED:
                self._note(f"{state.name.lower()}: {proposal.description}")
        elif state is ProposalState.ACTIVE:
            await self._vote(window, proposal, members)
        elif proposal.id not in self._stuck:
            clerk = self._population.operator.clerk
            now = self._ledger.now()
            try:
                receipts = await clerk.advance(self._consortium, proposal, state, now)
            except ContractRevertedError as error:
                self._stuck.add(proposal.id)  # what its calls ask for can't be done
                self._refuse(OPERATOR, window, error)
                return
            self._diary.note(receipts)
            for receipt in receipts:
                self._note(f"{receipt.function}: {proposal.description}")

    async def _vote(self, window: int, proposal: Proposal, members: Sequence[Address]) -> None:
        said: list[str] = []
        for household in self._population.households:
            account = household.member.account
            if account not in members or not await self._consortium.may_vote(account, proposal):
                continue
            support = household.voter.opinion(await self._facts(window, account, proposal))
            if support is None:
                continue
            vote = household.voter.vote(self._consortium, proposal, support)
            if await self._try(household.name, window, vote):
                said.append(f"{household.name} {support.name.lower()}")
        if said:
            self._note(f"votes on {proposal.description}: {', '.join(said)}")

    async def _facts(self, window: int, voter: Address, proposal: Proposal) -> ProposalFacts:
        named = [
            (call.function, str(call.arguments[0]))
            for call in proposal.calls
            if call.contract == "Membership" and call.arguments
        ]
        first = max(window - RECORD_WINDOWS, 0)
        return ProposalFacts(
            voter=voter,
            calls=proposal.calls,
            participants=frozenset(
                [
                    account
                    for function, account in named
                    if function == "admit"
                    and (await self._ledger.participant_info(account)).endpoint
                ]
            ),
            records={
                account: await self._ledger.lapses_of(account, first, RECORD_WINDOWS)
                for function, account in named
                if function == "expel"
            },
        )

    async def _ask_for_admission(
        self, window: int, members: Sequence[Address], proposals: Sequence[Proposal]
    ) -> None:
        """The operator asks a member to propose the first household that nobody has proposed, if
        none was proposed today.
        """
        proposed = {
            str(call.arguments[0]): self._day_of(window_at(proposal.vote_start) + 1)
            for proposal in proposals
            for call in proposal.calls
            if (call.contract, call.function) == ("Membership", "admit")
        }
        if not self._is_due("admission", window, 0) or self._day_of(window) in proposed.values():
            return
        self._mark("admission", window)
        households = self._population.households
        newcomers = [
            each for each in households if each.member.account not in {*members, *proposed}
        ]
        voters = [each for each in households if each.member.account in members]
        if not newcomers or not voters:
            return
        newcomer = newcomers[0].member.account
        info = await self._ledger.participant_info(newcomer)
        member = voters[window % len(voters)]
        clerk = self._population.operator.clerk
        clerk.ask_for_admission(member.agent.addr, newcomer, info.household_id)

    def _note_proposals(self, name: str, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            for event in receipt.events:
                if event.name == "ProposalCreated":
                    self._note(f"{name} proposes: {event.arguments['description']}")

    # Helpers

    def _is_due(self, what: str, window: int, from_hour: int) -> bool:
        hour = (window - self._first_window) % HOURS_PER_DAY
        return hour >= from_hour and self._last_day.get(what, -1) < self._day_of(window)

    def _mark(self, what: str, window: int) -> None:
        self._last_day[what] = self._day_of(window)

    def _day_of(self, window: int) -> int:
        """The market day in which a window is traded, from 0."""
        return (window - self._first_window) // HOURS_PER_DAY

    async def _try(self, who: str, window: int, writing: Awaitable[list[Receipt]]) -> list[Receipt]:
        """Writes of somebody; a refusal goes into the diary, and is none to the others."""
        try:
            return self._diary.note(await writing)
        except ContractRevertedError as error:
            self._refuse(who, window, error)
            return []

    def _refuse(self, who: str, window: int, error: ContractRevertedError) -> None:
        self._diary.refuse("council", window, who, window_start(window - 1) + MEETING_AT, error)

    def _note(self, sentence: str) -> None:
        self._notes.append(sentence)
