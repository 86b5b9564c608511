"""Agreements and their settlement."""

from dataclasses import asdict
from typing import Annotated, Self

from pydantic import Field

from app.api.schemas.common import (
    UINT53,
    AddressText,
    Body,
    EnergyWh,
    Hash,
    Moment,
    OfferId,
    OnChain,
    OrderId,
    PageFilter,
    Price,
    Salt,
    Signature,
    Transactions,
    WindowNumber,
    Write,
)
from app.index.records import AgreementRecord, SettlementRecord
from app.ledger.types import Agreement, SignedAgreement

MAX_BATCH = 100

AgreedOffer = Annotated[int | None, Field(description="Null: the auction made it")]
AgreedOrder = Annotated[int | None, Field(description="Null: it was negotiated")]


def shown_offer(offer_id: int) -> int | None:
    """The id of an offer; None where another contract stands in for one."""
    return offer_id if offer_id <= UINT53 else None


class AgreementFilter(PageFilter):
    """Which agreements."""

    window: WindowNumber | None = None
    offer_id: OfferId | None = None
    order_id: OrderId | None = None
    participant: AddressText | None = None
    settled: bool | None = None


class SettlementFilter(PageFilter):
    """Which settlements."""

    window: WindowNumber | None = None
    participant: AddressText | None = None


class AgreementTerms(Body):
    """What a buyer signs. `deadline`: last second at which it may be submitted."""

    offer_id: OfferId
    seller: AddressText
    buyer: AddressText
    window: WindowNumber
    energy_wh: EnergyWh
    price: Price
    deadline: Moment
    salt: Salt = "0"

    def unpacked(self) -> Agreement:
        """The same for the ledger."""
        return Agreement(
            offer_id=self.offer_id,
            seller=self.seller,
            buyer=self.buyer,
            window=self.window,
            energy_wh=self.energy_wh,
            price=self.price,
            deadline=self.deadline,
            salt=int(self.salt),
        )

    @classmethod
    def of(cls, agreement: Agreement) -> Self:
        """The same for the wire."""
        return cls(
            offer_id=agreement.offer_id,
            seller=agreement.seller,
            buyer=agreement.buyer,
            window=agreement.window,
            energy_wh=agreement.energy_wh,
            price=agreement.price,
            deadline=agreement.deadline,
            salt=str(agreement.salt),
        )


class BuyerSigned(Body):
    """An agreement with its buyer's signature."""

    agreement: AgreementTerms
    signature: Signature

    def unpacked(self) -> SignedAgreement:
        """The same for the ledger."""
        return SignedAgreement(self.agreement.unpacked(), bytes.fromhex(self.signature[2:]))


class AllowTransactions(Write):
    """Agreements that their buyers have signed, in their seller's name; all or none.

    Those that stand already are passed over, so that sending them again does no harm.
    """

    agreements: Annotated[list[BuyerSigned], Field(min_length=1, max_length=MAX_BATCH)]


class SignAgreement(Write):
    """Lets a development account sign an agreement as its buyer."""

    agreement: AgreementTerms


class AgreementSigned(BuyerSigned):
    """A signed agreement and its id."""

    agreement_id: Hash


class AgreementsWritten(Transactions):
    """The agreements that stand now."""

    agreement_ids: list[str]


class AgreementAnswer(OnChain):
    """An agreement, negotiated over an offer or made by the auction of two orders.

    `delivered_wh` once it is settled. For the contract an agreement of the auction has as offer id
    the address of `CallAuction`, shifted by 96 bits, plus `sell_id`; its salt is `buy_id`.
    """

    agreement_id: str
    offer_id: AgreedOffer
    buy_id: AgreedOrder
    sell_id: AgreedOrder
    seller: str
    buyer: str
    window: int
    energy_wh: int
    price: int
    deadline: int | None
    salt: str | None
    settled: bool
    delivered_wh: int | None

    @classmethod
    def of(cls, record: AgreementRecord) -> Self:
        """The same for the wire."""
        return cls(
            block=record.block,
            log_index=record.log_index,
            transaction_hash=record.transaction_hash,
            at=record.at,
            agreement_id=record.agreement_id,
            offer_id=shown_offer(record.offer_id),
            buy_id=record.buy_id,
            sell_id=record.sell_id,
            seller=record.seller,
            buyer=record.buyer,
            window=record.window,
            energy_wh=record.energy_wh,
            price=record.price,
            deadline=record.deadline,
            salt=None if record.salt is None else str(record.salt),
            settled=record.settled,
            delivered_wh=record.delivered_wh,
        )


class SettlementAnswer(OnChain):
    """What came of an agreement: what the seller was paid and the buyer compensated with."""

    agreement_id: str
    offer_id: AgreedOffer
    buy_id: AgreedOrder
    sell_id: AgreedOrder
    seller: str
    buyer: str
    window: int
    energy_wh: int
    price: int
    delivered_wh: int
    paid: int
    compensation: int
    penalty: int

    @classmethod
    def of(cls, record: SettlementRecord) -> Self:
        """The same for the wire."""
        return cls(**asdict(record) | {"offer_id": shown_offer(record.offer_id)})


class SettleAgreements(Write):
    """Settles agreements whose window is over. Those that are settled are passed over."""

    agreement_ids: Annotated[list[Hash], Field(min_length=1, max_length=MAX_BATCH)]
