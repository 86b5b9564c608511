"""The relay of private calls: it verifies before it pays, and doesn't know who called."""

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio
import structlog

from app.api.limits import RateLimit
from app.chain.keys import OPERATOR, RELAYER, development_address
from app.errors import TooManyRequestsError, UnavailableError
from app.ledger import private_calls as calls
from app.ledger.private import NoteLog
from app.ledger.private_calls import PrivateCall
from app.ledger.private_relay import PrivateRelay, random_delay
from app.market.windows import commit_start, window_end
from app.privacy.curve import G
from app.privacy.fast_curve import FAST
from app.privacy.notes import send_note
from app.privacy.spending import Purpose, Terms, spend_notes
from app.privacy.trading import (
    Deal,
    OfferDraft,
    attest,
    make_agreement,
    make_offer,
    pay_agreement,
)
from benchmarks.private_round import MONEY, PRICE
from tests.private.conftest import untraded_window

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLS = "/private/calls"
ENERGY_WH, FLOOR_PRICE = 4_000, 100_000


@pytest_asyncio.fixture(loop_scope="session")
async def window(market, private) -> int:
    """A window whose round is open."""
    found = await untraded_window(market)
    await private.open_round(development_address(RELAYER), found)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def ring(private, window):
    return await private.ring_of(window)


@pytest.fixture
def seller(members):
    return members[3]


@pytest.fixture
def buyer(members):
    return members[8]


@pytest.fixture
def offer(private, seller, ring, window):
    draft = OfferDraft(window, 0, ENERGY_WH, FLOOR_PRICE)
    return make_offer(private.rules, seller.wallet.member, ring, draft, seller.stealth)


@pytest.fixture
def offer_call(offer) -> PrivateCall:
    return calls.make_offer(offer.terms, offer.proofs)


@pytest_asyncio.fixture(loop_scope="session")
async def notes(private, members) -> NoteLog:
    """All notes of the pool, and all members have found theirs."""
    log = NoteLog()
    await private.new_notes(log)
    for member in members:
        member.purse.look(log)
    return log


@pytest.fixture
def choose():
    return lambda notes, size: list(notes)[:size]


def hex_of(private, call: PrivateCall) -> dict[str, str]:
    return {"contract": call.contract, "data": "0x" + private.encode(call).hex()}


async def relayed(market, private, call, status=201):
    return await market.post(CALLS, hex_of(private, call), status)


async def spent_by_relay(market) -> int:
    """How many transactions the relay has paid for."""
    count = await market.ledger.rpc.read(
        "eth_getTransactionCount", development_address(RELAYER), "latest"
    )
    return int(count, 16)


@pytest.fixture
def own_relay(private, market):
    """A relay with limits of its own."""

    def make(burst=5, **options) -> PrivateRelay:
        limit = RateLimit(lambda: 0.0, burst=burst, per_second=0.0)
        account = development_address(RELAYER)
        return PrivateRelay(private, account, take=limit.take, **options)

    return make


# What it does


async def test_a_trade_goes_through_the_relay_alone(
    market, private, notes, choose, offer, offer_call, seller, buyer, window
):
    answer = await relayed(market, private, offer_call)
    assert answer["function"] == "makeOffer"
    assert set(answer) == {"function", "transactions"}
    await market.advance_to(commit_start(window))
    seen = (await private.offers(window))[0]
    deal = Deal(seen.id, offer.energy, ENERGY_WH, PRICE)
    refund = send_note(buyer.purse.address, 0)
    made = make_agreement(private.rules, offer, deal, seller.purse.address, refund)
    spendable = buyer.purse.note_of(made.cost)
    hidden = notes.ring_for(spendable.note, 5, choose)
    payment = pay_agreement(private.rules, made, spendable, hidden, buyer.purse.address)
    allow = calls.allow_transaction(made.agreement, made.proofs, made.signature, payment)
    await relayed(market, private, allow)
    await market.advance_to(window_end(window))
    key = market.ledger.keys.key_of(development_address(OPERATOR))
    word = attest(private.rules, made.id, made.agreement.energy, key)
    await relayed(market, private, calls.make_transaction(made.agreement, word))

    before = seller.purse.balance
    await private.new_notes(notes)
    seller.purse.look(notes)
    assert seller.purse.balance == before + made.cost


async def test_a_fee_pays_the_relay(market, private, notes, choose, buyer):
    relayer = development_address(RELAYER)
    spendable = buyer.purse.notes[0]
    left = spendable.opening.value - 500
    spend = spend_notes(
        private.rules.pool,
        [(spendable, notes.ring_for(spendable.note, 4, choose))],
        [send_note(buyer.purse.address, left)],
        Purpose.transfer(),
        terms=Terms(relayer, 500),
    )
    before = await market.ledger.payment_balance_of(relayer)

    await relayed(market, private, calls.transfer(spend))

    assert await market.ledger.payment_balance_of(relayer) == before + 500


