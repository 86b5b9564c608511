"""Orders on the model: what they lock, each guard in its order, how they end."""

import pytest

from app.errors import ContractRevertedError
from app.ledger.types import Account, Book, BookState, Order, Side
from app.market.auction import latest_expiry
from app.market.clearing import PricingRule
from app.market.windows import commit_start, window_at, window_start
from tests.ledger.calls import refusal_of
from tests.ledger.conftest import DEPOSIT, NOW, TERMS, WINDOW

MAX_ENERGY_WH = 2**32 - 1


class TestPlacing:
    async def test_ids_count_up_from_one(self, place, buyer, seller):
        assert [await place(buyer, Side.BUY), await place(seller, Side.SELL)] == [1, 2]

    async def test_a_buy_locks_its_limit_for_every_wh(self, ledger, place, buyer):
        await place(buyer, Side.BUY, 2_000, 200_001)

        locked = 2_000 * 201
        assert await ledger.account_of(buyer) == Account(free=DEPOSIT - locked, locked=locked)

    async def test_a_sell_locks_what_a_failure_may_cost(self, ledger, place, seller):
        await place(seller, Side.SELL, 2_000, 200_000)

        # (0.32 - 0.20 + 0.05) a kWh
        assert await ledger.account_of(seller) == Account(free=DEPOSIT - 340_000, locked=340_000)

    async def test_it_stands_in_the_book(self, ledger, place, buyer, seller):
        await place(seller, Side.SELL, 7, 90_000, expires_at=commit_start(WINDOW + 2))
        await place(buyer, Side.BUY)

        first, second = await ledger.orders(WINDOW)
        assert first == Order(1, seller, Side.SELL, 7, 90_000, WINDOW, WINDOW + 1)
        assert (second.owner, second.last_window) == (buyer, WINDOW)
        assert await ledger.order(1) == first
        assert await ledger.book_of(WINDOW) == Book(buys=1, sells=1, state=BookState.OPEN)
        assert await ledger.orders(WINDOW + 1) == []

    async def test_its_event(self, ledger, buyer):
        expiry = commit_start(WINDOW + 3)
        receipt = await ledger.place_order(buyer, Side.BUY, 2_000, 200_000, WINDOW, expiry)

        (event,) = receipt.events
        assert (receipt.function, event.contract, event.name) == (
            "placeOrder",
            "CallAuction",
            "OrderPlaced",
        )
        assert event.arguments == {
            "orderId": 1,
            "owner": buyer,
            "window": WINDOW,
            "side": Side.BUY,
            "energyWh": 2_000,
            "limitPrice": 200_000,
            "expiresAt": expiry,
        }

    async def test_it_freezes_the_terms_of_its_window(self, ledger, place, buyer, operator):
        await place(buyer, Side.BUY)

        refusal = await refusal_of(ledger.publish_terms(operator, WINDOW, [TERMS]))
        assert refusal.error == "TermsFrozen"

    async def test_it_may_be_placed_until_the_last_second(self, ledger, clock, place, buyer):
        clock.set(commit_start(WINDOW) - 1)
        await place(buyer, Side.BUY)
        clock.set(commit_start(WINDOW))

        refusal = await refusal_of(place(buyer, Side.BUY))
        assert refusal.error == "WindowClosed"
        assert refusal.arguments == {"window": WINDOW, "closedSince": commit_start(WINDOW)}

    @pytest.mark.parametrize("limit_price", [80_000, 320_000])
    @pytest.mark.parametrize("side", Side)
    async def test_a_limit_may_be_one_of_the_grids_prices(self, place, buyer, side, limit_price):
        assert await place(buyer, side, 1, limit_price) == 1

    async def test_the_largest_order_and_the_farthest_window(self, place, buyer):
        last = window_at(NOW) + 168

        assert await place(buyer, Side.BUY, 10, 80_000, window=last) == 1
        assert await place(buyer, Side.BUY, 10, 80_000, expires_at=latest_expiry(WINDOW)) == 2


