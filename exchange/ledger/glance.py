"""A quick look at a ledger beside whoever writes it: does it reach its head, are its pages whole, when did it end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from exchange.core.units import Micros
from exchange.ledger import db
from exchange.ledger.journal import check_head


class Glance(msgspec.Struct, frozen=True):
    """`last` is when its last event happened, 0 before the first; `problem` the first one of its pages, or ""."""

    last: Micros
    problem: str


def glance(path: Path) -> Glance:
    """Look. Takes as long as reading the file does. Raises `LedgerDamaged`."""
    with db.readable(path, db.LedgerDamaged), closing(db.open_reader(path)) as reader:
        reader.execute("BEGIN")
        check_head(reader, path)
        row = reader.execute("SELECT time FROM journal ORDER BY first_seq DESC LIMIT 1").fetchone()
        ((said,),) = reader.execute("PRAGMA quick_check(1)")
        return Glance(Micros(row[0] if row else 0), "" if said == "ok" else str(said))
