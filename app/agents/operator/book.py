"""The operator's book: agreements that are written and not yet settled.

The ledger keeps only an agreement's state; to settle it somebody must still have the agreement. The
book is a file of JSON lines, so that a run that was stopped can be settled later.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from app.errors import InputError
from app.ledger.types import Agreement


class AgreementBook:
    """Agreements by window, in the order of writing; in memory where there is no file."""

    def __init__(self, path: Path | None = None) -> None:
        """Reads the file, if there is one; raises InputError for a line that is damaged."""
        self._path = path
        self._open: dict[int, dict[Agreement, None]] = {}
        if path is not None and path.exists():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                self._keep(_read_line(path, number, line))

    def add(self, agreements: Sequence[Agreement]) -> list[Agreement]:
        """Notes agreements; returns those that were not noted already."""
        new = [one for one in agreements if one not in self._open.get(one.window, {})]
        for agreement in new:
            self._keep(agreement)
        if self._path is None or not new:
            return new
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            for agreement in new:
                file.write(json.dumps({**asdict(agreement), "salt": str(agreement.salt)}) + "\n")
        return new

    def open_agreements(self, window: int) -> list[Agreement]:
        """What is noted for a window and not closed."""
        return list(self._open.get(window, {}))

    def windows(self) -> list[int]:
        """The windows with open agreements, rising."""
        return sorted(self._open)

    def close(self, agreements: Sequence[Agreement]) -> None:
        """Strikes out what is settled. The file keeps it: it is a history."""
        for agreement in agreements:
            noted = self._open.get(agreement.window, {})
            noted.pop(agreement, None)
            if not noted:
                self._open.pop(agreement.window, None)

    def _keep(self, agreement: Agreement) -> None:
        self._open.setdefault(agreement.window, {})[agreement] = None


def _read_line(path: Path, number: int, line: str) -> Agreement:
    try:
        raw = json.loads(line)
        return Agreement(**{**raw, "salt": int(raw["salt"])})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}:{number}", "must be an agreement", line[:100]) from error
