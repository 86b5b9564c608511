"""Journals, and the form in which they and messages are written."""

import json
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from app.agents.private.journal import Journal, KeptOffer, KeptTrade
from app.agents.private.view import TradeSide, TradeState
from app.agents.private.wire import from_wire, to_wire
from app.agents.private.words import AgreementRequest, SealedAgreement, decode, encode, is_ours
from app.errors import InputError
from app.privacy.pedersen import Opening
from tests.agents.private.sealed import WINDOW, Case

OFFER = KeptOffer(7, WINDOW, "0xowner", 99, Opening(9_000, 5), Opening(80_000, 6))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "private" / "H01.jsonl"


@pytest.fixture
def trade(case: Case) -> KeptTrade:
    return KeptTrade(WINDOW, TradeSide.BOUGHT, case.sealed.made)


def test_everything_is_there_again(path: Path, trade: KeptTrade) -> None:
    journal = Journal(path)
    for entry in (OFFER, trade):
        journal.keep(entry)

    again = Journal(path)

    assert again.offers == {7: OFFER}
    assert again.trades == {trade.made.id: trade}
    assert again.open_trades(WINDOW) == again.open_trades() == [trade]
    assert again.open_trades(WINDOW + 1) == []


def test_an_outcome_is_final(path: Path, trade: KeptTrade) -> None:
    journal = Journal(path)
    journal.keep(trade)
    journal.settle(trade.made.id, TradeState.PARTLY, 801)
    journal.settle(trade.made.id, TradeState.CANCELLED, 0)

    for each in (journal, Journal(path)):
        (kept,) = each.trades.values()
        assert (kept.state, kept.delivered_wh) == (TradeState.PARTLY, 801)
        assert each.open_trades() == []


def test_its_owner_alone_may_read_it(path: Path) -> None:
    Journal(path).keep(OFFER)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_torn_line_is_as_if_never_written(path: Path, trade: KeptTrade) -> None:
    journal = Journal(path)
    journal.keep(OFFER)
    journal.keep(trade)
    content = path.read_bytes()
    path.write_bytes(content[:-20])

    again = Journal(path)
    again.keep(trade)

    assert again.offers == {7: OFFER}
    assert path.read_bytes() == content


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"kind": "gift"}', '{"kind": "offer"}'])
def test_a_damaged_line_is_named(path: Path, line: str) -> None:
    Journal(path).keep(OFFER)
    with path.open("a") as file:
        file.write(line + "\n")

    with pytest.raises(InputError) as caught:
        Journal(path)

    assert caught.value.field.startswith(f"{path}:2")


def test_in_memory_nothing_is_written(tmp_path: Path) -> None:
    journal = Journal()
    journal.keep(OFFER)
    assert journal.offers == {7: OFFER}
    assert list(tmp_path.iterdir()) == []


# What seller and buyer say


def test_words_come_out_as_they_went_in(case: Case) -> None:
    for word in (AgreementRequest(bytes(32), case.refund), case.sealed):
        content = json.loads(json.dumps(encode(word)))
        assert is_ours(content)
        assert decode(content) == word


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 2}, "version"),
        ({"performative": "inform-weather"}, "performative"),
        ({"body": None}, "body"),
        ({"body": {}}, "body"),
        ({"body": {"reference": "0x00", "refund": None}}, "body.refund"),
    ],
)
def test_what_makes_no_sense_is_named(case: Case, change: dict[str, object], field: str) -> None:
    content = encode(AgreementRequest(bytes(32), case.refund)) | change
    with pytest.raises(InputError) as caught:
        decode(content)
    assert caught.value.field == field


def test_a_reference_has_32_bytes(case: Case) -> None:
    with pytest.raises(InputError, match="reference"):
        decode(encode(AgreementRequest(bytes(31), case.refund)))


def leaves(raw: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(raw, dict):
        return [leaf for name, each in raw.items() for leaf in leaves(each, (*path, name))]
    if isinstance(raw, list):
        return [leaf for at, each in enumerate(raw) for leaf in leaves(each, (*path, at))]
    return [path]


@pytest.mark.parametrize("nonsense", [None, "0x", "0xzz", 5, [], {}, "0x" + "f" * 65])
def test_nothing_in_a_word_stops_who_reads_it(case: Case, nonsense: object) -> None:
    """Each leaf of an agreement replaced: it is another one, or refused in words."""
    whole = to_wire(case.sealed)
    for path in leaves(whole)[::5]:
        raw = json.loads(json.dumps(whole))
        inner = raw
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = nonsense
        with suppress(InputError):
            assert from_wire(SealedAgreement, raw) != case.sealed
