"""Clearing a book on the model: fills become agreements, residuals live on, lists are checked."""

import pytest

from app.errors import ContractRevertedError
from app.ledger.fills import fill_agreements
from app.ledger.types import (
    Account,
    AgreementState,
    Book,
    BookState,
    Position,
    Side,
    Terms,
)
from app.market.clearing import PricingRule
from app.market.windows import commit_start, window_start
from tests.ledger.calls import refusal_of
from tests.ledger.conftest import DEPOSIT, TERMS, WINDOW

LATER = commit_start(WINDOW + 9)


@pytest.fixture
async def neighbour(enrol) -> str:
    return await enrol("neighbour")


@pytest.fixture
async def pair(clock, place, seller, buyer) -> tuple[int, int]:
    """A sell of 3 kWh from 0.10 and a buy of 2 kWh up to 0.30, in a closed book."""
    ids = (
        await place(seller, Side.SELL, 3_000, 100_000, expires_at=LATER),
        await place(buyer, Side.BUY, 2_000, 300_000),
    )
    clock.set(commit_start(WINDOW))
    return ids


def named(receipts, name: str) -> list[dict]:
    return [e.arguments for receipt in receipts for e in receipt.events if e.name == name]


def clear_with(ledger, caller, buy_ids, sell_ids, window=WINDOW):
    return ledger.call("clear", ledger.call_auction.clear, caller, window, buy_ids, sell_ids)


class TestFills:
    async def test_a_fill_is_an_agreement(self, ledger, pair, keeper, seller, buyer):
        sell_id, buy_id = pair
        receipts = await ledger.clear(keeper, WINDOW)

        (agreement,) = fill_agreements(receipts)
        assert agreement.offer_id == int(ledger.auction_address, 16) << 96 | sell_id
        assert (agreement.seller, agreement.buyer) == (seller, buyer)
        assert (agreement.window, agreement.energy_wh, agreement.price) == (
            WINDOW,
            2_000,
            200_000,
        )
        assert (agreement.deadline, agreement.salt) == (0, buy_id)
        digest = ledger.agreement_id(agreement)
        assert await ledger.agreement_state(digest) is AgreementState.OPEN
        assert named(receipts, "TransactionAllowed")[0]["agreementId"] == digest
        assert await ledger.position_of(seller, WINDOW) == Position(open_agreements=1)

    async def test_escrow_and_bond_take_the_covers_place(self, ledger, pair, keeper, seller, buyer):
        await ledger.clear(keeper, WINDOW)

        # 2 kWh at 0.20; the bond is 2 * (0.32 - 0.20 + 0.05), and 1 kWh at 0.27 is still covered
        assert await ledger.account_of(buyer) == Account(free=DEPOSIT - 400_000, locked=400_000)
        locked = 340_000 + 270_000
        assert await ledger.account_of(seller) == Account(free=DEPOSIT - locked, locked=locked)

    async def test_its_events(self, ledger, pair, keeper):
        (receipt,) = await ledger.clear(keeper, WINDOW)

        assert [(e.contract, e.name) for e in receipt.events] == [
            ("EnergyMarket", "TransactionAllowed"),
            ("CallAuction", "OrderFilled"),
            ("CallAuction", "BookCleared"),
        ]
        assert receipt.events[1].arguments == {
            "buyId": 2,
            "sellId": 1,
            "window": WINDOW,
            "energyWh": 2_000,
            "price": 200_000,
        }
        assert receipt.events[2].arguments == {
            "window": WINDOW,
            "rule": PricingRule.MIDPOINT,
            "tradedWh": 2_000,
            "servedWh": 0,
            "marginalBuy": 300_000,
            "marginalSell": 100_000,
            "fills": 1,
        }

    async def test_it_is_settled_like_all_agreements(
        self, ledger, pair, record, keeper, seller, buyer
    ):
        agreements = fill_agreements(await ledger.clear(keeper, WINDOW))
        await record("seller", exported_wh=2_000)
        await record("buyer", imported_wh=2_000)
        await ledger.make_transactions(keeper, agreements)
        await ledger.close_positions(keeper, [seller, buyer], WINDOW)
        await ledger.cancel_order(seller, pair[0])

        assert await ledger.account_of(seller) == Account(free=DEPOSIT + 400_000)
        assert await ledger.account_of(buyer) == Account(free=DEPOSIT - 400_000)

    async def test_the_rule_of_the_window_prices_them(
        self, ledger, clock, staff, place, keeper, seller, buyer
    ):
        await ledger.set_pricing_rule(staff.members, PricingRule.PAY_AS_BID)
        window = WINDOW + 1
        await place(seller, Side.SELL, 5, 100_000, window=window)
        await place(buyer, Side.BUY, 5, 300_000, window=window)
        clock.set(commit_start(window))
        receipts = await ledger.clear(keeper, window)

        assert named(receipts, "OrderFilled")[0]["price"] == 300_000
        assert named(receipts, "BookCleared")[0]["rule"] is PricingRule.PAY_AS_BID

    async def test_with_oneself(self, ledger, clock, place, keeper, seller, record):
        """No harm: it is both sides of an ordinary agreement."""
        await place(seller, Side.SELL, 2_000, 100_000)
        await place(seller, Side.BUY, 2_000, 100_000)
        clock.set(commit_start(WINDOW))
        agreements = fill_agreements(await ledger.clear(keeper, WINDOW))
        await record("seller", exported_wh=2_000, imported_wh=2_000)
        await ledger.make_transactions(keeper, agreements)
        await ledger.close_positions(keeper, [seller], WINDOW)

        assert await ledger.account_of(seller) == Account(free=DEPOSIT)

    async def test_a_debt_that_arose_later_stops_nothing(
        self, ledger, clock, place, record, keeper, seller, buyer, treasury
    ):
        window = WINDOW + 4
        await place(seller, Side.SELL, 2_000, 100_000, window=window)
        await place(buyer, Side.BUY, 2_000, 300_000, window=window)
        await ledger.withdraw(buyer, DEPOSIT - 600_000)
        await record("buyer", imported_wh=1_000)
        await ledger.close_positions(keeper, [buyer], WINDOW)
        clock.set(commit_start(window))
        receipts = await ledger.clear(keeper, window)

        # of 0.60 locked 0.40 is the escrow; the rest pays for a part of the debt of 0.32
        assert len(fill_agreements(receipts)) == 1
        assert await ledger.account_of(buyer) == Account(locked=400_000, debt=120_000)
        assert await ledger.account_of(treasury) == Account(free=200_000)


