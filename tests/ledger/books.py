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
    Book,
    BookState,
    EnergyTotals,
    Lapses,
    Offer,
    Order,
    Position,
    RecordedReading,
    Reserve,
    Side,
    Terms,
    Withdrawal,
    WithdrawalState,
)
from app.market.auction import cover_rate
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
    bank: Address

    def account(self, holder: Address) -> Account: ...
    def claim(self, holder: Address) -> int: ...
    def energy(self, holder: Address) -> int: ...
    def payment(self, holder: Address) -> int: ...
    def supplies(self) -> Supplies: ...
    def terms(self, window: int) -> Terms: ...
    def offers(self, window: int) -> list[Offer]: ...
    def orders(self, order_ids: Sequence[int]) -> list[Order]:
        """What is left of those that have energy left."""
        ...

    def book(self, window: int) -> Book: ...
    def state(self, agreement: Agreement) -> AgreementState: ...
    def position(self, participant: Address, window: int) -> Position: ...
    def reading(self, owner: Address, window: int) -> RecordedReading: ...
    def lapses(self, participant: Address, window: int) -> Lapses: ...
    def reserve(self) -> Reserve: ...
    def withdrawal(self, withdrawal_id: int) -> Withdrawal: ...


class ModelBooks:
    """The books of the model."""

    def __init__(self, ledger: ModelLedger) -> None:
        self._ledger = ledger
        self.market = ledger.energy_market.address
        self.bank = ledger.bank.address

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

    def orders(self, order_ids: Sequence[int]) -> list[Order]:
        return self._ledger.call_auction.get_orders(order_ids)

    def book(self, window: int) -> Book:
        return self._ledger.call_auction.book_of(window)

    def state(self, agreement: Agreement) -> AgreementState:
        return self._ledger.energy_market.agreement_state(self._ledger.agreement_id(agreement))

    def position(self, participant: Address, window: int) -> Position:
        return self._ledger.energy_market.position_of(participant, window)

    def reading(self, owner: Address, window: int) -> RecordedReading:
        return self._ledger.meter_registry.reading_of(owner, window)

    def lapses(self, participant: Address, window: int) -> Lapses:
        return self._ledger.energy_market.lapses_of(participant, window, 1)

    def reserve(self) -> Reserve:
        return self._ledger.bank.statement()

    def withdrawal(self, withdrawal_id: int) -> Withdrawal:
        return self._ledger.bank.withdrawal_of(withdrawal_id)


@dataclass(slots=True)
class Cast:
    """All that a story is about: nobody else holds anything, nothing else was agreed."""

    holders: list[Address]
    agreements: list[Agreement] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)
    withdrawals: list[int] = field(default_factory=list)


def balances(books: Books, cast: Cast) -> dict[str, object]:
    """All money and energy, to be compared with what other books say."""
    read: dict[str, object] = {"supplies": books.supplies(), "reserve": books.reserve()}
    for holder in [*cast.holders, books.market, books.bank]:
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
        read[f"book {window}"] = books.book(window)
        for holder in cast.holders:
            read[f"position {holder} {window}"] = books.position(holder, window)
            read[f"reading {holder} {window}"] = books.reading(holder, window)
            read[f"lapses {holder} {window}"] = books.lapses(holder, window)
    read["orders"] = books.orders(cast.orders)
    for number in cast.withdrawals:
        read[f"withdrawal {number}"] = books.withdrawal(number)
    for number, agreement in enumerate(cast.agreements):
        read[f"agreement {number}"] = books.state(agreement)
    return read


def assert_conserved(books: Books, cast: Cast) -> None:
    """The conservation laws of the market: nothing appears, vanishes or is promised twice."""
    accounts = {holder: books.account(holder) for holder in cast.holders}
    open_agreements = [a for a in cast.agreements if books.state(a) is AgreementState.OPEN]
    orders = books.orders(cast.orders)

    assert_tokens_conserved(books, cast.holders)
    assert_bank_keeps(books, cast)
    money = sum(account.free + account.locked for account in accounts.values())
    assert books.payment(books.market) == money
    locked = locks_by_holder(books, open_agreements, orders, cast.holders)
    assert {holder: account.locked for holder, account in accounts.items()} == locked
    assert_offers_kept(books, cast)
    assert_positions_know(books, open_agreements, cast)
    assert_books_count(books, orders, cast)


def assert_tokens_conserved(books: Books, holders: Sequence[Address]) -> None:
    """Supply = what came in - what went out = what all hold together."""
    supplies = books.supplies()
    energy = supplies.energy

    assert supplies.energy_wh == energy.injected_wh - energy.withdrawn_wh - energy.lost_wh
    assert supplies.energy_wh == sum(books.energy(holder) for holder in holders)
    assert supplies.payment == supplies.deposited - supplies.withdrawn
    assert supplies.payment == sum(books.payment(h) for h in [*holders, books.market, books.bank])


def assert_bank_keeps(books: Books, cast: Cast) -> None:
    """The bank holds what is requested of it, and there are no more tokens than it has money."""
    withdrawals = map(books.withdrawal, cast.withdrawals)
    requested = [w.amount for w in withdrawals if w.state is WithdrawalState.REQUESTED]
    reserve = books.reserve()

    assert books.payment(books.bank) == sum(requested)
    assert reserve.supply == books.supplies().payment <= reserve.amount


def locks_by_holder(
    books: Books,
    open_agreements: Iterable[Agreement],
    orders: Iterable[Order],
    holders: Iterable[Address],
) -> dict[Address, int]:
    """What each holder has locked: escrows of buyers, bonds of sellers, covers of orders."""
    locked = dict.fromkeys(holders, 0)
    for agreement in open_agreements:
        locks = locks_of(agreement.energy_wh, agreement.price, books.terms(agreement.window))
        locked[agreement.buyer] += locks.escrow
        locked[agreement.seller] += locks.bond
    for order in orders:
        rate = cover_rate(order.side, order.limit_price, books.terms(order.window))
        locked[order.owner] += order.energy_wh * rate
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


def assert_books_count(books: Books, orders: Sequence[Order], cast: Cast) -> None:
    """Every order that is placed for an open book, and not gone, is counted in it."""
    for window in cast.windows:
        book = books.book(window)
        placed = [order.side for order in orders if order.window == window]
        if book.state is BookState.OPEN:
            assert book.buys >= placed.count(Side.BUY)
            assert book.sells >= placed.count(Side.SELL)
        elif book.state is BookState.CLEARED:
            assert (book.buys, book.sells) == (0, 0)
