"""Who may make, burn and move energy: the two links, each what it needs."""

import pytest
from brownie import reverts

from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain


def totals(token):
    return tuple(plain(token.energyTotals()).values())


@pytest.mark.parametrize("link", ["registry_link", "market_link"])
def test_injects(token, outsider, link, request):
    transaction = token.inject(outsider, 1_500, {"from": request.getfixturevalue(link)})

    assert event_of(transaction, "EnergyInjected") == {
        "holder": outsider.address,
        "energyWh": 1_500,
    }
    assert token.balanceOf(outsider) == token.totalSupply() == 1_500
    assert totals(token) == (1_500, 0, 0)


def test_withdraws(token, market_link, holder):
    transaction = token.withdraw(holder, 400, {"from": market_link})

    assert event_of(transaction, "EnergyWithdrawn") == {"holder": holder.address, "energyWh": 400}
    assert token.balanceOf(holder) == token.totalSupply() == 600
    assert totals(token) == (1_000, 400, 0)


def test_loses(token, market_link, holder):
    transaction = token.lose(holder, 400, {"from": market_link})

    assert event_of(transaction, "EnergyLost") == {"holder": holder.address, "energyWh": 400}
    assert token.balanceOf(holder) == token.totalSupply() == 600
    assert totals(token) == (1_000, 0, 400)


def test_delivers_without_an_allowance(token, market_link, holder, buyer):
    transaction = token.deliver(holder, buyer, 400, {"from": market_link})

    assert event_of(transaction, "Transfer") == {
        "from": holder.address,
        "to": buyer.address,
        "value": 400,
    }
    assert (token.balanceOf(holder), token.balanceOf(buyer)) == (600, 400)
    assert totals(token) == (1_000, 0, 0)


# Guards


@pytest.mark.parametrize("function", ["withdraw", "lose"])
def test_burns_no_more_than_there_is(token, market_link, holder, function):
    getattr(token, function).call(holder, 1_000, {"from": market_link})

    with reverts(error("ERC20InsufficientBalance", holder, 1_000, 1_001)):
        getattr(token, function).call(holder, 1_001, {"from": market_link})


def test_delivers_no_more_than_there_is(token, market_link, holder, buyer):
    token.deliver.call(holder, buyer, 1_000, {"from": market_link})

    with reverts(error("ERC20InsufficientBalance", holder, 1_000, 1_001)):
        token.deliver.call(holder, buyer, 1_001, {"from": market_link})


# Access


@pytest.mark.parametrize("other", ["admin", "operator", "outsider"])
@pytest.mark.parametrize("function", ["inject", "withdraw", "lose"])
def test_refuses_all_but_its_links(token, holder, function, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("NotLinked", somebody)):
        getattr(token, function).call(holder, 1, {"from": somebody})


@pytest.mark.parametrize("other", ["admin", "operator", "outsider"])
def test_delivers_for_nobody_else(token, holder, buyer, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("NotLinked", somebody)):
        token.deliver.call(holder, buyer, 1, {"from": somebody})


@pytest.mark.parametrize("function", ["withdraw", "lose"])
def test_lets_the_registry_burn_nothing(token, registry_link, holder, function):
    with reverts(error("NotLinked", registry_link)):
        getattr(token, function).call(holder, 1, {"from": registry_link})


def test_lets_the_registry_move_nothing(token, registry_link, holder, buyer):
    with reverts(error("NotLinked", registry_link)):
        token.deliver.call(holder, buyer, 1, {"from": registry_link})
