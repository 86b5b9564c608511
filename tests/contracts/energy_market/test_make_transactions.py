import pytest
from brownie import reverts

from app.market.windows import commit_start, window_end
from tests.contracts.conftest import WINDOW, agreement_on, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import events_of, plain

MAX_BATCH = 100


@pytest.fixture
def batch(make_offer, allow, record, seller, other_seller, buyer, other_buyer):
    """Agreements of two sellers and two buyers, ready to be settled."""
    agreements = [
        agreement_on(make_offer(by=party), party, purchaser, energy_wh=1_000)
        for party in (seller, other_seller)
        for purchaser in (buyer, other_buyer)
    ]
    travel_to(commit_start(WINDOW))
    for agreement in agreements:
        allow(agreement)
    travel_to(window_end(WINDOW))
    for party in (seller, other_seller):
        record(party, 2_000)
    for purchaser in (buyer, other_buyer):
        record(purchaser, 0, 2_000)
    return agreements


def test_settles_all(market, energy_token, batch, keeper, buyer, other_buyer):
    transaction = market.makeTransactions(batch, {"from": keeper})

    settled = events_of(transaction, "TransactionMade")
    assert [event["agreementId"] for event in settled] == [
        plain(market.hashAgreement(agreement)) for agreement in batch
    ]
    assert energy_token.balanceOf(buyer) == 2_000
    assert energy_token.balanceOf(other_buyer) == 2_000


def test_passes_over_what_is_settled(market, batch, keeper):
    market.makeTransaction(batch[1], {"from": keeper})

    transaction = market.makeTransactions(batch, {"from": keeper})

    settled = events_of(transaction, "TransactionMade")
    assert [event["agreementId"] for event in settled] == [
        plain(market.hashAgreement(agreement)) for agreement in (batch[0], *batch[2:])
    ]


def test_settles_once_what_is_there_twice(market, batch, keeper):
    transaction = market.makeTransactions([batch[0], batch[0]], {"from": keeper})

    assert len(events_of(transaction, "TransactionMade")) == 1


def test_takes_an_empty_batch(market, keeper):
    market.makeTransactions.call([], {"from": keeper})


def test_refuses_an_agreement_that_was_not_written(market, batch, keeper):
    unknown = batch[0]._replace(salt=99)

    with reverts(error("AgreementUnknown", plain(market.hashAgreement(unknown)))):
        market.makeTransactions.call([*batch, unknown], {"from": keeper})


def test_bounds_a_batch(market, batch, keeper):
    market.makeTransactions.call([batch[0]] * MAX_BATCH, {"from": keeper})

    with reverts(error("BatchTooLarge", MAX_BATCH + 1, MAX_BATCH)):
        market.makeTransactions.call([batch[0]] * (MAX_BATCH + 1), {"from": keeper})
