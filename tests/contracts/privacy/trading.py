"""What members of a private market say, with its proofs, as the contracts take it.

Every hash is computed here a second time, from its words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_account import Account
from eth_hash.auto import keccak

from app.privacy.audit import prove_handles
from app.privacy.bulletproofs import RangeStatement, prove_ranges
from app.privacy.clsag import SpendableNote, note_image, sign_spend
from app.privacy.curve import REFUND_BASE, N, Point
from app.privacy.fast_curve import FAST
from app.privacy.keys import MemberKey, prove_possession
from app.privacy.lsag import RingSignature, sign_as_member
from app.privacy.notes import Note, NoteKeys, NoteMessage, SentNote, receive_note, send_note
from app.privacy.pedersen import Opening, commit
from app.privacy.product import Cost, Rounding, prove_cost
from app.privacy.randomness import Entropy, system_entropy
from app.privacy.transcript import Word, context_of, hash_words
from tests.contracts.privacy.abi import as_abi

AMOUNT_BITS = 32
TERM_BITS = (24, 20, 20)
ROUNDING_BITS = (16, 16)
FAR = 2**63
NOBODY = "0x" + "00" * 20

TRANSFER = keccak(b"peerwatt/transfer/1")
SPEND_TAG = "peerwatt/spend/1"
MARKET_TAG = "peerwatt/private market/"


def value_of(address: str) -> int:
    return int(address, 16)


def words_of(item: Any) -> list[Word]:
    """The words of a struct without arrays, as `abi.encode` writes them."""
    if isinstance(item, list | tuple):
        return [word for part in item for word in words_of(part)]
    if isinstance(item, str):
        return [value_of(item)]
    return [item]


def prove(
    context: bytes,
    bits: Sequence[int],
    openings: Sequence[Opening],
    entropy: Entropy = system_entropy,
) -> Any:
    """A range proof of commitments that open so."""
    statement = RangeStatement(context, tuple(bits), tuple(map(commit, openings)))
    return as_abi(prove_ranges(statement, openings, entropy=entropy))


def wallet_note(keys: NoteKeys, sent: SentNote) -> SpendableNote:
    """The note as its owner finds it."""
    public = FAST.multiply((1, 2), keys.spend_secret)
    received = receive_note(sent.note, sent.message, public, keys.view_secret)
    assert received is not None
    return SpendableNote(received.note, received.secret(keys.spend_secret), received.opening)


def amount_of(sent: SentNote, amount: int) -> SentNote:
    """The same note for another amount: whoever knows one of them can make the others.

    Only one of them may ever be published, or their encrypted amounts tell the difference.
    """
    opening = Opening(amount, sent.opening.blinding)
    encrypted = sent.message.encrypted_amount ^ sent.opening.value ^ amount
    return SentNote(
        Note(sent.note.key, commit(opening)),
        replace(sent.message, encrypted_amount=encrypted),
        opening,
    )


# The pool


def withdrawal_of(recipient: str, amount: int) -> bytes:
    return hash_words([keccak(b"peerwatt/withdrawal/1"), value_of(recipient), amount])


def lock_of(holder: str, escrow_id: bytes, commitment: Point) -> bytes:
    tag = keccak(b"peerwatt/lock/1")
    return hash_words([tag, value_of(holder), escrow_id, commitment])


@dataclass(frozen=True)
class SpendPlan:
    """A spend before it is signed."""

    chain_id: int
    pool: str
    inputs: Sequence[tuple[SpendableNote, Sequence[Note]]]
    outputs: Sequence[SentNote]
    purpose: bytes = TRANSFER
    locked: Sequence[Opening] = ()
    amount: int = 0
    fee: int = 0
    relayer: str = NOBODY
    deadline: int = FAR
    entropy: Entropy = system_entropy

    def pseudos(self) -> list[Opening]:
        """Blindings that add up to those of all that comes out."""
        openings = [*self.locked, *(sent.opening for sent in self.outputs)]
        values = [spendable.opening.value for spendable, _ in self.inputs]
        found = [Opening.of(value, self.entropy) for value in values[:-1]]
        rest = sum(o.blinding for o in openings) - sum(o.blinding for o in found)
        return [*found, Opening(values[-1], rest % N)]

    def message(self, images: Sequence[tuple[Point, Point]]) -> bytes:
        words = [self.purpose, value_of(self.relayer), self.fee, self.deadline]
        state = context_of(SPEND_TAG, self.chain_id, self.pool, *words)
        for image, pseudo in images:
            state = hash_words([state, image, pseudo])
        for sent in self.outputs:
            note, message = sent.note, sent.message
            words = [message.view_tag, message.encrypted_amount]
            state = hash_words([state, note.key, note.commitment, message.ephemeral, *words])
        return state

    def sign(self) -> Any:
        """The spend with all its proofs."""
        pseudos = self.pseudos()
        marks = [
            (note_image(spendable), commit(pseudo))
            for (spendable, _), pseudo in zip(self.inputs, pseudos, strict=True)
        ]
        message = self.message(marks)
        context = context_of(SPEND_TAG, self.chain_id, self.pool)
        inputs = [
            (
                as_abi(ring),
                as_abi(sign_spend(spendable, ring, pseudo, context, message, entropy=self.entropy)),
            )
            for (spendable, ring), pseudo in zip(self.inputs, pseudos, strict=True)
        ]
        outputs = [(as_abi(sent.note), as_abi(sent.message)) for sent in self.outputs]
        return inputs, outputs, self.ranges(message), self.relayer, self.fee, self.deadline

    def ranges(self, message: bytes) -> Any:
        openings = [*self.locked, *(sent.opening for sent in self.outputs)]
        return prove(message, [AMOUNT_BITS] * len(openings), openings, self.entropy)


def ring_of(*notes: Note) -> list[Note]:
    """Notes in the order that the pool wants."""
    return sorted(notes, key=lambda note: note.key[0])


# The market


@dataclass(frozen=True)
class PrivateOffer:
    """An offer with what its maker knows of it."""

    owner: Any
    energy: Opening
    floor_price: Opening
    terms: Any
    proofs: Any
    message: bytes
    signature: RingSignature


@dataclass(frozen=True)
class PrivateAgreement:
    """An agreement with what both sides know of it."""

    struct: Any
    id: bytes
    energy: Opening
    price: Opening
    payout: SentNote
    refund: SentNote
    proofs: Any
    seller_signature: bytes


@dataclass(frozen=True)
class Trading:
    """The market's rules, as members know them."""

    chain_id: int
    market: str
    pool: str
    auditor: Point
    floor: int
    ceiling: int
    entropy: Entropy = system_entropy

    def context(self, purpose: str, *words: Word) -> bytes:
        return context_of(f"{MARKET_TAG}{purpose}/1", self.chain_id, self.market, *words)

    def possession(self, key: MemberKey, account: str) -> Any:
        context = self.context("possession", value_of(account))
        return as_abi(prove_possession(key, context, entropy=self.entropy))

    def term_openings(self, energy: Opening, price: Opening, minimum: Opening) -> list[Opening]:
        return [energy, price - minimum, Opening(self.ceiling, 0) - price]

    def term_ranges(self, context: bytes, openings: Sequence[Opening]) -> Any:
        return prove(context, TERM_BITS, openings, self.entropy)

    def rounding_ranges(self, context: bytes, openings: Sequence[Opening]) -> Any:
        return prove(context, ROUNDING_BITS, openings, self.entropy)

    def cost_of(self, energy: Opening, price: Opening) -> Cost:
        """What the payer locks; its blinding comes from the note that it will be."""
        return Cost.of(energy, price, Rounding.UP, 1, entropy=self.entropy)

    def offer(
        self,
        key: MemberKey,
        ring: Sequence[Point],
        window: int,
        *,
        slot: int = 0,
        owner: Any = None,
        energy_wh: int = 5_000,
        floor_price: int = 100_000,
        metadata: bytes = b"\x2adetails",
    ) -> PrivateOffer:
        owner = owner or Account.create()
        energy = Opening.of(energy_wh, self.entropy)
        price = Opening.of(floor_price, self.entropy)
        ephemeral = b"\x02" + bytes(32)
        words: list[Word] = [window, slot, value_of(owner.address)]
        # The handles are known before the context that their proof is made in.
        handles = [FAST.multiply(self.auditor, o.blinding) for o in (energy, price)]
        commitments = [commit(energy), commit(price)]
        words += [*commitments, *handles, keccak(ephemeral), keccak(metadata)]
        message = self.context("offer", *words)
        _, handle_proof = prove_handles(
            [energy, price], self.auditor, message, entropy=self.entropy
        )
        context = self.context("image", window, slot)
        signature = sign_as_member(key, ring, context, message, entropy=self.entropy)
        bounds = self.term_openings(energy, price, Opening(self.floor, 0))
        ranges = self.term_ranges(message, bounds)
        terms = (window, slot, owner.address, *commitments, *handles, ephemeral, metadata)
        proofs = (list(ring), as_abi(signature), as_abi(handle_proof), ranges)
        return PrivateOffer(owner, energy, price, terms, proofs, message, signature)

    def agreement(
        self,
        offer: PrivateOffer,
        offer_id: int,
        seller: NoteKeys,
        buyer: NoteKeys,
        *,
        energy_wh: int = 2_000,
        price: int = 200_000,
        remaining: Opening | None = None,
    ) -> PrivateAgreement:
        """What seller and buyer agree on, and the seller's proofs and signature."""
        remaining = remaining or offer.energy
        energy = Opening.of(energy_wh, self.entropy)
        agreed_price = Opening.of(price, self.entropy)
        probe = self.cost_of(energy, agreed_price)
        payout = send_note(seller.address(), probe.cost.value, entropy=self.entropy)
        refund = send_note(buyer.address(), probe.cost.value, entropy=self.entropy)
        cost = replace(probe, cost=payout.opening)
        struct = (
            offer_id,
            commit(energy),
            commit(agreed_price),
            payout.note.commitment,
            payout.note.key,
            as_abi_message(payout.message),
            refund.note.key,
            FAST.multiply(REFUND_BASE, refund.opening.blinding),
        )
        agreement_id = self.context("agreement", *words_of(struct))
        handles, handle_proof = prove_handles(
            [energy, agreed_price], self.auditor, agreement_id, entropy=self.entropy
        )
        bounds = self.term_openings(remaining - energy, agreed_price, offer.floor_price)
        proofs = (
            handles[0].point,
            handles[1].point,
            commit(cost.remainder),
            as_abi(prove_cost(cost, agreement_id, entropy=self.entropy)),
            as_abi(handle_proof),
            self.term_ranges(agreement_id, bounds),
            self.rounding_ranges(agreement_id, cost.remainder_openings()),
        )
        signature = self.typed(
            offer.owner, {"Agreement": [("id", "bytes32")]}, {"id": agreement_id}
        )
        return PrivateAgreement(
            struct, agreement_id, energy, agreed_price, payout, refund, proofs, signature
        )

    def payment(
        self,
        agreement: PrivateAgreement,
        spendable: SpendableNote,
        ring: Sequence[Note],
        buyer: NoteKeys,
        **changes: Any,
    ) -> Any:
        """The buyer's spend: the cost is locked and the rest returns at once."""
        cost = agreement.payout.opening
        left = spendable.opening.value - cost.value
        change = send_note(buyer.address(), left, entropy=self.entropy)
        plan = SpendPlan(
            self.chain_id,
            self.pool,
            [(spendable, ring)],
            [change],
            purpose=lock_of(self.market, agreement.id, commit(cost)),
            locked=[cost],
            entropy=self.entropy,
        )
        return replace(plan, **changes).sign()

    def attestation(self, signer: Any, agreement: PrivateAgreement, delivered: Point) -> bytes:
        fields = [("agreementId", "bytes32"), ("energyX", "uint256"), ("energyY", "uint256")]
        values = {
            "agreementId": agreement.id,
            "energyX": delivered[0],
            "energyY": delivered[1],
        }
        return self.typed(signer, {"Delivery": fields}, values)

    def settlement(
        self, agreement: PrivateAgreement, delivered: Opening
    ) -> tuple[Any, SentNote, Opening]:
        """What becomes of the escrow, the buyer's note, and what the seller's opens by."""
        probe = Cost.of(delivered, agreement.price, Rounding.DOWN, 1, entropy=self.entropy)
        escrow = agreement.payout.opening
        refund = amount_of(agreement.refund, escrow.value - probe.cost.value)
        payout = escrow - refund.opening
        cost = replace(probe, cost=payout)
        words = words_of(as_abi_message(refund.message))
        context = self.context("settlement", agreement.id, commit(delivered), *words)
        split = context_of(
            "peerwatt/split/1", self.chain_id, self.pool, value_of(self.market), agreement.id
        )
        _, blinding_proof = prove_handles(
            [refund.opening], REFUND_BASE, context, entropy=self.entropy
        )
        struct = (
            commit(payout),
            refund.note.commitment,
            as_abi_message(refund.message),
            commit(cost.remainder),
            as_abi(prove_cost(cost, context, entropy=self.entropy)),
            as_abi(blinding_proof),
            prove(split, [AMOUNT_BITS] * 2, [payout, refund.opening], self.entropy),
            self.rounding_ranges(context, cost.remainder_openings()),
        )
        return struct, refund, payout

    def typed(
        self, signer: Any, types: dict[str, list[tuple[str, str]]], values: dict[str, Any]
    ) -> bytes:
        domain = {
            "name": "Peerwatt PrivateMarket",
            "version": "1",
            "chainId": self.chain_id,
            "verifyingContract": self.market,
        }
        fields = {
            struct: [{"name": name, "type": kind} for name, kind in members]
            for struct, members in types.items()
        }
        return bytes(signer.sign_typed_data(domain, fields, values).signature)


def as_abi_message(message: NoteMessage) -> tuple[Any, ...]:
    return message.ephemeral, message.view_tag, message.encrypted_amount
