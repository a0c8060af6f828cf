"""What these commands print: lines, tables and CSV. Nothing in them can move the cursor or be taken for a formula."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Iterable, Sequence

from exchange.admin.wire import clean


def say(line: str) -> None:
    """One line on stdout."""
    sys.stdout.write(f"{line}\n")


def fail(text: str) -> int:
    """One sentence on stderr; the exit status that goes with it."""
    sys.stderr.write(f"exchange: {text}\n")
    return 1


def date(micros: int) -> str:
    """A time in UTC to the second; "" for 0."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(micros // 1_000_000)) if micros else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, as_csv: bool = False) -> None:
    """Rows under their heads, in columns or as CSV."""
    lines = [tuple(clean(str(cell)) for cell in row) for row in rows]
    if as_csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([heads, *(map(_unformula, line) for line in lines)])
        sys.stdout.write(text.getvalue())
        return
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    for line in (heads, *lines):
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _unformula(cell: str) -> str:
    """A cell that a spreadsheet would compute, made text."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell
