"""Participants and their meters."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.api.schemas.common import (
    AddressText,
    Hash,
    Moment,
    OnChain,
    Transactions,
    Write,
)

MAX_ENDPOINT_BYTES = 256


def _short(value: str) -> str:
    if len(value.encode("utf-8", "surrogatepass")) > MAX_ENDPOINT_BYTES:
        raise PydanticCustomError("too_long", "has at most 256 bytes")
    if not value.isprintable():
        raise PydanticCustomError("printable", "has printable characters only")
    return value


class ParticipantAnswer(OnChain):
    """A participant. `development`: the gateway can sign for it."""

    participant: str
    household: Annotated[str | None, Field(description="Its name, if its id is one")]
    kind: Annotated[Literal["household", "storage"], Field(description="What it meters")]
    solar: Annotated[bool, Field(description="Whether it is known to have panels")]
    battery: Annotated[bool, Field(description="Whether it is known to have a battery")]
    strategy: Annotated[str, Field(description="How its seller haggles, if that is known")]
    meter: str
    household_id: str
    endpoint: str
    stealth_meta_address: str
    development: bool = False


class PublishInfo(Write):
    """What a participant says about itself; again to change it."""

    endpoint: Annotated[
        str,
        Field(max_length=MAX_ENDPOINT_BYTES, description="Where others open a negotiation"),
        AfterValidator(_short),
    ]
    household_id: Hash
    meter: AddressText
    stealth_meta_address: Annotated[
        str, Field(pattern=r"^0x([0-9a-fA-F]{2}){0,128}$", description="ERC-5564; 0x for none")
    ] = "0x"


class ParticipantWritten(Transactions):
    """The participant that was published."""

    participant: str


class CertifyMeter(Write):
    """An auditor vouches for a meter until `valid_until` (exclusive)."""

    meter: AddressText
    owner: AddressText
    kind: Literal["household", "storage"] = "household"
    valid_until: Moment


class RevokeMeter(Write):
    """An auditor vouches for a meter no longer."""
