"""What private trading costs, against the committed figures in `benchmarks/privacy-gas.json`.

The ring has eleven members, and each spend hides among eleven notes. All that is random is drawn
the same each time; but hashes depend on addresses, and how many of their bytes are zero: figures
may differ by a hundredth. After a change that is meant, `PEERWATT_RENEW_GAS=1 brownie test
tests/contracts/privacy/test_private_gas.py` writes the file anew.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from brownie import accounts, web3

from app.privacy.bulletproofs import RangeStatement, prove_ranges
from app.privacy.lsag import sign_as_member, tag_base
from app.privacy.notes import send_note
from app.privacy.pedersen import Opening, commit
from tests.contracts.conftest import HOUSEHOLDS_FROM, WINDOW, travel_to
from tests.contracts.privacy.abi import as_abi, claim_of
from tests.contracts.privacy.trading import SpendPlan, as_abi_message, ring_of, withdrawal_of
from tests.contracts.signing import key as account_key
from tests.privacy.cases import CONTEXT, MESSAGE, entropy_of, members, note_keys, opening, publics

pytestmark = pytest.mark.usefixtures("gas_of_ganache")

SNAPSHOT = Path(__file__).resolve().parents[3] / "benchmarks" / "privacy-gas.json"
RENEW = "PEERWATT_RENEW_GAS"
RING = 11
BATCH = 5
TOLERANCE = 0.01
LARGEST_CONTRACT = 24_576
TARGETS = {
    ("proofs", "ring signature, 11 members"): 400_000,
    ("proofs", "range, 32 bits"): 620_000,
    ("pool", "transfer, two outputs"): 1_750_000,
    ("trade", "complete, delivered in full"): 4_500_000,
    ("trade", "complete, delivered in full, five at once"): 3_000_000,
}


def committed():
    return json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}


def check(topic, figures):
    """Compares the figures of a topic with the committed ones, or commits them."""
    snapshot = committed()
    if os.environ.get(RENEW):
        renewed = {**snapshot, topic: figures}
        SNAPSHOT.write_text(json.dumps(dict(sorted(renewed.items())), indent=2) + "\n")
        return
    before = snapshot.get(topic, {})
    assert figures.keys() == before.keys()
    drift = {
        sentence: (before[sentence], figure)
        for sentence, figure in figures.items()
        if abs(figure - before[sentence]) > TOLERANCE * before[sentence]
    }
    assert not drift, f"{topic}: not as in {SNAPSHOT.name}; if this is meant, {RENEW}=1"


def test_contracts_are_as_large_as_was_committed(privacy):
    contracts = [
        *(getattr(privacy.verifiers, name) for name in ("ring", "spend", "sigma", "ranges")),
        *(getattr(privacy, name) for name in ("announcer", "registry", "pool", "market")),
    ]
    sizes = {contract._name: len(web3.eth.get_code(contract.address)) for contract in contracts}

    assert max(sizes.values()) <= LARGEST_CONTRACT
    check("bytes of code", sizes)


def test_proofs_cost_what_was_committed(verifiers, keeper):
    def gas(function, *arguments):
        return function.transact(*arguments, {"from": keeper}).gas_used

    def claims(*widths):
        found = []
        for bits in widths:
            openings = [opening(5, str(i)) for i in range(len(bits))]
            statement = RangeStatement(CONTEXT, bits, tuple(map(commit, openings)))
            proof = prove_ranges(statement, openings, entropy=entropy_of(f"gas {bits}"))
            found.append(claim_of(statement, proof))
        return found

    keys = members(RING)
    signature = sign_as_member(
        keys[3], publics(keys), CONTEXT, MESSAGE, entropy=entropy_of("gas of a ring")
    )
    member = (publics(keys), CONTEXT, MESSAGE, tag_base(CONTEXT), as_abi(signature))
    ranges = verifiers.ranges.verify
    check(
        "proofs",
        {
            "ring signature, 11 members": gas(verifiers.ring.verify, *member),
            "range, 16 bits": gas(ranges, claims((16,))),
            "range, 32 bits": gas(ranges, claims((32,))),
            "range, 64 bits": gas(ranges, claims((64,))),
            "range, twice 32 bits": gas(ranges, claims((32, 32))),
            "range, each of 5 claims of 64 bits": gas(ranges, claims(*[(64,)] * 5)) // 5,
        },
    )


@pytest.fixture
def eleven(private_market, trade, member_keys, membership, admin):
    """The keys of eleven members."""
    keys = members(RING)
    for number in range(len(member_keys), RING):
        household = accounts[HOUSEHOLDS_FROM + 30 + number]
        membership.admit(household, (100 + number).to_bytes(32, "big"), {"from": admin})
        proof = trade.possession(keys[number], household.address)
        private_market.publishInfo(keys[number].public, proof, {"from": household})
    return keys


@pytest.fixture
def wallet_notes(give_note):
    """Eleven notes of five millions."""
    keys = note_keys("payer")
    entropy = entropy_of("notes")
    return [give_note(keys, 5_000_000, entropy) for _ in range(RING)]


@pytest.fixture
def hidden(wallet_notes):
    return ring_of(*(item.note for item in wallet_notes))


def test_the_pool_costs_what_was_committed(pool, trade, wallet_notes, hidden, depositor, keeper):
    entropy = entropy_of("gas of the pool")
    address = note_keys("payee").address()

    def sent(amount):
        return send_note(address, amount, entropy=entropy)

    new = sent(900)
    deposited = pool.deposit(
        900, new.opening.blinding, new.note.key, as_abi_message(new.message), {"from": depositor}
    )
    plan = SpendPlan(trade.chain_id, pool.address, [], [], entropy=entropy)
    transfer = replace(
        plan,
        inputs=[(wallet_notes[0], hidden)],
        outputs=[sent(2_000_000), sent(3_000_000)],
    )
    merge = replace(
        plan, inputs=[(item, hidden) for item in wallet_notes[1:3]], outputs=[sent(10_000_000)]
    )
    withdrawal = replace(
        plan,
        inputs=[(wallet_notes[3], hidden)],
        outputs=[sent(4_000_000)],
        purpose=withdrawal_of(keeper.address, 1_000_000),
        amount=1_000_000,
    )

    check(
        "pool",
        {
            "deposit": deposited.gas_used,
            "transfer, two outputs": pool.transfer(transfer.sign(), {"from": keeper}).gas_used,
            "transfer, two notes to one": pool.transfer(merge.sign(), {"from": keeper}).gas_used,
            "withdraw": pool.withdraw(
                withdrawal.sign(), keeper, 1_000_000, {"from": keeper}
            ).gas_used,
        },
    )


def test_a_trade_costs_what_was_committed(
    private_market, trade, eleven, wallet_notes, hidden, operator_key, keeper
):
    trade = replace(trade, entropy=entropy_of("gas of a trade"))
    payer, payee = note_keys("payer"), note_keys("payee")
    by = {"from": keeper}
    opened = private_market.openRound(WINDOW, by)
    ring = publics(eleven)
    offers = [trade.offer(key, ring, WINDOW, owner=account_key(60)) for key in eleven[: 2 + BATCH]]
    made = [private_market.makeOffer(offer.terms, offer.proofs, by) for offer in offers[:2]]
    rest = offers[2:]
    batch = private_market.makeOffers(
        [offer.terms for offer in rest], [offer.proofs for offer in rest], by
    )
    travel_to(WINDOW * 3600 - 200)
    all_agreed = [
        trade.agreement(offer, (WINDOW << 32) + number, payee, payer)
        for number, offer in enumerate(offers)
    ]
    agreements, together = all_agreed[:2], all_agreed[2:]
    allowed = [
        private_market.allowTransaction(
            agreement.struct,
            agreement.proofs,
            agreement.seller_signature,
            trade.payment(agreement, note, hidden, payer),
            by,
        )
        for agreement, note in zip(agreements, wallet_notes, strict=False)
    ]
    allowed_together = private_market.allowTransactions(
        [agreement.struct for agreement in together],
        [agreement.proofs for agreement in together],
        [agreement.seller_signature for agreement in together],
        [
            trade.payment(agreement, note, hidden, payer)
            for agreement, note in zip(together, wallet_notes[2:], strict=False)
        ],
        by,
    )
    travel_to((WINDOW + 1) * 3600)
    full, part = agreements
    settled = private_market.makeTransaction(
        full.struct, trade.attestation(operator_key, full, commit(full.energy)), by
    )
    delivered = Opening.of(1_234, trade.entropy)
    partly = private_market.makePartialTransaction(
        part.struct,
        commit(delivered),
        trade.attestation(operator_key, part, commit(delivered)),
        trade.settlement(part, delivered)[0],
        by,
    )
    steps = [made[1], allowed[1], settled]

    check(
        "trade",
        {
            "openRound": opened.gas_used,
            "makeOffer, first of a slot": made[0].gas_used,
            "makeOffer": made[1].gas_used,
            "makeOffers, each of 5": batch.gas_used // BATCH,
            "allowTransaction": allowed[1].gas_used,
            "allowTransactions, each of 5": allowed_together.gas_used // BATCH,
            "makeTransaction": settled.gas_used,
            "makePartialTransaction": partly.gas_used,
            "complete, delivered in full": sum(step.gas_used for step in steps),
            "complete, delivered in full, offers five at once": sum(
                step.gas_used for step in steps[1:]
            )
            + batch.gas_used // BATCH,
            "complete, delivered in full, five at once": (
                batch.gas_used + allowed_together.gas_used
            )
            // BATCH
            + settled.gas_used,
        },
    )


@pytest.mark.parametrize(
    ("place", "target"), TARGETS.items(), ids=[sentence for _, sentence in TARGETS]
)
def test_targets_are_reached(place, target):
    topic, sentence = place

    assert committed()[topic][sentence] <= target
