import pytest
from brownie import reverts

from app.market.units import cost_up
from tests.contracts.conftest import CEILING
from tests.contracts.errors import error
from tests.contracts.plain import events_of, plain

MAX_BATCH = 100


@pytest.fixture
def batch(agreement, commit_phase, other_buyer):
    """Two agreements on one offer, with different buyers."""
    return [agreement, agreement._replace(buyer=other_buyer.address, energy_wh=1_000)]


def test_writes_all(market, batch, sign, seller):
    signatures = [sign(agreement) for agreement in batch]

    transaction = market.allowTransactions(batch, signatures, {"from": seller})

    ids = [plain(market.hashAgreement(agreement)) for agreement in batch]
    assert plain(transaction.return_value) == ids
    allowed = events_of(transaction, "TransactionAllowed")
    assert [event["agreementId"] for event in allowed] == ids
    assert market.positionOf(seller, batch[0].window)["openAgreements"] == len(batch)


def test_writes_all_or_none(market, batch, sign, seller, other_buyer):
    spoilt = [batch[0], batch[1]._replace(price=CEILING + 1)]
    signatures = [sign(agreement) for agreement in spoilt]

    with reverts(error("PriceOutOfRange", CEILING + 1, 100_000, CEILING)):
        market.allowTransactions(spoilt, signatures, {"from": seller})

    assert market.positionOf(seller, batch[0].window)["openAgreements"] == 0


def test_adds_up_what_is_locked(market, batch, sign, seller, account_of):
    signatures = [sign(agreement) for agreement in batch]
    market.allowTransactions(batch, signatures, {"from": seller})

    assert account_of(seller)["locked"] == cost_up(3_000, 170_000)


def test_takes_an_empty_batch(market, seller):
    assert plain(market.allowTransactions.call([], [], {"from": seller})) == []


# Guards


def test_refuses_while_paused(market, seller, paused):
    with reverts(error("EnforcedPause")):
        market.allowTransactions.call([], [], {"from": seller})


def test_needs_a_signature_for_each(market, batch, sign, seller):
    with reverts(error("LengthMismatch", 2, 1)):
        market.allowTransactions.call(batch, [sign(batch[0])], {"from": seller})


def test_refuses_the_same_twice(market, agreement, commit_phase, sign, seller):
    signature = sign(agreement)

    with reverts(error("AgreementExists", plain(market.hashAgreement(agreement)))):
        market.allowTransactions.call([agreement] * 2, [signature] * 2, {"from": seller})


# Access


def test_refuses_all_but_the_seller(market, batch, sign, seller, other_seller):
    signatures = [sign(agreement) for agreement in batch]

    with reverts(error("NotSeller", other_seller, seller)):
        market.allowTransactions.call(batch, signatures, {"from": other_seller})


# Edges


def test_bounds_a_batch(market, agreement, commit_phase, sign, seller):
    assert market.MAX_BATCH() == MAX_BATCH
    small = [agreement._replace(energy_wh=1, salt=salt) for salt in range(MAX_BATCH + 1)]
    signatures = [sign(one) for one in small[:MAX_BATCH]]

    market.allowTransactions.call(small[:MAX_BATCH], signatures, {"from": seller})
    with reverts(error("BatchTooLarge", MAX_BATCH + 1, MAX_BATCH)):
        market.allowTransactions.call(small, [*signatures, b""], {"from": seller})
