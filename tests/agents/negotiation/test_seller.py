from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from app.agents.negotiation.ontology import (
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
from app.agents.negotiation.seat import Answer, Seat, Signatures
from app.agents.negotiation.seller import SellerDesk
from app.agents.negotiation.strategies import PriceRange, Setting, Strategy, make_strategy
from app.agents.negotiation.timetable import Timetable
from app.ledger.model import ModelLedger
from app.ledger.types import Address, Offer
from app.market.settlement import locks_of
from tests.agents.conftest import TERMS, WINDOW
from tests.agents.negotiation.talk import Hand

FLOOR = 100_000


def linear(least: int) -> Strategy:
    prices = PriceRange(least, TERMS.grid_ceiling)
    return make_strategy("linear", Setting(Party.SELLER, prices, {}, np.random.default_rng(0)))


@pytest.fixture
def offer(seller: Address) -> Offer:
    return Offer(id=WINDOW << 32, seller=seller, window=WINDOW, energy_wh=1_000, floor_price=FLOOR)


@pytest.fixture
def desk(seller: Address, offer: Offer, seat_of: Callable[..., Seat]) -> SellerDesk:
    desk = SellerDesk(seat_of(seller), linear)
    desk.list_offers([offer], 0)
    return desk


@pytest.fixture
def hand(buyer: Address, offer: Offer) -> Hand:
    return Hand(Party.BUYER, buyer, offer)


@pytest.fixture
def rival(ledger: ModelLedger, offer: Offer) -> Hand:
    return Hand(Party.BUYER, ledger.keys.account("rival"), offer, "of-the-rival")


def body_of(answers: list[Answer]) -> Body:
    (answer,) = answers
    assert isinstance(answer, Message), answer
    return answer.body


def firm_of(answers: list[Message]) -> dict[str, Proposal]:
    """The firm proposals among messages, by conversation."""
    return {
        answer.header.conversation_id: answer.body
        for answer in answers
        if isinstance(answer.body, Proposal) and answer.body.firm
    }


# Haggling


def test_a_call_is_answered_with_what_the_strategy_asks(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    answer = body_of(desk.receive(hand.say(CallForProposal(600)), timetable.opening))

    assert answer == Proposal(600, TERMS.grid_ceiling)


def test_no_more_is_proposed_than_the_offer_has(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    answer = body_of(desk.receive(hand.say(CallForProposal(5_000)), timetable.opening))

    assert answer == Proposal(1_000, TERMS.grid_ceiling)


def test_the_ask_falls_with_time_and_never_below_the_offers_floor(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    asks = []
    for moment in (timetable.opening, *timetable.round_times):
        answer = body_of(desk.receive(hand.say(Proposal(600, FLOOR)), moment))
        assert isinstance(answer, Proposal)
        asks.append(answer.price)
    assert asks == sorted(asks, reverse=True)
    assert min(asks) >= FLOOR


def test_a_bid_above_the_ask_is_taken_as_the_ask(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    late = timetable.round_times[-1]
    answer = body_of(desk.receive(hand.say(Proposal(600, 310_000)), late))

    assert answer == Proposal(600, 310_000)


def test_a_repeated_message_is_answered_once(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    call = hand.say(CallForProposal(600))

    assert desk.receive(call, timetable.opening)
    assert desk.receive(call, timetable.opening) == []


def test_a_message_that_was_overtaken_changes_nothing(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    early, late = hand.say(Proposal(600, 150_000)), hand.say(Proposal(600, 300_000))
    desk.receive(late, timetable.opening)

    assert desk.receive(early, timetable.opening) == []
    assert firm_of(desk.award(timetable.awarding(4)))["by-hand"].price == 300_000


# What makes no sense


@pytest.mark.parametrize(
    ("changes", "body", "rule"),
    [
        ({"window": WINDOW + 1}, CallForProposal(600), f"window: must be {WINDOW}"),
        ({"seller": "0x" + "11" * 20}, CallForProposal(600), "seller: is somebody else"),
        ({}, Proposal(600, FLOOR - 1), f"price: must be from {FLOOR} to 320000"),
        ({}, Proposal(600, 320_001), f"price: must be from {FLOOR} to 320000"),
        ({}, Proposal(600, 200_000, firm=True), "firm: must be false in a bid"),
        ({}, Refusal("no"), "performative: refuse is not for a seller"),
        (
            {},
            Information(bytes(32), Stage.BOOKED),
            "performative: inform is not for a seller",
        ),
        ({}, Failure(bytes(32), "x"), "performative: failure is not for a seller"),
    ],
)
def test_nonsense_is_not_understood(
    desk: SellerDesk,
    hand: Hand,
    timetable: Timetable,
    changes: dict[str, object],
    body: Body,
    rule: str,
) -> None:
    answers = desk.receive(hand.say(body, **changes), timetable.opening)

    assert answers == [NotUnderstood("by-hand", rule)]


@pytest.mark.parametrize("price", [FLOOR, 320_000])
def test_prices_at_the_limits_are_understood(
    desk: SellerDesk, hand: Hand, timetable: Timetable, price: int
) -> None:
    assert isinstance(
        body_of(desk.receive(hand.say(Proposal(600, price)), timetable.opening)), Proposal
    )


def test_a_seller_does_not_trade_with_itself(
    desk: SellerDesk, hand: Hand, seller: Address, timetable: Timetable
) -> None:
    message = hand.say(CallForProposal(600), buyer=seller)

    assert desk.receive(message, timetable.opening) == [
        NotUnderstood("by-hand", "buyer: is the seller")
    ]


def test_a_conversation_belongs_to_one_buyer(
    desk: SellerDesk, hand: Hand, outsider: Address, timetable: Timetable
) -> None:
    desk.receive(hand.say(CallForProposal(600)), timetable.opening)
    stolen = hand.say(Proposal(600, 300_000), buyer=outsider)

    assert isinstance(desk.receive(stolen, timetable.opening)[0], NotUnderstood)


def test_an_unknown_offer_is_refused(desk: SellerDesk, hand: Hand, timetable: Timetable) -> None:
    message = hand.say(CallForProposal(600), offer_id=7)

    assert body_of(desk.receive(message, timetable.opening)) == Refusal(Reason.UNKNOWN_OFFER)


def test_one_is_too_early_before_the_opening_and_too_late_after_the_end(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    early = body_of(desk.receive(hand.say(CallForProposal(600)), timetable.opening - 1))
    late = body_of(desk.receive(hand.say(CallForProposal(600)), timetable.end))

    assert (early, late) == (Refusal(Reason.TOO_EARLY), Refusal(Reason.OVER))


def test_a_cancelled_offer_is_refused_and_those_who_bid_for_it_are_told(
    desk: SellerDesk, hand: Hand, rival: Hand, offer: Offer, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, 300_000)), timetable.opening)
    told = desk.list_offers([replace(offer, cancelled=True, energy_wh=0)], timetable.opening)

    assert [message.body for message in told] == [Refusal(Reason.OFFER_CLOSED)]
    assert body_of(desk.receive(rival.say(CallForProposal(600)), timetable.opening)) == Refusal(
        Reason.OFFER_CLOSED
    )
    assert firm_of(desk.award(timetable.awarding(4))) == {}


def test_an_offer_made_by_hand_later_is_sold_too(
    desk: SellerDesk, hand: Hand, offer: Offer, timetable: Timetable
) -> None:
    other = replace(offer, id=offer.id + 1, energy_wh=300)
    desk.list_offers([offer, other], timetable.opening)

    answer = body_of(
        desk.receive(hand.say(CallForProposal(600), offer_id=other.id), timetable.end - 1)
    )
    assert isinstance(answer, Proposal)
    assert answer.energy_wh == 300


# Closing


def test_the_best_bids_get_the_energy_until_there_is_no_more(
    desk: SellerDesk, hand: Hand, rival: Hand, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(800, 250_000)), timetable.opening)
    desk.receive(rival.say(Proposal(700, 260_000)), timetable.opening)

    firm = firm_of(desk.award(timetable.awarding(3)))

    assert firm == {
        "of-the-rival": Proposal(700, 260_000, firm=True),
        "by-hand": Proposal(300, 250_000, firm=True),
    }


def test_at_the_same_price_who_has_bid_it_longer_comes_first(
    desk: SellerDesk, hand: Hand, rival: Hand, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(1_000, 250_000)), timetable.opening)
    desk.receive(rival.say(Proposal(1_000, 250_000)), timetable.opening)
    desk.receive(hand.say(Proposal(1_000, 250_000)), timetable.opening + 1)

    assert list(firm_of(desk.award(timetable.awarding(3)))) == ["by-hand"]


def test_a_bid_below_the_ask_gets_nothing_but_the_ask_of_the_moment(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, FLOOR)), timetable.opening)
    (told,) = desk.award(timetable.awarding(0))

    assert isinstance(told.body, Proposal)
    assert not told.body.firm
    assert told.body.price > FLOOR


def test_at_the_last_call_every_bid_from_the_floor_on_is_good_enough(
    desk: SellerDesk, hand: Hand, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, FLOOR)), timetable.opening)

    assert firm_of(desk.award(timetable.awarding(4)))["by-hand"] == Proposal(600, FLOOR, firm=True)


