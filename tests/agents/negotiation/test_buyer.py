from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from app.agents.negotiation.buyer import MAX_SILENCES, BuyerDesk, Need, PurchaseState
from app.agents.negotiation.ontology import (
    Acceptance,
    Body,
    CallForProposal,
    Failure,
    Information,
    Message,
    NotUnderstood,
    Party,
    Proposal,
    Reason,
    Refusal,
    Rejection,
    Stage,
)
from app.agents.negotiation.seat import Seat
from app.agents.negotiation.strategies import PriceRange, Setting, make_strategy
from app.agents.negotiation.timetable import Timetable
from app.ledger.model import ModelLedger
from app.ledger.types import Address, Agreement, Offer, SignedAgreement
from app.market.units import cost_up
from tests.agents.conftest import RICH, TERMS, WINDOW
from tests.agents.negotiation.talk import Hand

NEED_WH = 1_000
LIMIT = 300_000


@pytest.fixture
def offers(ledger: ModelLedger) -> list[Offer]:
    """Three offers of three sellers."""
    return [
        Offer((WINDOW << 32) + number, ledger.keys.account(f"seller {number}"), WINDOW, 800, 90_000)
        for number in range(3)
    ]


@pytest.fixture
def desk_with(buyer: Address, seat_of: Callable[..., Seat]) -> Callable[..., BuyerDesk]:
    def make(*, free: int = RICH, need_wh: int = NEED_WH, strategy: str = "linear") -> BuyerDesk:
        prices = PriceRange(TERMS.grid_floor, LIMIT)
        setting = Setting(Party.BUYER, prices, {}, np.random.default_rng(0))
        need = Need(need_wh, LIMIT, "w")
        return BuyerDesk(seat_of(buyer, free), need, make_strategy(strategy, setting))

    return make


@pytest.fixture
def desk(
    desk_with: Callable[..., BuyerDesk], offers: list[Offer], timetable: Timetable
) -> BuyerDesk:
    desk = desk_with()
    desk.contact(offers, timetable.opening)
    return desk


@pytest.fixture
def hands(buyer: Address, offers: list[Offer]) -> list[Hand]:
    """The three sellers, whose messages are written by hand."""
    return [Hand(Party.SELLER, buyer, offer, f"w-{offer.id}") for offer in offers]


def propose(desk: BuyerDesk, hand: Hand, price: int, now: int, energy_wh: int = 800) -> None:
    assert desk.receive(hand.say(Proposal(energy_wh, price)), now) == []


def make_firm(
    desk: BuyerDesk, hand: Hand, price: int, timetable: Timetable, energy_wh: int = 800
) -> list[Message]:
    """A firm proposal while the buyer collects them, in the last closing step."""
    firm = hand.say(Proposal(energy_wh, price, firm=True), reply_by=timetable.bidding(4) + 59)
    answers = desk.receive(firm, timetable.awarding(4))
    return [answer for answer in answers if isinstance(answer, Message)]


def bids_of(messages: list[Message]) -> dict[int, Body]:
    return {message.header.offer_id & 0xFF: message.body for message in messages}


# Calls


def test_all_sellers_are_called_once(
    desk_with: Callable[..., BuyerDesk], offers: list[Offer], timetable: Timetable
) -> None:
    desk = desk_with()
    calls = desk.contact(offers, timetable.opening)

    assert [call.header.offer_id for call in calls] == [offer.id for offer in offers]
    assert {call.body for call in calls} == {CallForProposal(800)}
    assert {call.header.reply_by for call in calls} == {timetable.opening + 60}
    assert desk.contact(offers, timetable.opening) == []


def test_what_is_not_for_this_buyer_is_passed_over(
    desk_with: Callable[..., BuyerDesk], offers: list[Offer], buyer: Address, timetable: Timetable
) -> None:
    desk = desk_with()
    others = [
        replace(offers[0], seller=buyer),
        replace(offers[0], cancelled=True),
        replace(offers[0], window=WINDOW + 1),
        replace(offers[0], floor_price=LIMIT + 1),
    ]
    assert desk.contact(others, timetable.opening) == []
    assert len(desk.contact([replace(offers[0], floor_price=LIMIT)], timetable.opening)) == 1


