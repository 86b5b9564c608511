from brownie import reverts

from app.market.windows import window_end
from tests.contracts.conftest import DEPOSIT, WINDOW, info_of, travel_to
from tests.contracts.errors import error


def test_a_pause_holds_trade_but_nobodys_money(
    market,
    open_agreement,
    record,
    settle_and_close,
    operator,
    admin,
    account_of,
    sign,
    seller,
    buyer,
    newcomer,
):
    market.pause({"from": operator})

    again = open_agreement._replace(salt=2)
    with reverts(error("EnforcedPause")):
        market.publishInfo.call(info_of(newcomer), {"from": newcomer})
    with reverts(error("EnforcedPause")):
        market.makeOffer.call(WINDOW + 1, 1_000, 100_000, {"from": seller})
    with reverts(error("EnforcedPause")):
        market.allowTransaction.call(again, sign(again), {"from": seller})

    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    record(buyer, 0, 2_000)
    settle_and_close([open_agreement], [seller, buyer])
    for household in (seller, buyer):
        market.withdraw(account_of(household)["free"], {"from": household})
        assert account_of(household) == {"free": 0, "locked": 0, "debt": 0}

    market.unpause({"from": admin})
    market.deposit(DEPOSIT // 2, {"from": seller})
    market.makeOffer(WINDOW + 2, 1_000, 100_000, {"from": seller})
