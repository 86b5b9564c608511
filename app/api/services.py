"""What the gateway stands on, handed to `create_app`."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.agents.private.view import PrivateView
from app.api.about import About
from app.chain.clock import MarketClock
from app.chain.keys import Keystore
from app.index.market_index import MarketIndex
from app.ledger.chain import ChainLedger
from app.ledger.private import PrivateLedger
from app.ledger.private_relay import PrivateRelay
from app.ledger.relayer import Relayer
from app.ledger.types import Address, Agreement

ROOT = Path(__file__).resolve().parents[2]


class Street(Protocol):
    """The agents of this process, as far as a visitor deals with them."""

    def want(self, household: str, window: int, energy_wh: int, limit_price: int) -> None:
        """Lets a household, by its name, buy in the present negotiation for a window.

        Raises NotFoundError for a household without agents here, InputError for an impossible
        amount or price, and ConflictError where the window is not negotiated now.
        """
        ...

    def note_agreement(self, agreement: Agreement) -> None:
        """Lets the operator settle an agreement that was written by somebody else's hand."""
        ...

    def private_view(self, account: Address) -> PrivateView | None:
        """What a household sees of its own private trades.

        None where no such household has agents here, or where they trade in the open.
        """
        ...


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Settings of the gateway. `allowed_hosts`: names that it may be called by ("*": any).

    Of private calls `private_waiting` may be at work at a time, each waits up to `private_delay`
    seconds before it is sent, and each key image has a rate of its own.
    """

    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
    max_body_bytes: int = 256 * 1024
    max_lag_blocks: int = 50
    relay_burst: int = 20
    relay_per_second: float = 1.0
    private_waiting: int = 16
    private_delay: float = 0.0
    private_burst: int = 5
    private_per_second: float = 0.1
    page: Path = ROOT / "app" / "web" / "dist"
    swagger_ui: Path = ROOT / "node_modules" / "swagger-ui-dist"


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running market.

    `relayer` pays for what others have signed. `development` are the accounts that the gateway
    signs for; None on every chain that is not for development. `street` is None where no agents run
    in this process, and `about` says who lives there. `speed` is how many market seconds pass in a
    real one; 0 where time moves only on command. `private` is None where private trading was not
    deployed; `private_relay` is the one that agents of this process use, too (default: one of the
    gateway's own, made by the settings). `monotonic` paces limits on requests.
    """

    ledger: ChainLedger
    index: MarketIndex
    clock: MarketClock
    relayer: Relayer
    development: Keystore | None = None
    street: Street | None = None
    private: PrivateLedger | None = None
    private_relay: PrivateRelay | None = None
    about: About = field(default_factory=About)
    speed: float = 1.0
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    monotonic: Callable[[], float] = time.monotonic
