"""Members publish keys, rounds open, and somebody offers energy: nobody sees who."""

from dataclasses import replace

import pytest
from brownie import accounts, reverts
from eth_account import Account

from app.privacy.audit import Handle, ValueFinder, open_handle
from app.privacy.curve import INFINITY, G, N
from app.privacy.lsag import tag_base
from app.privacy.pedersen import Opening, commit
from app.privacy.transcript import hash_words
from tests.contracts.conftest import CEILING, FLOOR, NOW, WINDOW, index_of, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain
from tests.contracts.privacy.abi import answer
from tests.contracts.privacy.trading import TERM_BITS, Trading, prove, value_of
from tests.contracts.signing import FORWARD_REQUEST, signed
from tests.contracts.signing import key as account_key
from tests.privacy import cases

OTHER = "0x" + "12" * 20


def point_of(value):
    return tuple(plain(value).values())


def replaced(values, place, value):
    changed = list(values)
    changed[place] = value
    return tuple(changed)


# publishInfo


@pytest.fixture
def new_key():
    return cases.members(9)[8]


def test_a_member_publishes_a_key(private_market, trade, members, new_key):
    member = members[0]

    transaction = private_market.publishInfo(
        new_key.public, trade.possession(new_key, member.address), {"from": member}
    )

    published = event_of(transaction, "InfoPublished")
    assert published["member"] == member.address
    assert tuple(published["key"].values()) == new_key.public
    assert point_of(private_market.keyOf(member)) == new_key.public


def test_a_member_need_not_pay_for_gas(private_market, trade, forwarder, members, new_key, relayer):
    member = members[0]
    proof = trade.possession(new_key, member.address)
    data = private_market.publishInfo.encode_input(new_key.public, proof)
    values = {
        "from": member.address,
        "to": private_market.address,
        "value": 0,
        "gas": 400_000,
        "nonce": forwarder.nonces(member),
        "deadline": NOW + 600,
        "data": data,
    }
    signature = signed(
        account_key(index_of(member)), forwarder, "Peerwatt Forwarder", FORWARD_REQUEST, values
    )
    del values["nonce"]

    forwarder.execute((*values.values(), signature), {"from": relayer})

    assert point_of(private_market.keyOf(member)) == new_key.public


def test_a_new_key_frees_the_old_one(private_market, trade, members, member_keys, new_key):
    first, second = members[:2]
    private_market.publishInfo(
        new_key.public, trade.possession(new_key, first.address), {"from": first}
    )

    private_market.publishInfo(
        member_keys[0].public, trade.possession(member_keys[0], second.address), {"from": second}
    )

    assert point_of(private_market.keyOf(second)) == member_keys[0].public


def test_a_key_has_one_holder(private_market, trade, members, member_keys):
    proof = trade.possession(member_keys[1], members[0].address)

    with reverts(error("KeyTaken", member_keys[1].public[0], members[1])):
        private_market.publishInfo.call(member_keys[1].public, proof, {"from": members[0]})


def test_nobody_else_publishes(private_market, trade, outsider, new_key):
    proof = trade.possession(new_key, outsider.address)

    with reverts(error("NotMember", outsider)):
        private_market.publishInfo.call(new_key.public, proof, {"from": outsider})


def test_a_key_is_its_holders_own(private_market, trade, members, new_key):
    for proof in (
        trade.possession(new_key, members[1].address),
        trade.possession(cases.members(8)[7], members[0].address),
    ):
        with reverts(error("PossessionUnproved", members[0])):
            private_market.publishInfo.call(new_key.public, proof, {"from": members[0]})


# openRound


def test_a_round_has_the_keys_of_all_members(private_market, trade, ring, keeper):
    transaction = private_market.openRound(WINDOW, {"from": keeper})

    opened = event_of(transaction, "RoundOpened")
    assert [tuple(point.values()) for point in opened["ring"]] == ring
    assert bytes(private_market.ringHashOf(WINDOW)) == hash_words(ring)
    for slot in (0, 3):
        context = trade.context("image", WINDOW, slot)
        assert bytes(private_market.imageContext(WINDOW, slot)) == context
        assert point_of(private_market.tagBaseOf(WINDOW, slot)) == tag_base(context)


def test_who_was_expelled_is_in_no_ring(
    private_market, trade, membership, admin, members, newcomer, new_key, ring, keeper
):
    membership.admit(newcomer, b"\x07" * 32, {"from": admin})
    private_market.publishInfo(
        new_key.public, trade.possession(new_key, newcomer.address), {"from": newcomer}
    )
    membership.expel(members[1], {"from": admin})

    transaction = private_market.openRound(WINDOW, {"from": keeper})

    keys = {tuple(point.values()) for point in event_of(transaction, "RoundOpened")["ring"]}
    assert keys == {ring[0], *ring[2:], new_key.public}
    assert point_of(private_market.keyOf(members[1])) == INFINITY


