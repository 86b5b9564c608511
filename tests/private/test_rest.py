"""What the gateway tells everybody of private trading, and what it tells owners and auditors."""

import json
import re
import secrets
from dataclasses import dataclass, replace
from itertools import cycle, islice

import pytest
import pytest_asyncio

from app.agents.private.view import (
    PrivateOffer,
    PrivateTrade,
    PrivateView,
    TradeSide,
    TradeState,
)
from app.api.private_examples import PRIVATE
from app.chain.keys import RELAYER, development_address, household_address
from app.ledger.consortium import ProposedCall, decide_all
from app.ledger.private import LoggedNote, NoteLog, Purse
from app.ledger.private_calls import PRIVATE_MARKET
from app.market.units import cost_down, cost_up
from app.privacy.audit import AuditorKey, Handle, ValueFinder, open_handle
from app.privacy.authorship import Act, claim, deny
from app.privacy.curve import N
from app.privacy.details import open_details
from app.privacy.keys import MemberKey, Wallet
from app.privacy.notes import Note, NoteKeys, NoteMessage
from app.privacy.pedersen import Opening, commit
from app.privacy.trading import Agreement
from benchmarks.private_round import AGREED_WH, FLOOR_PRICE, MONEY, OFFERED_WH, PART_WH, PRICE
from tests.api.market import serving
from tests.api.test_anything import STRANGE, STRANGE_TEXTS, changed, leaves
from tests.api.test_documentation import try_out
from tests.private.conftest import untraded_window

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKER = "0x" + secrets.token_hex(32)
WORD = "0x" + "00" * 31 + "01"
NUMBERED = ("/private/notes", "/private/images")
LISTS = ("/private/rounds", "/private/agreements", "/private/movements")


def point_of(shown) -> tuple[int, int]:
    return int(shown["x"], 16), int(shown["y"], 16)


def message_of(shown) -> NoteMessage:
    return NoteMessage(
        point_of(shown["ephemeral"]), shown["view_tag"], int(shown["encrypted_amount"], 16)
    )


def opening_of(shown) -> Opening:
    return Opening(shown["value"], int(shown["blinding"], 16))


async def whole_list(market, path, **parameters):
    """All pages of a list, two rows each."""
    items, cursor = [], None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = await market.get(path, limit=2, **parameters, **more)
        assert len(page["items"]) <= 2
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


async def whole_numbered(market, path, limit=500):
    items, first = [], 0
    while first is not None:
        page = await market.get(path, first=first, limit=limit)
        assert page["total"] >= len(page["items"])
        items += page["items"]
        first = page["next"]
    return items


@pytest_asyncio.fixture(loop_scope="session")
async def found(market, played):
    """The round that was played, as the gateway tells it."""
    return await market.get(f"/private/rounds/{played.window}")


@pytest.fixture(scope="module")
def finder():
    return ValueFinder(24)


@pytest.fixture
def seller(members):
    """Has made the first offer of the round."""
    return members[0]


@pytest.fixture
def other(members):
    """Has made the second."""
    return members[1]


# What everybody sees


async def test_the_rules_are_those_of_the_contracts(market, private, played, members):
    found = await market.get("/private")
    rules = private.rules
    assert (found["chain_id"], found["market"]) == (rules.chain_id, rules.market)
    assert found["pool"] == rules.pool.address
    assert point_of(found["auditor"]) == rules.auditor
    assert found["band"] == {"floor": rules.band.floor, "ceiling": rules.band.ceiling}
    assert found["slots"] == 4
    keys = {each["account"]: point_of(each["key"]) for each in found["members"]}
    assert keys == {each.account: each.wallet.member.public for each in members}
    assert all(each["is_member"] for each in found["members"])
    counts = found["counts"]
    assert counts["agreements"] >= len(played.trades)
    assert counts["settled"] + counts["cancelled"] <= counts["agreements"]
    log = NoteLog()
    await private.new_notes(log)
    assert (counts["notes"], counts["images"]) == (len(log.notes), len(log.spent))
    money = found["money"]
    assert money["held"] == money["deposited"] - money["withdrawn"]
    assert money["held"] == await private.ledger.payment_balance_of(rules.pool.address)


async def test_rounds_are_counted(market, played, members):
    rounds = {each["window"]: each for each in await whole_list(market, "/private/rounds")}
    shown = rounds[played.window]
    assert shown["ring_size"] == len(members)
    assert shown["offers"] == len(members) // 2
    assert shown["agreements"] == len(played.trades)
    assert (shown["settled"], shown["cancelled"]) == (len(played.trades) - 1, 1)


