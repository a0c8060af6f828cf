"""A consistent copy of custody.db while a server may be writing to it; and its check."""

from __future__ import annotations

from pathlib import Path

import apsw

from exchange.core.units import Micros
from exchange.custody.port import Purpose
from exchange.custody.store import CustodyDamaged, open_writer
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


def retire_pool(path: Path, now: Micros) -> None:
    """Give every deposit address of a restored copy that waits for somebody to nobody, for good; on the disk on return.

    Some were given after the copy was made, to whom is forgotten: what comes in there is held for an operator, and not
    credited to the next who asks. New ones are made when the chain is followed again.
    """
    try:
        connection = open_writer(path)
        try:
            with connection:
                connection.execute(
                    "UPDATE addresses SET given = ? WHERE given = 0 AND purpose = ?", (now, int(Purpose.DEPOSIT))
                )
        finally:
            connection.close()
    except apsw.Error as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, fault: str) -> CustodyDamaged:
    return CustodyDamaged(f"{path}: {fault}. Nothing was changed. Keep the file, and restore a backup.")
