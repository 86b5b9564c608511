import pytest
from brownie import reverts

from app.ledger.types import Side
from app.market.windows import commit_start, grace_end
from tests.contracts.conftest import CEILING, DEPOSIT, PENALTY, WINDOW, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of
from tests.contracts.signing import Agreement

BUY, SELL = Side


@pytest.fixture
def covered(market, venue, buyer, seller):
    """A buy of 2 kWh at 0.20 and a sell of 2 kWh at 0.10 at the venue."""
    market.coverOrder(BUY, buyer, WINDOW, 2_000, 200_000, {"from": venue})
    market.coverOrder(SELL, seller, WINDOW, 2_000, 100_000, {"from": venue})


@pytest.fixture
def fill_of(buyer, seller):
    """The fields of a fill of both."""

    def fill_of(energy_wh=2_000, price=150_000, window=WINDOW, ids=(7, 8)):
        return (*ids, buyer, seller, window, energy_wh, price, 200_000, 100_000, WINDOW)

    return fill_of


def agreement_of(venue, buyer, seller, energy_wh=2_000, price=150_000):
    return Agreement(
        offer_id=int(venue.address, 16) << 96 | 8,
        seller=seller.address,
        buyer=buyer.address,
        window=WINDOW,
        energy_wh=energy_wh,
        price=price,
        deadline=0,
        salt=7,
    )


def test_opens_an_agreement(market, venue, covered, fill_of, buyer, seller):
    agreement = agreement_of(venue, buyer, seller)
    digest = market.hashAgreement(agreement)
    assert market.recordFill.call(fill_of(), {"from": venue}) == digest

    transaction = market.recordFill(fill_of(), {"from": venue})

    assert market.agreementState(digest) == 1
    assert event_of(transaction, "TransactionAllowed") == {
        "agreementId": bytes(digest),
        "seller": seller.address,
        "buyer": buyer.address,
        "offerId": agreement.offer_id,
        "window": WINDOW,
        "energyWh": 2_000,
        "price": 150_000,
    }
    for participant in (seller, buyer):
        assert market.positionOf(participant, WINDOW)["openAgreements"] == 1


def test_tells_the_venues_apart(market, auction, admin, outsider, venue, covered, fill_of):
    market.setVenue(outsider, True, {"from": admin})
    ids = [market.recordFill.call(fill_of(), {"from": one}) for one in (venue, outsider)]

    assert ids[0] != ids[1]


@pytest.mark.parametrize("energy_wh", [1, 999, 2_000])
@pytest.mark.parametrize("price", [100_000, 150_001, 200_000])
def test_locks_the_agreement_in_place_of_the_covers(
    market, venue, covered, fill_of, account_of, buyer, seller, energy_wh, price
):
    market.recordFill(fill_of(energy_wh, price), {"from": venue})

    left_wh = 2_000 - energy_wh
    escrow = -(-energy_wh * price // 1_000)
    bond = -(-energy_wh * (CEILING - price + PENALTY) // 1_000)
    locked = left_wh * 200 + escrow
    assert account_of(buyer) == {"free": DEPOSIT - locked, "locked": locked, "debt": 0}
    locked = left_wh * 270 + bond
    assert account_of(seller) == {"free": DEPOSIT - locked, "locked": locked, "debt": 0}


def test_goes_on_while_paused_and_when_the_window_has_begun(
    market, venue, covered, fill_of, operator
):
    market.pause({"from": operator})
    travel_to(WINDOW * 3600 + 600)

    market.recordFill(fill_of(), {"from": venue})


# Guards


@pytest.mark.parametrize("price", [99_999, 200_001])
def test_takes_no_money_that_the_orders_have_not_locked(market, venue, covered, fill_of, price):
    with reverts("Integer overflow"):
        market.recordFill.call(fill_of(2_000, price), {"from": venue})


def test_waits_for_the_position_of_eight_windows_before(
    market, venue, covered, fill_of, keeper, seller, buyer
):
    travel_to(commit_start(WINDOW))
    market.recordFill(fill_of(1_000), {"from": venue})
    later = fill_of(1_000, window=WINDOW + 8)
    market.openClearing(WINDOW + 8, {"from": venue})
    travel_to(grace_end(WINDOW))
    with reverts(error("PositionOpen", seller, WINDOW)):
        market.recordFill.call(later, {"from": venue})

    agreement = agreement_of(venue, buyer, seller, 1_000)
    market.makeTransaction(agreement, {"from": keeper})
    market.closePosition(seller, WINDOW, {"from": keeper})
    with reverts(error("PositionOpen", buyer, WINDOW)):
        market.recordFill.call(later, {"from": venue})

    market.closePosition(buyer, WINDOW, {"from": keeper})
    market.recordFill(later, {"from": venue})
