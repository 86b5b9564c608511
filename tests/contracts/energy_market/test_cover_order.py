import pytest
from brownie import reverts

from app.ledger.types import Side
from tests.contracts.conftest import CEILING, DEPOSIT, FLOOR, PENALTY, WINDOW
from tests.contracts.errors import error

BUY, SELL = Side


@pytest.mark.parametrize(
    ("side", "limit_price", "cover"),
    [
        (BUY, 200_000, 200),
        (BUY, 200_001, 201),
        (SELL, 200_000, 170),
        (SELL, 199_999, 171),
        (SELL, CEILING, PENALTY // 1_000),
    ],
)
def test_locks_and_returns_the_cover(market, venue, buyer, account_of, side, limit_price, cover):
    order = (side, buyer, WINDOW, 7, limit_price)
    assert market.coverOrder.call(*order, {"from": venue}) == 7 * cover

    market.coverOrder(*order, {"from": venue})
    assert account_of(buyer) == {"free": DEPOSIT - 7 * cover, "locked": 7 * cover, "debt": 0}
    assert market.releaseOrder.call(*order, {"from": venue}) == 7 * cover

    market.releaseOrder(*order, {"from": venue})
    assert account_of(buyer) == {"free": DEPOSIT, "locked": 0, "debt": 0}


def test_returns_a_cover_in_parts(market, venue, buyer, account_of):
    market.coverOrder(SELL, buyer, WINDOW, 1_000, 123_456, {"from": venue})

    for energy_wh in (1, 332, 667):
        market.releaseOrder(SELL, buyer, WINDOW, energy_wh, 123_456, {"from": venue})

    assert account_of(buyer) == {"free": DEPOSIT, "locked": 0, "debt": 0}


def test_covers_by_the_terms_of_the_window(market, venue, operator, seller, account_of):
    market.publishTerms(WINDOW, [(100_000, 200_000, 30_000)], {"from": operator})

    market.coverOrder(SELL, seller, WINDOW, 1_000, 120_000, {"from": venue})

    assert account_of(seller)["locked"] == 110_000


def test_freezes_the_terms(market, venue, operator, buyer):
    market.coverOrder(BUY, buyer, WINDOW, 1, FLOOR, {"from": venue})

    with reverts(error("TermsFrozen", WINDOW)):
        market.publishTerms.call(WINDOW, [(FLOOR, CEILING, PENALTY)], {"from": operator})


def test_returns_a_cover_while_paused(market, venue, buyer, operator, account_of):
    market.coverOrder(BUY, buyer, WINDOW, 1_000, 200_000, {"from": venue})
    market.pause({"from": operator})

    market.releaseOrder(BUY, buyer, WINDOW, 1_000, 200_000, {"from": venue})

    assert account_of(buyer)["locked"] == 0


# Guards


def test_refuses_while_paused(market, venue, buyer, paused):
    with reverts(error("EnforcedPause")):
        market.coverOrder.call(BUY, buyer, WINDOW, 1_000, 200_000, {"from": venue})


def test_refuses_who_takes_no_part(market, venue, newcomer):
    with reverts(error("NotParticipant", newcomer)):
        market.coverOrder.call(BUY, newcomer, WINDOW, 1_000, 200_000, {"from": venue})


def test_refuses_who_has_debt(market, venue, buyer, indebt):
    debt = indebt(buyer)

    with reverts(error("DebtOutstanding", buyer, debt)):
        market.coverOrder.call(BUY, buyer, WINDOW, 1_000, 200_000, {"from": venue})


@pytest.mark.parametrize("limit_price", [FLOOR - 1, CEILING + 1])
def test_refuses_a_limit_beyond_the_grids_prices(market, venue, buyer, limit_price):
    with reverts(error("PriceOutOfRange", limit_price, FLOOR, CEILING)):
        market.coverOrder.call(BUY, buyer, WINDOW, 1_000, limit_price, {"from": venue})


def test_locks_no_more_than_is_free(market, venue, buyer):
    market.coverOrder.call(BUY, buyer, WINDOW, DEPOSIT // 200, 200_000, {"from": venue})

    with reverts(error("FundsInsufficient", buyer, DEPOSIT + 200, DEPOSIT)):
        market.coverOrder.call(BUY, buyer, WINDOW, DEPOSIT // 200 + 1, 200_000, {"from": venue})


def test_returns_no_more_than_is_locked(market, venue, buyer):
    market.coverOrder(BUY, buyer, WINDOW, 1_000, 200_000, {"from": venue})

    with reverts("Integer overflow"):
        market.releaseOrder.call(BUY, buyer, WINDOW, 1_001, 200_000, {"from": venue})