class TestPlacingGuards:
    """Each breaks one rule; the first that is broken is the one that is named."""

    @pytest.mark.parametrize(
        ("change", "error", "arguments"),
        [
            ({"energy_wh": 0}, "EnergyZero", {}),
            (
                {"energy_wh": MAX_ENERGY_WH + 1},
                "EnergyTooLarge",
                {"energyWh": MAX_ENERGY_WH + 1, "maximum": MAX_ENERGY_WH},
            ),
            (
                {"window": WINDOW - 1},
                "WindowClosed",
                {"window": WINDOW - 1, "closedSince": commit_start(WINDOW - 1)},
            ),
            (
                {"window": WINDOW + 168},
                "WindowTooFar",
                {"window": WINDOW + 168, "lastWindow": WINDOW + 167},
            ),
            (
                {"expires_at": commit_start(WINDOW)},
                "ExpiryTooEarly",
                {"expiresAt": commit_start(WINDOW), "earliest": commit_start(WINDOW) + 1},
            ),
            (
                {"expires_at": commit_start(WINDOW + 169) + 1},
                "ExpiryTooLate",
                {
                    "expiresAt": commit_start(WINDOW + 169) + 1,
                    "latest": commit_start(WINDOW + 169),
                },
            ),
            (
                {"limit_price": 79_999},
                "PriceOutOfRange",
                {"price": 79_999, "minimum": 80_000, "maximum": 320_000},
            ),
            (
                {"limit_price": 320_001},
                "PriceOutOfRange",
                {"price": 320_001, "minimum": 80_000, "maximum": 320_000},
            ),
        ],
    )
    async def test_a_number_out_of_bounds(self, place, buyer, change, error, arguments):
        refusal = await refusal_of(place(buyer, Side.BUY, **change))

        assert refusal.error == error
        assert refusal.arguments == arguments

    async def test_a_paused_market(self, ledger, place, buyer, operator):
        ledger.call("pause", ledger.energy_market.pause, operator)

        assert (await refusal_of(place(buyer, Side.BUY))).error == "EnforcedPause"

    async def test_an_outsider(self, place, outsider):
        refusal = await refusal_of(place(outsider, Side.BUY))

        assert (refusal.error, refusal.arguments) == ("NotParticipant", {"account": outsider})

    async def test_a_debtor(self, ledger, place, record, keeper, buyer):
        await ledger.withdraw(buyer, DEPOSIT)
        await record("buyer", imported_wh=1_000)
        await ledger.close_positions(keeper, [buyer], WINDOW)

        assert (await refusal_of(place(buyer, Side.BUY, window=WINDOW + 3))).error == (
            "DebtOutstanding"
        )

    async def test_too_little_money(self, ledger, place, buyer):
        await ledger.withdraw(buyer, DEPOSIT - 399_999)

        refusal = await refusal_of(place(buyer, Side.BUY))
        assert refusal.error == "FundsInsufficient"
        assert refusal.arguments == {"account": buyer, "required": 400_000, "free": 399_999}
        assert await ledger.orders(WINDOW) == []

    async def test_their_order(self, ledger, place, operator, members, outsider):
        """One call that breaks them all, mended one by one."""
        ledger.call("pause", ledger.energy_market.pause, operator)
        wrong = {
            "energy_wh": 0,
            "window": WINDOW - 1,
            "expires_at": 0,
            "limit_price": 1,
        }
        errors = []
        for mended in (
            {},
            {"energy_wh": MAX_ENERGY_WH + 1},
            {"energy_wh": 1},
            {"window": WINDOW + 168},
            {"window": WINDOW},
            {"expires_at": latest_expiry(WINDOW) + 1},
            {"expires_at": latest_expiry(WINDOW)},
        ):
            wrong |= mended
            errors.append((await refusal_of(place(outsider, Side.BUY, **wrong))).error)
        ledger.call("unpause", ledger.energy_market.unpause, members)
        errors.append((await refusal_of(place(outsider, Side.BUY, **wrong))).error)

        assert errors == [
            "EnergyZero",
            "EnergyTooLarge",
            "WindowClosed",
            "WindowTooFar",
            "ExpiryTooEarly",
            "ExpiryTooLate",
            "EnforcedPause",
            "NotParticipant",
        ]


class TestCancelling:
    async def test_the_cover_returns(self, ledger, place, seller):
        order_id = await place(seller, Side.SELL)
        receipt = await ledger.cancel_order(seller, order_id)

        assert await ledger.account_of(seller) == Account(free=DEPOSIT)
        assert await ledger.orders(WINDOW) == []
        (event,) = receipt.events
        assert event.name == "OrderCancelled"
        assert event.arguments == {"orderId": order_id, "owner": seller, "energyWh": 2_000}

    async def test_by_the_owner_alone(self, ledger, place, seller, buyer):
        order_id = await place(seller, Side.SELL)

        refusal = await refusal_of(ledger.cancel_order(buyer, order_id))
        assert refusal.error == "NotOwner"
        assert refusal.arguments == {"caller": buyer, "owner": seller}

    async def test_once(self, ledger, place, seller):
        order_id = await place(seller, Side.SELL)
        await ledger.cancel_order(seller, order_id)

        refusal = await refusal_of(ledger.cancel_order(seller, order_id))
        assert (refusal.error, refusal.arguments) == ("OrderUnknown", {"orderId": order_id})

    async def test_though_the_market_is_paused(self, ledger, place, seller, operator):
        order_id = await place(seller, Side.SELL)
        ledger.call("pause", ledger.energy_market.pause, operator)

        await ledger.cancel_order(seller, order_id)
        assert (await ledger.account_of(seller)).locked == 0

    async def test_not_from_a_closed_book(self, ledger, clock, place, seller):
        order_id = await place(seller, Side.SELL)

        for moment in (commit_start(WINDOW), window_start(WINDOW) - 1):
            clock.set(moment)
            refusal = await refusal_of(ledger.cancel_order(seller, order_id))
            assert (refusal.error, refusal.arguments) == ("BookClosed", {"window": WINDOW})

    async def test_from_a_book_that_nobody_cleared(self, ledger, clock, place, seller):
        order_id = await place(seller, Side.SELL, expires_at=commit_start(WINDOW + 9))
        clock.set(window_start(WINDOW))

        assert await ledger.orders(WINDOW + 1) == []
        await ledger.cancel_order(seller, order_id)
        assert await ledger.account_of(seller) == Account(free=DEPOSIT)

    async def test_a_debt_is_paid_first(self, ledger, place, record, keeper, seller, treasury):
        order_id = await place(seller, Side.SELL, window=WINDOW + 4)
        await ledger.withdraw(seller, DEPOSIT - 340_000)
        await record("seller", imported_wh=1_000)
        await ledger.close_positions(keeper, [seller], WINDOW)
        receipt = await ledger.cancel_order(seller, order_id)

        assert await ledger.account_of(seller) == Account(free=340_000 - 320_000)
        assert await ledger.account_of(treasury) == Account(free=320_000)
        assert [event.name for event in receipt.events] == ["DebtPaid", "OrderCancelled"]


