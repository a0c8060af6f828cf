"""custody.db: its one writer and its one reader.

Whoever writes hands in a function that is run in a worker thread, inside one transaction, alone: the trading loop never
waits for this file's disk. What it returns is durable. Reading is quick and happens on the loop itself, through a
connection of its own that sees what is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import apsw
import trio

from exchange.ledger.db import keep_checksums, load_checksums, readable
from exchange.ledger.wal_head import Noted, shortened

T = TypeVar("T")

_PRAGMAS: Final = (
    ("journal_mode", "wal"),
    ("synchronous", 2),  # what is done to the world outside is on disk before it is done
    ("foreign_keys", 1),
    ("trusted_schema", 0),
    ("wal_autocheckpoint", 1_000),
    ("journal_size_limit", 16 << 20),
)
_READ_BACK: Final = {"journal_mode", "synchronous"}


class CustodyDamaged(Exception):
    """custody.db cannot be used. The message says what was found, what was not changed, and what to do."""


class Store:
    """The file, open. One process, one writer at a time."""

    def __init__(self, path: Path) -> None:
        """Open, and if need be create (mode 0600), the file, migrated to the newest schema. Raises `CustodyDamaged`."""
        self.path = path
        self._writer = open_writer(path)
        self.reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        """For statements that only read, on the loop's own thread."""
        self.reader.set_busy_timeout(5_000)
        self._turn = trio.CapacityLimiter(1)

    async def write(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run `act` in one transaction; on return all of it is on disk, after an exception nothing of it is.

        A caller that is cancelled meanwhile waits for the end all the same, and then is cancelled.
        """

        def run() -> T:
            with self._writer:
                result = act(self._writer)
            return result  # noqa: RET504  # only now is it durable

        return await trio.to_thread.run_sync(run, limiter=self._turn)

    def close(self) -> None:
        """Close both connections. Nobody may be writing."""
        self.reader.close()
        self._writer.close()


def open_writer(path: Path) -> apsw.Connection:
    """A connection that may write, every guard on and read back."""
    path.touch(mode=0o600)
    load_checksums()
    if fault := shortened(path):
        raise CustodyDamaged(f"{path}: {fault}. Nothing was changed. Keep the files, and restore a backup.")
    connection = Noted(str(path))
    try:
        keep_checksums(connection)
        for name, wanted in _PRAGMAS:
            connection.pragma(name, wanted)
            if name in _READ_BACK and (found := connection.pragma(name)) != wanted:
                raise CustodyDamaged(
                    f"{path}: {name} is {found!r}, not {wanted!r}. Nothing was changed. Is the disk local?"
                )
        _migrate(connection, path)
        connection.follow(path)
    except apsw.NotADBError as error:
        connection.close()
        raise CustodyDamaged(f"{path}: this is not a database. Nothing was changed. Restore a backup.") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _migrations() -> list[tuple[int, str]]:
    """Number and text of every script, in the order of their numbers, which may have gaps."""
    folder = resources.files("exchange.custody") / "migrations"
    scripts = [script for script in folder.iterdir() if script.name.endswith(".sql")]
    return sorted((int(script.name.split("_")[0]), script.read_text(encoding="utf-8")) for script in scripts)


def _migrate(connection: apsw.Connection, path: Path) -> None:
    """Run the numbered scripts that this file has not seen, each in one transaction with its number."""
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY) STRICT")
    seen = {int(number) for (number,) in connection.execute("SELECT number FROM migrations")}
    scripts = _migrations()
    if unknown := seen - {number for number, _ in scripts}:
        raise CustodyDamaged(
            f"{path}: schema {max(unknown)} was written by a newer program. Nothing was changed. Use that program."
        )
    for number, script in scripts:
        if number not in seen:
            with connection:
                connection.execute(script)
                connection.execute("INSERT INTO migrations VALUES (?)", (number,))


def versions(path: Path) -> tuple[int, int]:
    """How many scripts the file has seen, and how many there are; read beside whoever has it open."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with (
        readable(path, CustodyDamaged),
        closing(apsw.Connection(f"file:{quote(str(path))}?mode=ro", flags=flags)) as db,
    ):
        ((seen,),) = db.execute("SELECT count(*) FROM migrations")
        return int(seen), len(_migrations())
