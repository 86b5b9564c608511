"""docs/negotiation.md says what the code does."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from app.agents.negotiation.ontology import (
    Acceptance,
    Body,
    CallForProposal,
    Failure,
    Header,
    Information,
    Message,
    Party,
    Performative,
    Proposal,
    Reason,
    Refusal,
    Rejection,
    Stage,
    decode,
    encode,
)
from app.agents.negotiation.strategies import PriceRange, Setting, make_strategy, strategy_names
from app.agents.negotiation.timetable import (
    CLOSING_STEPS,
    OFFERS_AT,
    READINGS_AT,
    SETTLEMENT_AT,
    STORAGE_OFFERS_AT,
    timetable_of,
)
from app.market.typed_data import AGREEMENT_MEMBERS, MARKET_NAME
from app.market.windows import window_start
from tests.agents.conftest import WINDOW


@pytest.fixture(scope="module")
def manual() -> str:
    path = Path(__file__).parents[3] / "docs" / "negotiation.md"
    return path.read_text(encoding="utf-8")


def block(manual: str, language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", manual, re.DOTALL)
    assert match
    return match[1]


def row(manual: str, *cells: str) -> str:
    """The table row that begins with these cells."""
    pattern = r"^\| +" + r" +\| +".join(re.escape(cell) for cell in cells) + r" +\|(.*)$"
    match = re.search(pattern, manual, re.MULTILINE)
    assert match, cells
    return match[1]


def test_the_example_message_is_understood(manual: str) -> None:
    message = decode(json.loads(block(manual, "json")))

    assert isinstance(message, Message)
    assert message.body == Proposal(1_200, 231_163)


BODIES: list[tuple[str, Body]] = [
    ("buyer", CallForProposal(1)),
    ("buyer", Proposal(1, 2)),
    ("seller", Proposal(1, 2)),
    ("buyer", Acceptance(1, 2, 3, 4, b"5")),
    ("either", Rejection("")),
    ("seller", Refusal("")),
    ("seller", Information(bytes(32), Stage.BOOKED)),
    ("seller", Failure(bytes(32), "")),
]


@pytest.mark.parametrize(("sender", "body"), BODIES)
def test_every_performative_is_listed_with_its_fields(manual: str, sender: str, body: Body) -> None:
    header = Header("c", 0, Party.BUYER, "0x", "0x", 1, 1, 0)
    encoded = encode(Message(header, body))
    listed = row(manual, f"`{encoded['performative']}`", sender).split("|")[0]
    common = set(encode(Message(header, Refusal("")))) - {"reason"}

    for name in encoded:
        if name in common:
            assert f"`{name}`" in manual
        else:
            assert f"`{name}" in listed
    assert len(listed.split("`")) // 2 == len(set(encoded) - common)


def test_no_performative_and_no_reason_of_ours_is_left_out(manual: str) -> None:
    assert all(f"`{performative}`" in manual for performative in Performative)
    assert all(f"`{reason}`" in manual for reason in Reason)


def test_what_a_buyer_signs_is_spelled_as_the_contract_spells_it(manual: str) -> None:
    members = ",".join(f"{kind} {name}" for name, kind in AGREEMENT_MEMBERS)

    assert f"`Agreement({members})`" in manual
    assert f"`{MARKET_NAME}`" in manual


def test_the_hour_is_as_the_timetable_has_it(manual: str) -> None:
    table = timetable_of(WINDOW, rounds=8, timeout=60)
    hour = window_start(WINDOW - 1)
    opening, closing, end = (moment - hour for moment in (table.opening, table.closing, table.end))

    assert "**opening**" in row(manual, str(opening))
    assert row(manual, f"{opening} to {closing}")
    steps = row(manual, f"{closing} to {end}")
    assert f"five steps of {table.closing_step} s" in steps
    assert CLOSING_STEPS == 5
    assert f"firm at {table.awarding(0) - table.bidding(0)} s" in steps
    assert f"these at {table.choosing(0) - table.bidding(0)} s" in steps
    assert "**last call**" in row(manual, str(table.last_call - hour))
    assert "sellers write" in row(manual, str(table.writing - hour))
    assert row(manual, f"{READINGS_AT}, {SETTLEMENT_AT}")
    assert f"at {STORAGE_OFFERS_AT} the community battery" in row(manual, str(OFFERS_AT))


@pytest.mark.parametrize("name", ["boulware", "linear", "conceder", "zip"])
def test_every_strategy_is_listed(manual: str, name: str) -> None:
    assert name in strategy_names()
    assert row(manual, f"`{name}`")


def test_the_strategy_of_ones_own_works_as_it_is_printed(manual: str) -> None:
    code = block(manual, "python").replace('"stubborn"', '"stubborn-in-the-manual"')
    exec(compile(code, "negotiation.md", "exec"), {})
    setting = Setting(Party.SELLER, PriceRange(100, 300), {}, np.random.default_rng(0))

    assert make_strategy("stubborn-in-the-manual", setting).price(0.7) == 200