async def test_a_round_has_its_ring_and_its_offers(market, private, played, found):
    assert [point_of(each) for each in found["ring"]] == list(await private.ring_of(played.window))
    for shown, seen in zip(found["offers"], await private.offers(played.window), strict=True):
        terms = seen.terms
        assert (shown["offer_id"], shown["slot"], shown["owner"]) == (seen.id, 0, terms.owner)
        for name in ("energy", "floor_price", "energy_handle", "price_handle"):
            assert point_of(shown[name]) == getattr(terms, name)
        assert bytes.fromhex(shown["metadata"][2:]) == terms.metadata
        assert bytes.fromhex(shown["ephemeral_key"][2:]) == terms.ephemeral_key


async def test_members_read_the_details_of_what_is_shown(found, members):
    ring = [point_of(each) for each in found["ring"]]
    sealed = bytes.fromhex(found["offers"][0]["metadata"][2:])[1:]
    details = {open_details(sealed, ring, each.wallet.member) for each in members}
    assert len(details) == 1
    assert None not in details
    outsider = MemberKey.from_secret(12_345)
    assert open_details(sealed, ring, outsider) is None


async def test_whoever_sees_an_agreement_can_name_it(private, played, found):
    """It is shown in full: everybody can compute its id, and have it settled or cancelled."""
    for shown, trade in zip(found["agreements"], played.trades, strict=True):
        agreement = Agreement(
            shown["offer_id"],
            *(point_of(shown[name]) for name in ("energy", "price", "cost", "payout_key")),
            message_of(shown["payout_message"]),
            *(point_of(shown[name]) for name in ("refund_key", "refund_blinding")),
        )
        assert agreement == trade.made.agreement
        assert shown["agreement_id"] == f"0x{private.rules.agreement_id(agreement).hex()}"
        assert shown["window"] == played.window


async def test_what_became_of_agreements_is_shown(market, played, found):
    states = {AGREED_WH: ("settled", True), PART_WH: ("settled", False), 0: ("cancelled", None)}
    for shown, trade in zip(found["agreements"], played.trades, strict=True):
        assert (shown["state"], shown["in_full"]) == states[trade.delivered_wh]
        assert (shown["delivered"] is None) == (trade.delivered_wh == 0)
        ended = await market.get(f"/transactions/{shown['ended_by']}")
        assert shown["ended_at"] == ended["at"] > shown["at"]
        assert ended["contract"] == "PrivateMarket"


async def test_agreements_are_listed_by_offer_window_and_state(market, played, found):
    first = found["agreements"][0]
    ids = [each["agreement_id"] for each in found["agreements"]]
    path = "/private/agreements"
    oldest = await whole_list(market, path, window=played.window, order="oldest")
    assert oldest == found["agreements"]
    newest = await whole_list(market, path, window=played.window)
    assert [each["agreement_id"] for each in newest] == ids[::-1]
    of_offer = await whole_list(market, path, offer_id=first["offer_id"])
    assert len(of_offer) == 2  # one offer has two buyers
    assert {each["offer_id"] for each in of_offer} == {first["offer_id"]}
    cancelled = await whole_list(market, path, window=played.window, state="cancelled")
    assert [each["state"] for each in cancelled] == ["cancelled"]
    assert await whole_list(market, path, window=played.window, state="open") == []


async def test_who_reads_the_notes_finds_its_own(market, private, played, members):
    """With the gateway's lists instead of a node."""
    log = NoteLog()
    for shown in await whole_numbered(market, "/private/notes", limit=7):
        assert shown["number"] == len(log.notes)
        note = Note(point_of(shown["key"]), point_of(shown["commitment"]))
        message = message_of(shown["message"]) if shown["message"] else None
        log.notes.append(LoggedNote(note, message))
    for number, shown in enumerate(await whole_numbered(market, "/private/images", limit=3)):
        assert shown["number"] == number
        log.spent.add(int(shown["x"], 16))
    by_node = NoteLog()
    await private.new_notes(by_node)
    assert log.spent == by_node.spent
    for member in members:
        purses = Purse(member.purse.keys), Purse(member.purse.keys)
        for purse, known in zip(purses, (log, by_node), strict=True):
            purse.look(known)
        assert purses[0].notes == purses[1].notes


