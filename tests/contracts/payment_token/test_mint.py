import pytest
from brownie import reverts

from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain

REFERENCE = b"\xb4" * 32


def test_puts_money_into_circulation(payment_token, minter, outsider):
    deposited, supply = payment_token.depositedTotal(), payment_token.totalSupply()

    transaction = payment_token.mint(outsider, 1_000_000, REFERENCE, {"from": minter})

    assert event_of(transaction, "DepositMinted") == {
        "holder": outsider.address,
        "amount": 1_000_000,
        "depositReference": REFERENCE,
    }
    assert payment_token.balanceOf(outsider) == 1_000_000
    assert payment_token.totalSupply() == supply + 1_000_000
    assert payment_token.depositedTotal() == deposited + 1_000_000
    assert payment_token.referenceUsed(REFERENCE)


def test_takes_a_reference_once(payment_token, minter, outsider):
    payment_token.mint(outsider, 1_000_000, REFERENCE, {"from": minter})

    with reverts(error("ReferenceUsed", REFERENCE)):
        payment_token.mint.call(outsider, 1, REFERENCE, {"from": minter})


def test_needs_a_reference(payment_token, minter, outsider):
    with reverts(error("ReferenceMissing")):
        payment_token.mint.call(outsider, 1, b"\x00" * 32, {"from": minter})


@pytest.mark.parametrize("other", ["operator", "treasurer", "auditor", "admin", "outsider"])
def test_refuses_all_but_the_treasury(payment_token, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        payment_token.mint.call(somebody, 1, REFERENCE, {"from": somebody})


def test_calls_itself_money(payment_token):
    assert plain(payment_token.name()) == "Peerwatt Payment"
    assert payment_token.decimals() == 6
