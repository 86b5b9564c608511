"""Auditors: they doubt readings, ask for the raw data behind them, and confirm or correct them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from mango import AgentAddress

from app.agents.governance.correspondence import CouncilSide
from app.agents.governance.detection import Installation, Sight, Suspicion, ranked, suspect_sight
from app.agents.governance.messages import BatchAnswer, BatchRequest, CouncilMessage
from app.agents.governance.sun import Sun
from app.agents.governance.verdict import Verdict, judge
from app.agents.negotiation.post import Post
from app.errors import ContractRevertedError
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Reading, Receipt

# The reading that the ledger has recorded for an owner's window, with the hash of its raw data.
Anchored = Callable[[Address, int], Awaitable[Reading | None]]

# Others were faster, or it is said already.
_DONE = frozenset({"AlreadyConfirmed", "ReadingDoubted", "ReadingNotHeld", "ReadingUsed"})


@dataclass(frozen=True, slots=True)
class Held:
    """A reading that is held: whose, of which window, and where its owner's agent is."""

    name: str
    owner: Address
    window: int
    door: AgentAddress


class AuditorRole(CouncilSide):
    """Looks at what everybody sees of readings, and judges the raw data of those that are held."""

    def __init__(
        self,
        post: Post,
        account: Address,
        ledger: Ledger,
        installations: Mapping[str, Installation],
        sun: Sun,
    ) -> None:
        super().__init__(post)
        self._account = account
        self._ledger = ledger
        self._installations = installations
        self._sun = sun
        self._asked: dict[tuple[Address, int], AgentAddress] = {}
        self._shown: dict[tuple[Address, int], bytes] = {}

    def suspects(self, sights: Sequence[Sight]) -> list[Suspicion]:
        """What it finds in readings by themselves, the largest first."""
        return ranked(
            suspicion
            for sight in sights
            for suspicion in suspect_sight(sight, self._installation(sight.household), self._sun)
        )

    async def doubt(self, owner: Address, window: int) -> list[Receipt]:
        """Holds a reading up; nothing where it is too late. Raises ContractRevertedError."""
        try:
            return [await self._ledger.doubt_reading(self._account, owner, window)]
        except ContractRevertedError as error:
            if error.error not in _DONE:
                raise
            return []

    def ask(self, held: Sequence[Held]) -> None:
        """Asks the owners of held readings for what is behind them, unless they have shown it."""
        for each in held:
            if (each.owner, each.window) not in self._shown:
                self._asked[each.owner, each.window] = each.door
                self.tell(each.door, BatchRequest(each.window))

    def take(self, message: CouncilMessage, origin: AgentAddress) -> None:
        """Takes an answer from whom it was asked of."""
        answer = message.body
        if isinstance(answer, BatchAnswer):
            key = answer.owner, answer.window
            if self._asked.get(key) == origin:
                self._shown[key] = answer.content.encode("ascii", "replace")

    async def decide(self, held: Held, anchored: Anchored) -> tuple[Verdict | None, list[Receipt]]:
        """Confirms or corrects a held reading by what its owner has shown.

        None where there is nothing to judge by yet. Raises ContractRevertedError.
        """
        key = held.owner, held.window
        reading = await anchored(*key)
        if key not in self._shown or reading is None:
            return None, []
        content = self._shown.pop(key)
        del self._asked[key]
        installation = self._installation(held.name)
        verdict = judge(content, reading, held.owner, installation, self._sun)
        try:
            if verdict.correction is not None:
                correction = verdict.correction
                return verdict, [await self._ledger.correct_reading(self._account, correction)]
            if verdict.confirms:
                confirm = self._ledger.confirm_reading
                return verdict, [await confirm(self._account, held.owner, held.window)]
        except ContractRevertedError as error:
            if error.error not in _DONE:
                raise
        return verdict, []

    def _installation(self, name: str) -> Installation:
        return self._installations.get(name, Installation(name, None, needs_sun=False))
