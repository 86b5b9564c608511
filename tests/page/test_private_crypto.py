"""That the browser opens what Python has sealed, and refuses what somebody has altered."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app.config import ROOT
from app.privacy.clsag import SpendableNote, note_image
from app.privacy.committee import deal, open_partially
from app.privacy.curve import BLINDING_BASE, VALUE_BASE, N, P, Point
from app.privacy.details import seal_details
from app.privacy.fast_curve import FAST
from app.privacy.lsag import key_image
from app.privacy.notes import Note, NoteMessage, SentNote, receive_note, send_note
from app.privacy.pedersen import Opening, commit
from app.privacy.spending import Pool
from app.privacy.trading import Band, Rules
from tests.page.conftest import windows
from tests.page.private_street import PrivateStreet
from tests.privacy.cases import (
    CONTEXT,
    VECTORS,
    auditor,
    entropy_of,
    members,
    note_keys,
    opening,
    publics,
)
from tests.privacy.encoding import encode, tampered

Json = Any

ASK = """
async ([url, method, all]) => {
  const thread = new Worker(url, {type: "module"});
  const answer = parameters => new Promise(resolve => {
    thread.onmessage = ({data}) => "progress" in data || resolve(data);
    thread.postMessage({id: 0, method, parameters});
  });
  const answers = [];
  for (const parameters of all) answers.push(await answer(parameters));
  thread.terminate();
  return answers;
}
"""

WINDOW = 489_924
MARKET = "0x" + "a1" * 20
RULES = Rules(1337, MARKET, Pool(1337, MARKET), auditor().public, Band(80_000, 320_000))
ENERGY_LIMIT = 1 << 24
SECRET = 0x123456789ABCDEF

NO_POINTS: list[Json] = [
    {"x": "0x0", "y": "0x0"},
    {"x": hex(P), "y": "0x2"},
    {"x": hex(P + 1), "y": "0x2"},  # that of the base point modulo P
    {"x": "0x1", "y": hex(P + 2)},
    {"x": "0x1", "y": "0x3"},
    {"x": "0x1"},
    {"x": 1.5, "y": "0x2"},
    {"x": "1e3", "y": "0x2"},
    ["0x1", "0x2", "0x3"],
    None,
    "0x1",
]


@pytest.fixture(scope="module")
def worker() -> str:
    (built,) = (ROOT / "app" / "web" / "dist" / "assets").glob("private-worker-*.js")
    return f"/assets/{built.name}"


@pytest.fixture(scope="module")
def page(browser: Browser, street: PrivateStreet) -> Iterator[Page]:
    """One page for all: nothing that a thread is asked changes it."""
    with windows(browser, street.url) as opened:
        yield opened()


def ask(page: Page, worker: str, method: str, *parameters: Json) -> list[Json]:
    """What the page's thread answers to each, `result` or `refusal`."""
    answers: list[Json] = page.evaluate(ASK, [worker, method, list(parameters)])
    return answers


def result(page: Page, worker: str, method: str, parameters: Json) -> Json:
    (answer,) = ask(page, worker, method, parameters)
    assert "refusal" not in answer, answer
    return answer["result"]


def word(value: int) -> str:
    return f"0x{value:064x}"


def point(value: Point) -> Json:
    return {"x": word(value[0]), "y": word(value[1])}


def opened(value: Opening) -> Json:
    return {"value": value.value, "blinding": word(value.blinding)}


# Openings


def test_commits_as_python_does(page: Page, worker: str) -> None:
    openings = [opening(value) for value in (0, 1, 999, ENERGY_LIMIT - 1, 2**53 - 1)]
    openings += [Opening(7, 0), Opening(0, 1), Opening(1, N - 1)]

    found = result(page, worker, "commitments", {"openings": [opened(each) for each in openings]})

    assert found == [point(commit(each)) for each in openings]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"blinding": word(0), "value": 0}, "blinding"),
        ({"blinding": word(N)}, "openings[0].blinding"),
        ({"blinding": "0x" + "f" * 65}, "openings[0].blinding"),
        ({"blinding": "17"}, "openings[0].blinding"),
        ({"value": -1}, "openings[0].value"),
        ({"value": 2**53}, "openings[0].value"),
        ({"value": 0.5}, "openings[0].value"),
    ],
)
def test_refuses_what_is_no_opening(page: Page, worker: str, changed: Json, field: str) -> None:
    asked = {"openings": [opened(opening(5)) | changed]}

    (answer,) = ask(page, worker, "commitments", asked)

    assert answer["refusal"]["field"] == field


