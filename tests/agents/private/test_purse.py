"""A household finds its money, whatever the other side of a trade publishes with it."""

import pytest

from app.agents.private.journal import Journal, KeptTrade
from app.agents.private.purse import HouseholdPurse
from app.agents.private.view import TradeSide
from app.ledger.private import LoggedNote, NoteLog
from app.privacy.notes import Note, NoteKeys, send_note
from app.privacy.pedersen import Opening
from app.privacy.trading import settle_part
from tests.agents.private.sealed import RULES, WINDOW, Case

DELIVERED_WH = 1_000
SELLER = NoteKeys(101, 102)


@pytest.fixture
def useless(case: Case):
    """A message that makes sense, but not for the owner of the note."""
    return send_note(NoteKeys(7, 8).address(), 0).message


@pytest.mark.parametrize("side", TradeSide)
def test_each_side_finds_what_a_part_brings(case: Case, useless, side: TradeSide) -> None:
    made = case.sealed.made
    part = settle_part(RULES, made, Opening.of(DELIVERED_WH))
    journal, log = Journal(), NoteLog()
    journal.keep(KeptTrade(WINDOW, side, made))
    purse = HouseholdPurse(SELLER if side is TradeSide.SOLD else case.purse, journal)
    log.notes = [LoggedNote(part.payout.note, useless), LoggedNote(part.refund.note, useless)]

    purse.look(log)

    mine = part.payout if side is TradeSide.SOLD else part.refund
    assert purse.balance == mine.opening.value
    assert purse.amount_at(mine.note.key) == mine.opening.value


def test_a_buyer_finds_what_a_cancellation_returns(case: Case) -> None:
    """Anybody can cancel, and nothing is published with the note."""
    made = case.sealed.made
    journal, log = Journal(), NoteLog()
    journal.keep(KeptTrade(WINDOW, TradeSide.BOUGHT, made))
    purse = HouseholdPurse(case.purse, journal)
    log.notes = [LoggedNote(Note(made.refund.note.key, made.agreement.cost), None)]

    purse.look(log)

    assert purse.balance == made.cost
