"""The signer's record: every draft that it signed, on disk before the answer, chained and authenticated.

A file of its own, one row per draft. Each row's code (keyed BLAKE2b, the key is in the vault) covers the row and the
code before it, so an edit, a removal and a strange row are found when the record is opened. What a same-looking older
copy of the whole file would hide, only a copy kept elsewhere can tell: `head` is what to compare.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

from exchange.clock import Clock

DAY: Final = 24 * 3_600 * 1_000_000
"""Microseconds: limits are those of any 24 hours."""

_TABLES: Final = """
CREATE TABLE drafts (number INTEGER PRIMARY KEY, row BLOB NOT NULL, code BLOB NOT NULL) STRICT;
CREATE TABLE names (id TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE payments (id TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (id, number)) STRICT, WITHOUT ROWID;
"""
_GENESIS: Final = bytes(32)


class RecordDamaged(Exception):
    """The record is missing, altered or cut. Nothing is signed until an operator has looked."""


class Paid(msgspec.Struct, frozen=True, array_like=True):
    """One payment of a draft: its content's digest, and what it counts. `amount` is decimal text."""

    id: str
    digest: bytes
    contract: str
    amount: str
    approvals: int
    first: bool
    """The payment's first draft: only this one counts for the day, since only one of all can be mined."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One signed draft. `time` in microseconds, never falling; `cost` is fee and gas given away, decimal text."""

    time: int
    id: str
    chain: str
    wish: bytes
    """Digest of what was asked: the same id with another content is refused."""
    payments: tuple[Paid, ...]
    claims: tuple[str, ...]
    cost: str
    txid: str
    raw: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Entry).decode


def create_record(path: Path) -> None:
    """An empty record, mode 0600. Raises `RecordDamaged` when there is a file."""
    if path.exists():
        raise RecordDamaged(f"{path}: there is a record already. It was not touched.")
    path.touch(mode=0o600)
    connection = _open(path)
    with connection:
        connection.execute(_TABLES)
    connection.close()


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    for name, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("trusted_schema", 0)):
        connection.pragma(name, wanted)
        if name != "trusted_schema" and (found := connection.pragma(name)) != wanted:
            raise RecordDamaged(f"{path}: {name} is {found!r}, not {wanted!r}. Nothing was changed. Is the disk local?")
    return connection


class Record:
    """The opened record; one process has it."""

    def __init__(self, path: Path, key: bytes, clock: Clock) -> None:
        """Open and check every row. Raises `RecordDamaged`."""
        if not path.exists():
            raise RecordDamaged(
                f"{path}: the signer's record is missing. Nothing is signed without it: what was paid already would be "
                "paid again. Bring it from its backup."
            )
        try:
            self._connection = _open(path)
            self._key = key
            self._clock = clock
            self._code = _GENESIS
            self._recent: deque[Entry] = deque()
            self.rows = 0
            self._check(path)
        except (apsw.Error, msgspec.DecodeError) as error:
            raise RecordDamaged(f"{path}: the record cannot be read ({error}). Bring it from its backup.") from error

    def _check(self, path: Path) -> None:
        for number, row, code in self._connection.execute("SELECT number, row, code FROM drafts ORDER BY number"):
            if number != self.rows + 1 or not hmac.compare_digest(code, self._next_code(row)):
                raise RecordDamaged(f"{path}: row {self.rows + 1} was altered or is missing. Nothing is signed.")
            self._remember(_decode(row), code)
        counted = "SELECT (SELECT count(*) FROM names), (SELECT count(*) FROM payments), count(*) FROM drafts"
        found = self._connection.execute(counted).get
        if found[:2] != (found[2], self._paid) or not self._indexed():
            raise RecordDamaged(f"{path}: its index was altered. Nothing is signed. Bring the file from its backup.")

    _paid = 0

    def _indexed(self) -> bool:
        """Whether every row is found by its names; there are as many names as there should be."""
        for number, row in self._connection.execute("SELECT number, row FROM drafts"):
            entry = _decode(row)
            if self._number(entry.id) != number:
                return False
            if any(number not in self._numbers(paid.id) for paid in entry.payments):
                return False
        return True

    @property
    def head(self) -> str:
        """The last row's code; "" when there is none. Two records with one head have the same rows."""
        return self._code.hex() if self.rows else ""

    def now(self) -> int:
        """The time, never before the last row's: a clock that is put back lifts no limit."""
        return max(self._clock.now(), self._recent[-1].time if self._recent else 0)

    def named(self, id: str) -> Entry | None:
        """What was signed under this id."""
        number = self._number(id)
        return None if number is None else self._entry(number)

    def with_payment(self, id: str) -> list[Entry]:
        """Every draft that has this payment, oldest first."""
        return [self._entry(number) for number in self._numbers(id)]

    def last_day(self) -> Iterator[Entry]:
        """What was signed in the last 24 hours."""
        since = self.now() - DAY
        while self._recent and self._recent[0].time <= since and len(self._recent) > 1:
            self._recent.popleft()
        return (entry for entry in self._recent if entry.time > since)

    def page(self, after: int, most: int) -> Sequence[tuple[int, Entry]]:
        """Rows with higher numbers, oldest first."""
        found = self._connection.execute(
            "SELECT number, row FROM drafts WHERE number > ? ORDER BY number LIMIT ?", (after, most)
        )
        return [(number, _decode(row)) for number, row in found]

    def add(self, entry: Entry) -> None:
        """Write a row; it is on disk when this returns. A disk error is raised, and ends the process."""
        row = _encode(entry)
        code, number = self._next_code(row), self.rows + 1
        with self._connection:
            self._connection.execute("INSERT INTO drafts VALUES (?, ?, ?)", (number, row, code))
            self._connection.execute("INSERT INTO names VALUES (?, ?)", (entry.id, number))
            for paid in entry.payments:
                self._connection.execute("INSERT INTO payments VALUES (?, ?)", (paid.id, number))
        self._remember(entry, code)

    def _remember(self, entry: Entry, code: bytes) -> None:
        self._code = code
        self.rows += 1
        self._paid += len(entry.payments)
        self._recent.append(entry)
        while self._recent[0].time <= entry.time - DAY:
            self._recent.popleft()

    def _next_code(self, row: bytes) -> bytes:
        return hashlib.blake2b(self._code + row, key=self._key, digest_size=32).digest()

    def _entry(self, number: int) -> Entry:
        return _decode(self._connection.execute("SELECT row FROM drafts WHERE number = ?", (number,)).get)

    def _number(self, id: str) -> int | None:
        found: int | None = self._connection.execute("SELECT number FROM names WHERE id = ?", (id,)).get
        return found

    def _numbers(self, id: str) -> list[int]:
        found = self._connection.execute("SELECT number FROM payments WHERE id = ? ORDER BY number", (id,))
        return [number for (number,) in found]
