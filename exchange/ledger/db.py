"""Opening the ledger file: one writer with every guard on, or a reader that cannot write.

WAL with `synchronous=FULL` (an acknowledgement means it is on disk) and page checksums by `cksumvfs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

import apsw
import apsw.sqlite_extra

from exchange.ledger import backfill

_VFS: Final = "cksmvfs"
_CHECKSUM_BYTES: Final = 8
_STATEMENTS: Final = 512
"""apsw keeps so many prepared statements, counting each use as one more: enough for every row of a large batch, so that
no statement is prepared anew with each commit."""
_WRITER_PRAGMAS: Final = (
    ("journal_mode", "wal"),
    ("synchronous", 2),
    ("checksum_verification", 1),
    ("cache_size", -32_000),
    ("wal_autocheckpoint", 4_000),
    ("foreign_keys", 0),
    ("trusted_schema", 0),
)
BACKFILLED: Final = "CREATE TABLE account_events"
"""The script with this has tables that are filled from the journal of an older ledger."""


class LedgerDamaged(Exception):
    """The ledger file cannot be used. The message says what was found, what was not changed, and what to do."""


class DiskFailed(Exception):
    """The ledger's disk refused to write: what became of the last batch is unknown, and the process must end."""


def load_checksums() -> None:
    """Make the checksum VFS known to this process; safe to repeat."""
    if _VFS not in apsw.vfs_names():
        loader = apsw.Connection(":memory:")
        apsw.sqlite_extra.load(loader, "cksumvfs")
        loader.close()


def keep_checksums(connection: apsw.Connection) -> None:
    """Give every page of a file a checksum of its own, which is checked whenever the page is read.

    A new file has them from its first page on; one of before is written anew, all of it or not at all.
    """
    if connection.reserve_bytes() == _CHECKSUM_BYTES:
        return
    older = connection.pragma("page_count")
    connection.reserve_bytes(reserve=_CHECKSUM_BYTES)
    if older:
        connection.execute("VACUUM")


def open_writer(path: Path) -> apsw.Connection:
    """Open, and if need be create, the ledger at `path` for its only writer, migrated to the newest schema."""
    load_checksums()
    connection = _connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    try:
        _prepare(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, apsw.Error):
            raise damaged(path, error) from error
        raise
    return connection


def _connect(path: Path, flags: int) -> apsw.Connection:
    try:
        return apsw.Connection(str(path), flags=flags, vfs=_VFS, statementcachesize=_STATEMENTS)
    except apsw.Error as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> LedgerDamaged:
    """What to say of a ledger that cannot be read."""
    return LedgerDamaged(f"{path}: {error}. Nothing was changed. Keep the files, and restore a backup.")


@contextmanager
def readable(path: Path, damaged: type[Exception]) -> Iterator[None]:
    """Whatever SQLite raises of the file at `path` in here is raised as `damaged`, with what to do."""
    try:
        yield
    except apsw.Error as error:
        raise damaged(f"{path}: {error}. Nothing was changed. Keep the files, and restore a backup.") from error


def disk_failed(path: Path, error: Exception) -> DiskFailed:
    """What to say when a commit failed."""
    return DiskFailed(
        f"{path}: the disk refused ({error}), so the server has ended. All that was acknowledged is on the disk;"
        " what was asked for last may be there or not: client order ids tell. See to the disk, then start again."
    )


def _prepare(connection: apsw.Connection, path: Path) -> None:
    """Turn every guard on and read it back; bring the schema up to date."""
    if not connection.pragma("page_count"):  # new, or its making was cut short and is undone by now
        path.chmod(0o600)
        connection.reserve_bytes(reserve=_CHECKSUM_BYTES)
    for name, wanted in _WRITER_PRAGMAS:
        connection.pragma(name, wanted)
        if name in {"journal_mode", "synchronous"} and (found := connection.pragma(name)) != wanted:
            raise LedgerDamaged(f"{path}: {name} is {found!r}, not {wanted!r}; nothing was changed. Is the disk local?")
    _require_checksums(connection, path)
    if connection.pragma("user_version") > len(_migrations()):
        raise LedgerDamaged(
            f"{path}: written by a newer version of this program. Nothing was changed. Use that version, or put the"
            " files of `before-upgrade-…` back, which forgets what happened since."
        )
    migrate(connection)


