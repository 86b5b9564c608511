from app.agents.devices.batches import MeterBatch, MeterStep
from app.agents.operator.external_market import Balance, ExternalMarketRole
from app.ledger.types import Event


def closed(net_wh: int, amount: int) -> Event:
    arguments = {"participant": "0x", "window": 5, "netWh": net_wh, "amount": amount}
    return Event("EnergyMarket", "PositionClosed", arguments)


def covered(energy_wh: int, amount: int) -> Event:
    arguments = {"participant": "0x", "window": 5, "energyWh": energy_wh, "amount": amount}
    return Event("EnergyMarket", "EnergyCovered", arguments)


def metered(name: str, *nets: int) -> MeterBatch:
    """A meter that saw these net exports in its steps."""
    steps = tuple(MeterStep(0, 0, max(net, 0), max(-net, 0)) for net in nets)
    return MeterBatch(name, "0x", 5, 1_800, "", steps)


def test_positions_and_cover_are_what_was_traded_with_the_grid() -> None:
    events = [closed(500, 40), closed(-200, 64), covered(30, 10), Event("X", "Other", {})]
    exchange = ExternalMarketRole().exchange(5, events, [])

    assert (exchange.export_wh, exchange.export_revenue) == (500, 40)
    assert (exchange.import_wh, exchange.import_cost) == (230, 74)


def test_neighbours_meet_before_anything_crosses_the_border() -> None:
    batches = [metered("H01", 500, -100), metered("H02", -300, -100)]
    exchange = ExternalMarketRole().exchange(5, [], batches)

    assert (exchange.feeder_export_wh, exchange.feeder_import_wh) == (200, 200)


def test_the_balance_of_a_window_is_kept() -> None:
    role = ExternalMarketRole()
    role.note([metered("H01", 500, -100), metered("H02", -300, -100)])

    assert role.balance(5) == Balance(exported_wh=500, imported_wh=500, load_wh=0, pv_wh=0)
    assert role.balance(6) is None