def test_nobody_hides_among_three(private_market, membership, admin, members, keeper):
    membership.expel(members[3], {"from": admin})

    with reverts(error("MembersTooFew", 3, 4)):
        private_market.openRound.call(WINDOW, {"from": keeper})


def test_a_round_opens_once_and_in_time(private_market, private_round, keeper):
    with reverts(error("RoundExists", WINDOW)):
        private_market.openRound.call(WINDOW, {"from": keeper})
    with reverts(error("RoundTooEarly", WINDOW + 3, WINDOW + 2)):
        private_market.openRound.call(WINDOW + 3, {"from": keeper})
    with reverts(error("WindowClosed", WINDOW - 1, (WINDOW - 1) * 3600 - 300)):
        private_market.openRound.call(WINDOW - 1, {"from": keeper})


# makeOffer


@pytest.fixture
def offered(private_round, trade, member_keys, ring):
    """An offer of the second member that is not on the chain yet."""
    return trade.offer(member_keys[1], ring, WINDOW)


def test_an_offer_shows_commitments(private_market, offered, relayer):
    transaction = private_market.makeOffer(offered.terms, offered.proofs, {"from": relayer})

    made = event_of(transaction, "OfferMade")
    assert made["offerId"] == WINDOW << 32
    assert made["imageX"] == offered.signature.image[0]
    (offer,), total = private_market.getOffers(WINDOW, 0, 10)
    assert total == 1
    assert plain(offer) == {
        "id": WINDOW << 32,
        "owner": offered.owner.address,
        "energy": dict(zip("xy", commit(offered.energy), strict=True)),
        "floorPrice": dict(zip("xy", commit(offered.floor_price), strict=True)),
    }
    announced = event_of(transaction, "Announcement")
    assert announced["schemeId"] == 1
    assert announced["stealthAddress"] == offered.owner.address
    assert announced["caller"] == private_market.address
    assert announced["metadata"][0] == 0x2A


def test_auditors_open_offers(private_market, offered, relayer, auditors_key):
    transaction = private_market.makeOffer(offered.terms, offered.proofs, {"from": relayer})

    terms = event_of(transaction, "OfferMade")["terms"]
    finder = ValueFinder(24)
    for commitment, handle, opening in (
        ("energy", "energyHandle", offered.energy),
        ("floorPrice", "priceHandle", offered.floor_price),
    ):
        shown = Handle(tuple(terms[commitment].values()), tuple(terms[handle].values()))
        assert open_handle(auditors_key, shown, finder) == opening.value


def test_a_member_offers_once_in_a_slot(
    private_market, private_offer, trade, member_keys, ring, relayer
):
    again = trade.offer(member_keys[1], ring, WINDOW, energy_wh=1)
    elsewhere = trade.offer(member_keys[1], ring, WINDOW, slot=1)
    by_another = trade.offer(member_keys[2], ring, WINDOW)

    with reverts(error("OfferMadeBefore", private_offer.signature.image[0])):
        private_market.makeOffer.call(again.terms, again.proofs, {"from": relayer})
    both = [elsewhere, by_another]
    private_market.makeOffers(
        [offer.terms for offer in both], [offer.proofs for offer in both], {"from": relayer}
    )
    assert private_market.getOffers(WINDOW, 0, 0)[1] == 3
    assert len({private_offer.signature.image, *(o.signature.image for o in both)}) == 3


def test_an_offer_is_not_made_twice(private_market, private_offer, relayer):
    terms, proofs = private_offer.terms, private_offer.proofs

    assert answer(private_market.makeOffer.call, terms, proofs, {"from": relayer}) == (
        "OfferMadeBefore"
    )


def test_one_bad_offer_lets_all_fail(private_market, private_round, trade, member_keys, ring):
    good, other = (trade.offer(key, ring, WINDOW) for key in member_keys[:2])
    bad = replaced(other.proofs, 3, good.proofs[3])

    outcome = answer(
        private_market.makeOffers.call,
        [good.terms, other.terms],
        [good.proofs, bad],
        {"from": accounts[6]},
    )
    assert outcome == "RangesInvalid"


def test_nothing_signed_can_be_altered(private_market, offered, relayer, keeper):
    private_market.openRound(WINDOW + 1, {"from": keeper})
    terms, proofs = offered.terms, offered.proofs
    others = [WINDOW + 1, 1, OTHER, G, G, G, G, b"\x03" + bytes(32), b"\x2bdetails"]

    for place, other in enumerate(others):
        changed = replaced(terms, place, other)
        outcome = answer(private_market.makeOffer.call, changed, proofs, {"from": relayer})
        assert outcome == "SignatureInvalid", place


