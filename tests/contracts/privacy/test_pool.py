"""Money goes in, moves without being seen, and comes out: never more than went in."""

from dataclasses import replace

import pytest
from brownie import accounts, chain, reverts

from app.privacy.clsag import note_image
from app.privacy.curve import G, N, negate
from app.privacy.notes import receive_note, send_note
from app.privacy.pedersen import Opening, commit
from tests.contracts.errors import error
from tests.contracts.plain import event_of, events_of
from tests.contracts.privacy.abi import answer, as_abi
from tests.contracts.privacy.trading import (
    TRANSFER,
    SpendPlan,
    amount_of,
    as_abi_message,
    lock_of,
    prove,
    ring_of,
    wallet_note,
    withdrawal_of,
)
from tests.privacy import cases

OFF_CURVE = (1, 3)
ESCROW = b"\x05" * 32


@pytest.fixture
def plan(pool, payer, payee, decoys):
    """The payer's five millions: two for the payee, three back."""
    return SpendPlan(
        chain.id,
        pool.address,
        [(payer.notes[0], decoys)],
        [send_note(payee.keys.address(), 2_000_000), send_note(payer.keys.address(), 3_000_000)],
    )


@pytest.fixture
def in_pool(pool, payment_token):
    """What the pool has, checked against what it says."""

    def in_pool():
        balance = payment_token.balanceOf(pool)
        assert balance == pool.depositedTotal() - pool.withdrawnTotal()
        return balance

    return in_pool


def hash_of(pool, sent):
    return bytes(pool.noteHashOf(sent.note.key[0]))


# Deposits


def test_a_deposit_makes_a_note_that_its_owner_finds(pool, payer, depositor, in_pool):
    before = in_pool()
    sent = send_note(payer.keys.address(), 900)
    message = as_abi_message(sent.message)

    transaction = pool.deposit(
        900, sent.opening.blinding, sent.note.key, message, {"from": depositor}
    )

    assert in_pool() == before + 900
    created = event_of(transaction, "NoteCreated")
    assert tuple(created["note"]["commitment"].values()) == sent.note.commitment
    assert event_of(transaction, "Deposited") == {"payer": depositor.address, "amount": 900}
    assert any(hash_of(pool, sent))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({0: 2**32}, "AmountTooLarge"),
        ({1: N}, "ScalarTooLarge"),
        ({2: OFF_CURVE}, "PointInvalid"),
        ({0: 0}, "NothingDeposited"),
    ],
    ids=str,
)
def test_deposits_that_make_no_note(pool, payer, depositor, changes, expected):
    sent = send_note(payer.keys.address(), 900)
    arguments = [900, sent.opening.blinding, sent.note.key, as_abi_message(sent.message)]
    for place, value in changes.items():
        arguments[place] = value

    assert answer(pool.deposit.call, *arguments, {"from": depositor}) == expected


def test_a_key_has_one_note(pool, payer, depositor):
    key = payer.notes[0].note.key

    for taken in (key, negate(key)):
        with reverts(error("KeyTaken", key[0])):
            pool.deposit.call(1, 5, taken, ((0, 0), 0, 0), {"from": depositor})


# Transfers


def test_nobody_makes_notes_of_nothing(pool, plan, payer, keeper):
    """They would take keys that others wait for, and hide nobody in a ring."""
    nothing = [send_note(payer.keys.address(), 0) for _ in range(2)]
    opposite = Opening(0, N - nothing[0].opening.blinding)
    nothing[1] = replace(
        nothing[1], opening=opposite, note=replace(nothing[1].note, commitment=commit(opposite))
    )
    empty = replace(plan, inputs=[], outputs=nothing)
    message = empty.message([])
    outputs = [(as_abi(sent.note), as_abi(sent.message)) for sent in nothing]
    spend = ([], outputs, empty.ranges(message), empty.relayer, empty.fee, empty.deadline)

    assert bytes(pool.messageOf(spend, TRANSFER)) == message
    assert answer(pool.transfer.call, spend, {"from": keeper}) == "NothingSpent"


