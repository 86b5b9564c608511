"""Three treasurers, two of whom have to confirm; by the members' decision, the day before."""

import pytest
from brownie import accounts, chain

from scripts.decide import call_of, decide
from scripts.deploy import Role
from tests.contracts.conftest import founders, index_of, travel_to
from tests.contracts.signing import FORWARD_REQUEST, key, signed

REFERENCE = b"\x0b" * 32
PAYOUT = b"\x0a" * 32


@pytest.fixture
def treasurers(system, treasurer):
    others = accounts[11:13]
    now = int(chain[-1]["timestamp"])
    travel_to(now - 24 * 3600)
    grants = [call_of(system.authority, "grantRole", Role.TREASURER, one, 0) for one in others]
    decide(system, [*grants, call_of(system.treasury, "setThreshold", 2)], founders())
    travel_to(now)
    return [treasurer, *others]


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
