"""Balances and what changes them."""

from typing import Annotated

from pydantic import Field

from app.api.schemas.common import AddressText, Amount, Answer, OnChain, Write


class BalanceAnswer(Answer):
    """What a participant has: money in the market, tokens outside of it."""

    participant: str
    free: Annotated[int, Field(description="Money that it can withdraw or lock")]
    locked: Annotated[int, Field(description="Escrows and bonds of open agreements")]
    debt: Annotated[int, Field(description="Money owed to the operator")]
    claim: Annotated[int, Field(description="Money that the operator owes")]
    payment_tokens: int
    energy_tokens_wh: int


class MovementAnswer(OnChain):
    """A deposit, withdrawal, debt or claim, or the payment of one."""

    participant: str
    kind: str
    amount: int


class Deposit(Write):
    """Puts payment tokens into the market account."""

    amount: Amount


class Withdraw(Write):
    """Takes free money out of the market account."""

    amount: Amount


class PayClaim(Write):
    """Pays what the operator's treasury can of a claim. By anyone."""

    participant: AddressText