def test_a_transfer_shows_neither_payer_nor_amount(pool, plan, payer, payee, relayer, in_pool):
    before = in_pool()

    transaction = pool.transfer(plan.sign(), {"from": relayer})

    assert in_pool() == before
    image = note_image(payer.notes[0])
    assert event_of(transaction, "NoteSpent") == {"imageX": image[0]}
    assert pool.isSpent(image[0])
    created = events_of(transaction, "NoteCreated")
    assert [event["keyX"] for event in created] == [sent.note.key[0] for sent in plan.outputs]
    assert "Withdrawn" not in transaction.events
    assert wallet_note(payee.keys, plan.outputs[0]).opening.value == 2_000_000


def test_what_was_received_can_be_spent(pool, plan, payee, payer, relayer):
    pool.transfer(plan.sign(), {"from": relayer})
    received = wallet_note(payee.keys, plan.outputs[0])
    ring = ring_of(received.note, *(note.note for note in payer.notes[1:4]))
    output = send_note(payer.keys.address(), 2_000_000)
    onward = replace(plan, inputs=[(received, ring)], outputs=[output])

    pool.transfer(onward.sign(), {"from": relayer})

    assert any(hash_of(pool, output))


def test_two_notes_become_one(pool, plan, payer, decoys, relayer):
    inputs = [(payer.notes[0], decoys), (payer.notes[1], decoys)]
    output = send_note(payer.keys.address(), 5_700_000)

    transaction = pool.transfer(
        replace(plan, inputs=inputs, outputs=[output]).sign(), {"from": relayer}
    )

    assert len(events_of(transaction, "NoteSpent")) == 2


def test_a_note_is_spent_once(pool, plan, payer, payee, relayer):
    pool.transfer(plan.sign(), {"from": relayer})
    other_ring = ring_of(*(note.note for note in [payer.notes[0], *payer.notes[2:], *payee.notes]))
    outputs = [send_note(payer.keys.address(), 5_000_000)]
    again = replace(plan, inputs=[(payer.notes[0], other_ring)], outputs=outputs)

    with reverts(error("NoteSpentBefore", note_image(payer.notes[0])[0])):
        pool.transfer.call(again.sign(), {"from": relayer})


def test_a_note_is_spent_once_within_a_spend(pool, plan, payer, decoys):
    inputs = [(payer.notes[0], decoys)] * 2
    twice = replace(plan, inputs=inputs, outputs=[send_note(payer.keys.address(), 10_000_000)])

    assert answer(pool.transfer.call, twice.sign(), {"from": accounts[6]}) == "NoteSpentBefore"


def test_nothing_signed_can_be_altered(pool, plan, payer, payee, relayer):
    five = ring_of(*(note.note for note in [*payer.notes, *payee.notes]))
    spend = replace(plan, inputs=[(payer.notes[0], five)]).sign()
    inputs, outputs, _, _, fee, deadline = spend
    ring, signature = inputs[0]
    note, message = outputs[0]
    image, blinding_image, pseudo, challenge, responses = signature
    other = send_note(cases.note_keys("thief").address(), 2_000_000)
    altered = {
        "receiver": (inputs, [(as_abi(other.note), as_abi(other.message)), outputs[1]]),
        "key": (inputs, [((as_abi(other.note)[0], note[1]), message), outputs[1]]),
        "message": (inputs, [(note, (message[0], message[1], "0x7")), outputs[1]]),
        "order of outputs": (inputs, outputs[::-1]),
        "image": ([(ring, (pseudo, blinding_image, pseudo, challenge, responses))],),
        "blinding image": ([(ring, (image, image, pseudo, challenge, responses))],),
        "challenge": ([(ring, (image, blinding_image, pseudo, "0x1", responses))],),
        "response": (
            [(ring, (image, blinding_image, pseudo, challenge, ["0x1", *responses[1:]]))],
        ),
        "smaller ring": ([(ring[1:], (image, blinding_image, pseudo, challenge, responses[1:]))],),
        "relayer": (*spend[:3], relayer.address, fee, deadline),
        "fee": (*spend[:4], 1, deadline),
        "deadline": (*spend[:5], deadline - 1),
    }

    for what, fields in altered.items():
        changed = (*fields, *spend[len(fields) :])
        assert answer(pool.transfer.call, changed, {"from": relayer}) == "SpendSignatureInvalid", (
            what
        )


