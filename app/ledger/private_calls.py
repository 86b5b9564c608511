"""Calls of the private market and its note pool, as anybody may send them. Pure.

Nothing depends on who sends such a call, but for `publishInfo` and `deposit`: they are in the name
of the account that sends them, as a household joins and brings money in public.

Gas is what the call may use, about twice what it does use (`benchmarks/privacy-gas.json`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.chain.gas import BLOCK_GAS_LIMIT
from app.ledger.types import Address
from app.privacy.curve import Point
from app.privacy.notes import SentNote
from app.privacy.rows import to_row
from app.privacy.sigma import SigmaProof
from app.privacy.spending import Spend
from app.privacy.trading import (
    Agreement,
    AgreementProofs,
    OfferProofs,
    OfferTerms,
    Settlement,
)

PRIVATE_MARKET = "PrivateMarket"
POOL = "NotePool"

# Base of a call, and for each key or note in its rings.
_GAS: Mapping[str, tuple[int, int]] = {
    "publishInfo": (400_000, 0),
    "openRound": (300_000, 30_000),
    "makeOffer": (2_600_000, 70_000),
    "makeOffers": (800_000, 70_000),
    "allowTransaction": (3_600_000, 110_000),
    "allowTransactions": (1_600_000, 110_000),
    "makeTransaction": (300_000, 0),
    "makePartialTransaction": (2_800_000, 0),
    "cancelTransaction": (300_000, 0),
    "deposit": (300_000, 0),
    "transfer": (2_400_000, 110_000),
    "withdraw": (2_400_000, 110_000),
}
_GAS_OF_OFFER_IN_BATCH = 1_200_000
_GAS_OF_AGREEMENT_IN_BATCH = 2_000_000
LARGEST_RING = 32


@dataclass(frozen=True, slots=True)
class PrivateCall:
    """A call of a function with its arguments, structs as tuples."""

    contract: str
    function: str
    arguments: tuple[object, ...]
    gas: int


def publish_key(key: Point, possession: SigmaProof) -> PrivateCall:
    """Registers the sender's member key, for rounds that are opened from now on."""
    return _call(PRIVATE_MARKET, "publishInfo", key, possession)


def open_round(window: int) -> PrivateCall:
    return _call(PRIVATE_MARKET, "openRound", window, ring=LARGEST_RING)


def make_offer(terms: OfferTerms, proofs: OfferProofs) -> PrivateCall:
    return _call(PRIVATE_MARKET, "makeOffer", terms, proofs, ring=len(proofs.ring))


def make_offers(terms: Sequence[OfferTerms], proofs: Sequence[OfferProofs]) -> PrivateCall:
    """Several offers at once, whose ranges cost little more than those of one."""
    return _call(
        PRIVATE_MARKET,
        "makeOffers",
        tuple(terms),
        tuple(proofs),
        ring=sum(len(each.ring) for each in proofs),
        more=_GAS_OF_OFFER_IN_BATCH * len(terms),
    )


def allow_transaction(
    agreement: Agreement, proofs: AgreementProofs, signature: bytes, payment: Spend
) -> PrivateCall:
    return _call(
        PRIVATE_MARKET,
        "allowTransaction",
        agreement,
        proofs,
        signature,
        payment,
        ring=_ring(payment),
    )


def allow_transactions(
    agreements: Sequence[Agreement],
    proofs: Sequence[AgreementProofs],
    signatures: Sequence[bytes],
    payments: Sequence[Spend],
) -> PrivateCall:
    """Several agreements at once, whose ranges cost little more than those of one."""
    return _call(
        PRIVATE_MARKET,
        "allowTransactions",
        tuple(agreements),
        tuple(proofs),
        tuple(signatures),
        tuple(payments),
        ring=sum(map(_ring, payments)),
        more=_GAS_OF_AGREEMENT_IN_BATCH * len(agreements),
    )


def make_transaction(agreement: Agreement, attestation: bytes) -> PrivateCall:
    """Pays the seller for all that was agreed."""
    return _call(PRIVATE_MARKET, "makeTransaction", agreement, attestation)


def make_partial_transaction(
    agreement: Agreement, delivered: Point, attestation: bytes, settlement: Settlement
) -> PrivateCall:
    """Pays the seller for a part, and returns the rest to the buyer."""
    return _call(
        PRIVATE_MARKET, "makePartialTransaction", agreement, delivered, attestation, settlement
    )


def cancel_transaction(agreement: Agreement) -> PrivateCall:
    """Returns all to the buyer after the grace."""
    return _call(PRIVATE_MARKET, "cancelTransaction", agreement)


def deposit(note: SentNote) -> PrivateCall:
    """Turns tokens of the sender into a note, whose amount everybody sees."""
    opening = note.opening
    return _call(POOL, "deposit", opening.value, opening.blinding, note.note.key, note.message)


def transfer(spend: Spend) -> PrivateCall:
    return _call(POOL, "transfer", spend, ring=_ring(spend))


def withdraw(spend: Spend, recipient: Address, amount: int) -> PrivateCall:
    """Pays tokens, an amount in 1e-6 that everybody sees, for notes."""
    return _call(POOL, "withdraw", spend, recipient, amount, ring=_ring(spend))


def _ring(spend: Spend) -> int:
    return sum(len(each.ring) for each in spend.inputs)


def _call(
    contract: str, function: str, *arguments: object, ring: int = 0, more: int = 0
) -> PrivateCall:
    base, each = _GAS[function]
    gas = min(base + each * ring + more, BLOCK_GAS_LIMIT)
    return PrivateCall(contract, function, tuple(map(to_row, arguments)), gas)
