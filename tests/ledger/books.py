"""What anybody can read of the contracts, and the laws that it obeys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.ledger.model import ModelLedger
from app.ledger.types import (
    Account,
    Address,
    Agreement,
    AgreementState,
    EnergyTotals,
    Offer,
    Position,
    RecordedReading,
    Terms,
)
from app.market.settlement import locks_of


@dataclass(frozen=True, slots=True)
class Supplies:
    """Totals of the two tokens."""

    energy_wh: int
    energy: EnergyTotals
    payment: int
    deposited: int
    withdrawn: int


class Books(Protocol):
    """Reads one implementation of the contracts."""

    market: Address

    def account(self, holder: Address) -> Account: ...
    def claim(self, holder: Address) -> int: ...
    def energy(self, holder: Address) -> int: ...
    def payment(self, holder: Address) -> int: ...
    def supplies(self) -> Supplies: ...
    def terms(self, window: int) -> Terms: ...
    def offers(self, window: int) -> list[Offer]: ...
    def state(self, agreement: Agreement) -> AgreementState: ...
    def position(self, participant: Address, window: int) -> Position: ...
    def reading(self, owner: Address, window: int) -> RecordedReading: ...


class ModelBooks:
    """The books of the model."""

    def __init__(self, ledger: ModelLedger) -> None:
        self._ledger = ledger
        self.market = ledger.energy_market.address

    def account(self, holder: Address) -> Account:
        return self._ledger.energy_market.account_of(holder)

    def claim(self, holder: Address) -> int:
        return self._ledger.energy_market.claim_of(holder)

    def energy(self, holder: Address) -> int:
        return self._ledger.energy_token.balance_of(holder)

    def payment(self, holder: Address) -> int:
        return self._ledger.payment_token.balance_of(holder)

    def supplies(self) -> Supplies:
        energy, payment = self._ledger.energy_token, self._ledger.payment_token
        return Supplies(
            energy.total_supply(),
            energy.energy_totals(),
            payment.total_supply(),
            payment.deposited_total(),
            payment.withdrawn_total(),
        )

    def terms(self, window: int) -> Terms:
        return self._ledger.energy_market.terms_of(window)

    def offers(self, window: int) -> list[Offer]:
        return self._ledger.energy_market.get_offers(window, 0, 256)[0]

    def state(self, agreement: Agreement) -> AgreementState:
        return self._ledger.energy_market.agreement_state(self._ledger.agreement_id(agreement))

    def position(self, participant: Address, window: int) -> Position:
        return self._ledger.energy_market.position_of(participant, window)

    def reading(self, owner: Address, window: int) -> RecordedReading:
        return self._ledger.meter_registry.reading_of(owner, window)


@dataclass(slots=True)
class Cast:
    """All that a story is about: nobody else holds anything, nothing else was agreed."""

    holders: list[Address]
    agreements: list[Agreement] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)


def balances(books: Books, cast: Cast) -> dict[str, object]:
    """All money and energy, to be compared with what other books say."""
    read: dict[str, object] = {"supplies": books.supplies()}
    for holder in [*cast.holders, books.market]:
        read[f"account {holder}"] = books.account(holder)
        read[f"claim {holder}"] = books.claim(holder)
        read[f"energy {holder}"] = books.energy(holder)
        read[f"payment {holder}"] = books.payment(holder)
    return read


def page(books: Books, cast: Cast) -> dict[str, object]:
    """All that can be read about a cast, to be compared with what other books say."""
    read = balances(books, cast)
    for window in cast.windows:
        read[f"terms {window}"] = books.terms(window)
        read[f"offers {window}"] = books.offers(window)
        for holder in cast.holders:
            read[f"position {holder} {window}"] = books.position(holder, window)
            read[f"reading {holder} {window}"] = books.reading(holder, window)
    for number, agreement in enumerate(cast.agreements):
        read[f"agreement {number}"] = books.state(agreement)
    return read


def assert_conserved(books: Books, cast: Cast) -> None:
    """The conservation laws of the market: nothing appears, vanishes or is promised twice."""
    accounts = {holder: books.account(holder) for holder in cast.holders}
    open_agreements = [a for a in cast.agreements if books.state(a) is AgreementState.OPEN]

    assert_tokens_conserved(books, cast.holders)
    money = sum(account.free + account.locked for account in accounts.values())
    assert books.payment(books.market) == money
    locked = locks_by_holder(books, open_agreements, cast.holders)
    assert {holder: account.locked for holder, account in accounts.items()} == locked
    assert_offers_kept(books, cast)
    assert_positions_know(books, open_agreements, cast)


def assert_tokens_conserved(books: Books, holders: Sequence[Address]) -> None:
    """Supply = what came in - what went out = what all hold together."""
    supplies = books.supplies()
    energy = supplies.energy

    assert supplies.energy_wh == energy.injected_wh - energy.withdrawn_wh - energy.lost_wh
    assert supplies.energy_wh == sum(books.energy(holder) for holder in holders)
    assert supplies.payment == supplies.deposited - supplies.withdrawn
    assert supplies.payment == sum(books.payment(h) for h in [*holders, books.market])


def locks_by_holder(
    books: Books, open_agreements: Iterable[Agreement], holders: Iterable[Address]
) -> dict[Address, int]:
    """What open agreements lock of each holder: escrows of buyers, bonds of sellers."""
    locked = dict.fromkeys(holders, 0)
    for agreement in open_agreements:
        locks = locks_of(agreement.energy_wh, agreement.price, books.terms(agreement.window))
        locked[agreement.buyer] += locks.escrow
        locked[agreement.seller] += locks.bond
    return locked


def assert_offers_kept(books: Books, cast: Cast) -> None:
    """No offer is agreed on beyond its energy, and it knows what was agreed."""
    agreed: dict[int, int] = {}
    for agreement in cast.agreements:
        agreed[agreement.offer_id] = agreed.get(agreement.offer_id, 0) + agreement.energy_wh
    for window in cast.windows:
        for offer in books.offers(window):
            assert offer.agreed_wh <= offer.energy_wh
            assert offer.agreed_wh == agreed.get(offer.id, 0)


def assert_positions_know(books: Books, open_agreements: Sequence[Agreement], cast: Cast) -> None:
    """A position counts its open agreements, as seller and as buyer."""
    expected = {(trader, a.window): 0 for a in cast.agreements for trader in (a.seller, a.buyer)}
    for agreement in open_agreements:
        expected[agreement.seller, agreement.window] += 1
        expected[agreement.buyer, agreement.window] += 1

    assert {at: books.position(*at).open_agreements for at in expected} == expected