def test_ranges_belong_to_their_spend(pool, plan, relayer):
    spend = plan.sign()
    foreign = replace(plan, deadline=plan.deadline - 1).sign()[2]

    with reverts(error("RangesInvalid")):
        pool.transfer.call((*spend[:2], foreign, *spend[3:]), {"from": relayer})


def test_money_does_not_grow(pool, plan, payer, relayer):
    """The outputs have one unit more than the input."""
    outputs = [plan.outputs[0], send_note(payer.keys.address(), 3_000_001)]
    more = replace(plan, outputs=outputs)

    with reverts(error("Unbalanced")):
        pool.transfer.call(more.sign(), {"from": relayer})


def test_money_is_not_negative(pool, plan, payee, payer, relayer):
    """Six millions for the payee, minus one back: the sum is right."""
    rich = send_note(payee.keys.address(), 6_000_000)
    poor = send_note(payer.keys.address(), 0)
    opening = Opening(N - 1_000_000, poor.opening.blinding)
    debt = replace(poor, note=replace(poor.note, commitment=commit(opening)), opening=opening)

    class Overdrawn(SpendPlan):
        def ranges(self, message):
            return prove(message, (32, 32), [rich.opening, Opening.of(5)])

    overdrawn = Overdrawn(plan.chain_id, plan.pool, plan.inputs, [rich, debt])

    with reverts(error("RangesInvalid")):
        pool.transfer.call(overdrawn.sign(), {"from": relayer})


def test_nobody_hides_among_three_notes(pool, plan, payer, relayer):
    three = ring_of(*(note.note for note in payer.notes[:3]))
    open_to_guesses = replace(plan, inputs=[(payer.notes[0], three)])

    with reverts(error("RingTooSmall", 3)):
        pool.transfer.call(open_to_guesses.sign(), {"from": relayer})


@pytest.mark.parametrize("places", ["descending", "twice"])
def test_rings_are_in_order(pool, plan, payer, decoys, relayer, places):
    ring = decoys[::-1] if places == "descending" else [decoys[0], *decoys]
    spend = replace(plan).sign()
    inputs = [(as_abi(ring), spend[0][0][1])]

    assert answer(pool.transfer.call, (inputs, *spend[1:]), {"from": relayer}) == "RingUnordered"


def test_a_ring_has_notes_of_the_pool_only(pool, plan, payer, decoys, relayer):
    foreign = cases.spendable(5_000_000, "payer", "never deposited")
    ring = ring_of(foreign.note, *decoys[:3])
    forged = replace(plan, inputs=[(foreign, ring)])

    with reverts(error("NoteUnknown", foreign.note.key[0])):
        pool.transfer.call(forged.sign(), {"from": relayer})


def test_a_foreign_commitment_makes_no_note(pool, plan, payer, decoys, relayer):
    rich = commit(Opening(2**31, 5))
    own = replace(payer.notes[1], note=replace(payer.notes[1].note, commitment=rich))
    own = replace(own, opening=Opening(2**31, 5))
    ring = ring_of(own.note, *(note for note in decoys if note.key != own.note.key))
    outputs = [send_note(payer.keys.address(), 2**31)]
    forged = replace(plan, inputs=[(own, ring)], outputs=outputs)

    with reverts(error("NoteUnknown", own.note.key[0])):
        pool.transfer.call(forged.sign(), {"from": relayer})


@pytest.mark.parametrize("changes", [{"chain_id": 1}, {"pool": "0x" + "12" * 20}], ids=str)
def test_a_spend_is_for_one_pool_on_one_chain(pool, plan, relayer, changes):
    foreign = replace(plan, **changes).sign()

    assert answer(pool.transfer.call, foreign, {"from": relayer}) == "SpendSignatureInvalid"


def test_a_spend_ends(pool, plan, relayer):
    late = replace(plan, deadline=1).sign()

    with reverts(error("SpendExpired", 1)):
        pool.transfer.call(late, {"from": relayer})


@pytest.mark.parametrize("count", [0, 3])
def test_outputs_are_one_two_or_four(pool, plan, payer, relayer, count):
    spend = plan.sign()
    outputs = (spend[1] * 2)[:count]

    assert answer(pool.transfer.call, (spend[0], outputs, *spend[2:]), {"from": relayer}) in {
        "SpendSignatureInvalid",
        "Unbalanced",
    }


