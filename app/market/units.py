"""Units of the market, and money for energy.

Integers everywhere: energy in Wh, money in 1e-6 of the currency, prices in money per kWh.
"""

from decimal import Decimal

WH_PER_KWH = 1_000
MONEY_UNIT = 1_000_000


def cost_down(energy_wh: int, price_per_kwh: int) -> int:
    """Money for energy, rounded down: what is paid out."""
    return energy_wh * price_per_kwh // WH_PER_KWH


def cost_up(energy_wh: int, price_per_kwh: int) -> int:
    """Money for energy, rounded up: what is locked or charged."""
    return -(-energy_wh * price_per_kwh // WH_PER_KWH)


def money_from_decimal(value: Decimal) -> int:
    """Money in 1e-6 units; raises ValueError where `value` has more than six decimals."""
    scaled = value * MONEY_UNIT
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has more than six decimals")
    return int(scaled)
