"""The model of `MarketRecord`: what participants have failed to do."""

from app.ledger.model.contract import Contract
from app.ledger.types import Address, Lapses


class MarketRecord(Contract):
    """Shortfalls and debts by participant and window."""

    def __init__(self) -> None:
        self._lapses: dict[tuple[Address, int], Lapses] = {}

    def lapses_of(self, participant: Address, first_window: int, windows: int) -> Lapses:
        """The record of a participant over `windows` windows from `first_window` on."""
        found = [
            self._lapses[participant, window]
            for window in range(first_window, first_window + windows)
            if (participant, window) in self._lapses
        ]
        return Lapses(
            windows=len(found),
            shortfall_wh=sum(lapse.shortfall_wh for lapse in found),
            debt=sum(lapse.debt for lapse in found),
        )

    def _note_shortfall(self, participant: Address, window: int, energy_wh: int) -> None:
        self._note(participant, window, energy_wh, 0)

    def _note_debt(self, participant: Address, window: int, amount: int) -> None:
        self._note(participant, window, 0, amount)

    def _note(self, participant: Address, window: int, shortfall_wh: int, debt: int) -> None:
        former = self.lapses_of(participant, window, 1)
        self._journal.put(
            self._lapses,
            (participant, window),
            Lapses(1, former.shortfall_wh + shortfall_wh, former.debt + debt),
        )
