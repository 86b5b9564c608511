"""What members say to the contract PrivateMarket: made, read and verified.

The dataclasses have the fields of the contract's structs in their order (`app.privacy.rows`). What
only its maker knows of a statement is in `MadeOffer`, `MadeAgreement` and `MadeSettlement`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from coincurve import PrivateKey
from eth_hash.auto import keccak

from app.errors import InputError
from app.market.typed_data import (
    PRIVATE_MARKET_NAME,
    Domain,
    delivery_digest,
    private_agreement_digest,
    sign,
)
from app.privacy.audit import (
    Handle,
    ValueFinder,
    make_handle,
    prove_handles,
    verify_handles,
)
from app.privacy.bulletproofs import RangeProof, RangeStatement, prove_ranges, verify_ranges
from app.privacy.clsag import SpendableNote
from app.privacy.curve import BLINDING_BASE, REFUND_BASE, VALUE_BASE, Point, check_point
from app.privacy.fast_curve import FAST
from app.privacy.keys import MemberKey, prove_possession
from app.privacy.lsag import RingSignature, sign_as_member, verify_member
from app.privacy.notes import Note, NoteAddress, NoteMessage, SentNote, send_note
from app.privacy.pedersen import Opening, commit, subtract
from app.privacy.product import Cost, CostStatement, Rounding, prove_cost, verify_cost
from app.privacy.randomness import Entropy, system_entropy
from app.privacy.sigma import SigmaProof
from app.privacy.spending import (
    AMOUNT_BITS,
    FREE,
    MAX_AMOUNT,
    Pool,
    Purpose,
    Spend,
    Terms,
    revalued,
    spend_notes,
    verify_spend_of_notes,
)
from app.privacy.stealth import Announcement, StealthKeys, announce, one_time_secret
from app.privacy.stealth import random_ephemeral as random_stealth_ephemeral
from app.privacy.transcript import Word, address_word, context_of

TAG = "peerwatt/private market/"
SLOTS = 4
TERM_BITS = (24, 20, 20)
ROUNDING_BITS = (16, 16)


@dataclass(frozen=True, slots=True)
class Band:
    """Bounds of all prices, money per kWh."""

    floor: int
    ceiling: int


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """What a member signs with the ring.

    `window` and `slot` are what it makes one offer in, `owner` is a one-time account of it, and
    `metadata` begins with the view tag.
    """

    window: int
    slot: int
    owner: str
    energy: Point
    floor_price: Point
    energy_handle: Point
    price_handle: Point
    ephemeral_key: bytes
    metadata: bytes

    def __post_init__(self) -> None:
        for name in ("energy", "floor_price", "energy_handle", "price_handle"):
            check_point(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class OfferDraft:
    """An offer before it is made.

    `slot` is which of the maker's offers in the round, 0 to 3; `energy_wh` is below 2^24, and
    `floor_price`, in money per kWh, within the band. `sealed` is what only the members can read
    (`app.privacy.details`).
    """

    window: int
    slot: int
    energy_wh: int
    floor_price: int
    sealed: bytes = b""


@dataclass(frozen=True, slots=True)
class Deal:
    """What seller and buyer have agreed on off the chain.

    `offer_id` is the market's number of the offer, `remaining` what earlier agreements have left of
    its energy; `price`, in money per kWh, is the offer's least or more.
    """

    offer_id: int
    remaining: Opening
    energy_wh: int
    price: int


@dataclass(frozen=True, slots=True)
class OfferProofs:
    ring: tuple[Point, ...]
    signature: RingSignature
    handles: SigmaProof
    ranges: RangeProof


@dataclass(frozen=True, slots=True)
class Agreement:
    """What seller and buyer agree on: commitments, and the keys of the notes that will be."""

    offer_id: int
    energy: Point
    price: Point
    cost: Point
    payout_key: Point
    payout_message: NoteMessage
    refund_key: Point
    refund_blinding: Point

    def __post_init__(self) -> None:
        names = ("energy", "price", "cost", "payout_key", "refund_key", "refund_blinding")
        for name in names:
            check_point(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class AgreementProofs:
    energy_handle: Point
    price_handle: Point
    remainder: Point
    costs: SigmaProof
    handles: SigmaProof
    terms: RangeProof
    rounding: RangeProof


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of the escrow when a part was delivered."""

    payout: Point
    refund: Point
    refund_message: NoteMessage
    remainder: Point
    costs: SigmaProof
    blinding: SigmaProof
    amounts: RangeProof
    rounding: RangeProof


