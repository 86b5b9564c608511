"""The agents of a street, each a list of mango roles, put together from a scenario."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from mango import Role

from app.agents.agent import StreetAgent
from app.agents.analytics.forecaster import ForecasterRole
from app.agents.analytics.history import DataReaderRole, WindowEnergy
from app.agents.analytics.knowledge import KnowledgeExtractorRole
from app.agents.analytics.models import Model, make_model
from app.agents.auction.policy import buy_policy, sell_policy, storage_policy
from app.agents.auction.trader import AuctionRole
from app.agents.devices.batches import BatchStore, MeterBatch
from app.agents.devices.battery import BatteryStateRole
from app.agents.devices.meter import SmartMeterRole, StorageMeterRole
from app.agents.devices.panel import LoadRole, PanelRole, ProfileSource
from app.agents.directory import Directory, Member
from app.agents.governance.auditor import AuditorRole
from app.agents.governance.bank import Bank
from app.agents.governance.clerk import ClerkRole
from app.agents.governance.detection import installations_of
from app.agents.governance.household import NeighbourRole, VoterRole
from app.agents.governance.sun import GERMANY
from app.agents.governance.treasurer import TreasurerRole
from app.agents.governance.voting import voting_policy
from app.agents.negotiation.mail import MailRole
from app.agents.negotiation.post import Post
from app.agents.operator.book import AgreementBook
from app.agents.operator.external_market import ExternalMarketRole
from app.agents.operator.microgrid import MicrogridOperatorRole
from app.agents.operator.state_of_charge import StateOfChargeRole
from app.agents.randomness import rng_of
from app.agents.trading.buyer import BuyerRole
from app.agents.trading.policy import buyer_policy, seller_policy
from app.agents.trading.seller import SellerRole
from app.errors import NotFoundError
from app.ledger.protocol import Ledger
from app.scenario.scenario import CommunityBattery, Participant, Plugin, Scenario

OPERATOR = "operator"
TRUTHFUL = Plugin("truthful", {})
PLAN = Plugin("plan", {})

OfficeRole = TypeVar("OfficeRole", AuditorRole, TreasurerRole)


@dataclass(frozen=True, slots=True)
class Resident:
    """A member of the street with its agent, and the roles that the street calls on."""

    member: Member
    agent: StreetAgent
    meter: SmartMeterRole
    seller: SellerRole
    buyer: BuyerRole
    auction: AuctionRole
    neighbour: NeighbourRole

    @property
    def name(self) -> str:
        return self.member.name


@dataclass(frozen=True, slots=True)
class Household(Resident):
    """A home: it uses and generates, and trades what it forecasts."""

    reader: DataReaderRole
    knowledge: KnowledgeExtractorRole
    forecaster: ForecasterRole
    battery: BatteryStateRole | None
    load: LoadRole
    panel: PanelRole
    voter: VoterRole

    @property
    def plans_with_battery(self) -> bool:
        """Whether its battery covers its own lack; one that speculates has other things to do."""
        return self.battery is not None and self.auction.storage.speculator is None

    def energy_of(self, batch: MeterBatch) -> WindowEnergy:
        """What a window's data tells of windows like it: what was wanted, and could be generated.

        That is what was metered, but for loads that wait and generation that is held back.
        """
        return WindowEnergy(
            load_wh=sum(self.load.wanted_wh(batch.window))
            if self.load.is_deferrable
            else batch.load_wh,
            pv_wh=sum(self.panel.available_wh(batch.window))
            if self.panel.is_dispatchable
            else batch.pv_wh,
        )


@dataclass(frozen=True, slots=True)
class Storage(Resident):
    """The community battery."""

    battery: BatteryStateRole
    state_of_charge: StateOfChargeRole


@dataclass(frozen=True, slots=True)
class Operator:
    """The microgrid operator's agent."""

    agent: StreetAgent
    microgrid: MicrogridOperatorRole
    external_market: ExternalMarketRole
    clerk: ClerkRole


@dataclass(frozen=True, slots=True)
class Officer(Generic[OfficeRole]):
    """Somebody who holds an office, by the name under which its agent is known."""

    name: str
    agent: StreetAgent
    role: OfficeRole


