"""What the functions cost, against the committed figures in `benchmarks/gas.json`.

After a change that is meant, `PEERWATT_RENEW_GAS=1 brownie test tests/contracts/gas` writes the
file anew; the difference is part of the review.
"""

import json
import os
from pathlib import Path
from random import Random

import pytest
from brownie import accounts
from web3 import Web3

from app.ledger.types import Order, Side
from app.market.auction import queue_of
from app.market.windows import commit_start, grace_end, window_end
from scripts.decide import call_of
from tests.contracts.conftest import (
    CEILING,
    FLOOR,
    HOUSEHOLDS_FROM,
    LAST_WINDOW,
    PENALTY,
    WINDOW,
    agreement_on,
    correction_of,
    index_of,
    info_of,
    post,
    reading_of,
    travel_to,
)
from tests.contracts.plain import events_of, plain
from tests.contracts.signing import BALLOT, key, signed

pytestmark = pytest.mark.usefixtures("gas_of_ganache")

SNAPSHOT = Path(__file__).resolve().parents[3] / "benchmarks" / "gas.json"
RENEW = "PEERWATT_RENEW_GAS"
BATCH = 50
LARGEST_CONTRACT = 24_576
OFFERS = 200

TOPICS = {
    "audits",
    "bytes of code",
    "lapses",
    "money",
    "offers",
    "one trade",
    "batch of 50",
    "orders",
    "clearing",
    "clearing a random book of 100 buys and 100 sells",
    "consortium",
    "treasury",
}
TARGETS = {
    ("offers", "makeOffer, later in a window"): 60_000,
    ("one trade", "allowTransaction, fresh seller and buyer"): 110_000,
    ("batch of 50", "allowTransactions, 50 buyers"): 65_000,
    ("batch of 50", "makeTransactions, 50 buyers without energy"): 55_000,
    ("batch of 50", "submitReadings, import, first of four windows"): 45_000,
    ("orders", "placeOrder, buy, later in a book"): 75_000,
    ("orders", "placeOrder, sell, later in a book"): 75_000,
    ("clearing", "clear, each of 50 fills of 50 buys and 50 sells"): 45_000,
    ("clearing a random book of 100 buys and 100 sells", "clear, each fill"): 45_000,
    # what all fills of a call and a book of 1,000 orders leave of a block's 30 million
    ("clearing", "clear, one call for a book of 1,000 orders, before refunds"): 27_000_000,
}


def committed():
    return json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}


def check(topic, figures):
    """Compares the figures of a topic with the committed ones, or commits them."""
    snapshot = committed()
    if os.environ.get(RENEW):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        renewed = {**snapshot, topic: figures}
        SNAPSHOT.write_text(json.dumps(dict(sorted(renewed.items())), indent=2) + "\n")
        return
    before = snapshot.get(topic, {})
    drift = [
        f"  {sentence}: {before.get(sentence, 'new')} -> {figures.get(sentence, 'gone')}"
        for sentence in sorted(before.keys() | figures.keys())
        if before.get(sentence) != figures.get(sentence)
    ]
    if drift:
        pytest.fail(
            "\n".join(
                [
                    f"{topic}: not as in {SNAPSHOT.name}",
                    *drift,
                    f"If this is meant: {RENEW}=1 .venv/bin/brownie test tests/contracts/gas",
                ]
            ),
            pytrace=False,
        )


def gas(transaction, items=1):
    return transaction.gas_used // items


@pytest.fixture
def crowd(enrol):
    """Fifty households that have never traded."""
    households = accounts[HOUSEHOLDS_FROM + 10 : HOUSEHOLDS_FROM + 10 + BATCH]
    for household in households:
        enrol(household)
    return households


@pytest.fixture
def submit_all(registry, keeper, sign_reading):
    """Submits one reading of each household in one batch."""

    def submit_all(households, *energies_wh, window):
        travel_to(window_end(window))
        readings = [reading_of(one, *energies_wh, window=window) for one in households]
        signatures = [sign_reading(reading) for reading in readings]
        return registry.submitReadings(readings, signatures, {"from": keeper})

    return submit_all


