"""A whole round of eleven members: what they have afterwards, and what others can see of it."""

import json
from functools import partial

import pytest

from app.chain.keys import OPERATOR, RELAYER, development_address, development_auditor_key
from app.market.units import cost_down, cost_up
from app.privacy.audit import Handle, ValueFinder, open_handle
from app.privacy.authorship import Act, claim, deny, verify_claim, verify_denial
from app.privacy.keys import Wallet
from app.privacy.lsag import key_image
from benchmarks.private_round import (
    AGREED_WH,
    FLOOR_PRICE,
    OFFERED_WH,
    PART_WH,
    PRICE,
    Report,
    Round,
)
from tests.private.conftest import height_of, untraded_window

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = bytes(31) + b"\x01"


@pytest.fixture(scope="module")
def finder():
    return ValueFinder(24)


async def logs_of(private, *names, blocks=(0, None)):
    """Raw logs of the private contracts, of all blocks or from one to another."""
    first, last = blocks
    contracts = private.ledger.contracts
    return await private.ledger.rpc.read(
        "eth_getLogs",
        {
            "fromBlock": hex(first),
            "toBlock": "latest" if last is None else hex(last),
            "address": [contracts[name].address for name in names],
        },
    )


async def test_every_buyer_has_traded(played, members):
    assert len(played.trades) == len(members) - len(members) // 2
    assert {trade.delivered_wh for trade in played.trades} == {0, PART_WH, AGREED_WH}


async def test_sellers_earn_what_they_deliver(played):
    earned = {}
    for trade in played.trades:
        account = trade.seller.account
        earned[account] = earned.get(account, 0) + cost_down(trade.delivered_wh, PRICE)
        if trade.delivered_wh == AGREED_WH:  # all of it pays what was locked
            earned[account] += cost_up(AGREED_WH, PRICE) - cost_down(AGREED_WH, PRICE)

    for trade in played.trades:
        assert played.gain_of(trade.seller) == earned[trade.seller.account]


async def test_buyers_pay_for_what_is_delivered(played):
    for trade in played.trades:
        paid = cost_up(AGREED_WH, PRICE)
        if trade.delivered_wh < AGREED_WH:
            paid = cost_down(trade.delivered_wh, PRICE)
        assert -played.gain_of(trade.buyer) == paid


async def test_the_pool_has_what_its_notes_hide(played):
    """But for what other tests have left in open agreements before the round."""
    in_agreements = played.before.in_pool - played.before.in_notes

    assert in_agreements >= 0
    assert played.after.in_pool - played.after.in_notes == in_agreements


async def test_money_is_neither_made_nor_lost(played):
    assert sum(played.after.of_members.values()) == sum(played.before.of_members.values())


async def test_sellers_take_money_out(played, private):
    for trade in played.trades:
        assert await private.ledger.payment_balance_of(trade.seller.account) > 0


async def test_offers_keep_what_no_agreement_took(played, private, finder):
    key, taken = development_auditor_key(), {}
    for trade in played.trades:
        number = trade.made.agreement.offer_id
        taken[number] = taken.get(number, 0) + AGREED_WH
    assert max(taken.values()) == 2 * AGREED_WH  # one offer has two buyers

    for seen in await private.offers(played.window):
        first = Handle(seen.terms.energy, seen.terms.energy_handle)
        assert open_handle(key, first, finder) == OFFERED_WH
        assert (seen.standing.energy == seen.terms.energy) == (seen.id not in taken)


async def test_the_auditors_open_a_price(played, private, finder):
    key = development_auditor_key()

    for seen in await private.offers(played.window):
        handle = Handle(seen.terms.floor_price, seen.terms.price_handle)
        assert open_handle(key, handle, finder) == FLOOR_PRICE


