"""Treasurers: two of them, a bank's statement, and the ledger."""

import pytest

from app.agents.governance.messages import DepositNotice, PayoutNotice
from app.agents.governance.treasurer import PAYOUT_SECONDS
from app.ledger.types import WithdrawalState
from tests.agents.governance.conftest import Room

AMOUNT = 50_000_000


async def test_a_deposit_is_confirmed_by_both_and_its_holder_puts_it_into_the_market(
    room: Room,
) -> None:
    await room.enrol()
    room.households["H01"].bring(room.bank, AMOUNT, "first")
    await room.post.deliver()

    assert await room.confirm() == [False, True]
    await room.post.deliver()
    (receipt,) = await room.households["H01"].deposit(room.ledger)

    assert receipt.function == "deposit"
    assert (await room.ledger.account_of(room.account("H01"))).free == AMOUNT
    assert await room.households["H01"].deposit(room.ledger) == []
    assert await room.confirm() == []


async def test_what_the_statement_does_not_show_is_not_confirmed(room: Room) -> None:
    honest = room.bank.receive(room.account("H01"), AMOUNT, "first")
    for notice in (
        DepositNotice(room.account("H01"), AMOUNT, bytes(32)),
        DepositNotice(room.account("H01"), AMOUNT + 1, honest),
        DepositNotice(room.account("H02"), AMOUNT, honest),
    ):
        room.households["H02"].tell(room.treasurers[0].address, notice)
    await room.post.deliver()

    assert await room.confirm() == []
    assert (await room.ledger.reserve()).supply == 0


async def test_the_same_transfer_is_money_once(room: Room) -> None:
    room.households["H01"].bring(room.bank, AMOUNT, "first")
    await room.post.deliver()
    assert await room.confirm() == [False, True]

    room.households["H01"].bring(room.bank, AMOUNT, "first")
    await room.post.deliver()
    assert await room.confirm() == []
    assert (await room.ledger.reserve()).supply == AMOUNT


async def test_a_deposit_beyond_the_days_limit_is_tried_again_the_next_day(room: Room) -> None:
    limit = (await room.ledger.reserve()).daily_limit
    room.households["H01"].bring(room.bank, limit, "large")
    room.households["H02"].bring(room.bank, AMOUNT, "late")
    await room.post.deliver()
    first, second = room.treasurers
    await first.confirm()
    receipts, (refusal,) = await second.confirm()
    assert [receipt.result for receipt in receipts] == [True]
    assert refusal.error == "DailyLimitExceeded"

    room.clock.set(room.clock.now() + 86_400)
    receipts, refused = await second.confirm()
    assert ([receipt.result for receipt in receipts], refused) == ([True], [])


async def test_a_withdrawal_is_paid_by_both(room: Room) -> None:
    await room.enrol()
    household = room.households["H01"]
    household.bring(room.bank, AMOUNT, "first")
    await room.post.deliver()
    await room.confirm()

    (asked,) = await household.cash_out(room.ledger, AMOUNT // 2)
    assert await room.treasurers[0].pay_requests() == 1
    await room.post.deliver()
    assert await room.confirm() == [False, True]

    withdrawal = await room.ledger.withdrawal_of(int(str(asked.result)))
    assert (withdrawal.state, withdrawal.amount) == (WithdrawalState.PAID, AMOUNT // 2)
    assert await room.treasurers[0].pay_requests() == 0


async def test_money_in_the_market_is_taken_out_as_far_as_it_is_free(room: Room) -> None:
    await room.enrol()
    household = room.households["H01"]
    household.bring(room.bank, AMOUNT, "first")
    await room.post.deliver()
    await room.confirm()
    await room.post.deliver()
    await household.deposit(room.ledger)

    receipts = await household.cash_out(room.ledger, 2 * AMOUNT)
    assert [receipt.function for receipt in receipts] == ["withdraw", "requestWithdrawal"]
    assert (await room.ledger.withdrawal_of(1)).amount == AMOUNT
    assert await household.cash_out(room.ledger, AMOUNT) == []


async def test_only_a_treasurer_is_believed_that_something_was_paid(room: Room) -> None:
    notice = PayoutNotice(1, bytes(32))
    room.households["H02"].tell(room.treasurers[1].address, notice)
    await room.post.deliver()
    assert not room.treasurers[1].is_waiting
    room.treasurers[0].tell(room.treasurers[1].address, notice)
    await room.post.deliver()
    assert room.treasurers[1].is_waiting
    assert await room.confirm() == []


async def test_what_was_not_paid_in_time_is_left_to_be_returned(room: Room) -> None:
    household = room.households["H01"]
    household.bring(room.bank, AMOUNT, "first")
    await room.post.deliver()
    await room.confirm()
    await household.cash_out(room.ledger, AMOUNT)
    room.clock.set(room.clock.now() + PAYOUT_SECONDS)

    assert await room.treasurers[0].pay_requests() == 0
    await room.ledger.return_withdrawal(room.account("H02"), 1)
    assert (await room.ledger.withdrawal_of(1)).state is WithdrawalState.RETURNED


@pytest.mark.parametrize("room", [30], indirect=True)
async def test_a_message_on_its_way_is_nothing_yet(room: Room) -> None:
    room.households["H01"].bring(room.bank, AMOUNT, "first")
    await room.post.deliver()
    assert await room.confirm() == []
    assert room.post.next_due() == room.clock.now() + 30
