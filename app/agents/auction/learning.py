"""The rule by which producers and consumers adjust a price or a quantity (Huang et al. 2022).

Equation 3 of the paper, "partial optimal response": who gained more than in the round before takes
a step up, who gained less a step down, and who gained about as much draws a random part of a step.
"""

from collections.abc import Callable
from dataclasses import dataclass

Draw = Callable[[], float]


@dataclass(slots=True)
class PartialResponse:
    """One quantity that is adjusted, with the running rewards of going up and down.

    `step` is the paper's delta p or delta q, `tolerance` its xi (both in the units of what they are
    compared with), `draw` gives numbers from 0 to 1.
    """

    step: float
    tolerance: float
    draw: Draw
    reward_up: float = 0.0
    reward_down: float = 0.0

    @property
    def chance_up(self) -> float:
        """The paper's pol: the share that going up has of all rewards; a half while none is known.

        Losses can make the shares of the paper's formula leave the range from 0 to 1; they are
        taken back into it.
        """
        total = self.reward_up + self.reward_down
        if total == 0:
            return 0.5
        return min(max(self.reward_up / total, 0.0), 1.0)

    def change(self, gain: float, gain_before: float) -> float:
        """By how much to change after a gain, in the light of the one before."""
        difference = gain - gain_before
        if difference > self.tolerance:
            self.reward_up += gain
            return self.step
        if difference < -self.tolerance:
            self.reward_down += gain
            return -self.step
        drawn = self.draw()
        return self.step * drawn if drawn < self.chance_up else -self.step * drawn
