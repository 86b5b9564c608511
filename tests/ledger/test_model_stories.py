"""What a trade comes to on the model, in numbers worked out by hand.

Terms: the grid pays 0.08 and asks 0.32 a kWh; the penalty is 0.05. The trade: 2 kWh at 0.20, so
that 0.40 is escrowed and 2 * (0.32 - 0.20 + 0.05) = 0.34 is the bond.
"""

from dataclasses import replace

import pytest

from app.errors import ContractRevertedError
from app.ledger.types import Account, AgreementState, EnergyTotals, Position
from app.market.windows import commit_start, grace_end, window_start
from tests.ledger.conftest import DEPOSIT, WINDOW


def names(receipts) -> list[str]:
    return [event.name for receipt in receipts for event in receipt.events]


async def test_an_agreement_locks_escrow_and_bond(ledger, open_agreement, seller, buyer):
    assert await ledger.account_of(buyer) == Account(free=DEPOSIT - 400_000, locked=400_000)
    assert await ledger.account_of(seller) == Account(free=DEPOSIT - 340_000, locked=340_000)
    assert await ledger.position_of(seller, WINDOW) == Position(open_agreements=1)
    assert await ledger.position_of(buyer, WINDOW) == Position(open_agreements=1)


async def test_full_delivery(ledger, open_agreement, record, keeper, seller, buyer, treasury):
    await record("seller", exported_wh=2_500)
    await record("buyer", imported_wh=2_200)
    await ledger.make_transactions(keeper, [open_agreement])
    await ledger.close_positions(keeper, [seller, buyer], WINDOW)

    # 0.40 for 2 kWh, 0.04 for half a kWh to the grid
    assert await ledger.account_of(seller) == Account(free=DEPOSIT + 400_000)
    assert await ledger.claim_of(seller) == 40_000
    # 0.40, and 0.064 for 200 Wh from the grid
    assert await ledger.account_of(buyer) == Account(free=DEPOSIT - 464_000)
    assert await ledger.account_of(treasury) == Account(free=64_000)
    assert await ledger.energy_totals() == EnergyTotals(2_700, 2_700, 0)


async def test_a_claim_is_paid_when_the_treasury_has_money(
    ledger, open_agreement, record, keeper, seller, buyer, treasury
):
    await record("seller", exported_wh=2_500)
    await record("buyer", imported_wh=2_200)
    await ledger.make_transactions(keeper, [open_agreement])
    await ledger.close_positions(keeper, [seller, buyer], WINDOW)
    receipt = await ledger.pay_claim(keeper, seller)

    assert receipt.result == 40_000
    assert await ledger.claim_of(seller) == 0
    assert (await ledger.account_of(seller)).free == DEPOSIT + 440_000
    assert (await ledger.account_of(treasury)).free == 24_000


async def test_a_shortfall_is_made_up_for(ledger, open_agreement, record, keeper, seller, buyer):
    await record("seller", exported_wh=500)
    await record("buyer", imported_wh=2_000)
    await ledger.make_transactions(keeper, [open_agreement])
    await ledger.close_positions(keeper, [seller, buyer], WINDOW)

    # 0.10 for half a kWh; of the bond 1.5 * 0.17 is lost
    assert await ledger.account_of(seller) == Account(free=DEPOSIT + 100_000 - 255_000)
    # 0.10 to the seller, 1.5 * 0.32 to the grid, less 1.5 * 0.12: 2 kWh at 0.20 all the same
    assert await ledger.account_of(buyer) == Account(free=DEPOSIT - 400_000)


async def test_without_a_reading_nothing_was_delivered(
    ledger, clock, open_agreement, keeper, seller, buyer, treasury
):
    clock.set(grace_end(WINDOW) - 1)
    with pytest.raises(ContractRevertedError, match="ReadingMissing"):
        await ledger.make_transactions(keeper, [open_agreement])
    clock.set(grace_end(WINDOW))
    await ledger.make_transactions(keeper, [open_agreement])

    assert await ledger.account_of(seller) == Account(free=DEPOSIT - 340_000)
    assert await ledger.account_of(buyer) == Account(free=DEPOSIT + 240_000)
    assert await ledger.account_of(treasury) == Account(free=100_000)


async def test_the_buyers_reading_is_not_waited_for(
    ledger, open_agreement, record, keeper, seller, buyer
):
    await record("seller", exported_wh=2_000)
    await ledger.make_transactions(keeper, [open_agreement])

    assert await ledger.energy_balance_of(buyer) == 2_000
    assert await ledger.account_of(seller) == Account(free=DEPOSIT + 400_000)


