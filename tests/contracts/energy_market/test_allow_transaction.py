"""`allowTransaction`: what it locks, and who and what it refuses."""

import pytest
from brownie import reverts

from app.ledger.types import AgreementState
from app.market.units import cost_up
from app.market.windows import commit_start, window_start
from tests.contracts.conftest import (
    CEILING,
    DEPOSIT,
    FLOOR,
    PENALTY,
    WINDOW,
    agreement_on,
    index_of,
    travel_to,
)
from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain
from tests.contracts.signing import key, twin_of


@pytest.fixture
def try_to_allow(market, seller, sign):
    """Calls `allowTransaction` without effect, with the buyer's signature or another."""

    def try_to_allow(agreement, signature=None, *, by=seller):
        if signature is None:
            signature = sign(agreement)
        return market.allowTransaction.call(agreement, signature, {"from": by})

    return try_to_allow


def test_writes_an_agreement(market, agreement, commit_phase, allow, seller, buyer):
    transaction = allow(agreement)

    agreement_id = plain(market.hashAgreement(agreement))
    assert plain(transaction.return_value) == agreement_id
    assert event_of(transaction, "TransactionAllowed") == {
        "agreementId": agreement_id,
        "seller": seller.address,
        "buyer": buyer.address,
        "offerId": agreement.offer_id,
        "window": WINDOW,
        "energyWh": agreement.energy_wh,
        "price": agreement.price,
    }
    assert market.agreementState(agreement_id) == AgreementState.OPEN
    assert market.offerOf(agreement.offer_id)["agreedWh"] == agreement.energy_wh


def test_locks_escrow_and_bond_rounded_up(
    agreement, commit_phase, allow, account_of, seller, buyer
):
    odd = agreement._replace(energy_wh=1_999, price=200_001)

    allow(odd)

    escrow = 399_802  # 1.999 * 200001 = 399801.999
    bond = 339_829  # 1.999 * (320000 - 200001 + 50000) = 339828.001
    assert account_of(buyer) == {"free": DEPOSIT - escrow, "locked": escrow, "debt": 0}
    assert account_of(seller) == {"free": DEPOSIT - bond, "locked": bond, "debt": 0}


def test_counts_in_both_positions(market, open_agreement, seller, buyer):
    for party in (seller, buyer):
        assert plain(market.positionOf(party, WINDOW)) == {
            "soldWh": 0,
            "boughtWh": 0,
            "openAgreements": 1,
            "closed": False,
        }


def test_sells_an_offer_to_many(
    market, agreement, commit_phase, allow, account_of, seller, other_buyer
):
    second = agreement._replace(buyer=other_buyer.address, energy_wh=3_000, price=250_000)

    allow(agreement)
    allow(second)

    assert market.offerOf(agreement.offer_id)["agreedWh"] == 5_000
    assert account_of(seller)["locked"] == cost_up(2_000, 170_000) + cost_up(3_000, 120_000)
    assert market.positionOf(seller, WINDOW)["openAgreements"] == 2


def test_tells_agreements_apart_by_their_salt(agreement, commit_phase, allow, market, buyer):
    allow(agreement)
    allow(agreement._replace(salt=2))

    assert market.positionOf(buyer, WINDOW)["openAgreements"] == 2


def test_household_may_sell_and_buy_in_one_window(
    market, agreement, make_offer, other_seller, seller, allow
):
    other_offer = make_offer(by=other_seller)
    travel_to(commit_start(WINDOW))

    allow(agreement)
    allow(agreement_on(other_offer, other_seller, seller))

    assert market.positionOf(seller, WINDOW)["openAgreements"] == 2


# Guards: one change from what works


def test_refuses_while_paused(try_to_allow, agreement, commit_phase, paused):
    with reverts(error("EnforcedPause")):
        try_to_allow(agreement)


@pytest.mark.parametrize("other", ["buyer", "outsider", "admin", "keeper"])
def test_refuses_all_but_the_seller(try_to_allow, agreement, commit_phase, seller, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("NotSeller", somebody, seller)):
        try_to_allow(agreement, by=somebody)


def test_refuses_an_offer_that_was_not_made(try_to_allow, agreement, commit_phase):
    with reverts(error("OfferUnknown", agreement.offer_id + 1)):
        try_to_allow(agreement._replace(offer_id=agreement.offer_id + 1))


def test_refuses_the_offer_of_another(try_to_allow, agreement, commit_phase, seller, other_seller):
    with reverts(error("SellerMismatch", other_seller, seller)):
        try_to_allow(agreement._replace(seller=other_seller.address), by=other_seller)


def test_refuses_another_window_than_the_offers(try_to_allow, agreement, commit_phase):
    with reverts(error("WindowMismatch", WINDOW + 1, WINDOW)):
        try_to_allow(agreement._replace(window=WINDOW + 1))


def test_refuses_a_cancelled_offer(market, try_to_allow, agreement, seller):
    market.cancelOffer(agreement.offer_id, {"from": seller})
    travel_to(commit_start(WINDOW))

    with reverts(error("OfferIsCancelled", agreement.offer_id)):
        try_to_allow(agreement)


def test_refuses_to_sell_to_oneself(try_to_allow, agreement, commit_phase, seller):
    with reverts(error("SelfTrade", seller)):
        try_to_allow(agreement._replace(buyer=seller.address))


def test_refuses_a_buyer_that_takes_no_part(try_to_allow, agreement, commit_phase, newcomer):
    with reverts(error("NotParticipant", newcomer)):
        try_to_allow(agreement._replace(buyer=newcomer.address))


