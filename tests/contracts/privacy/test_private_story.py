"""A household sells an hour's energy to another; the street sees that somebody traded something."""

from app.market.units import cost_down, cost_up
from app.privacy.clsag import SpendableNote
from app.privacy.notes import Note, receive_note, send_note
from app.privacy.pedersen import Opening, commit
from tests.contracts.plain import events_of
from tests.contracts.privacy.trading import SpendPlan, ring_of, wallet_note, withdrawal_of

ENERGY_WH, DELIVERED_WH, PRICE = 2_001, 1_234, 200_001


def test_a_private_trade(
    pool,
    private_market,
    payment_token,
    trade,
    allowed,
    payer,
    payee,
    operator_key,
    outsider,
    relayer,
    keeper,
):
    locked = cost_up(ENERGY_WH, PRICE)
    earned = cost_down(DELIVERED_WH, PRICE)
    in_pool = payment_token.balanceOf(pool)

    # The operator saw 1,234 of the 2,001 Wh at the seller's meter, and tells both sides.
    delivered = Opening.of(DELIVERED_WH)
    attestation = trade.attestation(operator_key, allowed, commit(delivered))
    settlement, refund, payout = trade.settlement(allowed, delivered)
    transaction = private_market.makePartialTransaction(
        allowed.struct, commit(delivered), attestation, settlement, {"from": keeper}
    )
    assert len(events_of(transaction, "NoteCreated")) == 2
    assert payment_token.balanceOf(pool) == in_pool

    # The seller's note: its key from the agreement, its opening from the settlement.
    secret = wallet_note(payee.keys, allowed.payout).secret
    income = SpendableNote(Note(allowed.payout.note.key, commit(payout)), secret, payout)
    assert income.opening.value == earned

    # The buyer finds what came back as any other note.
    keys = payer.keys
    found = receive_note(refund.note, refund.message, keys.address().spend_public, keys.view_secret)
    assert found is not None
    assert found.opening.value == locked - earned

    # The seller takes its money to the bank: hidden among others, by whoever pays the gas.
    ring = ring_of(income.note, found.note, *(item.note for item in payer.notes[1:3]))
    withdrawal = SpendPlan(
        trade.chain_id,
        pool.address,
        [(income, ring)],
        [send_note(payee.keys.address(), 0)],
        purpose=withdrawal_of(outsider.address, earned - 10),
        amount=earned - 10,
        fee=10,
        relayer=relayer.address,
    )
    pool.withdraw(withdrawal.sign(), outsider, earned - 10, {"from": keeper})

    assert payment_token.balanceOf(outsider) == earned - 10
    assert payment_token.balanceOf(pool) == in_pool - earned
    assert payment_token.balanceOf(pool) == pool.depositedTotal() - pool.withdrawnTotal()
