"""Delivery windows and their phases (Mezquita et al. 2022, section 4.1).

A window is one delivery hour, numbered from the epoch. Energy for window `w` is offered and haggled
over until the commit margin, agreed on within the margin, delivered in the window, and settled
after it.
"""

from enum import StrEnum

WINDOW_LENGTH = 3_600
COMMIT_MARGIN = 300
GRACE_WINDOWS = 2
HOLD_WINDOWS = 6
MAX_HORIZON = 168


class Phase(StrEnum):
    """What can be done for a window at some moment."""

    TRADING = "trading"
    COMMIT = "commit"
    DELIVERY = "delivery"
    SETTLEMENT = "settlement"


def window_at(timestamp: int) -> int:
    """The window that a moment (seconds since the epoch) lies in."""
    return timestamp // WINDOW_LENGTH


def window_start(window: int) -> int:
    """First second of a window."""
    return window * WINDOW_LENGTH


def window_end(window: int) -> int:
    """First second after a window."""
    return (window + 1) * WINDOW_LENGTH


def commit_start(window: int) -> int:
    """First second of a window's commit margin: from here on only agreements are written."""
    return window_start(window) - COMMIT_MARGIN


def grace_end(window: int) -> int:
    """First second at which a window is settled whether or not its readings are in."""
    return window_end(window + GRACE_WINDOWS)


def hold_end(window: int) -> int:
    """First second at which a reading that auditors doubt holds nobody up any more."""
    return window_end(window + HOLD_WINDOWS)


def phase_of(window: int, timestamp: int) -> Phase:
    """The phase that a window is in at a moment."""
    if timestamp < commit_start(window):
        return Phase.TRADING
    if timestamp < window_start(window):
        return Phase.COMMIT
    if timestamp < window_end(window):
        return Phase.DELIVERY
    return Phase.SETTLEMENT
