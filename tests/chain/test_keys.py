import pytest
from eth_account import Account
from eth_keys.backends import CoinCurveECCBackend, get_backend

from app.chain.keys import (
    DEPLOYER,
    DEVELOPMENT_MNEMONIC,
    Keystore,
    development_address,
    household_address,
    meter_address,
)
from app.errors import ConfigurationError, ForbiddenError


def test_the_development_accounts_are_those_of_the_mnemonic(keys: Keystore) -> None:
    Account.enable_unaudited_hdwallet_features()
    expected = [
        Account.from_mnemonic(DEVELOPMENT_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}").address
        for number in (0, 1, 20, 120, 219)
    ]

    accounts = list(keys)
    assert [accounts[number] for number in (0, 1, 20, 120, 219)] == expected


def test_transactions_are_signed_by_libsecp256k1() -> None:
    assert isinstance(get_backend(), CoinCurveECCBackend)


def test_roles_households_and_meters_have_their_numbers(keys: Keystore) -> None:
    accounts = list(keys)

    assert development_address(DEPLOYER) == accounts[0]
    assert household_address(3) == accounts[23]
    assert meter_address(3) == accounts[123]


@pytest.mark.parametrize("chain_id", [1337, 31337])
def test_development_chains_may_use_them(chain_id: int) -> None:
    assert len(Keystore.development(chain_id, accounts=3)) == 3


@pytest.mark.parametrize("chain_id", [1, 5, 1338, 0])
def test_other_chains_may_not(chain_id: int) -> None:
    with pytest.raises(ConfigurationError, match=f"chain {chain_id}"):
        Keystore.development(chain_id)


def test_a_key_is_found_in_every_spelling_of_its_address(keys: Keystore) -> None:
    address = household_address(0)

    assert keys.key_of(address.lower()) is keys.key_of(address)
    assert address.lower() in keys


def test_the_key_of_a_stranger_is_not_there(keys: Keystore) -> None:
    stranger = "0x" + "11" * 20

    assert stranger not in keys
    with pytest.raises(ForbiddenError, match=stranger):
        keys.key_of(stranger)


def test_a_keystore_does_not_show_its_keys() -> None:
    secret = bytes(range(1, 33))

    assert secret.hex() not in repr(Keystore([secret]))
    assert str(int.from_bytes(secret, "big")) not in repr(Keystore([secret]))
