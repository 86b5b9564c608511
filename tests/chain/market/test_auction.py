"""The call auction of the ledger over the real contracts."""

import itertools

import pytest
import pytest_asyncio

from app.chain.keys import development_address, household_address
from app.errors import ContractRevertedError
from app.ledger.chain import AUCTION, ChainLedger
from app.ledger.fills import fill_agreements
from app.ledger.types import AgreementState, Book, BookState, Order, Side
from app.market.auction import cover_rate, earliest_expiry
from app.market.clearing import PricingRule
from app.market.windows import commit_start, window_start
from tests.chain.market.conftest import enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")

_households = itertools.count(40)


@pytest_asyncio.fixture(loop_scope="session")
async def seller(ledger: ChainLedger) -> str:
    """Nobody who has open positions of other tests."""
    return await enrol(ledger, next(_households))


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(ledger: ChainLedger) -> str:
    return await enrol(ledger, next(_households))


@pytest.fixture
def place(ledger: ChainLedger, window: int):
    """Places an order for 1 kWh at 0.20, for `windows` windows from `window` on; returns its id."""

    async def place(
        owner: str,
        side: Side,
        energy_wh: int = 1_000,
        limit_price: int = 200_000,
        *,
        first: int = window,
        windows: int = 1,
    ) -> int:
        expires_at = earliest_expiry(first + windows - 1)
        receipt = await ledger.place_order(owner, side, energy_wh, limit_price, first, expires_at)
        return receipt.result

    return place


async def close_book(ledger: ChainLedger, window: int) -> None:
    await ledger.clock.advance_to(commit_start(window))


async def test_a_placed_order_is_read_back(ledger, seller, window) -> None:
    before = await ledger.account_of(seller)

    receipt = await ledger.place_order(
        seller, Side.SELL, 5_000, 150_000, window, earliest_expiry(window + 3)
    )

    order = Order(receipt.result, seller, Side.SELL, 5_000, 150_000, window, window + 3)
    assert receipt.function == "placeOrder"
    assert [event.name for event in receipt.events] == ["OrderPlaced"]
    assert await ledger.order(order.id) == order
    assert await ledger.orders(window) == [order]
    assert await ledger.orders(window + 1) == []
    assert await ledger.book_of(window) == Book(0, 1, BookState.OPEN)
    cover = 5_000 * cover_rate(Side.SELL, 150_000, await ledger.terms_of(window))
    assert (await ledger.account_of(seller)).locked - before.locked == cover


async def test_a_cancelled_order_is_gone(ledger, seller, buyer, window, place) -> None:
    first, second = await place(seller, Side.SELL), await place(buyer, Side.BUY)
    assert len(await ledger.orders(window)) == 2

    await ledger.cancel_order(seller, first)

    assert [order.id for order in await ledger.orders(window)] == [second]
    with pytest.raises(ContractRevertedError) as caught:
        await ledger.order(first)
    assert (caught.value.error, caught.value.contract) == ("OrderUnknown", AUCTION)


async def test_refusals_of_the_market_and_of_the_auction_have_names(
    ledger, outsider, buyer, place, window
) -> None:
    order_id = await place(buyer, Side.BUY)
    with pytest.raises(ContractRevertedError) as stranger:
        await place(outsider, Side.BUY)
    with pytest.raises(ContractRevertedError) as late:
        await place(buyer, Side.BUY, first=window - 1)
    with pytest.raises(ContractRevertedError) as early:
        await ledger.release_orders(outsider, [order_id])

    assert stranger.value.error == "NotParticipant"
    assert late.value.arguments == {"window": window - 1, "closedSince": commit_start(window - 1)}
    assert early.value.error == "OrderInBook"


async def test_a_fill_is_an_agreement(ledger, seller, buyer, keeper, window, place) -> None:
    sell_id = await place(seller, Side.SELL, 1_000, 100_000)
    buy_id = await place(buyer, Side.BUY, 1_000, 300_000)
    await close_book(ledger, window)

    receipts = await ledger.clear(keeper, window)

    (agreement,) = fill_agreements(receipts)
    assert [receipt.result for receipt in receipts] == [True]
    assert (agreement.seller, agreement.buyer) == (seller, buyer)
    assert (agreement.energy_wh, agreement.price) == (1_000, 200_000)
    assert agreement.offer_id == int(ledger.auction_address, 16) << 96 | sell_id
    assert agreement.salt == buy_id
    state = await ledger.agreement_state(ledger.agreement_id(agreement))
    assert state is AgreementState.OPEN
    assert await ledger.book_of(window) == Book(0, 0, BookState.CLEARED)
    assert await ledger.orders(window) == []