def test_sees_whether_an_opening_fits(page: Page, worker: str) -> None:
    own = opening(1_234)
    other = Opening(own.value + 1, own.blinding)
    claims = [
        {"commitment": point(commit(own)), "opening": opened(each)}
        for each in (own, other, Opening(own.value, own.blinding + 1))
    ]
    claims.append({"commitment": point(commit(other)), "opening": opened(own)})
    claims += [{"commitment": each, "opening": opened(own)} for each in NO_POINTS]

    found = result(page, worker, "checkOpenings", {"claims": claims})

    assert found == [True] + [False] * (len(claims) - 1)


# Keys


def test_knows_the_public_halves(page: Page, worker: str) -> None:
    found = result(page, worker, "publicKeys", {"keys": {"member": word(1), "view": word(SECRET)}})

    assert found["member"] == point(BLINDING_BASE)
    assert found["view"] == point(FAST.multiply(BLINDING_BASE, SECRET))


@pytest.mark.parametrize("given", [word(0), word(N), "0xzz", "", None])
def test_refuses_what_is_no_key_and_does_not_repeat_it(
    page: Page, worker: str, given: Json
) -> None:
    (answer,) = ask(page, worker, "publicKeys", {"keys": {"member": given}})

    assert answer["refusal"]["field"] == "member"
    assert not given or given not in json.dumps(answer["refusal"])


# Notes


def note_row(note: Note, message: NoteMessage, number: int = 0) -> Json:
    return {
        "number": number,
        "key": point(note.key),
        "commitment": point(note.commitment),
        "message": {
            "ephemeral": point(message.ephemeral),
            "view_tag": message.view_tag,
            "encrypted_amount": f"0x{message.encrypted_amount:016x}",
        },
    }


def reader(name: str) -> Json:
    keys = note_keys(name)
    return {"note_view": word(keys.view_secret), "note_spend": word(keys.spend_secret)}


def sent(name: str, amount: int) -> SentNote:
    entropy = entropy_of(f"page's note of {amount} for {name}")
    return send_note(note_keys(name).address(), amount, entropy=entropy)


def test_finds_ones_own_notes_and_their_images(page: Page, worker: str) -> None:
    amounts = [0, 1, 5_000_000, 2**53 - 1]
    own = [sent("owner", amount) for amount in amounts]
    others = [sent("other", amount) for amount in amounts]
    rows = [
        note_row(each.note, each.message, number) for number, each in enumerate([*own, *others])
    ]
    rows.append(rows[0] | {"number": 99, "message": None})

    found = result(page, worker, "readNotes", {"notes": rows, **reader("owner")})

    keys = note_keys("owner")
    spend_public = keys.address().spend_public
    for number, (amount, note) in enumerate(zip(amounts, own, strict=True)):
        received = receive_note(note.note, note.message, spend_public, keys.view_secret)
        assert received is not None
        secret = received.secret(keys.spend_secret)
        image = note_image(SpendableNote(note.note, secret, received.opening))
        assert found[number] == {
            "number": number,
            "amount": amount,
            "blinding": word(received.opening.blinding),
            "image": word(image[0]),
        }
    assert len(found) == len(own)


def test_finds_notes_without_the_spend_key_but_not_their_images(page: Page, worker: str) -> None:
    note = sent("owner", 17)
    keys = note_keys("owner")
    public = {
        "note_view": word(keys.view_secret),
        "note_spend": point(keys.address().spend_public),
    }

    (found,) = result(
        page, worker, "readNotes", {"notes": [note_row(note.note, note.message)], **public}
    )

    assert (found["amount"], found["image"]) == (17, None)


def test_takes_no_altered_note_for_money(page: Page, worker: str) -> None:
    note = sent("owner", 5_000_000)
    row = note_row(note.note, note.message)
    altered: list[Json] = []
    for path in (("key",), ("commitment",), ("message", "ephemeral")):
        honest = row[path[0]] if len(path) == 1 else row[path[0]][path[1]]
        moved = FAST.add((int(honest["x"], 16), int(honest["y"], 16)), VALUE_BASE)
        for other in [point(moved), *NO_POINTS]:
            altered.append(copy.deepcopy(row))
            place = altered[-1] if len(path) == 1 else altered[-1][path[0]]
            place[path[-1]] = other
    for field, value in (
        ("view_tag", note.message.view_tag ^ 1),
        ("encrypted_amount", f"0x{note.message.encrypted_amount ^ 1:016x}"),
        ("encrypted_amount", "much"),
    ):
        altered.append(copy.deepcopy(row))
        altered[-1]["message"][field] = value

    found = result(page, worker, "readNotes", {"notes": altered, **reader("owner")})

    assert [each["amount"] for each in found] == [None] * len(found)
    assert result(page, worker, "readNotes", {"notes": [row], **reader("owner")})[0]["amount"]