def test_no_more_is_made_firm_than_the_seller_can_put_up_a_bond_for(
    seller: Address, offer: Offer, hand: Hand, seat_of: Callable[..., Seat], timetable: Timetable
) -> None:
    bond = locks_of(400, 200_000, TERMS).bond
    desk = SellerDesk(seat_of(seller, bond), linear)
    desk.list_offers([offer], 0)
    desk.receive(hand.say(Proposal(1_000, 200_000)), timetable.opening)

    assert firm_of(desk.award(timetable.awarding(4)))["by-hand"].energy_wh == 400


def test_a_signed_acceptance_is_booked_and_confirmed(
    desk: SellerDesk, hand: Hand, offer: Offer, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))
    acceptance = hand.accept(signatures, 600, 250_000, timetable.deadline)

    answer = body_of(desk.receive(acceptance, timetable.choosing(3)))

    (booking,) = desk.bookings
    assert answer == Information(booking.agreement_id, Stage.BOOKED)
    assert signatures.verify(booking.signed)
    assert desk.booked_wh(offer.id) == 600
    assert desk.firm_wh(offer.id) == 0


def test_the_same_acceptance_again_is_confirmed_again_and_booked_once(
    desk: SellerDesk, hand: Hand, offer: Offer, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))
    first = desk.receive(
        hand.accept(signatures, 600, 250_000, timetable.deadline), timetable.choosing(3)
    )
    again = desk.receive(
        hand.accept(signatures, 600, 250_000, timetable.deadline), timetable.bidding(4)
    )

    assert body_of(first) == body_of(again)
    assert desk.booked_wh(offer.id) == 600


