"""What everybody sees of private trading. Points, bytes and numbers beyond 2^53 are in hex."""

from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from app.api.schemas.common import (
    UINT53,
    AddressText,
    Answer,
    Filter,
    OfferId,
    OnChain,
    PageFilter,
    WindowNumber,
    cursor_of,
)
from app.index.private_records import (
    NoteRecord,
    PrivateAgreementRecord,
    PrivateOfferRecord,
    PrivateState,
    RoundRecord,
)
from app.index.records import Page
from app.privacy.curve import INFINITY, Point, is_on_curve

T = TypeVar("T")

LARGEST_PAGE_OF_NOTES = 500

_WORD_DIGITS = 64
_AMOUNT_DIGITS = 16


def word_text(number: int) -> str:
    """32 bytes in hex."""
    return f"0x{number:0{_WORD_DIGITS}x}"


def _word(value: object) -> object:
    return word_text(value) if isinstance(value, int) else value


def _bytes(value: object) -> object:
    return f"0x{value.hex()}" if isinstance(value, bytes) else value


class PointAnswer(Answer):
    """A point of bn254, each coordinate as 32 bytes in hex; infinity is zero and zero."""

    x: str
    y: str

    @classmethod
    def of(cls, point: Point) -> Self:
        """The same in hex."""
        x, y = point
        return cls(x=word_text(x), y=word_text(y))


def _point(value: object) -> object:
    return PointAnswer.of(value) if isinstance(value, tuple) else value


PointOf = Annotated[PointAnswer, BeforeValidator(_point)]
WordText = Annotated[
    str, BeforeValidator(_word), Field(pattern="^0x[0-9a-f]{64}$", description="32 bytes in hex")
]
BytesText = Annotated[str, BeforeValidator(_bytes), Field(pattern="^0x([0-9a-f]{2})*$")]


class BandAnswer(Answer):
    """Bounds of all prices, in 1e-6 a kWh."""

    floor: int
    ceiling: int


class PrivateMemberAnswer(OnChain):
    """Who can make offers: one of these makes each, and nobody sees which."""

    account: str
    household: Annotated[str | None, Field(description="Its name, if that is known")]
    key: PointOf
    is_member: Annotated[
        bool, Field(description="False: expelled, so that the next round forgets the key")
    ]


class PrivateCountsAnswer(Answer):
    """How often what was done since the beginning."""

    rounds: int
    offers: int
    agreements: int
    settled: int
    cancelled: int
    notes: int
    images: Annotated[int, Field(description="Notes that were spent; nobody sees which")]


class PoolMoneyAnswer(Answer):
    """Money that came into the pool of notes and went out of it, which is public."""

    deposited: int
    withdrawn: int
    held: int


class PrivateTradingAnswer(Answer):
    """The rules of private trading, who takes part, and how much there is of it."""

    chain_id: int
    market: str
    pool: str
    auditor: Annotated[PointOf, Field(description="The key that handles are for")]
    band: BandAnswer
    slots: Annotated[int, Field(description="Offers that a member can make in a round")]
    members: list[PrivateMemberAnswer]
    counts: PrivateCountsAnswer
    money: PoolMoneyAnswer


class RoundAnswer(OnChain):
    """A round: the members who could make offers for a window, and how often what was done."""

    window: int
    ring_size: int
    offers: int
    agreements: int
    settled: int
    cancelled: int

    @classmethod
    def of(cls, record: RoundRecord) -> Self:
        """A round by its numbers."""
        return cls(
            block=record.block,
            log_index=record.log_index,
            transaction_hash=record.transaction_hash,
            at=record.at,
            window=record.window,
            ring_size=len(record.ring),
            offers=record.offers,
            agreements=record.agreements,
            settled=record.settled,
            cancelled=record.cancelled,
        )


class PrivateOfferAnswer(OnChain):
    """A sealed offer. Energy and price are commitments; the handles open them for the auditors."""

    offer_id: int
    window: int
    slot: int
    image_x: Annotated[
        WordText, Field(description="The key image that its maker has left in this slot")
    ]
    owner: Annotated[str, Field(description="A one-time account")]
    energy: Annotated[PointOf, Field(description="As it was offered")]
    floor_price: PointOf
    energy_handle: PointOf
    price_handle: PointOf
    ephemeral_key: Annotated[
        BytesText | None, Field(description="Of the one-time account (ERC-5564); null: too long")
    ]
    metadata: Annotated[
        BytesText | None,
        Field(description="View tag, then what the members of the ring can read; null: too long"),
    ]

    @classmethod
    def of(cls, record: PrivateOfferRecord) -> Self:
        """The same in hex."""
        return cls.model_validate(record)


