"""Keys of the model: cheap development accounts, and whatever key it is given."""

from collections.abc import Iterable

from coincurve import PrivateKey
from eth_hash.auto import keccak

from app.errors import ForbiddenError
from app.ledger.types import Address
from app.market.typed_data import address_of


class ModelKeys:
    """Development keys: one per name, the same in every run, or imported ones."""

    def __init__(self) -> None:
        self._keys: dict[Address, PrivateKey] = {}
        self._named: dict[str, Address] = {}

    def account(self, name: str) -> Address:
        """The account of that name, which is made when it is first asked for."""
        if name not in self._named:
            self._named[name] = self.add(keccak(b"Peerwatt model account " + name.encode()))
        return self._named[name]

    def accounts(self, names: Iterable[str]) -> list[Address]:
        """The accounts of several names."""
        return [self.account(name) for name in names]

    def add(self, secret: bytes) -> Address:
        """Takes a private key (32 bytes); returns its account."""
        key = PrivateKey(secret)
        address = address_of(key.public_key)
        self._keys[address] = key
        return address

    def holds(self, address: Address) -> bool:
        """Whether the key of this account is here."""
        return address in self._keys

    def key_of(self, address: Address) -> PrivateKey:
        """The key of an account; ForbiddenError where it is not here."""
        key = self._keys.get(address)
        if key is None:
            raise ForbiddenError(f"the model holds no key of {address}")
        return key
