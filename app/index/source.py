"""What the index asks of a chain. `app.chain.reader` answers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.ledger.types import Address, Agreement


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """Where a block stands in its chain; hashes as 0x and 64 hex digits, time in seconds."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class ChainTransaction:
    """A transaction that called a contract of the market.

    `sender` paid for it. `signer` is who asked for it: the sender, or the author of the request
    that was relayed. `function` is the one that took effect, also behind the forwarder.
    `agreements` are those that its input carries, which no event shows in full.
    """

    hash: str
    index: int
    sender: Address
    signer: Address
    contract: str
    function: str
    gas_used: int
    succeeded: bool
    agreements: tuple[Agreement, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """A decoded event. `arguments` has the contract's names; bytes stay bytes."""

    log_index: int
    transaction_hash: str
    contract: str
    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ChainBlock:
    """A block, as far as it concerns the market: its events are in the order of `log_index`."""

    header: BlockHeader
    transactions: tuple[ChainTransaction, ...] = ()
    events: tuple[ChainEvent, ...] = ()


class ChainReader(Protocol):
    """Reads a chain. Raises `NodeUnavailableError` while the node is away."""

    @property
    def identity(self) -> str:
        """What tells this market from others: chain id and contract addresses."""
        ...

    @property
    def first_block(self) -> int:
        """The first block in which the market can have events."""
        ...

    async def head(self) -> BlockHeader: ...

    async def header(self, number: int) -> BlockHeader | None:
        """The header of a block of the present chain; None above its head."""
        ...

    async def blocks(self, first: int, last: int) -> Sequence[ChainBlock]:
        """Blocks `first` to `last` (inclusive) of one and the same chain, in order.

        Shorter than asked for, even empty, where the chain changed meanwhile.
        """
        ...

    def agreement_id(self, agreement: Agreement) -> str:
        """The digest of an agreement as 0x and 64 hex digits."""
        ...
