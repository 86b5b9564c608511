"""A small market with a seller, a buyer and an operator."""

from dataclasses import dataclass

import pytest

from app.agents.directory import Directory, Member, Offices
from app.agents.enrolment import enrol_members, fund_treasury
from app.agents.operator.book import AgreementBook
from app.agents.operator.microgrid import MicrogridOperatorRole
from app.ledger.model import DevelopmentAccounts, ModelClock, ModelLedger
from app.ledger.types import Agreement, MeterKind, Reading, SignedReading
from app.market.windows import commit_start, window_end, window_start
from tests.agents.conftest import TERMS, WINDOW


@pytest.fixture
def directory(ledger: ModelLedger, offices_accounts: DevelopmentAccounts) -> Directory:
    keys, accounts = ledger.keys, offices_accounts
    members = tuple(
        Member(
            name, keys.account(name), keys.account(f"{name} meter"), MeterKind.HOUSEHOLD, 50_000_000
        )
        for name in ("seller", "buyer")
    )
    return Directory(
        Offices(
            accounts.operator,
            accounts.auditors,
            accounts.treasurers,
            accounts.treasury,
            accounts.keeper,
            accounts.members,
        ),
        members,
    )


@pytest.fixture
async def enrolled(ledger: ModelLedger, directory: Directory) -> Directory:
    """The directory, whose members are at the market."""
    endpoints = {member.name: f"mango+local://street/{member.name}" for member in directory.members}
    async for _ in enrol_members(ledger, directory, "test", endpoints):
        pass
    async for _ in fund_treasury(ledger, directory, "test", 50_000_000):
        pass
    return directory


@pytest.fixture
def operator(ledger: ModelLedger, enrolled: Directory) -> MicrogridOperatorRole:
    return MicrogridOperatorRole(ledger, enrolled, lambda window: TERMS, AgreementBook())


@dataclass(slots=True)
class Trades:
    """Makes agreements on the ledger, and signs readings."""

    ledger: ModelLedger
    clock: ModelClock
    directory: Directory

    async def agree(
        self, energy_wh: int, *, price: int = 200_000, window: int = WINDOW
    ) -> Agreement:
        """An agreement between seller and buyer, written in the window's commit margin."""
        seller, buyer = (member.account for member in self.directory.members)
        receipt = await self.ledger.make_offer(seller, window, energy_wh, 80_000)
        agreement = Agreement(
            offer_id=int(str(receipt.result)),
            seller=seller,
            buyer=buyer,
            window=window,
            energy_wh=energy_wh,
            price=price,
            deadline=window_start(window) - 1,
            salt=1,
        )
        self.clock.set(commit_start(window))
        await self.ledger.allow_transactions(seller, [self.ledger.sign_agreement(agreement)])
        return agreement

    def reading(
        self, name: str, exported_wh: int, imported_wh: int, window: int = WINDOW
    ) -> SignedReading:
        meter = self.directory.member(name).meter
        return self.ledger.sign_reading(Reading(meter, window, exported_wh, imported_wh))

    def pass_window(self, window: int = WINDOW) -> int:
        self.clock.set(window_end(window))
        return self.clock.now()


@pytest.fixture
def trades(ledger: ModelLedger, clock: ModelClock, enrolled: Directory) -> Trades:
    return Trades(ledger, clock, enrolled)