def test_opens_what_a_sale_pays(page: Page, worker: str) -> None:
    payout = sent("owner", 402_003)
    agreement = {
        "agreement_id": "0xaa",
        "payout_key": point(payout.note.key),
        "cost": point(payout.note.commitment),
        "payout_message": note_row(payout.note, payout.message)["message"],
    }
    other = agreement | {"agreement_id": "0xbb", "cost": point(commit(opening(402_003)))}
    silent = agreement | {"agreement_id": "0xcc", "payout_message": None}
    asked = {"agreements": [agreement, other, silent]}

    assert result(page, worker, "readSales", asked | reader("owner")) == [
        {"agreement_id": "0xaa", "cost": 402_003}
    ]
    assert result(page, worker, "readSales", asked | reader("other")) == []


# Offers


def round_of(ring: list[Point], offers: list[Json], secret: int) -> Json:
    return {
        "chain_id": RULES.chain_id,
        "market": RULES.market,
        "window": WINDOW,
        "ring": [point(each) for each in ring],
        "offers": offers,
        "member": word(secret),
    }


def offer_row(number: int, slot: int, image: Point, metadata: bytes | None) -> Json:
    return {
        "offer_id": number,
        "slot": slot,
        "image_x": word(image[0]),
        "metadata": None if metadata is None else f"0x{metadata.hex()}",
    }


@pytest.mark.parametrize("size", [0, 1, 31, 127, 128, 1_023])
def test_members_read_the_details_and_find_their_own_offers(
    page: Page, worker: str, size: int
) -> None:
    keys = members(4)
    plain = bytes(range(256)) * 4
    sealed = seal_details(plain[:size], publics(keys), entropy=entropy_of(f"details of {size}"))
    images = [
        (slot, key_image(key, RULES.image_context(WINDOW, slot)))
        for slot, key in ((0, keys[1]), (1, keys[1]), (1, keys[2]))
    ]
    rows = [
        offer_row(number, slot, image, b"\x00" + sealed)
        for number, (slot, image) in enumerate(images)
    ]
    rows.append(offer_row(3, 0, images[1][1], b"\x00"))  # an image of another slot
    rows.append(offer_row(4, 0, images[2][1], None))

    found = result(page, worker, "readOffers", round_of(publics(keys), rows, keys[1].secret))

    assert [each["mine"] for each in found] == [True, True, False, False, False]
    assert [each["details"] for each in found] == [f"0x{plain[:size].hex()}"] * 3 + [None] * 2


def test_others_read_no_details_and_altered_ones_stay_closed(page: Page, worker: str) -> None:
    keys = members(4)
    ring = publics(keys[:3])
    image = key_image(keys[0], RULES.image_context(WINDOW, 0))
    sealed = seal_details(b"5 kWh", ring, entropy=entropy_of("details"))
    own = slice(80 + 32, 80 + 64)  # of the second member
    altered = [
        sealed,
        bytes([sealed[0] ^ 1]) + sealed[1:],
        sealed[:64] + bytes([sealed[64] ^ 1]) + sealed[65:],
        sealed[: own.start] + bytes([sealed[own.start] ^ 1]) + sealed[own.start + 1 :],
        sealed[:-1] + bytes([sealed[-1] ^ 1]),
        sealed[:-1],
        bytes(64) + sealed[64:],
        sealed[:100],
        b"",
    ]
    rows = [offer_row(i, 0, image, b"\x00" + each) for i, each in enumerate(altered)]

    inside = result(page, worker, "readOffers", round_of(ring, rows, keys[1].secret))
    outside = result(page, worker, "readOffers", round_of(ring, rows, keys[3].secret))
    elsewhere = round_of(publics([keys[1], keys[0], keys[2]]), rows[:1], keys[1].secret)

    assert [each["details"] for each in inside] == ["0x" + b"5 kWh".hex()] + [None] * 8
    assert {each["details"] for each in outside} == {None}
    assert not any(each["mine"] for each in inside + outside)
    assert result(page, worker, "readOffers", elsewhere)[0]["details"] is None


# Auditors


def handle_row(limit: int = ENERGY_LIMIT, number: int = 0) -> Json:
    (vector,) = [json.loads((VECTORS / "handles.json").read_text())["handles"][number]]
    return {"commitment": vector["commitment"], "handle": vector["point"], "limit": limit}


def by_key(*handles: Json, key: int | None = None) -> Json:
    secret = auditor().secret if key is None else key
    return {"auditor": point(auditor().public), "handles": handles, "key": word(secret)}


def test_the_auditors_key_opens_the_vectors(page: Page, worker: str) -> None:
    found = result(page, worker, "openHandles", by_key(handle_row(), handle_row(number=1)))

    assert found == [1_234, 0]


