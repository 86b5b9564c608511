"""Real money: several treasurers confirm what the bank has received and paid."""

import pytest
from eth_hash.auto import keccak

from app.chain.keys import household_address
from app.errors import ContractRevertedError
from app.ledger.chain import ChainLedger
from app.ledger.types import Address, Withdrawal, WithdrawalState
from tests.chain.market.conftest import BANKERS, household_with_purse

PAYOUT_TIME = 7 * 86_400

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def holder() -> Address:
    """A household that has not come to the market."""
    return household_address(73)


def reference(words: str) -> bytes:
    return keccak(words.encode())


async def test_two_treasurers_make_a_deposit(ledger: ChainLedger, holder: Address) -> None:
    before = await ledger.reserve()
    held = await ledger.payment_balance_of(holder)

    first = await ledger.confirm_deposit(BANKERS[0], holder, 700, reference("transfer 1"))
    between = await ledger.payment_balance_of(holder)
    last = await ledger.confirm_deposit(BANKERS[1], holder, 700, reference("transfer 1"))

    assert (first.result, last.result) == (False, True)
    assert between == held
    assert await ledger.payment_balance_of(holder) == held + 700
    after = await ledger.reserve()
    assert after.supply == before.supply + 700
    assert after.left_today == before.left_today - 700
    assert after.supply <= after.amount
    assert (after.threshold, after.attested_at > 0) == (2, True)


@pytest.mark.parametrize("changes", [{"amount": 701}, {"holder": BANKERS[0]}])
async def test_treasurers_who_say_different_things_make_nothing(
    ledger: ChainLedger, holder: Address, changes: dict[str, object]
) -> None:
    said = {"holder": holder, "amount": 700, "reference": reference(f"transfer 2 {changes}")}
    supply = (await ledger.reserve()).supply

    await ledger.confirm_deposit(BANKERS[0], **said)
    other = await ledger.confirm_deposit(BANKERS[1], **(said | changes))

    assert other.result is False
    assert (await ledger.reserve()).supply == supply


async def test_a_treasurer_confirms_once(ledger: ChainLedger, holder: Address) -> None:
    await ledger.confirm_deposit(BANKERS[0], holder, 5, reference("transfer 3"))

    with pytest.raises(ContractRevertedError) as caught:
        await ledger.confirm_deposit(BANKERS[0], holder, 5, reference("transfer 3"))

    assert (caught.value.error, caught.value.contract) == ("AlreadyConfirmed", "Treasury")
    assert caught.value.arguments == {"account": BANKERS[0]}


async def test_a_bank_reference_is_used_once(ledger: ChainLedger, holder: Address) -> None:
    for treasurer in BANKERS:
        await ledger.confirm_deposit(treasurer, holder, 5, reference("transfer 4"))

    with pytest.raises(ContractRevertedError) as caught:
        await ledger.confirm_deposit(BANKERS[0], holder, 5, reference("transfer 4"))

    assert caught.value.error == "BankReferenceUsed"
    assert caught.value.arguments == {"bankReference": reference("transfer 4")}


async def test_no_more_is_made_than_auditors_have_seen(
    ledger: ChainLedger, holder: Address, auditor: Address
) -> None:
    before = await ledger.reserve()
    await ledger.attest_reserve(auditor, before.supply + 10, reference("statement"))
    try:
        await ledger.confirm_deposit(BANKERS[0], holder, 11, reference("transfer 5"))
        with pytest.raises(ContractRevertedError) as caught:
            await ledger.confirm_deposit(BANKERS[1], holder, 11, reference("transfer 5"))
    finally:
        await ledger.attest_reserve(auditor, before.amount, reference("statement"))

    assert caught.value.error == "ReserveExceeded"
    assert caught.value.arguments == {
        "supply": before.supply + 11,
        "reserve": before.supply + 10,
    }
    assert (await ledger.reserve()).attested_at == ledger.now()


async def test_a_withdrawal_is_paid(ledger: ChainLedger) -> None:
    owner = await household_with_purse(ledger, 70, 900)
    before = await ledger.reserve()

    requested = await ledger.request_withdrawal(owner, 400, reference("my account"))

    withdrawal_id = requested.result
    assert await ledger.withdrawal_of(withdrawal_id) == Withdrawal(
        owner, ledger.now(), WithdrawalState.REQUESTED, 400, reference("my account")
    )
    assert await ledger.payment_balance_of(owner) == 500
    first = await ledger.confirm_payout(BANKERS[0], withdrawal_id, reference("payout 1"))
    last = await ledger.confirm_payout(BANKERS[1], withdrawal_id, reference("payout 1"))
    assert (first.result, last.result) == (False, True)
    assert (await ledger.withdrawal_of(withdrawal_id)).state is WithdrawalState.PAID
    after = await ledger.reserve()
    assert (after.supply, after.amount) == (before.supply - 400, before.amount - 400)


async def test_a_withdrawal_that_treasurers_refuse_returns(ledger: ChainLedger) -> None:
    owner = await household_with_purse(ledger, 71, 900)
    withdrawal_id = (await ledger.request_withdrawal(owner, 900, bytes(32))).result

    first = await ledger.reject_withdrawal(BANKERS[1], withdrawal_id)
    last = await ledger.reject_withdrawal(BANKERS[0], withdrawal_id)

    assert (first.result, last.result) == (False, True)
    assert (await ledger.withdrawal_of(withdrawal_id)).state is WithdrawalState.RETURNED
    assert await ledger.payment_balance_of(owner) == 900


async def test_a_withdrawal_that_nobody_pays_returns(
    ledger: ChainLedger, outsider: Address
) -> None:
    owner = await household_with_purse(ledger, 72, 900)
    withdrawal_id = (await ledger.request_withdrawal(owner, 300, bytes(32))).result
    end = ledger.now() + PAYOUT_TIME

    with pytest.raises(ContractRevertedError) as early:
        await ledger.return_withdrawal(outsider, withdrawal_id)
    await ledger.clock.advance_to(end)
    with pytest.raises(ContractRevertedError) as late:
        await ledger.confirm_payout(BANKERS[0], withdrawal_id, reference("payout 2"))
    await ledger.return_withdrawal(outsider, withdrawal_id)

    assert early.value.error == "PayoutTimeRunning"
    assert early.value.arguments == {"withdrawalId": withdrawal_id, "end": end}
    assert late.value.error == "PayoutTimeOver"
    assert (await ledger.withdrawal_of(withdrawal_id)).state is WithdrawalState.RETURNED
    assert await ledger.payment_balance_of(owner) == 900


async def test_what_nobody_has_requested_is_nothing(ledger: ChainLedger) -> None:
    assert await ledger.withdrawal_of(10**9) == Withdrawal()
