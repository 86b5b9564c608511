"""What a household must not forget about its private trades, as money hangs on it.

The chain keeps commitments; what opens them is here alone: a file of JSON lines that nobody else
may read. A line is written before anything is done that depends on it. Without a folder all is in
memory.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from coincurve import PrivateKey

from app.agents.private.view import TradeSide, TradeState
from app.agents.private.wire import from_wire, to_wire
from app.errors import InputError
from app.ledger.types import Address
from app.privacy.pedersen import Opening
from app.privacy.trading import MadeAgreement

OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class KeptOffer:
    """An offer of one's own, with the key of the one-time account that owns it."""

    offer_id: int
    window: int
    owner: Address
    owner_secret: int = field(repr=False)
    energy: Opening
    floor_price: Opening

    @property
    def owner_key(self) -> PrivateKey:
        return PrivateKey.from_int(self.owner_secret)


@dataclass(frozen=True, slots=True)
class KeptTrade:
    """An agreement that one is a side of, and what is known to have become of it."""

    window: int
    side: TradeSide
    made: MadeAgreement
    state: TradeState = TradeState.OPEN
    delivered_wh: int | None = None


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """What has become of an agreement."""

    agreement_id: bytes
    state: TradeState
    delivered_wh: int | None


Entry = KeptOffer | KeptTrade | KeptOutcome

_KINDS: dict[str, type[Entry]] = {
    "offer": KeptOffer,
    "trade": KeptTrade,
    "outcome": KeptOutcome,
}


class Lines:
    """A file of JSON lines that its owner alone may read, or a list in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._cut_torn_line(path)

    def read(self) -> Iterator[tuple[str, object]]:
        """What was written, each with its place; raises InputError for a line that is damaged."""
        if self._path is None or not self._path.exists():
            return
        for number, line in enumerate(self._path.read_text(encoding="utf-8").splitlines(), 1):
            place = f"{self._path}:{number}"
            try:
                yield place, json.loads(line)
            except ValueError as error:
                raise InputError(place, "must be JSON", "something else") from error

    def write(self, row: object) -> None:
        if self._path is None:
            return
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
        with os.fdopen(file, "a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")

    @staticmethod
    def _cut_torn_line(path: Path) -> None:
        """A line without an end was never acted on: whoever wrote it was stopped right then."""
        if not path.exists():
            return
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(path, len(whole))


class Journal:
    """A household's offers and trades."""

    def __init__(self, path: Path | None = None) -> None:
        """Reads the file, if there is one; raises InputError for a line that is damaged."""
        self.offers: dict[int, KeptOffer] = {}
        self.trades: dict[bytes, KeptTrade] = {}
        self._lines = Lines(path)
        for place, row in self._lines.read():
            self._keep(_entry(place, row))

    def keep(self, entry: Entry) -> None:
        """Writes an entry down for good."""
        name = next(name for name, kind in _KINDS.items() if isinstance(entry, kind))
        self._lines.write({"kind": name, **to_wire(entry)})
        self._keep(entry)

    def settle(self, agreement_id: bytes, state: TradeState, delivered_wh: int | None) -> None:
        """Writes down what has become of an agreement, once."""
        if self.trades[agreement_id].state is TradeState.OPEN:
            self.keep(KeptOutcome(agreement_id, state, delivered_wh))

    def open_trades(self, window: int | None = None) -> list[KeptTrade]:
        """What is not over, of one window or of all, in the order of agreeing."""
        return [
            trade
            for trade in self.trades.values()
            if trade.state is TradeState.OPEN and window in (None, trade.window)
        ]

    def forget(self, agreement_id: bytes) -> None:
        """An agreement that nobody has paid in time never counted; the file keeps its line."""
        del self.trades[agreement_id]

    def _keep(self, entry: Entry) -> None:
        match entry:
            case KeptOffer():
                self.offers[entry.offer_id] = entry
            case KeptTrade():
                self.trades[entry.made.id] = entry
            case KeptOutcome():
                trade = self.trades.get(entry.agreement_id)
                if trade is not None:
                    done = replace(trade, state=entry.state, delivered_wh=entry.delivered_wh)
                    self.trades[entry.agreement_id] = done


def _entry(place: str, row: object) -> Entry:
    raw = dict(row) if isinstance(row, dict) else {}
    kind = _KINDS.get(str(raw.pop("kind", "")))
    if kind is None:
        raise InputError(place, "must be an entry of a journal", "something else")
    return from_wire(kind, raw, place)
