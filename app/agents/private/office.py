"""The settlement of a private street: readings go to the operator alone, sellers claim their money.

What is not traded stays with each household's own supplier: the market sees nothing of it.
"""

import asyncio
from collections.abc import Mapping, Sequence

from app.agents.diary import Diary
from app.agents.operator.microgrid import Settlement
from app.agents.private.conductor import PrivateConductor
from app.agents.private.household import PrivateHousehold
from app.agents.private.journal import KeptTrade
from app.agents.private.settling import ask_operator, claim_delivery, take_back
from app.agents.private.view import TradeSide
from app.agents.writing import Written
from app.errors import ConflictError, ContractRevertedError, PeerwattError
from app.ledger.types import Address, Reading, SignedReading
from app.market.windows import grace_end


class PrivateOffice:
    """Where the readings of a private street go, and where its windows are settled."""

    def __init__(self, conductor: PrivateConductor, diary: Diary) -> None:
        self._conductor = conductor
        self._diary = diary
        self._readings: dict[tuple[Address, int], Reading] = {}

    @property
    def readings(self) -> Mapping[tuple[Address, int], Reading]:
        """What the meters have signed since the start, by meter and window."""
        return self._readings

    def open_windows(self) -> set[int]:
        """Windows of which a trade is open."""
        return {
            trade.window
            for household in self._conductor.households
            for trade in household.journal.open_trades()
        }

    async def record(self, signed: Sequence[SignedReading]) -> Written[SignedReading]:
        """Hands readings to the operator; nothing of them is written anywhere else."""
        for each in signed:
            self._conductor.operator.note(each)
            self._readings[each.reading.meter, each.reading.window] = each.reading
        return Written(written=list(signed))

    async def settle(self, window: int, now: int) -> Settlement:
        """Lets sellers claim what they have delivered, and after the grace buyers the rest."""
        settlement, households = Settlement(window), self._conductor.households
        await self._conductor.look()
        for household in households:
            await household.drop_unpaid(self._conductor.access, window)
        before = self._open(window)
        sellers = self._conductor.access.mixed(households)
        await asyncio.gather(*(self._claim(settlement, each) for each in sellers))
        await self._learn(window)
        if now >= grace_end(window) and self._open(window):
            buyers = self._conductor.access.mixed(households)
            await asyncio.gather(*(self._take_back(settlement, each) for each in buyers))
            await self._learn(window)
        left = self._open(window)
        settlement.settled, settlement.open_agreements = len(before - left), len(left)
        return settlement

    async def _claim(self, settlement: Settlement, household: PrivateHousehold) -> None:
        """One after another, as each uses up what the meter saw."""
        conductor = self._conductor
        for trade in _on_side(household, settlement.window, TradeSide.SOLD):
            try:
                word = await ask_operator(conductor.access, conductor.operator, household, trade)
            except ConflictError:
                continue  # the meter saw nothing of it
            except PeerwattError as error:
                self._note(settlement, household, error)
                continue
            try:
                settlement.receipts.append(await claim_delivery(conductor.access, trade, word))
            except PeerwattError as error:
                self._note(settlement, household, error)

    async def _take_back(self, settlement: Settlement, household: PrivateHousehold) -> None:
        for trade in _on_side(household, settlement.window, TradeSide.BOUGHT):
            try:
                settlement.receipts.append(await take_back(self._conductor.access, trade))
            except PeerwattError as error:
                self._note(settlement, household, error)

    async def _learn(self, window: int) -> None:
        """Lets everybody see what has become of its trades."""
        await self._conductor.look()
        for household in self._conductor.households:
            for trade in household.journal.open_trades(window):
                await household.learn(self._conductor.access, trade)

    def _note(
        self, settlement: Settlement, household: PrivateHousehold, error: PeerwattError
    ) -> None:
        if isinstance(error, ContractRevertedError):
            settlement.refused.append(error)
        else:
            name = household.name
            self._diary.refuse_otherwise("settlement", settlement.window, name, error)

    def _open(self, window: int) -> set[bytes]:
        return {
            trade.made.id
            for household in self._conductor.households
            for trade in household.journal.open_trades(window)
        }


def _on_side(household: PrivateHousehold, window: int, side: TradeSide) -> list[KeptTrade]:
    return [each for each in household.journal.open_trades(window) if each.side is side]
