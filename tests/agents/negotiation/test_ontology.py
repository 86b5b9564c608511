import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.agents.negotiation.ontology import (
    Acceptance,
    Body,
    CallForProposal,
    Failure,
    Header,
    Information,
    Message,
    NotUnderstood,
    Party,
    Proposal,
    Reason,
    Refusal,
    Rejection,
    Stage,
    conversation_of,
    decode,
    encode,
)
from app.errors import InputError

BUYER = "0x" + "aB" * 20
SELLER = "0x" + "cD" * 20
HEADER = Header(
    conversation_id="500000-H01-0-7",
    sequence=3,
    sent_by=Party.BUYER,
    buyer="0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB",
    seller="0xCdCDcdCDcdCdcdcDcdcDCdcdCdcdcDCDcDcDCdCD".lower(),
    window=500_000,
    offer_id=500_000 << 32 | 7,
    sent_at=1_800_000_000,
    reply_by=1_800_000_060,
)
BODIES: list[Body] = [
    CallForProposal(1_200),
    Proposal(1_200, 231_163),
    Proposal(800, 231_163, firm=True),
    Acceptance(800, 231_163, 1_800_003_599, 2**256 - 1, bytes(range(65))),
    Rejection(Reason.COVERED),
    Refusal(Reason.SOLD_OUT),
    Information(bytes(range(32)), Stage.WRITTEN, "0x12"),
    Failure(bytes(range(32)), "FundsInsufficient"),
]


def on_the_wire(**changes: Any) -> dict[str, Any]:
    message = encode(Message(HEADER, Proposal(1_200, 231_163)))
    return {name: value for name, value in {**message, **changes}.items() if value is not ...}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_message_survives_the_wire(body: Body) -> None:
    sent = Message(HEADER, body)
    received = decode(json.loads(json.dumps(encode(sent))))

    assert isinstance(received, Message)
    assert received.body == body
    assert received.performative is sent.performative
    assert received.header.seller.lower() == HEADER.seller.lower()
    assert received.header.offer_id == HEADER.offer_id


def test_not_understood_survives_the_wire() -> None:
    sent = NotUnderstood("500000-H01-0-7", "price: must be from 1 to 2")
    assert decode(json.loads(json.dumps(encode(sent)))) == sent


def test_addresses_may_come_in_any_case() -> None:
    low, high = (decode(on_the_wire(buyer=buyer)) for buyer in ("0x" + "ab" * 20, "0x" + "AB" * 20))
    assert low == high


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ontology", "somebody-elses"),
        ("ontology", ...),
        ("version", 2),
        ("version", True),
        ("version", 1.0),
        ("performative", "shout"),
        ("performative", ["propose"]),
        ("conversation_id", ""),
        ("conversation_id", "x" * 129),
        ("conversation_id", "two\nlines"),
        ("conversation_id", 5),
        ("sequence", -1),
        ("sequence", 2**53),
        ("sequence", 1.5),
        ("sequence", True),
        ("sent_by", "broker"),
        ("buyer", "0x" + "ab" * 19),
        ("buyer", "0x" + "zz" * 20),
        ("buyer", "ab" * 20),
        ("seller", None),
        ("window", 2**32),
        ("window", "500000"),
        ("offer_id", 7),
        ("offer_id", "-7"),
        ("offer_id", "7.0"),
        ("offer_id", str(2**256)),
        ("offer_id", "9" * 10_000),
        ("offer_id", "\N{ARABIC-INDIC DIGIT SEVEN}"),
        ("sent_at", -1),
        ("reply_by", 2**53),
        ("energy_wh", 0),
        ("energy_wh", 2**32),
        pytest.param("energy_wh", 10**5_000, id="energy_wh-huge"),
        ("price", -1),
        ("price", "231163"),
        ("price", ...),
        ("firm", 1),
        ("colour", "red"),
    ],
)
def test_a_bad_field_is_named(field: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        decode(on_the_wire(**{field: value}))
    assert field in caught.value.field
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("field", "value"),
    [("signature", "0x"), ("signature", "0x0"), ("signature", "0x" + "00" * 5_000), ("salt", 7)],
)
def test_a_bad_field_of_an_acceptance_is_named(field: str, value: object) -> None:
    message = encode(Message(HEADER, Acceptance(800, 231_163, 1_800_003_599, 7, bytes(65))))
    with pytest.raises(InputError) as caught:
        decode({**message, field: value})
    assert caught.value.field == field


@pytest.mark.parametrize("content", [None, 5, "propose", [], [{}], b"{}"])
def test_what_is_no_object_is_refused(content: object) -> None:
    with pytest.raises(InputError):
        decode(content)
    assert conversation_of(content) == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(sorted(encode(Message(HEADER, BODIES[3]))))


@given(st.dictionaries(fields, json_values, max_size=6))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_nonsense_raises_an_input_error_and_nothing_else(changes: dict[str, object]) -> None:
    for body in BODIES:
        content = {**encode(Message(HEADER, body)), **changes}
        conversation_of(content)
        with suppress(InputError):
            assert isinstance(decode(content), Message)


def test_the_conversation_of_a_bad_message_is_known_where_it_is_named() -> None:
    assert conversation_of(on_the_wire(price=-1)) == HEADER.conversation_id
    assert conversation_of(on_the_wire(conversation_id="x" * 129)) == ""
    assert conversation_of(on_the_wire(conversation_id=["x"])) == ""