async def test_money_that_comes_and_goes_is_public(market, private, played, members):
    moved = await whole_list(market, "/private/movements", account=members[0].account)
    kinds = [each["kind"] for each in moved]
    assert (moved[-1]["kind"], moved[-1]["amount"]) == ("deposit", MONEY)
    assert "withdrawal" in kinds  # a seller has taken something out
    assert {each["account"] for each in moved} == {members[0].account}


async def test_lists_end(market, played):
    for path in NUMBERED:
        total = (await market.get(path, limit=1))["total"]
        assert (await market.get(path, first=total - 1))["next"] is None
        beyond = await market.get(path, first=total + 10)
        assert (beyond["items"], beyond["next"], beyond["total"]) == ([], None, total)
        assert (await market.get(path, first=total - 2, limit=1))["next"] == total - 1


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        *((path, {"limit": 0}, "query.limit") for path in (*LISTS, *NUMBERED)),
        *((path, {"limit": 201}, "query.limit") for path in LISTS),
        *((path, {"limit": 501}, "query.limit") for path in NUMBERED),
        *((path, {"cursor": "1"}, "query.cursor") for path in LISTS),
        *((path, {"order": "any"}, "query.order") for path in LISTS),
        *((path, {"first": -1}, "query.first") for path in NUMBERED),
        *((path, {"first": 2**53}, "query.first") for path in NUMBERED),
        ("/private/agreements", {"state": "lost"}, "query.state"),
        ("/private/agreements", {"window": -1}, "query.window"),
        ("/private/agreements", {"offer_id": 2**53}, "query.offer_id"),
        ("/private/movements", {"account": "0x12"}, "query.account"),
        ("/private/rounds/no", {}, "path.window"),
        ("/private/rounds/-1", {}, "path.window"),
        ("/private/households/0x12", {}, "path.account"),
        *((path, {"colour": "red"}, "query.colour") for path in (*LISTS, *NUMBERED, "/private")),
        ("/private/auditor", {"colour": "red"}, "query.colour"),
    ],
)
async def test_what_cannot_be_asked_is_named(market, played, path, parameters, field):
    answer = await market.get(path, 422, **parameters)
    assert [each["field"] for each in answer["errors"]] == [field]


async def test_a_round_that_nobody_has_opened_is_missing(market, played):
    answer = await market.get("/private/rounds/1", 404)
    assert answer["detail"].startswith("no round of window 1")


async def test_what_happens_is_told_by_numbers_alone(market, private, members):
    """The live feed says that something is there, and where to read it."""
    window = await untraded_window(market)
    place = {"block", "log_index", "transaction_hash", "at"}
    async with market.feed() as feed:
        await private.open_round(development_address(RELAYER), window)
        opened, _ = await feed.until("private_round")
        assert opened.keys() == place | {"window"}
        assert opened["window"] == window
        await market.mint(members[0].account, 5)
        await private.deposit(members[0].account, members[0].purse.keys, 5)
        created, _ = await feed.until("note")
        assert created.keys() == place | {"number"}
    (shown,) = (await market.get("/private/notes", first=created["number"]))["items"]
    assert shown["transaction_hash"] == created["transaction_hash"]


# What nobody may see


@pytest_asyncio.fixture(loop_scope="session")
async def public(market, played, found):
    """All that was told of the round without its members and the money in and out."""
    told = [found, await whole_list(market, "/private/rounds")]
    told.append(await whole_list(market, "/private/agreements"))
    told += [await whole_numbered(market, path) for path in NUMBERED]
    return told


def numbers_in(told):
    for each in leaves_of(told):
        if isinstance(each, int) and not isinstance(each, bool):
            yield each


