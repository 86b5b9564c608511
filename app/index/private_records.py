"""What the index answers with about private trading: commitments and points, as all see them."""

from dataclasses import dataclass
from typing import Literal

from app.index.records import Recorded
from app.ledger.types import Address
from app.privacy.curve import Point

PrivateState = Literal["open", "settled", "cancelled"]
"""`open`: what it costs is locked. `settled`: by an attested delivery. `cancelled`: nobody has
attested one in time, and all went back.
"""


@dataclass(frozen=True, slots=True)
class PrivateMemberRecord(Recorded):
    """The key that an account has published last, and whether the account is a member now."""

    account: Address
    key: Point
    is_member: bool


@dataclass(frozen=True, slots=True)
class RoundRecord(Recorded):
    """A round: who can offer in it, and how often what was done in it."""

    window: int
    ring: tuple[Point, ...]
    offers: int
    agreements: int
    settled: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class PrivateOfferRecord(Recorded):
    """An offer as it was made. `ephemeral_key` and `metadata` are None where they are too long."""

    offer_id: int
    window: int
    slot: int
    image_x: int
    owner: Address
    energy: Point
    floor_price: Point
    energy_handle: Point
    price_handle: Point
    ephemeral_key: bytes | None
    metadata: bytes | None


@dataclass(frozen=True, slots=True)
class PrivateAgreementRecord(Recorded):
    """An agreement and what became of it; what only a settlement has is None without one.

    `payout_ephemeral` may be two numbers that are no point: then nobody can find the payout.
    """

    agreement_id: str
    offer_id: int
    window: int
    energy: Point
    price: Point
    cost: Point
    payout_key: Point
    payout_ephemeral: Point
    payout_view_tag: int
    payout_encrypted_amount: int
    refund_key: Point
    refund_blinding: Point
    energy_handle: Point
    price_handle: Point
    state: PrivateState
    in_full: bool | None
    delivered: Point | None
    ended_at: int | None
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class NoteRecord(Recorded):
    """A note of the pool. `ephemeral` may be two numbers that are no point, or zero."""

    number: int
    key: Point
    commitment: Point
    ephemeral: Point
    view_tag: int
    encrypted_amount: int


@dataclass(frozen=True, slots=True)
class NoteImageRecord(Recorded):
    """That some note was spent; nobody sees which."""

    number: int
    x: int


@dataclass(frozen=True, slots=True)
class PoolMovementRecord(Recorded):
    """Money that came into the pool, or went out of it, in 1e-6."""

    account: Address
    kind: Literal["deposit", "withdrawal"]
    amount: int


@dataclass(frozen=True, slots=True)
class PrivateCounts:
    """Private trading since its beginning; money in 1e-6."""

    rounds: int
    offers: int
    agreements: int
    settled: int
    cancelled: int
    notes: int
    images: int
    deposited: int
    withdrawn: int