class TestGrid:
    async def test_a_buy_at_the_ceiling_is_served(self, ledger, clock, place, keeper, buyer):
        await place(buyer, Side.BUY, 2_000, 320_000, expires_at=LATER)
        clock.set(commit_start(WINDOW))
        (receipt,) = await ledger.clear(keeper, WINDOW)

        assert await ledger.account_of(buyer) == Account(free=DEPOSIT)
        assert await ledger.orders(WINDOW + 1) == []
        assert [(e.name, e.arguments) for e in receipt.events] == [
            ("OrderServed", {"orderId": 1, "window": WINDOW, "energyWh": 2_000}),
            (
                "BookCleared",
                {
                    "window": WINDOW,
                    "rule": PricingRule.MIDPOINT,
                    "tradedWh": 0,
                    "servedWh": 2_000,
                    "marginalBuy": 0,
                    "marginalSell": 0,
                    "fills": 0,
                },
            ),
        ]

    async def test_a_buy_above_a_fallen_ceiling_is_served_too(
        self, ledger, clock, operator, place, keeper, buyer
    ):
        await ledger.publish_terms(operator, WINDOW + 1, [Terms(80_000, 250_000, 50_000)])
        await place(buyer, Side.BUY, 2_000, 300_000, expires_at=LATER)
        clock.set(commit_start(WINDOW))
        await ledger.clear(keeper, WINDOW)
        clock.set(commit_start(WINDOW + 1))
        receipts = await ledger.clear(keeper, WINDOW + 1)

        assert named(receipts, "OrderServed")[0]["energyWh"] == 2_000


