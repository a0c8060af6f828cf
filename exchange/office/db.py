"""Opening office.db: people, keys and the audit trail. One connection, one process, everything durable when it returns.

Calls here block for as long as the disk takes. People's acts are rare, so the trading loop can wait for them, and in
return each is atomic as seen by every task. Only this room speaks to this file.
"""

from __future__ import annotations

from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import quote

import apsw

from exchange.ledger.db import keep_checksums, load_checksums, readable
from exchange.ledger.wal_head import Noted, shortened

_PRAGMAS: Final = (
    ("journal_mode", "wal"),
    ("synchronous", 2),
    ("secure_delete", 1),  # what is erased is overwritten
    ("foreign_keys", 1),
    ("trusted_schema", 0),
)
_READ_BACK: Final = {"journal_mode", "synchronous", "secure_delete"}


class OfficeDamaged(Exception):
    """office.db cannot be used. The message says what was found, what was not changed, and what to do."""


def open_office(path: Path) -> apsw.Connection:
    """Open, and if need be create (mode 0600), the office at `path`, migrated to the newest schema."""
    path.touch(mode=0o600)
    load_checksums()
    if fault := shortened(path):
        raise OfficeDamaged(f"{path}: {fault}. Nothing was changed. Keep the files, and restore a backup.")
    connection = Noted(str(path))
    try:
        keep_checksums(connection)
        for name, wanted in _PRAGMAS:
            connection.pragma(name, wanted)
            if name in _READ_BACK and (found := connection.pragma(name)) != wanted:
                raise OfficeDamaged(
                    f"{path}: {name} is {found!r}, not {wanted!r}. Nothing was changed. Is the disk local?"
                )
        _migrate(connection, path)
        connection.follow(path)
    except apsw.NotADBError as error:
        connection.close()
        raise OfficeDamaged(f"{path}: this is not a database. Nothing was changed. Restore a backup.") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _migrations() -> list[str]:
    folder = resources.files("exchange.office") / "migrations"
    scripts = sorted((script for script in folder.iterdir() if script.name.endswith(".sql")), key=lambda s: s.name)
    return [script.read_text(encoding="utf-8") for script in scripts]


def _migrate(connection: apsw.Connection, path: Path) -> None:
    """Run the numbered scripts that this file has not seen, each in one transaction with its number."""
    scripts, seen = _migrations(), connection.pragma("user_version")
    if seen > len(scripts):
        raise OfficeDamaged(
            f"{path}: schema {seen} was written by a newer program; this one knows {len(scripts)}. Nothing was changed."
        )
    for number, script in enumerate(scripts[seen:], seen + 1):
        with connection:
            connection.execute(script)
            connection.pragma("user_version", number)


def versions(path: Path) -> tuple[int, int]:
    """How many scripts the office has seen, and how many there are; read beside whoever has it open."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with readable(path, OfficeDamaged), closing(apsw.Connection(f"file:{quote(str(path))}?mode=ro", flags=flags)) as db:
        return int(db.pragma("user_version")), len(_migrations())
