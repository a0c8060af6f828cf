"""The rows of custody.db that say when chains, books and ledger were compared, and what came of it."""

from __future__ import annotations

from typing import Final

import apsw
import msgspec

from exchange.core.units import AssetId, Micros

_KEPT: Final = 1_000
_COLUMNS: Final = "asset, chain, height, hash, node, own, terms, verdict, time"


class Reconciled(msgspec.Struct, frozen=True):
    """One comparison; `verdict` is empty where all agrees. Amounts in the asset's finest unit, in digits."""

    asset: AssetId
    chain: str
    height: int
    hash: str
    node: str
    own: str
    terms: str
    verdict: str
    time: Micros


def put(db: apsw.Connection, row: Reconciled) -> None:
    """Keep it; of each asset and chain the newest are kept."""
    db.execute(f"INSERT INTO reconciled ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(row))
    db.execute(
        "DELETE FROM reconciled WHERE asset = ?1 AND chain = ?2 AND number <="
        " (SELECT number FROM reconciled WHERE asset = ?1 AND chain = ?2 ORDER BY number DESC LIMIT 1 OFFSET ?3)",
        (row.asset, row.chain, _KEPT),
    )


def newest(db: apsw.Connection) -> list[Reconciled]:
    """The last comparison of each asset on each chain."""
    last = "SELECT max(number) FROM reconciled GROUP BY asset, chain"
    rows = db.execute(f"SELECT {_COLUMNS} FROM reconciled WHERE number IN ({last}) ORDER BY asset, chain")
    return [Reconciled(*row) for row in rows]