async def test_what_is_left_over_is_in_the_next_book(
    ledger, seller, buyer, keeper, window, place
) -> None:
    sell_id = await place(seller, Side.SELL, 3_000, 100_000, windows=3)
    await place(buyer, Side.BUY, 1_000, 200_000)
    await close_book(ledger, window)
    await ledger.clear(keeper, window)
    buy_id = await place(buyer, Side.BUY, 500, 150_000, first=window + 1)

    carried, placed = await ledger.orders(window + 1)
    assert (carried.id, carried.energy_wh, carried.window) == (sell_id, 2_000, window)
    assert placed.id == buy_id

    await close_book(ledger, window + 1)
    (agreement,) = fill_agreements(await ledger.clear(keeper, window + 1))
    assert agreement.energy_wh == 500
    assert [order.energy_wh for order in await ledger.orders(window + 2)] == [1_500]


async def test_a_book_that_nobody_cleared_is_lost(
    ledger, seller, outsider, keeper, window, place
) -> None:
    order_id = await place(seller, Side.SELL, windows=5)
    await ledger.clock.advance_to(window_start(window))

    assert await ledger.orders(window) == []
    assert await ledger.orders(window + 1) == []
    assert await ledger.book_of(window) == Book(0, 0, BookState.CLOSED)
    (receipt,) = await ledger.release_orders(keeper, [order_id])
    assert [event.name for event in receipt.events] == ["OrderExpired"]


async def test_orders_are_found_again_after_the_chain_was_set_back(
    ledger, seller, window, place
) -> None:
    await place(seller, Side.SELL)
    snapshot = await ledger.rpc.call("evm_snapshot")
    await place(seller, Side.SELL, 7)
    assert len(await ledger.orders(window)) == 2
    await ledger.rpc.call("evm_revert", snapshot)
    ledger.resync()

    again = await place(seller, Side.SELL, 9)

    assert [order.energy_wh for order in await ledger.orders(window)] == [1_000, 9]
    assert (await ledger.order(again)).energy_wh == 9


async def test_the_members_choose_the_pricing_rule(ledger, window) -> None:
    member = household_address(0)

    await ledger.set_pricing_rule(member, PricingRule.UNIFORM)
    assert await ledger.pricing_rule_of(window + 1) is PricingRule.UNIFORM

    await ledger.set_pricing_rule(member, PricingRule.MIDPOINT)
    assert await ledger.pricing_rule_of(window + 1) is PricingRule.MIDPOINT


async def test_nobody_else_chooses_it(ledger) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        await ledger.set_pricing_rule(development_address(0), PricingRule.UNIFORM)

    assert caught.value.error == "GovernorInsufficientProposerVotes"


async def test_a_large_book_is_cleared_in_several_calls_by_several_hands(
    ledger, seller, buyer, keeper, operator, window, place
) -> None:
    most = await ledger.read(AUCTION, "MAX_FILLS")
    sell_ids = [await place(seller, Side.SELL, 1, 100_000 + i) for i in range(most)]
    buy_id = await place(buyer, Side.BUY, 500, 300_000)
    await close_book(ledger, window)
    begun = await ledger.write(
        operator, AUCTION, "clear", window, [buy_id], sell_ids, items=len(sell_ids) + 1
    )

    assert begun.result is False
    assert (await ledger.book_of(window)).state is BookState.CLEARING
    with pytest.raises(ContractRevertedError, match="BookClearing"):
        await ledger.orders(window)
    ended = await ledger.clear(keeper, window)
    assert [receipt.result for receipt in ended] == [True]
    first = most - (len(sell_ids) + 1) // 15  # what listing the orders leaves room for
    assert [len(fill_agreements([receipt])) for receipt in (begun, *ended)] == [first, most - first]
    assert (await ledger.book_of(window)).state is BookState.CLEARED