def test_code_is_as_committed(system, web3):
    sizes = {
        name: len(web3.eth.get_code(contract.address))
        for name, contract in system.contracts.items()
    }

    assert max(sizes.values()) <= LARGEST_CONTRACT
    check("bytes of code", sizes)


def test_money_costs_what_was_committed(market, newcomer):
    info, sender = info_of(newcomer), {"from": newcomer}

    check(
        "money",
        {
            "publishInfo, new participant": gas(market.publishInfo(info, sender)),
            "publishInfo, update": gas(market.publishInfo(info, sender)),
            "deposit, first": gas(market.deposit(1_000_000, sender)),
            "deposit, later": gas(market.deposit(1_000_000, sender)),
            "withdraw": gas(market.withdraw(1_000_000, sender)),
        },
    )


def test_offers_cost_what_was_committed(market, operator, seller, other_seller):
    terms, sender = (FLOOR, CEILING, PENALTY), {"from": seller}
    market.publishTerms(WINDOW + 1, [terms], {"from": operator})

    check(
        "offers",
        {
            "makeOffer, first of a window": gas(market.makeOffer(WINDOW, 5_000, 100_000, sender)),
            "makeOffer, first of a window with published terms": gas(
                market.makeOffer(WINDOW + 1, 5_000, 100_000, sender)
            ),
            "makeOffer, later in a window": gas(
                market.makeOffer(WINDOW, 5_000, 100_000, {"from": other_seller})
            ),
            "cancelOffer": gas(market.cancelOffer(WINDOW << 32, sender)),
            "publishTerms, each of 24 windows": gas(
                market.publishTerms(WINDOW + 2, [terms] * 24, {"from": operator}), 24
            ),
        },
    )


def test_one_trade_costs_what_was_committed(
    market, agreement, commit_phase, allow, record, keeper, seller, buyer
):
    again = agreement._replace(salt=2)
    allowed = [gas(allow(one)) for one in (agreement, again)]
    travel_to(window_end(WINDOW))
    read = [gas(record(seller, 5_000)), gas(record(buyer, 0, 5_000))]
    made = [gas(market.makeTransaction(one, {"from": keeper})) for one in (agreement, again)]
    closed = [gas(market.closePosition(one, WINDOW, {"from": keeper})) for one in (seller, buyer)]

    check(
        "one trade",
        {
            "allowTransaction, fresh seller and buyer": allowed[0],
            "allowTransaction, same seller and buyer again": allowed[1],
            "submitReading, export, first of four windows": read[0],
            "submitReading, import, first of four windows": read[1],
            "makeTransaction, buyer without energy": made[0],
            "makeTransaction, same seller and buyer again": made[1],
            "closePosition, surplus": closed[0],
            "closePosition, lack": closed[1],
        },
    )


