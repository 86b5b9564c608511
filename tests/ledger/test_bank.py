"""What the model of the bank makes of confirmations, in small stories."""

import pytest

from app.agents.enrolment import bring_money
from app.errors import ContractRevertedError
from app.ledger.model import Role
from app.ledger.model.treasury import DAY, PAYOUT_TIME
from app.ledger.types import WithdrawalState
from tests.ledger.calls import refusal_of

TRANSFER = b"\x11" * 32
PAYOUT = b"\x22" * 32
LIMIT = 1_000


@pytest.fixture
def treasurers(staff) -> tuple[str, ...]:
    return staff.treasurers


@pytest.fixture
async def holder(ledger, treasurers, outsider) -> str:
    """Has 500 outside the market."""
    await bring_money(ledger, treasurers, outsider, 500, b"\x01" * 32)
    return outsider


async def test_two_treasurers_make_tokens(ledger, treasurers, outsider):
    receipts = await bring_money(ledger, treasurers, outsider, 700, TRANSFER)

    assert [receipt.result for receipt in receipts] == [False, True]
    assert await ledger.payment_balance_of(outsider) == 700
    assert (await ledger.reserve()).supply == 700


async def test_bringing_the_same_money_again_changes_nothing(ledger, treasurers, outsider):
    await bring_money(ledger, treasurers, outsider, 700, TRANSFER)

    assert await bring_money(ledger, treasurers, outsider, 700, TRANSFER) == []
    assert await ledger.payment_balance_of(outsider) == 700


async def test_who_has_confirmed_before_is_passed_over(ledger, treasurers, outsider):
    await ledger.confirm_deposit(treasurers[0], outsider, 700, TRANSFER)

    (receipt,) = await bring_money(ledger, treasurers, outsider, 700, TRANSFER)

    assert (receipt.sender, receipt.result) == (treasurers[1], True)


async def test_who_is_no_treasurer_any_more_does_not_count(
    ledger, treasurers, members, outsider, operator
):
    ledger.call("grantRole", ledger.access.grant_role, members, Role.TREASURER, operator)
    await ledger.confirm_deposit(operator, outsider, 700, TRANSFER)
    assert ledger.bank.deposit_confirmations(outsider, 700, TRANSFER) == 1

    ledger.call("revokeRole", ledger.access.revoke_role, members, Role.TREASURER, operator)

    assert ledger.bank.deposit_confirmations(outsider, 700, TRANSFER) == 0
    first = await ledger.confirm_deposit(treasurers[0], outsider, 700, TRANSFER)
    second = await ledger.confirm_deposit(treasurers[1], outsider, 700, TRANSFER)
    assert (first.result, second.result) == (False, True)


async def test_what_is_made_in_a_day_is_bounded(ledger, clock, treasurers, members, outsider):
    ledger.call("setDailyLimit", ledger.bank.set_daily_limit, members, LIMIT)
    await bring_money(ledger, treasurers, outsider, 900, TRANSFER)
    assert (await ledger.reserve()).left_today == 100

    with pytest.raises(ContractRevertedError) as caught:
        await bring_money(ledger, treasurers, outsider, 101, PAYOUT)
    clock.set((clock.now() // DAY + 1) * DAY)
    await bring_money(ledger, treasurers, outsider, 101, PAYOUT)

    assert caught.value.arguments == {"amount": 101, "left": 100}
    assert (await ledger.reserve()).left_today == LIMIT - 101


async def test_nothing_is_made_above_the_reserve(ledger, treasurers, staff, outsider):
    await ledger.attest_reserve(staff.auditors[1], 600, bytes(32))

    with pytest.raises(ContractRevertedError) as caught:
        await bring_money(ledger, treasurers, outsider, 601, TRANSFER)

    assert (caught.value.error, caught.value.arguments) == (
        "ReserveExceeded",
        {"supply": 601, "reserve": 600},
    )


async def test_a_payout_ends_the_tokens_and_lowers_the_reserve(ledger, treasurers, holder):
    reserve = (await ledger.reserve()).amount
    number = (await ledger.request_withdrawal(holder, 200, bytes(32))).result
    locked = await ledger.payment_balance_of(ledger.bank.address)

    results = [(await ledger.confirm_payout(each, number, PAYOUT)).result for each in treasurers]

    assert (locked, results) == (200, [False, True])
    assert (await ledger.withdrawal_of(number)).state is WithdrawalState.PAID
    after = await ledger.reserve()
    assert (after.supply, after.amount) == (300, reserve - 200)
    assert await ledger.payment_balance_of(holder) == 300


async def test_treasurers_who_name_different_payouts_pay_nothing(ledger, treasurers, holder):
    number = (await ledger.request_withdrawal(holder, 200, bytes(32))).result

    await ledger.confirm_payout(treasurers[0], number, PAYOUT)
    other = await ledger.confirm_payout(treasurers[1], number, TRANSFER)

    assert other.result is False
    assert (await ledger.withdrawal_of(number)).state is WithdrawalState.REQUESTED


async def test_what_is_refused_or_forgotten_returns(ledger, clock, treasurers, holder, outsider):
    refused = (await ledger.request_withdrawal(holder, 200, bytes(32))).result
    forgotten = (await ledger.request_withdrawal(holder, 300, bytes(32))).result
    for treasurer in treasurers:
        await ledger.reject_withdrawal(treasurer, refused)
    clock.set(clock.now() + PAYOUT_TIME)

    late = await refusal_of(ledger.confirm_payout(treasurers[0], forgotten, PAYOUT))
    await ledger.return_withdrawal(outsider, forgotten)

    assert late.error == "PayoutTimeOver"
    assert await ledger.payment_balance_of(holder) == 500
    assert (await refusal_of(ledger.return_withdrawal(outsider, refused))).error == (
        "WithdrawalNotRequested"
    )
