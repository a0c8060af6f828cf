"""A consistent copy of a ledger that may be in use: SQLite's own online copy, under one snapshot, page by page.

The writer is not held up; only its WAL cannot begin anew while the copy is made. Pages are checked against their
checksums on the way, and carry them in the copy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import apsw

from exchange.ledger import db
from exchange.ledger.excerpts import newest_row
from exchange.ledger.journal import check_head, head_path, write_head

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Called now and then with (pages copied, pages in all)."""

_STEP: Final = 1_000
"""Pages copied at a time: 4 MB."""


def copy_ledger(source: Path, target: Path, progress: Progress, *, older: bool = False) -> None:
    """Copy the ledger at `source` as of its last commit to a new file, with a head file of its own; both on the disk.

    Its schema may be an `older` one, and then so is the copy's.
    Raises `LedgerDamaged` when a page is damaged, or the journal ends before its head.
    """
    reader = db.open_reader(source, older=older)
    try:
        reader.execute("BEGIN")
        check_head(reader, source)
        copy = db.open_copy(target, reader)
        try:
            copy_pages(reader, copy, progress)
        finally:
            copy.close()
    except apsw.Error as error:
        raise db.damaged(source, error) from error
    finally:
        reader.close()
    reader = db.open_reader(target, older=older)
    try:
        write_head(head_path(target), newest_row(reader))
    finally:
        reader.close()


def copy_plain(source: Path, target: Path, progress: Progress, look: Callable[[apsw.Connection], T]) -> T:
    """The same for a file that is no ledger; what `look` sees in that snapshot. Raises what SQLite raises."""
    reader = _plain_reader(source)
    try:
        reader.execute("BEGIN")
        seen = look(reader)
        copy = db.open_copy(target, reader)
        try:
            copy_pages(reader, copy, progress)
        finally:
            copy.close()
        return seen
    finally:
        reader.close()


def check_plain(path: Path) -> str:
    """Read every page of a file that is no ledger; "", or what is wrong with it."""
    reader = _plain_reader(path)
    try:
        found = next(iter(reader.execute("PRAGMA integrity_check(1)")))[0]
    except apsw.Error as error:
        found = error
    finally:
        reader.close()
    return "" if found == "ok" else str(found)


def _plain_reader(path: Path) -> apsw.Connection:
    db.load_checksums()
    uri = f"file:{quote(str(path))}?mode=ro"
    reader = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    reader.set_busy_timeout(5_000)
    return reader


def copy_pages(source: apsw.Connection, target: apsw.Connection, progress: Progress) -> None:
    """Copy all that `source`, in a transaction of its own, sees; raises what SQLite raises."""
    with target.backup("main", source, "main") as copying:
        while not copying.done:
            copying.step(_STEP)
            progress(copying.page_count - copying.remaining, copying.page_count)
