"""What the house owes its people, asset by asset, as of one number of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import apsw
import msgspec

from exchange.core.market import Asset
from exchange.core.postings import FIRST_TRADER, Bucket, split_key
from exchange.core.units import AccountId, AssetId, BalanceKey, Micros
from exchange.ledger import db


class Owed(msgspec.Struct, frozen=True):
    """What one account has of one asset, in atoms."""

    available: int
    held: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.available + self.held


class Liabilities(msgspec.Struct, frozen=True):
    """Everybody's money after event `seq`, whose batch ended with journal hash `hash`. Debts to the house are left out:
    they are nobody else's money.
    """

    seq: int
    hash: bytes
    time: Micros
    assets: Mapping[AssetId, Asset]
    names: Mapping[AccountId, str]
    owed: Mapping[AssetId, Mapping[AccountId, Owed]]


def read_liabilities(path: Path) -> Liabilities:
    """Read them, all in one view of the file; beside a running server too. Raises `LedgerDamaged`."""
    connection = db.open_reader(path)
    try:
        with connection:  # one moment, whatever is committed meanwhile
            found = _read(connection)
    except apsw.Error as error:
        raise db.damaged(path, error) from error
    finally:
        connection.close()
    return found


def _read(connection: apsw.Connection) -> Liabilities:
    last = connection.execute("SELECT last_seq, hash, time FROM journal ORDER BY first_seq DESC LIMIT 1").fetchone()
    seq, head, time = last or (0, bytes(32), 0)
    assets = {
        AssetId(number): Asset(AssetId(number), code, decimals)
        for number, code, decimals in connection.execute("SELECT id, code, decimals FROM assets ORDER BY id")
    }
    names = {AccountId(number): str(name) for number, name in connection.execute("SELECT id, name FROM accounts")}
    owed: dict[AssetId, dict[AccountId, Owed]] = {asset: {} for asset in assets}
    for key, amount in connection.execute("SELECT key, amount FROM balances WHERE amount > 0 ORDER BY key"):
        account, asset, bucket = split_key(BalanceKey(key))
        if account < FIRST_TRADER or bucket is Bucket.RECEIVABLE:
            continue
        had = owed[asset].get(account, Owed(0, 0))
        if bucket is Bucket.AVAILABLE:
            owed[asset][account] = Owed(had.available + amount, had.held)
        else:
            owed[asset][account] = Owed(had.available, had.held + amount)
    return Liabilities(int(seq), bytes(head), Micros(time), assets, names, owed)