class TestResiduals:
    async def test_they_live_on_in_the_next_book(self, ledger, clock, pair, keeper, buyer, place):
        await ledger.clear(keeper, WINDOW)

        (carried,) = await ledger.orders(WINDOW + 1)
        assert (carried.id, carried.energy_wh, carried.window) == (pair[0], 1_000, WINDOW)
        assert await ledger.book_of(WINDOW) == Book(0, 0, BookState.CLEARED)
        assert await ledger.book_of(WINDOW + 1) == Book(0, 1, BookState.OPEN)

        await place(buyer, Side.BUY, 1_000, 150_000, window=WINDOW + 1)
        clock.set(commit_start(WINDOW + 1))
        receipts = await ledger.clear(keeper, WINDOW + 1)
        assert [f["energyWh"] for f in named(receipts, "OrderFilled")] == [1_000]
        with pytest.raises(ContractRevertedError, match="OrderUnknown"):
            await ledger.order(pair[0])

    async def test_until_they_expire(self, ledger, clock, place, keeper, buyer):
        order_id = await place(buyer, Side.BUY, expires_at=commit_start(WINDOW + 2))
        clock.set(commit_start(WINDOW))
        assert named(await ledger.clear(keeper, WINDOW), "OrderExpired") == []
        clock.set(commit_start(WINDOW + 1))
        receipts = await ledger.clear(keeper, WINDOW + 1)

        assert named(receipts, "OrderExpired") == [
            {"orderId": order_id, "window": WINDOW + 1, "energyWh": 2_000}
        ]
        assert await ledger.account_of(buyer) == Account(free=DEPOSIT)

    async def test_they_can_be_cancelled_once_the_book_is_cleared(
        self, ledger, pair, keeper, seller
    ):
        await ledger.clear(keeper, WINDOW)
        receipt = await ledger.cancel_order(seller, pair[0])

        assert receipt.events[0].arguments["energyWh"] == 1_000
        assert (await ledger.account_of(seller)).locked == 340_000

    async def test_a_book_that_nobody_cleared_carries_nothing_on(
        self, ledger, clock, place, keeper, seller, outsider
    ):
        first = await place(seller, Side.SELL, expires_at=LATER)
        clock.set(commit_start(WINDOW))
        await ledger.clear(keeper, WINDOW)
        clock.set(window_start(WINDOW + 1))

        assert await ledger.book_of(WINDOW + 1) == Book(0, 0, BookState.CLOSED)
        assert await ledger.orders(WINDOW + 2) == []
        await ledger.release_orders(outsider, [first])
        assert await ledger.account_of(seller) == Account(free=DEPOSIT)

    async def test_a_sell_whose_cover_does_not_suffice_is_passed_over(
        self, ledger, clock, operator, place, keeper, seller, buyer
    ):
        dearer = Terms(80_000, 320_000, 60_000)
        await ledger.publish_terms(operator, WINDOW + 1, [dearer, TERMS])
        sell_id = await place(seller, Side.SELL, 2_000, 100_000, expires_at=LATER)
        clock.set(commit_start(WINDOW))
        await ledger.clear(keeper, WINDOW)
        fills = []
        for window in (WINDOW + 1, WINDOW + 2):
            await place(buyer, Side.BUY, 2_000, 300_000, window=window)
            clock.set(commit_start(window))
            fills.append(named(await ledger.clear(keeper, window), "OrderFilled"))

        assert fills[0] == []
        assert [fill["sellId"] for fill in fills[1]] == [sell_id]

    async def test_a_limit_below_a_risen_floor_counts_as_one_at_it(
        self, ledger, clock, operator, place, keeper, seller, buyer
    ):
        await ledger.publish_terms(operator, WINDOW + 1, [Terms(150_000, 320_000, 50_000)])
        await place(seller, Side.SELL, 2_000, 100_000, expires_at=LATER)
        clock.set(commit_start(WINDOW))
        await ledger.clear(keeper, WINDOW)
        await place(buyer, Side.BUY, 2_000, 200_000, window=WINDOW + 1)
        clock.set(commit_start(WINDOW + 1))
        receipts = await ledger.clear(keeper, WINDOW + 1)

        assert named(receipts, "OrderFilled")[0]["price"] == 175_000
        assert named(receipts, "BookCleared")[0]["marginalSell"] == 150_000


