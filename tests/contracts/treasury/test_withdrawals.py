"""`requestWithdrawal`, `confirmPayout`, `rejectWithdrawal` and `returnWithdrawal`."""

import pytest
from brownie import reverts
from brownie.exceptions import VirtualMachineError

from tests.contracts.conftest import DEPOSIT, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain
from tests.contracts.treasury.conftest import PAYOUT, REFERENCE

NONE, REQUESTED, PAID, RETURNED = range(4)
PAYOUT_TIME = 7 * 24 * 3600


def test_locks_the_money(bank, payment_token, withdrawal, newcomer):
    record = plain(bank.withdrawalOf(withdrawal))

    assert record["holder"] == newcomer.address
    assert (record["amount"], record["state"]) == (500, REQUESTED)
    assert record["payoutHash"] == PAYOUT
    assert payment_token.balanceOf(bank) == 500
    assert payment_token.balanceOf(newcomer) == DEPOSIT - 500


def test_needs_the_money(bank, payment_token, outsider):
    payment_token.approve(bank, 500, {"from": outsider})

    with pytest.raises(VirtualMachineError, match="ERC20InsufficientBalance"):
        bank.requestWithdrawal.call(500, PAYOUT, {"from": outsider})


def test_refuses_nothing(bank, newcomer):
    with reverts(error("AmountZero")):
        bank.requestWithdrawal.call(0, PAYOUT, {"from": newcomer})


def test_ends_the_tokens_when_enough_have_confirmed(bank, payment_token, withdrawal, treasurers):
    supply = payment_token.totalSupply()
    first = bank.confirmPayout(withdrawal, REFERENCE, {"from": treasurers[0]})
    assert event_of(first, "PayoutConfirmed") == {
        "withdrawalId": withdrawal,
        "treasurer": treasurers[0].address,
        "bankReference": REFERENCE,
    }
    assert payment_token.totalSupply() == supply

    last = bank.confirmPayout(withdrawal, REFERENCE, {"from": treasurers[2]})
    assert event_of(last, "WithdrawalPaid") == {
        "withdrawalId": withdrawal,
        "bankReference": REFERENCE,
    }
    assert payment_token.totalSupply() == supply - 500
    assert payment_token.balanceOf(bank) == 0
    assert bank.withdrawalOf(withdrawal)["state"] == PAID


def test_one_treasurer_counts_once(bank, withdrawal, treasurers):
    bank.confirmPayout(withdrawal, REFERENCE, {"from": treasurers[0]})

    with reverts(error("AlreadyConfirmed", treasurers[0])):
        bank.confirmPayout.call(withdrawal, REFERENCE, {"from": treasurers[0]})


def test_they_have_to_confirm_the_same_payout(bank, withdrawal, treasurers):
    bank.confirmPayout(withdrawal, REFERENCE, {"from": treasurers[0]})
    bank.confirmPayout(withdrawal, b"\x0c" * 32, {"from": treasurers[1]})

    assert bank.withdrawalOf(withdrawal)["state"] == REQUESTED


def test_a_deposit_is_no_payout(bank, confirm_deposit, withdrawal, treasurers, outsider):
    confirm_deposit(outsider, 700, 0, 1)

    with reverts(error("BankReferenceUsed", REFERENCE)):
        bank.confirmPayout.call(withdrawal, REFERENCE, {"from": treasurers[1]})


def test_what_is_paid_out_is_in_the_bank_no_more(
    bank, payment_token, auditor, withdrawal, treasurers
):
    supply = payment_token.totalSupply()
    bank.attestReserve(supply, b"\x05" * 32, {"from": auditor})
    for treasurer in treasurers[:2]:
        bank.confirmPayout(withdrawal, REFERENCE, {"from": treasurer})

    assert bank.reserve()["amount"] == payment_token.totalSupply() == supply - 500
    deposit = (treasurers[0], 1, b"\x0c" * 32)
    bank.confirmDeposit(*deposit, {"from": treasurers[0]})
    with reverts(error("ReserveExceeded", supply - 499, supply - 500)):
        bank.confirmDeposit.call(*deposit, {"from": treasurers[1]})


def test_a_payout_beyond_the_reserve_leaves_none(bank, auditor, withdrawal, treasurers):
    bank.attestReserve(499, b"\x05" * 32, {"from": auditor})

    for treasurer in treasurers[:2]:
        bank.confirmPayout(withdrawal, REFERENCE, {"from": treasurer})

    assert bank.reserve()["amount"] == 0


