"""What members say in private: it verifies, comes through the ABI's tuples, and holds nowhere else.

That the contracts agree is shown by whole rounds on a node (`tests/ledger/test_private_round.py`).
"""

import dataclasses
from dataclasses import replace

import pytest

from app.errors import InputError
from app.privacy.audit import ValueFinder
from app.privacy.clsag import SpendableNote
from app.privacy.curve import G, negate
from app.privacy.details import open_details, seal_details
from app.privacy.fast_curve import FAST
from app.privacy.notes import Note, receive_note, send_note
from app.privacy.pedersen import Opening, commit
from app.privacy.rows import from_row, to_row
from app.privacy.spending import Pool, Purpose, Spend, spend_notes, verify_spend_of_notes
from app.privacy.stealth import is_mine
from app.privacy.trading import (
    Agreement,
    AgreementProofs,
    Band,
    Deal,
    OfferDraft,
    OfferProofs,
    OfferTerms,
    Rules,
    Settlement,
    StandingOffer,
    StealthKeys,
    announcement_of,
    make_agreement,
    make_offer,
    paid,
    pay_agreement,
    returned,
    settle_part,
    verify_agreement,
    verify_offers,
    verify_settlement,
)
from tests.privacy.cases import auditor, entropy_of, members, note_keys, publics

MARKET, POOL = "0x" + "a1" * 20, "0x" + "b2" * 20
RULES = Rules(1337, MARKET, Pool(1337, POOL), auditor().public, Band(80_000, 320_000))
WINDOW = 489_924
AGREED_WH, DELIVERED_WH, PRICE = 2_001, 1_234, 200_001
FOREIGN = [
    replace(RULES, chain_id=1),
    replace(RULES, market=POOL),
    replace(RULES, auditor=FAST.add(RULES.auditor, G)),
    replace(RULES, band=Band(90_000, 320_000)),
    replace(RULES, band=Band(80_000, 310_000)),
]


@pytest.fixture(scope="module")
def keys():
    return members(4)


@pytest.fixture(scope="module")
def owner():
    return StealthKeys(1_000_003, 1_000_033)


@pytest.fixture(scope="module")
def offer(keys, owner):
    """The second member's, of 5 kWh for at least 0.10 a kWh."""
    draft = OfferDraft(WINDOW, 0, 5_000, 100_000, b"details")
    return make_offer(
        RULES, keys[1], publics(keys), draft, owner, entropy=entropy_of("private offer")
    )


@pytest.fixture(scope="module")
def standing(offer):
    return StandingOffer(offer.terms.owner, offer.terms.energy, offer.terms.floor_price)


@pytest.fixture(scope="module")
def notes():
    """A million each: the payer's, and three that it hides among."""
    names = ("payer", "payee", "third", "fourth")
    return [
        send_note(note_keys(name).address(), 1_000_000, entropy=entropy_of(f"note of {name}"))
        for name in names
    ]


@pytest.fixture(scope="module")
def spendable(notes):
    keys = note_keys("payer")
    found = receive_note(
        notes[0].note, notes[0].message, keys.address().spend_public, keys.view_secret
    )
    return SpendableNote(found.note, found.secret(keys.spend_secret), found.opening)


@pytest.fixture(scope="module")
def hidden(notes):
    return sorted((sent.note for sent in notes), key=lambda note: note.key[0])


@pytest.fixture(scope="module")
def made(offer):
    refund = send_note(note_keys("payer").address(), 0, entropy=entropy_of("refund"))
    deal = Deal(WINDOW << 32, offer.energy, AGREED_WH, PRICE)
    payee = note_keys("payee").address()
    return make_agreement(RULES, offer, deal, payee, refund, entropy=entropy_of("agreement"))


@pytest.fixture(scope="module")
def payment(made, spendable, hidden):
    change = note_keys("payer").address()
    return pay_agreement(
        RULES, made, spendable, hidden, change, entropy=entropy_of("private payment")
    )


@pytest.fixture(scope="module")
def part(made):
    entropy = entropy_of("part")
    return settle_part(RULES, made, Opening.of(DELIVERED_WH, entropy), entropy=entropy)


# What was made verifies


def test_an_offer_verifies(offer):
    assert verify_offers(RULES, [(offer.terms, offer.proofs)])


def test_an_agreement_verifies_with_its_payment(standing, made, payment):
    assert verify_agreement(RULES, standing, made.agreement, made.proofs, payment)


def test_a_settlement_of_a_part_verifies(made, part):
    assert verify_settlement(RULES, made.agreement, part.delivered, part.settlement)


def test_what_a_part_leaves_is_the_rest(made, part):
    assert part.payout.opening + part.refund.opening == made.payout.opening
    assert part.payout.opening.value == DELIVERED_WH * PRICE // 1000
    assert commit(part.payout.opening) == part.settlement.payout


