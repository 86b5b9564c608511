"""Random days on the model: the laws hold after every call, and a refused call changes nothing."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from app.errors import ContractRevertedError
from app.ledger.model import ModelClock, ModelLedger
from app.ledger.types import AgreementState, Receipt
from app.market.windows import window_start
from tests.ledger.books import ModelBooks, assert_conserved, page
from tests.ledger.calls import Call
from tests.ledger.random_day import RandomDay, Wait, model_people

START = window_start(500_000)
DAYS = int(os.environ.get("PEERWATT_MODEL_DAYS", "24"))

# What the days have to come across, lest they grow tame without anybody noticing.
EVENTS = {
    "BookCleared",
    "ClaimIncurred",
    "ClaimPaid",
    "CorrectionConfirmed",
    "DailyLimitSet",
    "DebtIncurred",
    "DebtPaid",
    "DefaultTermsSet",
    "DepositConfirmed",
    "DepositMinted",
    "Deposited",
    "EnergyCovered",
    "EnergyLost",
    "EnergyRetracted",
    "InfoPublished",
    "MeterCertified",
    "MeterRevoked",
    "OfferCancelled",
    "OfferMade",
    "OrderCancelled",
    "OrderExpired",
    "OrderFilled",
    "OrderPlaced",
    "OrderServed",
    "Paused",
    "PositionClosed",
    "PayoutConfirmed",
    "PricingRuleSet",
    "ReadingConfirmed",
    "ReadingCorrected",
    "ReadingHeld",
    "ReadingRecorded",
    "ReadingReleased",
    "RejectionConfirmed",
    "ReserveAttested",
    "RoleGranted",
    "RoleRevoked",
    "TermLimitsSet",
    "TermsPublished",
    "ThresholdSet",
    "TransactionAllowed",
    "TransactionMade",
    "TreasurySet",
    "Unpaused",
    "VenueSet",
    "WithdrawalBurned",
    "WithdrawalPaid",
    "WithdrawalRequested",
    "WithdrawalReturned",
    "Withdrawn",
}
ERRORS = {
    "AccessManagedUnauthorized",
    "AccessManagerUnauthorizedAccount",
    "AgreementExists",
    "AgreementExpired",
    "AgreementSettled",
    "AgreementUnknown",
    "AgreementsOpen",
    "AlreadyConfirmed",
    "AmountTooLarge",
    "AmountZero",
    "AuditTime",
    "BankReferenceUsed",
    "BatchTooLarge",
    "BookClosed",
    "BookEmpty",
    "BookIncomplete",
    "BookIsCleared",
    "CertificateInPast",
    "CommitPhaseOnly",
    "DailyLimitExceeded",
    "DebtOutstanding",
    "ERC20InsufficientAllowance",
    "ERC20InsufficientBalance",
    "ERC20InvalidReceiver",
    "EnergyTooLarge",
    "EnergyZero",
    "EnforcedPause",
    "ExpectedPause",
    "ExpiryTooEarly",
    "ExpiryTooLate",
    "FundsInsufficient",
    "InfoTooLong",
    "LengthMismatch",
    "LimitsInvalid",
    "LossesNotStorage",
    "MeterExpired",
    "MeterMismatch",
    "MeterTaken",
    "MeterUnknown",
    "NotCertified",
    "NotOwner",
    "NotParticipant",
    "NotSeller",
    "NotVenue",
    "OfferExceeded",
    "OfferIsCancelled",
    "OfferUnknown",
    "OrderInBook",
    "OrderMisplaced",
    "OrderNotInBook",
    "OrderUnknown",
    "PayoutTimeOver",
    "PayoutTimeRunning",
    "PositionIsClosed",
    "PositionOpen",
    "PriceOutOfRange",
    "ReadingConflict",
    "ReadingDoubted",
    "ReadingIsHeld",
    "ReadingMissing",
    "ReadingNotHeld",
    "ReadingTooEarly",
    "ReadingTooLarge",
    "ReadingTooLate",
    "ReadingUnknown",
    "ReadingUsed",
    "ReferenceMissing",
    "ReserveExceeded",
    "SelfTrade",
    "SellerMismatch",
    "SignatureInvalid",
    "TermsFrozen",
    "TermsOutOfLimits",
    "ThresholdZero",
    "WindowClosed",
    "WindowMismatch",
    "WindowNotOver",
    "WindowTooFar",
    "WithdrawalNotRequested",
    "ZeroAddress",
}


class Play:
    """Runs random days on the model of their own."""

    def __init__(self, seed: int) -> None:
        self._clock = ModelClock(START)
        self._ledger, _ = ModelLedger.for_development(self._clock)
        self.day = RandomDay(self._ledger, model_people(self._ledger), seed)
        self.books = ModelBooks(self._ledger)

    def calls(self) -> Iterator[Call]:
        for step in self.day.steps(hours=12):
            if isinstance(step, Wait):
                self._clock.set(step.until)
            else:
                yield step

    def run(self, call: Call) -> Receipt | ContractRevertedError:
        try:
            receipt = call.on_model(self._ledger)
        except ContractRevertedError as refusal:
            self.day.note_refusal()
            return refusal
        self.day.note_success(receipt)
        return receipt


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_random_day_keeps_the_laws(seed):
    play = Play(seed)
    books, cast = play.books, play.day.cast

    for call in play.calls():
        before = page(books, cast)
        if isinstance(play.run(call), ContractRevertedError):
            assert page(books, cast) == before
        else:
            assert_conserved(books, cast)

    assert all(books.state(a) is AgreementState.SETTLED for a in cast.agreements)
    assert books.orders(cast.orders) == []
    assert all(books.account(holder).locked == 0 for holder in cast.holders)


def test_random_days_come_across_every_event_and_error():
    seen: Counter[str] = Counter()
    for seed in range(40):
        play = Play(seed)
        for call in play.calls():
            outcome = play.run(call)
            if isinstance(outcome, ContractRevertedError):
                seen[outcome.error] += 1
            else:
                seen.update(event.name for event in outcome.events)

    assert set(seen) >= EVENTS | ERRORS


def test_the_same_seed_makes_the_same_day():
    one, other = Play(7), Play(7)
    outcomes = [[(call, str(play.run(call))) for call in play.calls()] for play in (one, other)]

    assert outcomes[0] == outcomes[1]
