"""The relay of private calls: it verifies before it pays, and doesn't know who called."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
import pytest_asyncio
import structlog

from app.api.limits import RateLimit
from app.chain.keys import OPERATOR, RELAYER, development_address
from app.errors import ContractRevertedError, TooManyRequestsError, UnavailableError
from app.ledger import private_calls as calls
from app.ledger.consortium import ProposedCall, decide_all
from app.ledger.private import NoteLog
from app.ledger.private_batches import MAX_TOGETHER, PATIENCE_SECONDS, Line, Part, join, together
from app.ledger.private_calls import PrivateCall
from app.ledger.private_relay import PrivateRelay, random_delay
from app.ledger.types import Receipt
from app.market.windows import commit_start, window_end
from app.privacy.curve import G
from app.privacy.fast_curve import FAST
from app.privacy.notes import send_note
from app.privacy.spending import NOBODY, Purpose, Terms, spend_notes
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


# What waits goes together


@pytest.fixture
def relayed_together(private, own_relay):
    """What becomes of calls that are all verified before the first of them goes."""

    async def relayed_together(*made: PrivateCall) -> list[Receipt | BaseException]:
        ready = asyncio.Barrier(len(made))

        async def until_all_are(_seconds: float) -> None:
            await ready.wait()

        relay = own_relay(burst=50, sleep=until_all_are)
        relaying = (relay.relay(call.contract, private.encode(call)) for call in made)
        return await asyncio.gather(*relaying, return_exceptions=True)

    return relayed_together


@pytest.fixture
def offers_of(private, ring, window):
    """Offers of some members, in a slot each."""

    def offers_of(*makers, slot=0):
        draft = OfferDraft(window, slot, ENERGY_WH, FLOOR_PRICE)
        return [
            make_offer(private.rules, maker.wallet.member, ring, draft, maker.stealth)
            for maker in makers
        ]

    return offers_of


async def patiently(seconds: float) -> None:
    """Whoever is told to wait does so until its waiting is called off."""
    if seconds:
        await asyncio.Event().wait()


async def nothing_found() -> None:
    """Nothing is on the chain."""


@pytest_asyncio.fixture(loop_scope="session")
async def agreements(market, private, own_relay, offers_of, members, notes, choose, window):
    """Agreements of three buyers with as many sellers, and their payments; the time is come."""
    made = offers_of(*members[:3])
    call = calls.make_offers([each.terms for each in made], [each.proofs for each in made])
    await own_relay().relay(call.contract, private.encode(call))
    await market.advance_to(commit_start(window))
    numbers = {each.terms.owner: each.id for each in await private.offers(window)}
    agreed = []
    for offer, seller, buyer in zip(made, members[:3], members[5:8], strict=True):
        deal = Deal(numbers[offer.terms.owner], offer.energy, ENERGY_WH, PRICE)
        refund = send_note(buyer.purse.address, 0)
        agreed.append(make_agreement(private.rules, offer, deal, seller.purse.address, refund))

    def pay(number, payer):
        spendable = payer.purse.note_of(agreed[number].cost)
        hidden = notes.ring_for(spendable.note, 4, choose)
        return pay_agreement(private.rules, agreed[number], spendable, hidden, payer.purse.address)

    return agreed, [pay(number, buyer) for number, buyer in enumerate(members[5:8])], pay


def allow_call(made, payment) -> PrivateCall:
    return calls.allow_transaction(made.agreement, made.proofs, made.signature, payment)


def names_of(receipt) -> Counter[str]:
    return Counter(event.name for event in receipt.events)


async def test_offers_that_wait_go_together(
    market, private, offers_of, members, relayed_together, window
):
    made = offers_of(*members[:3])
    before = await spent_by_relay(market)

    receipts = await relayed_together(*(calls.make_offer(each.terms, each.proofs) for each in made))

    assert await spent_by_relay(market) == before + 1
    standing = {each.terms.owner: each.id for each in await private.offers(window)}
    for offer, receipt in zip(made, receipts, strict=True):
        assert (receipt.function, receipt.result) == ("makeOffer", standing[offer.terms.owner])
        own = {event.name: event.arguments for event in receipt.events}
        assert names_of(receipt) == {"OfferMade": 1, "Announcement": 1}
        assert own["OfferMade"]["imageX"] == offer.proofs.signature.image[0]
        assert own["Announcement"]["stealthAddress"] == offer.terms.owner
    (name,) = {each.transaction_hash for each in receipts}
    mined = await market.ledger.rpc.read("eth_getTransactionReceipt", name)
    assert sum(each.gas_used for each in receipts) == int(mined["gasUsed"], 16)


async def test_agreements_that_wait_go_together(market, agreements, relayed_together):
    agreed, payments, _ = agreements
    before = await spent_by_relay(market)

    receipts = await relayed_together(*map(allow_call, agreed, payments))

    assert await spent_by_relay(market) == before + 1
    for made, payment, receipt in zip(agreed, payments, receipts, strict=True):
        assert (receipt.function, receipt.result) == ("allowTransaction", made.id)
        assert names_of(receipt) == {
            "TransactionAllowed": 1,
            "NoteSpent": 1,
            "NoteCreated": 1,
            "EscrowLocked": 1,
        }
        own = {event.name: event.arguments for event in receipt.events}
        assert own["EscrowLocked"]["id"] == made.id
        assert own["NoteSpent"]["imageX"] == payment.images[0][0]
        assert own["NoteCreated"]["keyX"] == payment.outputs[0].note.key[0]


async def test_a_bad_call_harms_nobody_but_itself(market, members, agreements, relayed_together):
    """Two agreements are paid with the same note: one of them is refused, and alone."""
    agreed, payments, pay = agreements
    payments = [*payments[:2], pay(2, members[5])]
    before = await spent_by_relay(market)

    outcomes = await relayed_together(*map(allow_call, agreed, payments))

    assert outcomes[1].result == agreed[1].id
    refused = [each for each in outcomes if isinstance(each, ContractRevertedError)]
    assert [each.error for each in refused] == ["NoteSpentBefore"]
    assert await spent_by_relay(market) == before + 1  # nothing was spent on what is refused


async def test_the_same_slot_twice_harms_nobody_but_itself(offers_of, members, relayed_together):
    made = [*offers_of(members[4]), *offers_of(members[0]), *offers_of(members[4])]

    outcomes = await relayed_together(*(calls.make_offer(each.terms, each.proofs) for each in made))

    assert outcomes[1].function == "makeOffer"
    twice = [outcomes[0], outcomes[2]]
    refused = [each for each in twice if isinstance(each, ContractRevertedError)]
    assert [each.error for each in refused] == ["OfferMadeBefore"]


async def test_whoever_goes_away_while_waiting_takes_nobody_along(
    private, own_relay, offers_of, members
):
    made = [calls.make_offer(each.terms, each.proofs) for each in offers_of(*members[:3])]
    waits = asyncio.Event()

    async def say_and_wait(seconds: float) -> None:
        if seconds:
            waits.set()
            await asyncio.Event().wait()

    relay = own_relay(sleep=say_and_wait)
    first = asyncio.create_task(relay.relay("PrivateMarket", private.encode(made[0])))
    others = [
        asyncio.create_task(relay.relay("PrivateMarket", private.encode(each))) for each in made[1:]
    ]
    await waits.wait()
    first.cancel()

    receipts = await asyncio.gather(*others)

    assert first.cancelled()
    assert len({each.result for each in receipts}) == 2


async def test_whoever_goes_away_under_way_takes_nobody_along(private, offers_of, members, window):
    made = offers_of(*members[:2])
    sending, free = asyncio.Event(), asyncio.Event()

    async def attempt(_call: PrivateCall) -> None:
        """Nothing speaks against it."""

    async def send(call: PrivateCall) -> Receipt:
        sending.set()
        await free.wait()
        return await private.send(development_address(RELAYER), call)

    line = Line(attempt, send, patiently)
    with line.coming():
        tasks = [
            asyncio.create_task(
                line.pass_on(
                    Part(
                        calls.make_offer(each.terms, each.proofs),
                        (each.terms, each.proofs),
                        frozenset({each.proofs.signature.image[0], each.terms.owner}),
                        nothing_found,
                    )
                )
            )
            for each in made
        ]
        await asyncio.sleep(0)  # both are in the line
    await sending.wait()
    tasks[0].cancel()
    free.set()

    receipt = await tasks[1]

    assert tasks[0].cancelled()
    assert receipt.result in {each.id for each in await private.offers(window)}
    assert len(await private.offers(window)) == 2


async def test_no_more_go_together_than_a_block_has_room_for(
    private, offer, seller, buyer, notes, choose
):
    refund = send_note(buyer.purse.address, 0)
    deal = Deal(1, offer.energy, ENERGY_WH, PRICE)
    made = make_agreement(private.rules, offer, deal, seller.purse.address, refund)
    spendable = buyer.purse.note_of(made.cost)
    ring = notes.ring_for(spendable.note, 4, choose)
    payment = pay_agreement(private.rules, made, spendable, ring, buyer.purse.address)
    wide = replace(payment.inputs[0], ring=payment.inputs[0].ring * 8)
    for spend, count in (
        (payment, MAX_TOGETHER),
        (replace(payment, inputs=(wide, wide)), 2),
        (replace(payment, inputs=(wide,) * 4), 1),
    ):
        call = allow_call(made, spend)
        arguments = (made.agreement, made.proofs, made.signature, spend)
        parts = [Part(call, arguments, frozenset(), nothing_found)] * 10
        assert together(parts) == count
        assert join(parts[:count]).gas <= 27_000_000
    assert together([Part(call, arguments, frozenset(), nothing_found)]) == 1


async def test_offers_that_come_at_once_go_at_once(market, private, own_relay, offers_of, members):
    """Though each is verified by itself: the first ones wait for the others, and no longer."""
    made = [calls.make_offer(each.terms, each.proofs) for each in offers_of(*members[:5])]
    relay, before = own_relay(sleep=patiently), await spent_by_relay(market)

    receipts = await asyncio.gather(
        *(relay.relay("PrivateMarket", private.encode(each)) for each in made)
    )

    assert await spent_by_relay(market) == before + 1
    assert len({each.result for each in receipts}) == 5


async def test_a_lone_offer_waits_for_nobody(private, own_relay, offer_call):
    relay = own_relay(sleep=patiently)

    receipt = await relay.relay("PrivateMarket", private.encode(offer_call))

    assert receipt.function == "makeOffer"


async def test_nobody_waits_for_company_for_ever(private, own_relay, offers_of, members):
    first, second = (calls.make_offer(each.terms, each.proofs) for each in offers_of(*members[:2]))
    held, free, slept = asyncio.Event(), asyncio.Event(), []

    async def hold_the_first(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            held.set()
            await free.wait()

    relay = own_relay(sleep=hold_the_first)
    late = asyncio.create_task(relay.relay("PrivateMarket", private.encode(first)))
    await held.wait()

    receipt = await relay.relay("PrivateMarket", private.encode(second))

    assert receipt.function == "makeOffer"
    assert slept == [0, 0, PATIENCE_SECONDS]
    free.set()
    assert (await late).transaction_hash != receipt.transaction_hash


# What is there already


@pytest.fixture
def overtaken(market, private, own_relay):
    """What becomes of calls when somebody else sends some of them before the relay does."""

    async def overtaken(made, stolen) -> list[Receipt | BaseException]:
        ready, sent = asyncio.Barrier(len(made) + 1), asyncio.Event()

        async def until_they_are_sent(_seconds: float) -> None:
            await ready.wait()
            await sent.wait()

        relay = own_relay(burst=50, sleep=until_they_are_sent)
        relaying = asyncio.gather(
            *(relay.relay(call.contract, private.encode(call)) for call in made),
            return_exceptions=True,
        )
        await ready.wait()
        for call in stolen:
            await private.send(development_address(OPERATOR), call)
        sent.set()
        return await relaying

    return overtaken


async def test_an_offer_that_is_there_already_costs_nobody(
    market, private, offers_of, members, overtaken, window
):
    made = offers_of(*members[:4])
    posted = [calls.make_offer(each.terms, each.proofs) for each in made]
    before = await spent_by_relay(market)

    receipts = await overtaken(posted, posted[1:2])

    assert await spent_by_relay(market) == before + 1
    assert len({each.transaction_hash for each in receipts}) == 2
    assert receipts[1].sender == development_address(OPERATOR)
    standing = {each.terms.owner: each.id for each in await private.offers(window)}
    assert [each.result for each in receipts] == [standing[each.terms.owner] for each in made]


async def test_an_agreement_that_is_there_already_costs_nobody(market, agreements, overtaken):
    agreed, payments, _ = agreements
    posted = list(map(allow_call, agreed, payments))
    before = await spent_by_relay(market)

    receipts = await overtaken(posted, posted[:1])

    assert await spent_by_relay(market) == before + 1
    assert receipts[0].sender == development_address(OPERATOR)
    assert [each.result for each in receipts] == [each.id for each in agreed]
    assert names_of(receipts[0])["NoteSpent"] == 1


async def test_what_others_spoil_is_one_callers_alone(
    market, private, agreements, overtaken, notes, choose, members
):
    """The note that pays for the second of three agreements was spent for something else."""
    agreed, payments, _ = agreements
    spendable = members[6].purse.note_of(agreed[1].cost)
    spend = spend_notes(
        private.rules.pool,
        [(spendable, notes.ring_for(spendable.note, 4, choose))],
        [send_note(members[6].purse.address, spendable.opening.value)],
        Purpose.transfer(),
    )
    before = await spent_by_relay(market)

    outcomes = await overtaken(list(map(allow_call, agreed, payments)), [calls.transfer(spend)])

    assert await spent_by_relay(market) == before + 1
    assert outcomes[1].error == "NoteSpentBefore"
    assert outcomes[0].transaction_hash == outcomes[2].transaction_hash


async def test_an_offer_that_is_posted_again_has_the_same_receipt(market, private, offer_call):
    first = await relayed(market, private, offer_call)
    before = await spent_by_relay(market)

    again = await relayed(market, private, offer_call)

    assert again == first
    assert await spent_by_relay(market) == before


async def test_the_same_call_at_once_is_paid_for_once(
    market, private, relayed_together, notes, choose, members, offer_call
):
    owner = members[10]
    spendable = owner.purse.notes[0]
    spend = spend_notes(
        private.rules.pool,
        [(spendable, notes.ring_for(spendable.note, 4, choose))],
        [send_note(owner.purse.address, spendable.opening.value)],
        Purpose.transfer(),
    )
    before = await spent_by_relay(market)

    outcomes = await relayed_together(*[calls.transfer(spend)] * 3)

    assert await spent_by_relay(market) == before + 1
    refused = [each for each in outcomes if isinstance(each, ContractRevertedError)]
    assert [each.error for each in refused] == ["NoteSpentBefore"] * 2

    offers = await relayed_together(*[offer_call] * 3)

    assert await spent_by_relay(market) == before + 2
    assert len({each.transaction_hash for each in offers}) == 1


# New auditors


async def test_offers_for_new_auditors_are_relayed(market, private, members, seller, ring, window):
    """Nobody starts the relay anew; `private` is not its own, which knows the former ones."""
    former, new = private.rules.auditor, members[2].wallet.member.public

    async def set_auditor(key):
        change = ProposedCall(calls.PRIVATE_MARKET, "setAuditor", (key,))
        await decide_all(private.ledger, members[0].account, [change])

    def offer_call(rules, slot):
        draft = OfferDraft(window, slot, ENERGY_WH, FLOOR_PRICE)
        made = make_offer(rules, seller.wallet.member, ring, draft, seller.stealth)
        return calls.make_offer(made.terms, made.proofs)

    await set_auditor(new)
    try:
        await relayed(market, private, offer_call(replace(private.rules, auditor=new), 2))
        await relayed(market, private, offer_call(private.rules, 3), 403)
    finally:
        await set_auditor(former)


# Fees


async def test_a_fee_may_be_anybodys(market, private, notes, choose, buyer, members):
    """The relay pays the gas all the same: it relays for nothing, too."""
    other, relayer = members[0].account, development_address(RELAYER)
    spendable = buyer.purse.notes[0]
    spend = spend_notes(
        private.rules.pool,
        [(spendable, notes.ring_for(spendable.note, 4, choose))],
        [send_note(buyer.purse.address, spendable.opening.value - 500)],
        Purpose.transfer(),
        terms=Terms(other, 500),
    )
    of_other = await market.ledger.payment_balance_of(other)
    of_relay = await market.ledger.payment_balance_of(relayer)

    await relayed(market, private, calls.transfer(spend))

    assert await market.ledger.payment_balance_of(other) == of_other + 500
    assert await market.ledger.payment_balance_of(relayer) == of_relay


async def test_a_fee_for_nobody_costs_nothing(market, private, notes, choose, buyer):
    """The token has no account of nobody: the contract would refuse, so that nothing is sent."""
    spendable = buyer.purse.notes[0]
    spend = spend_notes(
        private.rules.pool,
        [(spendable, notes.ring_for(spendable.note, 4, choose))],
        [send_note(buyer.purse.address, spendable.opening.value - 500)],
        Purpose.transfer(),
        terms=Terms(NOBODY, 500),
    )
    before = await spent_by_relay(market)

    problem = await relayed(market, private, calls.transfer(spend), 409)

    assert problem["error"] == "ERC20InvalidReceiver"
    assert await spent_by_relay(market) == before