def open_reader(path: Path, *, older: bool = False) -> apsw.Connection:
    """Open the ledger read-only. Raises `LedgerDamaged` when there is none, or when it is not a ledger.

    One that a newer program has migrated can be read, for scripts only add; an `older` one only to be copied.
    """
    if not path.exists():
        raise LedgerDamaged(f"{path}: there is no ledger here. Nothing was changed. `exchange init` makes one.")
    load_checksums()
    connection = _connect(path, apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(5_000)
    try:
        version = connection.pragma("user_version")
        _require_checksums(connection, path)
    except apsw.Error as error:
        connection.close()
        raise damaged(path, error) from error
    if version < len(_migrations()) and not older:
        connection.close()
        found = f"{path}: schema {version}, this program reads {len(_migrations())}"
        raise LedgerDamaged(
            f"{found}. Nothing was changed. `exchange upgrade --dir {path.parent}` brings it up to date."
        )
    return connection


def newest() -> int:
    """The number of the newest script."""
    return len(_migrations())


def versions(path: Path) -> tuple[int, int]:
    """How many scripts the ledger has seen, and how many there are. Raises `LedgerDamaged`."""
    reader = open_reader(path, older=True)
    try:
        return int(reader.pragma("user_version")), len(_migrations())
    finally:
        reader.close()


def open_copy(path: Path, source: apsw.Connection) -> apsw.Connection:
    """A new file, mode 0600, for a copy of what `source` has open: nothing waits for the disk.

    Its pages get checksums where those of the source have them; a file of before has none yet.
    """
    load_checksums()
    path.touch(mode=0o600, exist_ok=False)
    connection = _connect(path, apsw.SQLITE_OPEN_READWRITE)
    for name, wanted in (("journal_mode", "off"), ("synchronous", 0)):
        connection.pragma(name, wanted)
    if source.reserve_bytes() == _CHECKSUM_BYTES:
        connection.reserve_bytes(reserve=_CHECKSUM_BYTES)
        connection.execute("CREATE TABLE first_page (content)")  # the checksums begin with the first page that says so
    return connection


def open_checkpointer(path: Path) -> apsw.Connection:
    """Open the ledger for nothing but folding its WAL into it, as carefully as the writer would."""
    connection = _connect(path, apsw.SQLITE_OPEN_READWRITE)
    for name, wanted in (("synchronous", 2), ("checksum_verification", 1), ("wal_autocheckpoint", 0)):
        connection.pragma(name, wanted)
    connection.pragma("journal_mode")  # reads the file, so that SQLite knows of the WAL
    return connection


def _require_checksums(connection: apsw.Connection, path: Path) -> None:
    if connection.reserve_bytes() != _CHECKSUM_BYTES:
        raise LedgerDamaged(f"{path}: pages carry no checksums, so this is not our file. Nothing was changed.")


def _migrations() -> list[str]:
    folder = resources.files("exchange.ledger") / "migrations"
    scripts = sorted((script for script in folder.iterdir() if script.name.endswith(".sql")), key=lambda s: s.name)
    return [script.read_text(encoding="utf-8") for script in scripts]


def migrate(connection: apsw.Connection) -> None:
    """Run the numbered scripts that this file has not seen, each in one transaction with its number."""
    for number, script in enumerate(_migrations(), 1):
        if number <= connection.pragma("user_version"):
            continue
        with connection:
            connection.execute(script)
            if BACKFILLED in script:
                backfill.fill(connection)
            connection.pragma("user_version", number)


def schema(connection: apsw.Connection) -> list[tuple[str, str, str, str | None]]:
    """Every table, index, view and trigger of the ledger: type, name, table and SQL, in order."""
    select = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    return [(str(kind), str(name), str(table), sql) for kind, name, table, sql in connection.execute(select)]


def schema_at(version: int) -> list[tuple[str, str, str, str | None]]:
    """What `schema` says of a ledger that has seen the first `version` scripts and nothing else."""
    connection = apsw.Connection(":memory:")
    try:
        for script in _migrations()[:version]:
            connection.execute(script)
        return schema(connection)
    finally:
        connection.close()
