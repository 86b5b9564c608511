"""A deposit and a withdrawal, and what treasurers say of them."""

import pytest
from brownie import chain

from scripts.deploy import Role
from tests.contracts.conftest import index_of
from tests.contracts.signing import FORWARD_REQUEST, key, signed

REFERENCE = b"\x0b" * 32
PAYOUT = b"\x0a" * 32


@pytest.fixture
def dismiss(authority, admin):
    """Takes the role from a treasurer, as the members have decided."""

    def dismiss(treasurer):
        authority.revokeRole(Role.TREASURER, treasurer, {"from": admin})

    return dismiss


@pytest.fixture
def forward_request(forwarder):
    """What a treasurer has signed, and anybody may relay."""

    def forward_request(target, data, signer):
        deadline = chain.time() + 3600
        values = {
            "from": signer.address,
            "to": target.address,
            "value": 0,
            "gas": 500_000,
            "nonce": forwarder.nonces(signer),
            "deadline": deadline,
            "data": bytes.fromhex(data[2:]),
        }
        signature = signed(
            key(index_of(signer)), forwarder, "Peerwatt Forwarder", FORWARD_REQUEST, values
        )
        return signer, target, 0, 500_000, deadline, data, signature

    return forward_request


@pytest.fixture
def confirm_deposit(bank, treasurers):
    """A deposit as these treasurers confirm it; the last transaction."""

    def confirm_deposit(holder, amount, *numbers, reference=REFERENCE):
        for number in numbers:
            transaction = bank.confirmDeposit(
                holder, amount, reference, {"from": treasurers[number]}
            )
        return transaction

    return confirm_deposit


@pytest.fixture
def withdrawal(bank, payment_token, newcomer):
    """The newcomer wants 500 paid out."""
    payment_token.approve(bank, 500, {"from": newcomer})
    transaction = bank.requestWithdrawal(500, PAYOUT, {"from": newcomer})
    return int(transaction.events["WithdrawalRequested"]["withdrawalId"])