def leaves_of(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from leaves_of(each)
    else:
        yield value


async def test_no_energy_price_or_cost_is_told(public, played):
    rules = {cost_up(AGREED_WH, PRICE), cost_down(PART_WH, PRICE), FLOOR_PRICE, PRICE}
    known = rules | {OFFERED_WH, AGREED_WH, PART_WH, OFFERED_WH - AGREED_WH}
    assert not known & set(numbers_in(public))
    text = json.dumps(public)
    for number in known:
        assert f"{number:064x}" not in text
        assert f'"{number}"' not in text


async def test_no_account_of_a_member_is_told(public, members):
    text = json.dumps(public).lower()
    for member in members:
        assert member.account[2:].lower() not in text


async def test_no_opening_and_no_key_is_told(market, public, played, members):
    text = json.dumps([*public, await market.get("/private")]).lower()
    for trade in played.trades:
        made = trade.made
        openings = (made.energy, made.price, made.payout.opening, made.refund.opening)
        for opening in openings:
            assert f"{opening.blinding:064x}" not in text
    for member in members:
        keys = member.purse.keys
        for secret in (keys.spend_secret, keys.view_secret, member.wallet.member.secret):
            assert f"{secret:064x}" not in text


async def test_nothing_links_the_two_offers_of_a_member(public):
    """Whatever is of 20 bytes or more stands for one thing alone, but for rings and places."""
    (found, *_) = public
    shown = [{**each, "transaction_hash": ""} for each in found["offers"]]
    seen = set()
    for offer in shown:
        words = set(re.findall(r"[0-9a-f]{40,}", json.dumps(offer)))
        assert not words & seen
        seen |= words


# Answers of members


@dataclass(frozen=True)
class Asked:
    """An offer that somebody asks about."""

    offer_id: int
    act: Act


@pytest_asyncio.fixture(loop_scope="session")
async def asked(private, played, found):
    """The first offer of the round."""
    return asked_of(private, found["offers"][0])


def asked_of(private, offer):
    context = private.rules.image_context(offer["window"], offer["slot"])
    return Asked(offer["offer_id"], Act(context, int(offer["image_x"], 16)))


def claim_of(member, asked, context=ASKER):
    proof = claim(member.wallet.member, asked.act, bytes.fromhex(context[2:]))
    return answer_of(member, asked, "claim", proof.words(), context)


def denial_of(member, asked, context=ASKER):
    proof = deny(member.wallet.member, asked.act, bytes.fromhex(context[2:]))
    return answer_of(member, asked, "denial", proof.words(), context)


def answer_of(member, asked, kind, words, context=ASKER):
    return {
        "offer_id": asked.offer_id,
        "account": member.account,
        "context": context,
        "kind": kind,
        "proof": [f"0x{word:064x}" for word in words],
    }


async def holds(market, body):
    found = await market.post("/private/answers", body, 200)
    assert found.keys() == {"holds"}
    return found["holds"]


async def test_the_maker_claims_an_offer(market, asked, seller):
    assert await holds(market, claim_of(seller, asked))


async def test_all_others_deny_it(market, asked, members):
    for member in members[1:]:
        assert await holds(market, denial_of(member, asked))


async def test_nobody_else_claims_it(market, asked, seller, other):
    theirs = claim_of(seller, asked) | {"account": other.account}
    assert not await holds(market, theirs)


async def test_the_maker_cannot_deny_it(market, asked, seller, other):
    theirs = denial_of(other, asked) | {"account": seller.account}
    assert not await holds(market, theirs)


async def test_an_answer_is_for_who_has_asked(market, asked, seller, other):
    somebody = {"context": "0x" + secrets.token_hex(32)}
    assert not await holds(market, claim_of(seller, asked) | somebody)
    assert not await holds(market, denial_of(other, asked) | somebody)


async def test_an_answer_is_about_one_offer(market, private, found, asked, seller, other):
    theirs = found["offers"][1]["offer_id"]
    assert not await holds(market, claim_of(seller, asked) | {"offer_id": theirs})
    assert not await holds(market, denial_of(other, asked) | {"offer_id": theirs})
    assert await holds(market, claim_of(other, asked_of(private, found["offers"][1])))


async def test_every_word_of_an_answer_counts(market, asked, seller, other):
    for body in (claim_of(seller, asked), denial_of(other, asked)):
        scalars = range(0 if body["kind"] == "claim" else 4, len(body["proof"]))
        for place in scalars:
            altered = list(body["proof"])
            altered[place] = f"0x{(int(altered[place], 16) + 1) % N:064x}"
            assert not await holds(market, body | {"proof": altered})


async def test_answers_about_what_is_not_there_are_refused(market, asked, seller):
    body = claim_of(seller, asked)
    unknown = await market.post("/private/answers", body | {"offer_id": 5}, 404)
    assert "private offer 5" in unknown["detail"]
    outsider = household_address(90)
    refused = await market.post("/private/answers", body | {"account": outsider}, 409)
    assert "no key in the ring" in refused["detail"]
    assert "/api/v1/private/rounds/" in refused["hint"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"proof": []}, "body.proof"),
        ({"proof": [WORD]}, "body.proof"),
        ({"proof": [WORD] * 3}, "body.proof"),
        ({"proof": [WORD] * 10}, "body.proof"),
        ({"proof": ["0x01", WORD]}, "body.proof.0"),
        ({"kind": "denial"}, "body.proof"),
        ({"proof": [WORD, f"0x{N:064x}"]}, "body.proof"),
        ({"kind": "denial", "proof": [WORD] * 9}, "body.proof"),
        ({"proof": WORD}, "body.proof"),
        ({"kind": "guess"}, "body.kind"),
        ({"context": "0x12"}, "body.context"),
        ({"account": "0x12"}, "body.account"),
        ({"offer_id": -1}, "body.offer_id"),
        ({"offer_id": "1"}, "body.offer_id"),
        ({"signature": "0x"}, "body.signature"),
    ],
)
async def test_answers_that_are_none_are_named(market, asked, seller, change, field):
    body = claim_of(seller, asked) | change
    answer = await market.post("/private/answers", body, 422)
    assert [each["field"] for each in answer["errors"]] == [field]


