"""`confirmDeposit`, within the reserve and the daily limit, which have tests here, too."""

import pytest
from brownie import chain, reverts

from scripts.deploy import Role
from tests.contracts.conftest import NOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain
from tests.contracts.treasury.conftest import REFERENCE

STATEMENT = b"\x05" * 32
DAY = 24 * 3600


def test_makes_tokens_when_enough_have_confirmed(
    bank, payment_token, confirm_deposit, treasurers, outsider
):
    first = confirm_deposit(outsider, 700, 0)
    assert event_of(first, "DepositConfirmed") == {
        "bankReference": REFERENCE,
        "treasurer": treasurers[0].address,
        "holder": outsider.address,
        "amount": 700,
    }
    assert bank.depositConfirmations(outsider, 700, REFERENCE) == 1
    assert payment_token.balanceOf(outsider) == 0

    confirm_deposit(outsider, 700, 1)
    assert payment_token.balanceOf(outsider) == 700
    assert payment_token.referenceUsed(REFERENCE)


def test_one_treasurer_counts_once(bank, confirm_deposit, treasurers, outsider):
    confirm_deposit(outsider, 700, 0)

    with reverts(error("AlreadyConfirmed", treasurers[0])):
        bank.confirmDeposit.call(outsider, 700, REFERENCE, {"from": treasurers[0]})


@pytest.mark.parametrize("change", ["holder", "amount", "reference"])
def test_they_have_to_confirm_the_same(payment_token, confirm_deposit, seller, outsider, change):
    supply = payment_token.totalSupply()
    confirm_deposit(outsider, 700, 0)

    confirm_deposit(
        seller if change == "holder" else outsider,
        701 if change == "amount" else 700,
        1,
        reference=b"\x0c" * 32 if change == "reference" else REFERENCE,
    )

    assert payment_token.totalSupply() == supply


def test_a_reference_counts_once(bank, confirm_deposit, treasurers, outsider):
    confirm_deposit(outsider, 300, 0)
    confirm_deposit(outsider, 700, 0, 1)

    with reverts(error("BankReferenceUsed", REFERENCE)):
        bank.confirmDeposit.call(outsider, 300, REFERENCE, {"from": treasurers[1]})


def test_what_is_done_is_not_done_again_by_a_third(bank, confirm_deposit, treasurers, outsider):
    confirm_deposit(outsider, 700, 0, 1)

    assert bank.depositConfirmations(outsider, 700, REFERENCE) == 0
    with reverts(error("BankReferenceUsed", REFERENCE)):
        bank.confirmDeposit.call(outsider, 700, REFERENCE, {"from": treasurers[2]})


def test_who_has_lost_the_role_counts_no_longer(
    bank, payment_token, confirm_deposit, dismiss, treasurers, outsider
):
    confirm_deposit(outsider, 700, 0)
    dismiss(treasurers[0])

    assert bank.depositConfirmations(outsider, 700, REFERENCE) == 0
    confirm_deposit(outsider, 700, 1)
    assert payment_token.balanceOf(outsider) == 0
    confirm_deposit(outsider, 700, 2)
    assert payment_token.balanceOf(outsider) == 700


def test_who_has_the_role_with_a_delay_counts(
    bank, authority, payment_token, confirm_deposit, admin, treasurers, outsider
):
    authority.grantRole(Role.TREASURER, treasurers[0], 60, {"from": admin})
    deposit = bank.confirmDeposit.encode_input(outsider, 700, REFERENCE)
    authority.schedule(bank, deposit, 0, {"from": treasurers[0]})
    travel_to(chain.time() + 61)
    confirm_deposit(outsider, 700, 0)

    confirm_deposit(outsider, 700, 1)

    assert payment_token.balanceOf(outsider) == 700


# Another threshold


def test_a_lower_threshold_holds_from_the_next_confirmation_on(
    bank, payment_token, confirm_deposit, admin, outsider
):
    confirm_deposit(outsider, 700, 0)
    bank.setThreshold(1, {"from": admin})
    assert payment_token.balanceOf(outsider) == 0

    confirm_deposit(outsider, 700, 0)

    assert payment_token.balanceOf(outsider) == 700


def test_a_higher_threshold_holds_for_what_some_have_confirmed(
    bank, payment_token, confirm_deposit, admin, outsider
):
    confirm_deposit(outsider, 700, 0)
    bank.setThreshold(3, {"from": admin})

    confirm_deposit(outsider, 700, 1)
    assert payment_token.balanceOf(outsider) == 0
    confirm_deposit(outsider, 700, 2)
    assert payment_token.balanceOf(outsider) == 700


# One alone


def test_one_treasurer_speaks_once_also_through_the_authority(
    bank, authority, confirm_deposit, treasurers, outsider
):
    """Whom the Authority calls sees the Authority, and not who is behind it."""
    confirm_deposit(outsider, 700, 0)
    deposit = bank.confirmDeposit.encode_input(outsider, 700, REFERENCE)

    with reverts(error("AccessManagerUnauthorizedAccount", treasurers[0], Role.ADMIN.value)):
        authority.execute.call(bank, deposit, {"from": treasurers[0]})


