"""Smart meters (Mezquita et al. 2022, SMA): what they see, keep and sign.

A household's meter stands between its home and the microgrid, so its battery shows only in the
balance. The community battery's meter stands between battery and microgrid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mango import Role

from app.agents.devices.batches import BatchStore, MeterBatch, MeterStep, data_root, read_batch
from app.agents.devices.battery import BatteryStateRole
from app.agents.devices.panel import LoadRole, PanelRole
from app.agents.randomness import RngOf
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Reading, SignedReading
from app.market.windows import WINDOW_LENGTH


@dataclass(slots=True)
class Agreed:
    """Energy that a participant has bought and sold for a window, in Wh."""

    bought_wh: int = 0
    sold_wh: int = 0


class SmartMeterRole(Role):  # type: ignore[misc] # mango has no types
    """Measures one grid connection, keeps the raw data, and signs the reading of a window."""

    def __init__(
        self,
        household: str,
        meter: Address,
        step_seconds: int,
        ledger: Ledger,
        store: BatchStore,
        salt_rng: RngOf,
        *,
        battery_trades: bool = False,
    ) -> None:
        """`salt_rng` makes salts that a simulation can repeat; a real meter draws true ones.

        With `battery_trades` the battery takes in what was bought besides what is used, and gives
        out what was sold.
        """
        super().__init__()
        self._household = household
        self._meter = meter
        self._step_seconds = step_seconds
        self._ledger = ledger
        self._store = store
        self._salt_rng = salt_rng
        self._battery_trades = battery_trades
        self._agreed: dict[int, Agreed] = {}

    def expect(self, window: int, *, bought_wh: int = 0, sold_wh: int = 0) -> None:
        """Lets the devices that can be told so act on what was agreed for a window."""
        agreed = self._agreed.setdefault(window, Agreed())
        agreed.bought_wh += bought_wh
        agreed.sold_wh += sold_wh

    def agreed_wh(self, window: int) -> int:
        """What was bought less what was sold for a window that is not measured yet."""
        agreed = self._agreed.get(window, Agreed())
        return agreed.bought_wh - agreed.sold_wh

    @property
    def step_seconds(self) -> int:
        return self._step_seconds

    def batch(self, window: int) -> MeterBatch:
        """The raw data of a window that is over: measured once, then always the same."""
        stored = self._store.find(self._household, window)
        if stored is not None:
            return read_batch(stored)
        batch = MeterBatch(
            household=self._household,
            meter=self._meter,
            window=window,
            step_seconds=self._step_seconds,
            salt=self._salt_rng(window).bytes(16).hex(),
            steps=tuple(self._measure(window)),
        )
        self._store.put(batch)
        return batch

    def sign(self, batch: MeterBatch) -> SignedReading:
        """The signed reading of a batch. What a household's battery loses is its own affair."""
        return self._ledger.sign_reading(
            Reading(
                meter=self._meter,
                window=batch.window,
                exported_wh=batch.exported_wh,
                imported_wh=batch.imported_wh,
                losses_wh=self._reported_losses(batch),
                data_root=data_root(batch.content()),
            )
        )

    def _reported_losses(self, batch: MeterBatch) -> int:
        return 0

    def _measure(self, window: int) -> Sequence[MeterStep]:
        agreed = self._agreed.pop(window, Agreed())
        bought = agreed.bought_wh - agreed.sold_wh
        panel = self.context.get_role(PanelRole)
        available = max(sum(panel.available_wh(window)) + bought, 0)
        used = self.context.get_role(LoadRole).used_wh(window, available)
        generated = panel.generated_wh(window, sum(used) - bought)
        charging = _even(bought if self._battery_trades else 0, len(used))
        battery = self.context.get_role(BatteryStateRole)
        steps = []
        for load, pv, ordered in zip(used, generated, charging, strict=True):
            surplus = pv - load
            if battery is None:
                steps.append(MeterStep(load, pv, max(surplus, 0), max(-surplus, 0)))
                continue
            flow = battery.step(surplus + ordered, self._step_seconds)
            net = surplus - flow.charged_wh + flow.discharged_wh
            steps.append(
                MeterStep(
                    load_wh=load,
                    pv_wh=pv,
                    exported_wh=max(net, 0),
                    imported_wh=max(-net, 0),
                    charged_wh=flow.charged_wh,
                    discharged_wh=flow.discharged_wh,
                    lost_wh=flow.lost_wh,
                    stored_wh=flow.stored_wh,
                )
            )
        return steps


class StorageMeterRole(SmartMeterRole):
    """The meter of the community battery: what it takes in it imports, and it reports losses.

    The battery takes in what it has bought for a window and gives out what it has sold, evenly over
    the window.
    """

    def _reported_losses(self, batch: MeterBatch) -> int:
        return batch.lost_wh

    def _measure(self, window: int) -> Sequence[MeterStep]:
        battery = self.context.get_role(BatteryStateRole)
        count = WINDOW_LENGTH // self._step_seconds
        agreed = self._agreed.pop(window, Agreed())
        steps = []
        for charging in _even(agreed.bought_wh - agreed.sold_wh, count):
            flow = battery.step(charging, self._step_seconds)
            steps.append(
                MeterStep(
                    load_wh=0,
                    pv_wh=0,
                    exported_wh=flow.discharged_wh,
                    imported_wh=flow.charged_wh,
                    charged_wh=flow.charged_wh,
                    discharged_wh=flow.discharged_wh,
                    lost_wh=flow.lost_wh,
                    stored_wh=flow.stored_wh,
                )
            )
        return steps


def _even(energy_wh: int, count: int) -> list[int]:
    """Energy, spread evenly over a number of steps; the parts sum up to it."""
    so_far = [energy_wh * number // count for number in range(count + 1)]
    return [after - before for before, after in pairwise(so_far)]
