import pytest

from app.agents.agent import StreetAgent
from app.agents.devices.battery import BatteryStateRole
from app.agents.operator.state_of_charge import StateOfChargeRole, StoragePlan
from app.ledger.types import Event
from app.scenario.scenario import Battery
from tests.agents.conftest import TERMS, WINDOW

BATTERY = Battery(capacity_wh=100_000, power_w=50_000, efficiency_permille=920, initial_wh=50_000)


@pytest.fixture
async def battery() -> BatteryStateRole:
    return BatteryStateRole(BATTERY)


@pytest.fixture
async def role(battery: BatteryStateRole) -> StateOfChargeRole:
    role = StateOfChargeRole("0xbattery")
    agent = StreetAgent()
    agent.add_role(battery)
    agent.add_role(role)
    return role


def settled(seller: str, buyer: str, delivered_wh: int, paid: int) -> Event:
    arguments = {"seller": seller, "buyer": buyer, "deliveredWh": delivered_wh, "paid": paid}
    return Event("EnergyMarket", "TransactionMade", arguments)


def planned(
    role: StateOfChargeRole,
    *,
    offered_wh: int,
    demand_wh: int | None,
    tokens_wh: int = 10**6,
) -> StoragePlan:
    return role.plan(WINDOW, TERMS, offered_wh, demand_wh, tokens_wh)


async def test_it_sells_when_others_offer_less_than_is_used(role: StateOfChargeRole) -> None:
    decision = planned(role, offered_wh=5_000, demand_wh=20_000)

    assert (decision.sell_wh, decision.buy_wh) == (50_000, 0)


async def test_it_buys_when_others_offer_more_than_is_used(role: StateOfChargeRole) -> None:
    decision = planned(role, offered_wh=60_000, demand_wh=20_000)

    assert (decision.sell_wh, decision.buy_wh) == (0, 50_000)


async def test_at_the_start_it_goes_by_the_offers_alone(role: StateOfChargeRole) -> None:
    assert planned(role, offered_wh=0, demand_wh=None).sell_wh > 0
    assert planned(role, offered_wh=5_000, demand_wh=None).buy_wh == 5_000


@pytest.mark.parametrize(("tokens", "sold"), [(30_000, 30_000), (99, 0), (0, 0)])
async def test_it_sells_no_more_than_it_has_tokens_for(
    role: StateOfChargeRole, tokens: int, sold: int
) -> None:
    decision = planned(role, offered_wh=0, demand_wh=20_000, tokens_wh=tokens)
    assert decision.sell_wh == sold


async def test_it_buys_no_more_than_fits(
    role: StateOfChargeRole, battery: BatteryStateRole
) -> None:
    battery.restore(95_400)
    assert planned(role, offered_wh=60_000, demand_wh=0).buy_wh == 5_000


async def test_what_is_agreed_for_the_hour_before_is_counted(
    role: StateOfChargeRole, battery: BatteryStateRole
) -> None:
    battery.restore(40_000)
    role.note_agreed(WINDOW - 1, -30_000)
    selling = planned(role, offered_wh=0, demand_wh=20_000, tokens_wh=35_000)
    assert selling.sell_wh == 5_000

    battery.restore(72_400)
    role.note_agreed(WINDOW - 1, 30_000 + 25_000)
    assert planned(role, offered_wh=60_000, demand_wh=0).buy_wh == 5_000


async def test_it_buys_below_what_it_sells_for_and_never_sells_below_its_cost(
    role: StateOfChargeRole,
) -> None:
    role.note_settled([settled("0xhome", "0xbattery", 10_000, 1_500_000)])
    reserve = planned(role, offered_wh=0, demand_wh=1).reserve_price
    assert 1_500_000 * 1_000 // 9_200 < reserve < 180_000

    role.note_settled([settled("0xbattery", "0xhome", 5_000, 1_250_000)])
    limit = planned(role, offered_wh=60_000, demand_wh=0).limit_price
    assert limit == 250_000 * 920 // 1_000 * 950 // 1_000


async def test_without_experience_it_reckons_with_the_middle_of_the_grids_prices(
    role: StateOfChargeRole,
) -> None:
    assert planned(role, offered_wh=60_000, demand_wh=0).limit_price == 174_800
    assert planned(role, offered_wh=0, demand_wh=1).reserve_price == TERMS.grid_floor


async def test_other_peoples_trades_teach_it_nothing(role: StateOfChargeRole) -> None:
    role.note_settled([settled("0xhome", "0xother", 10_000, 1_500_000)])
    role.note_settled([settled("0xhome", "0xbattery", 0, 0)])

    assert planned(role, offered_wh=0, demand_wh=1).reserve_price == TERMS.grid_floor
