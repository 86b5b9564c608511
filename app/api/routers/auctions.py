"""The call auction of each window: its book, and what came of it."""

from fastapi import APIRouter, Depends

from app.api.deps import PatienceDep, ServicesDep, WindowPath, WriterDep, no_query
from app.api.routers.agreements import note
from app.api.routers.orders import require_auction
from app.api.schemas.auction import AuctionAnswer, ClearBook
from app.api.schemas.common import Transactions, Written
from app.errors import ContractRevertedError
from app.index import auction
from app.ledger.fills import fill_agreements
from app.ledger.types import BookState, Receipt
from app.market.windows import commit_start

router = APIRouter(tags=["auctions"], dependencies=[Depends(no_query)])


@router.get("/auctions/{window}")
async def get_auction(services: ServicesDep, window: WindowPath) -> AuctionAnswer:
    """The book of a window as two curves, where they meet, and what was traded."""
    now = services.clock.now()
    book = await services.index.read(lambda each: auction.book(each, window, now=now))
    return AuctionAnswer.of(book, now)


@router.post("/auctions/{window}/clearing", dependencies=[Depends(require_auction)])
async def clear_book(
    services: ServicesDep,
    writer: WriterDep,
    patience: PatienceDep,
    window: WindowPath,
    body: ClearBook,
) -> Transactions:
    """Clears the book of a window, within its commit margin. By anyone: the contract checks that
    all orders are there and in their order. A book that is cleared stays as it is.
    """
    account = writer.account(body.sender)
    await patience.until(commit_start(window))
    receipts: list[Receipt] = []
    try:
        if (await services.ledger.book_of(window)).state is not BookState.CLEARED:
            receipts = await services.ledger.clear(account, window)
    except ContractRevertedError as error:
        if error.error != "BookIsCleared":  # somebody else was quicker
            raise
    note(services, fill_agreements(receipts))
    await writer.seen(*receipts)
    return Transactions(transactions=[Written.of(each) for each in receipts])
