"""Balances and what changes them."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.api.deps import AddressPath, ServicesDep, WriterDep, no_query
from app.api.schemas.common import Listing, PageFilter, Transactions, Written, cursor_of
from app.api.schemas.money import (
    BalanceAnswer,
    Deposit,
    MovementAnswer,
    PayClaim,
    Withdraw,
)
from app.api.services import Services
from app.index import queries
from app.ledger.types import Address, Receipt

router = APIRouter(tags=["balances"])


@router.get("/balances")
async def list_balances(
    services: ServicesDep, page: Annotated[PageFilter, Query()]
) -> Listing[BalanceAnswer]:
    """What all participants have, as of now."""
    found = await services.index.read(lambda each: queries.participants(each, page.cut()))
    balances = await asyncio.gather(
        *(_balance(services, record.participant) for record in found.items)
    )
    return Listing(items=balances, next=cursor_of(found.next))


@router.get("/balances/{address}", dependencies=[Depends(no_query)])
async def get_balance(services: ServicesDep, address: AddressPath) -> BalanceAnswer:
    """What one account has, as of now; all zero for one that nobody knows."""
    return await _balance(services, address)


@router.get("/balances/{address}/movements")
async def list_movements(
    services: ServicesDep, address: AddressPath, page: Annotated[PageFilter, Query()]
) -> Listing[MovementAnswer]:
    """Deposits, withdrawals, debts, claims and their payment."""
    found = await services.index.read(
        lambda each: queries.movements(each, page.cut(), participant=address)
    )
    return Listing(
        items=[MovementAnswer.model_validate(record) for record in found.items],
        next=cursor_of(found.next),
    )


@router.post("/balances/deposits", status_code=201, dependencies=[Depends(no_query)])
async def deposit(services: ServicesDep, writer: WriterDep, body: Deposit) -> Transactions:
    """Puts payment tokens of an account into the market."""
    account = writer.account(body.sender)
    return await _written(writer, await services.ledger.deposit(account, body.amount))


@router.post("/balances/withdrawals", status_code=201, dependencies=[Depends(no_query)])
async def withdraw(services: ServicesDep, writer: WriterDep, body: Withdraw) -> Transactions:
    """Takes free money of an account out of the market."""
    account = writer.account(body.sender)
    return await _written(writer, await services.ledger.withdraw(account, body.amount))


@router.post("/balances/claims", status_code=201, dependencies=[Depends(no_query)])
async def pay_claim(services: ServicesDep, writer: WriterDep, body: PayClaim) -> Transactions:
    """Pays what the operator's treasury can of a participant's claim, if it has one. By anyone."""
    account = writer.account(body.sender)
    if await services.ledger.claim_of(body.participant) == 0:
        return Transactions(transactions=[])
    return await _written(writer, await services.ledger.pay_claim(account, body.participant))


async def _written(writer: WriterDep, receipt: Receipt) -> Transactions:
    await writer.seen(receipt)
    return Transactions(transactions=[Written.of(receipt)])


async def _balance(services: Services, participant: Address) -> BalanceAnswer:
    ledger = services.ledger
    account, claim, payment_tokens, energy_wh = await asyncio.gather(
        ledger.account_of(participant),
        ledger.claim_of(participant),
        ledger.payment_balance_of(participant),
        ledger.energy_balance_of(participant),
    )
    return BalanceAnswer(
        participant=participant,
        free=account.free,
        locked=account.locked,
        debt=account.debt,
        claim=claim,
        payment_tokens=payment_tokens,
        energy_tokens_wh=energy_wh,
    )
