"""A household's money in the pool: its notes, and which of them are promised."""

from collections.abc import Sequence
from functools import partial

from app.agents.negotiation.budget import Budget
from app.agents.private.journal import Journal
from app.agents.private.view import TradeSide
from app.ledger.private import NoteLog, Purse
from app.privacy.clsag import SpendableNote
from app.privacy.curve import Point
from app.privacy.keys import Purpose, Wallet
from app.privacy.notes import NoteAddress, NoteKeys
from app.privacy.trading import paid, returned

MOST_JOINED = 4


def note_keys_of(wallet: Wallet) -> NoteKeys:
    """The keys of a wallet's notes."""
    return NoteKeys(wallet.secret(Purpose.NOTE_SPEND), wallet.secret(Purpose.NOTE_VIEW))


class HouseholdPurse:
    """The notes of one household, as far as they were looked for.

    A payment uses one note, and what is left of it comes back as another. So what a household can
    promise is what its largest note holds: with that, it can pay one purchase after the other.
    """

    def __init__(self, keys: NoteKeys, journal: Journal) -> None:
        self.keys = keys
        self._journal = journal
        self._purse = Purse(keys)
        self._reserved: set[Point] = set()

    @property
    def address(self) -> NoteAddress:
        """Where notes for this household can be sent to; nobody else gets to know it."""
        return self._purse.address

    @property
    def balance(self) -> int:
        """In 1e-6."""
        return self._purse.balance

    @property
    def notes(self) -> Sequence[SpendableNote]:
        """What can be spent, the largest first."""
        return self._purse.notes

    def look(self, log: NoteLog) -> None:
        """Finds what came and went since the last time.

        The notes of its trades it finds whatever their messages say: the other side can write them.
        """
        for trade in self._journal.trades.values():
            made = trade.made
            if trade.side is TradeSide.SOLD:
                self._purse.watch(made.payout, partial(paid, made))
            else:
                self._purse.watch(made.refund, partial(returned, made))
        self._purse.look(log)
        self._reserved = {key for key in self._reserved if self._purse.at(key) is not None}

    def budget(self) -> Budget:
        """What can be promised for a window."""
        return Budget(max((each.opening.value for each in self._purse.notes), default=0))

    def scattered(self, amount: int) -> Sequence[SpendableNote]:
        """The notes to join into one when no single one holds an amount; none where one does."""
        notes = self._purse.notes[:MOST_JOINED]
        if len(notes) < 2 or notes[0].opening.value >= amount:
            return ()
        return notes

    def amount_at(self, key: Point) -> int | None:
        """What the note with this key holds; None where there is none to spend."""
        found = self._purse.at(key)
        return None if found is None else found.opening.value

    def reserve(self, amount: int) -> SpendableNote | None:
        """Sets the smallest note of an amount or more aside; None where none is free."""
        for each in reversed(self._purse.notes):
            if each.opening.value >= amount and each.note.key not in self._reserved:
                self._reserved.add(each.note.key)
                return each
        return None

    def release(self, note: SpendableNote) -> None:
        """A note that was not spent after all can be promised again."""
        self._reserved.discard(note.note.key)
