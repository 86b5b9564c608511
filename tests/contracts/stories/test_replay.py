"""An agreement counts once, on one chain, in one market."""

import pytest
from brownie import reverts

from app.market.windows import commit_start, window_end
from tests.contracts.conftest import WINDOW, index_of
from tests.contracts.errors import error
from tests.contracts.plain import plain
from tests.contracts.signing import AGREEMENT, key, values_of


@pytest.fixture
def agreement_id(market, open_agreement):
    return plain(market.hashAgreement(open_agreement))


def test_an_open_agreement_is_not_written_again(market, open_agreement, agreement_id, sign, seller):
    with reverts(error("AgreementExists", agreement_id)):
        market.allowTransaction.call(open_agreement, sign(open_agreement), {"from": seller})


def test_a_settled_agreement_is_neither_written_nor_settled_again(
    market, open_agreement, agreement_id, window_over, record, sign, keeper, seller, buyer
):
    record(seller, 5_000)
    record(buyer, 0, 2_000)
    market.makeTransaction(open_agreement, {"from": keeper})

    with reverts(error("AgreementSettled", agreement_id)):
        market.makeTransaction.call(open_agreement, {"from": keeper})
    start, end = commit_start(WINDOW), window_end(WINDOW) - 3600
    with reverts(error("CommitPhaseOnly", WINDOW, start, end)):
        market.allowTransaction.call(open_agreement, sign(open_agreement), {"from": seller})


@pytest.mark.parametrize(
    "change", [{"chainId": 1}, {"verifyingContract": "0x" + "1" * 40}, {"version": "2"}]
)
def test_a_signature_for_another_market_does_not_count(
    market, agreement, commit_phase, chain, seller, buyer, change
):
    domain = {
        "name": "Peerwatt EnergyMarket",
        "version": "1",
        "chainId": chain.id,
        "verifyingContract": market.address,
        **change,
    }
    signer = key(index_of(buyer))
    signature = signer.sign_typed_data(domain, AGREEMENT, values_of(agreement, AGREEMENT))

    with reverts(error("SignatureInvalid", buyer)):
        market.allowTransaction.call(agreement, bytes(signature.signature), {"from": seller})
