"""What the cold wallet's own transactions cost: seen in blocks, since whoever signs and sends them asks nobody here.

Of coins that are counted one by one the cost is what goes in less what comes out, which is known where all that goes
in is ours. On chains of accounts the receipt says it, of failed transactions too. What a cold wallet pays to others is
in no row: it is missing at the next reconciliation, as it must be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import apsw

from exchange.custody.port import Block

_KEEP: Final = """
INSERT INTO cold_spendings (chain, txid, height, cost) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (chain, txid) DO UPDATE SET height = ?3
"""
_COINS: Final = """
SELECT spent_by, count(*), group_concat(amount) FROM incoming WHERE chain = ?1 AND spent_at = ?2
GROUP BY spent_by HAVING max(purpose IN (5, 6))
"""
_SENDER: Final = "SELECT 1 FROM addresses WHERE chain = ? AND key = ? AND purpose IN (5, 6)"


def note(db: apsw.Connection, chain: str, block: Block) -> None:
    """Keep what this block's cold transactions cost. Within its transaction, its coins marked as spent already."""
    costs = _of_coins(db, chain, block) | _of_accounts(db, chain, block)
    for txid, cost in costs.items():
        db.execute(_KEEP, (chain, txid, block.header.height, str(cost)))


def undo(db: apsw.Connection, chain: str, height: int) -> None:
    """The blocks above `height` count no more. What was booked is not booked again if it is mined again."""
    db.execute("UPDATE cold_spendings SET height = 0 WHERE chain = ? AND height > ?", (chain, height))


def cost_up_to(db: apsw.Connection, chain: str, height: int) -> int:
    """What they cost in all, up to a block, in the chain's unit."""
    rows = db.execute("SELECT cost FROM cold_spendings WHERE chain = ? AND height BETWEEN 1 AND ?", (chain, height))
    return sum(int(cost) for (cost,) in rows)


def _of_coins(db: apsw.Connection, chain: str, block: Block) -> dict[str, int]:
    """Of those that pay us something (their change, say): a block shows these whole."""
    spends = Counter(txid for _, txid in block.spent) if block.totals else Counter[str]()
    found: dict[str, int] = {}
    for txid, count, amounts in db.execute(_COINS, (chain, block.header.height)):
        if txid in block.totals and spends[str(txid)] == count:
            found[str(txid)] = sum(map(int, str(amounts).split(","))) - block.totals[str(txid)]
    return found


def _of_accounts(db: apsw.Connection, chain: str, block: Block) -> dict[str, int]:
    costs: Mapping[str, int] = {one.txid: one.cost for one in block.mined}
    senders = {txid: claim.rpartition(":")[0] for claim, txid in block.spent if txid in costs}
    return {txid: costs[txid] for txid, sender in senders.items() if db.execute(_SENDER, (chain, sender)).fetchone()}