def test_batches_cost_what_was_committed(
    market, make_offer, sign, record, submit_all, keeper, seller, other_seller, buyer, crowd
):
    offers = make_offer(100_000), make_offer(100_000, by=other_seller)
    to_many = [agreement_on(offers[0], seller, one, energy_wh=1_000) for one in crowd]
    to_one = [
        agreement_on(offers[1], other_seller, buyer, energy_wh=500, salt=salt)
        for salt in range(BATCH)
    ]
    travel_to(commit_start(WINDOW))
    allowed = [
        gas(market.allowTransactions(batch, [sign(one) for one in batch], {"from": by}), BATCH)
        for batch, by in ((to_many, seller), (to_one, other_seller))
    ]

    first = (WINDOW // 4 + 1) * 4
    imported = gas(submit_all(crowd, 0, 1_500, window=WINDOW), BATCH)
    for household in (seller, other_seller):
        record(household, 100_000)
    record(buyer, 0, 100_000)
    made = [
        gas(market.makeTransactions(batch, {"from": keeper}), BATCH) for batch in (to_many, to_one)
    ]
    closed = [gas(market.closePositions(crowd, WINDOW, {"from": keeper}), BATCH)]
    exported = [gas(submit_all(crowd, 3_000, 10, window=first), BATCH)]
    closed.append(gas(market.closePositions(crowd, first, {"from": keeper}), BATCH))
    exported.append(gas(submit_all(crowd, 3_000, 10, window=first + 1), BATCH))
    imported_later = gas(submit_all(crowd, 0, 1_500, window=first + 2), BATCH)

    check(
        "batch of 50",
        {
            "allowTransactions, 50 buyers": allowed[0],
            "allowTransactions, one buyer": allowed[1],
            "submitReadings, import, first of four windows": imported,
            "submitReadings, import, later": imported_later,
            "submitReadings, export, first of four windows": exported[0],
            "submitReadings, export, later": exported[1],
            "makeTransactions, 50 buyers without energy": made[0],
            "makeTransactions, one buyer": made[1],
            "closePositions, lack": closed[0],
            "closePositions, surplus": closed[1],
        },
    )


@pytest.fixture
def ballot_of(consortium):
    """A member's signed vote for a proposal."""

    def ballot_of(proposal, voter):
        values = {"proposalId": proposal, "support": 1, "voter": voter.address, "nonce": 0}
        signer = key(index_of(voter))
        signature = signed(signer, consortium, "Peerwatt Consortium", BALLOT, values)
        return proposal, 1, voter, signature

    return ballot_of


@pytest.fixture
def place(auction):
    """Places an order that takes part in so many windows, and nothing more."""

    def place(side, energy_wh, limit_price, by, *, window=WINDOW, windows=1):
        expires_at = commit_start(window + windows)
        post(auction, "placeOrder", side, energy_wh, limit_price, window, expires_at, by=by)

    return place


@pytest.fixture
def clear(auction, keeper):
    """Clears the book that some orders are; the transaction, and its gas before refunds."""

    def clear(order_ids, window=WINDOW):
        travel_to(commit_start(window))
        shown = [plain(order).values() for order in auction.getOrders(list(order_ids))]
        book = [Order(number, owner, Side(side), *rest) for number, owner, side, *rest in shown]
        lists = [[order.id for order in queue_of(book, side)] for side in Side]
        needed = auction.clear.estimate_gas(window, *lists, {"from": keeper})
        return auction.clear(window, *lists, {"from": keeper}), needed

    return clear


@pytest.fixture
def sellers(enrol):
    """Fifty more households that have never traded."""
    households = accounts[HOUSEHOLDS_FROM + 60 : HOUSEHOLDS_FROM + 110]
    for household in households:
        enrol(household)
    return households


@pytest.fixture
def pairs(crowd, sellers, place):
    """Fifty buys and fifty sells of as many households, each the other's match."""

    def pairs(window=WINDOW):
        for buyer, seller in zip(crowd, sellers, strict=True):
            place(Side.BUY, 1_000, 200_000, buyer, window=window)
            place(Side.SELL, 1_000, 100_000, seller, window=window)

    return pairs


def test_orders_cost_what_was_committed(market, auction, clear, seller, buyer, other_buyer, keeper):
    def placed(side, limit_price, by, window=WINDOW, windows=1):
        expires_at = commit_start(window + windows)
        order = (side, 2_000, limit_price, window, expires_at)
        return gas(auction.placeOrder(*order, {"from": by}))

    first = placed(Side.BUY, 200_000, buyer)
    market.makeOffer(WINDOW + 1, 1_000, 100_000, {"from": seller})
    first_with_terms = placed(Side.BUY, 200_000, buyer, WINDOW + 1)
    later = [placed(Side.BUY, 200_000, other_buyer), placed(Side.SELL, 100_000, seller)]
    cancelled = gas(auction.cancelOrder(1, {"from": buyer}))
    for _ in range(10):
        placed(Side.BUY, 100_000, buyer, WINDOW + 5)
    travel_to(window_end(WINDOW + 5))
    released = auction.releaseOrders(list(range(5, 15)), {"from": keeper})

    check(
        "orders",
        {
            "placeOrder, first of a window": first,
            "placeOrder, first of a book whose terms are frozen": first_with_terms,
            "placeOrder, buy, later in a book": later[0],
            "placeOrder, sell, later in a book": later[1],
            "cancelOrder": cancelled,
            "releaseOrders, each of 10": gas(released, 10),
        },
    )


def test_clearing_costs_what_was_committed(market, crowd, sellers, pairs, place, clear, keeper):
    pairs()
    fresh, fresh_needed = clear(range(1, 101))
    # Eight windows later all have traded before, and closed their positions.
    travel_to(grace_end(WINDOW))
    market.makeTransactions(agreements_of(fresh), {"from": keeper})
    market.closePositions([*crowd, *sellers], WINDOW, {"from": keeper})
    pairs(WINDOW + 8)
    _, used_needed = clear(range(101, 201), WINDOW + 8)
    for household in crowd:
        place(Side.BUY, 1_000, 100_000, household, window=WINDOW + 9, windows=2)
    staying, _ = clear(range(201, 251), WINDOW + 9)

    figures = {
        "clear, each of 50 fills of 50 buys and 50 sells": gas(fresh, 50),
        "clear, each of 50 fills of 50 buys and 50 sells, before refunds": fresh_needed // 50,
        "clear, each fill of those who have traded before, before refunds": used_needed // 50,
        "clear, each of 50 orders that stay": gas(staying, 50),
    }
    *_, dearest, stays = figures.values()
    fills = 300 - 1_000 // 15
    call = fills * dearest + (1_000 - fills) * stays
    figures["clear, one call for a book of 1,000 orders, before refunds"] = call
    check("clearing", figures)


def test_a_random_book_costs_what_was_committed(crowd, sellers, place, clear):
    random = Random(0)
    for household in (*crowd, *sellers):
        for side in Side:
            limit_price = random.randrange(FLOOR, CEILING)
            place(side, random.randint(100, 5_000), limit_price, household, windows=2)

    transaction, needed = clear(range(1, 201))

    fills = len(events_of(transaction, "OrderFilled"))
    assert fills > 50
    check(
        "clearing a random book of 100 buys and 100 sells",
        {
            "clear, each fill": gas(transaction, fills),
            "clear, each fill, before refunds": needed // fills,
        },
    )


def agreements_of(clearing):
    """What the fills have become, as settlement takes them."""
    pairs = zip(
        events_of(clearing, "TransactionAllowed"), events_of(clearing, "OrderFilled"), strict=True
    )
    fields = ("offerId", "seller", "buyer", "window", "energyWh", "price")
    return [
        (*(allowed[field] for field in fields), 0, filled["buyId"]) for allowed, filled in pairs
    ]


@pytest.mark.parametrize("side", list(Side))
def test_an_order_costs_the_same_in_every_book(chain, auction, crowd, place, seller, buyer, side):
    def cost():
        expires_at = commit_start(WINDOW + 1)
        order = (side, 2_000, 200_000, WINDOW, expires_at)
        return auction.placeOrder(*order, {"from": buyer}).gas_used

    costs = {}
    for depth in (1, 300):
        while sum(auction.bookOf(WINDOW)[:2]) < depth:
            place(side, 100, 200_000, seller)
        costs[depth] = cost()

    assert costs[300] == costs[1] <= 75_000


def test_a_decision_costs_what_was_committed(system, membership, members, ballot_of, newcomer):
    consortium, outsider = system.consortium, accounts[9]
    calls = [call_of(membership, "admit", newcomer, b"\x07" * 32)]
    action = [membership], [0], [calls[0][1]]
    proposed = consortium.propose(*action, "", {"from": members[0]})
    proposal = int(proposed.events["ProposalCreated"]["proposalId"])
    travel_to(consortium.proposalSnapshot(proposal) + 1)
    voted = [consortium.castVote(proposal, 1, {"from": member}) for member in members[:2]]
    by_signature = consortium.castVoteBySig(*ballot_of(proposal, members[2]), {"from": outsider})
    described = (*action, Web3.keccak(text=""))
    travel_to(consortium.proposalDeadline(proposal) + 1)
    queued = consortium.queue(*described, {"from": outsider})
    travel_to(consortium.proposalEta(proposal))

    check(
        "consortium",
        {
            "propose, one call": gas(proposed),
            "castVote, first": gas(voted[0]),
            "castVote, later": gas(voted[1]),
            "castVoteBySig": gas(by_signature),
            "queue": gas(queued),
            "execute, admit": gas(consortium.execute(*described, {"from": outsider})),
        },
    )


def test_the_treasury_costs_what_was_committed(bank, payment_token, treasurers, newcomer):
    """Two of three treasurers have to confirm."""
    payment_token.approve(bank, 1_000, {"from": newcomer})
    requested = [bank.requestWithdrawal(500, b"\x0a" * 32, {"from": newcomer}) for _ in range(2)]
    deposited, paid, rejected = (
        [gas(function(*arguments, {"from": treasurer})) for treasurer in treasurers[:2]]
        for function, arguments in (
            (bank.confirmDeposit, (newcomer, 700, b"\x0b" * 32)),
            (bank.confirmPayout, (1, b"\x0c" * 32)),
            (bank.rejectWithdrawal, (2,)),
        )
    )

    check(
        "treasury",
        {
            "confirmDeposit, first of two": deposited[0],
            "confirmDeposit, last of two": deposited[1],
            "requestWithdrawal": gas(requested[1]),
            "confirmPayout, first of two": paid[0],
            "confirmPayout, last of two": paid[1],
            "rejectWithdrawal, first of two": rejected[0],
            "rejectWithdrawal, last of two": rejected[1],
        },
    )


def test_audits_cost_what_was_committed(
    market, auditors, doubt, confirm, correct, record, keeper, seller, buyer, other_seller
):
    """Two of three auditors have to confirm."""
    for household in (seller, buyer, other_seller):
        record(household, 3_000, window=LAST_WINDOW)
    doubted = [doubt(household) for household in (seller, buyer, other_seller)]
    confirmed = [confirm(other_seller, number) for number in (0, 1)]
    up, down = correction_of(buyer, 4_000), correction_of(seller, 1_000)
    first = correct(up, 0)
    correct(down, 0)
    more, less = (correct(correction, 1) for correction in (up, down))

    check(
        "audits",
        {
            "doubtReading": gas(doubted[0]),
            "confirmReading, first of two": gas(confirmed[0]),
            "confirmReading, last of two": gas(confirmed[1]),
            "correctReading, first of two": gas(first),
            "correctReading, last of two, more export": gas(more),
            "correctReading, last of two, less export": gas(less),
            "closePosition, surplus, with energy that never was": gas(
                market.closePosition(seller, LAST_WINDOW, {"from": keeper})
            ),
        },
    )


def test_lapses_cost_what_was_committed(
    market, agreement, commit_phase, allow, record, keeper, seller, buyer
):
    again = agreement._replace(salt=2)
    for one in (agreement, again):
        allow(one)
    travel_to(window_end(WINDOW))
    record(seller, 3_000)
    record(buyer, 0, 10**9)
    made = [gas(market.makeTransaction(one, {"from": keeper})) for one in (agreement, again)]

    check(
        "lapses",
        {
            "makeTransaction, first shortfall of a window": made[0],
            "makeTransaction, later shortfall of a window": made[1],
            "closePosition, debt": gas(market.closePosition(buyer, WINDOW, {"from": keeper})),
        },
    )


def test_the_snapshot_has_no_other_topics():
    assert set(committed()) == TOPICS


@pytest.mark.parametrize(
    ("place", "target"), TARGETS.items(), ids=[sentence for _, sentence in TARGETS]
)
def test_targets_are_reached(place, target):
    topic, sentence = place

    assert committed()[topic][sentence] <= target


def test_costs_do_not_depend_on_the_number_of_offers(
    market, chain, make_offer, sign, seller, other_seller, buyer
):
    def costs():
        offer = make_offer()
        another = market.makeOffer(WINDOW, 5_000, 100_000, {"from": other_seller})
        agreement = agreement_on(offer, seller, buyer)
        travel_to(commit_start(WINDOW))
        allowed = market.allowTransaction(agreement, sign(agreement), {"from": seller})
        return another.gas_used, allowed.gas_used

    chain.snapshot()
    alone = costs()
    chain.revert()
    for _ in range(OFFERS):
        post(market, "makeOffer", WINDOW, 1_000, 100_000, by=seller)
    among_many = costs()

    assert market.getOffers(WINDOW, 0, 0)["total"] == OFFERS + 2
    for before, after in zip(alone, among_many, strict=True):
        assert abs(after - before) < 100
