"""Who may make, burn and move energy: the two links, each what it needs."""

import pytest
from brownie import ZERO_ADDRESS, reverts

from tests.contracts.errors import error
from tests.contracts.plain import event_of, plain


def totals(token):
    return tuple(plain(token.energyTotals()).values())


@pytest.mark.parametrize("link", ["registry_link", "market_link"])
def test_injects(token, outsider, link, request):
    transaction = token.inject(outsider, 1_500, {"from": request.getfixturevalue(link)})

    assert event_of(transaction, "Transfer") == {
        "from": ZERO_ADDRESS,
        "to": outsider.address,
        "value": 1_500,
    }
    assert token.balanceOf(outsider) == token.totalSupply() == 1_500
    assert totals(token) == (1_500, 0, 0)


def test_prepares_a_balance_of_nothing(token, market_link, outsider):
    transaction = token.prepare(outsider, {"from": market_link})

    assert len(transaction.events) == 0
    assert token.balanceOf(outsider) == token.totalSupply() == 0


def test_preparing_again_leaves_a_balance_as_it_is(token, market_link, holder):
    token.prepare(holder, {"from": market_link})

    assert token.balanceOf(holder) == token.totalSupply() == 1_000


def test_withdraws(token, market_link, holder):
    transaction = token.withdraw(holder, 400, {"from": market_link})

    assert event_of(transaction, "Transfer") == {
        "from": holder.address,
        "to": ZERO_ADDRESS,
        "value": 400,
    }
    assert token.balanceOf(holder) == token.totalSupply() == 600
    assert totals(token) == (1_000, 400, 0)


def test_loses(token, market_link, holder):
    transaction = token.lose(holder, 400, {"from": market_link})

    assert event_of(transaction, "EnergyLost") == {"holder": holder.address, "energyWh": 400}
    assert token.balanceOf(holder) == token.totalSupply() == 600
    assert totals(token) == (1_000, 0, 400)


def test_retracts(token, market_link, holder):
    transaction = token.retract(holder, 400, {"from": market_link})

    assert event_of(transaction, "EnergyRetracted") == {"holder": holder.address, "energyWh": 400}
    assert token.balanceOf(holder) == token.totalSupply() == 600
    assert totals(token) == (600, 0, 0)


def test_delivers_without_an_allowance(token, market_link, holder, buyer):
    transaction = token.deliver(holder, buyer, 400, {"from": market_link})

    assert event_of(transaction, "Transfer") == {
        "from": holder.address,
        "to": buyer.address,
        "value": 400,
    }
    assert (token.balanceOf(holder), token.balanceOf(buyer)) == (600, 400)
    assert totals(token) == (1_000, 0, 0)


# Where a holder has less than it owes, the grid injects the rest for it


def test_withdraws_what_is_not_there(token, market_link, holder):
    transaction = token.withdraw(holder, 1_300, {"from": market_link})

    assert transaction.return_value == 300
    assert token.balanceOf(holder) == token.totalSupply() == 0
    assert totals(token) == (1_300, 1_300, 0)


def test_loses_what_is_not_there(token, market_link, holder):
    transaction = token.lose(holder, 1_300, {"from": market_link})

    assert transaction.return_value == 300
    assert token.balanceOf(holder) == token.totalSupply() == 0
    assert totals(token) == (1_300, 0, 1_300)


def test_retracts_what_is_not_there(token, market_link, holder, buyer):
    token.transfer(buyer, 900, {"from": holder})

    transaction = token.retract(holder, 1_000, {"from": market_link})

    assert transaction.return_value == 900
    assert (token.balanceOf(holder), token.balanceOf(buyer)) == (0, 900)
    assert totals(token) == (900, 0, 0)


def test_delivers_what_is_not_there(token, market_link, holder, buyer):
    transaction = token.deliver(holder, buyer, 1_300, {"from": market_link})

    assert transaction.return_value == 300
    assert (token.balanceOf(holder), token.balanceOf(buyer)) == (0, 1_300)
    assert totals(token) == (1_300, 0, 0)


@pytest.mark.parametrize("function", ["withdraw", "lose", "retract"])
def test_covers_nothing_to_the_last_watt_hour(token, market_link, holder, function):
    assert getattr(token, function).call(holder, 1_000, {"from": market_link}) == 0
    assert getattr(token, function).call(holder, 1_001, {"from": market_link}) == 1


def test_covers_no_delivery_to_the_last_watt_hour(token, market_link, holder, buyer):
    assert token.deliver.call(holder, buyer, 1_000, {"from": market_link}) == 0
    assert token.deliver.call(holder, buyer, 1_001, {"from": market_link}) == 1


# Access


@pytest.mark.parametrize("other", ["deployer", "operator", "outsider"])
@pytest.mark.parametrize("function", ["inject", "withdraw", "lose", "retract"])
def test_refuses_all_but_its_links(token, holder, function, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("NotLinked", somebody)):
        getattr(token, function).call(holder, 1, {"from": somebody})


@pytest.mark.parametrize("other", ["deployer", "operator", "outsider"])
def test_delivers_for_nobody_else(token, holder, buyer, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("NotLinked", somebody)):
        token.deliver.call(holder, buyer, 1, {"from": somebody})


@pytest.mark.parametrize("function", ["withdraw", "lose", "retract"])
def test_lets_the_registry_burn_nothing(token, registry_link, holder, function):
    with reverts(error("NotLinked", registry_link)):
        getattr(token, function).call(holder, 1, {"from": registry_link})


def test_lets_the_registry_move_nothing(token, registry_link, holder, buyer):
    with reverts(error("NotLinked", registry_link)):
        token.deliver.call(holder, buyer, 1, {"from": registry_link})


@pytest.mark.parametrize("other", ["deployer", "registry_link", "outsider"])
def test_prepares_for_the_market_alone(token, outsider, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("NotLinked", somebody)):
        token.prepare.call(outsider, {"from": somebody})
