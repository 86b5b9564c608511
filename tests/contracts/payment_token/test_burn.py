import pytest
from brownie import reverts

from tests.contracts.conftest import DEPOSIT
from tests.contracts.errors import error
from tests.contracts.plain import event_of

REFERENCE = b"\xb5" * 32


@pytest.fixture
def holder(payment_token, minter, newcomer):
    """Somebody who wants to be paid out up to 1.00."""
    payment_token.approve(minter, 1_000_000, {"from": newcomer})
    return newcomer


def test_takes_money_out_of_circulation(payment_token, minter, holder):
    supply = payment_token.totalSupply()

    transaction = payment_token.burn(holder, 1_000_000, REFERENCE, {"from": minter})

    assert event_of(transaction, "WithdrawalBurned") == {
        "holder": holder.address,
        "amount": 1_000_000,
        "withdrawalReference": REFERENCE,
    }
    assert payment_token.balanceOf(holder) == DEPOSIT - 1_000_000
    assert payment_token.withdrawnTotal() == 1_000_000
    assert payment_token.totalSupply() == supply - 1_000_000
    assert payment_token.totalSupply() == (
        payment_token.depositedTotal() - payment_token.withdrawnTotal()
    )


def test_needs_the_holders_allowance(payment_token, minter, holder):
    payment_token.burn.call(holder, 1_000_000, REFERENCE, {"from": minter})

    with reverts(error("ERC20InsufficientAllowance", minter, 1_000_000, 1_000_001)):
        payment_token.burn.call(holder, 1_000_001, REFERENCE, {"from": minter})


def test_takes_a_reference_once(payment_token, minter, holder):
    payment_token.burn(holder, 1, REFERENCE, {"from": minter})

    with reverts(error("ReferenceUsed", REFERENCE)):
        payment_token.burn.call(holder, 1, REFERENCE, {"from": minter})


def test_takes_no_reference_of_a_deposit(payment_token, minter, holder):
    payment_token.mint(holder, 1, REFERENCE, {"from": minter})

    with reverts(error("ReferenceUsed", REFERENCE)):
        payment_token.burn.call(holder, 1, REFERENCE, {"from": minter})


def test_needs_a_reference(payment_token, minter, holder):
    with reverts(error("ReferenceMissing")):
        payment_token.burn.call(holder, 1, b"\x00" * 32, {"from": minter})


@pytest.mark.parametrize("other", ["operator", "treasurer", "auditor", "admin", "newcomer"])
def test_refuses_all_but_the_treasury(payment_token, holder, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        payment_token.burn.call(holder, 1, REFERENCE, {"from": somebody})