def test_the_buyer_finds_what_came_back(part):
    keys = note_keys("payer")
    refund = part.refund

    found = receive_note(refund.note, refund.message, keys.address().spend_public, keys.view_secret)

    assert found.opening == refund.opening


def test_nobody_else_finds_what_came_back(made, part):
    """The note less its blinding times G would be the amount times H."""
    named = made.agreement.refund_blinding

    for mark in (named, negate(named)):
        rest = FAST.add(part.settlement.refund, mark)
        with pytest.raises(InputError, match="must hide"):
            ValueFinder(20).find(rest)


def test_all_of_it_is_no_part(made):
    whole = settle_part(RULES, made, made.energy)

    assert not verify_settlement(RULES, made.agreement, whole.delivered, whole.settlement)


def test_nobody_alters_the_message_of_a_refund(made, part):
    for changed in ({"view_tag": 0}, {"encrypted_amount": 0}, {"ephemeral": G}):
        message = replace(part.settlement.refund_message, **changed)
        settlement = replace(part.settlement, refund_message=message)
        assert not verify_settlement(RULES, made.agreement, part.delivered, settlement)


def test_the_owner_of_an_offer_is_its_makers_one_time_account(offer, owner):
    public = owner.meta_address().spend_public

    assert is_mine(announcement_of(offer.terms), public, owner.view_secret)


@pytest.mark.parametrize(
    "changed",
    [
        {"opening": Opening(2**64, 77)},
        {"opening": Opening(0, 77)},
        {"message": "of another amount"},
    ],
    ids=["too much", "of another commitment", "message"],
)
def test_a_seller_takes_no_refund_note_that_it_could_not_settle_with(offer, changed):
    """The buyer makes it; with a bad one no part could be paid, and the buyer got all back."""
    refund = send_note(note_keys("payer").address(), 0, entropy=entropy_of("refund"))
    if "opening" in changed and changed["opening"].value:
        changed = {**changed, "note": Note(refund.note.key, commit(changed["opening"]))}
    if "message" in changed:
        changed = {"message": replace(refund.message, encrypted_amount=2**64 - 1)}
        changed["opening"] = Opening(2**33, refund.opening.blinding)
        changed["note"] = Note(refund.note.key, commit(changed["opening"]))
    deal = Deal(WINDOW << 32, offer.energy, AGREED_WH, PRICE)

    with pytest.raises(InputError, match="refund"):
        make_agreement(RULES, offer, deal, note_keys("payee").address(), replace(refund, **changed))


def test_each_side_finds_its_note_without_the_others_help(made, part):
    whole = Note(made.refund.note.key, made.agreement.cost)

    assert returned(made, part.refund.note).opening == part.refund.opening
    assert returned(made, whole).opening == made.payout.opening
    assert returned(made, made.refund.note) == made.refund
    assert paid(made, part.payout.note).opening == part.payout.opening
    assert paid(made, made.payout.note).opening == made.payout.opening


def test_what_hides_something_else_is_found_by_neither_side(made):
    strange = commit(Opening(5, 77))

    assert returned(made, Note(made.refund.note.key, strange)) is None
    assert paid(made, Note(made.payout.note.key, strange)) is None
    assert returned(made, made.payout.note) is None
    assert paid(made, Note(made.refund.note.key, made.agreement.cost)) is None


def test_an_offer_announces_whatever_its_metadata_are(offer):
    """They are anybody's of the ring: a wallet that reads all offers must bear them."""
    for changed in ({"metadata": b""}, {"ephemeral_key": b"\x04"}, {"ephemeral_key": b""}):
        with pytest.raises(InputError):
            announcement_of(replace(offer.terms, **changed))


# It says nothing elsewhere


@pytest.mark.parametrize("rules", FOREIGN, ids=["chain", "market", "auditor", "floor", "ceiling"])
def test_an_offer_counts_under_its_own_rules_alone(offer, rules):
    assert not verify_offers(rules, [(offer.terms, offer.proofs)])


@pytest.mark.parametrize(
    "changed",
    [
        {"window": WINDOW + 1},
        {"slot": 1},
        {"owner": POOL},
        {"ephemeral_key": b"\x02" + bytes(32)},
        {"metadata": b"\x00else"},
    ],
    ids=["window", "slot", "owner", "ephemeral key", "metadata"],
)
def test_a_relayer_cannot_alter_an_offer(offer, changed):
    assert not verify_offers(RULES, [(replace(offer.terms, **changed), offer.proofs)])


def test_an_offer_is_not_of_another_ring(offer, keys):
    proofs = replace(offer.proofs, ring=(*publics(members(5))[1:],))

    assert not verify_offers(RULES, [(offer.terms, proofs)])


@pytest.mark.parametrize(
    "name", ["energy", "price", "cost", "payout_key", "refund_key", "refund_blinding"]
)
def test_a_relayer_cannot_alter_an_agreement(standing, made, payment, name):
    point = FAST.add(getattr(made.agreement, name), G)
    agreement = replace(made.agreement, **{name: point})

    assert not verify_agreement(RULES, standing, agreement, made.proofs, payment)


