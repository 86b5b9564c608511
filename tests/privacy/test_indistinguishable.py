"""Who trades, how much and at what price changes nothing that can be seen, but numbers drawn anew.

`Play.seen` is what everybody can see of two rounds: offers, an agreement, its payment, the
settlement of a part, a withdrawal. `outline` is what is left of it when each number that looks
random has only its place in the order of appearance for a name. So it tells which of them are
equal, to each other or to what is known of members; which points and sums of two are a small
multiple of a base; and what is small or short. Two rounds with the same outline differ in numbers
that nobody can tell from random ones without breaking a hash or taking a discrete logarithm. (That
the hashes and groups are good is what proofs are about; that they are used well, a test can show.)

Each kind of leak is planted once, to see that it would be noticed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.privacy.curve import BLINDING_BASE, INFINITY, REFUND_BASE, VALUE_BASE, Point, negate
from app.privacy.details import seal_details
from app.privacy.fast_curve import FAST
from app.privacy.keys import MemberKey, Purpose, Wallet
from app.privacy.lsag import sign_as_member
from app.privacy.notes import NoteAddress, NoteKeys, receive_note, send_note
from app.privacy.pedersen import Opening, commit
from app.privacy.randomness import Entropy
from app.privacy.spending import Pool, Spend, SpendableNote, ring_of, spend_notes
from app.privacy.spending import Purpose as SpendPurpose
from app.privacy.stealth import StealthKeys
from app.privacy.trading import (
    Band,
    Deal,
    MadeAgreement,
    MadeOffer,
    MadeSettlement,
    OfferDraft,
    Rules,
    make_agreement,
    make_offer,
    pay_agreement,
    settle_part,
)
from tests.privacy.cases import auditor, entropy_of, publics, wallet
from tests.privacy.strategies import examples

MEMBERS = 5
RULES = Rules(
    1337,
    "0x" + "a1" * 20,
    Pool(1337, "0x" + "b2" * 20),
    auditor().public,
    Band(1_000, 3_000),  # so low that all money of the test is found by search
)
WINDOW = 489_924
NOTE = 40_000
WITHDRAWN = 7
RANDOM_FROM = 1 << 32
"""Numbers from here on are drawn, or hashes. (A withdrawal's amount is below, and is public.)"""
SEARCHED = 1 << 14
BASES = {"H": VALUE_BASE, "G": BLINDING_BASE, "J": REFUND_BASE, "A": RULES.auditor}
RANDOM_FIELDS = {"view_tag", "encrypted_amount"}
UNADDED = re.compile(r"\.(bits|masks|t1|t2|rounds.*)$|\.ring\[|^known\[[2-4]")
"""Points that are masked anew in each proof, and those of others: too many to add up all pairs."""


@dataclass(frozen=True)
class Household:
    """A member, and what others know of it who have traded with it before."""

    wallet: Wallet

    @property
    def member(self) -> MemberKey:
        return self.wallet.member

    @property
    def note_keys(self) -> NoteKeys:
        secret = self.wallet.secret
        return NoteKeys(secret(Purpose.NOTE_SPEND), secret(Purpose.NOTE_VIEW))

    @property
    def stealth(self) -> StealthKeys:
        secret = self.wallet.secret
        return StealthKeys(secret(Purpose.STEALTH_SPEND), secret(Purpose.STEALTH_VIEW))

    @property
    def address(self) -> NoteAddress:
        return self.note_keys.address()


@dataclass(frozen=True)
class Case:
    """Who does what: the sellers of two windows, the buyer from the first, and their numbers."""

    sellers: tuple[int, int]
    buyer: int
    offered_wh: int
    floor_price: int
    agreed_wh: int
    price: int
    delivered_wh: int
    seed: bytes


cases = st.builds(
    Case,
    sellers=st.tuples(st.integers(0, MEMBERS - 1), st.integers(0, MEMBERS - 1)),
    buyer=st.integers(0, MEMBERS - 1),
    offered_wh=st.integers(3_000, 5_000),
    floor_price=st.integers(1_000, 2_000),
    agreed_wh=st.integers(1_000, 3_000),
    price=st.integers(2_000, 3_000),
    delivered_wh=st.integers(0, 999),
    seed=st.binary(min_size=8, max_size=8),
)
USUAL = Case((0, 1), 2, 5_000, 1_000, 2_001, 2_001, 500, b"usual")
OTHERS = Case((3, 3), 4, 3_500, 1_700, 1_999, 2_500, 7, b"others")


@cache
def people() -> tuple[Household, ...]:
    return tuple(Household(wallet(f"household {number}")) for number in range(MEMBERS))


@cache
def pool_notes() -> tuple[tuple[SpendableNote, ...], ...]:
    """Two notes of each household, all of one amount."""
    return tuple(
        tuple(_received(person, entropy_of(f"note {number} {i}")) for i in range(2))
        for number, person in enumerate(people())
    )


def _received(person: Household, entropy: Entropy) -> SpendableNote:
    keys, sent = person.note_keys, send_note(person.address, NOTE, entropy=entropy)
    found = receive_note(sent.note, sent.message, person.address.spend_public, keys.view_secret)
    assert found is not None
    return SpendableNote(found.note, found.secret(keys.spend_secret), found.opening)


@cache
def known() -> tuple[Any, ...]:
    """What everybody knows before, and some that only others who trade do."""
    notes = [each.note for pair in pool_notes() for each in pair]
    addresses = [person.address for person in people()]
    metas = [person.stealth.meta_address() for person in people()]
    return RULES, publics([person.member for person in people()]), notes, addresses, metas


# Rounds


@dataclass(frozen=True)
class Play:
    """Two rounds: who has made what in them, of which everybody sees a part."""

    case: Case
    offers: tuple[MadeOffer, MadeOffer]
    agreed: MadeAgreement
    payment: Spend
    settled: MadeSettlement
    withdrawal: Spend

    def seen(self) -> tuple[Any, ...]:
        """What everybody sees, in the order in which it happens."""
        return (
            *(("offer", each.terms, each.proofs) for each in self.offers),
            ("agreement", self.agreed.agreement, self.agreed.proofs, self.payment),
            ("settlement", self.settled.delivered, self.settled.settlement),
            ("withdrawal", self.withdrawal, WITHDRAWN),
        )

    @property
    def sellers(self) -> tuple[Household, Household]:
        first, second = self.case.sellers
        return people()[first], people()[second]

    def with_offers(self, changed: Callable[[MadeOffer, Household], MadeOffer]) -> "Play":
        first, second = map(changed, self.offers, self.sellers)
        return replace(self, offers=(first, second))

    def with_terms(self, **changes: Any) -> "Play":
        return self.with_offers(lambda made, _: replace(made, terms=replace(made.terms, **changes)))

    def with_agreement(self, **changes: Any) -> "Play":
        agreement = replace(self.agreed.agreement, **changes)
        return replace(self, agreed=replace(self.agreed, agreement=agreement))


def offers_of(case: Case, entropy: Entropy) -> tuple[MadeOffer, MadeOffer]:
    def offer(number: int, seller: int) -> MadeOffer:
        person = people()[seller]
        sealed = seal_details(f"{case.offered_wh} Wh".encode(), ring(), entropy=entropy)
        draft = OfferDraft(WINDOW + number, 0, case.offered_wh, case.floor_price, sealed)
        return make_offer(RULES, person.member, ring(), draft, person.stealth, entropy=entropy)

    first, second = (offer(number, seller) for number, seller in enumerate(case.sellers))
    return first, second


def played(case: Case) -> Play:
    entropy = entropy_of(case.seed.hex())
    offers = offers_of(case, entropy)
    seller, buyer = people()[case.sellers[0]], people()[case.buyer]
    refund = send_note(buyer.address, 0, entropy=entropy)
    deal = Deal(WINDOW << 32, offers[0].energy, case.agreed_wh, case.price)
    agreed = make_agreement(RULES, offers[0], deal, seller.address, refund, entropy=entropy)
    hidden = ring_of([each.note for pair in pool_notes() for each in pair])
    first, second = pool_notes()[case.buyer]
    payment = pay_agreement(RULES, agreed, first, hidden, buyer.address, entropy=entropy)
    delivered = Opening.of(case.delivered_wh, entropy)
    settled = settle_part(RULES, agreed, delivered, entropy=entropy)
    change = send_note(buyer.address, NOTE - WITHDRAWN, entropy=entropy)
    purpose = SpendPurpose.withdrawal("0x" + "c3" * 20, WITHDRAWN)
    taken = spend_notes(RULES.pool, [(second, hidden)], [change], purpose, entropy=entropy)
    return Play(case, offers, agreed, payment, settled, taken)


@cache
def played_once(case: Case) -> Play:
    return played(case)


@cache
def ring() -> tuple[Point, ...]:
    return tuple(publics([person.member for person in people()]))


# Outlines


@dataclass
class Outline:
    """What is left of what was seen when random numbers have lost their faces."""

    items: list[tuple[str, object]] = field(default_factory=list)
    points: dict[Point, str] = field(default_factory=dict)
    scalars: dict[int, str] = field(default_factory=dict)
    masked: list[tuple[str, int]] = field(default_factory=list)
    _numbers: dict[object, int] = field(default_factory=dict)

    def add(self, path: str, value: Any) -> None:
        if hasattr(value, "__dataclass_fields__"):
            for name in value.__dataclass_fields__:
                self.add(f"{path}.{name}", getattr(value, name))
        elif _is_point(value):
            if not UNADDED.search(path):
                self.points.setdefault(value, path)
            self._name(path, value[0])
            self._name(path, value[1])
        elif isinstance(value, tuple | list):
            self.items.append((path, f"{len(value)} items"))
            for number, item in enumerate(value):
                self.add(f"{path}[{number}]", item)
        elif isinstance(value, bytes):
            self._add_bytes(path, value)
        elif isinstance(value, str) and not value.startswith("0x"):
            self.items.append((path, value))
        else:
            self._note(path, value)

    def relations(self) -> Iterator[tuple[str, object]]:
        """What points and sums of two are, and which numbers belong to which points."""
        places = {**{point: name for name, point in BASES.items()}, **self.points}
        yield from _multiples(places)
        marks = {x: place for (x, _), place in places.items()}
        for scalar, place in self.scalars.items():
            for name, base in BASES.items():
                found = marks.get(FAST.multiply(base, scalar)[0])
                if found is not None:
                    yield place, f"times {name} is {found}"
        for (here, one), (there, two) in combinations(self.masked, 2):
            if one ^ two < RANDOM_FROM:
                yield f"{here} xor {there}", one ^ two

    def _note(self, path: str, value: Any) -> None:
        name = path.rsplit(".", 1)[-1]
        if name == "encrypted_amount":
            self.masked.append((path, value))
        if name == "view_tag":  # one byte that is random, and equal to others by chance
            self.items.append((path, "a byte"))
        elif name in RANDOM_FIELDS or isinstance(value, str) or value >= RANDOM_FROM:
            if isinstance(value, int):
                self.scalars.setdefault(value, path)
            self._name(path, value)
        else:
            self.items.append((path, value))

    def _name(self, path: str, value: object) -> None:
        number = self._numbers.setdefault(value, len(self._numbers))
        self.items.append((path, f"random {number}"))

    def _add_bytes(self, path: str, value: bytes) -> None:
        """Lengths, and words of 32 bytes after one that is a view tag, or the sign of a point."""
        self.items.append((path, f"{len(value)} bytes"))
        body = value if len(value) % 32 == 0 else value[1:]
        for start in range(0, len(body), 32):
            self._note(f"{path}@{start}", int.from_bytes(body[start : start + 32], "big"))


def _multiples(places: Mapping[Point, str]) -> Iterator[tuple[str, object]]:
    """Points, and sums and differences of two, that are small multiples of H."""
    table = small_multiples()
    for point, place in places.items():
        if place != "H" and point[0] in table:
            yield place, f"{table[point[0]]} H"
    for (one, here), (two, there) in combinations(places.items(), 2):
        for sign, other in (("+", two), ("-", negate(two))):
            total = FAST.add(one, other)
            if total == INFINITY or total[0] in table:
                yield f"{here} {sign} {there}", f"{table.get(total[0], 0)} H"


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(item, int) and item >= RANDOM_FROM for item in value)
    )


