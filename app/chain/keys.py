"""Keys that this process signs with. They never leave it."""

from collections.abc import Iterable, Iterator
from functools import cache

from coincurve import PrivateKey
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_utils.address import to_checksum_address

from app.errors import ConfigurationError, ForbiddenError
from app.ledger.types import Address
from app.market.typed_data import address_of
from app.privacy.audit import AuditorKey
from app.privacy.keys import SEED_BYTES, hkdf_expand, hkdf_extract
from app.privacy.randomness import scalar_from

DEVELOPMENT_MNEMONIC = "test test test test test test test test test test test junk"
DEVELOPMENT_CHAINS = frozenset({1337, 31337})
DEVELOPMENT_ACCOUNTS = 220

DEPLOYER = 0
OPERATOR = 1
AUDITORS = (2, 7)
TREASURERS = (3, 8)
TREASURY = 4
RELAYER = 5
KEEPER = 6
FIRST_HOUSEHOLD = 20
FIRST_METER = 120
MAX_HOUSEHOLDS = FIRST_METER - FIRST_HOUSEHOLD


class Keystore:
    """Private keys by address."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = {address_of(key.public_key): key for key in map(PrivateKey, keys)}

    @classmethod
    def development(cls, chain_id: int, *, accounts: int = DEVELOPMENT_ACCOUNTS) -> "Keystore":
        """The accounts that everybody knows the keys of, in order of their number.

        Raises ConfigurationError on every chain that is not for development.
        """
        if chain_id not in DEVELOPMENT_CHAINS:
            raise ConfigurationError(
                f"development accounts are refused on chain {chain_id}",
                hint="their keys are public; use keys of your own",
            )
        return cls(_development_keys(accounts))

    def __repr__(self) -> str:
        return f"<Keystore of {len(self._keys)} accounts>"

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Address]:
        return iter(self._keys)

    def __contains__(self, address: object) -> bool:
        return isinstance(address, str) and to_checksum_address(address) in self._keys

    def key_of(self, address: Address) -> PrivateKey:
        """The key of an account; ForbiddenError if it is not here."""
        key = self._keys.get(address) or self._keys.get(to_checksum_address(address))
        if key is None:
            raise ForbiddenError(
                f"this keystore does not have the key of {address}",
                hint="the owner of the account has to sign",
            )
        return key


def development_address(number: int) -> Address:
    """The address of a development account by its number."""
    return address_of(PrivateKey(_development_key(number)).public_key)


def household_address(household: int) -> Address:
    """The development account of a household, 0 to 99."""
    return development_address(FIRST_HOUSEHOLD + household)


def meter_address(household: int) -> Address:
    """The development account of a household's meter."""
    return development_address(FIRST_METER + household)


def development_auditor_key() -> AuditorKey:
    """The key that opens what is committed to on development chains. Everybody knows it."""
    material = hkdf_extract(b"peerwatt/development", _development_seed())
    return AuditorKey.from_secret(scalar_from(hkdf_expand(material, b"auditor", 64)))


def development_wallet_seed(account_number: int) -> bytes:
    """The seed of the private keys of a development account (`app.privacy.keys.Wallet`).

    Everybody can compute it: that is fit for development chains and for no other.
    """
    material = hkdf_extract(b"peerwatt/development", _development_seed())
    return hkdf_expand(material, f"wallet/{account_number}".encode(), SEED_BYTES)


def _development_keys(accounts: int) -> Iterator[bytes]:
    return map(_development_key, range(accounts))


@cache
def _development_key(number: int) -> bytes:
    return key_from_seed(_development_seed(), f"m/44'/60'/0'/0/{number}")


@cache
def _development_seed() -> bytes:
    return seed_from_mnemonic(DEVELOPMENT_MNEMONIC, "")
