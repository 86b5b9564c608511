"""What the market says of itself, and the digest that buyers sign."""

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from app.market.windows import COMMIT_MARGIN, WINDOW_LENGTH, window_at, window_end
from tests.contracts.conftest import NOW, WINDOW, travel_to
from tests.contracts.plain import plain
from tests.contracts.signing import AGREEMENT, Agreement, values_of

SEVERAL = [
    Agreement(0, "0x" + "0" * 40, "0x" + "0" * 40, 0, 0, 0, 0, 0),
    Agreement(WINDOW << 32, "0x" + "1" * 40, "0x" + "2" * 40, WINDOW, 2_000, 200_000, NOW, 7),
    Agreement(
        2**256 - 1,
        "0x" + "f" * 40,
        "0x" + "f" * 40,
        2**64 - 1,
        2**64 - 1,
        2**64 - 1,
        2**64 - 1,
        2**256 - 1,
    ),
]


@pytest.mark.parametrize("agreement", SEVERAL, ids=["zero", "usual", "largest"])
def test_hashes_agreements_as_wallets_do(market, chain, agreement):
    domain = {
        "name": "Peerwatt EnergyMarket",
        "version": "1",
        "chainId": chain.id,
        "verifyingContract": market.address,
    }
    message = encode_typed_data(domain, AGREEMENT, values_of(agreement, AGREEMENT))

    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert plain(market.hashAgreement(agreement)) == digest


def test_says_its_domain(market, chain):
    domain = plain(market.eip712Domain())

    assert (domain["name"], domain["version"]) == ("Peerwatt EnergyMarket", "1")
    assert (domain["chainId"], domain["verifyingContract"]) == (chain.id, market.address)


def test_keeps_the_windows_of_the_python_model(market):
    assert market.windowLength() == WINDOW_LENGTH
    assert market.commitMargin() == COMMIT_MARGIN


def test_tells_the_window_of_this_moment(market):
    assert market.currentWindow() == window_at(NOW)

    travel_to(window_end(WINDOW) - 1)
    assert market.currentWindow() == WINDOW
    travel_to(window_end(WINDOW))
    assert market.currentWindow() == WINDOW + 1


def test_says_its_bounds(market):
    assert market.MAX_BATCH() == 100
    assert market.MAX_PAGE() == 256


def test_links_to_the_other_contracts(market, system):
    assert market.paymentToken() == system.payment_token
    assert market.energyToken() == system.energy_token
    assert market.meterRegistry() == system.registry
    assert market.authority() == system.authority
    assert market.isTrustedForwarder(system.forwarder)
