"""Types that all domains share."""

import re
from typing import Annotated, Generic, Self, TypeVar

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.index.paging import Cut
from app.index.records import Place
from app.ledger.types import Receipt

UINT32 = 2**32 - 1
UINT31 = 2**31 - 1
UINT30 = 2**30 - 1
UINT53 = 2**53 - 1
UINT256 = 2**256 - 1

_ADDRESS = r"^0x[0-9a-fA-F]{40}$"
_CURSOR = re.compile(r"(\d{1,15})-(\d{1,9})")
_LARGEST_LIMIT = 200


def _checksummed(value: str) -> str:
    """Takes a correct checksum, or none (one case throughout)."""
    digits = value[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(value):
        raise PydanticCustomError("checksum", "has a correct EIP-55 checksum, or none")
    if int(value, 16) == 0:
        raise PydanticCustomError("zero_address", "is not the zero address")
    return to_checksum_address(value)


def whole_bytes(value: str) -> str:
    """The digits in small letters, two for each byte."""
    if len(value) % 2:
        raise PydanticCustomError("whole_bytes", "has two hex digits a byte")
    return value.lower()


def _uint256(value: str) -> str:
    if int(value) > UINT256:
        raise PydanticCustomError("uint256", "is at most 2^256 - 1")
    return str(int(value))


AddressText = Annotated[
    str,
    Field(pattern=_ADDRESS, description="An address; a checksum (EIP-55) must be right"),
    AfterValidator(_checksummed),
]
Hash = Annotated[
    str,
    Field(pattern=r"^0x[0-9a-fA-F]{64}$", description="32 bytes in hex"),
    AfterValidator(str.lower),
]
Signature = Annotated[
    str,
    Field(pattern=r"^0x[0-9a-fA-F]{2,2048}$", description="An EIP-712 signature: r, s, v"),
    AfterValidator(whole_bytes),
]
KeySignature = Annotated[
    str,
    Field(pattern=r"^0x[0-9a-fA-F]{130}$", description="An EIP-712 signature: r, s, v"),
    AfterValidator(str.lower),
]
WindowNumber = Annotated[int, Field(ge=0, le=UINT31, description="Delivery window (hour)")]
OfferId = Annotated[int, Field(ge=0, le=UINT53, description="Id of an offer")]
OrderId = Annotated[int, Field(ge=0, le=UINT53, description="Id of an order")]
EnergyWh = Annotated[int, Field(ge=1, le=UINT32, description="Energy in Wh")]
MeteredWh = Annotated[int, Field(ge=0, le=UINT30, description="Energy in Wh")]
Price = Annotated[int, Field(ge=0, le=UINT32, description="Price in 1e-6 a kWh")]
Amount = Annotated[int, Field(ge=1, le=UINT53, description="Money in 1e-6")]
Moment = Annotated[int, Field(ge=0, le=UINT53, description="Seconds since the epoch")]
Salt = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,78}$", description="Tells agreements apart; a decimal number"),
    AfterValidator(_uint256),
]


class Body(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Write(Body):
    """A write in the name of `from`: a development account whose key the gateway has."""

    sender: Annotated[AddressText, Field(alias="from")]


class Filter(BaseModel):
    """Parameters of a query."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageFilter(Filter):
    """Which page of a list. Newest first unless `order` is `oldest`."""

    limit: Annotated[int, Field(ge=1, le=_LARGEST_LIMIT, description="Rows on a page")] = 50
    cursor: Annotated[
        str | None,
        Field(pattern=r"^\d{1,15}-\d{1,9}$", description="`next` of the page before"),
    ] = None
    order: Annotated[str, Field(pattern="^(newest|oldest)$")] = "newest"

    def cut(self) -> Cut:
        """The same for the index."""
        found = _CURSOR.fullmatch(self.cursor or "")
        after = Place(int(found[1]), int(found[2])) if found else None
        return Cut(self.limit, after, self.order == "oldest")


class Answer(BaseModel):
    """What the gateway sends."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class OnChain(Answer):
    """Where and when something was recorded."""

    block: int
    log_index: int
    transaction_hash: str
    at: Annotated[int, Field(description="Time of the block")]


T = TypeVar("T")


class Listing(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: Annotated[str | None, Field(description="`cursor` of the next page; null on the last")]


def cursor_of(place: Place | None) -> str | None:
    """What a client sends to get the page after a place."""
    return None if place is None else f"{place.block}-{place.log_index}"


class Written(Answer):
    """A transaction that a write has caused."""

    hash: str
    block: int
    function: str
    sender: str
    gas_used: int

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """The transaction of a receipt."""
        return cls(
            hash=receipt.transaction_hash,
            block=receipt.block_number,
            function=receipt.function,
            sender=receipt.sender,
            gas_used=receipt.gas_used,
        )


class Transactions(Answer):
    """What a write has caused; empty where there was nothing left to do."""

    transactions: list[Written]


class InvalidMember(BaseModel):
    """One broken rule."""

    field: str
    rule: str
    value: object = None


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    hint: str = ""
    errors: list[InvalidMember] = []
    error: Annotated[str, Field(description="The contract's custom error")] = ""
    arguments: Annotated[dict[str, object], Field(description="What the error says")] = {}
    contract: str = ""
    transaction_hash: str = ""
