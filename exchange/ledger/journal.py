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
from exchange.core.units import MAX_STORED, Micros, Seq
from exchange.ledger import db
from exchange.ledger.rows import Frozen

GENESIS_HASH: Final = hashlib.sha256(b"onebox-exchange journal 1").digest()

_ENCODER: Final = msgspec.msgpack.Encoder()
DECODER: Final = msgspec.msgpack.Decoder(tuple[Event, ...])


def _insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"


def _upsert(table: str, columns: int, key: str, *assignments: str) -> str:
    """Insert, or on the same key do `assignments`; a bare column name takes the new value."""
    changes = [one if " = " in one else f"{one} = excluded.{one}" for one in assignments]
    return f"{_insert(table, columns)} ON CONFLICT ({key}) DO UPDATE SET {', '.join(changes)}"


def _update_order(columns: tuple[str, ...]) -> str:
    return f"UPDATE orders SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?"


def _added(*columns: str) -> list[str]:
    """Sums that stop at the largest whole number there is, as `rows.capped` does: SQLite would make a float of more."""
    return [
        f"{column} = CASE WHEN {column} > {MAX_STORED} - excluded.{column} THEN {MAX_STORED}"
        f" ELSE {column} + excluded.{column} END"
        for column in columns
    ]


_ORDER_CHANGES: Final = ("status", "filled", "filled_quote", "hold", "working", "booked", "updated")
_SPECIAL_CHANGES: Final = (
    "client_id",
    "quantity",
    "worked",
    "shown",
    "prevented",
    "prevented_match",
    "amendments",
    "trailing_time",
    "trailing_trade",
    "trailed",
    "due",
)

# The fields of `Frozen` that are tables, in the order of writing, and how their rows are written.
_STATEMENTS: Final = {
    "assets": _insert("assets", 3),
    "markets": _upsert("markets", 7, "id", "rules", "phase", "last_price", "next_trade", "next_aggregate"),
    "tier_fees": _upsert("tier_fees", 4, "market, tier", "maker_fee", "taker_fee"),
    "accounts": _upsert("accounts", 6, "id", "tier", "frozen", "seq"),
    "credits": _insert("credits", 2),
    "deposits": _upsert("deposits", 5, "key", "state"),
    "withdrawals": _upsert("withdrawals", 5, "key", "state"),
    "postings": "INSERT INTO postings (seq, debit, credit, amount) VALUES (?, ?, ?, ?)",
    "balances": _upsert("balances", 2, "key", "amount"),
    "fresh_orders": _insert("orders", 34),
    "changed_orders": _update_order(_ORDER_CHANGES),
    "special_orders": _update_order(_SPECIAL_CHANGES),
    "order_lists": _upsert("order_lists", 10, "id", "status", "names", "updated"),
    "trades": _insert("trades", 15),
    "bars": _upsert(
        "bars",
        13,
        "market, minute",
        "high = max(high, excluded.high)",
        "low = min(low, excluded.low)",
        *_added("quantity", "notional", "count", "taker_buy_quantity", "taker_buy_notional"),
        "close",
        "last_trade",
    ),
    "account_events": _insert("account_events", 3),
    "balance_marks": _insert("balance_marks", 4),
    "keys_dropped": "DELETE FROM idempotency_keys WHERE account = ? AND key = ?",
    "keys": _insert("idempotency_keys", 6),
    "countdowns": _upsert("countdowns", 3, "account, market", "due"),
    "countdowns_over": "DELETE FROM countdowns WHERE account = ? AND market = ?",
    "sessions": _upsert("armed_sessions", 4, "account, session", "since", "markets"),
    "sessions_over": "DELETE FROM armed_sessions WHERE account = ? AND session = ?",
}


def link(before: bytes, first: int, last: int, time: int, events: bytes) -> bytes:
    """The hash of one journal row, given the hash of the row before."""
    head = b"".join(number.to_bytes(8, "big") for number in (first, last, time))
    return hashlib.sha256(before + head + events).digest()


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
        """Open or create the ledger at `path`. Raises `LedgerDamaged` when the journal ends before its head."""
        self.path = path
        self.connection = db.open_writer(path)
        row = self.connection.execute(
            "SELECT last_seq, time, hash FROM journal ORDER BY first_seq DESC LIMIT 1",
        ).fetchone()
        self.last_seq: Seq
        self.last_time: Micros
        self.last_hash: bytes
        self.last_seq, self.last_time, self.last_hash = row or (Seq(0), Micros(0), GENESIS_HASH)
        try:
            check_head(self.connection, path)
            self._head = Head(head_path(path))
        except BaseException:
            self.connection.close()
            raise

    def commit(self, frozen: Frozen) -> None:
        """Write all rows of a batch in one transaction; when this returns they are on the disk."""
        committed = frozen.committed
        if committed.first != self.last_seq + 1:
            raise AssertionError(f"batch begins at {committed.first}, the journal ends at {self.last_seq}")
        events = _ENCODER.encode(committed.events)
        digest = link(self.last_hash, committed.first, committed.last, committed.time, events)
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?)",
            (committed.first, committed.last, committed.time, events, digest),
        )
        for field, statement in _STATEMENTS.items():
            rows = getattr(frozen, field)
            if rows:
                connection.executemany(statement, rows)
        connection.execute("COMMIT")
        self.last_seq, self.last_time, self.last_hash = committed.last, committed.time, digest
        self._head.write(committed.last, digest)

    def close(self) -> None:
        """Close the ledger; SQLite folds the WAL into the file."""
        self._head.close()
        self.connection.close()


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
