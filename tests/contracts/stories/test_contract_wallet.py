"""A household whose account is a contract: it trades by EIP-1271."""

import pytest
from brownie import ContractWallet, reverts

from app.market.windows import commit_start, window_end
from tests.contracts.conftest import (
    DEPOSIT,
    METERS_FROM,
    VALID_UNTIL,
    WINDOW,
    agreement_on,
    index_of,
    travel_to,
)
from tests.contracts.errors import error
from tests.contracts.signing import READING, Reading, key, signed, values_of

METER = key(METERS_FROM + 50)


@pytest.fixture
def wallet(
    market, registry, payment_token, bank, deployer, auditor, treasurer, outsider, account_holders
):
    """The outsider's wallet, a participant with money."""
    wallet = deployer.deploy(ContractWallet, outsider)
    account_holders.append(wallet)
    registry.certify(METER.address, wallet, 0, VALID_UNTIL, {"from": auditor})
    bank.confirmDeposit(wallet, DEPOSIT, b"\x77" * 32, {"from": treasurer})
    info = ("mango://wallet", b"\x77" * 32, METER.address, b"")
    for target, data in (
        (market, market.publishInfo.encode_input(info)),
        (payment_token, payment_token.approve.encode_input(market, DEPOSIT)),
        (market, market.deposit.encode_input(DEPOSIT)),
    ):
        wallet.execute(target, data, {"from": outsider})
    return wallet


@pytest.fixture
def agreement(make_offer, seller, wallet):
    agreement = agreement_on(make_offer(), seller, wallet)
    travel_to(commit_start(WINDOW))
    return agreement


def test_a_contract_buys(
    market,
    registry,
    agreement,
    sign,
    record,
    settle_and_close,
    keeper,
    account_of,
    seller,
    wallet,
    outsider,
):
    signature = sign(agreement, key(index_of(outsider)))
    market.allowTransaction(agreement, signature, {"from": seller})
    travel_to(window_end(WINDOW))
    record(seller, 2_000)
    reading = Reading(METER.address, WINDOW, 0, 2_000, 0, b"\x00" * 32)
    values = values_of(reading, READING)
    signature = signed(METER, registry, "Peerwatt MeterRegistry", READING, values)
    registry.submitReading(reading, signature, {"from": keeper})
    settle_and_close([agreement], [seller, wallet])

    assert account_of(wallet) == {"free": DEPOSIT - 400_000, "locked": 0, "debt": 0}
    withdrawal = market.withdraw.encode_input(DEPOSIT - 400_000)
    wallet.execute(market, withdrawal, {"from": outsider})


def test_a_contract_decides_who_signs_for_it(market, agreement, sign, seller, wallet, keeper):
    signature = sign(agreement, key(index_of(keeper)))

    with reverts(error("SignatureInvalid", wallet)):
        market.allowTransaction.call(agreement, signature, {"from": seller})