async def test_answers_are_limited_by_where_they_come_from(market, asked, seller):
    """To verify one is work, and who asks about others' offers is not hidden."""
    settings = replace(market.services.settings, relay_burst=1, relay_per_second=0.0)
    body = claim_of(seller, asked)
    async with serving(replace(market.services, settings=settings)) as http:
        first = await http.post("/api/v1/private/answers", json=body)
        second = await http.post("/api/v1/private/answers", json=body)
    assert (first.status_code, second.status_code) == (200, 429)


# What owners and auditors see


class Residents:
    """Agents that show what the members of the round that was played see of it."""

    def __init__(self, played, members):
        self._played = played
        self._members = {each.account: each for each in members}

    def want(self, household, window, energy_wh, limit_price):
        raise NotImplementedError

    def note_agreement(self, agreement):
        raise NotImplementedError

    def private_view(self, account):
        member = self._members.get(account)
        if member is None:
            return None
        trades = [each for each in self._played.trades if member in (each.seller, each.buyer)]
        return PrivateView(
            account=account,
            name="somebody",
            member_secret=member.wallet.member.secret,
            note_view_secret=member.purse.keys.view_secret,
            note_spend_secret=member.purse.keys.spend_secret,
            offers=tuple(
                PrivateOffer(
                    each.made.agreement.offer_id,
                    self._played.window,
                    each.made.energy,
                    each.made.price,
                )
                for each in trades[:1]
            ),
            trades=tuple(self._trade(each, member) for each in trades),
        )

    def _trade(self, trade, member):
        made = trade.made
        states = {AGREED_WH: TradeState.SETTLED, PART_WH: TradeState.PARTLY}
        return PrivateTrade(
            made.id,
            made.agreement.offer_id,
            self._played.window,
            TradeSide.SOLD if member is trade.seller else TradeSide.BOUGHT,
            made.energy,
            made.price,
            made.payout.opening,
            states.get(trade.delivered_wh, TradeState.CANCELLED),
            trade.delivered_wh,
        )


@pytest_asyncio.fixture(loop_scope="session")
async def inhabited(market, played, members):
    """The gateway in a process that has agents, too."""
    async with serving(replace(market.services, street=Residents(played, members))) as http:
        yield http


async def test_an_owner_opens_what_everybody_sees(inhabited, market, found, played, members):
    shown = {each["agreement_id"]: each for each in found["agreements"]}
    for trade in played.trades:
        for member, side in ((trade.seller, "sold"), (trade.buyer, "bought")):
            answer = await inhabited.get(f"/api/v1/private/households/{member.account}")
            assert answer.headers["Cache-Control"] == "no-store"
            view = answer.json()
            assert (view["account"], view["name"]) == (member.account, "somebody")
            own = {each["agreement_id"]: each for each in view["trades"]}
            mine = own[f"0x{trade.made.id.hex()}"]
            assert (mine["side"], mine["delivered_wh"]) == (side, trade.delivered_wh)
            for name in ("energy", "price", "cost"):
                seen = point_of(shown[mine["agreement_id"]][name])
                assert commit(opening_of(mine[name])) == seen
            assert (mine["energy"]["value"], mine["price"]["value"]) == (AGREED_WH, PRICE)
            (offer,) = view["offers"]
            assert offer["window"] == played.window
            assert opening_of(offer["energy"]) == trade.made.energy or len(own) > 1


async def test_an_owners_keys_find_its_notes(inhabited, private, members):
    log = NoteLog()
    await private.new_notes(log)
    member = members[0]
    answer = await inhabited.get(f"/api/v1/private/households/{member.account}")
    keys = {name: int(text, 16) for name, text in answer.json()["keys"].items()}
    assert keys["member"] == member.wallet.member.secret
    purse = Purse(NoteKeys(keys["note_spend"], keys["note_view"]))
    expected = Purse(member.purse.keys)
    for each in (purse, expected):
        each.look(log)
    assert purse.notes == expected.notes != []