@dataclass(frozen=True, slots=True)
class MadeOffer:
    """An offer and what its maker keeps: the openings, and the key of the one-time account."""

    terms: OfferTerms
    proofs: OfferProofs
    energy: Opening
    floor_price: Opening
    owner_secret: int = field(repr=False)

    @property
    def owner_key(self) -> PrivateKey:
        return PrivateKey.from_int(self.owner_secret)


@dataclass(frozen=True, slots=True)
class MadeAgreement:
    """An agreement with what both sides know of it, and what the seller has proved and signed."""

    agreement: Agreement
    id: bytes
    energy: Opening
    price: Opening
    payout: SentNote
    refund: SentNote
    proofs: AgreementProofs
    signature: bytes

    @property
    def cost(self) -> int:
        """What the buyer locks, in 1e-6."""
        return self.payout.opening.value


@dataclass(frozen=True, slots=True)
class MadeSettlement:
    """A settlement with the notes that come of it, as seller and buyer can spend them."""

    settlement: Settlement
    delivered: Point
    payout: SentNote
    refund: SentNote


@dataclass(frozen=True, slots=True)
class StandingOffer:
    """What the market knows of an offer: the energy that is left, and the least price."""

    owner: str
    energy: Point
    floor_price: Point


@dataclass(frozen=True, slots=True)
class Rules:
    """What proofs depend on: the market's chain and address, its pool, the auditors, the band."""

    chain_id: int
    market: str
    pool: Pool
    auditor: Point
    band: Band

    @property
    def domain(self) -> Domain:
        return Domain(PRIVATE_MARKET_NAME, self.chain_id, self.market)

    def possession_context(self, account: str) -> bytes:
        return self._context("possession", address_word("account", account))

    def image_context(self, window: int, slot: int) -> bytes:
        """What a member does once: an offer in this slot of this round."""
        return self._context("image", window, slot)

    def offer_message(self, terms: OfferTerms) -> bytes:
        return self._context(
            "offer",
            terms.window,
            terms.slot,
            address_word("owner", terms.owner),
            terms.energy,
            terms.floor_price,
            terms.energy_handle,
            terms.price_handle,
            keccak(terms.ephemeral_key),
            keccak(terms.metadata),
        )

    def agreement_id(self, agreement: Agreement) -> bytes:
        message = agreement.payout_message
        return self._context(
            "agreement",
            agreement.offer_id,
            agreement.energy,
            agreement.price,
            agreement.cost,
            agreement.payout_key,
            message.ephemeral,
            message.view_tag,
            message.encrypted_amount,
            agreement.refund_key,
            agreement.refund_blinding,
        )

    def settlement_context(
        self, agreement_id: bytes, delivered: Point, refund_message: NoteMessage
    ) -> bytes:
        return self._context(
            "settlement",
            agreement_id,
            delivered,
            refund_message.ephemeral,
            refund_message.view_tag,
            refund_message.encrypted_amount,
        )

    def lock(self, agreement_id: bytes, cost: Point) -> Purpose:
        """The purpose of a buyer's spend."""
        return Purpose.lock(self.market, agreement_id, cost)

    def _context(self, purpose: str, *words: Word) -> bytes:
        return context_of(f"{TAG}{purpose}/1", self.chain_id, self.market, *words)


# Making


def possession(
    rules: Rules, key: MemberKey, account: str, *, entropy: Entropy = system_entropy
) -> SigmaProof:
    """That the account may register the member key."""
    return prove_possession(key, rules.possession_context(account), entropy=entropy)