async def test_several_offers_go_in_one_call(market, private, members, ring, window):
    made = [
        make_offer(
            private.rules,
            member.wallet.member,
            ring,
            OfferDraft(window, 1, ENERGY_WH, FLOOR_PRICE),
            member.stealth,
        )
        for member in members[:3]
    ]
    call = calls.make_offers([each.terms for each in made], [each.proofs for each in made])

    await relayed(market, private, call)

    assert len(await private.offers(window)) >= 3


# What it refuses, before it pays


async def test_an_altered_call_costs_nothing(market, private, offer):
    terms = replace(offer.terms, energy=FAST.add(offer.terms.energy, G))
    before = await spent_by_relay(market)

    problem = await relayed(market, private, calls.make_offer(terms, offer.proofs), 403)

    assert "proof" in problem["detail"]
    assert await spent_by_relay(market) == before


async def test_a_second_offer_in_a_slot_costs_nothing(
    market, private, offer_call, seller, ring, window
):
    await relayed(market, private, offer_call)
    before = await spent_by_relay(market)
    draft = OfferDraft(window, 0, ENERGY_WH, FLOOR_PRICE)
    again = make_offer(private.rules, seller.wallet.member, ring, draft, seller.stealth)

    problem = await relayed(market, private, calls.make_offer(again.terms, again.proofs), 409)

    assert "slot" in problem["detail"]
    assert await spent_by_relay(market) == before


async def test_a_foreign_ring_is_no_ring(market, private, seller, ring, window):
    foreign = [*ring[:-1], FAST.add(ring[-1], G)]
    draft = OfferDraft(window, 0, ENERGY_WH, FLOOR_PRICE)
    made = make_offer(private.rules, seller.wallet.member, foreign, draft, seller.stealth)

    problem = await relayed(market, private, calls.make_offer(made.terms, made.proofs), 409)

    assert "ring" in problem["detail"]


async def test_what_the_contract_refuses_costs_nothing(market, private, offer_call, window):
    await market.advance_to(commit_start(window))
    before = await spent_by_relay(market)

    problem = await relayed(market, private, offer_call, 409)

    assert problem["error"] == "WindowClosed"
    assert await spent_by_relay(market) == before


async def test_a_spent_note_is_spent(market, private, notes, choose, members):
    owner = members[9]
    spendable = owner.purse.notes[0]
    spends = [
        spend_notes(
            private.rules.pool,
            [(spendable, notes.ring_for(spendable.note, size, choose))],
            [send_note(owner.purse.address, spendable.opening.value)],
            Purpose.transfer(),
        )
        for size in (4, 5)
    ]
    await relayed(market, private, calls.transfer(spends[0]))

    problem = await relayed(market, private, calls.transfer(spends[1]), 409)

    assert "spent" in problem["detail"]


@pytest.mark.parametrize(
    ("contract", "data"),
    [
        ("PrivateMarket", "0x00000000"),
        ("PrivateMarket", "0x12345678" + "ff" * 64),
        ("NotePool", "0x" + "00" * 4_000),
    ],
    ids=["no function", "another function", "zeros"],
)
async def test_what_is_no_call_is_refused(market, private, contract, data):
    await market.post(CALLS, {"contract": contract, "data": data}, 422)


async def test_only_calls_that_prove_themselves_are_relayed(market, private, members):
    note = send_note(members[0].purse.address, MONEY)
    for call in (calls.deposit(note), calls.open_round(1)):
        problem = await relayed(market, private, call, 422)
        assert "relayed" in problem["detail"]


async def test_calls_with_more_behind_them_are_refused(market, private, offer_call):
    body = hex_of(private, offer_call)
    body["data"] += "00" * 32

    await market.post(CALLS, body, 422)


async def test_cut_calls_are_refused(market, private, offer_call):
    body = hex_of(private, offer_call)
    for length in (10, 74, 1_000, len(body["data"]) - 64):
        await market.post(CALLS, body | {"data": body["data"][:length]}, 422)


NESTED = {
    "makeOffers": ("PrivateMarket", (), 8),
    "allowTransaction": ("PrivateMarket", (19, 0), 4),
    "transfer": ("NotePool", (0, 0), 4),
    "withdraw": ("NotePool", (0, 0), 4),
}


