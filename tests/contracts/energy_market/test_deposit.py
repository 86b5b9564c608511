from brownie import reverts

from tests.contracts.conftest import DEPOSIT
from tests.contracts.errors import error
from tests.contracts.plain import event_of


def test_puts_money_into_the_account(market, payment_token, newcomer, account_of):
    held = payment_token.balanceOf(market)

    transaction = market.deposit(1_000_000, {"from": newcomer})

    assert event_of(transaction, "Deposited") == {
        "participant": newcomer.address,
        "amount": 1_000_000,
    }
    assert account_of(newcomer) == {"free": 1_000_000, "locked": 0, "debt": 0}
    assert payment_token.balanceOf(newcomer) == DEPOSIT - 1_000_000
    assert payment_token.balanceOf(market) == held + 1_000_000


def test_adds_to_what_is_there(market, newcomer, account_of):
    market.deposit(1_000_000, {"from": newcomer})
    market.deposit(500_000, {"from": newcomer})

    assert account_of(newcomer)["free"] == 1_500_000


def test_pays_a_debt_first(market, buyer, treasury, indebt, fund, account_of):
    debt = indebt(buyer)
    treasury_before = account_of(treasury)["free"]
    fund(buyer, debt + 1_000_000)

    first = market.deposit(debt - 1, {"from": buyer})
    assert event_of(first, "DebtPaid") == {"participant": buyer.address, "amount": debt - 1}
    assert account_of(buyer) == {"free": 0, "locked": 0, "debt": 1}

    second = market.deposit(1_000_001, {"from": buyer})
    assert event_of(second, "DebtPaid") == {"participant": buyer.address, "amount": 1}
    assert account_of(buyer) == {"free": 1_000_000, "locked": 0, "debt": 0}
    assert account_of(treasury)["free"] == treasury_before + debt


def test_goes_on_while_paused(market, newcomer, paused):
    market.deposit.call(1, {"from": newcomer})


# Guards


def test_refuses_nothing(market, newcomer):
    with reverts(error("AmountZero")):
        market.deposit.call(0, {"from": newcomer})


def test_needs_an_allowance(market, payment_token, newcomer):
    payment_token.approve(market, 999_999, {"from": newcomer})

    with reverts(error("ERC20InsufficientAllowance", market, 999_999, 1_000_000)):
        market.deposit.call(1_000_000, {"from": newcomer})


def test_needs_the_money(market, newcomer):
    with reverts(error("ERC20InsufficientBalance", newcomer, DEPOSIT, DEPOSIT + 1)):
        market.deposit.call(DEPOSIT + 1, {"from": newcomer})


# Edges


def test_holds_up_to_64_bits_of_money(market, payment_token, newcomer, minter):
    payment_token.mint(newcomer, 2**64, b"\x77" * 32, {"from": minter})
    maximum = 2**64 - 1 - payment_token.balanceOf(market)

    market.deposit.call(maximum, {"from": newcomer})
    with reverts(error("AmountTooLarge", maximum + 1, maximum)):
        market.deposit.call(maximum + 1, {"from": newcomer})