def test_a_second_acceptance_of_one_firm_proposal_is_refused(
    desk: SellerDesk, hand: Hand, offer: Offer, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))
    now = timetable.choosing(3)
    desk.receive(hand.accept(signatures, 400, 250_000, timetable.deadline, salt=1), now)
    second = desk.receive(hand.accept(signatures, 400, 250_000, timetable.deadline, salt=2), now)

    assert body_of(second) == Refusal(Reason.TERMS)
    assert desk.booked_wh(offer.id) == 400


@pytest.mark.parametrize(
    ("energy_wh", "price", "later"),
    [(601, 250_000, 0), (600, 249_999, 0), (600, 250_001, 0), (600, 250_000, -1)],
)
def test_an_acceptance_of_other_terms_is_refused(
    desk: SellerDesk,
    hand: Hand,
    signatures: Signatures,
    timetable: Timetable,
    energy_wh: int,
    price: int,
    later: int,
) -> None:
    desk.receive(hand.say(Proposal(600, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))
    acceptance = hand.accept(signatures, energy_wh, price, timetable.deadline + later)

    assert body_of(desk.receive(acceptance, timetable.choosing(3))) == Refusal(Reason.TERMS)
    assert desk.bookings == ()


def test_an_acceptance_without_a_firm_proposal_is_refused(
    desk: SellerDesk, hand: Hand, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, 250_000)), timetable.opening)
    acceptance = hand.accept(signatures, 600, 250_000, timetable.deadline)

    assert body_of(desk.receive(acceptance, timetable.round_times[0])) == Refusal(Reason.TERMS)


