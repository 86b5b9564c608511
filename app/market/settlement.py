"""What an agreement locks, what a delivery pays, what the rest of a reading costs.

Exact integers: energy in Wh, money in 1e-6, prices and rates in money per kWh. Amounts are rounded
against whoever asked: up where they are locked or charged, down where they are paid out
(`app.market.units`). The same formulas as the contract `EnergyMarket`, to the unit. The workflow is
that of Mezquita et al. 2022, section 4.1.
"""

from dataclasses import dataclass

from app.ledger.types import RecordedReading, Terms
from app.market.units import cost_down, cost_up


@dataclass(frozen=True, slots=True)
class Locks:
    """Money that an agreement locks until it is settled."""

    escrow: int
    bond: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one agreement comes to when the readings of its window are in.

    The buyer was charged `charged` for `delivered_wh` and got `compensation` for `shortfall_wh`;
    the seller was paid `paid` and lost `forfeited` of its bond. The rests go to the treasury.
    """

    delivered_wh: int
    shortfall_wh: int
    charged: int
    paid: int
    forfeited: int
    compensation: int

    @property
    def penalty(self) -> int:
        """The treasury's part, with all dust: (charged - paid) + (forfeited - compensation)."""
        return self.charged - self.paid + self.forfeited - self.compensation


@dataclass(frozen=True, slots=True)
class GridTrade:
    """How a participant's window closes against the grid.

    `net_wh` > 0 was left over and is sold to the grid for `amount`; `net_wh` < 0 was lacking and is
    bought for `amount`. `withdrawn_wh` leave the microgrid, for the participant's own consumption
    or for the grid, and `lost_wh` vanish in its storage. `retracted_wh` had come into being for an
    export that there was not.
    """

    net_wh: int
    amount: int
    withdrawn_wh: int
    lost_wh: int = 0
    retracted_wh: int = 0

    @property
    def surplus_wh(self) -> int:
        """Energy sold to the grid."""
        return max(self.net_wh, 0)

    @property
    def lack_wh(self) -> int:
        """Energy bought from the grid."""
        return max(-self.net_wh, 0)


def failure_rate(price: int, terms: Terms) -> int:
    """What a kWh that is not delivered costs its seller, in money per kWh.

    `ceiling - price` makes up for what the buyer now pays the grid; the penalty comes on top.
    """
    return terms.grid_ceiling - price + terms.penalty_rate


def locks_of(energy_wh: int, price: int, terms: Terms) -> Locks:
    """What an agreement locks at `floor <= price <= ceiling`.

    escrow = up(energy * price), the buyer's whole payment;
    bond = up(energy * (ceiling - price + penalty rate)), what a total failure costs the seller.
    """
    return Locks(
        escrow=cost_up(energy_wh, price),
        bond=cost_up(energy_wh, failure_rate(price, terms)),
    )


def delivered_of(agreed_wh: int, exported_wh: int, total_agreed_wh: int) -> int:
    """Part of an agreement that was delivered: agreed * min(1, exported / total), rounded down.

    `total_agreed_wh` is all that the seller agreed for the window, whether settled or not, so that
    the part doesn't depend on the order of settlements. The parts never sum up to more than
    `exported_wh`.
    """
    if exported_wh >= total_agreed_wh:
        return agreed_wh
    return agreed_wh * exported_wh // total_agreed_wh


def settle_delivery(
    agreed_wh: int, price: int, exported_wh: int, total_agreed_wh: int, terms: Terms
) -> Delivery:
    """Settles one agreement from its seller's metered export; a missing reading is export 0.

    charged = up(delivered * price), paid = down(delivered * price),
    forfeited = up(shortfall * (ceiling - price + penalty rate)),
    compensation = down(shortfall * (ceiling - price)).

    Never more than what is locked: charged <= escrow, forfeited <= bond.
    """
    delivered_wh = delivered_of(agreed_wh, exported_wh, total_agreed_wh)
    shortfall_wh = agreed_wh - delivered_wh
    return Delivery(
        delivered_wh=delivered_wh,
        shortfall_wh=shortfall_wh,
        charged=cost_up(delivered_wh, price),
        paid=cost_down(delivered_wh, price),
        forfeited=cost_up(shortfall_wh, failure_rate(price, terms)),
        compensation=cost_down(shortfall_wh, terms.grid_ceiling - price),
    )


def missing_of(needed_wh: int, balance_wh: int) -> int:
    """Energy tokens that the grid has to feed in before `needed_wh` can be taken from a balance.

    Who owes tokens may have given them away; nobody else shall wait for that.
    """
    return max(0, needed_wh - balance_wh)


def cover_cost(missing_wh: int, terms: Terms) -> int:
    """What that costs whoever lacked them: up(missing * ceiling)."""
    return cost_up(missing_wh, terms.grid_ceiling)


def close_position(
    reading: RecordedReading, sold_wh: int, bought_wh: int, terms: Terms
) -> GridTrade:
    """Closes a window in which a participant sold and bought so much.

    held = exported - sold + bought; net = held - imported. A surplus is sold at the floor for
    down(net * floor); a lack is bought at the ceiling for up(-net * ceiling). From a household
    consumption and surplus leave: max(held, imported). What a storage took in stays in the
    microgrid, so that only its surplus leaves and its losses vanish. Without a reading it counts as
    exported what was sold and as imported what was bought: net = 0.
    """
    exported_wh = reading.exported_wh if reading.recorded else sold_wh
    imported_wh = reading.imported_wh if reading.recorded else bought_wh
    held_wh = exported_wh - sold_wh + bought_wh
    net_wh = held_wh - imported_wh
    return GridTrade(
        net_wh=net_wh,
        amount=_grid_amount(net_wh, terms),
        withdrawn_wh=max(net_wh, 0) if reading.is_storage else max(held_wh, imported_wh),
        lost_wh=reading.losses_wh,
        retracted_wh=reading.retracted_wh,
    )


def _grid_amount(net_wh: int, terms: Terms) -> int:
    if net_wh >= 0:
        return cost_down(net_wh, terms.grid_floor)
    return cost_up(-net_wh, terms.grid_ceiling)
