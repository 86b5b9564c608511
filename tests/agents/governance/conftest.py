"""A small street whose households, auditors and treasurers can talk, on the model ledger."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mango import ExternalClock, activate, create_ec_container

from app.agents.agent import StreetAgent
from app.agents.devices.batches import BatchStore, MeterBatch, MeterStep, data_root
from app.agents.governance.auditor import AuditorRole, Held
from app.agents.governance.bank import Bank
from app.agents.governance.clerk import ClerkRole
from app.agents.governance.correspondence import CouncilSide, CouncilSpeaker, Doors
from app.agents.governance.detection import Installation
from app.agents.governance.household import VoterRole
from app.agents.governance.sun import GERMANY
from app.agents.governance.treasurer import TreasurerRole
from app.agents.governance.voting import voting_policy
from app.agents.negotiation.communication import UnreliableLines
from app.agents.negotiation.mail import MailRole
from app.agents.negotiation.post import Post
from app.agents.observer import SilentObserver
from app.ledger.model import DevelopmentAccounts, ModelClock, ModelLedger
from app.ledger.types import Address, MeterKind, ParticipantInfo, Reading
from app.market.windows import window_end, window_start

ROOT = Path(__file__).parents[3]
NOON = 407_075  # 2016-06-09 11:00 UTC
STEPS = (MeterStep(100, 600, 500, 0), MeterStep(300, 100, 0, 200))


@dataclass(slots=True)
class Room:
    """Two households, two auditors, two treasurers and the operator's clerk."""

    clock: ModelClock
    ledger: ModelLedger
    accounts: DevelopmentAccounts
    post: Post
    bank: Bank
    batches: BatchStore
    households: dict[str, VoterRole]
    auditors: list[AuditorRole]
    treasurers: list[TreasurerRole]
    clerk: ClerkRole

    def account(self, name: str) -> Address:
        return self.households[name].account

    def held(self, name: str, window: int = NOON) -> Held:
        return Held(name, self.account(name), window, self.households[name].address)

    async def enrol(self) -> None:
        """Certifies meters, and publishes where everybody is."""
        for name, role in self.households.items():
            meter = self.ledger.keys.account(f"{name} meter")
            until = self.ledger.now() + 10 * 86_400
            auditor = self.accounts.auditors[0]
            await self.ledger.certify(auditor, meter, role.account, MeterKind.HOUSEHOLD, until)
            info = ParticipantInfo(f"mango+local://street/{name}", name.encode().ljust(32), meter)
            await self.ledger.publish_info(role.account, info)

    async def record(self, name: str, *, claimed_wh: int | None = None) -> Reading:
        """Measures noon, keeps the raw data, and submits a reading: honest but for the claim."""
        meter = self.ledger.keys.account(f"{name} meter")
        batch = MeterBatch(name, meter, NOON, 900, "5a", STEPS)
        root = data_root(self.batches.put(batch))
        exported = batch.exported_wh if claimed_wh is None else claimed_wh
        reading = Reading(meter, NOON, exported, batch.imported_wh, 0, root)
        self.clock.set(window_end(NOON) + 60)
        signed = self.ledger.sign_reading(reading)
        await self.ledger.submit_readings(self.accounts.keeper, [signed])
        return reading

    async def confirm(self) -> list[object]:
        """Lets all treasurers confirm what they have heard of; the results of their writes."""
        results: list[object] = []
        for treasurer in self.treasurers:
            receipts, refused = await treasurer.confirm()
            assert refused == []
            results += [receipt.result for receipt in receipts]
        return results


@pytest.fixture
async def room(request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    """Messages take as long as the parameter says, by default nothing."""
    clock = ModelClock(window_start(NOON) - 7_200)
    ledger, accounts = ModelLedger.for_development(clock)
    container = create_ec_container(addr="street", clock=ExternalClock(clock.now()))
    lines = UnreliableLines(1, delay=getattr(request, "param", 0))
    post, bank, batches = Post(container, lines, SilentObserver()), Bank("test"), BatchStore()
    homes = {name: Installation(name, 4_000) for name in ("H01", "H02")}
    households = {
        name: VoterRole(post, name, ledger.keys.account(name), batches, voting_policy("", "manual"))
        for name in homes
    }
    auditors = [AuditorRole(post, each, ledger, homes, GERMANY) for each in accounts.auditors]
    treasurers = [TreasurerRole(post, each, ledger, bank) for each in accounts.treasurers]
    clerk = ClerkRole(post, accounts.operator)
    roles: dict[str, CouncilSpeaker] = {
        **households,
        **{f"auditor-{number}": role for number, role in enumerate(auditors, 1)},
        **{f"treasurer-{number}": role for number, role in enumerate(treasurers, 1)},
        "operator": clerk,
    }
    agents = {}
    for name, role in roles.items():
        agents[name] = container.register(StreetAgent(), suggested_aid=name)
        agents[name].add_role(MailRole(post))
        agents[name].add_role(role)
    post.serve(agents, {})
    doors = Doors(
        operator=clerk.address,
        auditors=tuple(each.address for each in auditors),
        treasurers=tuple(each.address for each in treasurers),
    )
    for role in roles.values():
        if isinstance(role, CouncilSide):
            role.introduce(doors)
    async with activate(container):
        yield Room(
            clock, ledger, accounts, post, bank, batches, households, auditors, treasurers, clerk
        )
        await post.close()