class TestReleasing:
    async def test_by_anyone_from_a_book_that_nobody_cleared(
        self, ledger, clock, place, seller, buyer, outsider
    ):
        ids = [
            await place(seller, Side.SELL, expires_at=commit_start(WINDOW + 3)),
            await place(buyer, Side.BUY),
        ]
        clock.set(window_start(WINDOW))
        (receipt,) = await ledger.release_orders(outsider, ids)

        assert await ledger.account_of(seller) == Account(free=DEPOSIT)
        assert await ledger.account_of(buyer) == Account(free=DEPOSIT)
        assert [(event.name, event.arguments) for event in receipt.events] == [
            ("OrderExpired", {"orderId": ids[0], "window": WINDOW + 2, "energyWh": 2_000}),
            ("OrderExpired", {"orderId": ids[1], "window": WINDOW, "energyWh": 2_000}),
        ]

    async def test_those_that_are_gone_are_passed_over(self, ledger, clock, place, seller):
        order_id = await place(seller, Side.SELL)
        clock.set(window_start(WINDOW))
        await ledger.release_orders(seller, [order_id])
        (again,) = await ledger.release_orders(seller, [order_id, 999])

        assert again.events == ()

    @pytest.mark.parametrize("moment", [NOW, commit_start(WINDOW), window_start(WINDOW) - 1])
    async def test_not_from_a_book(self, ledger, clock, place, seller, outsider, moment):
        order_id = await place(seller, Side.SELL)
        clock.set(moment)

        refusal = await refusal_of(ledger.release_orders(outsider, [order_id]))
        assert refusal.error == "OrderInBook"
        assert refusal.arguments == {"orderId": order_id, "window": WINDOW}


class TestPricingRule:
    async def test_it_is_the_midpoint_at_first(self, ledger):
        assert await ledger.pricing_rule_of(WINDOW) is PricingRule.MIDPOINT

    async def test_it_changes_from_the_window_after_the_next_on(self, ledger, staff):
        receipt = await ledger.set_pricing_rule(staff.members, PricingRule.UNIFORM)

        first = window_at(NOW) + 2
        assert await ledger.pricing_rule_of(first - 1) is PricingRule.MIDPOINT
        assert await ledger.pricing_rule_of(first) is PricingRule.UNIFORM
        assert await ledger.pricing_rule_of(first + 99) is PricingRule.UNIFORM
        (event,) = receipt.events
        assert (event.name, event.arguments) == (
            "PricingRuleSet",
            {"fromWindow": first, "rule": PricingRule.UNIFORM},
        )

    async def test_the_last_word_of_an_hour_counts(self, ledger, staff, clock):
        await ledger.set_pricing_rule(staff.members, PricingRule.UNIFORM)
        clock.set(NOW + 60)
        await ledger.set_pricing_rule(staff.members, PricingRule.PAY_AS_BID)

        assert await ledger.pricing_rule_of(WINDOW + 1) is PricingRule.PAY_AS_BID

    async def test_by_the_members_alone(self, ledger, operator):
        refusal = await refusal_of(ledger.set_pricing_rule(operator, PricingRule.UNIFORM))

        assert refusal.error == "AccessManagedUnauthorized"


class TestVenues:
    async def test_only_the_auction_is_one_at_first(self, ledger, outsider):
        assert ledger.energy_market.is_venue(ledger.auction_address)
        assert not ledger.energy_market.is_venue(outsider)

    async def test_a_venue_that_is_admitted_no_more_locks_nothing(
        self, ledger, staff, place, buyer
    ):
        venue = ledger.auction_address
        receipt = ledger.call(
            "setVenue", ledger.energy_market.set_venue, staff.members, venue, False
        )

        (event,) = receipt.events
        assert (event.name, event.arguments) == ("VenueSet", {"venue": venue, "admitted": False})
        refusal = await refusal_of(place(buyer, Side.BUY))
        assert (refusal.error, refusal.arguments) == ("NotVenue", {"caller": venue})

    async def test_by_the_members_alone(self, ledger, operator, outsider):
        with pytest.raises(ContractRevertedError, match="AccessManagedUnauthorized"):
            ledger.call("setVenue", ledger.energy_market.set_venue, operator, outsider, True)
