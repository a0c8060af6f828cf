"""The audit trail: what operators did or tried, each row chained to the one before, so that nothing vanishes unseen.

A changed or missing row breaks the chain; a chain cut off at its end still holds, so the newest number and hash also
stand in a small file beside the office (`trail.head`), to be copied off the machine.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import apsw
import msgspec

from exchange.clock import Clock
from exchange.core.units import Micros

Stage = Literal["asked", "done", "refused", "failed"]

_START: Final = bytes(32)
_MAX_DETAIL: Final = 4_096
_WHAT_NOW: Final = (
    "Nothing was changed. Find out who could write to the data folder. If you restored an older office on purpose, "
    "keep trail.head as evidence and move it out of the folder."
)


class TrailBroken(Exception):
    """The trail was altered or cut. The message names the first row that does not fit."""


class Entry(msgspec.Struct, frozen=True):
    """A row of the trail. `act` is the number of the 'asked' row that this one follows up, or 0."""

    seq: int
    time: Micros
    operator: str
    uid: int
    act: int
    stage: Stage
    method: str
    detail: str


class Head(msgspec.Struct, frozen=True):
    """How far the trail goes: the newest number (0: empty) and its hash in hex."""

    seq: int
    hash: str


class Trail:
    """Writes and verifies the trail. Every entry is on disk when it returns."""

    __slots__ = ("_clock", "_db", "_hash", "_head_file", "_seq")

    def __init__(self, db: apsw.Connection, clock: Clock, head_file: Path) -> None:
        """Go on after the newest row. Raises `TrailBroken` when the trail ends before the head file says it does."""
        self._db = db
        self._clock = clock
        self._head_file = head_file
        newest = head_within(db, read_head(head_file))
        self._seq: int = newest.seq
        self._hash: bytes = bytes.fromhex(newest.hash)

    @property
    def head(self) -> Head:
        """The newest number and hash."""
        return Head(self._seq, self._hash.hex())

    def asked(self, operator: str, uid: int, method: str, detail: str) -> int:
        """Record an act before it is done; the number to give to `settled` afterwards."""
        return self._write(operator, uid, 0, "asked", method, detail)

    def settled(self, act: int, operator: str, uid: int, stage: Stage, method: str, detail: str) -> None:
        """Record what became of act number `act`."""
        self._write(operator, uid, act, stage, method, detail)

    def refused(self, operator: str, uid: int, method: str, detail: str) -> None:
        """Record what somebody tried and may not do."""
        self._write(operator, uid, 0, "refused", method, detail)

    def tail(self, limit: int) -> list[Entry]:
        """The newest `limit` entries, oldest first."""
        rows = self._db.execute(f"{_SELECT} ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
        return [Entry(*row[:8]) for row in reversed(rows)]

    def after(self, seq: int, limit: int) -> list[Entry]:
        """The first `limit` entries after number `seq`."""
        rows = self._db.execute(f"{_SELECT} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [Entry(*row[:8]) for row in rows]

    def _write(self, operator: str, uid: int, act: int, stage: Stage, method: str, detail: str) -> int:
        entry = Entry(self._seq + 1, self._clock.now(), operator, uid, act, stage, method, detail[:_MAX_DETAIL])
        digest = _digest(self._hash, entry)
        self._db.execute(
            "INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*msgspec.structs.astuple(entry), digest)
        )
        self._seq, self._hash = entry.seq, digest
        write_head(self._head_file, self.head)  # after the row: the file is never ahead of the disk
        return entry.seq


_SELECT: Final = "SELECT seq, time, operator, uid, act, stage, method, detail, hash FROM trail"


def _digest(before: bytes, entry: Entry) -> bytes:
    """JSON arrays leave no doubt where one column ends and the next begins."""
    return hashlib.sha256(before + msgspec.json.encode(msgspec.structs.astuple(entry))).digest()


def read_head(path: Path) -> Head | None:
    """The head as last written, here or off the machine; None when there is no file. Raises `TrailBroken`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Head)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TrailBroken(f"{path}: this is not the head of an audit trail. Nothing was changed.") from error


def write_head(path: Path, head: Head) -> None:
    """Replace a head file; it is not synced."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(head) + b"\n")
    fresh.replace(path)


def head_within(db: apsw.Connection, known: Head | None) -> Head:
    """Where the trail in `db` ends. Raises `TrailBroken` when that is before `known`, or on another chain."""
    _refuse_truncation(db, known)
    newest = db.execute("SELECT seq, hash FROM trail ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(newest[0], newest[1].hex()) if newest else Head(0, _START.hex())


def _refuse_truncation(db: apsw.Connection, head: Head | None) -> None:
    """The trail must contain the row that `head` names, with that hash."""
    if head is None or head.seq == 0:
        return
    row = db.execute("SELECT hash FROM trail WHERE seq = ?", (head.seq,)).fetchone()
    if row is None:
        raise TrailBroken(f"audit trail: row {head.seq} was written once and is missing. {_WHAT_NOW}")
    if row[0].hex() != head.hash:
        raise TrailBroken(f"audit trail: row {head.seq} is not the one that was written. {_WHAT_NOW}")


def verify_file(path: Path, head: Head | None) -> Head:
    """`verify_trail` for a file that may be in use; nothing is written. Raises `TrailBroken`."""
    if not path.exists():
        raise TrailBroken(f"{path}: there is no office here. Nothing was changed. Is this the data folder?")
    db = apsw.Connection(f"file:{quote(str(path))}?mode=ro", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        return verify_trail(db, head)
    except apsw.Error as error:
        raise TrailBroken(f"{path}: it cannot be read ({error}). Nothing was changed. Restore a backup.") from error
    finally:
        db.close()


def verify_trail(db: apsw.Connection, head: Head | None) -> Head:
    """Recompute the whole chain and compare it with a head that was kept elsewhere; where the trail ends now.

    Raises `TrailBroken` naming the first row that was edited, is missing, or was cut off.
    """
    seq, before = 0, _START
    for row in db.execute(f"{_SELECT} ORDER BY seq"):
        entry, digest = Entry(*row[:8]), row[8]
        if entry.seq != seq + 1:
            raise TrailBroken(f"audit trail: row {seq + 1} is missing.")
        if _digest(before, entry) != digest:
            raise TrailBroken(f"audit trail: row {entry.seq} was altered.")
        seq, before = entry.seq, digest
    _refuse_truncation(db, head)
    return Head(seq, before.hex())
