"""Deposits as they are shown: to their owners and to operators, the newest first."""

from __future__ import annotations

from typing import Final

import apsw
import msgspec

from exchange.core.units import AccountId, AssetId, Micros
from exchange.custody.deposits.confirmations import HOUSE
from exchange.custody.deposits.incoming_rows import Row
from exchange.custody.port import Purpose

MAX_ROWS: Final = 1_000
_COLUMNS: Final = ", ".join(f"i.{name}" for name in Row.__struct_fields__)


class Shown(msgspec.Struct, frozen=True):
    """A deposit, its number in the order in which they were seen, and the address that it paid."""

    number: int
    address: str
    row: Row


def deposits(
    db: apsw.Connection,
    *,
    account: AccountId | None = None,
    asset: AssetId | None = None,
    state: int | None = None,
    txid: str = "",
    start: Micros = Micros(0),  # noqa: B008  # a number
    end: Micros | None = None,
    before: int | None = None,
    offset: int = 0,
    limit: int = MAX_ROWS,
) -> list[Shown]:
    """What fits all that is given: seen from `start` to `end` (both inclusive), with a number below `before`."""
    given = {
        "i.account = ?": account,
        "i.asset = ?": asset,
        "i.state = ?": state,
        "i.txid = ?": txid or None,
        "i.seen >= ?": start or None,
        "i.seen <= ?": end,
        "i.rowid < ?": before,
    }
    wanted = {clause: value for clause, value in given.items() if value is not None}
    where = " AND ".join(["i.purpose = ?", "i.state <> ?", *wanted])
    found = db.execute(
        f"SELECT i.rowid, a.address, {_COLUMNS} FROM incoming AS i"
        f" JOIN addresses AS a ON a.chain = i.chain AND a.key = i.to_key WHERE {where}"
        " ORDER BY i.rowid DESC LIMIT ? OFFSET ?",
        (Purpose.DEPOSIT, HOUSE, *wanted.values(), limit, offset),
    )
    return [Shown(int(number), str(address), Row(*values)) for number, address, *values in found]
