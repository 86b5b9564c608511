"""Private calls, which say nothing of who hands them in."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.api.schemas.common import Answer, Body, Written, whole_bytes

LARGEST_CALL = 65_536


class PrivateCallBody(Body):
    """Input of a call of the private market or its note pool."""

    contract: Literal["PrivateMarket", "NotePool"]
    data: Annotated[
        str,
        Field(
            pattern=r"^0x[0-9a-fA-F]*$",
            min_length=10,
            max_length=2 + 2 * LARGEST_CALL,
            description="The call's input as the ABI has it, in hex",
        ),
        AfterValidator(whole_bytes),
    ]


class PrivatelyRelayed(Answer):
    """What was called, and the transaction that did it."""

    function: str
    transactions: list[Written]