def make_offer(
    rules: Rules,
    key: MemberKey,
    ring: Sequence[Point],
    draft: OfferDraft,
    owner: StealthKeys,
    *,
    entropy: Entropy = system_entropy,
) -> MadeOffer:
    """An offer of a member, with its proofs.

    Args:
        rules: of the market.
        key: by which the maker is one of the ring.
        ring: the keys of the round, in its order.
        draft: what is offered.
        owner: keys that the one-time account is made of.
        entropy: of keys, blindings and nonces.

    Raises:
        InputError: a number is out of its range, or the ring lacks the key.
    """
    energy, price = Opening.of(draft.energy_wh, entropy), Opening.of(draft.floor_price, entropy)
    account = announce(owner.meta_address(), random_stealth_ephemeral(entropy))
    energy_handle, price_handle = (make_handle(each, rules.auditor) for each in (energy, price))
    terms = OfferTerms(
        draft.window,
        draft.slot,
        account.address,
        energy_handle.commitment,
        price_handle.commitment,
        energy_handle.point,
        price_handle.point,
        account.ephemeral_public,
        bytes([account.view_tag]) + draft.sealed,
    )
    message = rules.offer_message(terms)
    _, opened = prove_handles([energy, price], rules.auditor, message, entropy=entropy)
    context = rules.image_context(draft.window, draft.slot)
    signature = sign_as_member(key, ring, context, message, entropy=entropy)
    openings = [energy, price - Opening(rules.band.floor, 0), _below_ceiling(rules, price)]
    ranges = _prove(message, TERM_BITS, openings, entropy)
    proofs = OfferProofs(tuple(ring), signature, opened, ranges)
    secret = one_time_secret(owner, account.ephemeral_public)
    return MadeOffer(terms, proofs, energy, price, secret)


def make_agreement(
    rules: Rules,
    offer: MadeOffer,
    deal: Deal,
    payee: NoteAddress,
    refund: SentNote,
    *,
    entropy: Entropy = system_entropy,
) -> MadeAgreement:
    """The seller's word on what both sides have agreed on off the chain.

    Args:
        rules: of the market.
        offer: that it takes from.
        deal: what was agreed.
        payee: where the seller wants its money.
        refund: note that the buyer has made for itself, of any amount, for what comes back.
        entropy: of blindings and nonces.

    Raises:
        InputError: no part could be settled with the buyer's note, or a number is out of its range.
    """
    _check_refund(refund)
    energy, agreed = Opening.of(deal.energy_wh, entropy), Opening.of(deal.price, entropy)
    rounded = Cost.of(energy, agreed, Rounding.UP, 1, entropy=entropy)
    payout = send_note(payee, rounded.cost.value, entropy=entropy)
    cost = replace(rounded, cost=payout.opening)
    agreement = Agreement(
        deal.offer_id,
        commit(energy),
        commit(agreed),
        payout.note.commitment,
        payout.note.key,
        payout.message,
        refund.note.key,
        refund_mark(refund),
    )
    agreement_id = rules.agreement_id(agreement)
    handles, opened = prove_handles([energy, agreed], rules.auditor, agreement_id, entropy=entropy)
    openings = [deal.remaining - energy, agreed - offer.floor_price, _below_ceiling(rules, agreed)]
    proofs = AgreementProofs(
        handles[0].point,
        handles[1].point,
        commit(cost.remainder),
        prove_cost(cost, agreement_id, entropy=entropy),
        opened,
        _prove(agreement_id, TERM_BITS, openings, entropy),
        _prove(agreement_id, ROUNDING_BITS, cost.remainder_openings(), entropy),
    )
    signature = sign(private_agreement_digest(rules.domain, agreement_id), offer.owner_key)
    return MadeAgreement(agreement, agreement_id, energy, agreed, payout, refund, proofs, signature)


def refund_mark(refund: SentNote) -> Point:
    """What an agreement says of the buyer's note, so that a part returns with its blinding.

    On a base of its own: times G it would bare the amount, as the note is amount H + blinding G.
    """
    return FAST.multiply(REFUND_BASE, refund.opening.blinding)


def pay_agreement(
    rules: Rules,
    made: MadeAgreement,
    spendable: SpendableNote,
    ring: Sequence[Note],
    change: NoteAddress,
    *,
    terms: Terms = FREE,
    entropy: Entropy = system_entropy,
) -> Spend:
    """The buyer's spend: the cost is locked and the rest returns to it at once.

    Raises:
        InputError: the note holds less than the cost and the fee.
    """
    left = spendable.opening.value - made.cost - terms.fee
    if left < 0:
        raise InputError("note", "must hold the agreement's cost", "a secret")
    return spend_notes(
        rules.pool,
        [(spendable, ring)],
        [send_note(change, left, entropy=entropy)],
        rules.lock(made.id, made.agreement.cost),
        locked=[made.payout.opening],
        terms=terms,
        entropy=entropy,
    )


