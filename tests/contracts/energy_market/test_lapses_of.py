"""`lapsesOf`: what is kept of those who fell short or could not pay, and of nobody else."""

import pytest

from app.market.windows import commit_start, grace_end, window_end
from tests.contracts.conftest import LAST_WINDOW, WINDOW, agreement_on, travel_to
from tests.contracts.plain import plain

NONE = {"windows": 0, "shortfallWh": 0, "debt": 0}


@pytest.fixture
def lapses_of(market):
    def lapses_of(participant, first_window=WINDOW, windows=1):
        return plain(market.lapsesOf(participant, first_window, windows))

    return lapses_of


def test_nothing_of_who_keeps_its_word(
    market, open_agreement, record, keeper, lapses_of, seller, buyer
):
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    record(buyer, 0, 3_000)
    market.makeTransaction(open_agreement, {"from": keeper})
    market.closePositions([seller, buyer], WINDOW, {"from": keeper})

    for participant in (seller, buyer):
        assert lapses_of(participant, 0, WINDOW % 1_000) == NONE
        assert lapses_of(participant) == NONE


def test_what_a_seller_did_not_deliver(market, open_agreement, record, keeper, lapses_of, seller):
    travel_to(window_end(WINDOW))
    record(seller, 1_999)

    market.makeTransaction(open_agreement, {"from": keeper})

    assert lapses_of(seller) == {"windows": 1, "shortfallWh": 1, "debt": 0}


def test_nothing_of_the_buyer_who_went_without(market, open_agreement, keeper, lapses_of, buyer):
    travel_to(grace_end(WINDOW))

    market.makeTransaction(open_agreement, {"from": keeper})

    assert lapses_of(buyer) == NONE


def test_all_sales_of_a_window_add_up(
    market, make_offer, allow, record, keeper, lapses_of, seller, buyer, other_buyer
):
    offer = make_offer()
    sales = [
        agreement_on(offer, seller, buyer),
        agreement_on(offer, seller, other_buyer, energy_wh=1_000),
    ]
    travel_to(commit_start(WINDOW))
    for sale in sales:
        allow(sale)
    travel_to(window_end(WINDOW))
    record(seller, 1_500)

    market.makeTransactions(sales, {"from": keeper})

    assert lapses_of(seller) == {"windows": 1, "shortfallWh": 1_500, "debt": 0}


def test_what_somebody_could_not_pay(indebt, lapses_of, seller):
    debt = indebt(seller)

    assert lapses_of(seller, LAST_WINDOW) == {"windows": 1, "shortfallWh": 0, "debt": debt}


def test_stays_when_the_debt_is_paid(market, indebt, fund, lapses_of, seller):
    debt = indebt(seller)
    fund(seller, debt)
    market.deposit(debt, {"from": seller})

    assert market.accountOf(seller)["debt"] == 0
    assert lapses_of(seller, LAST_WINDOW)["debt"] == debt


def test_counts_the_windows_of_a_range(
    market, indebt, make_offer, allow, keeper, lapses_of, seller, buyer
):
    """A shortfall in one window, a debt in another: before, between and after them nothing."""
    sale = agreement_on(make_offer(), seller, buyer)
    travel_to(commit_start(WINDOW))
    allow(sale)
    travel_to(grace_end(LAST_WINDOW) - 60)
    debt = indebt(seller)
    travel_to(grace_end(WINDOW))
    market.makeTransaction(sale, {"from": keeper})

    assert lapses_of(seller, LAST_WINDOW, 3) == {"windows": 2, "shortfallWh": 2_000, "debt": debt}
    assert lapses_of(seller, LAST_WINDOW, 2) == {"windows": 1, "shortfallWh": 0, "debt": debt}
    assert lapses_of(seller, LAST_WINDOW - 168, 168) == NONE
    assert lapses_of(seller, LAST_WINDOW + 1, 1) == NONE
    assert lapses_of(seller, WINDOW + 1, 168) == NONE
    assert lapses_of(seller, LAST_WINDOW, 0) == NONE


def test_says_nothing_of_strangers(lapses_of, outsider):
    assert lapses_of(outsider) == NONE
