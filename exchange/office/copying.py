"""A consistent copy of office.db, and of where its trail ends, while a server may be writing to it; and its check."""

from __future__ import annotations

from pathlib import Path

import apsw

from exchange.ledger.copying import Progress, check_plain, copy_plain
from exchange.office.db import OfficeDamaged
from exchange.office.trail import head_within, read_head, verify_file, write_head


def copy_office(source: Path, head: Path, target: Path, target_head: Path, progress: Progress) -> None:
    """Copy the office at `source`, whose trail's head file is `head`, to new files, mode 0600.

    Raises `OfficeDamaged`, or `TrailBroken` when the trail ends before its head.
    """
    known = read_head(head)  # before the copy begins: it must not be ahead of it
    try:
        newest = copy_plain(source, target, progress, lambda reader: head_within(reader, known))
    except apsw.Error as error:
        raise _damaged(source, str(error)) from error
    write_head(target_head, newest)


def check_office(path: Path, head: Path) -> None:
    """Read every page of an office, and recompute its trail. Raises `OfficeDamaged`, `TrailBroken`."""
    if fault := check_plain(path):
        raise _damaged(path, fault)
    verify_file(path, read_head(head))


def _damaged(path: Path, fault: str) -> OfficeDamaged:
    return OfficeDamaged(f"{path}: {fault}. Nothing was changed. Keep the file, and restore a backup.")