def attest(rules: Rules, agreement_id: bytes, delivered: Point, key: PrivateKey) -> bytes:
    """The operator's signature under the commitment to what was delivered."""
    return sign(delivery_digest(rules.domain, agreement_id, delivered), key)


def settle_part(
    rules: Rules,
    made: MadeAgreement,
    delivered: Opening,
    *,
    entropy: Entropy = system_entropy,
) -> MadeSettlement:
    """What becomes of the escrow when less was delivered than agreed; by seller or buyer."""
    rounded = Cost.of(delivered, made.price, Rounding.DOWN, 1, entropy=entropy)
    escrow = made.payout.opening
    refund = revalued(made.refund, escrow.value - rounded.cost.value)
    payout = escrow - refund.opening
    cost = replace(rounded, cost=payout)
    point = commit(delivered)
    context = rules.settlement_context(made.id, point, refund.message)
    _, blinding = prove_handles([refund.opening], REFUND_BASE, context, entropy=entropy)
    split = rules.pool.split_context(rules.market, made.id)
    settlement = Settlement(
        commit(payout),
        refund.note.commitment,
        refund.message,
        commit(cost.remainder),
        prove_cost(cost, context, entropy=entropy),
        blinding,
        _prove(split, (AMOUNT_BITS,) * 2, [payout, refund.opening], entropy),
        _prove(context, ROUNDING_BITS, cost.remainder_openings(), entropy),
    )
    paid = SentNote(Note(made.payout.note.key, settlement.payout), made.payout.message, payout)
    return MadeSettlement(settlement, point, paid, refund)


def returned(made: MadeAgreement, note: Note) -> SentNote | None:
    """What a note with the refund key hides: all, or what a part has left. For the buyer.

    It takes nobody's word: a seller can settle a part and publish a message that says nothing.
    """
    blindings = (made.payout.opening.blinding, made.refund.opening.blinding)
    return _opened(made, made.refund, note, blindings)


def paid(made: MadeAgreement, note: Note) -> SentNote | None:
    """What a note with the payout key hides: all, or what a part costs. For the seller.

    A buyer that has the operator's word can settle, too.
    """
    escrow = made.payout.opening
    blindings = (escrow.blinding, (escrow - made.refund.opening).blinding)
    return _opened(made, made.payout, note, blindings)


# Verifying, as the market does


def verify_offers(
    rules: Rules,
    offers: Sequence[tuple[OfferTerms, OfferProofs]],
) -> bool:
    """Whether all proofs of these offers hold.

    That the ring is the round's and the images are new is for the caller to ask the market.
    """
    claims = []
    for terms, proofs in offers:
        message = rules.offer_message(terms)
        context = rules.image_context(terms.window, terms.slot)
        if not verify_member(proofs.signature, proofs.ring, context, message):
            return False
        handles = [
            Handle(terms.energy, terms.energy_handle),
            Handle(terms.floor_price, terms.price_handle),
        ]
        if not verify_handles(handles, rules.auditor, message, proofs.handles):
            return False
        floor = FAST.multiply(VALUE_BASE, rules.band.floor)
        prices = (terms.floor_price, floor)
        claims.append((_terms_statement(rules, message, terms.energy, prices), proofs.ranges))
    return verify_ranges(claims)