def test_somebody_elses_signature_is_refused_and_the_energy_set_free(
    desk: SellerDesk,
    hand: Hand,
    rival: Hand,
    outsider: Address,
    signatures: Signatures,
    timetable: Timetable,
) -> None:
    desk.receive(hand.say(Proposal(1_000, 260_000)), timetable.opening)
    desk.receive(rival.say(Proposal(1_000, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))
    forged = hand.accept(signatures, 1_000, 260_000, timetable.deadline, signer=outsider)

    refusal, next_best = desk.receive(forged, timetable.choosing(3))

    assert isinstance(refusal, Message)
    assert refusal.body == Refusal(Reason.SIGNATURE)
    assert isinstance(next_best, Message)
    assert next_best.header.conversation_id == "of-the-rival"
    assert next_best.body == Proposal(1_000, 250_000, firm=True)


def test_taking_less_than_was_set_aside_frees_the_rest_for_the_next_best(
    desk: SellerDesk, hand: Hand, rival: Hand, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(1_000, 260_000)), timetable.opening)
    desk.receive(rival.say(Proposal(500, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))
    answers = desk.receive(
        hand.accept(signatures, 700, 260_000, timetable.deadline), timetable.choosing(3)
    )

    assert [answer.body for answer in answers if isinstance(answer, Message)][1:] == [
        Proposal(300, 250_000, firm=True)
    ]


def test_a_rejection_hands_the_energy_to_the_next_best_at_once(
    desk: SellerDesk, hand: Hand, rival: Hand, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(1_000, 260_000)), timetable.opening)
    desk.receive(rival.say(Proposal(1_000, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))

    answers = desk.receive(hand.say(Rejection(Reason.COVERED)), timetable.choosing(3))

    assert body_of(answers) == Proposal(1_000, 250_000, firm=True)


def test_no_answer_in_time_drops_to_the_next_best(
    desk: SellerDesk, hand: Hand, rival: Hand, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(1_000, 260_000)), timetable.opening)
    desk.receive(rival.say(Proposal(1_000, 250_000)), timetable.opening)
    first = firm_of(desk.award(timetable.awarding(2)))
    second = firm_of(desk.award(timetable.awarding(3)))

    assert (list(first), list(second)) == (["by-hand"], ["of-the-rival"])


def test_a_late_acceptance_is_booked_while_the_energy_is_there(
    desk: SellerDesk, hand: Hand, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, 250_000)), timetable.opening)
    desk.award(timetable.awarding(2))
    late = hand.accept(signatures, 600, 250_000, timetable.deadline)

    assert isinstance(body_of(desk.receive(late, timetable.bidding(4))), Information)


def test_a_late_acceptance_is_refused_when_the_energy_went_to_somebody_else(
    desk: SellerDesk, hand: Hand, rival: Hand, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(1_000, 260_000)), timetable.opening)
    desk.receive(rival.say(Proposal(1_000, 250_000)), timetable.opening)
    desk.award(timetable.awarding(2))
    desk.award(timetable.awarding(3))
    late = hand.accept(signatures, 1_000, 260_000, timetable.deadline)

    assert body_of(desk.receive(late, timetable.choosing(3))) == Refusal(Reason.SOLD_OUT)
    assert desk.bookings == ()


def test_an_acceptance_in_the_commit_margin_is_refused(
    desk: SellerDesk, hand: Hand, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, 250_000)), timetable.opening)
    desk.award(timetable.awarding(4))
    late = hand.accept(signatures, 600, 250_000, timetable.deadline)

    assert body_of(desk.receive(late, timetable.writing)) == Refusal(Reason.OVER)


def test_after_a_refusal_no_earlier_proposal_can_be_accepted(
    desk: SellerDesk, hand: Hand, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(600, 250_000)), timetable.opening)
    desk.award(timetable.awarding(4))
    (refusal,) = desk.finish(timetable.end)
    assert refusal.body == Refusal(Reason.OVER)

    late = hand.accept(signatures, 600, 250_000, timetable.deadline)
    assert body_of(desk.receive(late, timetable.end)) == Refusal(Reason.TERMS)


def test_when_all_is_sold_the_others_hear_it_at_once(
    desk: SellerDesk, hand: Hand, rival: Hand, signatures: Signatures, timetable: Timetable
) -> None:
    desk.receive(hand.say(Proposal(1_000, 260_000)), timetable.opening)
    desk.receive(rival.say(Proposal(1_000, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))
    answers = desk.receive(
        hand.accept(signatures, 1_000, 260_000, timetable.deadline), timetable.choosing(3)
    )

    told = [answer for answer in answers if isinstance(answer, Message)][1]
    assert told.header.conversation_id == "of-the-rival"
    assert told.body == Refusal(Reason.SOLD_OUT)


def test_buyers_hear_what_became_of_their_agreement(
    desk: SellerDesk, hand: Hand, rival: Hand, signatures: Signatures, timetable: Timetable
) -> None:
    for party in (hand, rival):
        desk.receive(party.say(Proposal(500, 250_000)), timetable.opening)
    desk.award(timetable.awarding(3))
    for party in (hand, rival):
        desk.receive(
            party.accept(signatures, 500, 250_000, timetable.deadline), timetable.choosing(3)
        )
    written, dropped = desk.bookings

    good = desk.written(written, "0xabc", timetable.writing)
    bad = desk.failed(dropped, "FundsInsufficient", timetable.writing)

    assert good.body == Information(written.agreement_id, Stage.WRITTEN, "0xabc")
    assert bad.body == Failure(dropped.agreement_id, "FundsInsufficient")
    assert bad.header.buyer == rival.buyer
    assert desk.bookings == (written,)
