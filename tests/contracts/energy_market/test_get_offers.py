import pytest
from brownie import reverts

from tests.contracts.conftest import WINDOW, post
from tests.contracts.errors import error
from tests.contracts.plain import plain

MAX_PAGE = 256


@pytest.fixture
def three_offers(make_offer, other_seller):
    return [make_offer(1_000), make_offer(2_000, by=other_seller), make_offer(3_000)]


def page(market, offset, limit, window=WINDOW):
    """The ids on a page, and the total."""
    returned = plain(market.getOffers(window, offset, limit))
    return [offer["id"] for offer in returned["offers"]], returned["total"]


def test_lists_offers_in_the_order_of_their_making(market, three_offers):
    assert page(market, 0, MAX_PAGE) == (three_offers, 3)


def test_tells_all_about_an_offer(market, make_offer, seller):
    offer = make_offer(1_000, 90_000)

    assert plain(market.getOffers(WINDOW, 0, 1))["offers"] == [
        {
            "id": offer,
            "seller": seller.address,
            "window": WINDOW,
            "energyWh": 1_000,
            "floorPrice": 90_000,
            "agreedWh": 0,
            "cancelled": False,
        }
    ]


def test_keeps_cancelled_offers_in_their_place(market, three_offers, other_seller):
    market.cancelOffer(three_offers[1], {"from": other_seller})

    offers = plain(market.getOffers(WINDOW, 0, MAX_PAGE))["offers"]
    assert [offer["energyWh"] for offer in offers] == [1_000, 0, 3_000]
    assert [offer["cancelled"] for offer in offers] == [False, True, False]


def test_does_not_mix_windows(market, make_offer, three_offers):
    later = make_offer(window=WINDOW + 1)

    assert page(market, 0, MAX_PAGE, WINDOW + 1) == ([later], 1)


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [(0, 2, [0, 1]), (1, 2, [1, 2]), (2, 2, [2]), (3, 2, []), (2**255, 2, []), (0, 0, [])],
)
def test_cuts_pages(market, three_offers, offset, limit, expected):
    assert page(market, offset, limit) == ([three_offers[index] for index in expected], 3)


def test_is_empty_where_there_are_no_offers(market):
    assert page(market, 0, MAX_PAGE) == ([], 0)


def test_bounds_a_page(market, seller):
    ids = [(WINDOW << 32) + index for index in range(MAX_PAGE + 1)]
    for _ in ids:
        post(market, "makeOffer", WINDOW, 1, 0, by=seller)

    assert page(market, 0, 2**256 - 1) == (ids[:MAX_PAGE], MAX_PAGE + 1)
    assert page(market, MAX_PAGE, MAX_PAGE) == (ids[MAX_PAGE:], MAX_PAGE + 1)


def test_knows_no_offer_that_was_not_made(market, offer):
    with reverts(error("OfferUnknown", offer + 1)):
        market.offerOf(offer + 1)
