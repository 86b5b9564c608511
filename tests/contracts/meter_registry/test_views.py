"""The digest that meters sign, and the links."""

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from tests.contracts.conftest import WINDOW
from tests.contracts.plain import plain
from tests.contracts.signing import READING, Reading, values_of

SEVERAL = [
    Reading("0x" + "0" * 40, 0, 0, 0, 0, b"\x00" * 32),
    Reading("0x" + "1" * 40, WINDOW, 3_000, 1_000, 70, b"\x0d" * 32),
    Reading("0x" + "f" * 40, 2**64 - 1, 2**64 - 1, 2**64 - 1, 2**64 - 1, b"\xff" * 32),
]


@pytest.mark.parametrize("reading", SEVERAL, ids=["zero", "usual", "largest"])
def test_hashes_readings_as_wallets_do(registry, chain, reading):
    domain = {
        "name": "Peerwatt MeterRegistry",
        "version": "1",
        "chainId": chain.id,
        "verifyingContract": registry.address,
    }
    message = encode_typed_data(domain, READING, values_of(reading, READING))

    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert plain(registry.hashReading(reading)) == digest


def test_links_to_the_other_contracts(registry, system):
    assert registry.energyToken() == system.energy_token
    assert registry.authority() == system.authority
