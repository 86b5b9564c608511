"""When agents haggle for a window: every moment in market seconds, none read from a machine.

The hour before the delivery window, in seconds from its start:

    600           offers are on the ledger
    900           calls for proposals, then `rounds` rounds of bids and asks
    until 3240    closing: CLOSING_STEPS steps. In each, first buyers bid, then sellers make the
                  best bids firm proposals, then buyers sign the cheapest of these.
    3300          commit margin: sellers write what was signed, and the operator clears the auction

Where a street trades in the auction alone, orders go out when offers would; where it does so after
the negotiation, that ends at 3000, and orders follow.
"""

from dataclasses import dataclass

from app.market.windows import WINDOW_LENGTH, commit_start, window_start

READINGS_AT = 60
SETTLEMENT_AT = 120
OFFERS_AT = 600
STORAGE_OFFERS_AT = 660
OPENING_AT = 900
CLOSING_STEPS = 5
WRITING_DELAY = 10
ORDERS_BEFORE_COMMIT = 300
LAST_ORDERS_BEFORE_COMMIT = 60
_END_BEFORE_COMMIT = 60
_LEAST_STEP = 30
_MOST_STEP = 180


@dataclass(frozen=True, slots=True)
class Timetable:
    """The moments of one window's negotiation; all are seconds since the epoch."""

    window: int
    opening: int
    closing: int
    closing_step: int
    round_times: tuple[int, ...]
    timeout: int

    @property
    def offers(self) -> int:
        return self.opening - OPENING_AT + OFFERS_AT

    @property
    def storage_offers(self) -> int:
        """When the community battery has seen the offers of the others."""
        return self.opening - OPENING_AT + STORAGE_OFFERS_AT

    @property
    def last_call(self) -> int:
        """From here on whoever still wants to trade takes what its limit allows."""
        return self.bidding(CLOSING_STEPS - 1)

    @property
    def end(self) -> int:
        """Nobody haggles any more."""
        return self.closing + CLOSING_STEPS * self.closing_step

    @property
    def writing(self) -> int:
        """When sellers write their agreements, within the commit margin."""
        return commit_start(self.window) + WRITING_DELAY

    @property
    def last_orders(self) -> int:
        """When the last orders for the auction are placed."""
        return commit_start(self.window) - LAST_ORDERS_BEFORE_COMMIT

    @property
    def deadline(self) -> int:
        """Last second at which an agreement may be written."""
        return window_start(self.window) - 1

    def bidding(self, step: int) -> int:
        """When buyers bid in a closing step."""
        return self.closing + step * self.closing_step

    def awarding(self, step: int) -> int:
        """When sellers make the best bids of a closing step firm."""
        return self.bidding(step) + self.closing_step // 3

    def choosing(self, step: int) -> int:
        """When buyers sign the cheapest firm proposals of a closing step."""
        return self.bidding(step) + 2 * self.closing_step // 3

    def elapsed(self, now: int) -> float:
        """Part of the negotiation that has passed, 0 to 1; 1 from the last call on."""
        span = self.last_call - self.opening
        return min(max((now - self.opening) / span, 0.0), 1.0)

    def is_open(self, now: int) -> bool:
        """Whether agents negotiate at this moment."""
        return self.opening <= now < self.end

    def collects_bids(self, now: int) -> bool:
        """Whether sellers wait for more bids before they make any firm."""
        return now < self.closing or self._within_step(now) < self.closing_step // 3

    def collects_proposals(self, now: int) -> bool:
        """Whether buyers wait for more firm proposals before they sign any."""
        within = self._within_step(now)
        third = self.closing_step // 3
        return self.closing <= now < self.end and third <= within < 2 * third

    def next_step(self, now: int) -> int:
        """When the closing step after this moment begins."""
        return now - self._within_step(now) + self.closing_step

    def _within_step(self, now: int) -> int:
        return (now - self.closing) % self.closing_step


def timetable_of(
    window: int, rounds: int, timeout: int, *, then_auction: bool = False
) -> Timetable:
    """The timetable for a window; `timeout` is the market seconds that an answer may take.

    With `then_auction` the negotiation ends early enough to order what it has left over.
    """
    opening = window_start(window) - WINDOW_LENGTH + OPENING_AT
    end = commit_start(window) - (ORDERS_BEFORE_COMMIT if then_auction else _END_BEFORE_COMMIT)
    step = min(max(timeout, _LEAST_STEP), _MOST_STEP) // 3 * 3
    closing = end - CLOSING_STEPS * step
    return Timetable(
        window=window,
        opening=opening,
        closing=closing,
        closing_step=step,
        round_times=tuple(
            opening + (closing - opening) * number // (rounds + 1)
            for number in range(1, rounds + 1)
        ),
        timeout=timeout,
    )