def test_every_proof_counts(private_market, trade, offered, member_keys, ring, relayer):
    other = trade.offer(member_keys[1], ring, WINDOW)
    expected = ("RingUnknown", "SignatureInvalid", "HandlesInvalid", "RangesInvalid")

    for place, outcome in enumerate(expected):
        part = ring[::-1] if place == 0 else other.proofs[place]
        changed = replaced(offered.proofs, place, part)
        assert (
            answer(private_market.makeOffer.call, offered.terms, changed, {"from": relayer})
            == outcome
        )


def test_a_ring_with_a_foreign_key_is_none(private_market, private_round, trade, ring, relayer):
    stranger = cases.members(9)[8]
    forged = trade.offer(stranger, [*ring[:-1], stranger.public], WINDOW)

    with reverts(error("RingUnknown", WINDOW)):
        private_market.makeOffer.call(forged.terms, forged.proofs, {"from": relayer})


@pytest.mark.parametrize("changes", [{"chain_id": 1}, {"market": OTHER}], ids=str)
def test_an_offer_is_for_one_market_on_one_chain(
    private_market, private_round, trade, member_keys, ring, relayer, changes
):
    foreign = replace(trade, **changes).offer(member_keys[1], ring, WINDOW)

    with reverts(error("SignatureInvalid", bytes(private_market.hashOffer(foreign.terms)))):
        private_market.makeOffer.call(foreign.terms, foreign.proofs, {"from": relayer})


@pytest.mark.parametrize(
    ("energy_wh", "price"),
    [(2**24, FLOOR), (N - 1, FLOOR), (5, FLOOR - 1), (5, CEILING + 1), (5, N - 1)],
)
def test_energy_and_price_are_within_bounds(
    private_market, private_round, trade, member_keys, ring, relayer, energy_wh, price
):
    """The ranges are proved of other numbers, as nobody can prove these."""
    good = [Opening.of(5), Opening.of(1), Opening.of(1)]

    class Liar(Trading):
        def term_ranges(self, message, openings):
            return prove(message, TERM_BITS, good)

    lie = Liar(**vars(trade)).offer(
        member_keys[1], ring, WINDOW, energy_wh=energy_wh, floor_price=price
    )

    with reverts(error("RangesInvalid")):
        private_market.makeOffer.call(lie.terms, lie.proofs, {"from": relayer})


@pytest.mark.parametrize("price", [FLOOR, CEILING])
def test_the_bounds_themselves_are_allowed(
    private_market, private_round, trade, member_keys, ring, relayer, price
):
    offer = trade.offer(member_keys[1], ring, WINDOW, energy_wh=2**24 - 1, floor_price=price)

    private_market.makeOffer(offer.terms, offer.proofs, {"from": relayer})


def test_offers_end_with_the_commit_margin(private_market, offered, relayer):
    travel_to(WINDOW * 3600 - 300)

    with reverts(error("WindowClosed", WINDOW, WINDOW * 3600 - 300)):
        private_market.makeOffer.call(offered.terms, offered.proofs, {"from": relayer})


def test_slots_are_four(private_market, private_round, trade, member_keys, ring, relayer):
    offer = trade.offer(member_keys[1], ring, WINDOW, slot=4)

    with reverts(error("SlotUnknown", 4)):
        private_market.makeOffer.call(offer.terms, offer.proofs, {"from": relayer})


def test_hashes_are_those_of_python(private_market, offered):
    assert bytes(private_market.hashOffer(offered.terms)) == offered.message


def test_nothing_public_tells_members_apart(
    private_market, private_round, trade, member_keys, members, ring, relayer
):
    """Two runs, one with the members' places swapped, show the same but for random numbers."""

    owners = {i: Account.create() for i in (0, 2)}

    def shown(order, slot):
        offers = [
            trade.offer(member_keys[i], ring, WINDOW, slot=slot, owner=owners[i]) for i in order
        ]
        receipts = [
            private_market.makeOffer(offer.terms, offer.proofs, {"from": relayer})
            for offer in offers
        ]
        logs = [(log["address"], log["topics"], log["data"]) for r in receipts for log in r.logs]
        return logs, [receipt.input for receipt in receipts]

    (first, first_inputs), (second, second_inputs) = shown((0, 2), 0), shown((2, 0), 1)

    assert [len(data) for *_, data in first] == [len(data) for *_, data in second]
    assert [len(data) for data in first_inputs] == [len(data) for data in second_inputs]
    for i in (0, 2):
        traces = [f"{member_keys[i].public[0]:064x}", f"{value_of(members[i].address):040x}"]
        for *_, data in [*first, *second]:
            assert not any(trace in bytes(data).hex() for trace in traces)
        # in a call they are where they are for everybody: in the ring
        counts = {call.lower().count(traces[0]) for call in [*first_inputs, *second_inputs]}
        assert counts == {1}
    assert [address for address, *_ in first] == [address for address, *_ in second]