def test_one_treasurer_speaks_once_also_through_the_forwarder(
    bank, forwarder, confirm_deposit, forward_request, treasurers, outsider
):
    confirm_deposit(outsider, 700, 0)
    deposit = bank.confirmDeposit.encode_input(outsider, 700, REFERENCE)
    again = forward_request(bank, deposit, treasurers[0])

    with reverts(error("FailedCall")):
        forwarder.execute.call(again, {"from": outsider})


def test_a_treasurer_may_confirm_through_the_forwarder(
    bank, forwarder, payment_token, confirm_deposit, forward_request, treasurers, outsider
):
    deposit = bank.confirmDeposit.encode_input(outsider, 700, REFERENCE)
    forwarder.execute(forward_request(bank, deposit, treasurers[0]), {"from": outsider})
    assert payment_token.balanceOf(outsider) == 0

    confirm_deposit(outsider, 700, 1)

    assert payment_token.balanceOf(outsider) == 700


def test_refuses_nothing(bank, treasurers, outsider):
    with reverts(error("AmountZero")):
        bank.confirmDeposit.call(outsider, 0, REFERENCE, {"from": treasurers[0]})


@pytest.mark.parametrize("other", ["operator", "auditor", "deployer", "treasury", "seller"])
def test_refuses_who_is_no_treasurer(bank, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        bank.confirmDeposit.call(somebody, 700, REFERENCE, {"from": somebody})


@pytest.mark.parametrize("other", ["treasurer", "operator", "auditor", "consortium"])
def test_nobody_makes_tokens_past_it(payment_token, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        payment_token.mint.call(somebody, 1, REFERENCE, {"from": somebody})


# The reserve


def test_the_reserve_is_what_the_auditors_saw(bank, auditor):
    transaction = bank.attestReserve(5_000, STATEMENT, {"from": auditor})

    assert event_of(transaction, "ReserveAttested") == {
        "reserve": 5_000,
        "statementHash": STATEMENT,
        "auditor": auditor.address,
    }
    assert plain(bank.reserve()) == {"amount": 5_000, "attestedAt": transaction.timestamp}


def test_no_more_is_made_than_the_reserve(
    bank, payment_token, confirm_deposit, auditor, treasurers, outsider
):
    supply = payment_token.totalSupply()
    bank.attestReserve(supply + 699, STATEMENT, {"from": auditor})
    confirm_deposit(outsider, 700, 0)
    with reverts(error("ReserveExceeded", supply + 700, supply + 699)):
        bank.confirmDeposit.call(outsider, 700, REFERENCE, {"from": treasurers[1]})

    bank.attestReserve(supply + 700, STATEMENT, {"from": auditor})
    confirm_deposit(outsider, 700, 1)
    assert payment_token.totalSupply() == supply + 700


@pytest.mark.parametrize("other", ["operator", "treasurer", "deployer", "seller"])
def test_only_auditors_attest(bank, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        bank.attestReserve.call(1, STATEMENT, {"from": somebody})


# The daily limit


def test_no_more_is_made_in_a_day_than_the_members_allow(
    bank, confirm_deposit, admin, treasurers, outsider
):
    travel_to(NOW + DAY)
    transaction = bank.setDailyLimit(1_000, {"from": admin})
    assert event_of(transaction, "DailyLimitSet") == {"dailyLimit": 1_000}
    confirm_deposit(outsider, 700, 0, 1)
    assert bank.leftToday() == 300

    other = b"\x0c" * 32
    confirm_deposit(outsider, 301, 0, reference=other)
    with reverts(error("DailyLimitExceeded", 301, 300)):
        bank.confirmDeposit.call(outsider, 301, other, {"from": treasurers[1]})

    travel_to((NOW // DAY + 2) * DAY)
    assert bank.leftToday() == 1_000
    confirm_deposit(outsider, 301, 1, reference=other)
    assert bank.leftToday() == 699


def test_a_lower_limit_holds_at_once(bank, confirm_deposit, admin, outsider):
    travel_to(NOW + DAY)
    confirm_deposit(outsider, 700, 0, 1)

    bank.setDailyLimit(100, {"from": admin})

    assert bank.leftToday() == 0


@pytest.mark.parametrize("function", ["setDailyLimit", "setThreshold"])
@pytest.mark.parametrize("other", ["operator", "treasurer", "auditor", "deployer", "seller"])
def test_only_the_members_together_set_rules(bank, function, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        getattr(bank, function).call(1, {"from": somebody})


def test_somebody_has_to_confirm(bank, admin):
    with reverts(error("ThresholdZero")):
        bank.setThreshold.call(0, {"from": admin})


def test_a_threshold_is_told(bank, admin):
    transaction = bank.setThreshold(3, {"from": admin})

    assert event_of(transaction, "ThresholdSet") == {"threshold": 3}
    assert bank.threshold() == 3
