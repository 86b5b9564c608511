"""Whatever is done in whatever order: the pool has what its notes hide, to the unit."""

from random import Random

import pytest
from brownie import accounts, chain

from app.privacy.clsag import note_image
from app.privacy.notes import send_note
from tests.contracts.privacy.trading import (
    SpendPlan,
    as_abi_message,
    lock_of,
    ring_of,
    wallet_note,
    withdrawal_of,
)

STEPS = 6


class Walk:
    """Does things at random, and remembers every note as its owner would."""

    def __init__(self, pool, give_note, payer, payee, seed):
        self.random = Random(seed)
        self.pool = pool
        self.give_note = give_note
        self.keys = payer.keys
        self.notes = [*payer.notes, *payee.notes]
        self.spent = []
        self.holder = accounts[51]
        self.by = {"from": self.holder}

    def take(self):
        """A note that is spent next, with a ring of others."""
        note = self.notes.pop(self.random.randrange(len(self.notes)))
        others = self.random.sample([*self.notes, *self.spent], 3)
        self.spent.append(note)
        return note, ring_of(note.note, *(other.note for other in others))

    def send(self, amount):
        return send_note(self.keys.address(), amount)

    def plan(self, **fields):
        taken = self.take()
        amount = taken[0].opening.value
        part = self.random.randint(0, amount)
        return SpendPlan(chain.id, self.pool.address, [taken], [self.send(part)], **fields), (
            amount - part
        )

    def keep(self, *sent):
        self.notes += [wallet_note(self.keys, each) for each in sent]

    def deposit(self):
        self.notes.append(self.give_note(self.keys, self.random.randint(0, 1_000)))

    def transfer(self):
        plan, rest = self.plan()
        plan.outputs.append(self.send(rest))
        self.pool.transfer(plan.sign(), self.by)
        self.keep(*plan.outputs)

    def withdraw(self):
        plan, rest = self.plan()
        fee = min(rest, 5)
        changes = {"purpose": withdrawal_of(self.holder.address, rest - fee), "fee": fee}
        plan = SpendPlan(
            plan.chain_id,
            plan.pool,
            plan.inputs,
            plan.outputs,
            amount=rest - fee,
            relayer=accounts[5].address,
            **changes,
        )
        self.pool.withdraw(plan.sign(), self.holder, rest - fee, self.by)
        self.keep(*plan.outputs)

    def escrow(self):
        plan, rest = self.plan()
        locked, unused = self.send(rest), self.send(0)
        name = self.random.randbytes(32)
        plan = SpendPlan(
            plan.chain_id,
            plan.pool,
            plan.inputs,
            plan.outputs,
            purpose=lock_of(self.holder.address, name, locked.note.commitment),
            locked=[locked.opening],
        )
        keys = [locked.note.key, unused.note.key]
        self.pool.lock(plan.sign(), (name, locked.note.commitment, keys), [], self.by)
        message = as_abi_message(locked.message)
        self.pool.release(name, locked.note.commitment, locked.note.key, message, self.by)
        self.keep(*plan.outputs, locked)


@pytest.mark.parametrize("seed", range(2))
def test_money_is_conserved(pool, payment_token, give_note, payer, payee, seed):
    walk = Walk(pool, give_note, payer, payee, seed)

    for _ in range(STEPS):
        walk.random.choice([walk.deposit, walk.transfer, walk.withdraw, walk.escrow])()

        hidden = sum(note.opening.value for note in walk.notes)
        assert payment_token.balanceOf(pool) == hidden
        assert pool.depositedTotal() - pool.withdrawnTotal() == hidden
    for note in walk.spent:
        assert pool.isSpent(note_image(note)[0])
    for note in walk.notes:
        assert not pool.isSpent(note_image(note)[0])
