"""A consistent copy of custody.db while a server may be writing to it; and its check."""

from __future__ import annotations

from pathlib import Path

import apsw

from exchange.custody.store import CustodyDamaged
from exchange.ledger.copying import Progress, check_plain, copy_plain


def copy_custody(source: Path, target: Path, progress: Progress) -> None:
    """Copy custody.db to a new file, mode 0600. Raises `CustodyDamaged`."""
    try:
        copy_plain(source, target, progress, lambda _: None)
    except apsw.Error as error:
        raise _damaged(source, str(error)) from error


def check_custody(path: Path) -> None:
    """Read every page. Raises `CustodyDamaged`."""
    if fault := check_plain(path):
        raise _damaged(path, fault)


def _damaged(path: Path, fault: str) -> CustodyDamaged:
    return CustodyDamaged(f"{path}: {fault}. Nothing was changed. Keep the file, and restore a backup.")