def test_a_seller_that_does_not_answer_is_called_again_and_then_dropped(
    desk: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    propose(desk, hands[0], 320_000, timetable.opening + 1)
    called = []
    for moment in timetable.round_times[: MAX_SILENCES + 1]:
        messages = desk.bid(moment)
        propose(desk, hands[0], 320_000, moment + 1)
        called.append([number for number, body in bids_of(messages).items() if number])

    assert called == [[1, 2], [1, 2], [], []]
    assert desk.dropped == 2


def test_only_silences_in_a_row_count(
    desk: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    for number, moment in enumerate(timetable.round_times):
        desk.bid(moment)
        if number == MAX_SILENCES - 2:
            for hand in hands:
                propose(desk, hand, 320_000, moment + 1)
        if number == 2 * MAX_SILENCES - 3:
            break

    assert desk.dropped == 0


def test_a_seller_that_answers_late_is_back_on_the_list(
    desk: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    for moment in timetable.round_times[:4]:
        desk.bid(moment)
    assert desk.dropped == 3

    propose(desk, hands[1], 200_000, timetable.round_times[4] - 1)
    assert list(bids_of(desk.bid(timetable.round_times[4]))) == [1]


# Bids


def test_bids_rise_with_time_and_never_above_an_ask(
    desk: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    seen = []
    for moment in timetable.round_times:
        for hand, ask in zip(hands, (150_000, 320_000, 320_000), strict=True):
            propose(desk, hand, ask, moment - 1)
        seen.append(bids_of(desk.bid(moment)))

    first = [bids[0].price for bids in seen if isinstance(bids.get(0), Proposal)]  # type: ignore[union-attr]
    second = [bids[1].price for bids in seen if isinstance(bids.get(1), Proposal)]  # type: ignore[union-attr]
    assert first == sorted(first)
    assert second == sorted(second)
    assert max(first) == 150_000
    assert 150_000 < max(second) <= LIMIT


def test_nothing_below_an_offers_floor_is_bid(
    desk_with: Callable[..., BuyerDesk], offers: list[Offer], timetable: Timetable, buyer: Address
) -> None:
    dear = replace(offers[0], floor_price=250_000)
    hand = Hand(Party.SELLER, buyer, dear, f"w-{dear.id}")
    desk = desk_with()
    desk.contact([dear], timetable.opening)
    propose(desk, hand, 320_000, timetable.opening)

    bids = [desk.bid(moment) for moment in (*timetable.round_times, timetable.last_call)]

    prices = [bid.body.price for (bid,) in filter(None, bids) if isinstance(bid.body, Proposal)]
    assert bids[0] == []
    assert min(prices) >= 250_000


def test_at_the_last_call_the_bid_is_the_ask_if_the_limit_allows(
    desk: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    for hand, ask in zip(hands, (299_999, 300_000, 320_000), strict=True):
        propose(desk, hand, ask, timetable.choosing(3))

    assert bids_of(desk.bid(timetable.last_call)) == {
        0: Proposal(800, 299_999),
        1: Proposal(800, 300_000),
        2: Proposal(800, LIMIT),
    }


# Choice


@pytest.fixture
def haggled(desk: BuyerDesk, hands: list[Hand], timetable: Timetable) -> BuyerDesk:
    """All three sellers have asked, and the buyer has bid at the last call."""
    for hand, ask in zip(hands, (200_000, 180_000, 190_000), strict=True):
        propose(desk, hand, ask, timetable.choosing(3))
    desk.bid(timetable.last_call)
    return desk


def test_the_cheapest_firm_proposals_are_signed_until_the_need_is_covered(
    haggled: BuyerDesk, hands: list[Hand], ledger: ModelLedger, timetable: Timetable
) -> None:
    for hand, price in zip(hands, (200_000, 180_000, 190_000), strict=True):
        assert make_firm(haggled, hand, price, timetable) == []

    messages = bids_of(haggled.choose(timetable.choosing(4)))

    assert isinstance(messages[1], Acceptance)
    assert isinstance(messages[2], Acceptance)
    assert (messages[1].energy_wh, messages[2].energy_wh) == (800, 200)
    assert messages[0] == Rejection(Reason.COVERED)
    assert haggled.left_wh == 0
    assert all(ledger.verify_agreement(purchase.signed) for purchase in haggled.purchases)


def test_who_is_not_trusted_sells_only_what_others_do_not(
    desk: BuyerDesk, hands: list[Hand], offers: list[Offer], timetable: Timetable
) -> None:
    desk.distrusted = {offers[1].seller}
    for hand, price in zip(hands, (250_000, 200_000, 240_000), strict=True):
        propose(desk, hand, price, timetable.opening + 1)
    desk.bid(timetable.bidding(4))
    for hand, price in zip(hands, (250_000, 200_000, 240_000), strict=True):
        make_firm(desk, hand, price, timetable, 600)
    signed = bids_of(desk.choose(timetable.choosing(4)))

    accepted = {number for number, body in signed.items() if isinstance(body, Acceptance)}
    assert accepted == {0, 2}
    assert isinstance(signed[1], Rejection)


def test_an_acceptance_is_the_agreement_that_was_signed(
    haggled: BuyerDesk, hands: list[Hand], ledger: ModelLedger, timetable: Timetable
) -> None:
    make_firm(haggled, hands[0], 200_000, timetable)
    (message,) = haggled.choose(timetable.choosing(4))
    header, body = message.header, message.body
    assert isinstance(body, Acceptance)

    agreement = Agreement(
        header.offer_id,
        header.seller,
        header.buyer,
        header.window,
        body.energy_wh,
        body.price,
        body.deadline,
        body.salt,
    )
    assert ledger.verify_agreement(SignedAgreement(agreement, body.signature))
    assert body.deadline == timetable.deadline


def test_a_firm_proposal_above_the_bid_is_not_signed(
    haggled: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    make_firm(haggled, hands[0], 200_001, timetable)

    assert haggled.choose(timetable.choosing(4)) == []
    assert haggled.purchases == ()


def test_a_firm_proposal_that_has_lapsed_is_not_signed(
    haggled: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    make_firm(haggled, hands[0], 200_000, timetable)

    assert haggled.choose(timetable.end) == []


def test_a_firm_proposal_after_the_choice_is_answered_at_once(
    haggled: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    haggled.choose(timetable.choosing(4))
    firm = hands[0].say(Proposal(800, 200_000, firm=True), reply_by=timetable.end)

    (answer,) = haggled.receive(firm, timetable.choosing(4))
    assert isinstance(answer, Message)
    assert isinstance(answer.body, Acceptance)


def test_no_more_is_signed_than_the_money_covers(
    desk_with: Callable[..., BuyerDesk],
    offers: list[Offer],
    hands: list[Hand],
    timetable: Timetable,
) -> None:
    desk = desk_with(free=cost_up(300, 200_000))
    desk.contact(offers, timetable.opening)
    for hand in hands:
        propose(desk, hand, 200_000, timetable.choosing(3))
    desk.bid(timetable.last_call)
    for hand in hands:
        make_firm(desk, hand, 200_000, timetable)

    bodies = [message.body for message in desk.choose(timetable.choosing(4))]

    assert isinstance(bodies[0], Acceptance)
    assert bodies[0].energy_wh == 300
    assert bodies[1:] == [Rejection(Reason.FUNDS)] * 2


def test_money_for_a_refused_signature_is_not_spent_twice(
    desk_with: Callable[..., BuyerDesk],
    offers: list[Offer],
    hands: list[Hand],
    timetable: Timetable,
) -> None:
    desk = desk_with(free=cost_up(800, 200_000), need_wh=800)
    desk.contact(offers, timetable.opening)
    for hand in hands:
        propose(desk, hand, 200_000, timetable.choosing(3))
    desk.bid(timetable.last_call)
    make_firm(desk, hands[0], 200_000, timetable)
    desk.choose(timetable.choosing(4))
    desk.receive(hands[0].say(Refusal(Reason.SOLD_OUT)), timetable.choosing(4))
    assert desk.left_wh == 800

    desk.bid(timetable.choosing(4))
    firm = hands[1].say(Proposal(800, 200_000, firm=True), reply_by=timetable.end)
    (answer,) = desk.receive(firm, timetable.choosing(4) + 1)

    assert isinstance(answer, Message)
    assert answer.body == Rejection(Reason.FUNDS)


# After the signature


@pytest.fixture
def signed(haggled: BuyerDesk, hands: list[Hand], timetable: Timetable) -> BuyerDesk:
    make_firm(haggled, hands[1], 180_000, timetable)
    haggled.choose(timetable.choosing(4))
    return haggled


def test_a_refusal_drops_to_the_next_best(
    signed: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    assert signed.left_wh == 200
    signed.receive(hands[1].say(Refusal(Reason.SOLD_OUT)), timetable.choosing(4))

    assert signed.left_wh == NEED_WH
    assert signed.purchases[0].state is PurchaseState.REFUSED
    assert sorted(bids_of(signed.bid(timetable.choosing(4)))) == [0, 2]


def test_silence_after_the_signature_binds_and_the_same_acceptance_goes_out_again(
    signed: BuyerDesk, timetable: Timetable
) -> None:
    (purchase,) = signed.purchases
    again = bids_of(signed.bid(timetable.choosing(4) + 61))

    assert isinstance(again[1], Acceptance)
    assert again[1].signature == purchase.signed.signature
    assert signed.committed_wh == 800
    assert len(signed.purchases) == 1


def test_a_booking_ends_the_repetition(
    signed: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    (purchase,) = signed.purchases
    news = Information(purchase.agreement_id, Stage.BOOKED)
    signed.receive(hands[1].say(news), timetable.choosing(4))

    assert purchase.state is PurchaseState.BOOKED
    assert not any(
        isinstance(message.body, Acceptance) for message in signed.bid(timetable.choosing(4) + 61)
    )


def test_a_booked_purchase_is_not_undone_by_a_later_refusal(
    signed: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    (purchase,) = signed.purchases
    for body in (Information(purchase.agreement_id, Stage.BOOKED), Refusal(Reason.SOLD_OUT)):
        signed.receive(hands[1].say(body), timetable.choosing(4))

    assert purchase.state is PurchaseState.BOOKED
    assert signed.committed_wh == 800


@pytest.mark.parametrize(
    ("stage", "state"),
    [(Stage.BOOKED, PurchaseState.BOOKED), (Stage.WRITTEN, PurchaseState.WRITTEN)],
)
def test_the_news_of_an_agreement_is_kept(
    signed: BuyerDesk,
    hands: list[Hand],
    timetable: Timetable,
    stage: Stage,
    state: PurchaseState,
) -> None:
    (purchase,) = signed.purchases
    signed.receive(hands[1].say(Information(purchase.agreement_id, stage)), timetable.writing)

    assert purchase.state is state


def test_a_failure_is_kept_with_its_error(
    signed: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    (purchase,) = signed.purchases
    news = Failure(purchase.agreement_id, "FundsInsufficient")
    signed.receive(hands[1].say(news), timetable.writing)

    assert (purchase.state, purchase.error) == (PurchaseState.FAILED, "FundsInsufficient")
    assert signed.left_wh == NEED_WH


# What makes no sense


@pytest.mark.parametrize(
    ("changes", "body", "rule"),
    [
        ({}, Proposal(800, 89_999), "price: must be from 90000 to 320000"),
        ({}, Proposal(800, 320_001), "price: must be from 90000 to 320000"),
        ({}, Proposal(801, 200_000), "energy_wh: must be at most 800"),
        ({}, Information(bytes(32), Stage.BOOKED), "agreement_id: is not known"),
        ({}, Failure(bytes(32), "x"), "agreement_id: is not known"),
        ({}, CallForProposal(5), "performative: call-for-proposal is not for a buyer"),
        (
            {},
            Acceptance(5, 200_000, 1, 1, b"x"),
            "performative: accept-proposal is not for a buyer",
        ),
        (
            {"window": WINDOW + 1},
            Proposal(800, 200_000),
            "buyer, seller, window, offer_id: are not the conversation's",
        ),
        (
            {"buyer": "0x" + "11" * 20},
            Proposal(800, 200_000),
            "buyer, seller, window, offer_id: are not the conversation's",
        ),
        (
            {"conversation_id": "other"},
            Proposal(800, 200_000),
            "conversation_id: is not known",
        ),
    ],
)
def test_nonsense_is_not_understood_and_changes_nothing(
    desk: BuyerDesk,
    hands: list[Hand],
    timetable: Timetable,
    changes: dict[str, object],
    body: Body,
    rule: str,
) -> None:
    message = hands[0].say(body, **changes)

    answers = desk.receive(message, timetable.opening)

    assert answers == [NotUnderstood(message.header.conversation_id, rule)]
    assert desk.committed_wh == 0


def test_a_proposal_that_was_overtaken_changes_nothing(
    desk: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    early, late = hands[0].say(Proposal(800, 310_000)), hands[0].say(Proposal(800, 120_000))
    desk.receive(late, timetable.opening)
    desk.receive(early, timetable.opening)

    assert bids_of(desk.bid(timetable.last_call))[0] == Proposal(800, 120_000)


def test_only_one_acceptance_a_conversation_is_open_at_a_time(
    signed: BuyerDesk, hands: list[Hand], timetable: Timetable
) -> None:
    firm = hands[1].say(Proposal(200, 180_000, firm=True), reply_by=timetable.end)

    assert signed.receive(firm, timetable.choosing(4)) == []
    assert len(signed.purchases) == 1
