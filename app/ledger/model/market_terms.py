"""The model of `MarketTerms`: the grid's prices and the penalty, window by window."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.ledger.model.authority import Role
from app.ledger.model.contract import Contract
from app.ledger.model.genesis import TermLimits
from app.ledger.types import Address, Terms
from app.market.windows import window_at, window_start

MAX_BATCH = 100
MAX_PRICE = 2**32 - 1


@dataclass(frozen=True, slots=True)
class _WindowTerms:
    """Terms of one window; `frozen` by an offer."""

    terms: Terms
    frozen: bool


class MarketTerms(Contract):
    """Terms that the operator publishes within the members' limits."""

    def __init__(self, default_terms: Terms, term_limits: TermLimits) -> None:
        self._terms: dict[int, _WindowTerms] = {}
        self._defaults = {0: default_terms}
        self._term_limits = {"are": term_limits}

    def default_terms(self) -> Terms:
        """Terms of windows to come for which none are published."""
        return self._defaults[max(self._defaults)]

    def term_limits(self) -> TermLimits:
        """Bounds of the operator's terms."""
        return self._term_limits["are"]

    def terms_of(self, window: int) -> Terms:
        """Terms of one window: its own, or the default ones, which never change for past ones."""
        record = self._terms.get(window)
        if record is not None:
            return record.terms
        return self._defaults[max(first for first in self._defaults if first <= window)]

    def publish_terms(self, caller: Address, first_window: int, terms: Sequence[Terms]) -> None:
        """By the operator. Errors: BatchTooLarge, WindowClosed, TermsFrozen, TermsOutOfLimits."""
        self._restrict(caller, Role.OPERATOR)
        self._require_batch(len(terms))

        for window, of_window in enumerate(terms, first_window):
            start = window_start(window)
            self._require(self._now() < start, "WindowClosed", window=window, closedSince=start)
            record = self._terms.get(window)
            self._require(record is None or not record.frozen, "TermsFrozen", window=window)
            self._require_within(of_window, self.term_limits())

            self._journal.put(self._terms, window, _WindowTerms(of_window, frozen=False))
            self._emit("TermsPublished", window=window, **_named(of_window))

    def set_default_terms(self, caller: Address, terms: Terms) -> None:
        """From the next window on, by the operator. Errors: TermsOutOfLimits."""
        self._restrict(caller, Role.OPERATOR)
        self._require_within(terms, self.term_limits())

        first = window_at(self._now()) + 1
        self._journal.put(self._defaults, first, terms)
        self._emit("DefaultTermsSet", fromWindow=first, **_named(terms))

    def set_term_limits(self, caller: Address, limits: TermLimits) -> None:
        """By the members. Errors: LimitsInvalid, TermsOutOfLimits (of the default terms)."""
        self._restrict(caller, Role.MEMBERS)
        arguments = {
            "minGridFloor": limits.min_grid_floor,
            "maxGridCeiling": limits.max_grid_ceiling,
            "maxPenaltyRate": limits.max_penalty_rate,
        }
        self._require(
            limits.min_grid_floor <= limits.max_grid_ceiling <= MAX_PRICE
            and limits.max_penalty_rate <= MAX_PRICE,
            "LimitsInvalid",
            **arguments,
        )
        self._require_within(self.default_terms(), limits)

        self._journal.put(self._term_limits, "are", limits)
        self._emit("TermLimitsSet", **arguments)

    def _freeze_terms(self, window: int) -> None:
        record = self._terms.get(window)
        if record is None or not record.frozen:
            self._journal.put(self._terms, window, _WindowTerms(self.terms_of(window), frozen=True))

    def _require_batch(self, length: int) -> None:
        self._require(length <= MAX_BATCH, "BatchTooLarge", length=length, maximum=MAX_BATCH)

    def _require_within(self, terms: Terms, limits: TermLimits) -> None:
        self._require(
            limits.min_grid_floor
            <= terms.grid_floor
            <= terms.grid_ceiling
            <= limits.max_grid_ceiling
            and terms.penalty_rate <= limits.max_penalty_rate,
            "TermsOutOfLimits",
            **_named(terms),
        )


def _named(terms: Terms) -> dict[str, object]:
    """Terms under the contract's names."""
    return {
        "gridFloor": terms.grid_floor,
        "gridCeiling": terms.grid_ceiling,
        "penaltyRate": terms.penalty_rate,
    }
