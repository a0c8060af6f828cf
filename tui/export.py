"""Writes a list to a CSV file that was not there before."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(path: Path, header: Sequence[str], records: Iterable[Sequence[str]]) -> int:
    """How many records were written. The file is its owner's alone to read.

    Raises FileExistsError rather than touch a file that is there, OSError where it cannot be written, and
    RuntimeError for `~nobody`, who has no home.
    """
    written = 0
    descriptor = os.open(path.expanduser(), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123  # a descriptor, not a path
        lines = csv.writer(file)
        lines.writerow(header)
        for record in records:
            lines.writerow([_inert(cell) for cell in record])
            written += 1
    return written


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: what traders chose may begin with `=`."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
