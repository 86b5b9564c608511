"""Smart meters (Mezquita et al. 2022, SMA): what they see, keep and sign.

A household's meter stands between its home and the microgrid, so its battery shows only in the
balance. The community battery's meter stands between battery and microgrid.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mango import Role

from app.agents.devices.batches import BatchStore, MeterBatch, MeterStep, data_root, read_batch
from app.agents.devices.battery import BatteryStateRole
from app.agents.devices.panel import LoadRole, PanelRole
from app.agents.randomness import RngOf
from app.ledger.protocol import Ledger
from app.ledger.types import Address, Reading, SignedReading
from app.market.windows import WINDOW_LENGTH


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
    ) -> None:
        """`salt_rng` makes salts that a simulation can repeat; a real meter draws true ones."""
        super().__init__()
        self._household = household
        self._meter = meter
        self._step_seconds = step_seconds
        self._ledger = ledger
        self._store = store
        self._salt_rng = salt_rng

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
        used = self.context.get_role(LoadRole).used_wh(window)
        generated = self.context.get_role(PanelRole).generated_wh(window)
        battery = self.context.get_role(BatteryStateRole)
        steps = []
        for load, pv in zip(used, generated, strict=True):
            surplus = pv - load
            if battery is None:
                steps.append(MeterStep(load, pv, max(surplus, 0), max(-surplus, 0)))
                continue
            flow = battery.step(surplus, self._step_seconds)
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._agreed: dict[int, int] = {}

    def expect(self, window: int, energy_wh: int) -> None:
        """What the battery takes in (or, negative, gives out) in a window, besides the rest."""
        self._agreed[window] = self._agreed.get(window, 0) + energy_wh

    def _reported_losses(self, batch: MeterBatch) -> int:
        return batch.lost_wh

    def _measure(self, window: int) -> Sequence[MeterStep]:
        battery = self.context.get_role(BatteryStateRole)
        count = WINDOW_LENGTH // self._step_seconds
        agreed = self._agreed.pop(window, 0)
        so_far = [agreed * number // count for number in range(count + 1)]
        steps = []
        for before, after in pairwise(so_far):
            flow = battery.step(after - before, self._step_seconds)
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
