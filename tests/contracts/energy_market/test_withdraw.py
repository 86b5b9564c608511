from brownie import reverts

from app.market.units import cost_up
from tests.contracts.conftest import DEPOSIT
from tests.contracts.errors import error
from tests.contracts.plain import event_of


def test_takes_free_money_out(market, payment_token, buyer, account_of):
    transaction = market.withdraw(30_000_000, {"from": buyer})

    assert event_of(transaction, "Withdrawn") == {
        "participant": buyer.address,
        "amount": 30_000_000,
    }
    assert account_of(buyer)["free"] == DEPOSIT - 30_000_000
    assert payment_token.balanceOf(buyer) == 30_000_000


def test_goes_on_while_paused(market, buyer, paused):
    market.withdraw.call(DEPOSIT, {"from": buyer})


# Guards


def test_refuses_nothing(market, buyer):
    with reverts(error("AmountZero")):
        market.withdraw.call(0, {"from": buyer})


def test_refuses_who_has_no_money(market, outsider):
    with reverts(error("FundsInsufficient", outsider, 1, 0)):
        market.withdraw.call(1, {"from": outsider})


# Edges


def test_takes_all_that_is_free(market, buyer):
    market.withdraw.call(DEPOSIT, {"from": buyer})

    with reverts(error("FundsInsufficient", buyer, DEPOSIT + 1, DEPOSIT)):
        market.withdraw.call(DEPOSIT + 1, {"from": buyer})


def test_leaves_what_is_locked(market, buyer, open_agreement):
    free = DEPOSIT - cost_up(open_agreement.energy_wh, open_agreement.price)
    market.withdraw.call(free, {"from": buyer})

    with reverts(error("FundsInsufficient", buyer, free + 1, free)):
        market.withdraw.call(free + 1, {"from": buyer})
