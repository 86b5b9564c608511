"""For everybody else the token is a plain ERC-20 with permit."""

import pytest

from tests.contracts.conftest import NOW, index_of
from tests.contracts.signing import PERMIT, key, signed


def test_shows_kilowatt_hours(token):
    assert (token.name(), token.symbol(), token.decimals()) == ("Peerwatt Energy", "PWE", 3)


def test_says_its_links(system):
    assert system.energy_token.registry() == system.registry
    assert system.energy_token.market() == system.market


def test_can_be_given_away(token, holder, buyer):
    token.transfer(buyer, 400, {"from": holder})

    assert (token.balanceOf(holder), token.balanceOf(buyer)) == (600, 400)


def test_can_be_permitted(token, holder, buyer, keeper):
    values = {
        "owner": holder.address,
        "spender": buyer.address,
        "value": 400,
        "nonce": 0,
        "deadline": NOW + 3600,
    }
    signature = signed(key(index_of(holder)), token, "Peerwatt Energy", PERMIT, values)
    split = signature[64], signature[:32], signature[32:64]

    token.permit(holder, buyer, 400, NOW + 3600, *split, {"from": keeper})

    assert token.allowance(holder, buyer) == 400


@pytest.mark.parametrize("amount", [0, 1_000])
def test_moves_with_an_allowance(token, holder, buyer, keeper, amount):
    token.approve(keeper, amount, {"from": holder})

    token.transferFrom(holder, buyer, amount, {"from": keeper})

    assert token.balanceOf(buyer) == amount
