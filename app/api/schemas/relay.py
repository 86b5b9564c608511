"""Requests that a user signs and the gateway sends."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field

from app.api.schemas.agreements import AllowTransactions, SettleAgreements
from app.api.schemas.auction import CancelOrderRequest, PlaceOrder
from app.api.schemas.common import (
    AddressText,
    Amount,
    Answer,
    Body,
    Hash,
    KeySignature,
    Moment,
    Salt,
    Transactions,
)
from app.api.schemas.consortium import Advance, ProposalId, Propose
from app.api.schemas.money import Deposit, PayClaim, Withdraw
from app.api.schemas.offers import CancelOfferRequest, MakeOffer
from app.api.schemas.participants import PublishInfo
from app.api.schemas.readings import ClosePositions
from app.api.schemas.treasury import RequestWithdrawal
from app.chain.gas import MAX_RELAYED_GAS
from app.market.typed_data import ForwardRequest

MAX_DATA_BYTES = 64_000


class RelayedCall(Body):
    """OpenZeppelin's ForwardRequest: a call that `from` wants to be made in its name."""

    sender: Annotated[AddressText, Field(alias="from")]
    to: AddressText
    value: Literal[0] = 0
    gas: Annotated[int, Field(ge=21_000, le=MAX_RELAYED_GAS)]
    nonce: Annotated[Salt, Field(description="The signer's nonce at the forwarder")]
    deadline: Annotated[int, Field(ge=0, le=2**48 - 1)]
    data: Annotated[
        str,
        Field(
            pattern=r"^0x([0-9a-fA-F]{2})*$",
            min_length=10,
            max_length=2 + 2 * MAX_DATA_BYTES,
            description="Encoded call of the market, its auction, consortium or treasury",
        ),
        AfterValidator(str.lower),
    ]

    def unpacked(self) -> ForwardRequest:
        """The same for the chain."""
        return ForwardRequest(
            sender=self.sender,
            to=self.to,
            gas=self.gas,
            nonce=int(self.nonce),
            deadline=self.deadline,
            data=bytes.fromhex(self.data[2:]),
        )

    @classmethod
    def of(cls, request: ForwardRequest) -> Self:
        """The same for the wire."""
        return cls.model_validate(
            {
                "from": request.sender,
                "to": request.to,
                "value": 0,
                "gas": request.gas,
                "nonce": str(request.nonce),
                "deadline": request.deadline,
                "data": "0x" + request.data.hex(),
            }
        )


class RelayRequest(Body):
    """A request with its author's signature."""

    request: RelayedCall
    signature: KeySignature


class Relayed(Transactions):
    """What was done in whose name."""

    signer: str
    function: str


class TypedData(Answer):
    """What a wallet signs with `eth_signTypedData_v4`."""

    typed_data: dict[str, Any]


class RelayTypedData(TypedData):
    """What to sign, and what to send with the signature to `/relay`."""

    request: RelayedCall


class AgreementTypedData(TypedData):
    """What a buyer signs; its digest is the agreement's id."""

    agreement_id: Hash


class Validity(Body):
    """How long the signed request may be relayed; by default for a day of market time."""

    deadline: Annotated[int | None, Field(ge=0, le=2**48 - 1)] = None


class RelayPublishInfo(PublishInfo, Validity):
    """See `PublishInfo`."""


class RelayMakeOffer(MakeOffer, Validity):
    """See `MakeOffer`."""


class RelayCancelOffer(CancelOfferRequest, Validity):
    """See `CancelOffer`."""


class RelayPlaceOrder(PlaceOrder, Validity):
    """See `PlaceOrder`."""


class RelayCancelOrder(CancelOrderRequest, Validity):
    """See `CancelOrder`."""


class RelayAllowTransactions(AllowTransactions, Validity):
    """See `AllowTransactions`."""


class RelaySettleAgreements(SettleAgreements, Validity):
    """See `SettleAgreements`."""


class RelayClosePositions(ClosePositions, Validity):
    """See `ClosePositions`."""


class RelayDeposit(Deposit, Validity):
    """A deposit from an allowance that the market has already."""


class RelayWithdraw(Withdraw, Validity):
    """See `Withdraw`."""


class RelayPayClaim(PayClaim, Validity):
    """See `PayClaim`."""


class PermitTerms(Body):
    """An allowance for the market, or for the treasury where money is to leave to the bank, signed
    in place of a transaction (ERC-2612).
    """

    owner: AddressText
    amount: Amount
    deadline: Moment
    spender: Literal["market", "treasury"] = "market"


class SubmitPermit(PermitTerms):
    """A permit with its owner's signature. A deposit brings its permit along instead."""

    signature: KeySignature


class RelayPropose(Propose, Validity):
    """See `Propose`."""


class RelayAdvance(Advance, Validity):
    """Which proposal to take to its next step."""

    proposal_id: ProposalId


class RelayRequestWithdrawal(RequestWithdrawal, Validity):
    """A withdrawal from an allowance that the treasury has already (see `/relay/permits`)."""


class RelayDepositWithPermit(Deposit, Validity):
    """A deposit that brings its own allowance: the permit of `amount` that the account signed."""

    permit_deadline: Moment
    permit_signature: KeySignature