def test_an_agreement_takes_no_more_than_an_offer_has_left(standing, made, payment):
    less = replace(standing, energy=commit(Opening(AGREED_WH - 1, 77)))

    assert not verify_agreement(RULES, less, made.agreement, made.proofs, payment)


@pytest.mark.parametrize(
    "changed",
    [{"fee": 1}, {"relayer": MARKET}, {"deadline": 5}, {"outputs": ()}, {"inputs": ()}],
    ids=["fee", "relayer", "deadline", "no outputs", "no inputs"],
)
def test_a_relayer_cannot_alter_a_payment(standing, made, payment, changed):
    altered = replace(payment, **changed)

    try:
        holds = verify_agreement(RULES, standing, made.agreement, made.proofs, altered)
    except InputError:  # so few outputs have no range proof at all
        holds = False
    assert not holds


def test_a_delivery_is_settled_as_it_was_attested(made, part):
    more = commit(Opening(DELIVERED_WH + 1, 77))

    assert not verify_settlement(RULES, made.agreement, more, part.settlement)


def test_a_settlement_gives_back_no_more_than_there_is(made, part):
    settlement = replace(part.settlement, refund=FAST.add(part.settlement.refund, G))

    assert not verify_settlement(RULES, made.agreement, part.delivered, settlement)


def test_nobody_spends_more_than_a_note_holds(spendable, hidden):
    out = [send_note(note_keys("payer").address(), 1_000_001)]

    with pytest.raises(InputError, match="outputs"):
        spend_notes(RULES.pool, [(spendable, hidden)], out, Purpose.transfer())


def test_a_withdrawal_is_no_transfer(spendable, hidden):
    out = [send_note(note_keys("payer").address(), 400_000)]
    purpose = Purpose.withdrawal(MARKET, 600_000)
    spend = spend_notes(RULES.pool, [(spendable, hidden)], out, purpose)

    assert verify_spend_of_notes(RULES.pool, spend, purpose)
    assert not verify_spend_of_notes(RULES.pool, spend, Purpose.transfer())
    assert not verify_spend_of_notes(RULES.pool, spend, Purpose.withdrawal(POOL, 600_000))
    assert not verify_spend_of_notes(RULES.pool, spend, Purpose.withdrawal(MARKET, 600_001))


# Tuples of the ABI


def test_statements_come_through_the_abis_tuples(offer, made, payment, part):
    statements = [
        (OfferTerms, offer.terms),
        (OfferProofs, offer.proofs),
        (Agreement, made.agreement),
        (AgreementProofs, made.proofs),
        (Spend, payment),
        (Settlement, part.settlement),
    ]

    for kind, statement in statements:
        row = to_row(statement)
        assert len(row) == len(dataclasses.fields(kind))
        assert from_row(kind, row) == statement


def test_a_tuple_with_something_that_is_no_point_is_refused(made):
    offer_id, _, *rest = to_row(made.agreement)

    with pytest.raises(InputError, match="curve"):
        from_row(Agreement, (offer_id, (1, 1), *rest))


# What only members read


def test_each_member_reads_the_details(keys):
    sealed = seal_details(b"5 kWh", publics(keys))

    assert [open_details(sealed, publics(keys), key) for key in keys] == [b"5 kWh"] * 4


def test_nobody_else_reads_the_details(keys):
    ring, outsider = publics(keys), members(5)[4]
    sealed = seal_details(b"5 kWh", ring)

    assert open_details(sealed, ring, outsider) is None
    assert open_details(sealed, [*ring[:3], outsider.public], outsider) is None


def test_altered_details_are_noticed(keys):
    sealed = seal_details(b"5 kWh", publics(keys))

    for place in range(0, len(sealed), 7):
        # Another member's wrapped key is nothing to this one.
        if 80 + 32 <= place < 80 + 4 * 32:
            continue
        altered = bytearray(sealed)
        altered[place] ^= 1
        assert open_details(bytes(altered), publics(keys), keys[0]) is None


def test_details_are_short(keys):
    longest = bytes(1_023)

    assert open_details(seal_details(longest, publics(keys)), publics(keys), keys[0]) == longest
    with pytest.raises(InputError, match="1023"):
        seal_details(bytes(1_024), publics(keys))


def test_the_length_of_details_does_not_tell_what_they_are(keys):
    """An amount with one digit more, or a longer address, is no longer."""
    ring = publics(keys)
    texts = [b"", b"5 kWh", b"\x80\0\0", b"12345 Wh at anna@home", bytes(127)]
    sealed = [seal_details(text, ring) for text in texts]

    assert len(set(map(len, sealed))) == 1
    assert [open_details(each, ring, keys[2]) for each in sealed] == texts
    assert len(seal_details(bytes(128), ring)) == len(sealed[0]) + 128