async def test_settling_again_is_passed_over(ledger, open_agreement, record, keeper):
    await record("seller", exported_wh=2_000)
    await record("buyer")
    await ledger.make_transactions(keeper, [open_agreement])
    (again,) = await ledger.make_transactions(keeper, [open_agreement])

    assert again.events == ()
    state = await ledger.agreement_state(ledger.agreement_id(open_agreement))
    assert state is AgreementState.SETTLED


async def test_a_debt_blocks_until_it_is_paid(ledger, staff, record, keeper, buyer, seller):
    await ledger.withdraw(buyer, DEPOSIT)
    await record("buyer", imported_wh=1_000)
    receipts = await ledger.close_positions(keeper, [buyer], WINDOW)

    assert await ledger.account_of(buyer) == Account(debt=320_000)
    assert "DebtIncurred" in names(receipts)
    with pytest.raises(ContractRevertedError, match="DebtOutstanding"):
        await ledger.make_offer(buyer, WINDOW + 3, 1, 0)

    await ledger.deposit(buyer, 400_000)
    assert await ledger.account_of(buyer) == Account(free=80_000)
    assert await ledger.account_of(staff.treasury) == Account(free=320_000)


async def test_energy_given_away_is_covered_for_the_buyer(
    ledger, open_agreement, record, keeper, seller, buyer, outsider
):
    await record("seller", exported_wh=2_000)
    await record("buyer", imported_wh=2_000)
    ledger.call("transfer", ledger.energy_token.transfer, seller, outsider, 500)
    receipts = await ledger.make_transactions(keeper, [open_agreement])

    assert "EnergyCovered" in names(receipts)
    assert await ledger.energy_balance_of(buyer) == 2_000
    # 0.40 earned, 0.16 for half a kWh from the grid
    assert (await ledger.account_of(seller)).free == DEPOSIT + 400_000 - 160_000


async def test_a_battery_keeps_what_it_bought_and_loses_what_it_reports(
    ledger, clock, offer, seller, battery, record, keeper, agreement
):
    bought = replace(agreement, buyer=battery)
    clock.set(commit_start(WINDOW))
    await ledger.allow_transactions(seller, [ledger.sign_agreement(bought)])
    await record("seller", exported_wh=2_000)
    await record("battery", imported_wh=2_000, losses_wh=100)
    await ledger.make_transactions(keeper, [bought])
    await ledger.close_positions(keeper, [seller, battery], WINDOW)

    assert await ledger.energy_balance_of(battery) == 1_900
    assert await ledger.energy_totals() == EnergyTotals(2_000, 0, 100)


@pytest.mark.parametrize("laggard", ["seller", "buyer"])
async def test_who_leaves_a_position_open_cannot_trade_eight_windows_later(
    ledger, clock, open_agreement, keeper, seller, buyer, laggard
):
    clock.set(grace_end(WINDOW))
    await ledger.make_transactions(keeper, [open_agreement])
    other = {"seller": buyer, "buyer": seller}[laggard]
    await ledger.close_positions(keeper, [other], WINDOW)
    later = (await ledger.make_offer(seller, WINDOW + 8, 5_000, 100_000)).result
    again = replace(
        open_agreement, offer_id=later, window=WINDOW + 8, deadline=window_start(WINDOW + 8)
    )
    clock.set(commit_start(WINDOW + 8))

    with pytest.raises(ContractRevertedError) as refusal:
        await ledger.allow_transactions(seller, [ledger.sign_agreement(again)])

    assert refusal.value.error == "PositionOpen"
    participant = {"seller": seller, "buyer": buyer}[laggard]
    assert refusal.value.arguments == {"participant": participant, "window": WINDOW}


async def test_trades_are_remembered_until_the_window_eight_later_is_traded(
    ledger, clock, open_agreement, record, keeper, seller, buyer
):
    await record("seller", exported_wh=2_000)
    await record("buyer", imported_wh=2_000)
    await ledger.make_transactions(keeper, [open_agreement])
    await ledger.close_positions(keeper, [seller, buyer], WINDOW)
    assert await ledger.position_of(seller, WINDOW) == Position(sold_wh=2_000, closed=True)

    later = (await ledger.make_offer(seller, WINDOW + 8, 5_000, 100_000)).result
    again = replace(
        open_agreement, offer_id=later, window=WINDOW + 8, deadline=window_start(WINDOW + 8)
    )
    clock.set(commit_start(WINDOW + 8))
    await ledger.allow_transactions(seller, [ledger.sign_agreement(again)])

    assert await ledger.position_of(seller, WINDOW) == Position(closed=True)
    assert await ledger.position_of(seller, WINDOW + 8) == Position(open_agreements=1)
