"""The street's own meter, at its connection to the grid: what came in and went out, hour by hour.

With a real transformer its meter is read instead; here it sees what the homes' data leaves over. It
is kept as a CSV file `window,imported_wh,exported_wh`, for auditors to hold all meters against.
"""

from collections.abc import Sequence
from pathlib import Path

from app.agents.devices.batches import MeterBatch
from app.agents.governance.detection import Feeder
from app.errors import InputError

FILE_NAME = "feeder.csv"
_HEADER = "window,imported_wh,exported_wh"


class FeederLog:
    """What the street's meter saw, in a file, or in memory where there is none.

    Raises InputError for a file that is damaged, naming its line.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._seen: dict[int, Feeder] = {}
        if path is not None and path.is_file():
            for number, line in enumerate(path.read_text("utf-8").splitlines()[1:], 2):
                self._seen.update([_read_line(f"{path}:{number}", line)])

    def find(self, window: int) -> Feeder | None:
        """What went through the connection in a window."""
        return self._seen.get(window)

    def note(self, window: int, batches: Sequence[MeterBatch]) -> None:
        """Reads the meter once for a window, whose batches are those of everybody in the street."""
        if window in self._seen:
            return
        steps = zip(*(batch.steps for batch in batches), strict=True)
        flows = [sum(each.exported_wh - each.imported_wh for each in step) for step in steps]
        seen = Feeder(
            imported_wh=-sum(flow for flow in flows if flow < 0),
            exported_wh=sum(flow for flow in flows if flow > 0),
        )
        self._seen[window] = seen
        if self._path is not None:
            self._write(self._path, window, seen)

    def _write(self, path: Path, window: int, seen: Feeder) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.is_file()
        with path.open("a", encoding="utf-8") as file:
            if is_new:
                file.write(f"{_HEADER}\n")
            file.write(f"{window},{seen.imported_wh},{seen.exported_wh}\n")


def _read_line(where: str, line: str) -> tuple[int, Feeder]:
    numbers = line.split(",")
    if len(numbers) != 3 or not all(each.isascii() and each.isdigit() for each in numbers):
        raise InputError(where, "must be three whole numbers", line[:100])
    window, imported_wh, exported_wh = map(int, numbers)
    return window, Feeder(imported_wh, exported_wh)