@cache
def small_multiples() -> dict[int, int]:
    """x of v H for each v that money or energy of the test can be."""
    steps = FAST.walk(VALUE_BASE, VALUE_BASE, SEARCHED)
    return {point[0]: number for number, point in enumerate(steps, 1)}


def outline(events: Sequence[Any]) -> tuple[object, ...]:
    found = Outline()
    found.add("known", known())
    for number, event in enumerate(events):
        found.add(f"event {number}", event)
    return (*found.items, *found.relations())


@cache
def usual() -> tuple[object, ...]:
    return outline(played_once(USUAL).seen())


@cache
def usual_offers() -> tuple[object, ...]:
    return outline(played_once(USUAL).seen()[:2])


def test_an_outline_has_all_that_was_seen():
    randoms = {item for _, item in usual() if str(item).startswith("random")}

    assert len(usual()) > 500
    assert len(randoms) > 300


def test_nothing_adds_up_to_a_number_that_can_be_searched():
    """No point and no sum of two is money or energy without a blinding, but for what is public."""
    relations = list(usual())[-1:]

    assert relations == [
        (
            "event 4[1].inputs[0].signature.pseudo - event 4[1].outputs[0].note.commitment",
            f"{WITHDRAWN} H",
        )
    ]
    assert not [place for place, item in usual()[:-1] if str(item).endswith(" H")]