class NoteMessageAnswer(Answer):
    """What the owner of a note finds and reads it by."""

    ephemeral: PointOf
    view_tag: int
    encrypted_amount: Annotated[str, Field(description="8 bytes in hex")]

    @classmethod
    def of(cls, ephemeral: Point, view_tag: int, encrypted_amount: int) -> Self | None:
        """None where there is nothing to find a note by, or nonsense."""
        if ephemeral == INFINITY or not is_on_curve(ephemeral):
            return None
        return cls(
            ephemeral=PointAnswer.of(ephemeral),
            view_tag=view_tag,
            encrypted_amount=f"0x{encrypted_amount:0{_AMOUNT_DIGITS}x}",
        )


class PrivateAgreementAnswer(OnChain):
    """An agreement: commitments to energy, price and cost, and the notes that may come of it."""

    agreement_id: str
    offer_id: int
    window: int
    energy: PointOf
    price: PointOf
    cost: Annotated[PointOf, Field(description="What the buyer has locked")]
    energy_handle: PointOf
    price_handle: PointOf
    payout_key: Annotated[PointOf, Field(description="Of the note that pays the seller")]
    payout_message: NoteMessageAnswer | None
    refund_key: Annotated[PointOf, Field(description="Of the note that returns to the buyer")]
    refund_blinding: PointOf
    state: PrivateState
    in_full: Annotated[bool | None, Field(description="Null unless it is settled")]
    delivered: Annotated[PointOf | None, Field(description="Null unless it is settled")]
    ended_at: Annotated[int | None, Field(description="When it was settled or cancelled")]
    ended_by: Annotated[str | None, Field(description="The transaction that did it")]

    @classmethod
    def of(cls, record: PrivateAgreementRecord) -> Self:
        """The same in hex."""
        names = cls.model_fields.keys() - {"payout_message"}
        message = NoteMessageAnswer.of(
            record.payout_ephemeral, record.payout_view_tag, record.payout_encrypted_amount
        )
        values: dict[str, Any] = {name: getattr(record, name) for name in names}
        return cls(**values, payout_message=message)


class WholeRoundAnswer(OnChain):
    """A round with all that everybody sees of it."""

    window: int
    ring: Annotated[list[PointOf], Field(description="Keys of the members, in the round's order")]
    offers: Annotated[list[PrivateOfferAnswer], Field(description="The oldest first")]
    agreements: Annotated[list[PrivateAgreementAnswer], Field(description="The oldest first")]
    next: Annotated[
        str | None,
        Field(description="`cursor` for more at /private/agreements, with order=oldest"),
    ]

    @classmethod
    def of(
        cls,
        record: RoundRecord,
        offers: list[PrivateOfferRecord],
        agreements: Page[PrivateAgreementRecord],
    ) -> Self:
        """A round with its offers and its first agreements."""
        return cls(
            block=record.block,
            log_index=record.log_index,
            transaction_hash=record.transaction_hash,
            at=record.at,
            window=record.window,
            ring=[PointAnswer.of(key) for key in record.ring],
            offers=list(map(PrivateOfferAnswer.of, offers)),
            agreements=list(map(PrivateAgreementAnswer.of, agreements.items)),
            next=cursor_of(agreements.next),
        )


class PrivateAgreementFilter(PageFilter):
    """Which agreements: of a window, of an offer, in a state."""

    window: WindowNumber | None = None
    offer_id: OfferId | None = None
    state: PrivateState | None = None


class NumberedFilter(Filter):
    """Which page of a numbered list, which is in the order in which things came."""

    first: Annotated[int, Field(ge=0, le=UINT53, description="Number of the first one")] = 0
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE_OF_NOTES)] = 200


class NumberedListing(BaseModel, Generic[T]):
    """A page of a numbered list. Numbers count from 0. If the chain is reorganised, the last ones
    are given anew: look whether what you have read last is still the same.
    """

    items: list[T]
    next: Annotated[int | None, Field(description="`first` of the next page; null on the last")]
    total: int


class NoteAnswer(OnChain):
    """A note: a one-time key, and the commitment to an amount."""

    number: int
    key: PointOf
    commitment: PointOf
    message: Annotated[
        NoteMessageAnswer | None,
        Field(description="Null where it has none: its owner knows it anyway, or nobody does"),
    ]

    @classmethod
    def of(cls, record: NoteRecord) -> Self:
        """The same in hex."""
        return cls(
            block=record.block,
            log_index=record.log_index,
            transaction_hash=record.transaction_hash,
            at=record.at,
            number=record.number,
            key=PointAnswer.of(record.key),
            commitment=PointAnswer.of(record.commitment),
            message=NoteMessageAnswer.of(
                record.ephemeral, record.view_tag, record.encrypted_amount
            ),
        )


class NoteImageAnswer(OnChain):
    """The key image of a note that was spent; nobody but its owner can tell of which."""

    number: int
    x: WordText


class PoolMovementFilter(PageFilter):
    """Whose deposits and withdrawals."""

    account: AddressText | None = None


class PoolMovementAnswer(OnChain):
    """Money that came into the pool or went out of it, in public."""

    kind: Literal["deposit", "withdrawal"]
    account: str
    amount: int
