import pytest
from brownie import reverts
from brownie.exceptions import VirtualMachineError

from tests.contracts.conftest import NOW, index_of, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of
from tests.contracts.signing import PERMIT, key, signed

AMOUNT = 1_000_000
DEADLINE = NOW + 3600


@pytest.fixture
def holder(payment_token, market, newcomer):
    """A newcomer that never allowed anybody anything."""
    payment_token.approve(market, 0, {"from": newcomer})
    return newcomer


@pytest.fixture
def permit(payment_token, market):
    """The split signature of a permit for the market."""

    def permit(holder, signer=None, deadline=DEADLINE):
        values = {
            "owner": holder.address,
            "spender": market.address,
            "value": AMOUNT,
            "nonce": payment_token.nonces(holder),
            "deadline": deadline,
        }
        signer = key(index_of(signer or holder))
        signature = signed(signer, payment_token, "Peerwatt Payment", PERMIT, values)
        return signature[64], signature[:32], signature[32:64]

    return permit


def test_needs_no_allowance(market, payment_token, holder, permit, account_of):
    transaction = market.depositWithPermit(AMOUNT, DEADLINE, *permit(holder), {"from": holder})

    assert event_of(transaction, "Deposited") == {"participant": holder.address, "amount": AMOUNT}
    assert account_of(holder)["free"] == AMOUNT
    assert payment_token.allowance(holder, market) == 0


def test_works_when_somebody_else_has_used_the_permit(
    market, payment_token, holder, permit, keeper, account_of
):
    signature = permit(holder)
    payment_token.permit(holder, market, AMOUNT, DEADLINE, *signature, {"from": keeper})

    market.depositWithPermit(AMOUNT, DEADLINE, *signature, {"from": holder})

    assert account_of(holder)["free"] == AMOUNT


# Guards


def test_refuses_the_signature_of_another(market, holder, permit, outsider):
    signature = permit(holder, signer=outsider)

    with reverts(error("ERC2612InvalidSigner", outsider, holder)):
        market.depositWithPermit.call(AMOUNT, DEADLINE, *signature, {"from": holder})


def test_takes_a_permit_once(market, payment_token, holder, permit):
    signature = permit(holder)
    market.depositWithPermit(AMOUNT, DEADLINE, *signature, {"from": holder})

    with pytest.raises(VirtualMachineError, match="ERC2612InvalidSigner"):
        market.depositWithPermit.call(AMOUNT, DEADLINE, *signature, {"from": holder})


def test_refuses_nothing(market, holder, permit):
    with reverts(error("AmountZero")):
        market.depositWithPermit.call(0, DEADLINE, *permit(holder), {"from": holder})


# Edges


def test_takes_a_permit_until_its_deadline(market, holder, permit):
    signature = permit(holder)

    travel_to(DEADLINE)
    market.depositWithPermit.call(AMOUNT, DEADLINE, *signature, {"from": holder})

    travel_to(DEADLINE + 1)
    with reverts(error("ERC2612ExpiredSignature", DEADLINE)):
        market.depositWithPermit.call(AMOUNT, DEADLINE, *signature, {"from": holder})