def test_messages_are_those_of_python(pool, plan):
    spend = plan.sign()
    marks = [
        tuple(tuple(int(word, 16) for word in point) for point in (signature[0], signature[2]))
        for _, signature in spend[0]
    ]

    assert bytes(pool.messageOf(spend, TRANSFER)) == plan.message(marks)
    assert bytes(pool.TRANSFER()) == TRANSFER


# Withdrawals


@pytest.fixture
def withdrawal(plan, payer, outsider, relayer):
    """A million to the outsider, and seven to the relayer."""
    return replace(
        plan,
        outputs=[send_note(payer.keys.address(), 3_999_993)],
        purpose=withdrawal_of(outsider.address, 1_000_000),
        amount=1_000_000,
        fee=7,
        relayer=relayer.address,
    )


def test_a_withdrawal_pays_recipient_and_relayer(
    pool, withdrawal, payment_token, outsider, relayer, keeper, in_pool
):
    before = in_pool()
    relayer_before = payment_token.balanceOf(relayer)

    pool.withdraw(withdrawal.sign(), outsider, 1_000_000, {"from": keeper})

    assert in_pool() == before - 1_000_007
    assert payment_token.balanceOf(outsider) == 1_000_000
    assert payment_token.balanceOf(relayer) == relayer_before + 7


def test_a_withdrawal_cannot_be_diverted(pool, withdrawal, outsider, relayer, keeper):
    spend = withdrawal.sign()
    sender = {"from": keeper}

    assert answer(pool.withdraw.call, spend, keeper, 1_000_000, sender) == "SpendSignatureInvalid"
    assert answer(pool.withdraw.call, spend, outsider, 999_999, sender) == "SpendSignatureInvalid"
    assert answer(pool.withdraw.call, spend, outsider, 2**32, sender) == "AmountTooLarge"
    assert answer(pool.transfer.call, spend, sender) == "SpendSignatureInvalid"


def test_nobody_withdraws_more_than_the_note_has(pool, withdrawal, outsider, keeper):
    more = replace(withdrawal, purpose=withdrawal_of(outsider.address, 1_000_001))

    with reverts(error("Unbalanced")):
        pool.withdraw.call(more.sign(), outsider, 1_000_001, {"from": keeper})


# Escrows


@pytest.fixture
def holder():
    """Any account: a contract in earnest."""
    return accounts[51]


@pytest.fixture
def escrow(payee):
    """Two millions, which the payee would find."""
    return send_note(payee.keys.address(), 2_000_000)


@pytest.fixture
def back(payer):
    return send_note(payer.keys.address(), 2_000_000)


@pytest.fixture
def locked(pool, plan, payer, escrow, back, holder):
    """The escrow is locked; three millions have returned at once."""
    spend = replace(
        plan,
        outputs=[send_note(payer.keys.address(), 3_000_000)],
        purpose=lock_of(holder.address, ESCROW, escrow.note.commitment),
        locked=[escrow.opening],
    ).sign()
    keys = [escrow.note.key, back.note.key]
    arguments = (spend, (ESCROW, escrow.note.commitment, keys), [])
    pool.lock(*arguments, {"from": holder})
    return arguments


def split_of(pool, holder, escrow, back, amount):
    """What `split` is given so that so much goes back."""
    refund = amount_of(back, amount)
    payout = escrow.opening - refund.opening
    context = pool.splitContext(holder, ESCROW)
    notes = [
        ((escrow.note.key, commit(payout)), as_abi_message(escrow.message)),
        (as_abi(refund.note), as_abi_message(refund.message)),
    ]
    return [
        ESCROW,
        escrow.note.commitment,
        notes,
        prove(bytes(context), (32, 32), [payout, refund.opening]),
        [],
    ]


def test_an_escrow_becomes_a_note(pool, locked, escrow, payee, holder, in_pool):
    before = in_pool()

    pool.release(
        ESCROW,
        escrow.note.commitment,
        escrow.note.key,
        as_abi_message(escrow.message),
        {"from": holder},
    )

    assert in_pool() == before
    assert any(hash_of(pool, escrow))
    assert wallet_note(payee.keys, escrow).opening.value == 2_000_000


