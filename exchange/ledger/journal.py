"""The only writes to the ledger: one batch, one transaction, one link of the hash chain.

After each commit the small file `ledger.head` beside the database is given the last number and hash. It is not
synced, so it is never ahead of the disk; a journal that ends before its head was cut short.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import Final

import apsw
import msgspec

from exchange.core.events import Event
from exchange.core.units import Micros, Seq
from exchange.ledger import db
from exchange.ledger.checkpoints import Checkpoints
from exchange.ledger.rows import Frozen
from exchange.ledger.statements import STATEMENTS

GENESIS_HASH: Final = hashlib.sha256(b"onebox-exchange journal 1").digest()

_ENCODER: Final = msgspec.msgpack.Encoder()
DECODER: Final = msgspec.msgpack.Decoder(tuple[Event, ...])


def link(before: bytes, first: int, last: int, time: int, events: bytes) -> bytes:
    """The hash of one journal row, given the hash of the row before."""
    head = b"".join(number.to_bytes(8, "big") for number in (first, last, time))
    return hashlib.sha256(before + head + events).digest()


class JournalRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of the journal as it is stored."""

    first: Seq
    last: Seq
    time: Micros
    events: bytes
    hash: bytes


class Head:
    """The head file: the last committed number and hash, with a checksum of its own."""

    def __init__(self, path: Path) -> None:
        """Open or create the file at `path`."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, seq: Seq, digest: bytes) -> None:
        """Note the newest commit."""
        content = seq.to_bytes(8, "big") + digest
        os.pwrite(self._file, content + zlib.crc32(content).to_bytes(4, "big"), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_head(path: Path) -> tuple[Seq, bytes] | None:
    """(last number, its hash), or None where there is no head file or it is torn."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(content) != 44 or zlib.crc32(content[:40]).to_bytes(4, "big") != content[40:]:
        return None
    return Seq(int.from_bytes(content[:8], "big")), content[8:40]


class Journal:
    """The ledger's one writer. Whatever `commit` raises means: the outcome is unknown, end the process."""

    def __init__(self, path: Path) -> None:
        """Open or create the ledger at `path`.

        Raises `LedgerDamaged` when the journal ends before its head, or cannot be read.
        """
        self.path = path
        self.connection = db.open_writer(path)
        self.last_seq: Seq
        self.last_time: Micros
        self.last_hash: bytes
        try:
            self.last_seq, self.last_time, self.last_hash = _last(self.connection)
            check_head(self.connection, path)
            self._head = Head(head_path(path))
            self._checkpoints = Checkpoints(path, self.connection)
        except BaseException as error:
            self.connection.close()
            if isinstance(error, apsw.Error):
                raise db.damaged(path, error) from error
            raise

    def commit(self, frozen: Frozen) -> None:
        """Write all rows of a batch in one transaction; when this returns they are on the disk. Raises `DiskFailed`."""
        committed = frozen.committed
        if committed.first != self.last_seq + 1:
            raise AssertionError(f"batch begins at {committed.first}, the journal ends at {self.last_seq}")
        events = _ENCODER.encode(committed.events)
        digest = link(self.last_hash, committed.first, committed.last, committed.time, events)
        self._write(frozen, events, digest)

    def adopt(self, row: JournalRow, frozen: Frozen) -> None:
        """Write a batch again that a copy of this journal has: its very bytes, and `frozen`, which follows from them.

        Raises `LedgerDamaged` where it is not the next link of the chain.
        """
        if row.first != self.last_seq + 1 or row.hash != link(
            self.last_hash, row.first, row.last, row.time, row.events
        ):
            raise db.LedgerDamaged(
                f"{self.path.name}: the journal ends with event {self.last_seq}, and the batch from event {row.first}"
                " does not follow on it. A piece is missing or was altered."
            )
        self._write(frozen, row.events, row.hash)

    def _write(self, frozen: Frozen, events: bytes, digest: bytes) -> None:
        committed = frozen.committed
        try:
            self._transact(frozen, events, digest)
            self.last_seq, self.last_time, self.last_hash = committed.last, committed.time, digest
            self._head.write(committed.last, digest)
            self._checkpoints.committed()
        except (apsw.Error, OSError) as error:
            raise db.disk_failed(self.path, error) from error

    def _transact(self, frozen: Frozen, events: bytes, digest: bytes) -> None:
        committed, connection = frozen.committed, self.connection
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?)",
            (committed.first, committed.last, committed.time, events, digest),
        )
        for field, write in STATEMENTS.items():
            rows = getattr(frozen, field)
            if rows:
                write(connection, rows)
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close the ledger; SQLite folds the WAL into the file."""
        try:
            self._checkpoints.close()
        finally:
            self._head.close()
            self.connection.close()


def _last(connection: apsw.Connection) -> tuple[Seq, Micros, bytes]:
    """Number, time and hash of the newest commit."""
    row = connection.execute("SELECT last_seq, time, hash FROM journal ORDER BY first_seq DESC LIMIT 1").fetchone()
    return row or (Seq(0), Micros(0), GENESIS_HASH)


def write_head(path: Path, newest: JournalRow | None) -> None:
    """Note in a head file what a copy of a ledger ends with."""
    head = Head(path)
    if newest is not None:
        head.write(newest.last, newest.hash)
    head.close()


def head_path(ledger: Path) -> Path:
    """Where the head file of a ledger lies."""
    return ledger.with_suffix(".head")


def check_head(connection: apsw.Connection, path: Path) -> None:
    """Raise `LedgerDamaged` when the journal does not reach, or does not agree with, its head file."""
    head = read_head(head_path(path))
    if head is None:
        return
    seq, digest = head
    row = connection.execute(
        "SELECT last_seq, hash FROM journal WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1",
        (seq,),
    ).fetchone()
    if row != (seq, digest):
        raise db.LedgerDamaged(
            f"{path}: the journal was cut short or changed: {head_path(path).name} knows event {seq}, the journal does"
            " not end in it or beyond. Nothing was changed. Keep both files, and restore a backup.",
        )
