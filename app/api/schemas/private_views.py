"""What members say of offers, and, on development chains, what owners and auditors see."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from app.agents.private.view import PrivateView
from app.api.schemas.common import AddressText, Answer, Body, Hash, OfferId
from app.api.schemas.private_trading import PointAnswer, word_text
from app.privacy.pedersen import Opening

AnswerKind = Literal["claim", "denial"]


class PrivateAnswerBody(Body):
    """A member's word on an offer: that it was its own, or that it was not."""

    offer_id: OfferId
    account: Annotated[AddressText, Field(description="Of the member who says it")]
    context: Annotated[
        Hash, Field(description="Whom the answer is for, as whoever has asked has laid it down")
    ]
    kind: AnswerKind
    proof: Annotated[
        list[Annotated[str, Field(pattern="^0x[0-9a-fA-F]{64}$"), AfterValidator(str.lower)]],
        Field(max_length=9, description="Its words: 2 of a claim, 9 of a denial"),
    ]

    @property
    def words(self) -> list[int]:
        """The proof as numbers."""
        return [int(word, 16) for word in self.proof]


class PrivateAnswerJudged(Answer):
    """Whether a member's word on an offer is proved."""

    holds: bool


class OpeningAnswer(Answer):
    """What a commitment hides: value H + blinding G."""

    value: int
    blinding: Annotated[str, Field(description="32 bytes in hex")]

    @classmethod
    def of(cls, opening: Opening) -> Self:
        """The same in hex."""
        return cls(value=opening.value, blinding=word_text(opening.blinding))


class HouseholdKeysAnswer(Answer):
    """Secret keys on bn254, 32 bytes in hex each."""

    member: Annotated[str, Field(description="By which it makes offers and reads their details")]
    note_view: Annotated[str, Field(description="By which it finds and reads its notes")]
    note_spend: Annotated[str, Field(description="By which it spends them")]


class OwnOfferAnswer(Answer):
    """An offer of the household, with what opens it. Energy in Wh, price in 1e-6 a kWh."""

    offer_id: int
    window: int
    energy: OpeningAnswer
    floor_price: OpeningAnswer


class OwnTradeAnswer(Answer):
    """An agreement that the household is a side of, with what opens it; the cost in 1e-6."""

    agreement_id: str
    offer_id: int
    window: int
    side: Literal["sold", "bought"]
    energy: OpeningAnswer
    price: OpeningAnswer
    cost: OpeningAnswer
    state: Literal["open", "settled", "partly", "cancelled"]
    delivered_wh: int | None


class HouseholdViewAnswer(Answer):
    """What a household sees of its own private trades, and nobody else does."""

    account: str
    name: str
    keys: HouseholdKeysAnswer
    offers: list[OwnOfferAnswer]
    trades: list[OwnTradeAnswer]

    @classmethod
    def of(cls, view: PrivateView) -> Self:
        """The same in hex."""
        return cls(
            account=view.account,
            name=view.name,
            keys=HouseholdKeysAnswer(
                member=word_text(view.member_secret),
                note_view=word_text(view.note_view_secret),
                note_spend=word_text(view.note_spend_secret),
            ),
            offers=[
                OwnOfferAnswer(
                    offer_id=each.offer_id,
                    window=each.window,
                    energy=OpeningAnswer.of(each.energy),
                    floor_price=OpeningAnswer.of(each.floor_price),
                )
                for each in view.offers
            ],
            trades=[
                OwnTradeAnswer(
                    agreement_id=f"0x{each.agreement_id.hex()}",
                    offer_id=each.offer_id,
                    window=each.window,
                    side=each.side.value,
                    energy=OpeningAnswer.of(each.energy),
                    price=OpeningAnswer.of(each.price),
                    cost=OpeningAnswer.of(each.cost),
                    state=each.state.value,
                    delivered_wh=each.delivered_wh,
                )
                for each in view.trades
            ],
        )


class AuditorKeyAnswer(Answer):
    """The auditors' key of a development chain, which everybody knows: C - secret D = value H."""

    secret: Annotated[str, Field(description="32 bytes in hex")]
    public: PointAnswer