@pytest.fixture
def nested_calls(private, offer, seller, buyer, notes, choose):
    """A call of each function that takes lists of lists."""
    refund = send_note(buyer.purse.address, 0)
    deal = Deal(1, offer.energy, ENERGY_WH, PRICE)
    made = make_agreement(private.rules, offer, deal, seller.purse.address, refund)
    spendable = buyer.purse.note_of(made.cost)
    ring = notes.ring_for(spendable.note, 4, choose)
    spend = pay_agreement(private.rules, made, spendable, ring, buyer.purse.address)
    return {
        "makeOffers": calls.make_offers([offer.terms], [offer.proofs]),
        "allowTransaction": calls.allow_transaction(
            made.agreement, made.proofs, made.signature, spend
        ),
        "transfer": calls.transfer(spend),
        "withdraw": calls.withdraw(spend, buyer.account, 1),
    }


@pytest.mark.parametrize("function", NESTED)
async def test_a_short_call_that_would_be_a_long_one_is_not_decoded(
    market, private, nested_calls, function
):
    """A thousand inputs or offers that are all in the same place."""
    contract, path, most = NESTED[function]
    data = bytearray(private.encode(nested_calls[function]))
    place = 4
    for number in path or (0,):
        at = place + 32 * number
        place += int.from_bytes(data[at : at + 32], "big")
    assert int.from_bytes(data[place : place + 32], "big") == 1
    data[place : place + 32] = (1_000).to_bytes(32, "big")

    problem = await market.post(CALLS, {"contract": contract, "data": f"0x{data.hex()}"}, 422)

    assert f"lists of at most {most}" in problem["detail"]


async def test_nothing_in_a_call_stops_the_relay(market, private, offer_call):
    """Each word of it replaced by the largest number: refused in words, one after another."""
    data = private.encode(offer_call)
    for place in range(4, len(data) - 31, 32 * 3):
        broken = data[:place] + b"\xff" * 32 + data[place + 32 :]
        body = {"contract": "PrivateMarket", "data": "0x" + broken.hex()}
        response = await market.http.post(f"/api/v1{CALLS}", json=body)
        assert response.status_code in {403, 409, 422}, (place, response.text)


# Limits


async def test_the_same_image_again_and_again_is_slowed_down(
    market, private, own_relay, offer_call, window
):
    await market.advance_to(commit_start(window))
    relay, data = own_relay(burst=2), private.encode(offer_call)
    for _ in range(2):
        with pytest.raises(Exception, match="WindowClosed"):
            await relay.relay("PrivateMarket", data)

    with pytest.raises(TooManyRequestsError):
        await relay.relay("PrivateMarket", data)


async def test_nobody_uses_up_anothers_rate_without_its_proof(
    private, own_relay, offer, offer_call
):
    relay = own_relay(burst=1)
    terms = replace(offer.terms, metadata=b"\x00forged")
    forged = private.encode(calls.make_offer(terms, offer.proofs))
    for _ in range(3):
        with pytest.raises(Exception, match="proof"):
            await relay.relay("PrivateMarket", forged)

    receipt = await relay.relay("PrivateMarket", private.encode(offer_call))

    assert receipt.function == "makeOffer"


async def test_the_queue_is_bounded(private, own_relay, offer_call):
    held, free = asyncio.Event(), asyncio.Event()

    async def hold(_seconds: float) -> None:
        held.set()
        await free.wait()

    relay, data = own_relay(waiting=1, sleep=hold), private.encode(offer_call)
    first = asyncio.create_task(relay.relay("PrivateMarket", data))
    await held.wait()

    with pytest.raises(UnavailableError):
        await relay.relay("PrivateMarket", data)

    free.set()
    assert (await first).function == "makeOffer"


async def test_calls_wait_as_long_as_the_delay_says(private, own_relay, offer_call):
    waited = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    relay = own_relay(delay=random_delay(7.0), sleep=wait)
    await relay.relay("PrivateMarket", private.encode(offer_call))

    assert len(waited) == 1
    assert 0 <= waited[0] <= 7


# Who calls


async def test_nothing_is_logged_of_who_called(market, private, offer_call):
    headers = {
        "X-Forwarded-For": "203.0.113.77",
        "User-Agent": "household-3/1.0",
        "Cookie": "me=household-3",
    }
    with structlog.testing.capture_logs() as logs:
        await market.post(CALLS, hex_of(private, offer_call), 201, headers)

    assert [each["path"] for each in logs if each.get("path", "").endswith(CALLS)]
    shown = str(logs)
    for trace in ("203.0.113.77", "household-3", "127.0.0.1", offer_call.function):
        assert trace not in shown


async def test_the_relay_is_documented(market):
    document = (await market.http.get("/openapi.json")).json()

    assert "/api/v1/private/calls" in document["paths"]