def verify_agreement(
    rules: Rules,
    offer: StandingOffer,
    agreement: Agreement,
    proofs: AgreementProofs,
    payment: Spend,
) -> bool:
    """Whether all proofs of an agreement and its payment hold; the signature is not looked at.

    That the payment's notes exist and are not spent is for the caller to ask the pool.
    """
    agreement_id = rules.agreement_id(agreement)
    handles = [
        Handle(agreement.energy, proofs.energy_handle),
        Handle(agreement.price, proofs.price_handle),
    ]
    cost = CostStatement(
        agreement.energy, agreement.price, agreement.cost, proofs.remainder, Rounding.UP
    )
    if not verify_handles(handles, rules.auditor, agreement_id, proofs.handles):
        return False
    if not verify_cost(cost, agreement_id, proofs.costs):
        return False
    remaining = subtract(offer.energy, agreement.energy)
    prices = (agreement.price, offer.floor_price)
    more = [
        (_terms_statement(rules, agreement_id, remaining, prices), proofs.terms),
        (_rounding_statement(agreement_id, cost), proofs.rounding),
    ]
    purpose = rules.lock(agreement_id, agreement.cost)
    return verify_spend_of_notes(rules.pool, payment, purpose, more=more)


def verify_settlement(
    rules: Rules,
    agreement: Agreement,
    delivered: Point,
    settlement: Settlement,
) -> bool:
    """Whether all proofs of a settlement hold, and escrow and notes hide as much.

    All of it is no part: it has a settlement of its own.
    """
    if delivered == agreement.energy:
        return False
    agreement_id = rules.agreement_id(agreement)
    context = rules.settlement_context(agreement_id, delivered, settlement.refund_message)
    cost = CostStatement(
        delivered, agreement.price, settlement.payout, settlement.remainder, Rounding.DOWN
    )
    if FAST.add(settlement.payout, settlement.refund) != agreement.cost:
        return False
    if not verify_cost(cost, context, settlement.costs):
        return False
    handles = [Handle(settlement.refund, agreement.refund_blinding)]
    if not verify_handles(handles, REFUND_BASE, context, settlement.blinding):
        return False
    split = rules.pool.split_context(rules.market, agreement_id)
    amounts = RangeStatement(split, (AMOUNT_BITS,) * 2, (settlement.payout, settlement.refund))
    claims = [
        (amounts, settlement.amounts),
        (_rounding_statement(context, cost), settlement.rounding),
    ]
    return verify_ranges(claims)


def announcement_of(terms: OfferTerms) -> Announcement:
    """The announcement of an offer's owner: whose keys these are can tell (`stealth.is_mine`).

    InputError where the offer has none that makes sense, which the market doesn't ask for.
    """
    if not terms.metadata:
        raise InputError("metadata", "must begin with a view tag", "nothing")
    return Announcement(terms.owner, terms.ephemeral_key, terms.metadata[0])


def _check_refund(refund: SentNote) -> None:
    opening = refund.opening
    if opening.value > MAX_AMOUNT or revalued(refund, opening.value) != refund:
        raise InputError("refund", "must be a note that opens as it says", "another")


def _opened(
    made: MadeAgreement, known: SentNote, note: Note, blindings: Sequence[int]
) -> SentNote | None:
    """A note of an agreement, by one of its blindings and a search for its amount."""
    if note.key != known.note.key:
        return None
    finder = ValueFinder(max(made.cost.bit_length(), 1))
    for blinding in blindings:
        try:
            amount = finder.find(subtract(note.commitment, FAST.multiply(BLINDING_BASE, blinding)))
        except InputError:  # it has another blinding
            continue
        return SentNote(note, known.message, Opening(amount, blinding))
    return None


def _below_ceiling(rules: Rules, price: Opening) -> Opening:
    return Opening(rules.band.ceiling, 0) - price


def _terms_statement(
    rules: Rules, context: bytes, energy: Point, prices: tuple[Point, Point]
) -> RangeStatement:
    """Ranges of an energy, and of a price over its minimum and under the ceiling."""
    price, minimum = prices
    ceiling = FAST.multiply(VALUE_BASE, rules.band.ceiling)
    return RangeStatement(
        context,
        TERM_BITS,
        (energy, subtract(price, minimum), subtract(ceiling, price)),
    )


def _rounding_statement(context: bytes, cost: CostStatement) -> RangeStatement:
    return RangeStatement(context, ROUNDING_BITS, cost.remainder_commitments())


def _prove(
    context: bytes,
    bits: tuple[int, ...],
    openings: Sequence[Opening],
    entropy: Entropy,
) -> RangeProof:
    commitments = tuple(commit(each) for each in openings)
    statement = RangeStatement(context, bits, commitments)
    return prove_ranges(statement, openings, entropy=entropy)
