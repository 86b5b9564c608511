"""A ledger, accounts, and seats at a negotiation."""

from collections.abc import Callable

import pytest

from app.agents.negotiation.budget import Budget
from app.agents.negotiation.seat import Seat, Signatures
from app.agents.negotiation.timetable import Timetable, timetable_of
from app.ledger.model import DevelopmentAccounts, ModelClock, ModelLedger
from app.ledger.types import Address, Terms
from app.market.windows import window_start

WINDOW = 500_000
TERMS = Terms(grid_floor=80_000, grid_ceiling=320_000, penalty_rate=50_000)
RICH = 10**12


@pytest.fixture
def clock() -> ModelClock:
    return ModelClock(window_start(WINDOW - 1))


@pytest.fixture
def development(clock: ModelClock) -> tuple[ModelLedger, DevelopmentAccounts]:
    return ModelLedger.for_development(clock, default_terms=TERMS)


@pytest.fixture
def ledger(development: tuple[ModelLedger, DevelopmentAccounts]) -> ModelLedger:
    return development[0]


@pytest.fixture
def offices_accounts(development: tuple[ModelLedger, DevelopmentAccounts]) -> DevelopmentAccounts:
    return development[1]


@pytest.fixture
def seller(ledger: ModelLedger) -> Address:
    return ledger.keys.account("seller")


@pytest.fixture
def buyer(ledger: ModelLedger) -> Address:
    return ledger.keys.account("buyer")


@pytest.fixture
def outsider(ledger: ModelLedger) -> Address:
    return ledger.keys.account("outsider")


@pytest.fixture
def timetable() -> Timetable:
    return timetable_of(WINDOW, rounds=8, timeout=60)


@pytest.fixture
def signatures(ledger: ModelLedger) -> Signatures:
    return Signatures(ledger.sign_agreement, ledger.verify_agreement, ledger.agreement_id)


@pytest.fixture
def seat_of(timetable: Timetable, signatures: Signatures) -> Callable[..., Seat]:
    """A seat for an account, with as much money as it takes unless said otherwise."""

    def make(account: Address, free: int = RICH) -> Seat:
        return Seat(account, TERMS, timetable, Budget(free), signatures)

    return make