async def test_there_is_no_view_of_others(inhabited):
    answer = await inhabited.get(f"/api/v1/private/households/{household_address(90)}")
    assert answer.status_code == 404
    assert "no agents trade in private" in answer.json()["detail"]


async def test_without_agents_there_is_no_view(market, members):
    answer = await market.get(f"/private/households/{members[0].account}", 404)
    assert answer["detail"].startswith("no agents run in this process")


async def test_on_other_chains_nobody_is_told_keys(market, played, members):
    """Where the gateway has no development accounts; all else is told."""
    services = replace(market.services, development=None, street=Residents(played, members))
    async with serving(services) as http:
        for path in (f"households/{members[0].account}", "auditor"):
            answer = await http.get(f"/api/v1/private/{path}")
            assert answer.status_code == 403
            assert answer.json()["title"] == "Forbidden"
            assert not re.search("[0-9a-f]{64}", answer.text)
        assert (await http.get("/api/v1/private")).status_code == 200


async def test_the_auditors_key_opens_what_is_shown(market, found, finder):
    shown = await market.get("/private/auditor")
    key = AuditorKey.from_secret(int(shown["secret"], 16))
    assert key.public == point_of(shown["public"])
    for offer in found["offers"]:
        for name, handle, value in (
            ("energy", "energy_handle", OFFERED_WH),
            ("floor_price", "price_handle", FLOOR_PRICE),
        ):
            sealed = Handle(point_of(offer[name]), point_of(offer[handle]))
            assert open_handle(key, sealed, finder) == value
    for each in found["agreements"]:
        sealed = Handle(point_of(each["price"]), point_of(each["price_handle"]))
        assert open_handle(key, sealed, finder) == PRICE


async def test_a_key_that_the_members_have_set_is_not_known(market, private, members):
    former, new = private.rules.auditor, Wallet(secrets.token_bytes(32)).member.public

    async def set_auditor(key):
        change = ProposedCall(PRIVATE_MARKET, "setAuditor", (key,))
        await decide_all(private.ledger, members[0].account, [change])

    await set_auditor(new)
    try:
        assert point_of((await market.get("/private"))["auditor"]) == new
        answer = await market.get("/private/auditor", 404)
        assert "does not know the key" in answer["detail"]
    finally:
        await set_auditor(former)
    assert point_of((await market.get("/private/auditor"))["public"]) == former


# Documentation


async def private_operations(market):
    document = (await market.http.get("/openapi.json")).json()
    return {
        operation["operationId"]: (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "private trading" in operation.get("tags", [])
    }


async def test_every_operation_has_an_example_and_a_text(market, played):
    operations = await private_operations(market)
    assert operations.keys() == PRIVATE.keys()
    for _, _, operation in operations.values():
        assert operation["description"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]
        assert "422" not in operation["responses"]


async def test_every_example_works(market, played):
    """But for a call, whose proof can't be made in advance, and the view, which takes agents."""
    failed = {}
    for name in PRIVATE.keys() - {"relay_private_call", "get_private_household"}:
        answer = await try_out(market.http, name)
        if not answer.is_success:
            failed[name] = answer.text
    assert failed == {}


async def test_the_example_of_a_household_works_with_agents(inhabited):
    answer = await try_out(inhabited, "get_private_household")
    assert answer.status_code == 200, answer.text


async def test_strange_questions_are_answered(market, played):
    broken = []
    texts, values = cycle(STRANGE_TEXTS), cycle(STRANGE)
    for path, method, operation in (await private_operations(market)).values():
        for parameter in operation.get("parameters", []):
            for text in islice(texts, 4):
                name = parameter["name"]
                url = path.replace(f"{{{name}}}", text)
                query = "" if parameter["in"] == "path" else f"?{name}={text}"
                answer = await market.http.get(url + query)
                if answer.status_code >= 500:
                    broken.append((url, query, answer.text))
        if method == "post" and path.endswith("/answers"):
            example = operation["requestBody"]["content"]["application/json"]["example"]
            for place in leaves(example):
                for value in islice(values, 5):
                    body = json.dumps(changed(example, place, value))
                    headers = {"Content-Type": "application/json"}
                    answer = await market.http.post(path, content=body, headers=headers)
                    if answer.status_code >= 500:
                        broken.append((path, place, value, answer.text))
    assert broken == []