@pytest.mark.parametrize("function", ["confirmPayout", "rejectWithdrawal"])
def test_who_has_lost_the_role_counts_no_longer(bank, withdrawal, dismiss, treasurers, function):
    arguments = [withdrawal, *([REFERENCE] if function == "confirmPayout" else [])]
    getattr(bank, function)(*arguments, {"from": treasurers[0]})
    dismiss(treasurers[0])

    getattr(bank, function)(*arguments, {"from": treasurers[1]})
    assert bank.withdrawalOf(withdrawal)["state"] == REQUESTED
    getattr(bank, function)(*arguments, {"from": treasurers[2]})
    assert bank.withdrawalOf(withdrawal)["state"] == (
        PAID if function == "confirmPayout" else RETURNED
    )


def test_a_payout_and_a_rejection_do_not_add_up(bank, withdrawal, treasurers):
    bank.confirmPayout(withdrawal, REFERENCE, {"from": treasurers[0]})
    bank.rejectWithdrawal(withdrawal, {"from": treasurers[1]})

    assert bank.withdrawalOf(withdrawal)["state"] == REQUESTED


def test_each_withdrawal_counts_by_itself(bank, payment_token, withdrawal, treasurers, newcomer):
    payment_token.approve(bank, 100, {"from": newcomer})
    bank.requestWithdrawal(100, PAYOUT, {"from": newcomer})
    bank.rejectWithdrawal(withdrawal, {"from": treasurers[0]})

    bank.rejectWithdrawal(withdrawal + 1, {"from": treasurers[1]})

    assert payment_token.balanceOf(bank) == 600


def test_is_not_stopped_by_a_pause(bank, payment_token, paused, treasurers, newcomer):
    payment_token.approve(bank, 500, {"from": newcomer})
    bank.requestWithdrawal(500, PAYOUT, {"from": newcomer})
    for treasurer in treasurers[:2]:
        bank.confirmPayout(1, REFERENCE, {"from": treasurer})

    assert bank.withdrawalOf(1)["state"] == PAID


def test_a_rejected_one_returns(bank, payment_token, withdrawal, treasurers, newcomer):
    bank.rejectWithdrawal(withdrawal, {"from": treasurers[0]})
    assert bank.withdrawalOf(withdrawal)["state"] == REQUESTED

    transaction = bank.rejectWithdrawal(withdrawal, {"from": treasurers[1]})

    assert event_of(transaction, "WithdrawalReturned") == {"withdrawalId": withdrawal}
    assert bank.withdrawalOf(withdrawal)["state"] == RETURNED
    assert payment_token.balanceOf(newcomer) == DEPOSIT


def test_one_treasurer_rejects_once(bank, withdrawal, treasurers):
    bank.rejectWithdrawal(withdrawal, {"from": treasurers[0]})

    with reverts(error("AlreadyConfirmed", treasurers[0])):
        bank.rejectWithdrawal.call(withdrawal, {"from": treasurers[0]})


def test_a_forgotten_one_returns_by_anyone(bank, payment_token, withdrawal, newcomer, outsider):
    end = bank.withdrawalOf(withdrawal)["requestedAt"] + PAYOUT_TIME
    travel_to(end - 1)
    with reverts(error("PayoutTimeRunning", withdrawal, end)):
        bank.returnWithdrawal.call(withdrawal, {"from": outsider})

    travel_to(end)
    bank.returnWithdrawal(withdrawal, {"from": outsider})

    assert payment_token.balanceOf(newcomer) == DEPOSIT


def test_a_late_payout_is_not_confirmed(bank, withdrawal, treasurers):
    end = bank.withdrawalOf(withdrawal)["requestedAt"] + PAYOUT_TIME
    travel_to(end - 1)
    bank.confirmPayout.call(withdrawal, REFERENCE, {"from": treasurers[0]})

    travel_to(end)
    with reverts(error("PayoutTimeOver", withdrawal, end)):
        bank.confirmPayout.call(withdrawal, REFERENCE, {"from": treasurers[0]})


@pytest.mark.parametrize("function", ["confirmPayout", "rejectWithdrawal", "returnWithdrawal"])
def test_what_is_over_stays_over(bank, withdrawal, treasurers, function):
    for treasurer in treasurers[:2]:
        bank.rejectWithdrawal(withdrawal, {"from": treasurer})
    arguments = [withdrawal, *([REFERENCE] if function == "confirmPayout" else [])]

    with reverts(error("WithdrawalNotRequested", withdrawal)):
        getattr(bank, function).call(*arguments, {"from": treasurers[2]})


def test_what_never_was_cannot_be_paid(bank, treasurers):
    with reverts(error("WithdrawalNotRequested", 99)):
        bank.confirmPayout.call(99, REFERENCE, {"from": treasurers[0]})


@pytest.mark.parametrize("other", ["operator", "auditor", "newcomer", "deployer"])
def test_refuses_who_is_no_treasurer(bank, withdrawal, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        bank.confirmPayout.call(withdrawal, REFERENCE, {"from": somebody})
    with reverts(error("AccessManagedUnauthorized", somebody)):
        bank.rejectWithdrawal.call(withdrawal, {"from": somebody})