class TestGuards:
    @pytest.mark.parametrize("moment", [commit_start(WINDOW) - 1, window_start(WINDOW)])
    async def test_in_the_commit_margin_alone(self, ledger, clock, place, keeper, seller, moment):
        order_id = await place(seller, Side.SELL)
        clock.set(moment)

        with pytest.raises(ContractRevertedError) as refusal:
            clear_with(ledger, keeper, [], [order_id])

        assert refusal.value.error == "CommitPhaseOnly"
        assert refusal.value.arguments == {
            "window": WINDOW,
            "from": commit_start(WINDOW),
            "until": window_start(WINDOW),
        }

    async def test_a_paused_market(self, ledger, pair, keeper, operator):
        ledger.call("pause", ledger.energy_market.pause, operator)

        assert (await refusal_of(ledger.clear(keeper, WINDOW))).error == "EnforcedPause"

    async def test_an_empty_book(self, ledger, clock, keeper):
        clock.set(commit_start(WINDOW))

        refusal = await refusal_of(ledger.clear(keeper, WINDOW))
        assert (refusal.error, refusal.arguments) == ("BookEmpty", {"window": WINDOW})

    async def test_once(self, ledger, pair, keeper):
        await ledger.clear(keeper, WINDOW)

        refusal = await refusal_of(ledger.clear(keeper, WINDOW))
        assert (refusal.error, refusal.arguments) == ("BookIsCleared", {"window": WINDOW})

    async def test_a_position_of_eight_windows_before_that_is_open(
        self, ledger, clock, pair, place, keeper, seller, buyer
    ):
        agreements = fill_agreements(await ledger.clear(keeper, WINDOW))
        window = WINDOW + 8
        await place(buyer, Side.BUY, 5, 300_000, window=window)
        await place(seller, Side.SELL, 5, 100_000, window=window)
        clock.set(commit_start(window))

        refusal = await refusal_of(ledger.clear(keeper, window))
        assert refusal.error == "PositionOpen"

        await ledger.make_transactions(keeper, agreements)
        await ledger.close_positions(keeper, [seller, buyer], WINDOW)
        assert len(fill_agreements(await ledger.clear(keeper, window))) == 1


class TestLists:
    """Ids 1 to 3 are buys at 0.30, 0.20, 0.20, ids 4 to 6 sells at 0.25, 0.25, 0.31."""

    @pytest.fixture(autouse=True)
    async def book(self, clock, place, seller, buyer):
        for price in (300_000, 200_000, 200_000):
            await place(buyer, Side.BUY, 10, price)
        for price in (250_000, 250_000, 310_000):
            await place(seller, Side.SELL, 10, price)
        await place(seller, Side.SELL, 10, 310_000, window=WINDOW + 1)
        clock.set(commit_start(WINDOW))

    async def test_the_sorted_ones_clear(self, ledger, outsider):
        assert clear_with(ledger, outsider, [1, 2, 3], [4, 5, 6]).result is True

    @pytest.mark.parametrize(
        ("buy_ids", "sell_ids", "error", "arguments"),
        [
            ([1, 3, 2], [4, 5, 6], "OrderMisplaced", (Side.BUY, 2, 2)),
            ([2, 1, 3], [4, 5, 6], "OrderMisplaced", (Side.BUY, 1, 1)),
            ([1, 1, 2, 3], [4, 5, 6], "OrderMisplaced", (Side.BUY, 1, 1)),
            ([1, 2, 3], [4, 6, 5], "OrderMisplaced", (Side.SELL, 2, 5)),
            ([1, 2, 4], [4, 5, 6], "OrderNotInBook", (Side.BUY, 2, 4)),
            ([1, 2, 3], [4, 5, 7], "OrderNotInBook", (Side.SELL, 2, 7)),
            ([1, 2, 3], [4, 5, 999], "OrderNotInBook", (Side.SELL, 2, 999)),
        ],
    )
    async def test_the_first_wrong_position_is_named(
        self, ledger, outsider, buy_ids, sell_ids, error, arguments
    ):
        with pytest.raises(ContractRevertedError) as refusal:
            clear_with(ledger, outsider, buy_ids, sell_ids)

        assert refusal.value.error == error
        names = ("side", "position", "orderId")
        assert refusal.value.arguments == dict(zip(names, arguments, strict=True))
        assert len(await ledger.orders(WINDOW)) == 6

    @pytest.mark.parametrize(
        ("buy_ids", "sell_ids", "side", "listed"),
        [([1, 2], [4, 5, 6], Side.BUY, 2), ([1, 2, 3], [], Side.SELL, 0)],
    )
    async def test_what_is_missing_is_counted(
        self, ledger, outsider, buy_ids, sell_ids, side, listed
    ):
        with pytest.raises(ContractRevertedError) as refusal:
            clear_with(ledger, outsider, buy_ids, sell_ids)

        assert refusal.value.error == "BookIncomplete"
        assert refusal.value.arguments == {"side": side, "listed": listed, "total": 3}