def test_an_escrow_becomes_two_notes(pool, locked, escrow, back, payer, holder):
    arguments = split_of(pool, holder, escrow, back, 500_000)
    refund = amount_of(back, 500_000)

    transaction = pool.split(*arguments, {"from": holder})

    assert len(events_of(transaction, "NoteCreated")) == 2
    address = payer.keys.address()
    found = receive_note(refund.note, refund.message, address.spend_public, payer.keys.view_secret)
    assert found is not None
    assert found.opening.value == 500_000


def test_an_escrow_ends_once(pool, locked, escrow, back, holder):
    arguments = split_of(pool, holder, escrow, back, 500_000)
    pool.split(*arguments, {"from": holder})

    with reverts(error("EscrowUnknown", holder, ESCROW)):
        pool.split.call(*arguments, {"from": holder})


def test_only_its_holder_ends_an_escrow(pool, locked, escrow, outsider):
    message = as_abi_message(escrow.message)

    assert (
        answer(
            pool.release.call,
            ESCROW,
            escrow.note.commitment,
            escrow.note.key,
            message,
            {"from": outsider},
        )
        == "EscrowUnknown"
    )


def test_an_escrow_hides_what_was_locked(pool, locked, escrow, back, holder):
    message = as_abi_message(escrow.message)
    sender = {"from": holder}
    commitment, key = escrow.note.commitment, escrow.note.key

    assert answer(pool.release.call, ESCROW, G, key, message, sender) == "EscrowUnknown"
    assert answer(pool.release.call, b"\x01" * 32, commitment, key, message, sender) == (
        "EscrowUnknown"
    )
    assert answer(pool.release.call, ESCROW, commitment, G, message, sender) == "KeyTaken"


def test_a_split_makes_no_money(pool, locked, escrow, back, holder):
    sender = {"from": holder}
    good = split_of(pool, holder, escrow, back, 500_000)
    other = split_of(pool, holder, escrow, back, 500_001)
    mixed = [*good[:2], [good[2][0], other[2][1]], *good[3:]]
    foreign = [*good[:3], other[3], good[4]]
    negative = list(good)
    refund = Opening(N - 1, back.opening.blinding)
    payout = escrow.opening - refund
    negative[2] = [
        ((escrow.note.key, commit(payout)), good[2][0][1]),
        ((back.note.key, commit(refund)), good[2][1][1]),
    ]

    assert answer(pool.split.call, *mixed, sender) == "Unbalanced"
    assert answer(pool.split.call, *foreign, sender) == "RangesInvalid"
    assert answer(pool.split.call, *negative, sender) == "RangesInvalid"


def test_keys_are_kept_for_an_escrow(pool, locked, escrow, depositor):
    with reverts(error("KeyTaken", escrow.note.key[0])):
        pool.deposit.call(1, 5, escrow.note.key, ((0, 0), 0, 0), {"from": depositor})


def test_a_lock_cannot_be_copied_by_another(pool, plan, payer, escrow, back, holder, outsider):
    spend = replace(
        plan,
        outputs=[send_note(payer.keys.address(), 3_000_000)],
        purpose=lock_of(holder.address, ESCROW, escrow.note.commitment),
        locked=[escrow.opening],
    ).sign()
    commitment = escrow.note.commitment
    keys = [escrow.note.key, back.note.key]
    other_id = b"\x06" * 32

    def outcome(escrow_id, committed, by):
        return answer(pool.lock.call, spend, (escrow_id, committed, keys), [], {"from": by})

    assert outcome(ESCROW, commitment, outsider) == "SpendSignatureInvalid"
    assert outcome(other_id, commitment, holder) == "SpendSignatureInvalid"
    assert outcome(ESCROW, G, holder) == "SpendSignatureInvalid"
    assert bytes(pool.lockOf(holder, ESCROW, commitment)) == lock_of(
        holder.address, ESCROW, commitment
    )


def test_an_escrow_has_a_name_of_its_own(pool, locked, holder):
    assert answer(pool.lock.call, *locked, {"from": holder}) == "EscrowExists"


