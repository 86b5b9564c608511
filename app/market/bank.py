"""How long money takes between the bank and the market, as the Treasury contract has it."""

PAYOUT_TIME = 7 * 86_400
"""Seconds in which a withdrawal is paid out, or can be returned."""
