import pytest
from brownie import ZERO_ADDRESS, reverts

from tests.contracts.conftest import DEPOSIT, LAST_WINDOW
from tests.contracts.errors import error
from tests.contracts.plain import event_of


def test_moves_the_grids_money_to_another_account(
    market, admin, treasury, outsider, record, keeper, buyer, account_of
):
    transaction = market.setTreasury(outsider, {"from": admin})

    assert event_of(transaction, "TreasurySet") == {"treasury": outsider.address}
    assert market.treasury() == outsider
    record(buyer, 0, 1_000, window=LAST_WINDOW)
    market.closePosition(buyer, LAST_WINDOW, {"from": keeper})
    assert account_of(outsider)["free"] == 320_000
    assert account_of(treasury)["free"] == 10 * DEPOSIT


def test_refuses_nobody(market, admin):
    with reverts(error("ZeroAddress")):
        market.setTreasury.call(ZERO_ADDRESS, {"from": admin})


@pytest.mark.parametrize("other", ["operator", "auditor", "treasurer", "treasury", "outsider"])
def test_refuses_all_but_the_members(market, other, request):
    somebody = request.getfixturevalue(other)

    with reverts(error("AccessManagedUnauthorized", somebody)):
        market.setTreasury.call(somebody, {"from": somebody})
