"""CSV files that say where they are wrong: a table of text columns with row numbers.

Row numbers count the lines of the file from 1, the header included, as an editor shows them.
"""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import ProfileError

IntArray = NDArray[np.int64]

MAX_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The text of a CSV file by column; `rows[i]` is the row number of the i-th entry."""

    path: Path
    rows: list[int]
    columns: dict[str, list[str]]

    def error(self, entry: int, column: str, rule: str, *, hint: str = "") -> ProfileError:
        """The error that names the row, the column and the value of an entry."""
        field = f"{self.path}:{self.rows[entry]}:{column}"
        return ProfileError(field, rule, self.columns[column][entry], hint=hint)

    def whole_numbers(self, column: str, maximum: int) -> IntArray:
        """A column as whole numbers from 0 to `maximum`; raises ProfileError for any other."""
        texts = self.columns[column]
        longest = len(str(maximum))
        for entry, text in enumerate(texts):
            if not (text.isascii() and text.isdigit()):
                negative = text.strip().startswith("-")
                rule = "must not be negative" if negative else "must be a whole number"
                raise self.error(entry, column, rule)
            if len(text) > longest and len(text.lstrip("0")) > longest:
                raise self.error(entry, column, f"must be at most {maximum}")
        numbers = np.array([int(text) for text in texts], dtype=np.int64)
        too_large = np.flatnonzero(numbers > maximum)
        if too_large.size:
            raise self.error(int(too_large[0]), column, f"must be at most {maximum}")
        return numbers


def read_csv_table(
    path: Path, required: Collection[str], *, others_allowed: bool = False
) -> CsvTable:
    """Read a CSV file in UTF-8 with a header and comma-separated fields.

    Raises ProfileError for a file that cannot be read, is empty, is larger than 64 MiB, is not
    UTF-8, lacks a required column, has a column that is not known (unless `others_allowed`), or
    has a row with more or fewer fields than the header. Blank lines are passed over.
    """
    reader = csv.reader(io.StringIO(_text_of(path), newline=""), strict=True)
    rows: list[int] = []
    entries: list[list[str]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, required, others_allowed)
        for entry in reader:
            if not entry:
                continue
            if len(entry) != len(header):
                raise ProfileError(
                    f"{path}:{reader.line_num}",
                    f"must have {len(header)} fields, as the header",
                    ",".join(entry),
                )
            rows.append(reader.line_num)
            entries.append(entry)
    except csv.Error as error:
        raise ProfileError(f"{path}:{reader.line_num}", "must be valid CSV", str(error)) from error
    if not entries:
        raise ProfileError(f"{path}:1", "must have rows below the header", "no rows")
    columns = dict(zip(header, map(list, zip(*entries, strict=True)), strict=True))
    return CsvTable(path, rows, columns)


def _text_of(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ProfileError(str(path), f"must be at most {MAX_FILE_BYTES} bytes", size)
        content = path.read_bytes()
    except OSError as error:
        raise ProfileError(str(path), "must be a readable file", error.strerror) from error
    if not content.strip():
        raise ProfileError(str(path), "must not be empty", f"{len(content)} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise ProfileError(
            f"{path}:{row}",
            "must be UTF-8",
            content[error.start : error.end],
            hint="save the file as CSV UTF-8",
        ) from error


def _check_header(
    path: Path, header: list[str], required: Collection[str], others_allowed: bool
) -> None:
    found = ",".join(header)
    for column in required:
        if column not in header:
            hint = "separate the columns with commas" if ";" in found or "\t" in found else ""
            raise ProfileError(f"{path}:1:{column}", "column is missing", found, hint=hint)
    for position, column in enumerate(header):
        if column in header[:position]:
            raise ProfileError(f"{path}:1:{column}", "column is there twice", found)
        if column not in required and not others_allowed:
            known = ", ".join(required)
            raise ProfileError(f"{path}:1:{column}", f"column is not one of {known}", found)
