"""An account's allow-list: the addresses that it may withdraw to, each some time after it was put there."""

from __future__ import annotations

from typing import Final

import apsw
import msgspec

from exchange.core.units import AccountId, AssetId, Micros

MAX_DESTINATIONS: Final = 200
"""So many an account may have."""
MAX_LABEL: Final = 64


class Destination(msgspec.Struct, frozen=True):
    """One address for one asset; `added` is when it was put on the list."""

    account: AccountId
    asset: AssetId
    chain: str
    address: str
    label: str
    added: Micros


_SELECT: Final = "SELECT account, asset, chain, address, label, added FROM destinations WHERE account = ?"


def of_account(db: apsw.Connection, account: AccountId) -> list[Destination]:
    """The whole list, the oldest first."""
    return [Destination(*row) for row in db.execute(f"{_SELECT} ORDER BY added, asset, chain, address", (account,))]


def find(db: apsw.Connection, account: AccountId, asset: AssetId, chain: str, address: str) -> Destination | None:
    """The address, if it is on the list."""
    where = f"{_SELECT} AND asset = ? AND chain = ? AND address = ?"
    row = db.execute(where, (account, asset, chain, address)).fetchone()
    return None if row is None else Destination(*row)


def add(db: apsw.Connection, one: Destination) -> bool:
    """Put it on the list; what stands there already stays as it is. False: the list is full."""
    if find(db, one.account, one.asset, one.chain, one.address) is not None:
        return True
    ((count,),) = db.execute("SELECT count(*) FROM destinations WHERE account = ?", (one.account,))
    if int(count) >= MAX_DESTINATIONS:
        return False
    db.execute("INSERT INTO destinations VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(one))
    return True


def label(db: apsw.Connection, one: Destination) -> None:
    """Name an address on the list that has no name yet."""
    mine = "account = ? AND asset = ? AND chain = ? AND address = ?"
    where = (one.account, one.asset, one.chain, one.address)
    db.execute(f"UPDATE destinations SET label = ? WHERE {mine} AND label = ''", (one.label, *where))


def remove(db: apsw.Connection, account: AccountId, asset: AssetId, chain: str, address: str) -> bool:
    """Take it off the list. False: it was not there."""
    where = (account, asset, chain, address)
    db.execute("DELETE FROM destinations WHERE account = ? AND asset = ? AND chain = ? AND address = ?", where)
    return db.changes() > 0
