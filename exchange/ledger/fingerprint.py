"""A ledger in a few lines: where its journal ends, what people have in all, what rests in the books.

Two copies with one fingerprint hold the same money and the same orders. It is read from the current rows; that these
follow from the journal is what `reconcile` proves.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import apsw
import msgspec

from exchange.core.units import Micros, Seq
from exchange.ledger import db
from exchange.ledger.excerpts import newest_row
from exchange.ledger.journal import GENESIS_HASH

_SUMS: Final = (
    "SELECT code, CASE bucket WHEN 0 THEN 'available' WHEN 1 THEN 'held' ELSE 'receivable' END, sum(amount)"
    " FROM balance_sheet JOIN assets ON assets.id = asset WHERE account >= 100 GROUP BY code, bucket"
)
_BOOKS: Final = (
    "SELECT id, account, market, side, price, stop_price, quantity, filled, hold, booked FROM orders"
    " WHERE status <= 2 ORDER BY id"
)


class Fingerprint(msgspec.Struct, frozen=True):
    """`time` is the last batch's. `sums`: "BTC held" and the like to atoms, as text. `books`: digest of open orders."""

    seq: Seq
    hash: str
    time: Micros
    epoch: int
    open_orders: int
    books: str
    sums: dict[str, str]


def read_fingerprint(path: Path) -> Fingerprint:
    """Of a ledger as of its last commit. Raises `LedgerDamaged`."""
    connection = db.open_reader(path)
    try:
        connection.execute("BEGIN")
        return _read(connection)
    except apsw.Error as error:
        raise db.damaged(path, error) from error
    finally:
        connection.close()


def _read(connection: apsw.Connection) -> Fingerprint:
    newest = newest_row(connection)
    epoch = connection.execute("SELECT coalesce(max(number), 1) FROM epochs").get
    digest, count = hashlib.sha256(), 0
    for row in connection.execute(_BOOKS):
        digest.update(msgspec.json.encode(row))
        count += 1
    return Fingerprint(
        newest.last if newest else Seq(0),
        (newest.hash if newest else GENESIS_HASH).hex(),
        newest.time if newest else Micros(0),
        epoch,
        count,
        digest.hexdigest(),
        {f"{code} {bucket}": str(total) for code, bucket, total in connection.execute(_SUMS)},
    )