def test_others_who_trade_something_else_are_not_seen():
    assert outline(played_once(OTHERS).seen()) == usual()


def test_whose_two_offers_are_is_not_seen():
    """They are of two members in one of the cases, and of one in the other."""
    same, other = (len(set(case.sellers)) for case in (OTHERS, USUAL))

    assert (same, other) == (1, 2)
    assert outline(played_once(OTHERS).seen()[:2]) == usual_offers()


@examples(4)
@given(cases)
def test_who_trades_how_much_is_not_seen(case):
    assert outline(played(case).seen()) == usual()


# Leaks


def _one_image_for_all_windows(made: MadeOffer, person: Household) -> MadeOffer:
    everywhere, message = RULES.image_context(0, 0), RULES.offer_message(made.terms)
    signature = sign_as_member(person.member, ring(), everywhere, message)
    return replace(made, proofs=replace(made.proofs, signature=signature))


def _own_key_first(made: MadeOffer, person: Household) -> MadeOffer:
    keys = tuple(sorted(ring(), key=lambda key: key != person.member.public))
    return replace(made, proofs=replace(made.proofs, ring=keys))


def _account_of_the_member(made: MadeOffer, person: Household) -> MadeOffer:
    account = f"0x{person.wallet.secret(Purpose.IDENTITY):x}"
    return replace(made, terms=replace(made.terms, owner=account))


