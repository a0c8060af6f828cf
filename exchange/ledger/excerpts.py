"""The journal as it lies in the file, read under one snapshot beside whoever writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw

from exchange.core.units import Seq
from exchange.ledger import db
from exchange.ledger.journal import GENESIS_HASH, JournalRow, check_head


class Excerpts:
    """One snapshot of a ledger's journal. A damaged page raises `LedgerDamaged`."""

    def __init__(self, path: Path) -> None:
        """Raises `LedgerDamaged`, also when the journal ends before its head."""
        self._path = path
        self._connection = db.open_reader(path)
        try:
            self._connection.execute("BEGIN")
            check_head(self._connection, path)
            self.newest = newest_row(self._connection)
            """The last row; None before the first."""
        except BaseException as error:
            self._connection.close()
            if isinstance(error, apsw.Error):
                raise db.damaged(path, error) from error
            raise

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of the row that ends with event `seq` (0: what the chain begins with); None where no row does."""
        if not seq:
            return GENESIS_HASH
        try:
            row = self._connection.execute(
                "SELECT last_seq, hash FROM journal WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1", (seq,)
            ).fetchone()
        except apsw.Error as error:
            raise db.damaged(self._path, error) from error
        return row[1] if row and row[0] == seq else None

    def rows_after(self, seq: Seq) -> Iterator[JournalRow]:
        """The rows that come after event `seq`, in order; they are read as they are asked for."""
        try:
            for row in self._connection.execute("SELECT * FROM journal WHERE first_seq > ? ORDER BY first_seq", (seq,)):
                yield JournalRow(*row)
        except apsw.Error as error:
            raise db.damaged(self._path, error) from error

    def close(self) -> None:
        """Give the snapshot up."""
        self._connection.close()


def newest_row(connection: apsw.Connection) -> JournalRow | None:
    """The journal's last row; None before the first."""
    row = connection.execute("SELECT * FROM journal ORDER BY first_seq DESC LIMIT 1").fetchone()
    return JournalRow(*row) if row else None