@pytest.mark.parametrize("value", [0, 1, 2_897, 5_793, 5_794, 1_000_003, ENERGY_LIMIT - 1])
def test_finds_every_value_below_the_limit(page: Page, worker: str, value: int) -> None:
    hidden = opening(value)
    handle = FAST.multiply(auditor().public, hidden.blinding)
    row = {"commitment": point(commit(hidden)), "handle": point(handle)}
    limits = [{"limit": limit} for limit in (ENERGY_LIMIT, value + 1, max(value, 1))]

    found = result(page, worker, "openHandles", by_key(*[row | each for each in limits]))

    assert found == [value, value, None if value else 0]


def test_nobody_elses_key_opens_anything(page: Page, worker: str) -> None:
    for key in (auditor().secret + 1, members(1)[0].secret, N - auditor().secret):
        (answer,) = ask(page, worker, "openHandles", by_key(handle_row(), key=key))

        assert answer["refusal"] == {"field": "key", "rule": "must be the auditors' key"}


def test_altered_handles_do_not_open(page: Page, worker: str) -> None:
    moved = [handle_row() | {"handle": handle_row(number=1)["handle"]}]
    moved.append(handle_row() | {"commitment": handle_row(number=1)["commitment"]})
    assert result(page, worker, "openHandles", by_key(*moved)) == [None, None]

    for place in ("commitment", "handle"):
        broken = [by_key(handle_row() | {place: each}) for each in NO_POINTS]
        for answer in ask(page, worker, "openHandles", *broken):
            assert answer["refusal"]["field"].startswith(place)


def partials_of(*indices: int, context: bytes = CONTEXT) -> Json:
    """What auditors of two of three contribute to the first handle of the vectors."""
    committee, shares = deal(auditor(), 2, 3, entropy=entropy_of("shares"))
    handle = json.loads((VECTORS / "handles.json").read_text())["handles"][0]["point"]
    at = (int(handle[0], 16), int(handle[1], 16))
    return {
        "auditor": point(auditor().public),
        "handles": [handle_row()],
        "committee": encode(committee),
        "context": encode(context),
        "partials": [
            [encode(open_partially(committee, shares[index - 1], at, context)) for index in indices]
        ],
    }


def test_any_two_of_three_auditors_open_a_handle(page: Page, worker: str) -> None:
    for indices in ((1, 2), (1, 3), (3, 2), (3, 3, 1), (1, 2, 3)):
        assert result(page, worker, "openHandles", partials_of(*indices)) == [1_234]


def test_one_auditor_alone_does_not(page: Page, worker: str) -> None:
    for indices in ((), (1,), (2, 2)):
        (answer,) = ask(page, worker, "openHandles", partials_of(*indices))

        assert answer["refusal"]["field"] == "partials"
        assert f"here are {len(set(indices))}" in answer["refusal"]["rule"]


def test_takes_the_vector_and_none_of_its_altered_twins(page: Page, worker: str) -> None:
    vector = json.loads((VECTORS / "partial-opening.json").read_text())
    (second,) = partials_of(2)["partials"][0]

    def asked(case: Json) -> Json:
        return {
            "auditor": point(auditor().public),
            "handles": [handle_row() | {"handle": case["handle"]}],
            "committee": case["committee"],
            "context": case["context"],
            "partials": [[case["partial"], second]],
        }

    twins = list(tampered(vector))
    answers = ask(page, worker, "openHandles", asked(vector), *[asked(twin) for _, twin in twins])

    assert answers[0]["result"] == [1_234]
    assert len(twins) > 10
    taken = [path for (path, _), each in zip(twins, answers[1:], strict=True) if "result" in each]
    assert taken == []


def test_names_the_auditor_whose_contribution_is_false(page: Page, worker: str) -> None:
    asked = partials_of(1, 2)
    asked["partials"][0][1]["point"] = encode(VALUE_BASE)

    (answer,) = ask(page, worker, "openHandles", asked)

    assert "that of auditor 2 is not its share" in answer["refusal"]["rule"]
    asked["partials"][0].append(partials_of(3)["partials"][0][0])
    assert result(page, worker, "openHandles", asked) == [1_234]


def test_a_committee_of_another_key_opens_nothing(page: Page, worker: str) -> None:
    other, _ = deal(replace(auditor()), 2, 3, entropy=entropy_of("other shares"))
    foreign = partials_of(1, 2) | {"committee": encode(other)}
    of_another = partials_of(1, 2) | {"auditor": point(VALUE_BASE)}

    answers = ask(page, worker, "openHandles", foreign, of_another)

    assert [each["refusal"]["field"] for each in answers] == ["partials", "committee"]