@pytest.mark.parametrize("party", ["seller", "buyer"])
def test_refuses_who_has_debt(try_to_allow, agreement, indebt, party, request):
    debtor = request.getfixturevalue(party)
    debt = indebt(debtor)
    travel_to(commit_start(WINDOW))

    with reverts(error("DebtOutstanding", debtor, debt)):
        try_to_allow(agreement)


def test_refuses_no_energy(try_to_allow, agreement, commit_phase):
    with reverts(error("EnergyZero")):
        try_to_allow(agreement._replace(energy_wh=0))


def test_refuses_an_agreement_that_is_there(market, try_to_allow, open_agreement):
    with reverts(error("AgreementExists", plain(market.hashAgreement(open_agreement)))):
        try_to_allow(open_agreement)


# Signatures


def test_refuses_the_signature_of_another(
    try_to_allow, agreement, commit_phase, sign, buyer, other_buyer
):
    signature = sign(agreement, key(index_of(other_buyer)))

    with reverts(error("SignatureInvalid", buyer)):
        try_to_allow(agreement, signature)


@pytest.mark.parametrize(
    "change", [{"energy_wh": 2_001}, {"price": 200_001}, {"deadline": 2**63}, {"salt": 2}]
)
def test_refuses_what_the_buyer_did_not_sign(
    try_to_allow, agreement, commit_phase, sign, buyer, change
):
    with reverts(error("SignatureInvalid", buyer)):
        try_to_allow(agreement._replace(**change), sign(agreement))


@pytest.mark.parametrize("length", [0, 64, 66])
def test_refuses_a_signature_of_another_length(
    try_to_allow, agreement, commit_phase, sign, buyer, length
):
    signature = (sign(agreement) + b"\x00")[:length]

    with reverts(error("SignatureInvalid", buyer)):
        try_to_allow(agreement, signature)


def test_refuses_the_twin_of_a_signature(try_to_allow, agreement, commit_phase, sign, buyer):
    with reverts(error("SignatureInvalid", buyer)):
        try_to_allow(agreement, twin_of(sign(agreement)))


# Edges


def test_takes_agreements_in_the_commit_margin_only(try_to_allow, agreement):
    start, end = commit_start(WINDOW), window_start(WINDOW)

    travel_to(start - 1)
    with reverts(error("CommitPhaseOnly", WINDOW, start, end)):
        try_to_allow(agreement)
    travel_to(start)
    try_to_allow(agreement)
    travel_to(end - 1)
    try_to_allow(agreement)
    travel_to(end)
    with reverts(error("CommitPhaseOnly", WINDOW, start, end)):
        try_to_allow(agreement)


def test_takes_an_agreement_until_its_deadline(try_to_allow, agreement):
    deadline = commit_start(WINDOW) + 60
    hasty = agreement._replace(deadline=deadline)

    travel_to(deadline)
    try_to_allow(hasty)
    travel_to(deadline + 1)
    with reverts(error("AgreementExpired", deadline)):
        try_to_allow(hasty)


def test_keeps_the_price_above_the_offers_floor(try_to_allow, agreement, commit_phase):
    try_to_allow(agreement._replace(price=100_000))

    with reverts(error("PriceOutOfRange", 99_999, 100_000, CEILING)):
        try_to_allow(agreement._replace(price=99_999))


def test_keeps_the_price_above_the_grids_floor(try_to_allow, make_offer, seller, buyer):
    agreement = agreement_on(make_offer(floor_price=0), seller, buyer)
    travel_to(commit_start(WINDOW))
    try_to_allow(agreement._replace(price=FLOOR))

    with reverts(error("PriceOutOfRange", FLOOR - 1, FLOOR, CEILING)):
        try_to_allow(agreement._replace(price=FLOOR - 1))


def test_keeps_the_price_below_the_grids_ceiling(try_to_allow, agreement, commit_phase):
    try_to_allow(agreement._replace(price=CEILING))

    with reverts(error("PriceOutOfRange", CEILING + 1, 100_000, CEILING)):
        try_to_allow(agreement._replace(price=CEILING + 1))


def test_sells_no_more_than_was_offered(try_to_allow, agreement, commit_phase, allow):
    allow(agreement)
    left = 3_000

    try_to_allow(agreement._replace(energy_wh=left))
    with reverts(error("OfferExceeded", agreement.offer_id, left + 1, left)):
        try_to_allow(agreement._replace(energy_wh=left + 1))


@pytest.mark.parametrize("energy_wh", [2**32, 2**32 + 1, 2**64 - 1])
def test_does_not_cut_large_energies_short(try_to_allow, agreement, commit_phase, energy_wh):
    with reverts(error("OfferExceeded", agreement.offer_id, energy_wh, 5_000)):
        try_to_allow(agreement._replace(energy_wh=energy_wh))


def test_needs_the_buyers_escrow(market, try_to_allow, agreement, commit_phase, buyer):
    escrow = cost_up(agreement.energy_wh, agreement.price)
    market.withdraw(DEPOSIT - escrow, {"from": buyer})
    try_to_allow(agreement)

    market.withdraw(1, {"from": buyer})
    with reverts(error("FundsInsufficient", buyer, escrow, escrow - 1)):
        try_to_allow(agreement)


def test_needs_the_sellers_bond(market, try_to_allow, agreement, commit_phase, seller):
    bond = cost_up(agreement.energy_wh, CEILING - agreement.price + PENALTY)
    market.withdraw(DEPOSIT - bond, {"from": seller})
    try_to_allow(agreement)

    market.withdraw(1, {"from": seller})
    with reverts(error("FundsInsufficient", seller, bond, bond - 1)):
        try_to_allow(agreement)
