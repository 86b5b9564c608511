"""The connection to the grid (Mezquita et al. 2022, EMI): what went through it, at what prices."""

from collections.abc import Sequence
from dataclasses import dataclass

from mango import Role

from app.agents.devices.batches import MeterBatch
from app.ledger.types import Event


@dataclass(frozen=True, slots=True)
class GridExchange:
    """One window at the border of the microgrid. Energy in Wh, money in 1e-6.

    `import_wh` and `export_wh` are what participants bought from the grid and sold to it when their
    positions were closed; `feeder_*` is what physically flowed, step by step, where neighbours'
    surplus and lack meet before anything crosses the border.
    """

    window: int
    import_wh: int
    import_cost: int
    export_wh: int
    export_revenue: int
    feeder_import_wh: int
    feeder_export_wh: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The meters of all homes in one window, in Wh."""

    exported_wh: int
    imported_wh: int
    load_wh: int
    pv_wh: int


class ExternalMarketRole(Role):  # type: ignore[misc] # mango has no types
    """Watches what the microgrid exchanges with the grid."""

    def __init__(self) -> None:
        super().__init__()
        self._balances: dict[int, Balance] = {}

    def balance(self, window: int) -> Balance | None:
        """What all homes saw together; None for a window that was not metered."""
        return self._balances.get(window)

    def note(self, batches: Sequence[MeterBatch]) -> None:
        """Takes the batches of all homes for one window."""
        if batches:
            self._balances[batches[0].window] = Balance(
                exported_wh=sum(batch.exported_wh for batch in batches),
                imported_wh=sum(batch.imported_wh for batch in batches),
                load_wh=sum(batch.load_wh for batch in batches),
                pv_wh=sum(batch.pv_wh for batch in batches),
            )

    def exchange(
        self, window: int, events: Sequence[Event], batches: Sequence[MeterBatch]
    ) -> GridExchange:
        """The exchange of a window, from the ledger's events and the meters' raw data."""
        imports = [_net(event) for event in events if _net(event)[0] < 0]
        exports = [_net(event) for event in events if _net(event)[0] > 0]
        flows = _feeder_flows(batches)
        return GridExchange(
            window=window,
            import_wh=-sum(net for net, _ in imports),
            import_cost=sum(amount for _, amount in imports),
            export_wh=sum(net for net, _ in exports),
            export_revenue=sum(amount for _, amount in exports),
            feeder_import_wh=-sum(flow for flow in flows if flow < 0),
            feeder_export_wh=sum(flow for flow in flows if flow > 0),
        )


def _net(event: Event) -> tuple[int, int]:
    """Energy to the grid (or, negative, from it) that an event tells of, and the money for it."""
    if event.name not in ("PositionClosed", "EnergyCovered"):
        return 0, 0
    amount = int(str(event.arguments["amount"]))
    if event.name == "EnergyCovered":
        return -int(str(event.arguments["energyWh"])), amount
    return int(str(event.arguments["netWh"])), amount


def _feeder_flows(batches: Sequence[MeterBatch]) -> list[int]:
    """Wh that leave the microgrid in each step (negative: come in)."""
    steps = zip(*(batch.steps for batch in batches), strict=True)
    return [sum(meter.exported_wh - meter.imported_wh for meter in step) for step in steps]
