"""The microgrid operator (Mezquita et al. 2022, MGO): terms, readings, settlement, credit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mango import Role

from app.agents.directory import Directory
from app.agents.operator.book import AgreementBook
from app.agents.writing import Written, write_or_drop
from app.errors import ContractRevertedError
from app.ledger.protocol import Ledger
from app.ledger.types import (
    Account,
    Address,
    Agreement,
    AgreementState,
    Event,
    Receipt,
    RecordedReading,
    SignedReading,
    Terms,
)
from app.market.clearing import PricingRule
from app.market.windows import grace_end

DAY_AHEAD = 24


@dataclass(slots=True)
class Settlement:
    """What became of one window when it was settled, as far as it was."""

    window: int
    settled: int = 0
    closed: int = 0
    open_agreements: int = 0
    open_positions: int = 0
    receipts: list[Receipt] = field(default_factory=list)
    refused: list[ContractRevertedError] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return not self.open_agreements and not self.open_positions

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(event for receipt in self.receipts for event in receipt.events)


@dataclass(frozen=True, slots=True)
class Credit:
    """The operator's money: what the treasury has, and what it owes for exports (claims)."""

    treasury: Account
    claims: int


class MicrogridOperatorRole(Role):  # type: ignore[misc] # mango has no types
    """Publishes terms a day ahead, submits what meters have signed, and settles."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        terms_for: Callable[[int], Terms],
        book: AgreementBook,
    ) -> None:
        super().__init__()
        self._ledger = ledger
        self._directory = directory
        self._terms_for = terms_for
        self._book = book
        self._published_until = 0
        self._claimants: dict[Address, None] = {}

    @property
    def book(self) -> AgreementBook:
        return self._book

    async def publish_terms(self, window: int) -> Written[int]:
        """Publishes terms until a day after `window`, a day's at once.

        Terms that are frozen already, because somebody has offered on them, stay as they are.
        """
        first = max(window, self._published_until)
        if first > window + DAY_AHEAD:
            return Written()
        windows = range(first, first + 2 * DAY_AHEAD if first == window else first + DAY_AHEAD)
        self._published_until = windows.stop

        async def submit(batch: Sequence[int]) -> list[Receipt]:
            terms = [self._terms_for(each) for each in batch]
            operator = self._directory.offices.operator
            return await self._ledger.publish_terms(operator, batch[0], terms)

        return await write_or_drop(windows, submit, harmless={"TermsFrozen"})

    async def record(self, readings: Sequence[SignedReading]) -> Written[SignedReading]:
        """Submits readings of one or more windows."""

        async def submit(batch: Sequence[SignedReading]) -> list[Receipt]:
            return await self._ledger.submit_readings(self._directory.offices.keeper, batch)

        return await write_or_drop(readings, submit)

    async def settle(self, window: int, now: int) -> Settlement:
        """Settles the agreements of a window that is over, then closes its positions.

        What must wait for a reading is left for a later call, after the grace period at the latest;
        what waits for auditors, until they release the reading or their time is over.
        """
        settlement = Settlement(window)
        readiness = _Readiness(self._ledger, window, now)
        waiting = await self._settle_agreements(settlement, readiness)
        await self._close_positions(settlement, readiness, waiting)
        await self._pay_claims(settlement)
        return settlement

    async def set_pricing_rule(self, rule: PricingRule, first_window: int) -> list[Receipt]:
        """Lets the members set the auction's pricing rule, unless it holds from `first_window`."""
        if await self._ledger.pricing_rule_of(first_window) is rule:
            return []
        return [await self._ledger.set_pricing_rule(self._directory.offices.members, rule)]

    async def clear(self, window: int) -> list[Receipt]:
        """Clears a window's book in its commit phase; nothing to do where it has no orders.

        Raises ContractRevertedError.
        """
        book = await self._ledger.book_of(window)
        if not book.buys and not book.sells:
            return []
        return await self._ledger.clear(self._directory.offices.keeper, window)

    async def release(self, order_ids: Sequence[int]) -> Written[int]:
        """Ends orders whose book was not cleared in time; what was locked for them is free."""

        async def submit(batch: Sequence[int]) -> list[Receipt]:
            return await self._ledger.release_orders(self._directory.offices.keeper, batch)

        return await write_or_drop(order_ids, submit)

    async def credit(self) -> Credit:
        """How solvent the operator is."""
        treasury = await self._ledger.account_of(await self._ledger.treasury())
        claims = [await self._ledger.claim_of(member.account) for member in self._directory.members]
        return Credit(treasury, sum(claims))

    async def _settle_agreements(
        self, settlement: Settlement, readiness: "_Readiness"
    ) -> frozenset[Address]:
        """Settles what can be; returns the parties of what cannot."""
        due: list[Agreement] = []
        for agreement in self._book.open_agreements(settlement.window):
            state = await self._ledger.agreement_state(self._ledger.agreement_id(agreement))
            if state is not AgreementState.OPEN:
                self._book.close([agreement])
            elif await readiness.of_agreement(agreement):
                due.append(agreement)

        async def submit(batch: Sequence[Agreement]) -> list[Receipt]:
            return await self._ledger.make_transactions(self._directory.offices.keeper, batch)

        result = await write_or_drop(due, submit, harmless={"AgreementSettled"})
        self._book.close(result.written)
        settlement.settled = len(result.written)
        left = self._book.open_agreements(settlement.window)
        settlement.open_agreements = len(left)
        settlement.receipts += result.receipts
        settlement.refused += _refusals(result.dropped)
        return frozenset(party for each in left for party in (each.seller, each.buyer))

    async def _close_positions(
        self, settlement: Settlement, readiness: "_Readiness", waiting: frozenset[Address]
    ) -> None:
        window = settlement.window
        accounts = [member.account for member in self._directory.members]
        due = [
            account
            for account in accounts
            if account not in waiting and await readiness.of_position(account)
        ]
        settlement.open_positions += len(accounts) - len(due)

        async def submit(batch: Sequence[Address]) -> list[Receipt]:
            keeper = self._directory.offices.keeper
            return await self._ledger.close_positions(keeper, batch, window)

        result = await write_or_drop(due, submit, harmless={"PositionIsClosed"})
        closed = [event for receipt in result.receipts for event in receipt.events]
        settlement.closed = sum(event.name == "PositionClosed" for event in closed)
        settlement.open_positions += len(result.dropped)
        settlement.receipts += result.receipts
        settlement.refused += _refusals(result.dropped)

    async def _pay_claims(self, settlement: Settlement) -> None:
        """Pays what the treasury still owes for exports, as far as it can."""
        for event in settlement.events:
            if event.name == "ClaimIncurred":
                self._claimants[str(event.arguments["participant"])] = None
        for participant in list(self._claimants):
            treasury = await self._ledger.account_of(await self._ledger.treasury())
            if treasury.free == 0:
                return
            if await self._ledger.claim_of(participant) == 0:
                del self._claimants[participant]
                continue
            keeper = self._directory.offices.keeper
            settlement.receipts.append(await self._ledger.pay_claim(keeper, participant))


class _Readiness:
    """What of a window can be settled at a moment: asked each time, as auditors come and go."""

    def __init__(self, ledger: Ledger, window: int, now: int) -> None:
        self._ledger = ledger
        self._window = window
        self._is_too_late = now >= grace_end(window)
        self._found: dict[Address, RecordedReading] = {}

    async def of_agreement(self, agreement: Agreement) -> bool:
        """Only the seller's reading can hold it up; the buyer's is only waited for."""
        is_bought = self._is_too_late or (await self._reading(agreement.buyer)).recorded
        return is_bought and await self.of_position(agreement.seller)

    async def of_position(self, owner: Address) -> bool:
        """Whether a reading is there, or it is too late for one; and no auditor holds it."""
        reading = await self._reading(owner)
        return not reading.held and (reading.recorded or self._is_too_late)

    async def _reading(self, owner: Address) -> RecordedReading:
        if owner not in self._found:
            self._found[owner] = await self._ledger.reading_of(owner, self._window)
        return self._found[owner]


def _refusals(
    dropped: Sequence[tuple[object, ContractRevertedError]],
) -> list[ContractRevertedError]:
    """What was refused for good; a reading that auditors hold only has to wait."""
    return [error for _, error in dropped if error.error != "ReadingIsHeld"]