def _slot_of_the_member(made: MadeOffer, person: Household) -> MadeOffer:
    return replace(made, terms=replace(made.terms, slot=people().index(person)))


def _blinding_in_clear(made: MadeOffer, _: Household) -> MadeOffer:
    proof = replace(made.proofs.handles, challenge=made.floor_price.blinding)
    mark = FAST.multiply(RULES.auditor, made.floor_price.blinding)
    assert mark == made.terms.price_handle
    return replace(made, proofs=replace(made.proofs, handles=proof))


def _without_randomness(play: Play) -> Play:
    return replace(play, offers=offers_of(play.case, lambda size: bytes(size - 1) + b"\1"))


def _refund_to_the_address(play: Play) -> Play:
    return play.with_agreement(refund_key=people()[play.case.buyer].address.spend_public)


def _own_note_first(play: Play) -> Play:
    own = pool_notes()[play.case.buyer][0].note
    (spent,) = play.payment.inputs
    notes = tuple(sorted(spent.ring, key=lambda note: note != own))
    return replace(play, payment=replace(play.payment, inputs=(replace(spent, ring=notes),)))


def _refund_named_by_g(play: Play) -> Play:
    mark = FAST.multiply(BLINDING_BASE, play.agreed.refund.opening.blinding)
    return play.with_agreement(refund_blinding=mark)


def _price_in_a_message(play: Play) -> Play:
    message = replace(play.agreed.agreement.payout_message, view_tag=play.case.price % 256)
    return play.with_agreement(payout_message=message, offer_id=play.case.price)


def _one_mask_for_two_amounts(play: Play) -> Play:
    first = play.agreed.agreement.payout_message.encrypted_amount
    message = replace(play.settled.settlement.refund_message, encrypted_amount=first ^ 77)
    settlement = replace(play.settled.settlement, refund_message=message)
    return replace(play, settled=replace(play.settled, settlement=settlement))


def _delivered_without_blinding(play: Play) -> Play:
    bare = FAST.multiply(VALUE_BASE, play.case.delivered_wh)
    return replace(play, settled=replace(play.settled, delivered=bare))


LEAKS: dict[str, Callable[[Play], Play]] = {
    "an account of the member": lambda play: play.with_offers(_account_of_the_member),
    "one image for all windows": lambda play: play.with_offers(_one_image_for_all_windows),
    "own key first": lambda play: play.with_offers(_own_key_first),
    "a slot of the member": lambda play: play.with_offers(_slot_of_the_member),
    "a blinding in clear": lambda play: play.with_offers(_blinding_in_clear),
    "a known blinding": lambda play: play.with_terms(
        energy=commit(Opening(play.case.offered_wh, 1))
    ),
    "details as long as they are": lambda play: play.with_terms(
        metadata=bytes(33 + (play.case.offered_wh < 4_000))
    ),
    "one ephemeral key": lambda play: play.with_terms(ephemeral_key=b"\2" + b"\7" * 32),
    "no randomness": _without_randomness,
    "a refund to the address": _refund_to_the_address,
    "own note first": _own_note_first,
    "the price in a message": _price_in_a_message,
    "the refund named by G": _refund_named_by_g,
    "one mask for two amounts": _one_mask_for_two_amounts,
    "a delivery without blinding": _delivered_without_blinding,
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_would_be_seen(name):
    leaking = LEAKS[name](played_once(OTHERS))

    assert outline(leaking.seen()) != usual()