@dataclass(frozen=True, slots=True)
class Bench:
    """Those whom the members trust with checking meters and with the bank account."""

    bank: Bank
    auditors: tuple[Officer[AuditorRole], ...]
    treasurers: tuple[Officer[TreasurerRole], ...]

    @property
    def agents(self) -> dict[str, StreetAgent]:
        """All agents by name."""
        named = [(each.name, each.agent) for each in self.auditors]
        return dict([*named, *((each.name, each.agent) for each in self.treasurers)])


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody in a street."""

    households: tuple[Household, ...]
    storage: Storage | None
    operator: Operator

    @property
    def all(self) -> tuple[Resident, ...]:
        """All who trade, in the directory's order: the battery last."""
        return (*self.households, *((self.storage,) if self.storage else ()))

    def in_turn(self, window: int) -> tuple[Resident, ...]:
        """All who trade, each window another household first; the battery last."""
        first = window % len(self.households)
        turned = (*self.households[first:], *self.households[:first])
        return (*turned, *((self.storage,) if self.storage else ()))

    def resident(self, name: str) -> Resident:
        """One who trades, by name; raises NotFoundError."""
        for resident in self.all:
            if resident.name == name:
                return resident
        raise NotFoundError(f"no resident {name!r}")

    def household(self, name: str) -> Household:
        """A home by name; raises NotFoundError."""
        for household in self.households:
            if household.name == name:
                return household
        raise NotFoundError(f"no household {name!r}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all agents of a street share."""

    scenario: Scenario
    profiles: ProfileSource
    ledger: Ledger
    post: Post
    batches: BatchStore


def make_population(
    around: Surroundings, directory: Directory, book_path: Path | None
) -> Population:
    """All agents of the scenario; raises ScenarioError for a plug-in that isn't known."""
    scenario = around.scenario
    return Population(
        households=tuple(
            make_household(around, participant, directory.member(participant.household))
            for participant in scenario.participants
        ),
        storage=make_storage(around, scenario.community_battery, directory.members[-1])
        if scenario.community_battery
        else None,
        operator=make_operator(around, directory, book_path),
    )


def make_household(around: Surroundings, participant: Participant, member: Member) -> Household:
    """The agent of a household; raises ScenarioError for a plug-in that isn't known."""
    name = participant.household
    field = f"participants.households.{name}"
    battery = BatteryStateRole(participant.battery) if participant.battery else None
    reader = DataReaderRole()
    knowledge = KnowledgeExtractorRole(_model_maker(f"{field}.forecaster", participant.forecaster))
    forecaster = ForecasterRole(name)
    meter = SmartMeterRole(
        name,
        member.meter,
        around.profiles.step_seconds,
        around.ledger,
        around.batches,
        rng_of(around.scenario.seed, f"{name}/meter"),
        battery_trades=participant.storage_orders is not None,
    )
    panel = PanelRole(name, around.profiles, dispatchable=participant.dispatchable)
    load = LoadRole(name, around.profiles, deferrable_hours=participant.deferrable_hours)
    seller, buyer = _traders(around, member, field, participant.seller, participant.buyer)
    auction = _auction_trader(
        around,
        member,
        field,
        (participant.sell_orders, participant.buy_orders, participant.storage_orders or PLAN),
        participant.deferrable_hours,
    )
    voter = VoterRole(
        around.post,
        name,
        member.account,
        around.batches,
        voting_policy(f"{field}.vote", participant.vote),
    )
    roles: list[Role] = [
        panel,
        load,
        meter,
        reader,
        knowledge,
        forecaster,
        seller,
        buyer,
        auction,
        voter,
    ]
    if battery is not None:
        roles.insert(2, battery)
    return Household(
        member=member,
        agent=_agent(around.post, roles),
        meter=meter,
        seller=seller,
        buyer=buyer,
        auction=auction,
        neighbour=voter,
        reader=reader,
        knowledge=knowledge,
        forecaster=forecaster,
        battery=battery,
        load=load,
        panel=panel,
        voter=voter,
    )


def make_storage(around: Surroundings, community: CommunityBattery, member: Member) -> Storage:
    """The agent of the community battery."""
    battery = BatteryStateRole(community.battery)
    meter = StorageMeterRole(
        member.name,
        member.meter,
        around.profiles.step_seconds,
        around.ledger,
        around.batches,
        rng_of(around.scenario.seed, f"{member.name}/meter"),
    )
    state_of_charge = StateOfChargeRole(member.account)
    field = "community_battery"
    seller, buyer = _traders(around, member, field, community.seller, community.buyer)
    auction = _auction_trader(around, member, field, (TRUTHFUL, TRUTHFUL, community.storage_orders))
    neighbour = NeighbourRole(around.post, member.name, member.account, around.batches)
    roles = [battery, meter, state_of_charge, seller, buyer, auction, neighbour]
    return Storage(
        member=member,
        agent=_agent(around.post, roles),
        meter=meter,
        seller=seller,
        buyer=buyer,
        auction=auction,
        neighbour=neighbour,
        battery=battery,
        state_of_charge=state_of_charge,
    )


def make_operator(
    around: Surroundings, directory: Directory, book_path: Path | None = None
) -> Operator:
    """The agent of the microgrid operator."""
    book = AgreementBook(book_path)
    terms_of = around.scenario.grid.terms_of
    microgrid = MicrogridOperatorRole(around.ledger, directory, terms_of, book)
    external_market = ExternalMarketRole()
    clerk = ClerkRole(around.post, directory.offices.operator)
    agent = _agent(around.post, [microgrid, external_market, clerk])
    return Operator(agent, microgrid, external_market, clerk)


def make_bench(around: Surroundings, directory: Directory, run: str) -> Bench:
    """The agents of auditors and treasurers, numbered from 1; the first of each is on duty.

    `run` names the transfers of their simulated bank.
    """
    bank = Bank(run)
    installations = installations_of(around.scenario)
    offices = directory.offices
    auditors = [
        AuditorRole(around.post, account, around.ledger, installations, GERMANY)
        for account in offices.auditors
    ]
    treasurers = [
        TreasurerRole(around.post, account, around.ledger, bank) for account in offices.treasurers
    ]
    return Bench(
        bank=bank,
        auditors=tuple(
            Officer(f"auditor-{number}", _agent(around.post, [role]), role)
            for number, role in enumerate(auditors, 1)
        ),
        treasurers=tuple(
            Officer(f"treasurer-{number}", _agent(around.post, [role]), role)
            for number, role in enumerate(treasurers, 1)
        ),
    )


def _traders(
    around: Surroundings, member: Member, field: str, selling: Plugin, buying: Plugin
) -> tuple[SellerRole, BuyerRole]:
    seed, name = around.scenario.seed, member.name
    seller = SellerRole(
        member.account,
        around.ledger,
        around.post,
        seller_policy(f"{field}.seller", selling),
        rng_of(seed, f"{name}/seller"),
    )
    buyer = BuyerRole(
        member.account,
        around.post,
        buyer_policy(f"{field}.buyer", buying),
        rng_of(seed, f"{name}/buyer"),
    )
    return seller, buyer


def _auction_trader(
    around: Surroundings,
    member: Member,
    field: str,
    strategies: tuple[Plugin, Plugin, Plugin],
    deferrable_hours: int = 0,
) -> AuctionRole:
    """Strategies are for selling, for buying and for the battery.

    They learn from window to window, so that their draws are one sequence for the whole run.
    """
    seed, name = around.scenario.seed, member.name
    selling, buying, storage = strategies
    return AuctionRole(
        name,
        member.account,
        around.ledger,
        sell_policy(f"{field}.sell_orders", selling, rng_of(seed, f"{name}/sell orders")(0).random),
        buy_policy(f"{field}.buy_orders", buying, rng_of(seed, f"{name}/buy orders")(0).random),
        storage_policy(f"{field}.storage_orders", storage),
        deferrable_hours=deferrable_hours,
    )


def _agent(post: Post, roles: list[Role]) -> StreetAgent:
    agent = StreetAgent()
    for role in [MailRole(post), *roles]:
        agent.add_role(role)
    return agent


def _model_maker(field: str, plugin: Plugin) -> Callable[[], Model]:
    """Makes models of one kind; the first call, here, shows a scenario's mistake."""
    make_model(field, plugin.name, plugin.parameters)
    return lambda: make_model(field, plugin.name, plugin.parameters)