def test_more_claims_must_hold(pool, plan, payer, escrow, back, holder):
    spend = replace(
        plan,
        outputs=[send_note(payer.keys.address(), 3_000_000)],
        purpose=lock_of(holder.address, ESCROW, escrow.note.commitment),
        locked=[escrow.opening],
    ).sign()
    opening = Opening.of(9)
    proof = prove(ESCROW, (4,), [opening])
    keys = [escrow.note.key, back.note.key]

    def outcome(context):
        claims = [(context, [4], [commit(opening)], proof)]
        arguments = (spend, (ESCROW, escrow.note.commitment, keys), claims)
        return answer(pool.lock.call, *arguments, {"from": holder})

    assert outcome(ESCROW) == ()
    assert outcome(b"\x06" * 32) == "RangesInvalid"


# Several escrows at once


@pytest.fixture
def locks(pool, payer, payee, decoys, holder):
    """What `lockAll` is given to lock parts of two notes."""

    def locks(first=0, second=2):
        spends, escrows = [], []
        for number, place in enumerate((first, second)):
            note, name = payer.notes[place], bytes([number + 1]) * 32
            locked = send_note(payee.keys.address(), 500_000)
            back = send_note(payer.keys.address(), 0)
            change = send_note(payer.keys.address(), note.opening.value - 500_000 - number)
            plan = SpendPlan(
                chain.id,
                pool.address,
                [(note, decoys)],
                [change],
                purpose=lock_of(holder.address, name, locked.note.commitment),
                locked=[locked.opening],
                fee=number,
                relayer=accounts[7].address,
            )
            spends.append(plan.sign())
            keys = (locked.note.key, back.note.key)
            escrows.append((name, locked.note.commitment, keys))
        return spends, escrows, []

    return locks


def test_several_are_locked_at_once(pool, locks, payment_token, holder, in_pool):
    before, fees = in_pool(), payment_token.balanceOf(accounts[7])

    transaction = pool.lockAll(*locks(), {"from": holder})

    locked = events_of(transaction, "EscrowLocked")
    assert [event["id"] for event in locked] == [b"\x01" * 32, b"\x02" * 32]
    assert len(events_of(transaction, "NoteSpent")) == 2
    assert in_pool() == before - 1
    assert payment_token.balanceOf(accounts[7]) == fees + 1


def test_a_note_is_spent_once_within_a_batch(pool, locks, payer, holder):
    with reverts(error("NoteSpentBefore", note_image(payer.notes[0])[0])):
        pool.lockAll.call(*locks(0, 0), {"from": holder})


def test_a_batch_has_different_names_and_keys(pool, locks, holder):
    spends, escrows, _ = locks()
    first, second = escrows
    sender = {"from": holder}

    same_key = [first, (*second[:2], (second[2][0], first[2][1]))]
    assert answer(pool.lockAll.call, spends, same_key, [], sender) == "KeyTaken"
    assert answer(pool.lockAll.call, spends, [first, first], [], sender) == "EscrowExists"


def test_a_batch_belongs_to_its_holder(pool, locks, outsider):
    assert answer(pool.lockAll.call, *locks(), {"from": outsider}) == "SpendSignatureInvalid"


def test_every_range_of_a_batch_must_hold(pool, locks, holder):
    spends, escrows, _ = locks()
    other = locks()[0][1]
    foreign = [spends[0], (*spends[1][:2], other[2], *spends[1][3:])]
    opening = Opening.of(9)
    claim = (ESCROW, [4], [commit(opening)], prove(b"\x06" * 32, (4,), [opening]))
    sender = {"from": holder}

    assert answer(pool.lockAll.call, foreign, escrows, [], sender) == "RangesInvalid"
    assert answer(pool.lockAll.call, spends, escrows, [claim], sender) == "RangesInvalid"
    assert answer(pool.lockAll.call, [], [], [claim], sender) == "RangesInvalid"


def test_each_spend_of_a_batch_has_an_escrow(pool, locks, holder):
    spends, escrows, _ = locks()
    for some, others in ((spends, escrows[:1]), (spends[:1], escrows), ([], escrows)):
        with reverts(error("LengthMismatch", len(some), len(others))):
            pool.lockAll.call(some, others, [], {"from": holder})


def test_an_empty_batch_locks_nothing(pool, holder):
    assert not pool.lockAll([], [], [], {"from": holder}).events