async def test_members_alone_read_an_offer(played, private, members):
    ring = await private.ring_of(played.window)
    seen = (await private.offers(played.window))[0]
    outsider = Wallet(bytes(31) + b"\x07").member

    assert all(seen.details(ring, member.wallet.member) for member in members)
    assert seen.details(ring, outsider) is None
    assert seen.details([*ring[:-1], outsider.public], outsider) is None


async def test_no_call_of_the_round_comes_from_a_member(played, private, members):
    accounts = {member.account.lower() for member in members}
    senders = set()
    for log in await logs_of(private, "PrivateMarket", "NotePool", blocks=played.blocks):
        transaction = await private.ledger.rpc.read(
            "eth_getTransactionByHash", log["transactionHash"]
        )
        senders.add(transaction["from"])

    assert senders == {development_address(RELAYER).lower()}
    assert not senders & accounts


async def test_no_log_of_the_round_names_a_member(played, private, members):
    """Only joining does, and money that comes in or goes out."""
    accounts = [member.account[2:].lower() for member in members]
    named = set()
    for log in await logs_of(private, "PrivateMarket", "NotePool", "ERC5564Announcer"):
        text = json.dumps([log["topics"], log["data"]]).lower()
        if any(account in text for account in accounts):
            named.add(private.ledger.contracts.events([log])[0].name)

    assert named == {"InfoPublished", "Deposited", "Withdrawn"}


async def test_no_input_of_the_round_has_its_numbers_in_clear(played, private):
    secret = [f"{number:064x}" for number in (OFFERED_WH, AGREED_WH, PART_WH, PRICE)]
    for log in await logs_of(private, "PrivateMarket"):
        found = await private.ledger.rpc.read("eth_getTransactionByHash", log["transactionHash"])
        assert not [number for number in secret if number in found["input"]]


async def test_each_member_can_claim_or_deny_an_offer(played, private, members):
    window = played.window
    context = private.rules.image_context(window, 0)
    sellers = len(members) // 2
    logs = await logs_of(private, "PrivateMarket")
    events = private.ledger.contracts.events(logs)
    used = [
        event.arguments["imageX"]
        for event in events
        if event.name == "OfferMade" and event.arguments["window"] == window
    ]
    images = [key_image(member.wallet.member, context) for member in members]
    assert [image[0] for image in images[:sellers]] == used

    act = Act(context, used[0])
    maker, other = members[0].wallet.member, members[1].wallet.member
    assert verify_claim(maker.public, act, ANSWER, claim(maker, act, ANSWER))
    assert verify_denial(other.public, act, ANSWER, deny(other, act, ANSWER))


async def test_the_operators_key_signs_deliveries_and_nothing_else(played, private):
    operator = development_address(OPERATOR)[2:].lower()
    for log in await logs_of(private, "PrivateMarket", "NotePool"):
        assert operator not in json.dumps([log["topics"], log["data"]]).lower()


async def outline_of(private, played):
    """What everybody sees of a round but the numbers that are drawn anew each time."""
    first = await height_of(private) + 1
    await played()
    names = "PrivateMarket", "NotePool", "ERC5564Announcer"
    found = await logs_of(private, *names, blocks=(first, None))
    outline = []
    for log in found:
        event = private.ledger.contracts.events([log])[0]
        call = await private.ledger.rpc.read("eth_getTransactionByHash", log["transactionHash"])
        sizes = (len(log["topics"]), len(log["data"]), len(call["input"]))
        outline.append((event.name, call["from"], call["gas"], *sizes))
    return outline


async def test_a_round_with_swapped_members_looks_the_same(market, private, members):
    """Sellers buy and buyers sell, with the same amounts: no event, length, sender or limit of gas
    tells one from the other."""
    outlines = []
    for people in (members[:4], [*members[2:4], *members[:2]]):
        swapped = Round(private, people, 5, Report())
        await swapped.look()
        window = await untraded_window(market)
        outlines.append(await outline_of(private, partial(swapped.play, window)))

    assert len(outlines[0]) > 20
    assert outlines[0] == outlines[1]
