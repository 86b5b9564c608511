"""The council's messages on the wire: there and back, and what is refused."""

import pytest

from app.agents.governance.messages import (
    AdmissionRequest,
    BatchAnswer,
    BatchRequest,
    Body,
    CouncilMessage,
    DepositNotice,
    PayoutNotice,
    decode,
    encode,
    is_ours,
)
from app.errors import InputError

ACCOUNT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
BODIES: list[Body] = [
    AdmissionRequest(ACCOUNT, b"H13".ljust(32, b"\0")),
    BatchRequest(407_064),
    BatchAnswer(ACCOUNT, 407_064, '{"household":"H13"}'),
    BatchAnswer(ACCOUNT, 407_064, ""),
    DepositNotice(ACCOUNT, 2**100, bytes(range(32))),
    PayoutNotice(2**64, bytes(32)),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_message_comes_back_as_it_was(body: Body) -> None:
    message = CouncilMessage("auditor-1", 3, body)
    wire = encode(message)
    assert is_ours(wire)
    assert decode(wire) == message


@pytest.mark.parametrize(
    ("body", "changed", "field"),
    [
        (BODIES[1], {"window": -1}, "window"),
        (BODIES[1], {"window": True}, "window"),
        (BODIES[1], {"sender": ""}, "sender"),
        (BODIES[1], {"sequence": 2**32}, "sequence"),
        (BODIES[1], {"version": 2}, "version"),
        (BODIES[1], {"performative": "request-money"}, "performative"),
        (BODIES[1], {"more": 1}, "'more'"),
        (BODIES[2], {"content": "\n"}, "content"),
        (BODIES[2], {"owner": "0x00"}, "owner"),
        (BODIES[4], {"amount": 5}, "amount"),
        (BODIES[4], {"amount": str(2**128)}, "amount"),
        (BODIES[4], {"reference": "0x00"}, "reference"),
    ],
)
def test_a_message_with_one_thing_wrong_names_it(
    body: Body, changed: dict[str, object], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        decode(encode(CouncilMessage("auditor-1", 0, body)) | changed)
    assert caught.value.field == field


@pytest.mark.parametrize("content", [None, [], "text", {"ontology": "peerwatt-negotiation"}])
def test_what_is_not_ours_is_left_to_others(content: object) -> None:
    assert not is_ours(content)
